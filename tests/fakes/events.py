"""Listens to the events of a part, as a handler of its logger."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any, Self

from cinempc.rig.log import ROOT, Event, EventHandler, Kind, Problem, Reason


class Heard:
    """The events of a logger and of all below it, from ``with`` on, or from `start`.

    Args:
        name: of the logger.
        level: lowest that is heard.
    """

    def __init__(self, name: str = ROOT, level: int = logging.INFO) -> None:
        self.events: list[Event] = []
        self._logger = logging.getLogger(name)
        self._handler = EventHandler(self.events.append, level)

    def start(self) -> Self:
        self._before = self._logger.level
        self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self._handler)
        return self

    def stop(self) -> None:
        self._logger.removeHandler(self._handler)
        self._logger.setLevel(self._before)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __contains__(self, kind: Kind | Reason) -> bool:
        return bool(self.of(kind))

    def of(self, kind: Kind | Reason) -> list[Event]:
        """The events of a kind, or with a problem for a reason."""
        if isinstance(kind, Kind):
            return [event for event in self.events if event.kind is kind]
        return [event for event in self.events if kind in reasons(event.data)]

    @property
    def problems(self) -> list[Problem]:
        """What was reported to be wrong, in the order in which it arose."""
        found = (event.data.get("problem") for event in self.events)
        return [each for each in found if isinstance(each, Problem)]

    @property
    def reasons(self) -> list[Reason]:
        """The same, their reasons."""
        return [each.reason for each in self.problems]

    @property
    def news(self) -> list[Kind]:
        """The kinds of the other events."""
        return [event.kind for event in self.events if "problem" not in event.data]

    def count(self, kind: Kind | Reason) -> int:
        return len(self.of(kind))

    def clear(self) -> None:
        self.events.clear()

    def __repr__(self) -> str:
        return f"Heard({[event.text for event in self.events]})"


def reasons(data: Any) -> set[Reason]:
    """All reasons that are given in an event's or a problem's data."""
    found: set[Reason] = set()
    for value in data.values():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Problem):
                found |= {each.reason} | reasons(each.data)
    return found
