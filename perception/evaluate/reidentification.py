"""How well what people look like tells who they are: re-identification, descriptor by descriptor.

A descriptor gives each detection a look, and two looks an agreement: a distance, 0 for one person
and 1 for two. Those that are compared are `DESCRIPTORS`. People are filmed where they cross, go
behind a wall, at dusk (a fifth of the light), in black and white, and in the same clothes; the
detector finds them, and the truth says who they are. Looks of one person and of two, some time
apart, are then to be told from each other.

Sources: rank-1, M. Ye et al., "Deep learning for person re-identification: a survey and outlook",
IEEE Trans. Pattern Analysis and Machine Intelligence 44(6), 2022; area under the receiver operating
characteristic and equal error rate, T. Fawcett, "An introduction to ROC analysis", Pattern
Recognition Letters 27(8), 2006.
"""

from __future__ import annotations

import math
import time as clock
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from cinempc.machine import machine
from perception.detect import loading
from perception.detect.detections import Detections
from perception.detect.detector import Detector
from perception.detect.models import find
from perception.evaluate.matching import MATCH_IOU, iou
from perception.evaluate.stripes import measure_stripes
from perception.identify.appearance import Appearance, measure_appearances
from perception.identify.features import measure_features
from perception.identify.light import Light, encoded, estimate_light, linear
from sim.sequences import sequence
from sim.sequences.sequence import LabelledFrame

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]
Progress = Callable[[str, int, int], None]

_RATE = 1.0  # 1/s, of the pictures that are looked at
_APART = 1.5  # s, from which two looks are compared: the next picture is nearly the same one
_SHOWN = 0.6  # share of a body that must show
_LOWEST = 40.0  # px, its least height
_NOISE = 2.0 / 255  # standard deviation of a pixel at dusk: a sensor at its highest gain
_DUSK = 0.2  # of the light


class Look(Protocol):
    """What somebody looks like, to a descriptor."""

    def agreement(self, other: Any) -> float:
        """How much two looks speak for one person, as a distance: 0 all, 1 against it."""


#: Looks of all detections in a picture (h, w, 3) RGB, in its light.
Descriptor = Callable[[Picture, Detections, Light], Sequence[Look]]


@dataclass(frozen=True)
class Sighting:
    """Somebody in a picture.

    Attributes:
        sequence: that the picture is of.
        time: of the picture, s.
        who: the truth's id, in this sequence.
        look: by the descriptor that is measured.
    """

    sequence: int
    time: float
    who: Hashable
    look: Look


@dataclass(frozen=True)
class Kind:
    """What is filmed, and how the picture comes out.

    Attributes:
        name: of the kind.
        sequence: in `sim.sequences.choreography.SEQUENCES`.
        same_clothes: whether all wear the same.
        develop: what becomes of the picture.
    """

    name: str
    sequence: str
    same_clothes: bool
    develop: Callable[[Picture, np.random.Generator], Picture]


def _as_it_is(image: Picture, random: np.random.Generator) -> Picture:
    return image


def at_dusk(image: Picture, random: np.random.Generator) -> Picture:
    """A picture in a fifth of the light, with the noise of a sensor at a high gain."""
    dark = encoded(_DUSK * linear(image)) + random.normal(0, _NOISE, image.shape)
    return np.asarray(np.clip(255 * dark + 0.5, 0, 255), np.uint8)


def in_grey(image: Picture, random: np.random.Generator) -> Picture:
    """A picture in black and white."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)


KINDS = (
    Kind("crossing", "crossing", False, _as_it_is),
    Kind("dusk", "crossing", False, at_dusk),
    Kind("grey", "crossing", False, in_grey),
    Kind("wall", "wall", False, _as_it_is),
    Kind("same clothes", "crossing", True, _as_it_is),
)


@dataclass(frozen=True)
class Sample:
    """A picture of a kind, the people found in it, and who they are.

    Attributes:
        kind: its name.
        seed: of the sequence.
        time: s.
        image: (h, w, 3) RGB.
        light: of the picture.
        detections: n people.
        who: n ids of the truth; None for those of whom too little shows.
    """

    kind: str
    seed: int
    time: float
    image: Picture
    light: Light
    detections: Detections
    who: Sequence[Hashable]


def samples(
    detector: Detector, seeds: Sequence[int], progress: Progress = lambda what, done, total: None
) -> Iterator[Sample]:
    """Film all kinds and find the people.

    Args:
        detector: finds them.
        seeds: of the sequences of each kind.
        progress: what is filmed, pictures done and in all.
    """
    for seed in seeds:
        # Rendering takes most of the time: each picture is made once and developed thrice.
        for name, same in dict.fromkeys((kind.sequence, kind.same_clothes) for kind in KINDS):
            kinds = [k for k in KINDS if (k.sequence, k.same_clothes) == (name, same)]
            shots = sequence.shoot(name, seed, frame_rate=_RATE, same_clothes=same)
            what = f"{name}{', same clothes' if same else ''}, seed {seed}"
            for number, shot in enumerate(shots, 1):
                progress(what, number, len(shots))
                for kind in kinds:
                    yield _sample(detector, kind, seed, shot)


def _sample(detector: Detector, kind: Kind, seed: int, shot: LabelledFrame) -> Sample:
    time = shot.frame.time
    random = np.random.default_rng([seed, round(1e3 * time)])
    image = kind.develop(shot.frame.image, random)
    detections = detector.detect(image).of_class("person")
    boxes = np.array([person.box for person in shot.people]).reshape(-1, 4)
    alike = iou(detections.boxes, boxes)
    who: list[Hashable] = [None] * len(detections)
    for column, person in enumerate(shot.people):
        tall = person.box[3] - person.box[1]
        if not len(detections) or person.shown < _SHOWN or tall < _LOWEST:
            continue
        best = int(alike[:, column].argmax())
        if alike[best, column] >= MATCH_IOU and alike[best].argmax() == column:
            who[best] = person.id
    light = estimate_light(image, detections.boxes)
    return Sample(kind.name, seed, time, image, light, detections, who)


def score(sightings: Sequence[Sighting], accept: float) -> dict[str, float]:
    """How well looks tell people apart.

    Args:
        sightings: of all sequences of a kind.
        accept: agreement, as a distance, up to which two looks are taken for one person's.

    Returns:
        ``auc``: area under the receiver operating characteristic, of pairs within a sequence: how
        often one person's looks agree more than two people's. ``eer``: equal error rate of the
        same. ``rank1``: how often, of one look each of everybody in all sequences, the right one
        agrees best; expected over what looks those are. ``accepted`` and ``confused``: shares of
        pairs of one person, and of two, that agree by ``accept``. ``same`` and ``different``: how
        many pairs there were. NaN where there are none.
    """
    n = len(sightings)
    distance = np.array([[a.look.agreement(b.look) for b in sightings] for a in sightings])
    distance = distance.reshape(n, n)
    places = np.array([s.sequence for s in sightings])
    times = np.array([s.time for s in sightings])
    who = _numbers([(s.sequence, s.who) for s in sightings])
    one = who[:, None] == who[None, :]
    within = places[:, None] == places[None, :]
    compared = within & (np.abs(times[:, None] - times[None, :]) >= _APART)
    upper = compared & np.triu(np.ones((n, n), bool), 1)
    same, different = distance[upper & one], distance[upper & ~one]
    auc, eer = separation(same, different)
    return {
        "auc": auc,
        "eer": eer,
        "rank1": _rank_one(distance, who, compared & one),
        "accepted": float(np.mean(same <= accept)) if len(same) else math.nan,
        "confused": float(np.mean(different <= accept)) if len(different) else math.nan,
        "same": len(same),
        "different": len(different),
    }


def separation(same: Floats, different: Floats) -> tuple[float, float]:
    """Area under the receiver operating characteristic, and equal error rate, of distances.

    Args:
        same: (n,) of pairs of one person.
        different: (m,) of pairs of two.

    Returns:
        Both 0 to 1; NaN where either has none. Equal distances count as half.
    """
    if not len(same) or not len(different):
        return math.nan, math.nan
    ranks = rankdata(np.concatenate([different, same]))
    beyond = ranks[: len(different)].sum() - len(different) * (len(different) + 1) / 2
    limits = np.unique(np.concatenate([[-np.inf], same, different]))
    missed = 1 - np.searchsorted(np.sort(same), limits, side="right") / len(same)
    taken = np.searchsorted(np.sort(different), limits, side="right") / len(different)
    # Between two limits both go straight, as they do where equal distances are told by lot.
    gap = taken - missed
    k = int(np.argmax(gap >= 0))
    part = 0.0 if gap[k] == gap[k - 1] else -gap[k - 1] / (gap[k] - gap[k - 1])
    equal = missed[k - 1] + part * (missed[k] - missed[k - 1]) if k else missed[0]
    return float(beyond / len(same) / len(different)), float(equal)


def _numbers(names: Sequence[Hashable]) -> NDArray[np.int64]:
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)


def _rank_one(distance: Floats, who: NDArray[np.int64], mates: NDArray[np.bool_]) -> float:
    """Expected rank-1 rate of single looks: for each pair of one person, the chance that a look
    of everybody else, drawn evenly, is further off."""
    rates = []
    for row in range(len(who)):
        others = [np.sort(distance[row, who == p]) for p in np.unique(who) if p != who[row]]
        for near in distance[row, mates[row]]:
            chances = [
                1 - (np.searchsorted(o, near) + np.searchsorted(o, near, side="right")) / 2 / len(o)
                for o in others
            ]
            rates.append(float(np.prod(chances)))
    return float(np.mean(rates)) if rates else math.nan


@dataclass(frozen=True, eq=False)
class Features:
    """What the network says alone.

    Attributes:
        vector: (64,) of unit length.
    """

    vector: NDArray[np.float32]

    def agreement(self, other: Features) -> float:
        """Half the cosine distance."""
        return float(1 - self.vector @ other.vector) / 2


def measure_colours(image: Picture, detections: Detections, light: Light) -> list[Appearance]:
    """What `measure_appearances` gives, without the network's features."""
    return measure_appearances(image, detections, light, features=False)


def measure_network(image: Picture, detections: Detections, light: Light) -> list[Features]:
    """What the network says alone."""
    return [Features(vector) for vector in measure_features(image, detections.boxes)]


#: What is compared, by name.
DESCRIPTORS: Mapping[str, Descriptor] = {
    "colours": measure_colours,
    "stripes": measure_stripes,
    "network": measure_network,
    "colours and network": measure_appearances,
}


def measure(
    weights: str, seeds: int, progress: Progress, *, confidence: float, accept: float = 0.25
) -> dict[str, Any]:
    """All figures.

    Args:
        weights: of the detector, by path or name.
        seeds: sequences of each kind, seeds 0, 1, ….
        progress: what is done, pictures done and in all.
        confidence: score from which a detection counts for anything.
        accept: agreement, as a distance, up to which looks are taken for one person's; by default
            what `Gallery` asks for where a motion is likely too.

    Returns:
        ``figures``: by kind and descriptor, as `score` gives them, ``None`` for NaN;
        ``milliseconds``: by descriptor, the median of a person; ``machine``.

    Raises:
        WeightsError: there are no such weights.
    """
    eye = loading.load(find(weights), confidence=confidence)
    seen: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    spent: dict[str, list[float]] = defaultdict(list)
    for sample in samples(eye, range(seeds), progress):
        for name, describe in DESCRIPTORS.items():
            began = clock.perf_counter()
            looks = describe(sample.image, sample.detections, sample.light)
            if len(looks):
                spent[name].append(1e3 * (clock.perf_counter() - began) / len(looks))
            seen[sample.kind, name] += sightings(sample, looks)
    return {
        "figures": {
            kind.name: {
                name: {
                    key: None if math.isnan(value) else value
                    for key, value in score(seen[kind.name, name], accept).items()
                }
                for name in DESCRIPTORS
            }
            for kind in KINDS
        },
        "milliseconds": {name: float(np.median(times)) for name, times in spent.items()},
        "machine": machine(),
    }


def sightings(sample: Sample, looks: Sequence[Look]) -> list[Sighting]:
    """Those of a picture of whom the truth says who they are."""
    return [
        Sighting(sample.seed, sample.time, who, look)
        for who, look in zip(sample.who, looks, strict=True)
        if who is not None
    ]
