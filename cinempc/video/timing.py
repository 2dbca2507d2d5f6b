"""When a stream's pictures were taken, by their time stamps: what a container says of its frame
rate is a hint at best (1000 or 90000 of a stream with a varying rate, none of a raw one)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

#: Pictures closer than this, s, are one picture's with two stamps: no camera that anybody films
#: people with takes more than 480 a second.
_SHORTEST = 1 / 500
#: Rates, 1/s, that a container may claim and be believed where there are no stamps.
_CLAIMED = (1.0, 240.0)
#: Of a stream that says nothing at all, 1/s; FFmpeg's own, too.
ASSUMED_RATE = 25.0
#: Forward leaps of a time stamp, s, from which it is the stream's clock that leapt: FFmpeg's
#: ``-dts_delta_threshold`` for containers that may (MPEG-TS and other streams), and its
#: ``-dts_error_threshold`` for those with one time line.
STREAM_LEAP, FILE_LEAP = 10.0, 30 * 3600.0
#: The least time between two pictures that is given, s.
_TICK = 1e-3


def typical_rate(stamps: Iterable[float | None]) -> float | None:
    """Pictures a second by the median distance of their time stamps.

    Example:
        >>> typical_rate([0.0, 0.1, 0.2, 0.3, 5.0])
        10.0

    Args:
        stamps: s, in the order they came; steps back and missing ones are left out.

    Returns:
        1/s; None where the stamps tell no times: fewer than two, or all of them the same or within
        less than a camera can take pictures.
    """
    known = np.array([s for s in stamps if s is not None and math.isfinite(s)])
    steps = np.diff(known)
    steps = steps[(steps >= _SHORTEST) & (steps <= FILE_LEAP)]
    if not len(steps):
        return None
    # Stamps in ms or of 1/90000 s: their rounding is no part of the rate.
    return float(f"{1 / float(np.median(steps)):.5g}")


def believable(claims: Sequence[float | None]) -> float | None:
    """The first frame rate among those that a container claims that a camera may have, 1/s."""
    for claim in claims:
        if claim is not None and _CLAIMED[0] <= claim <= _CLAIMED[1]:
            return claim
    return None


class Timeline:
    """Times of a stream's pictures, from 0 at the first, that always go on.

    A stamp that is missing, or stands alone behind or far ahead of its neighbours, is damaged: its
    picture follows the last at the usual distance. Where the next stamp goes on from there, the
    stream's clock was set anew (recordings joined end to end, a counter that ran over), and what
    follows is joined on.

    Example:
        >>> times = Timeline(period=0.1, leap=STREAM_LEAP)
        >>> [round(times.at(stamp), 1) for stamp in (5.0, 5.1, 5.2, 0.0, 0.1, 0.2)]
        [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]

    Args:
        period: usual time between two pictures, s.
        leap: how far a stamp may be ahead of the last one, s, before it is doubted.
    """

    def __init__(self, period: float, leap: float = STREAM_LEAP) -> None:
        self._period, self._leap = period, leap
        self._offset: float | None = None  # from stamps to times
        self._trusted = 0.0  # time of the last stamp that fitted
        self._doubted: tuple[float, float] | None = None  # the last that did not, and its time
        self._last: float | None = None

    def at(self, stamp: float | None) -> float:
        """The time of the next picture, s.

        Args:
            stamp: its own, s; None where it has none.
        """
        following = 0.0 if self._last is None else self._last + self._period
        time = following
        if stamp is not None and math.isfinite(stamp):
            time = self._placed(stamp, following)
        if self._last is not None:
            time = max(time, self._last + _TICK)
        self._last = time
        return time

    def _placed(self, stamp: float, following: float) -> float:
        if self._offset is None:
            self._offset = following - stamp
            self._trusted = following
            return following
        if self._follows(stamp + self._offset, self._trusted):
            self._trusted, self._doubted = stamp + self._offset, None
            return self._trusted
        if self._doubted is not None and self._follows(stamp, self._doubted[0]):
            self._offset = self._doubted[1] - self._doubted[0]
            self._trusted, self._doubted = stamp + self._offset, None
            return self._trusted
        self._doubted = stamp, following
        return following

    def _follows(self, stamp: float, before: float) -> bool:
        return 0 < stamp - before <= self._leap
