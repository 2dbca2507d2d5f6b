"""Which identity is which of the script's subjects: bound once, for good.

How light and a camera turn the colours of cloth is never wholly known, so that words are compared
between those who are there: who clearly fits best is taken, though nobody may fit well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from perception.identify.appearance import match
from perception.identify.gallery import Gallery
from perception.identify.identity import Identity
from perception.identify.query import SubjectQuery

Floats = NDArray[np.float64]

_ELSEWHERE = 0.02  # what is left of the fit of somebody who is nowhere near
_OTHER_SIZE = 0.1  # and of somebody of another height
_HEIGHT_SPREAD = 0.08  # m, of a body height as a script says it
_LARGER = 0.1  # by how much who fills the picture is likelier than who is far away


@dataclass(frozen=True)
class Place:
    """Where somebody is, as far as it is known.

    Attributes:
        box: left, top, right, bottom, fractions of the picture.
        position: in the world, m.
        height: of the body, m, and its standard deviation.
    """

    box: Sequence[float] | None = None
    position: Floats | None = None
    height: tuple[float, float] | None = None


class SubjectBinding:
    """Gives the script's subjects their identities, for good.

    Args:
        queries: by the script's names.
        settle: pictures in which an identity must have been seen before it is bound.
        surely: how far somebody must go by the colours asked for to be taken at once.
        least: how far somebody must at all.
        clearly: how many times as well as anybody else somebody must fit who goes by the colours
            less than surely.
        patience: how long such a one is looked at, s: a better one may come.

    Attributes:
        bound: name to identity id.
    """

    def __init__(
        self,
        queries: Mapping[str, SubjectQuery],
        settle: int = 5,
        surely: float = 0.35,
        least: float = 0.08,
        clearly: float = 2.0,
        patience: float = 1.0,
    ) -> None:
        self.queries, self.settle = dict(queries), settle
        self.surely, self.least = surely, least
        self.clearly, self.patience = clearly, patience
        self.bound: dict[str, int] = {}
        self._since: dict[tuple[str, int], float] = {}  # when somebody was first the best, s

    def bind(self, gallery: Gallery, places: Mapping[int, Place] | None = None) -> dict[str, int]:
        """Bind whom it can of those seen now, and give all bindings: name to identity id.

        Args:
            gallery: after `Gallery.assign`.
            places: by identity id.
        """
        free = [name for name in self.queries if name not in self.bound]
        taken = set(self.bound.values())
        people = [
            i
            for i in gallery.seen()
            if i.frames >= self.settle and i.id not in taken and not i.unsure
        ]
        if free and people:
            places = places or {}
            score = np.array(
                [
                    [self.fitness(self.queries[n], i, places.get(i.id, Place())) for i in people]
                    for n in free
                ]
            )
            since: dict[tuple[str, int], float] = {}
            for a, b in zip(*linear_sum_assignment(score, maximize=True), strict=True):
                if score[a, b] <= 0:
                    continue
                key = free[a], people[b].id
                since[key] = self._since.get(key, gallery.time)
                waited = gallery.time - since[key] >= self.patience
                others = np.delete(score[a], b).max(initial=0.0)
                clear = score[a, b] >= self.clearly * others
                colours = match(self.queries[free[a]].appearance, people[b].appearance)
                if colours >= self.surely or (waited and clear):
                    self.bound[free[a]] = people[b].id
            self._since = since
        gallery.keep |= set(self.bound.values())
        return dict(self.bound)

    def fitness(self, query: SubjectQuery, identity: Identity, place: Place) -> float:
        """How well somebody fits a query, by colours, place and size; 0 not at all."""
        if identity.category != query.appearance.category:
            return 0.0
        score = match(query.appearance, identity.appearance)
        if score < self.least:
            return 0.0
        if query.region is not None:
            near = 0.0 if place.box is None else _nearness(query.region, place.box)
            if near < 0.02:
                return 0.0
            score *= near
        if query.position is not None:
            if place.position is None:
                return 0.0
            off = np.asarray(place.position) - np.asarray(query.position)
            # The ground is level enough, and heights of detections are not.
            score *= max(float(np.exp(-np.hypot(*off[:2]) / 3.0)), _ELSEWHERE)
        if query.height is not None and place.height is not None:
            height, spread = place.height
            squared = (height - query.height) ** 2 / (spread**2 + _HEIGHT_SPREAD**2)
            score *= max(float(np.exp(-0.5 * squared)), _OTHER_SIZE)
        if place.box is not None:
            score *= 1 + _LARGER * min(max(place.box[3] - place.box[1], 0.0), 1.0)
        return score


def _nearness(region: Sequence[float], box: Sequence[float]) -> float:
    """1 for a box whose middle is in the region, all but 0 a third of the picture from it."""
    u, v = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    beside = max(region[0] - u, u - region[2], 0.0)
    above = max(region[1] - v, v - region[3], 0.0)
    return float(np.exp(-((beside**2 + above**2) / 0.15**2)))
