"""The stream of setpoints: on time, whatever else goes on, from the course alone.

It runs in the process that owns the link and in nobody else's; the controller, the detector and
the disk live in another. Its period is in the vehicle's time: a simulator at four times the speed
gets four times as many a second.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cinempc.flight.clock import VehicleClock

#: Intervals that are kept for the figures: two minutes at 50 Hz.
_KEPT = 6000


@dataclass(frozen=True)
class Jitter:
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
    """

    def __init__(self, clock: VehicleClock, rate: float, tick: Callable[[], None]) -> None:
        self._clock, self._rate, self._tick = clock, rate, tick
        self._errors: deque[float] = deque(maxlen=_KEPT)
        self._intervals: deque[float] = deque(maxlen=_KEPT)

    @property
    def period(self) -> float:
        """Between two calls, vehicle s."""
        return 1 / self._rate

    async def run(self) -> None:
        """Call it, for ever."""
        loop = asyncio.get_running_loop()
        last: float | None = None
        due = loop.time()
        while True:
            period = self.period / max(self._clock.rate, 0.05)
            due += period
            now = loop.time()
            if now > due + period:
                due = now  # too late for a tick or more: those are gone
            await asyncio.sleep(max(0.0, due - now))
            started = time.monotonic()
            self._tick()
            if last is not None:
                self._intervals.append(started - last)
                self._errors.append(abs(started - last - period))
            last = started

    def measure_anew(self) -> None:
        """Forget the figures so far."""
        self._errors.clear()
        self._intervals.clear()

    def jitter(self) -> Jitter | None:
        """Figures of the last two minutes; None before the second call."""
        if not self._intervals:
            return None
        errors = np.array(self._errors) * 1e3
        return Jitter(
            rate=len(self._intervals) / sum(self._intervals),
            median_ms=float(np.median(errors)),
            p99_ms=float(np.percentile(errors, 99)),
            max_ms=float(errors.max()),
            count=len(errors),
        )
