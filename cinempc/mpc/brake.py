"""Braking to a hover: what is flown when nothing better is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.constraints.envelope import OCTAGON
from cinempc.mpc.model import Horizon
from cinempc.mpc.start import Start
from cinempc.rig import plan
from cinempc.rig.plan import Origin, Plan
from cinempc.rig.vehicle import FlightLimits, Vehicle

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
        altitude = x[plan.ALTITUDE]
        ahead[-1] -= np.clip(np.clip(altitude, *band) - altitude, -_RETURN, _RETURN)
        target = -np.sign(ahead) * np.minimum.reduce(
            [reach, np.sqrt(limits.jerk * np.abs(ahead)), np.abs(ahead) / (2 * dt)]
        )
        inputs[k, plan.JERK] = np.clip((target - a) / dt, -limits.jerk, limits.jerk)
        inputs[k, plan.ANGULAR_ACCELERATION] = np.clip(
            -rates / dt, -angular_acceleration, angular_acceleration
        )
        states[k + 1] = plan.propagate(x, inputs[k], dt)
    return states, inputs


def braking_plan(now: float, start: Start, step: float, vehicle: Vehicle, origin: Origin) -> Plan:
    """A plan to rest, as long as that takes and a little longer.

    Args:
        now: s.
        start: where it starts; the vehicle's yaw stays.
        step: of its nodes, s.
        vehicle: its limits and gimbal.
        origin: why it is flown.
    """
    limits = vehicle.limits
    speed = float(np.linalg.norm(start.state[plan.VELOCITY]))
    slowest = min(0.65 * limits.acceleration, limits.vertical_acceleration)
    length = 2.0 + speed / slowest + 2 * slowest / limits.jerk
    horizon = Horizon(int(np.ceil(length / step)), step)
    states, inputs = brake(start.state, horizon.nodes, step, limits, vehicle.gimbal.acceleration)
    return Plan(
        times=horizon.times(now),
        states=states,
        inputs=inputs,
        headings=np.full(horizon.nodes + 1, start.heading),
        origin=origin,
    )
