"""Searching: what is flown while the subjects of a take are not in sight yet.

The vehicle comes to rest and stays, the camera turns at a steady rate with its lens wide open to
the side and sharp from near to far, a little below the horizon.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cinempc.lens import hyperfocal_distance
from cinempc.mpc.brake import brake
from cinempc.mpc.constraints.envelope import Bounds
from cinempc.mpc.model import Horizon, slew
from cinempc.mpc.start import Start
from cinempc.rig import plan
from cinempc.rig.camera import Camera, LensState
from cinempc.rig.plan import Origin, Plan
from cinempc.rig.vehicle import Vehicle

Floats = NDArray[np.float64]

#: How fast the camera turns, rad/s: a person in a wide picture stays in it for seconds.
RATE = math.radians(24)
#: Length of a plan, s.
_LENGTH = 4.0
#: Height, m, and distance, m, of what is looked for: a standing person's middle.
_HIPS, _AWAY = 0.9, 12.0
#: Time constant of pitch and roll on their way, s.
_LEVEL = 0.6
#: f-numbers to search with, where the lens has them.
_OPEN, _CLOSED = 5.6, 8.0


def search_plan(
    now: float, start: Start, step: float, camera: Camera, vehicle: Vehicle, bounds: Bounds
) -> Plan:
    """A plan that looks round from where the vehicle comes to rest.

    Args:
        now: s.
        start: where it starts.
        step: of its nodes, s.
        camera, vehicle: their constants and limits.
        bounds: of the inputs.
    """
    horizon = Horizon(int(np.ceil(_LENGTH / step)), step)
    wide, stop = camera.focal_length.min, min(max(_OPEN, camera.aperture.min), _CLOSED)
    sharp = hyperfocal_distance(wide, stop, camera.sensor.circle_of_confusion)
    zoom_rate, focus_rate, aperture_rate = bounds.inputs[plan.LENS_RATES]
    zoom_rate /= np.exp(start.state[plan.LOG_FOCAL_LENGTH])  # mm/s to ln f per s
    lens = camera.clamp(LensState(wide, float(sharp), stop))
    states, inputs = search(
        start.state,
        horizon.nodes,
        step,
        vehicle,
        plan.lens_vector(lens),
        np.array([zoom_rate, focus_rate, aperture_rate]),
    )
    return Plan(
        times=horizon.times(now),
        states=states,
        inputs=inputs,
        headings=slew(start.heading, states[:, plan.YAW], vehicle.limits.yaw_rate * step),
        origin=Origin.SEARCHING,
    )


def search(
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
    pitch = min(max(-math.atan2(state[plan.ALTITUDE] - _HIPS, _AWAY), low), high)
    for k in range(nodes):
        x = states[k]
        level = np.array([pitch - x[plan.PITCH], -x[plan.ROLL]]) / _LEVEL
        rates = np.array([fastest, *np.clip(level, -fastest, fastest)])
        inputs[k, plan.ANGULAR_ACCELERATION] = np.clip(
            (rates - x[plan.RATES]) / _LEVEL,
            -vehicle.gimbal.acceleration,
            vehicle.gimbal.acceleration,
        )
        inputs[k, plan.LENS_RATES] = np.clip((lens - x[plan.LENS]) / dt, -lens_rates, lens_rates)
        states[k + 1] = plan.propagate(x, inputs[k], dt)
    return states, inputs
