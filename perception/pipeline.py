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
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from cinempc.rig.subject import SubjectEstimate
from perception.detect.detections import Detections
from perception.detect.detector import Detector
from perception.identify.appearance import measure_appearances
from perception.identify.binding import Place, SubjectBinding
from perception.identify.explain import explain
from perception.identify.gallery import Gallery
from perception.identify.light import DAYLIGHT, estimate_light
from perception.identify.query import SubjectQuery
from perception.identify.tracker import Tracker
from perception.localise.detection import DetectionObservation, ObservationNoise, observe_detections
from perception.localise.estimator import Prior, SubjectFilter
from perception.localise.imm import gate
from perception.localise.view import View

Floats = NDArray[np.float64]

_LIGHT_HOLDS = 0.2  # s, for which a picture's light is taken to be the next one's too

STAGES = ("detect", "track", "localise", "identify", "estimate")


@dataclass(frozen=True)
class PerceptionResult:
    """What was made of one picture.

    Attributes:
        time: of its exposure, s.
        detections: n of them.
        ids: n identities; None for those that are nobody yet.
        names: the script's names by identity.
        estimates: by identity, at the picture's time, of those seen in it; none without a view.
        milliseconds: by stage, of `STAGES` and the detector's own.
        unsure: identities that may be somebody else, come instead of them.
    """

    time: float
    detections: Detections
    ids: list[int | None]
    names: Mapping[int, str]
    estimates: Mapping[int, SubjectEstimate]
    milliseconds: Mapping[str, float]
    unsure: frozenset[int] = frozenset()


class Pipeline:
    """Finds people (or whatever the detector knows), keeps them apart and places them.

    Example:
        >>> pipeline = Pipeline(loading.load("people"), frame_rate=24.0)
        >>> found = pipeline.follow(frame.time, image, pipeline.detect(image), View.of(frame))

    Args:
        detector: finds them.
        frame_rate: nominal, of the pictures that come, 1/s.
        queries: the script's subjects by name.
        ground: height of the ground, m, or None where that is not known.
        noise: of the observations.
        categories: class names that are followed; those of the queries, or of people if there are
            none.
    """

    def __init__(
        self,
        detector: Detector,
        *,
        frame_rate: float,
        queries: Mapping[str, SubjectQuery] | None = None,
        ground: float | None = 0.0,
        noise: ObservationNoise | None = None,
        categories: Sequence[str] | None = None,
    ) -> None:
        self.detector = detector
        self.queries = dict(queries or {})
        self.new_track_score = 0.4  #: From which a detection may be somebody new.
        self.out_of_order = 0  #: Pictures that came after one taken later.
        self._prior = Prior(ground=ground)
        self._noise = noise
        asked = {query.appearance.category for query in self.queries.values()}
        self.categories = tuple(categories or sorted(asked) or ("person",))
        self._tracker = Tracker(frame_rate, new_track_score=self.new_track_score)
        self._gallery = Gallery()
        self._binding = SubjectBinding(self.queries)
        self._filters: dict[int, SubjectFilter] = {}
        self._tentative: dict[int, SubjectFilter] = {}  # of those who are unsure
        self._places: dict[int, Place] = {}  # where everybody was last
        self._names: dict[int, str] = {}
        self._newest = -math.inf
        self._light = DAYLIGHT
        self._light_until = -math.inf

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
    ) -> PerceptionResult:
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
            observations: list[DetectionObservation] = []
            if view is not None:
                observations = observe_detections(time, view, detections, depth, self._noise)
        if time <= self._newest:
            self.out_of_order += 1
            return self._follow_late(time, detections, observations, spent)
        self._newest = time
        with _timed(spent, "track"):
            tracks = self._tracker.update(detections, view, time)
        with _timed(spent, "identify"):
            if time >= self._light_until and len(detections):
                self._light = estimate_light(image, detections.boxes)
                self._light_until = time + _LIGHT_HOLDS
            appearances = measure_appearances(image, detections, self._light)
            ids = self._gallery.assign(
                time,
                detections,
                tracks,
                appearances,
                self._motion(observations),
                self._tracker.boxes,
            )
        with _timed(spent, "estimate"):
            estimates = self._estimate(time, detections, ids, observations)
        with _timed(spent, "identify"):
            self._bind(time, image.shape, detections, ids, estimates)
        return self._result(time, detections, ids, estimates, spent)

    def place(
        self,
        time: float,
        detections: Detections,
        ids: list[int | None],
        view: View | None = None,
        depth: NDArray[np.float32] | None = None,
    ) -> PerceptionResult:
        """A picture by itself: where each is, as far as one picture can tell; nothing is kept."""
        spent: dict[str, float] = {}
        estimates = {}
        with _timed(spent, "localise"):
            observations = (
                []
                if view is None
                else observe_detections(time, view, detections, depth, self._noise)
            )
            for k, (number, observation) in enumerate(zip(ids, observations, strict=False)):
                person = SubjectFilter(str(number), self._prior, category=detections.name(k))
                if number is not None and person.update(observation):
                    estimates[number] = person.estimate(time)
        return PerceptionResult(time, detections, ids, {}, estimates, spent)

    def subjects(self, time: float) -> list[SubjectEstimate]:
        """Every subject of the script that was ever found, predicted to a time."""
        known = []
        for number, name in self._names.items():
            subject = self._filters.get(number)
            if subject is not None and subject.seen:
                known.append(replace(subject.estimate(time), id=name))
        return known

    def explain(self, name: str) -> str:
        """Why a subject of the script is not found: who was seen, and what would have matched.

        Empty for one that is found.
        """
        return explain(name, self._binding, self._gallery.identities, self._places)

    def people(self, time: float) -> dict[int, SubjectEstimate]:
        """Everybody who is remembered, predicted to a time, by identity."""
        return {n: f.estimate(time) for n, f in self._filters.items() if f.seen}

    # --- the steps ---

    def _motion(self, observations: Sequence[DetectionObservation]) -> Floats | None:
        """How far each detection is from where each identity is thought to be."""
        if not observations:
            return None
        table = np.full((len(self._gallery.identities), len(observations)), np.nan)
        for row, identity in enumerate(self._gallery.identities):
            known = self._tentative.get(identity.id) or self._filters.get(identity.id)
            if known is not None:
                table[row] = known.distances(observations)
        return table

    def _estimate(
        self,
        time: float,
        detections: Detections,
        ids: Sequence[int | None],
        observations: Sequence[DetectionObservation],
    ) -> dict[int, SubjectEstimate]:
        if not observations:
            return {}
        estimates = {}
        unsure = self._gallery.unsure()
        self._tentative = {n: f for n, f in self._tentative.items() if n in unsure}
        for k, number in enumerate(ids):
            if number is None:
                continue
            # What may be somebody else must not move a subject: it stays lost until it is sure.
            filters = self._tentative if number in unsure else self._filters
            subject = filters.get(number)
            if subject is None:
                subject = SubjectFilter(str(number), self._prior, category=detections.name(k))
                filters[number] = subject
            subject.update(observations[k])
            if subject.seen:
                estimates[number] = subject.estimate(time)
        remembered = {identity.id for identity in self._gallery.identities}
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
        if len(self._names) == len(self.queries):
            return
        size = np.array([shape[1], shape[0], shape[1], shape[0]])
        for k, n in enumerate(ids):
            if n is None:
                continue
            one = estimates.get(n)
            self._places[n] = Place(
                detections.boxes[k] / size,
                None if one is None else one.position,
                None if one is None else (one.height, math.sqrt(one.height_variance)),
            )
        remembered = {identity.id for identity in self._gallery.identities}
        self._places = {n: place for n, place in self._places.items() if n in remembered}
        for name, number in self._binding.bind(self._gallery, self._places).items():
            if number in self._names:
                continue
            self._names[number] = name
            height = self.queries[name].height
            if height is not None and number in self._filters:
                self._filters[number].tell(time, height)

    def _follow_late(
        self, time: float, detections: Detections, observations: Sequence[DetectionObservation],
        spent: dict[str, float],
    ) -> PerceptionResult:  # fmt: skip
        """A picture older than the newest: the tracks have gone on, the filters can go back."""
        ids: list[int | None] = [None] * len(detections)
        numbers = list(self._filters)
        with _timed(spent, "estimate"):
            if observations and numbers:
                table = np.array([self._filters[n].distances(observations) for n in numbers])
                table = np.where(np.isfinite(table), table, 1e9)
                for row, k in zip(*linear_sum_assignment(table), strict=True):
                    if table[row, k] < gate(3) and self._filters[numbers[row]].update(
                        observations[k]
                    ):
                        ids[k] = numbers[row]
        estimates = {n: self._filters[n].estimate(time) for n in ids if n is not None}
        return self._result(time, detections, ids, estimates, spent)

    def _result(
        self, time: float, detections: Detections, ids: list[int | None],
        estimates: Mapping[int, SubjectEstimate], spent: Mapping[str, float],
    ) -> PerceptionResult:  # fmt: skip
        names = dict(self._names)
        unsure = self._gallery.unsure()
        return PerceptionResult(time, detections, ids, names, estimates, dict(spent), unsure)


@contextmanager
def _timed(spent: dict[str, float], stage: str) -> Iterator[None]:
    began = clock.perf_counter()
    yield
    spent[stage] = spent.get(stage, 0.0) + 1e3 * (clock.perf_counter() - began)
