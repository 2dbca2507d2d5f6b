"""From a picture to people in the world: detect, track, identify, localise, estimate.

`Pipeline.detect` is the slow part and remembers nothing; `Pipeline.follow` takes its detections
into tracks, identities and filters. Where the camera's view is not known (somebody's video), the
identities are still there, the world is not.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from cinempc.subject import SubjectEstimate
from perception.appearance import describe
from perception.detections import Detections
from perception.detector import Detector
from perception.estimator import Prior, SubjectFilter
from perception.evidence import Doubt, Sighting, sightings
from perception.identity import Cast, Roster, Wanted
from perception.motion import gate
from perception.tracker import Tracker
from perception.view import View

Floats = NDArray[np.float64]

STAGES = ("detect", "track", "localise", "identify", "estimate")


@dataclass(frozen=True)
class Part:
    """One of the script's subjects, as perception must know it.

    Attributes:
        wanted: who it is.
        height: of the body as the script says it, m; None where it does not.
    """

    wanted: Wanted = field(default_factory=Wanted)
    height: float | None = None


@dataclass(frozen=True)
class Found:
    """What was made of one picture.

    Attributes:
        time: of its exposure, s.
        detections: n of them.
        ids: n identities; None for those that are nobody yet.
        names: the script's names by identity.
        estimates: by identity, at the picture's time, of those seen in it; none without a view.
        milliseconds: by stage, of `STAGES` and the detector's own.
    """

    time: float
    detections: Detections
    ids: list[int | None]
    names: Mapping[int, str]
    estimates: Mapping[int, SubjectEstimate]
    milliseconds: Mapping[str, float]


class Pipeline:
    """Finds people (or whatever the detector knows), keeps them apart and places them.

    Example:
        >>> pipeline = Pipeline(detector.load("people"), frame_rate=24.0)
        >>> found = pipeline.follow(frame.time, image, pipeline.detect(image), View.of(frame))

    Args:
        detector: finds them.
        frame_rate: nominal, of the pictures that come, 1/s.
        parts: the script's subjects by name.
        ground: height of the ground, m, or None where that is not known.
        doubt: how far evidence may be off.
        categories: class names that are followed; those of the parts, or of people if there are
            none.
    """

    def __init__(
        self,
        detector: Detector,
        *,
        frame_rate: float,
        parts: Mapping[str, Part] | None = None,
        ground: float | None = 0.0,
        doubt: Doubt | None = None,
        categories: Sequence[str] | None = None,
    ) -> None:
        self.detector = detector
        self.parts = dict(parts or {})
        self.sure = 0.4  #: Score from which a detection may be somebody new.
        self.out_of_order = 0  #: Pictures that came after one taken later.
        self._prior = Prior(ground=ground)
        self._doubt = doubt
        wanted = {name: part.wanted for name, part in self.parts.items()}
        named = {w.look.category for w in wanted.values()}
        self.categories = tuple(categories or sorted(named) or ("person",))
        self._tracker = Tracker(frame_rate, sure=self.sure)
        self._roster = Roster()
        self._cast = Cast(wanted)
        self._filters: dict[int, SubjectFilter] = {}
        self._names: dict[int, str] = {}
        self._newest = -math.inf

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """What a picture (h, w, 3) RGB shows, of the classes that are followed.

        Raises:
            FrameError: it is no picture.
        """
        return self.detector.detect(image).of_class(*self.categories)

    def follow(
        self,
        time: float,
        image: NDArray[np.uint8],
        detections: Detections,
        view: View | None = None,
        depth: NDArray[np.float32] | None = None,
    ) -> Found:
        """Take in what was detected in a picture.

        Args:
            time: of the exposure, s.
            image: (h, w, 3) RGB, for the colours.
            detections: of it.
            view: how it was taken, or None where that is not known.
            depth: (h, w) m along the optical axis, or None.
        """
        spent: dict[str, float] = {}
        with _timed(spent, "localise"):
            pieces: list[Sighting] = []
            if view is not None:
                pieces = sightings(time, view, detections, depth, self._doubt)
        if time <= self._newest:
            self.out_of_order += 1
            return self._follow_late(time, detections, pieces, spent)
        self._newest = time
        with _timed(spent, "track"):
            tracks = self._tracker.update(detections, view, time)
        with _timed(spent, "identify"):
            looks = describe(image, detections)
            ids = self._roster.assign(
                time, detections, tracks, looks, self._motion(pieces), self._tracker.boxes
            )
        with _timed(spent, "estimate"):
            estimates = self._estimate(time, detections, ids, pieces)
        with _timed(spent, "identify"):
            self._bind(time, image.shape, detections, ids, estimates)
        return self._found(time, detections, ids, estimates, spent)

    def place(
        self,
        time: float,
        detections: Detections,
        ids: list[int | None],
        view: View | None = None,
        depth: NDArray[np.float32] | None = None,
    ) -> Found:
        """A picture by itself: where each is, as far as one picture can tell; nothing is kept."""
        spent: dict[str, float] = {}
        estimates = {}
        with _timed(spent, "localise"):
            pieces = [] if view is None else sightings(time, view, detections, depth, self._doubt)
            for k, (number, piece) in enumerate(zip(ids, pieces, strict=False)):
                person = SubjectFilter(str(number), self._prior, category=detections.name(k))
                if number is not None and person.update(piece):
                    estimates[number] = person.estimate(time)
        return Found(time, detections, ids, {}, estimates, spent)

    def subjects(self, time: float) -> list[SubjectEstimate]:
        """Every subject of the script that was ever found, predicted to a time."""
        known = []
        for number, name in self._names.items():
            subject = self._filters.get(number)
            if subject is not None and subject.seen:
                known.append(replace(subject.estimate(time), id=name))
        return known

    def people(self, time: float) -> dict[int, SubjectEstimate]:
        """Everybody who is remembered, predicted to a time, by identity."""
        return {n: f.estimate(time) for n, f in self._filters.items() if f.seen}

    # --- the steps ---

    def _motion(self, pieces: Sequence[Sighting]) -> Floats | None:
        """How far each detection is from where each identity is thought to be."""
        if not pieces:
            return None
        table = np.full((len(self._roster.identities), len(pieces)), np.nan)
        for row, identity in enumerate(self._roster.identities):
            known = self._filters.get(identity.id)
            if known is not None:
                table[row] = known.distances(pieces)
        return table

    def _estimate(
        self,
        time: float,
        detections: Detections,
        ids: Sequence[int | None],
        pieces: Sequence[Sighting],
    ) -> dict[int, SubjectEstimate]:
        if not pieces:
            return {}
        estimates = {}
        for k, number in enumerate(ids):
            if number is None:
                continue
            subject = self._filters.get(number)
            if subject is None:
                subject = SubjectFilter(str(number), self._prior, category=detections.name(k))
                self._filters[number] = subject
            subject.update(pieces[k])
            if subject.seen:
                estimates[number] = subject.estimate(time)
        remembered = {identity.id for identity in self._roster.identities}
        self._filters = {n: f for n, f in self._filters.items() if n in remembered}
        return estimates

    def _bind(
        self,
        time: float,
        shape: tuple[int, ...],
        detections: Detections,
        ids: Sequence[int | None],
        estimates: Mapping[int, SubjectEstimate],
    ) -> None:
        """Give the script's subjects their identities."""
        if len(self._names) == len(self.parts):
            return
        size = np.array([shape[1], shape[0], shape[1], shape[0]])
        places = {n: detections.boxes[k] / size for k, n in enumerate(ids) if n is not None}
        positions = {n: estimate.position for n, estimate in estimates.items()}
        for name, number in self._cast.bind(self._roster, places, positions).items():
            if number in self._names:
                continue
            self._names[number] = name
            height = self.parts[name].height
            if height is not None and number in self._filters:
                self._filters[number].tell(time, height)

    def _follow_late(
        self, time: float, detections: Detections, pieces: Sequence[Sighting],
        spent: dict[str, float],
    ) -> Found:  # fmt: skip
        """A picture older than the newest: the tracks have gone on, the filters can go back."""
        ids: list[int | None] = [None] * len(detections)
        numbers = list(self._filters)
        with _timed(spent, "estimate"):
            if pieces and numbers:
                table = np.array([self._filters[n].distances(pieces) for n in numbers])
                table = np.where(np.isfinite(table), table, 1e9)
                for row, k in zip(*linear_sum_assignment(table), strict=True):
                    if table[row, k] < gate(3) and self._filters[numbers[row]].update(pieces[k]):
                        ids[k] = numbers[row]
        estimates = {n: self._filters[n].estimate(time) for n in ids if n is not None}
        return self._found(time, detections, ids, estimates, spent)

    def _found(
        self, time: float, detections: Detections, ids: list[int | None],
        estimates: Mapping[int, SubjectEstimate], spent: Mapping[str, float],
    ) -> Found:  # fmt: skip
        names = dict(self._names)
        return Found(time, detections, ids, names, estimates, dict(spent))


@contextmanager
def _timed(spent: dict[str, float], stage: str) -> Iterator[None]:
    began = clock.perf_counter()
    yield
    spent[stage] = spent.get(stage, 0.0) + 1e3 * (clock.perf_counter() - began)
