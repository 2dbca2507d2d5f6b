"""What happens in a take, as events: shots that begin, subjects that are lost and seen again, what
keeps the rig from flying on."""

from __future__ import annotations

from collections.abc import Mapping
from enum import unique
from logging import INFO, WARNING
from typing import Any

from cinempc.rig.events import CycleEvent, Loss, LossPhase, Shot
from cinempc.rig.log import EventLogger, Kind, Problem
from cinempc.rig.plan import Origin
from cinempc.safety.subject_loss import last_seen


@unique
class TakeEvent(Kind):
    """What is reported. Each has ``take``, whose it is, and ``at``, s on the take's clock."""

    SHOT = INFO, "shot {number}: {name} ({move})"
    UNNAMED_SHOT = INFO, "shot {number}"
    PROBLEM = WARNING, "{problem}"
    LOST = WARNING, "{subject} lost, last seen at {last_seen:.1f} s"
    SEEN_AGAIN = INFO, "{subject} found again"
    NOT_NEEDED = INFO, "{subject} not needed any more"
    ABSENT = WARNING, "{subject} not found: filmed without"
    FOUND = INFO, "{subject} found"
    HOVERING = WARNING, "hovering until {subject} is seen"


class TakeReporter:
    """Reports what has changed from one control step to the next, to the logger ``cinempc.take``.

    Args:
        take: a name of it.
        shots: by their index.
    """

    def __init__(self, take: str, shots: Mapping[int, Shot]) -> None:
        self._take, self._shots = take, shots
        self._log = EventLogger("cinempc.take")
        self._shot: int | None = None
        self._losses: Mapping[str, Loss] = {}
        self._absent: frozenset[str] = frozenset()
        self._problems: frozenset[object] = frozenset()

    def _report(self, kind: TakeEvent, at: float, **data: Any) -> None:
        self._log.log(kind, take=self._take, at=at, **data)

    def shot(self, index: int, at: float) -> bool:
        """The shot that is filmed at a time, s; whether it is another than before."""
        if index == self._shot:
            return False
        self._shot = index
        shot = self._shots.get(index)
        if shot is None:
            self._report(TakeEvent.UNNAMED_SHOT, at, number=index + 1)
        else:
            self._report(TakeEvent.SHOT, at, number=index + 1, name=shot.name, move=shot.move)
        return True

    def cycle(self, event: CycleEvent) -> None:
        """A control step."""
        self._report_problems(event.state.health.problems, event.time)
        self._report_absent(event)
        before, now = self._losses, dict(event.losses)
        self._losses = now
        seen = {s.id: last_seen(s) for s in event.estimates}
        for name, loss in before.items():
            if name not in now:
                found = loss.is_found(seen.get(name))
                kind = TakeEvent.SEEN_AGAIN if found else TakeEvent.NOT_NEEDED
                self._report(kind, event.time, subject=name)
        for name, loss in now.items():
            if name not in before:
                self._report(TakeEvent.LOST, event.time, subject=name, last_seen=loss.last_seen)
            hovers = event.plan.origin is Origin.HOVERING and loss.phase is LossPhase.HOVER
            if hovers and (name not in before or before[name].phase is not LossPhase.HOVER):
                self._report(TakeEvent.HOVERING, event.time, subject=name)

    def _report_absent(self, event: CycleEvent) -> None:
        """Each once, whichever shots name them."""
        known = {estimate.id for estimate in event.estimates}
        for name in sorted(self._absent & known):
            self._report(TakeEvent.FOUND, event.time, subject=name)
        for name in event.absent:
            if name not in self._absent:
                self._report(TakeEvent.ABSENT, event.time, subject=name)
        self._absent = (self._absent | frozenset(event.absent)) - known

    def _report_problems(self, problems: tuple[Problem, ...], at: float) -> None:
        """Each once while it lasts; its figures change all the time."""
        for problem in problems:
            if problem.reason not in self._problems:
                self._report(TakeEvent.PROBLEM, at, problem=problem)
        self._problems = frozenset(problem.reason for problem in problems)
