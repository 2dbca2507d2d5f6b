"""Where the camera looked, a few seconds back, so that a picture gets the pose of its exposure."""

from __future__ import annotations

import math
from typing import NamedTuple

from cinempc.frames import Angles, wrap_angle
from cinempc.rig.history import History, Sample, share

#: Time that is kept, s.
KEPT = 5.0
#: Farthest beyond the newest report, s, that its rates are followed.
BEYOND = 0.25
_TURN = 2 * math.pi
#: Farthest that a yaw is from where the rates lead, rad and rad/s, without a leap.
_NOISE, _FASTEST = 0.1, 4.0


class Aim(NamedTuple):
    """Yaw, pitch and roll of the camera in the world frame, rad, and their rates, rad/s."""

    angles: Angles
    rates: Angles


class _Report(NamedTuple):
    angles: Angles  # yaw in whichever turn the first one was
    rates: Angles | None


class AttitudeHistory:
    """Reported attitudes by their times, s."""

    def __init__(self) -> None:
        self._past = History[_Report](kept=KEPT)

    def clear(self) -> None:
        """Forget all."""
        self._past.clear()

    def __len__(self) -> int:
        return len(self._past)

    @property
    def newest(self) -> float:
        """Time of the newest report; NaN where there is none."""
        return self._past.newest

    def add(self, time: float, angles: Angles, rates: Angles | None) -> None:
        """Take in a report; one that was overtaken on the way finds its place, and the same, on
        another way, is left out.

        Args:
            time: of the report, s.
            angles: world frame, rad.
            rates: rad/s; None where they are unknown: then from report to report.
        """
        past = self._past
        if len(past):
            near = past[min(past.place(time), len(past) - 1)].value.angles[0]
            yaw = angles[0] + _TURN * round((near - angles[0]) / _TURN)
            angles = (yaw, angles[1], angles[2])
        past.add(time, _Report(angles, rates))

    def at(self, time: float) -> Aim | None:
        """The attitude at a time, s, by straight lines between reports, or the nearer of the two
        where the yaw has leapt (the autopilot's sense of north is the gimbal's, too); beyond the
        newest by its rates, for `BEYOND` s at most, then standing. None before the first report."""
        if not math.isfinite(time):
            return None
        before, after = self._past.around(time)
        place = self._past.place(time)
        if before is None:
            if after is None or not self._close(time):
                return None
            return self._aim(after.value.angles, self._rates(0))
        if after is None:
            return self._after(time, before)
        part = share(before.time, after.time, time)
        if _leapt(before, after):
            nearer, its = (before, place - 1) if part < 0.5 else (after, place)
            return self._aim(nearer.value.angles, self._told_rates(its))
        return self._aim(
            _mix(before.value.angles, after.value.angles, part),
            _mix(self._rates(place - 1), self._rates(place), part),
        )

    def _close(self, time: float) -> bool:
        """Whether a time before the first report is one report away from it, no more."""
        past = self._past
        step = past[1].time - past[0].time if len(past) > 1 else 0.0
        return past[0].time - time <= step

    def _after(self, time: float, newest: Sample[_Report]) -> Aim:
        rates = self._rates(len(self._past) - 1)
        ahead = time - newest.time
        step = min(ahead, BEYOND)
        yaw, pitch, roll = (a + r * step for a, r in zip(newest.value.angles, rates, strict=True))
        return self._aim((yaw, pitch, roll), rates if ahead <= BEYOND else (0.0, 0.0, 0.0))

    def _told_rates(self, place: int) -> Angles:
        return self._past[place].value.rates or (0.0, 0.0, 0.0)

    def _rates(self, place: int) -> Angles:
        past = self._past
        told = past[place].value.rates
        if told is not None:
            return told
        if len(past) < 2:
            return 0.0, 0.0, 0.0
        before, after = past[max(place - 1, 0)], past[max(place, 1)]
        span = after.time - before.time
        yaw, pitch, roll = (
            (b - a) / span for a, b in zip(before.value.angles, after.value.angles, strict=True)
        )
        return yaw, pitch, roll

    @staticmethod
    def _aim(angles: Angles, rates: Angles) -> Aim:
        return Aim((float(wrap_angle(angles[0])), angles[1], angles[2]), rates)


def _leapt(before: Sample[_Report], after: Sample[_Report]) -> bool:
    """Whether the yaw is farther from one report to the next than a gimbal turns."""
    apart = after.time - before.time
    rates = [each.value.rates[0] for each in (before, after) if each.value.rates is not None]
    led = apart * sum(rates) / len(rates) if rates else 0.0
    found = after.value.angles[0] - before.value.angles[0] - led
    return abs(found) > _NOISE + _FASTEST * apart


def _mix(a: Angles, b: Angles, share: float) -> Angles:
    x, y, z = (p + share * (q - p) for p, q in zip(a, b, strict=True))
    return x, y, z
