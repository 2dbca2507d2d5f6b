"""Braking to a hover: what is flown when nothing better is known.

Also the witness that a problem has a solution: from any state the vehicle can do this, so bounds
that braking breaks (a start outside the envelope) are widened to it, and no further.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc import plan
from cinempc.mpc.constraints import OCTAGON
from cinempc.vehicle import FlightLimits

Floats = NDArray[np.float64]

#: Fastest way back to the band of heights, m/s, and an error of 1 m dies out in 1 s.
_RETURN = 1.0


def brake(
    state: Floats,
    nodes: int,
    dt: float,
    limits: FlightLimits,
    angular_acceleration: float,
    band: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[Floats, Floats]:
    """States (nodes + 1, 18) and inputs (nodes, 9) that bring vehicle and camera to rest.

    The deceleration follows the square-root law of a jerk-limited stop, each axis by itself; the
    lens stays where it is. From outside the ``band`` of heights, m, it goes back there at up to
    `_RETURN`.
    """
    # So that both horizontal axes together stay inside the envelope's octagon.
    level = OCTAGON * limits.acceleration / np.sqrt(2)
    reach = np.array([level, level, limits.vertical_acceleration])
    states, inputs = np.empty((nodes + 1, plan.NX)), np.zeros((nodes, plan.NU))
    states[0] = state
    for k in range(nodes):
        x = states[k]
        v, a, rates = x[plan.VELOCITY], x[plan.ACCELERATION], x[plan.RATES]
        ahead = v + dt * a / 2
        ahead[2] -= np.clip(np.clip(x[2], *band) - x[2], -_RETURN, _RETURN)
        wanted = -np.sign(ahead) * np.minimum.reduce(
            [reach, np.sqrt(limits.jerk * np.abs(ahead)), np.abs(ahead) / (2 * dt)]
        )
        inputs[k, plan.JERK] = np.clip((wanted - a) / dt, -limits.jerk, limits.jerk)
        inputs[k, plan.ANGULAR_ACCELERATION] = np.clip(
            -rates / dt, -angular_acceleration, angular_acceleration
        )
        states[k + 1] = plan.propagate(x, inputs[k], dt)
    return states, inputs
