"""From detections to named subjects, in step with a simulator and beside a live loop."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Iterator

import numpy as np
import pytest

from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose, Frame
from perception.detect.detections import Detections
from perception.detect.detector import FrameError, check_image
from perception.identify.query import SubjectQuery, parse_appearance
from perception.localise.view import View
from perception.pipeline import Pipeline
from perception.yolo import LivePerception, YoloPerception
from tests.perception.test_detection_observation import seen

SENSOR = (24.89, 14.0)
SIZE = (960, 540)
RATE = 24.0
RED, BLUE = (200, 30, 30), (30, 40, 200)


class Painter:
    """Two people, one in red and one in blue, as flat boxes, and a detector that knows them."""

    names = {0: "person"}  # noqa: RUF012
    has_keypoints = True

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self.now: list[tuple[np.ndarray, float, tuple[int, int, int]]] = []
        self.view: View | None = None
        self.wait = 0.0

    def frame(self, time: float, people) -> Frame:
        pose = CameraPose(np.array([-12.0, 0.0, 2.0]), 0.0, -0.08, 0.0)
        image = np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)
        frame = Frame(time, image, pose, LensState(35.0, 12.0, 4.0), SENSOR)
        self.view, self.now = View.of(frame), people
        for place, heading, colour in people:
            left, top, right, bottom = seen(self.view, place, heading).boxes[0].astype(int)
            image[max(top, 0) : bottom, max(left, 0) : right] = colour
        return frame

    def detect(self, image: np.ndarray) -> Detections:
        check_image(image)
        clock.sleep(self.wait)
        assert self.view is not None
        each = [seen(self.view, place, heading) for place, heading, _ in self.now]
        if not each:
            return Detections.none(self.names, keypoints=True)
        return Detections(
            np.concatenate([d.boxes for d in each]),
            np.full(len(each), 0.9),
            np.zeros(len(each), np.int64),
            self.names,
            np.concatenate([d.keypoints for d in each]),
        )


def people(t: float):
    """Red walks to the left, blue stands."""
    return [
        (np.array([0.0, -2.0 + 1.2 * t, 0.0]), math.pi / 2, RED),
        (np.array([1.0, 3.0, 0.0]), math.pi, BLUE),
    ]


QUERIES = {
    "hero": SubjectQuery(parse_appearance("person in red"), height=1.75),
    "friend": SubjectQuery(parse_appearance("person in blue")),
}


def film(perception: YoloPerception, painter: Painter, times: Iterator[float]):
    for t in times:
        perception.observe(painter.frame(t, people(t)))
        yield t, {s.id: s for s in perception.subjects(t)}


def test_subjects_are_bound_placed_and_predicted_over_the_delay() -> None:
    painter = Painter()
    perception = YoloPerception(Pipeline(painter, frame_rate=RATE, queries=QUERIES), delay=0.1)
    for t, known in film(perception, painter, (k / RATE for k in range(48))):
        if t < 0.1:
            assert not known
    assert set(known) == {"hero", "friend"}
    (red, _, _), (blue, _, _) = people(t)
    # Of now, although the newest picture that was looked at is 0.1 s old.
    assert known["hero"].time == t
    assert known["hero"].age == pytest.approx(0.1, abs=0.05)
    assert np.linalg.norm(known["hero"].position - red) < 0.35
    assert np.linalg.norm(known["friend"].position - blue) < 0.5
    assert known["hero"].velocity[1] == pytest.approx(1.2, abs=0.3)
    assert known["hero"].heading == pytest.approx(math.pi / 2, abs=0.25)
    assert known["hero"].height == pytest.approx(1.75, abs=0.06)


def test_a_lost_subject_ages_and_keeps_its_name() -> None:
    painter = Painter()
    perception = YoloPerception(Pipeline(painter, frame_rate=RATE, queries=QUERIES))
    for _ in film(perception, painter, (k / RATE for k in range(36))):
        pass
    spreads = []
    for k in range(36, 84):  # nobody is seen for 2 s
        perception.observe(painter.frame(k / RATE, []))
        known = {s.id: s for s in perception.subjects(k / RATE)}
        spreads.append(np.trace(known["hero"].covariance[:2, :2]))
    assert known["hero"].age > 1.9
    assert spreads[-1] > 4 * spreads[4]
    for k in range(84, 96):
        perception.observe(painter.frame(k / RATE, people(k / RATE)))
        known = {s.id: s for s in perception.subjects(k / RATE)}
    assert known["hero"].age < 0.2
    assert np.linalg.norm(known["hero"].position - people(95 / RATE)[0][0]) < 0.6
    assert len(known) == 2


def test_who_is_not_found_is_explained_by_who_was_seen() -> None:
    painter = Painter()
    queries = {
        "hero": SubjectQuery(parse_appearance("person in green")),
        "friend": SubjectQuery(parse_appearance("person in blue")),
    }
    perception = YoloPerception(Pipeline(painter, frame_rate=RATE, queries=queries))
    assert "no person was seen" in perception.explain("hero")
    for _ in film(perception, painter, (k / RATE for k in range(36))):
        pass
    assert perception.explain("friend") == ""
    why = perception.explain("hero")
    assert "person in red above and red below" in why
    assert "person in blue above and blue below" in why
    assert "(is friend)" in why
    assert " m (" in why  # metres, beside the place in the picture
    assert "'person in red jacket and red trousers'" in why


def test_who_may_be_somebody_else_does_not_move_a_subject() -> None:
    """In black and white, somebody comes from where the subject may be: not filmed as sure."""
    painter = Painter()
    query = {"hero": SubjectQuery(parse_appearance("person"))}
    perception = YoloPerception(Pipeline(painter, frame_rate=RATE, queries=query), delay=0.0)
    grey = (90, 90, 90)

    def walk(t: float):
        return [(np.array([0.0, -2.0 + 1.2 * t, 0.0]), math.pi / 2, grey)]

    for k in range(36):
        perception.observe(painter.frame(k / RATE, walk(k / RATE)))
        perception.subjects(k / RATE)
    for k in range(36, 96):
        perception.observe(painter.frame(k / RATE, []))
        perception.subjects(k / RATE)
    for k in range(96, 120):
        perception.observe(painter.frame(k / RATE, walk(k / RATE)))
        (hero,) = perception.subjects(k / RATE)
    result = perception.newest
    assert result is not None
    (number,) = {n for n in result.ids if n is not None}
    assert result.unsure == {number}
    assert number in result.names
    assert hero.age > 3
    assert np.linalg.norm(result.estimates[number].position - walk(119 / RATE)[0][0]) < 0.6


def test_it_is_the_same_every_time() -> None:
    found = []
    for _ in range(2):
        painter = Painter()
        perception = YoloPerception(Pipeline(painter, frame_rate=RATE, queries=QUERIES))
        *_, last = film(perception, painter, (k / RATE for k in range(24)))
        found.append(np.concatenate([last[1][name].position for name in QUERIES]))
    np.testing.assert_array_equal(*found)


def test_a_frame_that_is_none_is_counted_and_costs_nothing_else() -> None:
    painter = Painter()
    perception = YoloPerception(Pipeline(painter, frame_rate=RATE, queries=QUERIES))
    for k in range(24):
        frame = painter.frame(k / RATE, people(k / RATE))
        if k % 6 == 5:
            frame = Frame(frame.time, np.zeros((0, 0, 3), np.uint8), frame.pose, frame.lens, SENSOR)
        perception.observe(frame)
        perception.subjects(k / RATE)
    assert perception.skipped == 4
    assert len(perception.subjects(1.0)) == 2


def test_pictures_out_of_order_are_used_where_they_belong() -> None:
    painter = Painter()
    pipeline = Pipeline(painter, frame_rate=RATE, queries=QUERIES)
    order = [k + (1 if k % 4 == 1 else -1 if k % 4 == 2 else 0) for k in range(40)]
    for k in order:
        frame = painter.frame(k / RATE, people(k / RATE))
        found = pipeline.follow(
            frame.time, frame.image, pipeline.detect(frame.image), View.of(frame)
        )
    assert pipeline.out_of_order == 10
    assert found.names
    hero = next(s for s in pipeline.subjects(39 / RATE) if s.id == "hero")
    assert np.linalg.norm(hero.position - people(39 / RATE)[0][0]) < 0.35


def test_without_a_view_there_are_identities_and_no_places() -> None:
    painter = Painter()
    pipeline = Pipeline(painter, frame_rate=RATE)
    for k in range(24):
        frame = painter.frame(k / RATE, people(k / RATE))
        found = pipeline.follow(frame.time, frame.image, pipeline.detect(frame.image))
    assert sorted(n for n in found.ids if n is not None) == [1, 2]
    assert not found.estimates


def test_live_the_loop_never_waits() -> None:
    painter = Painter()
    painter.wait = 0.15
    with LivePerception(Pipeline(painter, frame_rate=RATE, queries=QUERIES)) as perception:
        longest = 0.0
        for k in range(20):
            frame = painter.frame(k / RATE, people(0.0))
            began = clock.perf_counter()
            perception.observe(frame)
            perception.subjects(k / RATE)
            longest = max(longest, clock.perf_counter() - began)
            clock.sleep(0.02)
        statistics = perception.statistics()
    assert longest < 0.1  # less than the detector alone takes
    assert statistics.dropped > 5
    assert statistics.done >= 1


def test_live_a_frame_that_is_none_is_counted() -> None:
    painter = Painter()
    with LivePerception(Pipeline(painter, frame_rate=RATE)) as perception:
        frame = painter.frame(0.0, [])
        bad = Frame(0.0, np.zeros((0, 0, 3), np.uint8), frame.pose, frame.lens, SENSOR)
        perception.observe(bad)
        assert perception._worker.wait(5.0)
        assert perception.statistics().failed == 1
        assert isinstance(perception._worker.last_error, FrameError)
        perception.observe(frame)
        assert perception._worker.wait(5.0)
        assert perception.statistics().done == 1
