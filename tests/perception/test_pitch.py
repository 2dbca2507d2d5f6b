"""The camera's pitch is found by how tall people appear, from any height and at any tilt."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perception.detect.detections import Detections
from perception.localise.pitch import PitchByPeople, pitches

FOCAL, SIZE = 1280.0, (1920, 1080)


def rows(pitch, height, distance, tall):
    """Slopes of a standing person's head and feet."""
    return [math.tan(math.atan((height - up) / distance) + pitch) for up in (tall, 0.0)]


@example(pitch=0.296875, height=22.0, distance=2.0)  # straight below, and the camera looks up
@given(
    pitch=st.floats(-1.4, 0.3),
    height=st.floats(0.5, 100.0),
    distance=st.floats(2.0, 200.0),
)
def test_one_of_the_two_is_right(pitch, height, distance):
    top, bottom = np.array(rows(pitch, height, distance, 1.72))[:, None]
    if math.atan(height / distance) + pitch >= math.pi / 2:
        return  # their feet are behind the camera
    if bottom[0] - top[0] <= 1e-3 or abs(bottom[0]) > 5 or abs(top[0]) > 5:
        return  # too flat to be seen
    both = pitches(top, bottom, height)[0]
    # Where both distances are one, a hair in the span is much in the distance.
    assert np.nanmin(np.abs(both - pitch)) < 2e-3


def people(pitch, height, places, tall, noise=None):
    boxes = []
    for k, distance in enumerate(places):
        top, bottom = (SIZE[1] / 2 + FOCAL * slope for slope in rows(pitch, height, distance, tall))
        shift = (0.0, 0.0) if noise is None else noise[k]
        boxes.append([900.0, top + shift[0], 960.0, bottom + shift[1]])
    count = len(boxes)
    return Detections(
        np.array(boxes).reshape(-1, 4), np.ones(count), np.zeros(count, np.int64), {0: "person"}
    )


@pytest.mark.parametrize(
    ("degrees", "height", "places"),
    [
        (0, 1.3, (6, 9, 14)),
        (0, 4.0, (12, 20, 30)),
        (-20, 10.0, (20, 26, 34)),
        (-45, 20.0, (16, 20, 25)),
        (-70, 25.0, (5, 9, 13)),  # steeply down: nearer than the camera is high
    ],
)
def test_sightings_agree_on_the_pitch(degrees, height, places):
    rng = np.random.default_rng(3)
    pitch = PitchByPeople()
    for _ in range(10):
        tall = 1.72 + 0.05 * rng.standard_normal()
        noise = rng.standard_normal((len(places), 2))
        pitch.see(people(math.radians(degrees), height, places, tall, noise), FOCAL, SIZE, height)
    assert pitch.value == pytest.approx(math.radians(degrees), abs=math.radians(3))


def test_cut_people_tell_nothing():
    pitch = PitchByPeople()
    for _ in range(10):
        pitch.see(people(0.0, 1.3, (1.0, 1.2), 1.72), FOCAL, SIZE, 1.3)  # feet below the picture
        pitch.see(Detections.none({0: "person"}), FOCAL, SIZE, 3.0)
    assert pitch.value is None
    pitch.see(people(0.0, 3.0, (18,), 1.72), FOCAL, SIZE, 3.0)
    assert pitch.value == pytest.approx(0.0, abs=0.01)


@given(
    st.lists(st.tuples(*[st.floats(-500, 2500, allow_nan=False)] * 4), min_size=1, max_size=12),
    st.floats(0.1, 500),
)
def test_whatever_was_found_the_pitch_is_one_or_none(boxes, height):
    pitch = PitchByPeople()
    count = len(boxes)
    found = Detections(np.array(boxes), np.ones(count), np.zeros(count, np.int64), {0: "person"})
    pitch.see(found, FOCAL, SIZE, height)
    assert pitch.value is None or abs(pitch.value) <= math.pi / 2
