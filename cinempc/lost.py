"""Whether a shot's subjects are seen, and what a take does while one is not.

For a moment a subject that nobody sees is filmed where it is predicted. Then the picture widens:
a prediction grows old, and a wider picture finds the subject again. At last the vehicle hovers
until the subject is back. `Watch` decides it from the ages of the estimates alone; the director
widens and eases back, the take hovers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from cinempc.safety import Lost
from cinempc.subject import SubjectEstimate

#: Share of ``widen_after`` below which an age is that of a subject that is seen again. Less than
#: one, so that an age near the limit does not go to and fro.
_SEEN_AGAIN = 0.5


class Phase(IntEnum):
    """What is done about a subject; the higher ones outrank the lower."""

    SEEN = 0  # or not seen for a moment: its prediction is filmed
    WIDE = 1  # the picture widens
    HOVER = 2  # the vehicle stands still


@dataclass(frozen=True)
class Loss:
    """A subject that is not seen. Times are on the take's clock, s.

    Attributes:
        subject: its name.
        last_seen: when it was seen last.
        phase: `Phase.WIDE` or `Phase.HOVER`.
        since: when the phase began.
    """

    subject: str
    last_seen: float
    phase: Phase
    since: float

    def is_found(self, last_seen: float | None) -> bool:
        """Whether a subject that was seen last at this time, s, was seen after it was lost."""
        return last_seen is not None and last_seen > self.last_seen + 0.01


def last_seen(subject: SubjectEstimate) -> float:
    """When an estimate's subject was seen last, s."""
    return subject.time - subject.age


class Watch:
    """Watches the subjects of a take, step by step.

    Args:
        limits: when the picture widens and when the vehicle hovers.
    """

    def __init__(self, limits: Lost) -> None:
        self._limits = limits
        self._last_seen: dict[str, float] = {}
        self._losses: dict[str, Loss] = {}

    def update(
        self, time: float, ages: Mapping[str, float], cast: Iterable[str]
    ) -> dict[str, Loss]:
        """The losses at a time, which never goes back.

        Args:
            time: s.
            ages: of every estimate, s. A subject that has none, or none that is a number, cannot
                even be predicted: nothing but to hover.
            cast: the subjects of the running shot. Others are not missed.
        """
        known = {name: age for name, age in ages.items() if math.isfinite(age)}
        for name, age in known.items():
            self._last_seen[name] = time - age
        found = {}
        for name in cast:
            phase = self._phase(name, known.get(name))
            if phase is Phase.SEEN:
                continue
            before = self._losses.get(name)
            if before is None:
                last_seen = self._last_seen.setdefault(name, time)
                found[name] = Loss(name, last_seen, phase, time)
            elif before.phase is phase:
                found[name] = before
            else:
                found[name] = replace(before, phase=phase, since=time)
        self._losses = found
        return dict(found)

    def _phase(self, name: str, age: float | None) -> Phase:
        limits, before = self._limits, self._losses.get(name)
        if age is None or age >= limits.hover_after:
            return Phase.HOVER
        if before is None:
            return Phase.WIDE if age >= limits.widen_after else Phase.SEEN
        if age < _SEEN_AGAIN * limits.widen_after:
            return Phase.SEEN
        return before.phase  # a hover ends when the subject is seen, not when its age falls a bit
