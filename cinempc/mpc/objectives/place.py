"""Where the camera is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cinempc.mpc.objectives.objective import Num, Objective, Value
from cinempc.mpc.stage import Stage


@dataclass(frozen=True, kw_only=True, eq=False)
class Distance(Objective):
    """Distance from the camera to a subject's point: r = |p - s| - d*.

    With ``planar`` the height difference does not count.
    """

    subject: str
    metres: Value
    point: str | float = "eyes"
    planar: bool = False

    unit: ClassVar[str] = "m"
    scale: ClassVar[float] = 0.25
    targets: ClassVar[tuple[str, ...]] = ("metres",)

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Distance error, m."""
        x, y, z = stage.offset(self.subject, self.point)
        squared = x**2 + y**2 + (0.0 if self.planar else z**2)
        return [np.sqrt(squared + 1e-6) - target["metres"]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Viewpoint(Objective):
    """From which side the subject is seen.

    ``azimuth`` is the direction from the subject to the camera, rad: anticlockwise from east, or
    with ``relative`` from the subject's heading (0: the camera is in front of it, pi/2: on its
    left). Its two residuals are the difference of unit vectors, 2 sin(Δ/2) long: no jump at ±pi.
    ``elevation`` is the angle at which the camera stands above the point, rad.
    """

    subject: str
    point: str | float = "eyes"
    azimuth: Value | None = None
    elevation: Value | None = None
    relative: bool = True

    unit: ClassVar[str] = "rad"
    scale: ClassVar[float] = np.deg2rad(3.0)
    targets: ClassVar[tuple[str, ...]] = ("azimuth", "elevation")

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Differences of direction, rad."""
        x, y, z = stage.offset(self.subject, self.point)
        horizontal = np.sqrt(x**2 + y**2 + 1e-4)
        residuals: list[Num] = []
        if "azimuth" in target:
            cos, sin = np.cos(target["azimuth"]), np.sin(target["azimuth"])
            if self.relative:
                subject = stage.subjects[self.subject]
                ch, sh = subject.cos_heading, subject.sin_heading
                cos, sin = ch * cos - sh * sin, sh * cos + ch * sin
            residuals += [x / horizontal - cos, y / horizontal - sin]
        if "elevation" in target:
            residuals.append(np.arctan2(z, horizontal) - target["elevation"])
        return residuals


@dataclass(frozen=True, kw_only=True, eq=False)
class CameraPosition(Objective):
    """The camera at a place in the world, ENU m; an axis that is None is free."""

    x: Value | None = None
    y: Value | None = None
    z: Value | None = None

    unit: ClassVar[str] = "m"
    scale: ClassVar[float] = 0.25
    targets: ClassVar[tuple[str, ...]] = ("x", "y", "z")

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Position errors, m."""
        axes = zip(("x", "y", "z"), stage.position, strict=True)
        return [value - target[name] for name, value in axes if name in target]
