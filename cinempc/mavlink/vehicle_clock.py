"""The vehicle's clock as this computer sees it.

A simulator's time does not run as a wall clock does (PX4's at 0.988 of it, or at 20 times), and
every message comes with a delay of its own. The line through the least delayed messages is the
vehicle's time.
"""

from __future__ import annotations

import math
from collections import deque

from cinempc.rig.clock import WALL, Clock

#: Time, wall s, over which the rate is found, and the messages of it that are kept.
_WINDOW = 4.0
_KEPT = 80
#: Jump, vehicle s, that is a restart of the vehicle, not a delay.
_JUMP = 3.0
#: Slowest and fastest that a vehicle's time is believed to run: simulators go 20 times as fast.
_SLOWEST, _FASTEST = 0.02, 50.0


class VehicleClock:
    """Vehicle time as a line over this computer's monotonic time.

    Args:
        rate: vehicle seconds per wall second, before anything is known.
        wall: this computer's clock.
    """

    def __init__(self, rate: float = 1.0, wall: Clock = WALL) -> None:
        self._wall = wall
        self._samples: deque[tuple[float, float]] = deque()
        self._rate = rate
        self._offset = math.nan
        self._opened = -math.inf  # when the newest sample's turn began
        self.restarts = 0  #: How often the vehicle's time began anew.

    @property
    def known(self) -> bool:
        """Whether any message told a time yet."""
        return not math.isnan(self._offset)

    @property
    def rate(self) -> float:
        """Vehicle seconds per wall second."""
        return self._rate

    def now(self, monotonic: float | None = None) -> float:
        """Vehicle time, s; NaN while nothing is known."""
        return self._rate * (self._wall.now() if monotonic is None else monotonic) + self._offset

    def monotonic(self, vehicle: float) -> float:
        """This computer's monotonic time at a vehicle time: undoes `now`."""
        return (vehicle - self._offset) / self._rate

    def patience(self, seconds: float) -> float:
        """Wall time, s, to wait for what takes a vehicle some seconds: a simulator in slow motion
        takes longer."""
        return seconds / min(max(self._rate, 0.05), 1.0)

    def tell(self, vehicle: float, monotonic: float | None = None) -> None:
        """Take in a message's own time, s, that came now."""
        if not math.isfinite(vehicle):
            return
        here = self._wall.now() if monotonic is None else monotonic
        samples = self._samples
        if samples:
            last = samples[-1]
            jump = _JUMP * max(
                self._rate, 1.0
            )  # what is 3 s late at 20 times the speed is a minute
            if vehicle < last[1] - jump or vehicle - self.now(here) > jump:
                samples.clear()
                self.restarts += 1
            elif vehicle < last[1] or here - self._opened < _WINDOW / _KEPT:
                # Out of order, or more than is needed; it may still be the least delayed: the last
                # of those that waited while this process was not scheduled.
                ahead = vehicle - self._rate * here
                self._offset = max(self._offset, ahead)
                if ahead > last[1] - self._rate * last[0]:
                    samples[-1] = here, vehicle
                return
        samples.append((here, vehicle))
        self._opened = here
        while here - samples[0][0] > _WINDOW:
            samples.popleft()
        self._fit()

    def _fit(self) -> None:
        samples = self._samples
        begin, end = samples[0], samples[-1]
        span = end[0] - begin[0]
        if span > 0.25 * _WINDOW:
            # The least delayed of the first and of the last third: the upper edge of the cloud.
            def ahead(sample: tuple[float, float]) -> float:
                return sample[1] - self._rate * sample[0]

            early = max((s for s in samples if s[0] < begin[0] + span / 3), key=ahead)
            late = max((s for s in samples if s[0] > end[0] - span / 3), key=ahead)
            rate = (late[1] - early[1]) / (late[0] - early[0])
            if _SLOWEST <= rate <= _FASTEST:
                self._rate += (
                    0.2 * (rate - self._rate) if span > 0.9 * _WINDOW else (rate - self._rate)
                )
        self._offset = max(v - self._rate * m for m, v in samples)
