"""What a plan may do: the path constraints of one node, and the bounds of states and inputs.

Rows and their kinds, in order:

- envelope (hard, convex): horizontal speed and acceleration, tilt;
- people (soft, first in rank): distance to each subject's body;
- picture (soft): gimbal pitch and roll relative to the vehicle, points that stay in frame.

All rows are scaled to be of the order of one per metre or per frame. The soft ones have one slack
for people and one for the picture at every node, the first a hundred times dearer: where they
conflict, the picture gives way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import NDArray

from cinempc.camera import Camera
from cinempc.mpc import plan
from cinempc.mpc.objectives import InFrame, hinge
from cinempc.mpc.stage import Stage
from cinempc.safety import Safety
from cinempc.subject import SubjectEstimate
from cinempc.vehicle import GRAVITY, Vehicle, thrust_acceleration

Floats = NDArray[np.float64]

#: Horizontal speed, acceleration and lean stay in an octagon whose corners lie on the limit's
#: circle: its sides, at this fraction of the limit, are linear, so that no step can leave it.
OCTAGON = float(np.cos(np.pi / 8))

#: Slack variables of a node, and the price of one unit of each (linear, quadratic).
SLACKS = ("people", "picture")
SLACK_LINEAR = np.array([1e4, 1e2])
SLACK_QUADRATIC = np.array([1e4, 1e2])

#: Violations below these are rounding, not violations: m and rad or frame widths.
TOLERANCE = {"people": 0.02, "picture": 0.005, "envelope": 0.02}


@dataclass(frozen=True)
class Row:
    """One path constraint: lower <= g <= upper, softened by a slack if ``slack`` names one."""

    name: str
    expression: Any
    slack: str | None


def rows(
    stage: Stage,
    state: Any,
    heading: Any,
    in_frame: Sequence[InFrame],
    vehicle: Vehicle,
) -> list[Row]:
    """The path constraints of a node.

    Args:
        stage: the node's picture.
        state: (18,) symbols.
        heading: the vehicle's yaw there, rad.
        in_frame: who stays in the picture.
        vehicle: its limits, drag and gimbal.
    """
    v = state[plan.VELOCITY]
    a = state[plan.ACCELERATION]
    thrust = thrust_acceleration(v, a, vehicle.response)
    limits = vehicle.limits
    up = GRAVITY + thrust[2]
    lean = OCTAGON * np.tan(limits.tilt) * up
    found = [
        Row("speed", (v[0] + v[1]) / np.sqrt(2), None),
        Row("speed", (v[0] - v[1]) / np.sqrt(2), None),
        Row("acceleration", (a[0] + a[1]) / np.sqrt(2), None),
        Row("acceleration", (a[0] - a[1]) / np.sqrt(2), None),
    ]
    for side in np.arange(8) * (np.pi / 4):
        lateral = np.cos(side) * thrust[0] + np.sin(side) * thrust[1]
        found.append(Row("tilt", lateral - lean, None))
    for name in stage.subjects:
        x, y, z = stage.offset(name, "feet")
        above = hinge(z - stage.subjects[name].height, 0.2)
        found.append(Row(f"distance to {name}", ca.sqrt(x**2 + y**2 + above**2 + 1e-4), "people"))
    # Small-angle attitude of a multicopter: it pitches and rolls to point its thrust.
    ch, sh = ca.cos(heading), ca.sin(heading)
    body_pitch = -(thrust[0] * ch + thrust[1] * sh) / up
    body_roll = (thrust[0] * sh - thrust[1] * ch) / up
    found.append(Row("gimbal pitch", stage.pitch - body_pitch, "picture"))
    found.append(Row("gimbal roll", stage.roll - body_roll, "picture"))
    for wish in in_frame:
        u, w = stage.image(wish.subject, wish.point)
        for axis, value in (("sideways", u), ("upright", w)):
            out = ca.sqrt((value - 0.5) ** 2 + 1e-4)
            found.append(Row(f"{wish.subject} {wish.point} in frame, {axis}", out, "picture"))
    return found


def row_limits(
    subjects: Sequence[SubjectEstimate],
    in_frame: Sequence[InFrame],
    vehicle: Vehicle,
    safety: Safety,
) -> tuple[Floats, Floats]:
    """Lower and upper limits of the rows, (rows,), the same at every node.

    The distance to a subject grows with the doubt about where it is (two standard deviations).
    """
    limits, gimbal = vehicle.limits, vehicle.gimbal
    speed, acceleration = OCTAGON * limits.speed, OCTAGON * limits.acceleration
    low = [-speed, -speed, -acceleration, -acceleration] + [-np.inf] * 8
    high = [speed, speed, acceleration, acceleration] + [0.0] * 8
    for subject in subjects:
        deviation = math.sqrt(max(subject.covariance[0, 0], subject.covariance[1, 1]))
        low.append(safety.subject_distance + 2 * deviation)
        high.append(np.inf)
    low += [gimbal.pitch.min, gimbal.roll.min]
    high += [gimbal.pitch.max, gimbal.roll.max]
    for wish in in_frame:
        low += [-np.inf] * 2
        high += [0.5 - wish.margin] * 2
    return np.array(low), np.array(high)


def state_bounds(camera: Camera, vehicle: Vehicle, safety: Safety) -> tuple[Floats, Floats]:
    """Lower and upper bounds of the state vector (18,); yaw and roll are free here."""
    limits = vehicle.limits
    low, high = np.full(plan.NX, -np.inf), np.full(plan.NX, np.inf)
    low[2], high[2] = safety.altitude.min, safety.altitude.max
    speed, acceleration = OCTAGON * limits.speed, OCTAGON * limits.acceleration
    low[plan.VELOCITY] = (-speed, -speed, -limits.descent)
    high[plan.VELOCITY] = (speed, speed, limits.climb)
    reach = np.array([acceleration, acceleration, limits.vertical_acceleration])
    low[plan.ACCELERATION], high[plan.ACCELERATION] = -reach, reach
    # Short of the zenith and the nadir, where yaw and roll turn into each other.
    low[10], high[10] = -np.deg2rad(88), np.deg2rad(88)
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


def camera_rate_limits(vehicle: Vehicle) -> Floats:
    """Fastest yaw, pitch and roll of the camera, rad/s. A gimbal with no yaw of its own turns no
    faster than the vehicle does."""
    gimbal = vehicle.gimbal
    has_yaw = gimbal.yaw.max - gimbal.yaw.min > np.deg2rad(1)
    yaw = gimbal.rate if has_yaw else min(gimbal.rate, vehicle.limits.yaw_rate)
    return np.array([yaw, gimbal.rate, gimbal.rate])


def input_bounds(camera: Camera, vehicle: Vehicle) -> Floats:
    """Largest absolute inputs (9,). The zoom's entry is in mm/s: divide it by the focal length."""
    limits, gimbal = vehicle.limits, vehicle.gimbal
    return np.array(
        [limits.jerk] * 3
        + [gimbal.acceleration] * 3
        + [camera.focal_length.rate, camera.focus.rate, camera.aperture.rate]
    )
