"""What a shot asks of the picture over its time, as plain curves.

A shot is a set of targets at each moment: where the subject stands in the picture, how large, from
which side and height, at which focal length, who is sharp. Moves are easing curves of these; the
drone's path follows from them through the control problem, no move knows a path.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cinempc.camera import Camera
from cinempc.frames import wrap_angle
from cinempc.script.composition import composition, stature
from cinempc.script.fields import (
    DollyZoomMove,
    Follow,
    Hold,
    Orbit,
    PullOut,
    PushIn,
    RackFocus,
    ShotConfig,
)
from cinempc.script.framing import Scale, lead_room, scale_of
from cinempc.subject import body_fraction

Floats = NDArray[np.float64]

#: Time, s, in which an orbit at a rate gets up to it, and in which it stops.
_ORBIT_RAMP = 2.0
#: The most that a picture drifts on when a shot eases in, 1/s.
_FASTEST_DRIFT = 0.3
#: Targets of which a ratio counts, not a difference.
_RATIOS = ("stature", "focal_length")


@dataclass(frozen=True)
class Start:
    """What a move starts from.

    Attributes:
        azimuth: direction from the subject to the camera, rad, in the world.
        heading: of the subject, rad, for lead room.
        focal_length: mm, for a shot that keeps the one that is there.
    """

    azimuth: float
    heading: float
    focal_length: float


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


def ease_way(progress: Floats) -> Floats:
    """The way of what gets up to speed 1 as `ease` does: its integral, 0 to 1/2."""
    s = np.clip(progress, 0.0, 1.0)
    way: Floats = s**4 * (2.5 + s * (s - 3))
    return way


def cruise(times: Floats, duration: float, ramp: float) -> Floats:
    """The way, s, at speed 1 with gentle ends: up in ``ramp``, and down in it at the end."""
    down = np.clip((duration - times) / ramp, 0.0, 1.0)
    middle = np.clip(times - ramp, 0.0, max(duration - 2 * ramp, 0.0))
    way: Floats = ramp * (ease_way(times / ramp) + 0.5 - ease_way(down)) + middle
    return way


def stop(position: Floats, velocity: Floats, times: Floats, over: float) -> Floats:
    """Places (times, 3), m, of a camera that comes to rest gently from a velocity, m/s."""
    places: Floats = position + stopping_way(times, over)[:, None] * velocity
    return places


def stopping_way(times: Floats, over: float) -> Floats:
    """The way, s, of what comes to rest from speed 1 gently."""
    way: Floats = times.clip(0.0, over) - over * ease_way(times / over)
    return way


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


def targets(
    shot: ShotConfig, camera: Camera, height: float, times: Floats, start: Start
) -> Targets:
    """What a shot asks at ``times``, s from its start; past its end, what it asks there.

    Args:
        shot: the shot.
        camera: its sensor and lens.
        height: of the framing's subject, m.
        times: (n,).
        start: what the move starts from.
    """
    framing, move = shot.framing, shot.move
    opening = composition(shot, camera, height)
    course = ease(times / shot.duration)
    flat = np.ones_like(times)
    focal = (opening.focal_length or start.focal_length) * flat
    azimuth, size = start.azimuth * flat, opening.scale.stature * flat
    room = _room_above(opening.scale, framing.position.v) * flat
    if isinstance(move, Orbit):
        if move.rate is not None:
            ramp = min(_ORBIT_RAMP, shot.duration / 3)
            azimuth = azimuth + move.rate * cruise(times, shot.duration, ramp)
        else:
            azimuth = azimuth + (move.angle or 0.0) * course
    elif isinstance(move, PushIn | PullOut):
        end = move.to
        if not isinstance(end, Scale):
            end = scale_of(stature(focal[0], end, height, camera))
        # Even in ln size: the same share of the picture is gained in each second.
        size = size * np.exp(math.log(end.stature / opening.scale.stature) * course)
        room = room + (_room_above(end, framing.position.v) - room) * course
    elif isinstance(move, DollyZoomMove):
        # Even in focal length is even in distance, as the scale stays.
        first, last = move.focal_length.from_, move.focal_length.to
        focal = first + (last - first) * course
    else:
        assert isinstance(move, Hold | Follow | RackFocus)
    u = framing.position.u
    return Targets(
        u=lead_room(start.heading, azimuth) if u is None else u * flat,
        v=room + (1 - body_fraction(opening.point)) * size,
        stature=size,
        azimuth=azimuth,
        elevation=framing.angle * flat,
        focal_length=focal,
        roll=framing.roll * flat,
    )


def _room_above(scale: Scale, v: float | None) -> float:
    """Where the top of the head is in the picture: 0 at its upper edge, below 0 if cut off."""
    placed = scale.v if v is None else v
    return placed - (1 - body_fraction(scale.point)) * scale.stature


def blend(before: Targets, after: Targets, weight: Floats) -> Targets:
    """From one picture (``weight`` 0) to another (1): sizes and focal lengths by their ratio,
    sides the short way round."""
    blended = {}
    for field in fields(Targets):
        first, last = getattr(before, field.name), getattr(after, field.name)
        if field.name == "azimuth":
            first = last + wrap_angle(first - last)
        if field.name in _RATIOS:
            blended[field.name] = np.exp((1 - weight) * np.log(first) + weight * np.log(last))
        else:
            blended[field.name] = (1 - weight) * first + weight * last
    return Targets(**blended)


def drift(before: Targets, after: Targets, dt: float) -> Targets:
    """How a picture moves, 1/s, from two of them ``dt`` apart: its size (by its logarithm) and
    side, which are the vehicle's to change. Place, zoom and roll are quick, they have no drift."""
    still = np.zeros(1)
    grows = np.log(after.stature / before.stature) / dt
    turns = wrap_angle(after.azimuth - before.azimuth) / dt
    rises = (after.elevation - before.elevation) / dt
    return Targets(
        u=still,
        v=still,
        stature=np.clip(grows, -_FASTEST_DRIFT, _FASTEST_DRIFT),
        azimuth=np.clip(turns, -_FASTEST_DRIFT, _FASTEST_DRIFT),
        elevation=np.clip(rises, -_FASTEST_DRIFT, _FASTEST_DRIFT),
        focal_length=still,
        roll=still,
    )


def drifted(found: Targets, rates: Targets, way: Floats) -> Targets:
    """A picture after it moved at some rates (see `drift`) for a ``way``, s."""
    moved = {}
    for field in fields(Targets):
        value, rate = getattr(found, field.name), getattr(rates, field.name)
        ratio = field.name in _RATIOS
        moved[field.name] = value * np.exp(rate * way) if ratio else value + rate * way
    return Targets(**moved)


def focus_at_end(shot: ShotConfig) -> str:
    """The subject that the focus is on at a shot's end."""
    if isinstance(shot.move, RackFocus):
        return shot.move.to
    return shot.focus.on or shot.framing.subject


def focus_at_start(shot: ShotConfig) -> str:
    """The subject that the focus is on at a shot's start."""
    return shot.move.from_ if isinstance(shot.move, RackFocus) else focus_at_end(shot)


def sharpness(shot: ShotConfig, times: Floats) -> dict[str, tuple[Floats, Floats]]:
    """How much each subject is asked sharp and soft, 0 to 1, at ``times`` from the shot's start."""
    flat = np.ones_like(times)
    if isinstance(shot.move, RackFocus):
        over = ease((times - shot.move.at) / shot.move.over)
        found = {shot.move.from_: (1 - over, over), shot.move.to: (over, 1 - over)}
    else:
        found = {focus_at_start(shot): (flat, 0 * flat)}
        for name in shot.focus.sharp:
            found[name] = (flat, 0 * flat)
    for name in shot.focus.soft:
        found[name] = (0 * flat, flat)
    return found
