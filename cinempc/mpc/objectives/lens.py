"""The lens: focal length, aperture, focus and sharpness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cinempc.mpc.objectives.objective import Num, Objective, Value
from cinempc.mpc.stage import Stage, hinge


@dataclass(frozen=True, kw_only=True, eq=False)
class FocalLength(Objective):
    """Focal length, mm: r = ln(f / f*), so that a percent counts the same at every length."""

    mm: Value

    unit: ClassVar[str] = "ln ratio"
    scale: ClassVar[float] = 0.02
    targets: ClassVar[tuple[str, ...]] = ("mm",)

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Natural logarithm of actual over target focal length."""
        return [stage.log_focal_length - np.log(target["mm"])]


@dataclass(frozen=True, kw_only=True, eq=False)
class Aperture(Objective):
    """f-number: r = 2 log2(N / N*), in stops."""

    f_number: Value

    unit: ClassVar[str] = "stops"
    scale: ClassVar[float] = 0.5
    targets: ClassVar[tuple[str, ...]] = ("f_number",)

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Difference in stops."""
        return [stage.stops - 2 / np.log(2.0) * np.log(target["f_number"])]


@dataclass(frozen=True, kw_only=True, eq=False)
class FocusOn(Objective):
    """The plane of focus on a subject's point: r = 1/F - 1/depth.

    With ``other``, between two subjects: ``share`` (0 to 1) of the way, in dioptres, to the same
    point of the other one. A rack focus moves the share.
    """

    subject: str
    point: str | float = "eyes"
    other: str | None = None
    share: Value | None = None

    unit: ClassVar[str] = "dioptres"
    scale: ClassVar[float] = 0.002
    targets: ClassVar[tuple[str, ...]] = ("share",)

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Focus error, dioptres."""
        target_focus = 1 / stage.depth(self.subject, self.point)
        if self.other is not None:
            share = target["share"]
            target_focus = (1 - share) * target_focus + share / stage.depth(self.other, self.point)
        return [stage.focus - target_focus]


@dataclass(frozen=True, kw_only=True, eq=False)
class DepthOfField(Objective):
    """Near and far limits of depth of field at distances from the camera, m.

    r = 1/D_near - 1/D_near*, 1/D_far - 1/D_far*, through the true formulas of focal length,
    focus distance and aperture. In dioptres both are smooth everywhere; a far limit at infinity
    is 0 (in metres they have a pole at the hyperfocal distance that traps a solver).
    """

    near: Value | None = None
    far: Value | None = None

    unit: ClassVar[str] = "dioptres"
    scale: ClassVar[float] = 0.005
    targets: ClassVar[tuple[str, ...]] = ("near", "far")

    def aim(self, name: str) -> Value:
        """A limit, m; infinity as a million kilometres, a nanodioptre."""
        return np.minimum(super().aim(name), 1e9)

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Errors of the limits, dioptres."""
        residuals: list[Num] = []
        if "near" in target:
            residuals.append(stage.near_limit() - 1 / target["near"])
        if "far" in target:
            residuals.append(stage.far_limit() - 1 / target["far"])
        return residuals


@dataclass(frozen=True, kw_only=True, eq=False)
class Sharp(Objective):
    """A subject inside the depth of field: r = max(0, |blur| - most), smoothed.

    The blur is that of the subject's point in circles of confusion, so 1 is the limit of
    sharpness; within ``most`` nothing is asked of the lens.
    """

    subject: str
    point: str | float = "eyes"
    most: Value = 0.6

    unit: ClassVar[str] = "circles of confusion"
    scale: ClassVar[float] = 0.25
    targets: ClassVar[tuple[str, ...]] = ("most",)

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Blur beyond what is allowed, circles of confusion."""
        blur = stage.blur(self.subject, self.point)
        return [hinge(np.sqrt(blur**2 + 1e-4) - target["most"], 0.1)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Soft(Objective):
    """A subject thrown out of focus: r = max(0, 1 - side · blur / least), smoothed.

    ``least`` is the target blur in circles of confusion; ``side`` +1 where the subject stands in
    front of the focus, -1 behind: with the side given there is one basin, not two.
    """

    subject: str
    point: str | float = "eyes"
    least: Value = 6.0
    side: Value = -1.0

    unit: ClassVar[str] = "fraction of the target blur"
    scale: ClassVar[float] = 0.2
    targets: ClassVar[tuple[str, ...]] = ("least", "side")

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Missing blur as a fraction of the target."""
        blur = stage.blur(self.subject, self.point)
        return [hinge(1 - target["side"] * blur / target["least"], 0.05)]
