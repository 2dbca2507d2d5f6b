"""Whether a shot's subjects are seen, and what a take does while one is not.

For a moment a subject that nobody sees is filmed where it is predicted. Then the picture widens:
a prediction grows old, and a wider picture finds the subject again. At last the vehicle hovers
until the subject is back. `Watch` decides it from the ages of the estimates alone; the director
widens and eases back, the take hovers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from cinempc.rig.events import Loss, LossPhase
from cinempc.rig.subject import SubjectEstimate
from cinempc.safety.limits import Lost

#: Share of ``widen_after`` below which an age is that of a subject that is seen again. Less than
#: one, so that an age near the limit does not go to and fro.
_SEEN_AGAIN = 0.5


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
        losses = {}
        for name in cast:
            phase = self._phase(name, known.get(name))
            if phase is LossPhase.SEEN:
                continue
            before = self._losses.get(name)
            if before is None:
                last_seen = self._last_seen.setdefault(name, time)
                losses[name] = Loss(name, last_seen, phase, time)
            elif before.phase is phase:
                losses[name] = before
            else:
                losses[name] = replace(before, phase=phase, since=time)
        self._losses = losses
        return dict(losses)

    def _phase(self, name: str, age: float | None) -> LossPhase:
        limits, before = self._limits, self._losses.get(name)
        if age is None or age >= limits.hover_after:
            return LossPhase.HOVER
        if before is None:
            return LossPhase.WIDE if age >= limits.widen_after else LossPhase.SEEN
        if age < _SEEN_AGAIN * limits.widen_after:
            return LossPhase.SEEN
        return before.phase  # a hover ends when the subject is seen, not when its age falls a bit
