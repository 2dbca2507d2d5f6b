"""Where things are in the picture, how large, and how it is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cinempc import frames
from cinempc.mpc.objectives.objective import Num, Objective, Value
from cinempc.mpc.stage import Stage


@dataclass(frozen=True, kw_only=True, eq=False)
class ScreenPosition(Objective):
    """A subject's point at a place in the picture.

    ``u`` is a fraction of the width from the left, ``v`` of the height from the top. The
    residuals are u - u* and (v - v*) h/w, both in frame widths, measured along the arc: angle
    between the point's ray and the target's, times the picture's scale there. On the target that
    is the same to first order; far from it, it leads back even a point that is behind the camera,
    where the projection itself has a pole and leads astray.
    """

    subject: str
    point: str | float = "eyes"
    u: Value | None = None
    v: Value | None = None

    unit: ClassVar[str] = "frame widths"
    scale: ClassVar[float] = 0.01
    targets: ClassVar[tuple[str, ...]] = ("u", "v")

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Differences to the target, frame widths."""
        x, y, z = stage.ahead(self.subject, self.point)
        scale = stage.focal_length / stage.sensor_mm[0]
        residuals, cosine = [], 1.0
        if "u" in target:
            # Tangent of the target's angle; then
            # tan(a - b) = (tan a - tan b) / (1 + tan a tan b).
            tangent = (target["u"] - 0.5) / scale
            off = np.arctan2(x - tangent * z, z + tangent * x)
            residuals.append(scale * (1 + tangent**2) * off)
            cosine = 1 / np.sqrt(1 + tangent**2)
        if "v" in target:
            tangent = (target["v"] - 0.5) * (stage.sensor_mm[1] / stage.sensor_mm[0]) / scale
            level = np.sqrt(x**2 + z**2 + 1e-6) * cosine  # the depth, where u is on target
            off = np.arctan2(y - tangent * level, level + tangent * y)
            residuals.append(scale * (1 + tangent**2) * off)
        return residuals


@dataclass(frozen=True, kw_only=True, eq=False)
class ShotScale(Objective):
    """A subject's image height as a fraction of the frame's height: r = ln(h / h*)."""

    subject: str
    fraction: Value

    unit: ClassVar[str] = "ln ratio"
    scale: ClassVar[float] = 0.02
    targets: ClassVar[tuple[str, ...]] = ("fraction",)

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Natural logarithm of actual over target size."""
        height = stage.subjects[self.subject].height
        depth = stage.depth(self.subject, "centre")
        return [
            stage.log_focal_length
            + np.log(height / stage.sensor_mm[1])
            - np.log(depth)
            - np.log(target["fraction"])
        ]


@dataclass(frozen=True, kw_only=True, eq=False)
class DollyZoom(Objective):
    """Constant subject size with changing focal length: r = ln(f / d) - ln(m).

    ``magnification`` m is focal length in mm over depth in m. With a `FocalLength` that moves,
    the distance has to move with it; without, either may.
    """

    subject: str
    magnification: Value
    point: str | float = "centre"

    unit: ClassVar[str] = "ln ratio"
    scale: ClassVar[float] = 0.01
    targets: ClassVar[tuple[str, ...]] = ("magnification",)

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Natural logarithm of actual over target magnification."""
        depth = stage.depth(self.subject, self.point)
        return [stage.log_focal_length - np.log(depth) - np.log(target["magnification"])]


@dataclass(frozen=True, kw_only=True, eq=False)
class Roll(Objective):
    """A level horizon, or a dutch angle: r = roll - angle."""

    angle: Value = 0.0

    unit: ClassVar[str] = "rad"
    scale: ClassVar[float] = np.deg2rad(0.5)
    targets: ClassVar[tuple[str, ...]] = ("angle",)

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Roll error, rad."""
        return [stage.roll - target["angle"]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Attitude(Objective):
    """The camera's whole attitude, in the world or relative to a subject's heading.

    The nine residuals are the entries of R - R*; their squares sum to 8 sin²(Δ/2), with Δ the
    angle between the two attitudes: the squared Frobenius norm of the rotation error, smooth at
    its optimum where the norm itself is not.
    """

    subject: str | None = None
    yaw: Value = 0.0
    pitch: Value = 0.0
    roll: Value = 0.0

    unit: ClassVar[str] = "1 (√2 rad)"
    scale: ClassVar[float] = np.sqrt(2) * np.deg2rad(3.0)
    targets: ClassVar[tuple[str, ...]] = ("yaw", "pitch", "roll")

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Differences of the direction cosines."""
        target_axes = frames.camera_axes(target["yaw"], target["pitch"], target["roll"])
        if self.subject is not None:
            heading = stage.subjects[self.subject]
            ch, sh = heading.cos_heading, heading.sin_heading
            right, down, forward = (
                (ch * x - sh * y, sh * x + ch * y, z) for x, y, z in target_axes
            )
            target_axes = (right, down, forward)
        return [
            a - b
            for actual, desired in zip(stage.axes, target_axes, strict=True)
            for a, b in zip(actual, desired, strict=True)
        ]


@dataclass(frozen=True, kw_only=True, eq=False)
class LookAt(Objective):
    """The camera looks at a place in the world, ENU m, with the middle of its picture.

    The residuals are the angles to the right and down by which the place is off the optical axis,
    also where it is behind the camera.
    """

    x: Value
    y: Value
    z: Value

    unit: ClassVar[str] = "rad"
    scale: ClassVar[float] = np.deg2rad(0.5)
    targets: ClassVar[tuple[str, ...]] = ("x", "y", "z")

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Angles off the axis, rad."""
        place = (target["x"], target["y"], target["z"])
        x, y, z = frames.world_to_camera(place, stage.position, stage.yaw, stage.pitch, stage.roll)
        return [np.arctan2(x, z), np.arctan2(y, np.sqrt(x**2 + z**2 + 1e-6))]
