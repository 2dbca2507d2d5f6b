"""What a shot asks of the picture over its time, as plain curves.

A shot is a set of targets at each moment: where the subject stands in the picture, how large, from
which side and height, at which focal length, who is sharp. Moves are easing curves of these; the
drone's path follows from them through the control problem, no move knows a path.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.camera import Camera
from cinempc.script.script import (
    DollyZoomMove,
    Follow,
    Hold,
    Orbit,
    PullOut,
    PushIn,
    RackFocus,
    ShotConfig,
)

Floats = NDArray[np.float64]

#: Focal length where nobody asks for one, mm: the normal lens of a Super 35 sensor.
NORMAL_FOCAL_LENGTH = 40.0
#: Aperture where nobody asks for one.
DEFAULT_F_NUMBER = 4.0


@dataclass(frozen=True)
class Targets:
    """What is asked at some times, each (times,).

    Attributes:
        u, v: where the framed point stands, fractions of width and height.
        stature: image height of the whole body, fraction of the frame's height.
        azimuth: direction from the subject to the camera, rad, in the world.
        elevation: of the camera above the subject's eyes, rad.
        focal_length: mm.
        roll: rad.
    """

    u: Floats
    v: Floats
    stature: Floats
    azimuth: Floats
    elevation: Floats
    focal_length: Floats
    roll: Floats


@dataclass(frozen=True)
class Priorities:
    """What leads and what yields in a move: weights of its wishes."""

    screen: float = 4.0
    scale: float = 4.0
    viewpoint: float = 0.3
    focal_length: float = 0.5
    place: float = 0.0


def ease(progress: Floats) -> Floats:
    """From 0 to 1 with no velocity and acceleration at both ends: 10 s³ - 15 s⁴ + 6 s⁵, the
    minimum-jerk course (Flash and Hogan, 1985)."""
    s = np.clip(progress, 0.0, 1.0)
    eased: Floats = s**3 * (10 + s * (6 * s - 15))
    return eased


def priorities(shot: ShotConfig, camera: Camera) -> Priorities:
    """The weights of a shot's move."""
    zooms = camera.focal_length.max > camera.focal_length.min
    if isinstance(shot.move, Hold):
        if shot.lens.focal_length is None and zooms:
            return Priorities(viewpoint=0.0, focal_length=0.0, place=4.0)
        return Priorities(scale=0.0, viewpoint=0.0, focal_length=4.0, place=4.0)
    if isinstance(shot.move, DollyZoomMove):
        return Priorities(scale=8.0, focal_length=1.0)
    return Priorities(focal_length=4.0)


def default_focal_length(camera: Camera) -> float:
    """The normal focal length, or the nearest that the lens has, mm."""
    zoom = camera.focal_length
    return min(max(NORMAL_FOCAL_LENGTH, zoom.min), zoom.max)


def targets(
    shot: ShotConfig, camera: Camera, times: Floats, azimuth: float, focal_length: float
) -> Targets:
    """What a shot asks at ``times``, s from its start; past its end, what it asks there.

    Args:
        shot: the shot.
        camera: its lens gives the default focal length.
        times: (n,).
        azimuth: world direction from the subject to the camera at the shot's start, rad.
        focal_length: at the shot's start, mm, for a move that keeps it.
    """
    framing, move = shot.framing, shot.move
    course = ease(times / shot.duration)
    flat = np.ones_like(times)
    u, v = framing.position
    stature = framing.scale.stature * flat
    azimuths = azimuth * flat
    focal = (shot.lens.focal_length or focal_length) * flat
    if isinstance(move, Orbit):
        azimuths = azimuth + move.angle * course
    elif isinstance(move, PushIn | PullOut):
        # Even in ln size: the same share of the picture is gained in each second.
        ratio = math.log(move.to.stature / framing.scale.stature)
        stature = stature * np.exp(ratio * course)
    elif isinstance(move, DollyZoomMove):
        # Even in focal length is even in distance, as the scale stays.
        first, last = move.focal_length.from_, move.focal_length.to
        focal = first + (last - first) * course
    else:
        assert isinstance(move, Hold | Follow | RackFocus)
    return Targets(
        u=u * flat,
        v=(framing.scale.v if v is None else v) * flat,
        stature=stature,
        azimuth=azimuths,
        elevation=framing.angle * flat,
        focal_length=focal,
        roll=framing.roll * flat,
    )


def sharpness(shot: ShotConfig, times: Floats) -> dict[str, tuple[Floats, Floats]]:
    """How much each subject is asked sharp and soft, 0 to 1, at ``times`` from the shot's start."""
    flat = np.ones_like(times)
    if isinstance(shot.move, RackFocus):
        over = ease((times - shot.move.at) / shot.move.over)
        found = {shot.move.from_: (1 - over, over), shot.move.to: (over, 1 - over)}
    else:
        main = shot.focus.on or shot.framing.subject
        found = {main: (flat, 0 * flat)}
        for name in shot.focus.sharp:
            found[name] = (flat, 0 * flat)
    for name in shot.focus.soft:
        found[name] = (0 * flat, flat)
    return found
