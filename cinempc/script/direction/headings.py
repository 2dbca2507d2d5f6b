"""Smoothed headings: the side that a camera keeps does not sway with a subject's steps."""

from __future__ import annotations

import math
from collections.abc import Mapping

from cinempc import frames
from cinempc.rig.subject import SubjectEstimate

#: Time constant, s, in which the side that a camera follows turns with the subject's heading:
#: slower than a person's steps, quicker than its turns.
_TIME_CONSTANT = 1.5


class Headings:
    """The subjects' headings, rad, through a first-order low pass."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, float]] = {}

    def update(self, now: float, subjects: Mapping[str, SubjectEstimate]) -> None:
        """Take the newest estimates; ``now``, s, never goes back."""
        for name, subject in subjects.items():
            before = self._known.get(name)
            if before is None:
                self._known[name] = (now, subject.heading)
                continue
            then, heading = before
            part = 1 - math.exp(-max(now - then, 0.0) / _TIME_CONSTANT)
            turn = float(frames.wrap_angle(subject.heading - heading))
            self._known[name] = (now, heading + part * turn)

    def of(self, subject: SubjectEstimate) -> float:
        """A subject's smoothed heading, rad; its own before the first update."""
        known = self._known.get(subject.id)
        return subject.heading if known is None else known[1]
