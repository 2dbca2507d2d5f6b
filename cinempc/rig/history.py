"""What was so at a past time: values by their times, the newest few seconds of them.

A picture is looked at after it was exposed, and a report comes after what it reports: whoever needs
a state of then asks for the two reports around it, and mixes them as suits what they are.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Sample(Generic[T]):
    """A value and its time, s."""

    time: float
    value: T


class History(Generic[T]):
    """Values by their times.

    Example:
        >>> history = History[float](kept=5.0)
        >>> for time, value in ((1.0, 10.0), (2.0, 20.0)):
        ...     _ = history.add(time, value)
        >>> before, after = history.around(1.25)
        >>> share(before.time, after.time, 1.25)
        0.25

    Args:
        kept: how far back from the newest, s.
        restart: how far behind the newest a time is that begins anew, s: everything before it is
            forgotten then. What is less late was overtaken on the way, and finds its place.
    """

    def __init__(self, kept: float, restart: float = math.inf) -> None:
        self._kept, self._restart = kept, restart
        self._times: list[float] = []
        self._values: list[T] = []

    def __len__(self) -> int:
        return len(self._times)

    def __getitem__(self, place: int) -> Sample[T]:
        """By its place in time, the oldest first."""
        return Sample(self._times[place], self._values[place])

    def __repr__(self) -> str:
        return f"History({list(zip(self._times, self._values, strict=True))})"

    @property
    def newest(self) -> float:
        """Time of the newest, s; NaN where there is none."""
        return self._times[-1] if self._times else math.nan

    def clear(self) -> None:
        """Forget all."""
        self._times.clear()
        self._values.clear()

    def add(self, time: float, value: T) -> bool:
        """Take in a value; a second one of the same time is left out.

        Returns:
            whether time began anew.
        """
        times = self._times
        again = bool(times) and times[-1] - time > self._restart
        if again:
            self.clear()
        place = bisect_left(times, time)
        if place == len(times) or times[place] != time:
            times.insert(place, time)
            self._values.insert(place, value)
        old = bisect_left(times, times[-1] - self._kept)
        del times[:old]
        del self._values[:old]
        return again

    def place(self, time: float) -> int:
        """How many are not after a time, s: the place of the first after it."""
        return bisect_right(self._times, time)

    def around(self, time: float) -> tuple[Sample[T] | None, Sample[T] | None]:
        """The newest not after a time, s, and the oldest after it; None where there is none."""
        place = self.place(time)
        return (
            self[place - 1] if place > 0 else None,
            self[place] if place < len(self._times) else None,
        )


def share(before: float, after: float, time: float) -> float:
    """How much of the way from one time to another has passed at a third, from 0 to 1."""
    return (time - before) / (after - before)
