"""Bounds that leave the quadratic program a solution, whatever state a plan starts from.

From any state the vehicle can brake to a hover, so braking is the witness: bounds that it breaks
(a start outside the envelope) are opened as far as braking needs, and no further.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc import sqp
from cinempc.mpc.brake import brake
from cinempc.mpc.constraints.envelope import OCTAGON, Bounds
from cinempc.mpc.data import Data
from cinempc.mpc.problem import Problem
from cinempc.rig import plan
from cinempc.rig.vehicle import Vehicle
from cinempc.safety.limits import Altitude

Floats = NDArray[np.float64]

#: How far the bounds are opened beyond the witness, in their units.
_ROOM = 1e-3


def brakes_inside(start: Floats, vehicle: Vehicle, bounds: Bounds) -> bool:
    """Whether braking from this state (18,) stays inside all bounds, with a little room."""
    limits, low, high = vehicle.limits, bounds.lower, bounds.upper
    v, a = start[plan.VELOCITY], start[plan.ACCELERATION]
    altitude, pitch = start[plan.ALTITUDE], start[plan.PITCH]
    climb, lift = start[plan.CLIMB], start[plan.VERTICAL_ACCELERATION]
    # The velocity when the acceleration is gone, and the altitude when the climb is.
    settled = v + a * np.abs(a) / (2 * limits.jerk)
    settled_climb = settled[-1]
    stop = altitude + settled_climb * abs(settled_climb) / limits.vertical_acceleration
    inside = (
        np.hypot(v[0], v[1]) <= OCTAGON * limits.speed
        and np.hypot(settled[0], settled[1]) <= OCTAGON * limits.speed
        and np.hypot(a[0], a[1]) <= OCTAGON * limits.acceleration
        and low[plan.CLIMB] <= min(climb, settled_climb)
        and max(climb, settled_climb) <= high[plan.CLIMB]
        and abs(lift) <= limits.vertical_acceleration
        and low[plan.ALTITUDE] <= min(altitude, stop)
        and max(altitude, stop) <= high[plan.ALTITUDE]
        and (np.abs(start[plan.RATES]) <= high[plan.RATES]).all()
        and low[plan.PITCH] <= pitch <= high[plan.PITCH]
    )
    return bool(inside)


def widen(problem: Problem, data: Data, vehicle: Vehicle, altitude: Altitude) -> None:
    """Open the data's bounds as far as braking needs: then the program has a solution."""
    states, inputs = brake(
        data.start,
        problem.horizon.nodes,
        problem.horizon.step,
        vehicle.limits,
        vehicle.gimbal.acceleration,
        (altitude.min, altitude.max),
    )
    data.lower = np.minimum(data.lower, states[1:] - _ROOM)
    data.upper = np.maximum(data.upper, states[1:] + _ROOM)
    witness = sqp.evaluate(problem, data, states[1:], inputs)
    hard = problem.row_slack < 0
    opening = witness.excess[:, hard] * (1 + _ROOM) + _ROOM
    data.row_lower[:, hard] -= opening
    data.row_upper[:, hard] += opening
