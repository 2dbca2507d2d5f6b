"""What the pilot tells of the rig: what it can do, where it is, and whether it is well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.flight.camera.driver import CameraDriver
from cinempc.flight.gimbal.driver import GimbalDriver
from cinempc.flight.pilot.anchor import Anchor
from cinempc.flight.pilot.autopilot import Autopilot
from cinempc.flight.pilot.phases import FlightPhase, FlightState
from cinempc.flight.pilot.reasons import FlightReason
from cinempc.flight.pilot.reception import BLIND, SLOW
from cinempc.flight.pilot.stream import StreamTiming
from cinempc.mavlink.px4 import Mode
from cinempc.rig.camera import Camera, Dof, LensState
from cinempc.rig.log import Problem, problem
from cinempc.rig.state import CameraPose, Health, RigState
from cinempc.rig.vehicle import Gimbal

Floats = NDArray[np.float64]

#: Longest silence that is told as a number, s.
_LONGEST = 999.0


@dataclass(frozen=True)
class Report:
    """What the pilot tells, many times a second."""

    state: RigState
    phase: FlightPhase
    mode: Mode
    armed: bool
    airborne: bool
    #: Vehicle time and rate over this computer's monotonic time: t = rate · m + offset.
    clock: tuple[float, float]
    over: Problem | None  # why it ended, or who has taken over
    controls: bool  # whether the vehicle is ours
    made: float  # this computer's monotonic time, s
    refused_plans: int
    timing: StreamTiming | None
    utc: float | None = None  # seconds since 1970 at vehicle time 0
    held: frozenset[Dof] = frozenset()  # what of the lens cannot be moved


@dataclass(frozen=True)
class Abilities:
    """What was found on the link, when everything was asked.

    ``camera`` is the camera's model with what it cannot move held where it stands; ``gimbal`` its
    ranges, where they are narrower than the vehicle's file says; ``video`` and ``depth`` are the
    addresses of its streams as `cinempc.flight.video.eye.VideoEye` takes them, None where it offers
    none, and ``unread`` what is wrong with streams that are not read.
    """

    version: tuple[int, int, int]
    camera: Camera
    video: str | None
    depth: str | None
    gimbal: Gimbal
    unread: tuple[Problem, ...] = ()


def problems(
    flight: FlightState,
    autopilot: Autopilot,
    gimbal: GimbalDriver | None,
    silence: float,
    delay: float,
) -> tuple[Problem, ...]:
    """What keeps the rig from being flown.

    Args:
        flight: how far the flight is.
        autopilot: the autopilot.
        gimbal: the gimbal; None before it was looked for.
        silence: time since the vehicle's position came last, s.
        delay: age of what comes, s.
    """
    found = []
    if silence > BLIND:
        found.append(problem(FlightReason.NOT_HEARD, silence=min(silence, _LONGEST)))
    elif delay > SLOW:
        found.append(problem(FlightReason.LATE, delay=delay))
    if not autopilot.positioned:
        found.append(problem(FlightReason.NO_POSITION))
    if gimbal is not None and not gimbal.healthy:
        found.append(problem(FlightReason.GIMBAL_SILENT))
    elif gimbal is not None and not gimbal.controls:
        found.append(problem(FlightReason.GIMBAL_TAKEN))
    if flight.ended is not None:
        found.append(flight.ended)
    return tuple(found)


def rig_state(
    autopilot: Autopilot,
    gimbal: GimbalDriver | None,
    camera: CameraDriver | None,
    anchor: Anchor,
    problems: tuple[Problem, ...],
) -> RigState:
    """The rig as it is now, as far as it is known; NaN where it is not.

    Args:
        autopilot, gimbal, camera: that report; None before they were found.
        anchor: where the vehicle's local frame lies in the script's world.
        problems: what keeps it from being flown.
    """
    place = autopilot.position
    if place is None:
        position, velocity = np.full(3, np.nan), np.full(3, np.nan)
        when = autopilot.clock.now()
    else:
        position, velocity = anchor.frame.position(place.position), place.velocity
        when = place.time
    angles: Sequence[float] = (math.nan,) * 3
    rates: Sequence[float] = (math.nan,) * 3
    aim = None if gimbal is None else gimbal.attitude_at(when)
    if aim is not None:
        angles, rates = aim.angles, aim.rates
    return RigState(
        time=when,
        position=position,
        velocity=velocity,
        attitude=anchor.angles,
        camera=CameraPose(
            position, float(frames.wrap_angle(angles[0])), float(angles[1]), float(angles[2])
        ),
        camera_rates=np.array(rates, dtype=float),
        lens=LensState(math.nan, math.nan, math.nan) if camera is None else camera.lens,
        health=Health(not problems, problems),
    )
