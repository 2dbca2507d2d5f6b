"""The clock that everything in flight, on the wire and in the simulated vehicle reads.

It is handed in, never asked of the `time` module: on a computer in a flight it is `WallClock`; a
test hands in one that an event loop drives, and a minute of flight takes a second. Where a name
says ``wall``, such a clock is meant, and seconds of it; a vehicle's own time is another
(`cinempc.mavlink.vehicle_clock`), which goes slower or faster than this one.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Gives the time."""

    def now(self) -> float:
        """Monotonic time, s, from a start of its own; the running event loop's time, if there is
        one."""

    def utc(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z."""


class WallClock:
    """This computer's clocks."""

    def now(self) -> float:
        """`time.monotonic`, which is also the time of asyncio's event loops."""
        return time.monotonic()

    def utc(self) -> float:
        """`time.time`."""
        return time.time()


#: What is read where no other clock is handed in.
WALL = WallClock()
