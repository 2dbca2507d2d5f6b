"""How well the vehicle is heard: for how long not at all, how late, and how fast its time runs.

Two conditions with a hysteresis each, as one table: a vehicle that is not heard, or only late,
cannot be flown by plans that were made for where it was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum
from typing import Any

from cinempc.flight.pilot.autopilot import Autopilot
from cinempc.mavlink.dialect import mavlink

#: Time without the vehicle's position, s, after which the course comes to rest, and after which
#: the stream ends. Where a simulator is slower than real time, in its time.
BLIND, LOST = 0.5, 2.0
#: Age of what comes over the link, s (as above), from which it is too slow to fly a shot by, and
#: below which it is fast enough again.
SLOW, FAST = 0.25, 0.2
#: Time, s, over which that age is found, as its least: a packet that was late alone is no matter.
_DELAYS = 1.6
#: Longest that an answer is waited for, and time between two questions, s.
_ANSWERS, _ASK = 3.0, 0.2
#: Time, wall s, over which it is found whether a simulator runs in slow motion, and the rate of its
#: time from which it does not.
_LONG, _SLOW_MOTION = 20.0, 0.9


class Reception(Enum):
    """How well the vehicle is heard."""

    GOOD = "heard in time"
    LATE = "heard too late"
    SILENT = "not heard"
    SILENT_AND_LATE = "not heard, and late before"


class Change(Enum):
    """What can happen to the reception."""

    FELL_SILENT = "not heard any more"
    HEARD = "heard again"
    BECAME_LATE = "later than SLOW"
    BECAME_PROMPT = "sooner than FAST"


_R, _C = Reception, Change
#: What follows from which change; what is not here changes nothing.
RECEPTION: dict[tuple[Reception, Change], Reception] = {
    (_R.GOOD, _C.FELL_SILENT): _R.SILENT,
    (_R.GOOD, _C.BECAME_LATE): _R.LATE,
    (_R.LATE, _C.FELL_SILENT): _R.SILENT_AND_LATE,
    (_R.LATE, _C.BECAME_PROMPT): _R.GOOD,
    (_R.SILENT, _C.HEARD): _R.GOOD,
    (_R.SILENT, _C.BECAME_LATE): _R.SILENT_AND_LATE,
    (_R.SILENT_AND_LATE, _C.HEARD): _R.LATE,
    (_R.SILENT_AND_LATE, _C.BECAME_PROMPT): _R.SILENT,
}


def step(state: Reception, silence: float, delay: float) -> tuple[Reception, tuple[Change, ...]]:
    """What a look at the link gives.

    Args:
        state: how well the vehicle was heard.
        silence: time since its position came last, s.
        delay: age of what comes, s.

    Returns:
        how well it is heard, and what has changed on the way there.
    """
    changes = []
    signals = [_C.FELL_SILENT if silence > BLIND else _C.HEARD]
    if delay > SLOW:
        signals.append(_C.BECAME_LATE)
    elif delay < FAST:
        signals.append(_C.BECAME_PROMPT)
    for change in signals:
        if (state, change) in RECEPTION:
            state = RECEPTION[state, change]
            changes.append(change)
    return state, tuple(changes)


class RoundTrips:
    """How old is what comes: half the quickest round trip of late. A delay that is always there
    shows in nothing else."""

    def __init__(self) -> None:
        self._asked: dict[int, float] = {}
        self._delays: deque[tuple[float, float]] = deque()

    def ask(self, stamp: int, wall: float) -> None:
        """A question with this stamp, ns, is sent now, wall s."""
        self._asked[stamp] = wall
        for old in [s for s, sent in self._asked.items() if wall - sent > _ANSWERS]:
            del self._asked[old]

    def asked(self, stamp: int) -> bool:
        """Whether a question with this stamp waits for its answer."""
        return stamp in self._asked

    def answer(self, stamp: int, wall: float) -> None:
        """The answer to that question has come now, wall s."""
        self._delays.append((wall, (wall - self._asked.pop(stamp)) / 2))
        while wall - self._delays[0][0] > _DELAYS:
            self._delays.popleft()

    @property
    def delay(self) -> float:
        """From the vehicle to here, wall s; 0 while nothing is known."""
        return min((delay for _, delay in self._delays), default=0.0)


class Pace:
    """Seconds that count per wall second: a simulator that waits for its pictures answers late by
    our clock, and not by its own. Found over a long time, and one until it is plainly less: to
    whom packets come later and later, time only seems to run slowly."""

    def __init__(self) -> None:
        self._rate: float | None = None
        self.value = 1.0

    def measure(self, rate: float, passed: float) -> None:
        """The vehicle's clock ran at a rate for ``passed`` wall s."""
        if self._rate is None:
            self._rate = rate
        self._rate += (rate - self._rate) * min(passed / _LONG, 1.0)
        self.value = self._rate if self._rate < _SLOW_MOTION else 1.0


class LinkWatch:
    """How well an autopilot is heard, as the pilot sees it.

    Args:
        autopilot: that is heard.

    Attributes:
        reception: as of the last `look`.
    """

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot, self._link = autopilot, autopilot.link
        self.reception = Reception.GOOD
        self._trips, self._pace = RoundTrips(), Pace()
        self._link.on("TIMESYNC", self._timesync)

    @property
    def delay(self) -> float:
        """How old is what we hear, s."""
        return self._trips.delay * self._pace.value

    @property
    def silence(self) -> float:
        """Time since the vehicle's position came last, s; infinite before the first."""
        return self._autopilot.silence * self._pace.value

    async def ask(self) -> None:
        """Ask for round trips, for ever."""
        while True:
            asked = self._link.wall.now()
            stamp = round(asked * 1e9)
            self._trips.ask(stamp, asked)
            self._link.send(mavlink.MAVLink_timesync_message(0, stamp))
            await asyncio.sleep(_ASK)

    def _timesync(self, message: Any) -> None:
        if message.tc1 == 0 or not self._trips.asked(message.ts1):
            return
        if self._autopilot.target.sent(message):
            self._trips.answer(message.ts1, self._link.wall.now())

    def measure_pace(self, passed: float) -> None:
        """The vehicle's clock has run on for ``passed`` wall s."""
        self._pace.measure(self._autopilot.clock.rate, passed)

    def begin(self) -> None:
        """A flight begins: what was wrong before is forgotten."""
        self.reception = Reception.GOOD

    def look(self) -> tuple[Change, ...]:
        """What has changed since the last look."""
        self.reception, changes = step(self.reception, self.silence, self.delay)
        return changes
