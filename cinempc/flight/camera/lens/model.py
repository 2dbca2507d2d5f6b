"""Where a lens's motors are between two reports, and where they are without any.

Zoom moves in mm, focus in dioptres and the iris in stops, as the rates of
`cinempc.rig.camera.Camera` are given.
"""

from __future__ import annotations

import math
from collections import deque

from cinempc.rig import motor

#: Commands that a motor may not have begun to follow; more than a second of them at 25 Hz.
_WAITING = 64
#: Time, s, after which a lens that is not where it was told to be is taken to stay there.
_OVERRULED = 5.0


class Ring:
    """One motor, as far as it is known.

    Args:
        value: where it is thought to stand.
        rate: its speed, 1/s.
        lag: its time constant, s.
        latency: from a command until it begins to move, s.
    """

    def __init__(self, value: float, rate: float, lag: float, latency: float) -> None:
        self._value = self._goal = value
        self._rate, self._lag, self._latency = rate, lag, latency
        self._commanded = False
        self._time = self._since = math.nan
        self._waiting: deque[tuple[float, float]] = deque(maxlen=_WAITING)

    def command(self, goal: float, time: float) -> None:
        """It was told at ``time``, s, to go to ``goal``."""
        self._commanded = True
        self._waiting.append((time + self._latency, goal))

    def report(self, value: float, time: float) -> None:
        """It was seen at ``value`` at ``time``, s."""
        self.at(time)
        self._value = value
        if not self._commanded or (not self._waiting and time - self._since > _OVERRULED):
            self._goal = value  # it stands elsewhere and stays there: somebody else moved it

    def at(self, time: float) -> float:
        """Where it is at ``time``, s; time goes on only forwards, but for a clock set anew."""
        if not time >= self._time:
            self._time = time
            self._since = time
        while self._waiting and self._waiting[0][0] <= time:
            due, goal = self._waiting.popleft()
            self._go(max(due, self._time))
            if goal != self._goal:
                self._goal, self._since = goal, self._time
        self._go(time)
        return self._value

    def _go(self, time: float) -> None:
        self._value = motor.approach(
            self._value, self._goal, time - self._time, self._rate, self._lag
        )
        self._time = time
