"""The stream of setpoints: on time, whatever else goes on, from the trajectory alone.

It runs in the process that owns the link and in nobody else's; the controller, the detector and
the disk live in another. Its period is in the vehicle's time: a simulator at four times the speed
gets four times as many a second.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.rig.clock import WALL, Clock

#: Intervals that are kept for the figures: two minutes at 50 Hz.
_KEPT = 6000
#: How fast the trajectory may be flown through in terms of the vehicle's time, when the clock was
#: set anew: never back, and never in a leap.
_SLOWEST, _FASTEST = 0.5, 1.5


@dataclass(frozen=True)
class StreamTiming:
    """How regular the stream was: rate 1/s, and how far intervals were from the period, wall ms."""

    rate: float
    median_ms: float
    p99_ms: float
    max_ms: float
    count: int


class Ticker:
    """Calls something at a steady rate.

    Args:
        clock: the vehicle's; its rate stretches the period.
        rate: calls per vehicle second.
        tick: what is called.
        wall: the event loop's clock.
    """

    def __init__(
        self, clock: VehicleClock, rate: float, tick: Callable[[], None], wall: Clock = WALL
    ) -> None:
        self._clock, self._rate, self._tick, self._wall = clock, rate, tick, wall
        self._errors: deque[float] = deque(maxlen=_KEPT)
        self._intervals: deque[float] = deque(maxlen=_KEPT)

    @property
    def period(self) -> float:
        """Between two calls, vehicle s."""
        return 1 / self._rate

    async def run(self) -> None:
        """Call it, for ever."""
        last: float | None = None
        due = self._wall.now()
        while True:
            period = self.period / max(self._clock.rate, 0.05)
            due += period
            now = self._wall.now()
            if now > due + period:
                due = now  # too late for a tick or more: those are gone
            await asyncio.sleep(max(0.0, due - now))
            started = self._wall.now()
            self._tick()
            if last is not None:
                self._intervals.append(started - last)
                self._errors.append(abs(started - last - period))
            last = started

    def measure_anew(self) -> None:
        """Forget the figures so far."""
        self._errors.clear()
        self._intervals.clear()

    def timing(self) -> StreamTiming | None:
        """Figures of the last two minutes; None before the second call."""
        if not self._intervals:
            return None
        errors = np.array(self._errors) * 1e3
        return StreamTiming(
            rate=len(self._intervals) / sum(self._intervals),
            median_ms=float(np.median(errors)),
            p99_ms=float(np.percentile(errors, 99)),
            max_ms=float(errors.max()),
            count=len(errors),
        )


class TrajectoryTime:
    """Where on the trajectory we are: the vehicle's time, but never back, and never in a leap when
    its clock turns out to be another.

    Args:
        clock: the vehicle's.
        wall: this computer's.

    Attributes:
        now: the time, s; NaN before `begin`.
    """

    def __init__(self, clock: VehicleClock, wall: Clock = WALL) -> None:
        self._clock, self._wall = clock, wall
        self.now = self._at_wall = math.nan

    def begin(self) -> None:
        """Be where the vehicle's clock is."""
        self.now, self._at_wall = self._clock.now(), self._wall.now()

    def go_on(self) -> float:
        """The time by now, s."""
        wall = self._wall.now()
        passed = max(0.0, wall - self._at_wall) * self._clock.rate
        behind = self._clock.now() - self.now
        self.now += min(max(behind, _SLOWEST * passed), _FASTEST * passed)
        self._at_wall = wall
        return self.now
