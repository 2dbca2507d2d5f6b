"""What the picture should be, each wish a residual with a unit.

The cost of a plan is

    J = 1/N Σ_k Σ_i  w_i (r_i(x_k) / s_i)²

over the nodes k = 1..N, where the scale ``s_i`` is the error that counts as one, in the
residual's unit (a percent of the frame's width, five degrees). So weights are plain importances:
a wish of weight 2 counts twice. Gauss-Newton needs residuals and nothing else.

An objective's targets and weight are numbers or arrays with a value for each node. What an
objective is about (its subject, its body point) is its structure: solves with the same structures
share all their code, so targets and weights can change at every step at no cost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.mpc import plan
from cinempc.mpc.stage import Stage

Floats = NDArray[np.float64]
Num = Any
#: A target or weight: one number for the whole horizon, or one for each node.
Value = float | Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Objective(ABC):
    """A wish for the picture.

    Subclasses name their target fields in ``targets``; a target that is None is not wished for
    and has no residual. All other fields are structure.
    """

    weight: Value = 1.0

    unit: ClassVar[str]
    scale: ClassVar[float]
    targets: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """The residuals at a node, in ``unit``.

        Args:
            stage: the node's symbols.
            target: the values of this objective's targets there.
        """

    def wished(self) -> tuple[str, ...]:
        """The targets that are not None, in order."""
        return tuple(name for name in self.targets if getattr(self, name) is not None)

    def aim(self, name: str) -> Value:
        """A target's value as the solver gets it, which takes finite numbers only."""
        value: Value = getattr(self, name)
        return value

    def structure(self) -> tuple[Any, ...]:
        """What makes this objective's code: its class, subject, point and wished targets."""
        kind = type(self)
        return (kind, self.wished(), *[getattr(self, name) for name in _static(kind)])


@cache
def _static(kind: type[Objective]) -> tuple[str, ...]:
    """Names of the fields that are structure."""
    return tuple(f.name for f in fields(kind) if f.name != "weight" and f.name not in kind.targets)


# --- where things are in the picture ---------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class ScreenPosition(Objective):
    """A subject's point at a place in the picture.

    ``u`` is a fraction of the width from the left, ``v`` of the height from the top. The
    residuals are u - u* and (v - v*) h/w, both in frame widths, measured along the arc: angle
    between the point's ray and the wanted one, times the picture's scale there. At the wanted
    place that is the same to first order; far from it, it leads back even a point that is behind
    the camera, where the projection itself has a pole and leads astray.
    """

    subject: str
    point: str | float = "eyes"
    u: Value | None = None
    v: Value | None = None

    unit: ClassVar[str] = "frame widths"
    scale: ClassVar[float] = 0.01
    targets: ClassVar[tuple[str, ...]] = ("u", "v")

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Differences to the wanted place, frame widths."""
        x, y, z = stage.ahead(self.subject, self.point)
        scale = stage.focal_length / stage.sensor_mm[0]
        found, cosine = [], 1.0
        if "u" in target:
            # Tangent of the wanted angle; then tan(a - b) = (tan a - tan b) / (1 + tan a tan b).
            wanted = (target["u"] - 0.5) / scale
            off = np.arctan2(x - wanted * z, z + wanted * x)
            found.append(scale * (1 + wanted**2) * off)
            cosine = 1 / np.sqrt(1 + wanted**2)
        if "v" in target:
            wanted = (target["v"] - 0.5) * (stage.sensor_mm[1] / stage.sensor_mm[0]) / scale
            level = np.sqrt(x**2 + z**2 + 1e-6) * cosine  # the depth, where u is as wanted
            off = np.arctan2(y - wanted * level, level + wanted * y)
            found.append(scale * (1 + wanted**2) * off)
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class ShotScale(Objective):
    """A subject's image height as a fraction of the frame's height: r = ln(h / h*)."""

    subject: str
    fraction: Value

    unit: ClassVar[str] = "ln ratio"
    scale: ClassVar[float] = 0.02
    targets: ClassVar[tuple[str, ...]] = ("fraction",)

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Natural logarithm of got over wanted size."""
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
        """Natural logarithm of got over wanted magnification."""
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
        wanted = frames.camera_axes(target["yaw"], target["pitch"], target["roll"])
        if self.subject is not None:
            heading = stage.subjects[self.subject]
            ch, sh = heading.cos_heading, heading.sin_heading
            right, down, forward = ((ch * x - sh * y, sh * x + ch * y, z) for x, y, z in wanted)
            wanted = (right, down, forward)
        return [
            a - b
            for got, want in zip(stage.axes, wanted, strict=True)
            for a, b in zip(got, want, strict=True)
        ]


# --- where the camera is -----------------------------------------------------------------------


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
        found = []
        if "azimuth" in target:
            cos, sin = np.cos(target["azimuth"]), np.sin(target["azimuth"])
            if self.relative:
                subject = stage.subjects[self.subject]
                ch, sh = subject.cos_heading, subject.sin_heading
                cos, sin = ch * cos - sh * sin, sh * cos + ch * sin
            found += [x / horizontal - cos, y / horizontal - sin]
        if "elevation" in target:
            found.append(np.arctan2(z, horizontal) - target["elevation"])
        return found


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


# --- the lens ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class FocalLength(Objective):
    """Focal length, mm: r = ln(f / f*), so that a percent counts the same at every length."""

    mm: Value

    unit: ClassVar[str] = "ln ratio"
    scale: ClassVar[float] = 0.02
    targets: ClassVar[tuple[str, ...]] = ("mm",)

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Natural logarithm of got over wanted focal length."""
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
        wanted = 1 / stage.depth(self.subject, self.point)
        if self.other is not None:
            share = target["share"]
            wanted = (1 - share) * wanted + share / stage.depth(self.other, self.point)
        return [stage.focus - wanted]


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
        found = []
        if "near" in target:
            found.append(stage.near_limit() - 1 / target["near"])
        if "far" in target:
            found.append(stage.far_limit() - 1 / target["far"])
        return found


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

    ``least`` is the wanted blur in circles of confusion; ``side`` +1 where the subject stands in
    front of the focus, -1 behind: with the side given there is one basin, not two.
    """

    subject: str
    point: str | float = "eyes"
    least: Value = 6.0
    side: Value = -1.0

    unit: ClassVar[str] = "fraction of the wanted blur"
    scale: ClassVar[float] = 0.2
    targets: ClassVar[tuple[str, ...]] = ("least", "side")

    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """Missing blur as a fraction of what is wanted."""
        blur = stage.blur(self.subject, self.point)
        return [hinge(1 - target["side"] * blur / target["least"], 0.05)]


def hinge(value: Num, width: float) -> Num:
    """max(0, value), rounded over about ``width``: the root of a hyperbola."""
    return 0.5 * (value + np.sqrt(value**2 + width**2))


# --- smoothness --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Smoothness:
    """How calm flight, gimbal and lens are: r = value / scale for each, target zero.

    The fields are the values that count as one. Larger is freer.
    """

    velocity: float = 60.0  # m/s; only keeps the problem strictly convex
    acceleration: float = 2.0  # m/s²
    jerk: float = 4.0  # m/s³
    camera_rate: float = 1.5  # rad/s
    camera_acceleration: float = 2.0  # rad/s²
    zoom_rate: float = 1.5  # ln f per s
    focus_rate: float = 1.0  # dioptres/s
    aperture_rate: float = 2.0  # stops/s
    weight: float = 1.0

    def diagonals(self) -> tuple[Floats, Floats]:
        """Weights of the squared states (18,) and inputs (9,)."""
        x, u = np.zeros(plan.NX), np.zeros(plan.NU)
        x[plan.VELOCITY] = self.velocity**-2
        x[plan.ACCELERATION] = self.acceleration**-2
        x[plan.RATES] = self.camera_rate**-2
        u[plan.JERK] = self.jerk**-2
        u[plan.ANGULAR_ACCELERATION] = self.camera_acceleration**-2
        u[plan.LENS_RATES] = np.array([self.zoom_rate, self.focus_rate, self.aperture_rate]) ** -2.0
        return self.weight * x, self.weight * u


# --- a solve's whole wish ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class InFrame:
    """A subject's point that stays in the picture, ``margin`` (fraction of each side) inside."""

    subject: str
    point: str | float = "eyes"
    margin: float = 0.02


@dataclass(frozen=True)
class Goals:
    """What a solve is asked for: objectives over the horizon, and who must stay in frame."""

    objectives: tuple[Objective, ...]
    in_frame: tuple[InFrame, ...] = ()
    smoothness: Smoothness = Smoothness()
