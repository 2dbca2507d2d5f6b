"""What a shot asks of the picture over its time, as plain curves, and how pictures join.

A shot is a set of targets at each moment: where the subject stands in the picture, how large, from
which side and height, at which focal length. The drone's path follows from them through the
control problem. Where a shot asks for a way through the world instead, see
`cinempc.script.framing.track`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cinempc.frames import wrap_angle

Floats = NDArray[np.float64]
#: A weight: one number for the whole shot, or one for each time.
Weight = float | Floats

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
    """What leads and what yields in a move: weights of its targets.

    A number of 0 asks for nothing. A curve, one value for each time, is part of what is asked
    throughout the shot, also where it is 0.
    """

    screen: Weight = 4.0
    scale: Weight = 4.0
    viewpoint: Weight = 0.3
    focal_length: Weight = 0.5


def is_asked(weight: Weight) -> bool:
    """Whether a weight asks for anything in its shot."""
    return bool(np.ndim(weight) or weight)


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


def drifted(picture: Targets, rates: Targets, way: Floats) -> Targets:
    """A picture after it moved at some rates (see `drift`) for a ``way``, s."""
    moved = {}
    for field in fields(Targets):
        value, rate = getattr(picture, field.name), getattr(rates, field.name)
        ratio = field.name in _RATIOS
        moved[field.name] = value * np.exp(rate * way) if ratio else value + rate * way
    return Targets(**moved)
