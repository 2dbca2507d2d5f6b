"""Looks that tell people apart: figures on looks made by hand, descriptors on pictures drawn."""

import json

import cv2
import numpy as np
import pytest

from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose, Frame
from perception.detect.detections import Detections
from perception.evaluate import reidentification, stripes
from perception.evaluate.reidentification import (
    DESCRIPTORS,
    KINDS,
    Sample,
    Sighting,
    at_dusk,
    in_grey,
    samples,
    score,
    separation,
)
from perception.identify.appearance import Appearance, measure_appearances
from perception.identify.features import DIMENSIONS, measure_features
from perception.identify.light import DAYLIGHT
from sim.sensors.labels import Label
from sim.sequences.sequence import LabelledFrame
from tests.cli.program import invoke

RED, BLUE, DARK = (190, 25, 30), (30, 60, 170), (30, 30, 40)
FAIR, BLACK = (220, 185, 120), (20, 15, 12)  # hair


class Number:
    """A look that is one number."""

    def __init__(self, value):
        self.value = value

    def agreement(self, other):
        return abs(self.value - other.value)


def sightings(*people, sequence=0):
    """Each person's looks, 2 s apart."""
    return [
        Sighting(sequence, 2.0 * k, who, Number(value))
        for who, values in enumerate(people)
        for k, value in enumerate(values)
    ]


def person(shirt, trousers=DARK, hair=BLACK, left=60, seed=0):
    """A picture with a person in it, and the detection."""
    image = np.full((240, 180, 3), (120, 140, 110), np.uint8)
    cv2.rectangle(image, (left + 8, 30), (left + 32, 60), (205, 165, 140), -1)
    cv2.rectangle(image, (left + 8, 30), (left + 32, 42), hair, -1)
    cv2.rectangle(image, (left, 60), (left + 40, 120), shirt, -1)
    cv2.rectangle(image, (left + 4, 120), (left + 36, 210), trousers, -1)
    noise = np.random.default_rng(seed).normal(0, 4, image.shape)
    image = np.clip(image + noise, 0, 255).astype(np.uint8)
    box = np.array([[left - 3.0, 28, left + 43, 212]])
    return image, Detections(box, np.array([0.9]), np.array([0]), {0: "person"})


def look(name, image, detections):
    return DESCRIPTORS[name](image, detections, DAYLIGHT)[0]


def test_people_who_are_told_apart_have_no_errors():
    figures = score(sightings([0.0, 0.1, 0.05], [0.8, 0.9]), accept=0.25)
    assert figures["auc"] == figures["rank1"] == figures["accepted"] == 1
    assert figures["eer"] == figures["confused"] == 0
    assert (figures["same"], figures["different"]) == (4, 4)  # no pair of one moment


def test_looks_that_say_nothing_are_told_by_lot():
    figures = score(sightings([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]), accept=0.25)
    assert figures["auc"] == figures["rank1"] == figures["eer"] == 0.5


def test_rank_one_asks_among_everybody_and_pairs_within_a_sequence_only():
    apart = sightings([0.0, 0.1], [0.8, 0.9])
    alike = sightings([0.02, 0.08], [0.6, 0.7], sequence=1)
    together = score(apart + alike, accept=0.25)
    assert together["auc"] == 1
    assert together["rank1"] < 0.8


def test_one_person_alone_says_nothing():
    figures = score(sightings([0.0, 0.1]), accept=0.25)
    assert np.isnan(figures["auc"])
    assert np.isnan(figures["confused"])


@pytest.mark.parametrize(
    ("same", "different", "auc", "eer"),
    [
        ([0.1, 0.2], [0.3, 0.4], 1.0, 0.0),
        ([0.3, 0.4], [0.1, 0.2], 0.0, 1.0),
        ([0.1, 0.2, 0.3, 0.8], [0.25, 0.7, 0.8, 0.9], 12.5 / 16, 0.25),
    ],
)
def test_separation_of_distances(same, different, auc, eer):
    assert separation(np.array(same), np.array(different)) == pytest.approx((auc, eer))


@pytest.mark.parametrize("name", list(DESCRIPTORS))
def test_every_descriptor_finds_a_person_like_themselves_and_unlike_another(name):
    red = look(name, *person(RED))
    again, blue = look(name, *person(RED, left=70, seed=1)), look(name, *person(BLUE, seed=2))
    assert red.agreement(again) < red.agreement(blue)
    assert red.agreement(again) == pytest.approx(again.agreement(red))
    assert red.agreement(red) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("name", ["stripes", "network", "colours and network"])
def test_in_the_same_clothes_hair_makes_a_difference(name):
    fair, again = (look(name, *person(RED, hair=FAIR, seed=k)) for k in (0, 1))
    black = look(name, *person(RED, seed=2))
    assert fair.agreement(again) < fair.agreement(black)


def test_the_network_speaks_where_colours_do_not_and_never_takes_back_what_they_say():
    _, found = person((200, 200, 200))
    other = measure_appearances(in_grey(person((70, 70, 70), seed=1)[0], None), found)[0]
    grey, again = (
        measure_appearances(in_grey(person((200, 200, 200), seed=k)[0], None), found)[0]
        for k in (0, 1)
    )
    assert grey.agreement(again) < 0.4 < 0.5 <= grey.agreement(other)
    assert grey.agreement(again) > 0.25  # in black and white it alone makes nobody sure
    red = measure_appearances(*person(RED))[0]
    blue = measure_appearances(*person(BLUE))[0]
    as_red = Appearance(blue.bins, blue.shares, blue.seen, blue.trust, red.features)
    assert red.agreement(as_red) >= red.distance(blue) > 0.5


def test_who_is_cut_by_the_edge_has_no_features_and_keeps_those_of_before():
    image, found = person(RED)
    whole = measure_appearances(image, found)[0]
    assert np.linalg.norm(whole.features) == pytest.approx(1, abs=1e-3)
    half = measure_appearances(image[:, 80:], found_at(found, -80))[0]
    assert not half.features.any()
    np.testing.assert_allclose(whole.blend(half, 0.5).features, whole.features, atol=1e-6)
    np.testing.assert_allclose(half.blend(whole, 0.5).features, whole.features, atol=1e-6)


def found_at(found, shift):
    boxes = found.boxes + np.array([shift, 0, shift, 0])
    return Detections(np.maximum(boxes, 0), found.scores, found.classes, {0: "person"})


def test_things_and_nobody_have_no_features():
    image, found = person(RED)
    car = Detections(found.boxes, found.scores, found.classes, {0: "car"})
    assert not measure_appearances(image, car)[0].features.any()
    assert measure_features(image, np.zeros((0, 4))).shape == (0, DIMENSIONS)


def test_dusk_is_darker_and_black_and_white_has_no_colours():
    image, _ = person(RED)
    random = np.random.default_rng(0)
    dusk = at_dusk(image, random)
    assert 0.4 < dusk.mean() / image.mean() < 0.55  # a fifth of the light
    assert np.ptp(in_grey(image, random), axis=2).max() == 0
    assert {kind.name for kind in KINDS} == {"crossing", "dusk", "grey", "wall", "same clothes"}


def test_stripes_are_weighed_by_what_tells_people_apart():
    looks = {
        (hair, k): stripes.measure_stripes(*person(RED, hair=hair, seed=k), DAYLIGHT)[0]
        for hair in (FAIR, BLACK)
        for k in range(4)
    }
    names = list(looks)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    weights = stripes.fit(
        [(looks[a], looks[b]) for a, b in pairs], np.array([a[0] != b[0] for a, b in pairs])
    )
    assert (weights[1:] >= 0).all()
    by_colour = weights[1 : 1 + len(stripes.PARTS)]
    assert stripes.PARTS[int(by_colour.argmax())] == "hair"


class Knows:
    """A detector that finds a person where there is one, and something beside."""

    def __init__(self, found):
        self.found = found

    def detect(self, image):
        boxes = np.vstack([self.found.boxes, [[0.0, 0, 20, 20]]])
        return Detections(boxes, np.array([0.9, 0.5]), np.zeros(2, int), {0: "person"})


def test_every_kind_is_sampled_and_the_truth_says_who_is_who(monkeypatch):
    image, found = person(RED)
    pose, lens = CameraPose(np.zeros(3), 0, 0, 0), LensState(35.0, 5.0, 4.0)
    box = found.boxes[0]

    def shoot(name, seed, *, frame_rate, same_clothes):
        for time, shown in ((0.0, 1.0), (1.0, 0.3)):
            truth = Label("p0", box, box, np.zeros((17, 3)), shown, 1.0, 5.0)
            frame = Frame(time, image, pose, lens, (24.9, 14.0))
            shots.append(LabelledFrame(frame, [truth], [], pose))
        taken.append((name, same_clothes))
        return shots[-2:]

    shots, taken = [], []
    monkeypatch.setattr(reidentification.sequence, "shoot", shoot)
    made = list(samples(Knows(found), [3]))
    assert taken == [("crossing", False), ("wall", False), ("crossing", True)]
    assert {sample.kind for sample in made} == {kind.name for kind in KINDS}
    for sample in made:
        assert list(sample.who) == (["p0", None] if sample.time == 0 else [None, None])
    grey = next(sample for sample in made if sample.kind == "grey")
    assert np.ptp(grey.image, axis=2).max() == 0


def test_the_command_prints_the_figures_of_every_kind_and_descriptor(monkeypatch):
    def made(detector, seeds, progress):
        for seed in seeds:
            for kind in KINDS:
                for k in range(3):
                    for who, shirt in enumerate((RED, BLUE)):
                        image, found = person(shirt, seed=k)
                        yield Sample(kind.name, seed, 2.0 * k, image, DAYLIGHT, found, [who])

    monkeypatch.setattr(reidentification, "samples", made)
    status, text = invoke("bench", "identity", "--seeds", "1", "--json")
    assert status == 0
    result = json.loads(text)
    assert set(result["milliseconds"]) == set(DESCRIPTORS)
    assert set(result["figures"]) == {kind.name for kind in KINDS}
    for each in result["figures"].values():
        assert each["colours"]["auc"] == each["colours and network"]["auc"] == 1
        assert each["colours"]["same"] == 6
    status, text = invoke("bench", "identity", "--seeds", "1")
    assert status == 0
    assert "same clothes" in text
