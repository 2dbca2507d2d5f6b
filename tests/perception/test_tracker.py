"""The tracker: pans, zooms, dropped pictures and the back of the compass do not split tracks."""

import math

import numpy as np
import pytest

from cinempc.frames import project, world_to_camera
from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose, Frame
from perception.detect.detections import Detections
from perception.identify.tracker import SCALE, Tracker, stabilised
from perception.localise.view import View

SIZE = (960, 540)
SENSOR = (36.0, 20.25)
RATE = 24.0


def view(yaw=0.0, pitch=0.0, roll=0.0, focal_mm=24.0) -> View:
    pose = CameraPose(np.zeros(3), yaw, pitch, roll)
    return View(pose, focal_mm / SENSOR[0] * SIZE[0], SIZE)


def seen(view: View, people, height=1.75, width=0.5) -> tuple[Detections, list[int]]:
    """Boxes of upright people (feet, ENU m) and who they are; those outside are not found."""
    focal = view.focal_px / SIZE[0] * SENSOR[0]
    boxes, who = [], []
    for k, feet in enumerate(people):
        corners = []
        for up in (0.0, height):
            point = (feet[0], feet[1], feet[2] + up)
            x, y, z = world_to_camera(
                point, tuple(view.pose.position), view.pose.yaw, view.pose.pitch, view.pose.roll
            )
            if z < 0.5:
                break
            u, v = project((x, y, z), focal, *SENSOR)
            corners.append((u * SIZE[0], v * SIZE[1], width / 2 * view.focal_px / z))
        if len(corners) < 2:
            continue
        u, half = np.mean([c[0] for c in corners]), corners[0][2]
        top, low = sorted(c[1] for c in corners)
        box = [max(u - half, 0), max(top, 0), min(u + half, SIZE[0]), min(low, SIZE[1])]
        if box[2] - box[0] > half and box[3] - box[1] > 0.5 * (low - top):
            boxes.append(box)
            who.append(k)
    n = len(boxes)
    found = Detections(
        np.array(boxes, dtype=float).reshape(-1, 4),
        np.full(n, 0.85),
        np.zeros(n, np.int64),
        {0: "person", 5: "bus"},
    )
    return found, who


def ids_of(tracker: Tracker, shots, stabilise=True, noise=0.0) -> dict[int, list[int]]:
    """All confirmed ids that each person had."""
    random = np.random.default_rng(1)
    ids: dict[int, list[int]] = {}
    for time, seen_by, people in shots:
        found, who = seen(seen_by, people)
        found = Detections(
            found.boxes + noise * random.standard_normal(found.boxes.shape),
            found.scores,
            found.classes,
        )
        for k, track in zip(
            who, tracker.update(found, seen_by if stabilise else None, time), strict=True
        ):
            if track >= 0 and track not in ids.setdefault(k, []):
                ids[k].append(int(track))
    return ids


def pan_and_zoom():
    """±60°/s to and fro over people who stand and walk, 24 to 120 mm and back."""
    for k in range(int(4 * RATE)):
        t = k / RATE
        yaw = math.radians(14) * math.sin(2 * math.pi * t / 1.45)  # 61°/s at its fastest
        zoom = 24 * 5 ** (0.5 - 0.5 * math.cos(2 * math.pi * t / 4))
        people = [(25, -1.0, -1.6), (25, 1.2, -1.6), (30, -5 + 1.4 * t, -1.6)]
        yield t, view(yaw, focal_mm=zoom), people


def test_ids_outlast_a_whip_pan_and_a_fast_zoom():
    def zoom_at_one_place():
        for t, v, people in pan_and_zoom():
            yield t, View(v.pose, view(focal_mm=24.0).focal_px, SIZE), people

    ids = ids_of(Tracker(RATE), zoom_at_one_place(), noise=0.7)
    assert {k: len(v) for k, v in ids.items()} == {0: 1, 1: 1, 2: 1}
    in_pixels = ids_of(Tracker(RATE), zoom_at_one_place(), stabilise=False, noise=0.7)
    assert sum(map(len, in_pixels.values())) > 6  # what the stabilised picture is for


def test_ids_outlast_a_zoom_from_24_to_120_mm_in_half_a_second():
    def shots():
        for k in range(int(3 * RATE)):
            t = k / RATE
            focal = 24 * 5 ** (0.5 - 0.5 * math.cos(2 * math.pi * t))
            people = [(60, -7.5, -0.9), (60, 7.5, -0.9), (70, -3 + 1.4 * t, -0.9)]
            yield t, view(focal_mm=focal), people

    assert all(len(v) == 1 for v in ids_of(Tracker(RATE), shots(), noise=0.5).values())
    in_pixels = ids_of(Tracker(RATE), shots(), stabilise=False, noise=0.5)
    assert any(len(v) > 1 for v in in_pixels.values())


def test_pan_and_zoom_together_make_no_swaps():
    ids = ids_of(Tracker(RATE), pan_and_zoom(), noise=0.7)
    every = [track for tracks in ids.values() for track in tracks]
    assert len(every) == len(set(every))  # no id went from one to another


def test_the_back_of_the_compass_does_not_split_tracks():
    def shots():
        for k in range(96):
            t = k / RATE
            yaw = math.pi + math.radians(20) * math.sin(2 * t)
            yaw = (yaw + math.pi) % (2 * math.pi) - math.pi
            yield t, view(yaw), [(-20, 0.6 * math.sin(3 * t), -1.6), (-20, 3, -1.6)]

    assert {k: len(v) for k, v in ids_of(Tracker(RATE), shots()).items()} == {0: 1, 1: 1}


@pytest.mark.parametrize(("distance", "speed"), [(5, 4.0), (15, 10.0), (30, 10.0)])
def test_a_full_turn_about_a_person(distance, speed):
    """The camera's flight is not taken out: its parallax must not split the track."""

    def shots():
        for k in range(240):
            t = k / RATE
            azimuth = speed / distance * t
            yaw = (azimuth + math.pi) % (2 * math.pi) - math.pi
            person = (distance * math.cos(azimuth), distance * math.sin(azimuth), -1.5)
            yield t, view(yaw), [person]

    assert {k: len(v) for k, v in ids_of(Tracker(RATE), shots()).items()} == {0: 1}


@pytest.mark.parametrize("yaw", [-3.1, -1.0, 0.4, 3.1])
def test_a_box_stays_where_it_is_while_the_camera_turns_and_zooms(yaw):
    person = [(20 * math.cos(yaw), 20 * math.sin(yaw), -1.0)]
    home, _ = seen(view(yaw), person)
    still = stabilised(home.boxes, view(yaw), yaw)
    for turn, tilt, focal in ((0.25, 0.0, 24), (-0.3, 0.05, 24), (0.02, -0.03, 110)):
        there = view(yaw + turn, tilt, focal_mm=focal)
        moved, _ = seen(there, person)
        np.testing.assert_allclose(
            stabilised(moved.boxes, there, yaw + turn), still, atol=0.004 * SCALE
        )


def test_roll_moves_the_centre_little():
    person = [(20, 2.0, -1.0)]
    level, rolled = view(), view(roll=math.radians(10))
    a = stabilised(seen(level, person)[0].boxes, level)[0]
    b = stabilised(seen(rolled, person)[0].boxes, rolled)[0]
    np.testing.assert_allclose((a[:2] + a[2:]) / 2, (b[:2] + b[2:]) / 2, atol=0.01 * SCALE)


def test_ids_come_in_the_order_of_the_detections_within_a_fifth_of_a_second():
    tracker = Tracker(RATE)
    people = [(20, -3, -1), (20, 0, -1), (20, 3, -1)]
    found, _ = seen(view(), people)
    for frame in range(int(0.2 * RATE)):
        ids = tracker.update(found, view(), frame / RATE)
    assert sorted(ids) == [0, 1, 2]
    order = np.array([2, 0, 1])
    again = tracker.update(found[order], view(), 5 / RATE)
    assert list(again) == [ids[k] for k in order]


def test_one_picture_is_no_track_yet():
    found, _ = seen(view(), [(20, 0, -1)])
    assert list(Tracker(RATE).update(found, view(), 0.0)) == [-1]


def test_a_person_never_goes_on_as_a_bus():
    tracker = Tracker(RATE)
    found, _ = seen(view(), [(20, 0, -1)])
    for k in range(8):
        person = tracker.update(found, view(), k / RATE)[0]
    bus = Detections(found.boxes, found.scores, np.array([5]), found.names)
    for k in range(8, 16):
        ids = tracker.update(bus, view(), k / RATE)
    assert person >= 0
    assert ids[0] >= 0
    assert ids[0] != person


@pytest.mark.parametrize("gap", [2, 6, 20])
def test_dropped_pictures_do_not_end_a_walker(gap):
    tracker = Tracker(RATE)
    ids = set()
    for k in [*range(24), *range(24 + gap, 48 + gap)]:
        t = k / RATE
        found, _ = seen(view(), [(20, -2 + 1.4 * t, -1)])
        ids |= set(tracker.update(found, view(), t).tolist())
    assert ids == {-1, 0}


def test_a_track_ends_when_it_is_lost_for_too_long():
    tracker = Tracker(RATE, lost_for=0.5)
    found, _ = seen(view(), [(20, 0, -1)])
    none = Detections.none()
    for k in range(6):
        first = tracker.update(found, view(), k / RATE)[0]
    for k in range(6, 30):
        assert len(tracker.update(none, view(), k / RATE)) == 0
    for k in range(30, 36):
        second = tracker.update(found, view(), k / RATE)[0]
    assert -1 != second != first


def test_plain_video_without_a_pose_is_followed_in_pixels():
    tracker = Tracker(RATE)
    for k in range(24):
        found, _ = seen(view(), [(20, -2 + 0.05 * k, -1), (20, 3, -1)])
        ids = tracker.update(found)
    assert sorted(ids) == [0, 1]
    assert np.array_equal(tracker.boxes, found.boxes)


def test_empty_and_outlandish_boxes_are_survived():
    tracker = Tracker(RATE)
    boxes = np.array([[5, 5, 5, 5], [-900, -900, -800, 2000], [50, 60, 40, 20.0]])
    for k in range(5):
        found = Detections(boxes, np.full(3, 0.9), np.zeros(3, np.int64))
        ids = tracker.update(found, view(), k / RATE)
        assert ids.shape == (3,)


def test_the_view_of_a_frame():
    frame = Frame(
        0.0,
        np.zeros((540, 960, 3), np.uint8),
        CameraPose(np.zeros(3), 0.1, 0.2, 0.0),
        LensState(36.0, 10.0, 2.8),
        SENSOR,
    )
    assert View.of(frame).focal_px == pytest.approx(960)
    assert View.of(frame).size == (960, 540)
