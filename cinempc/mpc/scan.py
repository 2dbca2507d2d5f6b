"""Looking round: what is flown while the subjects of a take are not found yet.

The vehicle comes to rest and stays, the camera turns at a steady rate with its lens wide open to
the side and sharp from near to far, a little below the horizon.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc import plan
from cinempc.mpc.brake import brake
from cinempc.vehicle import Vehicle

Floats = NDArray[np.float64]

#: How fast the camera turns, rad/s: a person in a wide picture stays in it for seconds.
RATE = math.radians(24)
#: Height, m, and distance, m, of what is looked for: a standing person's middle.
_HIPS, _AWAY = 0.9, 12.0
#: Time constant of pitch and roll on their way, s.
_LEVEL = 0.6


def scan(
    state: Floats, nodes: int, dt: float, vehicle: Vehicle, lens: Floats, lens_rates: Floats
) -> tuple[Floats, Floats]:
    """States (nodes + 1, 18) and inputs (nodes, 9) that bring the vehicle to rest and turn the
    camera to the left.

    Args:
        state: the first, (18,).
        nodes, dt: of the plan, s.
        vehicle: its limits and gimbal.
        lens: the lens to search with, as in the state (3,).
        lens_rates: fastest rates of the lens as in the inputs (3,).
    """
    states, inputs = brake(state, nodes, dt, vehicle.limits, vehicle.gimbal.acceleration)
    fastest = min(RATE, 0.5 * vehicle.limits.yaw_rate, vehicle.gimbal.rate)
    low, high = vehicle.gimbal.pitch.min, vehicle.gimbal.pitch.max
    pitch = min(max(-math.atan2(state[2] - _HIPS, _AWAY), low), high)
    for k in range(nodes):
        x = states[k]
        off = np.array([pitch, 0.0]) - x[plan.ANGLES][1:]
        rates = np.array([fastest, *np.clip(off / _LEVEL, -fastest, fastest)])
        inputs[k, plan.ANGULAR_ACCELERATION] = np.clip(
            (rates - x[plan.RATES]) / _LEVEL,
            -vehicle.gimbal.acceleration,
            vehicle.gimbal.acceleration,
        )
        inputs[k, plan.LENS_RATES] = np.clip((lens - x[plan.LENS]) / dt, -lens_rates, lens_rates)
        states[k + 1] = plan.propagate(x, inputs[k], dt)
    return states, inputs
