"""Where a plan starts: on the flown plan's own path, or from what is measured.

The path is then as smooth as the plan, whatever the noise. What the vehicle is off it enters the
picture as an offset. Where the two part by more than lag and noise explain, the plan starts again
from the measurement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.frames import wrap_angle
from cinempc.mpc.constraints.envelope import Bounds
from cinempc.rig import plan
from cinempc.rig.plan import NX, Plan
from cinempc.rig.state import RigState

Floats = NDArray[np.float64]

#: How far the lens or the camera may be from the plan before the plan starts again from where
#: they are: ln focal length, dioptres, stops; rad. Beyond lag and noise, a fault.
_LENS_DRIFT = np.array([0.08, 0.05, 0.7])
_ANGLE_DRIFT = np.deg2rad(6.0)
_HEADING_DRIFT = np.deg2rad(30.0)


@dataclass(frozen=True)
class Start:
    """``state`` (18,) of the first node, ``offset`` (3,) of the vehicle from it, m, and the
    vehicle's yaw, ``heading``, rad."""

    state: Floats
    offset: Floats
    heading: float


def start_of(
    now: float, measured: RigState, flown: Plan | None, bounds: Bounds, tracking_error: float
) -> Start:
    """Where the plan starts that is flown from ``now`` on.

    Args:
        now: s.
        measured: the rig's newest state.
        flown: the plan that is flown.
        bounds: of the states.
        tracking_error: distance to the flown plan, m, from which on it starts anew.

    Raises:
        ValueError: the state is not finite and there is no plan.
    """
    if not is_known(measured):
        if flown is None:
            raise ValueError("the vehicle's state is not a number: nothing can be planned")
        return Start(_reference(flown, now, None), np.zeros(3), _heading(flown, now))
    x, yaw = measured_state(measured), measured.attitude[0]
    if flown is None:
        return Start(_in_lens_range(x, bounds), np.zeros(3), near_turn(yaw, x[plan.YAW]))
    start = _reference(flown, now, x)
    # A measurement belongs to the plan of its own time: 50 ms are 0.4 m at 8 m/s.
    then = _reference(flown, measured.time, x)
    offset = x[plan.POSITION] - then[plan.POSITION]
    if np.linalg.norm(offset) > tracking_error:
        start[plan.MOTION] = x[plan.MOTION]
        offset = np.zeros(3)
    turn = wrap_angle(x[plan.ANGLES] - start[plan.ANGLES])
    if np.abs(turn).max() > _ANGLE_DRIFT + 0.1 * np.abs(start[plan.RATES]).max():
        start[plan.ANGLES] += turn
        start[plan.RATES] = x[plan.RATES]
    if (np.abs(x[plan.LENS] - start[plan.LENS]) > _LENS_DRIFT).any():
        start[plan.LENS] = x[plan.LENS]
    heading = _heading(flown, now)
    drift = float(wrap_angle(yaw - heading))
    if abs(drift) > _HEADING_DRIFT:
        heading += drift
    return Start(_in_lens_range(start, bounds), offset, near_turn(heading, start[plan.YAW]))


def measured_state(state: RigState) -> Floats:
    """The state vector (18,) that a rig's state shows; the acceleration is not measured."""
    x = np.zeros(NX)
    x[plan.POSITION], x[plan.VELOCITY] = state.camera.position, state.velocity
    x[plan.ANGLES] = state.camera.yaw, state.camera.pitch, state.camera.roll
    x[plan.RATES] = state.camera_rates
    x[plan.LENS] = plan.lens_vector(state.lens)
    return x


def is_known(state: RigState) -> bool:
    """Whether a rig's state is all numbers."""
    return bool(np.isfinite(measured_state(state)).all()) and math.isfinite(state.attitude[0])


def near_turn(angle: float, other: float) -> float:
    """The same angle, in the turn nearest to another: bounds relate the two as plain numbers."""
    return float(other + wrap_angle(angle - other))


def _reference(flown: Plan, time: float, measured: Floats | None) -> Floats:
    """The flown plan's state; past its end, what was measured, or else its end at rest."""
    if time <= flown.end:
        return flown.state(max(time, flown.start))
    if measured is not None:
        return measured.copy()
    end: Floats = flown.states[-1].copy()
    end[plan.VELOCITY] = end[plan.ACCELERATION] = end[plan.RATES] = 0.0
    return end


def _heading(flown: Plan, time: float) -> float:
    return flown.heading(min(time, flown.end))


def _in_lens_range(start: Floats, bounds: Bounds) -> Floats:
    """The state with its lens inside the lens's range: an encoder may read a hair outside."""
    start[plan.LENS] = np.clip(start[plan.LENS], bounds.lower[plan.LENS], bounds.upper[plan.LENS])
    return start
