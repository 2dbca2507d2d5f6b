"""Where the camera looked, a few seconds back, so that a picture gets the pose of its exposure."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from typing import NamedTuple

from cinempc.frames import Angles, wrap_angle

#: Time that is kept, s.
KEPT = 5.0
#: Farthest beyond the newest report, s, that its rates are followed.
BEYOND = 0.25
_TURN = 2 * math.pi


class Aim(NamedTuple):
    """Yaw, pitch and roll of the camera in the world frame, rad, and their rates, rad/s."""

    angles: Angles
    rates: Angles


class _Sample(NamedTuple):
    time: float
    angles: Angles  # yaw in whichever turn the first one was
    rates: Angles | None


class AttitudeHistory:
    """Reported attitudes by their times, s."""

    def __init__(self) -> None:
        self._samples: list[_Sample] = []

    def clear(self) -> None:
        """Forget all."""
        self._samples.clear()

    @property
    def newest(self) -> float:
        """Time of the newest report; NaN where there is none."""
        return self._samples[-1].time if self._samples else math.nan

    def add(self, time: float, angles: Angles, rates: Angles | None) -> None:
        """Take in a report; one that was overtaken on the way finds its place.

        Args:
            time: of the report, s.
            angles: world frame, rad.
            rates: rad/s; None where they are unknown: then from report to report.
        """
        samples = self._samples
        place = bisect_left(samples, (time,))
        if place < len(samples) and samples[place].time == time:
            return  # the same, on another way
        if samples:
            near = samples[min(place, len(samples) - 1)].angles[0]
            yaw = angles[0] + _TURN * round((near - angles[0]) / _TURN)
            angles = (yaw, angles[1], angles[2])
        insort(samples, _Sample(time, angles, rates), key=lambda sample: sample.time)
        while samples[-1].time - samples[0].time > KEPT:
            del samples[0]

    def at(self, time: float) -> Aim | None:
        """The attitude at a time, s, by straight lines between reports; beyond the newest by its
        rates, for `BEYOND` s at most, then standing. None before the first report."""
        samples = self._samples
        if not samples or not math.isfinite(time):
            return None
        place = bisect_left(samples, (time,))
        if place == len(samples):
            return self._after(time)
        if place == 0:
            return self._aim(samples[0].angles, self._rates(0)) if self._close(time) else None
        before, after = samples[place - 1], samples[place]
        share = (time - before.time) / (after.time - before.time)
        return self._aim(
            _mix(before.angles, after.angles, share),
            _mix(self._rates(place - 1), self._rates(place), share),
        )

    def _close(self, time: float) -> bool:
        """Whether a time before the first report is one report away from it, no more."""
        samples = self._samples
        step = samples[1].time - samples[0].time if len(samples) > 1 else 0.0
        return samples[0].time - time <= step

    def _after(self, time: float) -> Aim:
        newest, rates = self._samples[-1], self._rates(len(self._samples) - 1)
        ahead = time - newest.time
        step = min(ahead, BEYOND)
        yaw, pitch, roll = (a + r * step for a, r in zip(newest.angles, rates, strict=True))
        return self._aim((yaw, pitch, roll), rates if ahead <= BEYOND else (0.0, 0.0, 0.0))

    def _rates(self, place: int) -> Angles:
        samples = self._samples
        told = samples[place].rates
        if told is not None:
            return told
        if len(samples) < 2:
            return 0.0, 0.0, 0.0
        before, after = samples[max(place - 1, 0)], samples[max(place, 1)]
        span = after.time - before.time
        yaw, pitch, roll = (
            (b - a) / span for a, b in zip(before.angles, after.angles, strict=True)
        )
        return yaw, pitch, roll

    @staticmethod
    def _aim(angles: Angles, rates: Angles) -> Aim:
        return Aim((float(wrap_angle(angles[0])), angles[1], angles[2]), rates)


def _mix(a: Angles, b: Angles, share: float) -> Angles:
    x, y, z = (p + share * (q - p) for p, q in zip(a, b, strict=True))
    return x, y, z
