"""Which of a gimbal manager's statuses are news.

PX4 repeats the last status, its time included, when the gimbal is gone; a status may be overtaken
on the way; a manager that restarts counts from zero. And there are managers whose time stands
still: with those it is the content that tells.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

#: A time that is so far behind the newest, ms, at most, was overtaken; beyond, it began anew.
_OVERTAKEN = 1000


class Order(Enum):
    """How a status stands to the newest before it."""

    NEW = "newer"
    OLD = "the same once more, or overtaken"
    RESTARTED = "its time began anew"
    TIMELESS = "another one of the same time: the manager's time stands still"


class StatusStamp(NamedTuple):
    """A status's time since boot, ms, and who it says to be in control, system and component."""

    time: int
    owner: tuple[int, int]

    def after(self, last: StatusStamp | None) -> Order:
        """How it stands to the newest before it, None for none."""
        if last is None or self.time > last.time:
            return Order.NEW
        if self.time == last.time:
            return Order.OLD if self.owner == last.owner else Order.TIMELESS
        return Order.OLD if last.time - self.time <= _OVERTAKEN else Order.RESTARTED
