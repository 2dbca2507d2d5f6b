"""Where a simulated camera's lens is to go, by the orders of the camera protocol: pure functions of
the order and of where it is to go now."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from cinempc import lens
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.camera import Camera, LensState

#: Whole range of the zoom in steps, and seconds that continuous zoom and focus take through it.
_STEPS, _THROUGH = 20.0, 3.0


@dataclass(frozen=True)
class LensGoal:
    """Where the lens is to go.

    Attributes:
        state: there.
        zooming, focusing: continuous movement, as a share of full speed.
        follows: whether it is focused all the time on what an autofocus finds.
    """

    state: LensState
    zooming: float = 0.0
    focusing: float = 0.0
    follows: bool = False


class LensOrderError(Exception):
    """An order that the camera does not carry out; ``result`` is the MAV_RESULT."""

    def __init__(self, result: int) -> None:
        super().__init__(f"MAV_RESULT {result}")
        self.result = int(result)


def moved(goal: LensGoal, camera: Camera, dt: float, found: float | None) -> LensGoal:
    """The goal after ``dt`` s.

    Args:
        goal: before.
        camera: the ranges of its lens.
        dt: s.
        found: distance, m, of what an autofocus finds; None without one.
    """
    state = goal.state
    low, high = camera.focal_length.min, camera.focal_length.max
    if goal.zooming:
        travel = (high - low) / _THROUGH * goal.zooming * dt
        focal = min(max(state.focal_length_mm + travel, low), high)
        state = replace(state, focal_length_mm=focal)
    if goal.focusing:
        travel = goal.focusing * dt / camera.focus.closest / _THROUGH
        inverse = lens.inverse(state.focus_distance_m) - travel
        inverse = min(max(inverse, 0.0), 1 / camera.focus.closest)
        state = replace(state, focus_distance_m=lens.inverse(inverse))
    if goal.follows and found is not None:
        state = replace(state, focus_distance_m=found)
    return replace(goal, state=state)


def zoomed(
    goal: LensGoal,
    camera: Camera,
    kind: float,
    value: float,
    *,
    stands: LensState,
    by_focal_length: bool,
) -> LensGoal:
    """The goal after MAV_CMD_SET_CAMERA_ZOOM.

    Args:
        goal: before.
        camera: the ranges of its lens.
        kind: CAMERA_ZOOM_TYPE.
        value: of the order.
        stands: where the lens is.
        by_focal_length: whether the camera takes focal lengths.

    Raises:
        LensOrderError: it is not carried out.
    """
    m, denied = mavlink, LensOrderError(mavlink.MAV_RESULT_DENIED)
    low, high = camera.focal_length.min, camera.focal_length.max
    if not math.isfinite(value):
        raise denied
    if kind == m.ZOOM_TYPE_CONTINUOUS:
        if abs(value) > 1:
            raise denied
        here = replace(goal.state, focal_length_mm=stands.focal_length_mm)
        return replace(goal, zooming=value, state=goal.state if value else here)
    if kind == m.ZOOM_TYPE_STEP:
        focal = goal.state.focal_length_mm + math.copysign((high - low) / _STEPS, value)
    elif kind == m.ZOOM_TYPE_RANGE and 0 <= value <= 100:
        focal = low + value / 100 * (high - low)
    elif kind == m.ZOOM_TYPE_FOCAL_LENGTH and by_focal_length:
        if not 0.99 * low <= value <= 1.01 * high:
            raise denied
        focal = value
    elif kind == m.ZOOM_TYPE_HORIZONTAL_FOV and 0 < value < 180:
        focal = float(lens.focal_length_for_field_of_view(camera.sensor.width, np.radians(value)))
    else:
        raise denied
    state = replace(goal.state, focal_length_mm=min(max(float(focal), low), high))
    return replace(goal, zooming=0.0, state=state)


def focused(
    goal: LensGoal,
    camera: Camera,
    kind: float,
    value: float,
    *,
    stands: LensState,
    found: float | None,
) -> LensGoal:
    """The goal after MAV_CMD_SET_CAMERA_FOCUS.

    Args:
        goal: before.
        camera: the ranges of its lens.
        kind: SET_FOCUS_TYPE.
        value: of the order.
        stands: where the lens is.
        found: distance, m, of what an autofocus finds; None without one.

    Raises:
        LensOrderError: it is not carried out.
    """
    m, denied = mavlink, LensOrderError(mavlink.MAV_RESULT_DENIED)
    closest = camera.focus.closest
    nearest = 1 / closest
    if kind in (m.FOCUS_TYPE_AUTO, m.FOCUS_TYPE_AUTO_SINGLE, m.FOCUS_TYPE_AUTO_CONTINUOUS):
        if found is None:
            raise LensOrderError(m.MAV_RESULT_UNSUPPORTED)
        state = replace(goal.state, focus_distance_m=max(found, closest))
        follows = kind == m.FOCUS_TYPE_AUTO_CONTINUOUS
        return replace(goal, state=state, focusing=0.0, follows=follows)
    if math.isnan(value):
        raise denied
    if kind == m.FOCUS_TYPE_CONTINUOUS and abs(value) <= 1:
        # Positive is out, towards infinity.
        here = replace(goal.state, focus_distance_m=stands.focus_distance_m)
        state = goal.state if value else here
        return replace(goal, state=state, focusing=value, follows=False)
    if kind == m.FOCUS_TYPE_STEP:
        inverse = lens.inverse(goal.state.focus_distance_m)
        inverse -= math.copysign(nearest / _STEPS, value)
    elif kind == m.FOCUS_TYPE_RANGE and 0 <= value <= 100:
        inverse = nearest * (1 - value / 100)
    elif kind == m.FOCUS_TYPE_METERS and value >= 0.99 * closest:
        inverse = lens.inverse(value)
    else:
        raise denied
    inverse = min(max(inverse, 0.0), nearest)
    state = replace(goal.state, focus_distance_m=lens.inverse(inverse))
    return replace(goal, state=state, focusing=0.0, follows=False)
