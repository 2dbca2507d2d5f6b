"""The flight envelope: horizontal speed and acceleration, tilt, and the bounds of each state and
input by itself. All of it hard, and convex."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.constraints.constraint import ENVELOPE, Constraint, Kind, Node, Num, Row, Value
from cinempc.rig import plan
from cinempc.rig.camera import Camera
from cinempc.rig.subject import SubjectEstimate
from cinempc.rig.vehicle import GRAVITY, Response, Vehicle, thrust_acceleration
from cinempc.safety.limits import Safety

Floats = NDArray[np.float64]

#: Horizontal speed, acceleration and lean stay in an octagon whose corners lie on the limit's
#: circle: its sides, at this fraction of the limit, are linear, so that no step can leave it.
OCTAGON = float(np.cos(np.pi / 8))
#: Largest pitch of the camera, rad: short of the zenith and the nadir, where yaw and roll turn
#: into each other.
_STEEPEST = np.deg2rad(88)


def _diagonals(name: str, vector: Num) -> list[Row]:
    """The octagon's sides that are no bounds of x and y by themselves."""
    return [
        Row(name, (vector[0] + vector[1]) / np.sqrt(2)),
        Row(name, (vector[0] - vector[1]) / np.sqrt(2)),
    ]


@dataclass(frozen=True, kw_only=True)
class HorizontalSpeed(Constraint):
    """Horizontal speed, m/s, up to ``most``."""

    most: float

    kind: ClassVar[Kind] = ENVELOPE
    data: ClassVar[tuple[str, ...]] = ("most",)

    def rows(self, node: Node, own: Mapping[str, Num]) -> list[Row]:
        """The speed along both diagonals."""
        return _diagonals("speed", node.velocity)

    def limits(self, subjects: Mapping[str, SubjectEstimate]) -> tuple[Value, Value]:
        """The octagon's sides."""
        return -OCTAGON * self.most, OCTAGON * self.most


@dataclass(frozen=True, kw_only=True)
class HorizontalAcceleration(Constraint):
    """Horizontal acceleration, m/s², up to ``most``."""

    most: float

    kind: ClassVar[Kind] = ENVELOPE
    data: ClassVar[tuple[str, ...]] = ("most",)

    def rows(self, node: Node, own: Mapping[str, Num]) -> list[Row]:
        """The acceleration along both diagonals."""
        return _diagonals("acceleration", node.acceleration)

    def limits(self, subjects: Mapping[str, SubjectEstimate]) -> tuple[Value, Value]:
        """The octagon's sides."""
        return -OCTAGON * self.most, OCTAGON * self.most


@dataclass(frozen=True, kw_only=True)
class Tilt(Constraint):
    """The airframe's lean, rad, up to ``most``: it points its thrust."""

    most: float
    response: Response

    kind: ClassVar[Kind] = ENVELOPE

    def rows(self, node: Node, own: Mapping[str, Num]) -> list[Row]:
        """Horizontal thrust beyond what the lean allows, towards the octagon's eight sides."""
        thrust = thrust_acceleration(node.velocity, node.acceleration, self.response)
        lean = OCTAGON * np.tan(self.most) * (GRAVITY + thrust[2])
        return [
            Row("tilt", np.cos(side) * thrust[0] + np.sin(side) * thrust[1] - lean)
            for side in np.arange(8) * (np.pi / 4)
        ]

    def limits(self, subjects: Mapping[str, SubjectEstimate]) -> tuple[Value, Value]:
        """Nothing beyond."""
        return -np.inf, 0.0


@dataclass(frozen=True)
class Bounds:
    """Lower and upper bounds of the state (18,), and largest absolute inputs (9,). The zoom's entry
    of these is in mm/s: divide it by the focal length."""

    lower: Floats
    upper: Floats
    inputs: Floats


def bounds(camera: Camera, vehicle: Vehicle, safety: Safety) -> Bounds:
    """The bounds of each state and input by itself; yaw and roll are free here."""
    return Bounds(*_state_bounds(camera, vehicle, safety), _input_bounds(camera, vehicle))


def _state_bounds(camera: Camera, vehicle: Vehicle, safety: Safety) -> tuple[Floats, Floats]:
    limits = vehicle.limits
    low, high = np.full(plan.NX, -np.inf), np.full(plan.NX, np.inf)
    low[plan.ALTITUDE], high[plan.ALTITUDE] = safety.altitude.min, safety.altitude.max
    speed, acceleration = OCTAGON * limits.speed, OCTAGON * limits.acceleration
    low[plan.VELOCITY] = (-speed, -speed, -limits.descent)
    high[plan.VELOCITY] = (speed, speed, limits.climb)
    reach = np.array([acceleration, acceleration, limits.vertical_acceleration])
    low[plan.ACCELERATION], high[plan.ACCELERATION] = -reach, reach
    low[plan.PITCH], high[plan.PITCH] = -_STEEPEST, _STEEPEST
    rates = camera_rate_limits(vehicle)
    low[plan.RATES], high[plan.RATES] = -rates, rates
    low[plan.LENS] = (
        np.log(camera.focal_length.min),
        0.0,
        2 * np.log2(camera.aperture.min),
    )
    high[plan.LENS] = (
        np.log(camera.focal_length.max),
        1 / camera.focus.closest,
        2 * np.log2(camera.aperture.max),
    )
    return low, high


def has_yaw(vehicle: Vehicle) -> bool:
    """Whether the gimbal has a yaw of its own."""
    yaw = vehicle.gimbal.yaw
    return bool(yaw.max - yaw.min > np.deg2rad(1))


def camera_rate_limits(vehicle: Vehicle) -> Floats:
    """Fastest yaw, pitch and roll of the camera, rad/s. A gimbal with no yaw of its own turns no
    faster than the vehicle does."""
    gimbal = vehicle.gimbal
    yaw = gimbal.rate if has_yaw(vehicle) else min(gimbal.rate, vehicle.limits.yaw_rate)
    return np.array([yaw, gimbal.rate, gimbal.rate])


def _input_bounds(camera: Camera, vehicle: Vehicle) -> Floats:
    limits, gimbal = vehicle.limits, vehicle.gimbal
    return np.array(
        [limits.jerk] * 3
        + [gimbal.acceleration] * 3
        + [camera.focal_length.rate, camera.focus.rate, camera.aperture.rate]
    )
