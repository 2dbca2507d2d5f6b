"""The state of a rig between two that are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cinempc.frames import wrap_angle
from cinempc.rig.camera import LensState
from cinempc.rig.history import share
from cinempc.rig.state import CameraPose, RigState

#: Farthest that a position is from where the speeds lead, m, without a leap, and m/s² (a change of
#: the acceleration of 8 m/s² in the middle of the time); the same for a yaw, rad and rad/s (a
#: vehicle turns, and a gimbal is turned, no faster).
_LEAP, _CHANGE = 0.5, 2.0
_TURN, _FASTEST = 0.1, 4.0


def _leapt(early: RigState, late: RigState) -> bool:
    """Whether a position or an attitude has leapt, as when an estimator corrects itself."""
    apart = late.time - early.time
    moved = late.position - early.position - 0.5 * apart * (early.velocity + late.velocity)
    turned = (
        wrap_angle(late.camera.yaw - early.camera.yaw)
        - 0.5 * apart * (early.camera_rates[0] + late.camera_rates[0]),
        wrap_angle(late.attitude[0] - early.attitude[0]),
    )
    return bool(
        np.linalg.norm(moved) > _LEAP + _CHANGE * apart * apart
        or max(map(abs, turned)) > _TURN + _FASTEST * apart
    )


def between(early: RigState, late: RigState, when: float) -> RigState:
    """The state at a time, s, between two: by straight lines, or the nearer of the two where one
    has leapt."""
    part = share(early.time, late.time, when)
    if _leapt(early, late):
        return early if part < 0.5 else late

    def mix(a: Any, b: Any) -> Any:
        return a + part * (b - a)

    def turn(a: float, b: float) -> float:
        return float(wrap_angle(a + part * wrap_angle(b - a)))

    e, l = early.camera, late.camera  # noqa: E741
    pose = CameraPose(
        mix(e.position, l.position), turn(e.yaw, l.yaw), mix(e.pitch, l.pitch), turn(e.roll, l.roll)
    )
    a, b = early.lens, late.lens
    focus = mix(1 / a.focus_distance_m, 1 / b.focus_distance_m)
    return RigState(
        time=when,
        position=mix(early.position, late.position),
        velocity=mix(early.velocity, late.velocity),
        attitude=(
            turn(early.attitude[0], late.attitude[0]),
            mix(early.attitude[1], late.attitude[1]),
            mix(early.attitude[2], late.attitude[2]),
        ),
        camera=pose,
        camera_rates=mix(early.camera_rates, late.camera_rates),
        lens=LensState(
            mix(a.focal_length_mm, b.focal_length_mm),
            1 / focus if focus > 0 else math.inf,
            mix(a.f_number, b.f_number),
        ),
        health=late.health,
    )
