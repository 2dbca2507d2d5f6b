"""From where footage was filmed: what the user says, what the drone tells, what is assumed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cinempc.app.options.perception import PerceiveOptions
from cinempc.app.perceive.viewpoint import Viewpoint
from cinempc.mavlink import geodesy
from perception.detect.detections import Detections
from perception.sources.source import SourceFrame
from perception.sources.telemetry import Sample, Telemetry


def view(samples=(), time=0.0, size=(160, 90), **options):
    telemetry = Telemetry(samples, "a.SRT") if samples else None
    picture = SourceFrame(time, np.zeros((size[1], size[0], 3), np.uint8), "0")
    return Viewpoint(PerceiveOptions(**options), telemetry)(picture)


def test_without_a_word_nothing_is_known():
    assert view() is None
    assert Viewpoint(PerceiveOptions()).description is None
    assert Viewpoint(PerceiveOptions()).noise is None


def test_a_field_of_view_alone_is_a_camera_in_somebodys_hands():
    known = view(fov=90.0)
    assert known.focal_px == pytest.approx(80)
    assert known.pose.position == pytest.approx([0, 0, 1.6])
    assert (known.pose.yaw, known.pose.pitch) == (0, 0)


@pytest.mark.parametrize(("heading", "yaw"), [(90, 0), (0, 90), (270, 180), (-45, 135)])
def test_headings_are_a_compasss(heading, yaw):
    found = view(fov=90.0, camera_heading=heading).pose.yaw
    assert math.remainder(found - math.radians(yaw), math.tau) == pytest.approx(0, abs=1e-9)


def test_a_drone_stands_where_it_says():
    there = geodesy.at(48.0, 11.0, 30.0, -40.0)
    samples = [
        Sample(0, 48.0, 11.0, 10.0, 24.0, 0.5, -0.2),
        Sample(2, *there, 20.0, 48.0, 0.7, -0.4),
    ]
    begin, middle, end = (view(samples, t) for t in (0, 1, 2))
    assert begin.pose.position == pytest.approx([0, 0, 10])
    assert middle.pose.position == pytest.approx([15, -20, 15], abs=0.01)
    assert end.pose.position == pytest.approx([30, -40, 20], abs=0.01)
    assert (end.pose.yaw, end.pose.pitch) == pytest.approx((0.7, -0.4))
    assert (begin.focal_px, end.focal_px) == pytest.approx((160 * 24 / 36, 160 * 48 / 36))


def test_the_film_lies_along_the_longer_side():
    samples = [Sample(0, height=10.0, focal_mm=24.0, pitch=0.0)]
    assert view(samples, size=(90, 160)).focal_px == pytest.approx(160 * 24 / 36)


def test_a_barometer_that_has_drifted_does_not_put_the_camera_into_the_ground():
    samples = [Sample(0, height=-3.0, focal_mm=24.0, pitch=0.0)]
    assert view(samples).pose.position[2] == pytest.approx(0.1)


def test_a_pitch_that_nobody_tells_is_known_once_people_are_seen():
    viewpoint = Viewpoint(PerceiveOptions(), Telemetry([Sample(0, height=3.0, focal_mm=24.0)], "x"))
    picture = SourceFrame(0.0, np.zeros((90, 160, 3), np.uint8), "0")
    assert viewpoint(picture) is None
    focal = 160 * 24 / 36
    top, bottom = (45 + focal * up for up in ((3 - 1.72) / 9, 3 / 9))
    boxes = np.array([[70.0, top, 76.0, bottom]])
    viewpoint.see(picture, Detections(boxes, np.ones(1), np.zeros(1, np.int64), {0: "person"}))
    assert viewpoint(picture).pose.pitch == pytest.approx(0.0, abs=0.01)
    told = Viewpoint(PerceiveOptions(camera_pitch=-10.0), viewpoint.telemetry)
    assert told(picture).pose.pitch == pytest.approx(math.radians(-10))


@pytest.mark.parametrize(
    ("sample", "options", "words"),
    [
        (Sample(0, focal_mm=24.0), {}, "no positions without the height (give --camera-height)"),
        (Sample(0, height=9.0), {}, "no positions without the focal length (give --fov)"),
        (Sample(0, height=9.0, pitch=0.0), {"fov": 60.0}, "assumed: the camera looks east"),
        (
            Sample(0, height=9.0, focal_mm=24.0, yaw=0.0, pitch=0.0),
            {"camera_height": 2.0},
            "a.SRT: focal length, heading, pitch",
        ),
    ],
)
def test_what_is_missing_or_assumed_is_said(sample, options, words):
    viewpoint = Viewpoint(PerceiveOptions(**options), Telemetry([sample], "a.SRT"))
    assert words in viewpoint.description
    picture = SourceFrame(0.0, np.zeros((90, 160, 3), np.uint8), "0")
    assert (viewpoint(picture) is None) == ("no positions" in words)


def test_what_is_assumed_is_trusted_less():
    told = Viewpoint(PerceiveOptions(), Telemetry([Sample(0, yaw=0.0, pitch=0.0)], "x")).noise
    assumed = Viewpoint(PerceiveOptions(), Telemetry([Sample(0, height=9.0)], "x")).noise
    assert told.angle < assumed.angle
