"""From boxes, keypoints and depth to places: people whose truth is known, projected and found."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinempc.frames import wrap_angle
from cinempc.rig.state import CameraPose
from perception.detect.detections import KEYPOINTS, Detections
from perception.localise.detection import ObservationNoise, observe_detections
from perception.localise.estimator import Prior, SubjectFilter
from perception.localise.heading import DIRECTIONS
from perception.localise.motion import Dynamics
from perception.localise.observation import HeightObservation
from perception.localise.orientation import _SHAPE, facing
from perception.localise.view import View

SIZE = (960, 540)
# A body in its own frame, forward, left, up, fractions of the height, as COCO counts.
BODY = np.array(
    [
        (0.09, 0, 0.91), (0.07, 0.018, 0.92), (0.07, -0.018, 0.92), (0.02, 0.047, 0.92),
        (0.02, -0.047, 0.92), (0.01, 0.095, 0.785), (0.01, -0.095, 0.785), (0, 0.117, 0.62),
        (0, -0.117, 0.62), (0.05, 0.12, 0.5), (0.05, -0.12, 0.5), (0, 0.062, 0.52),
        (0, -0.062, 0.52), (0, 0.057, 0.285), (0, -0.057, 0.285), (0, 0.042, 0.065),
        (0, -0.042, 0.065),
    ]
)  # fmt: skip


def camera(range_: float, height: float, share: float = 0.5, azimuth: float = 0.0) -> View:
    """Looks at the origin's person so that it fills a share of the picture."""
    place = np.array([-range_ * math.cos(azimuth), -range_ * math.sin(azimuth), height])
    pitch = math.atan2(0.9 - height, range_)
    focal = share * SIZE[1] * math.hypot(range_, height) / 1.75
    return View(CameraPose(place, azimuth, pitch, 0.0), focal, SIZE)


def seen(
    view: View, place: np.ndarray, heading: float = 0.0, height: float = 1.75, points: bool = True
) -> Detections:
    """What a perfect detector finds of a person."""
    cos, sin = math.cos(heading), math.sin(heading)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
    pixels = view.project(place + height * BODY @ turn.T)
    ends = view.project(place + np.array([[0, 0, 0.985 * height], [0, 0, 0.0]]))
    half = 0.14 * height * view.focal_px / np.linalg.norm(place - view.pose.position)
    box = [pixels[:, 0].mean() - half, ends[0, 1], pixels[:, 0].mean() + half, ends[1, 1]]
    keypoints = np.column_stack([pixels, np.full(len(KEYPOINTS), 0.9)])
    return Detections(
        np.array([box]), np.array([0.9]), np.array([0]), {0: "person"},
        keypoints[None] if points else None,
    )  # fmt: skip


def found(view: View, detections: Detections, prior: Prior, depth=None, times: int = 12):
    subject = SubjectFilter("hero", prior)
    for k in range(times):
        assert subject.update(observe_detections(k / 24, view, detections, depth)[0])
    return subject.estimate((times - 1) / 24)


def climbing(dynamics: Dynamics | None, off: float) -> tuple[np.ndarray, np.ndarray]:
    """Errors of place (n, 3), and NEES on the ground (n,), of a tall body whose ends are taken for
    a little off by a camera that climbs and sinks; colour only."""
    subject = SubjectFilter("hero", Prior(), dynamics)
    place, errors, nees = np.array([0.4, 0.0, 0.0]), [], []
    for k in range(72):
        high = 4.5 - 2.7 * math.cos(2 * math.pi * k / 72)
        view = camera(14.0, high, 0.5)
        found = seen(view, place + np.array([0.0, 0.0, off]), height=1.88)
        assert subject.update(observe_detections(k / 6, view, found)[0])
        estimate = subject.estimate(k / 6)
        error = estimate.position - place
        errors.append(error)
        nees.append(error[:2] @ np.linalg.solve(estimate.covariance[:2, :2], error[:2]))
    return np.array(errors), np.array(nees)


@pytest.mark.parametrize("off", [-0.03, 0.03])
def test_an_error_of_the_bodys_ends_that_stays_does_not_lift_a_subject_off_the_ground(off):
    errors, nees = climbing(None, off)
    late = slice(18, None)
    assert np.abs(errors[late, 2]).max() < 0.2
    assert np.hypot(*errors[late, :2].T).max() < 0.06 * 14
    assert nees[late].mean() < 3  # 2 degrees of freedom
    # Where nothing holds it to the ground, it drifts.
    adrift, _ = climbing(Dynamics(growth=0.002), off)
    assert np.abs(adrift[late, 2]).max() > 2 * np.abs(errors[late, 2]).max()


@settings(max_examples=25, deadline=None)
@given(st.floats(5, 30), st.floats(1.2, 8), st.floats(0.2, 0.9), st.floats(-3, 3), st.booleans())
def test_ground_and_height_tell_the_place(
    range_: float, height: float, share: float, heading: float, points: bool
) -> None:
    view = camera(range_, height, share)
    estimate = found(view, seen(view, np.zeros(3), heading, points=points), Prior())
    assert np.linalg.norm(estimate.position) < 0.03 * range_ + 0.05
    assert estimate.height == pytest.approx(1.75, abs=0.08)
    off = estimate.position[:2]
    assert off @ np.linalg.solve(estimate.covariance[:2, :2], off) < 9


def test_a_tall_person_is_not_a_near_one() -> None:
    """The ground tells the range, so the height follows, and the other way round with a script."""
    view = camera(12.0, 5.0)
    tall = seen(view, np.zeros(3), height=1.95)
    estimate = found(view, tall, Prior(), times=48)
    assert estimate.height == pytest.approx(1.95, abs=0.08)
    assert np.linalg.norm(estimate.position) < 0.5
    level = camera(12.0, 1.0)
    subject = SubjectFilter("hero", Prior(ground=None))
    for k in range(24):
        subject.update(observe_detections(k / 24, level, seen(level, np.zeros(3), height=1.95))[0])
    before = np.linalg.norm(subject.estimate(1.0).position)
    subject.update(HeightObservation(1.0, 1.95))
    assert np.linalg.norm(subject.estimate(1.0).position) < before


def test_depth_is_better_than_none() -> None:
    view = camera(20.0, 1.6)
    detections = seen(view, np.array([0.0, 0.0, 0.0]), height=1.62)  # not the 1.75 of the prior
    depth = np.full(SIZE[::-1], 20.0 * math.cos(view.pose.pitch) - 0.11, np.float32)
    blind, sighted = (found(view, detections, Prior(), d) for d in (None, depth))
    assert np.linalg.norm(sighted.position) < 0.3
    assert np.trace(sighted.covariance[:2, :2]) < np.trace(blind.covariance[:2, :2])


def test_depth_of_the_wall_behind_is_left_out() -> None:
    view = camera(10.0, 3.0)
    detections = seen(view, np.zeros(3))
    wall = np.full(SIZE[::-1], 45.0, np.float32)
    estimate = found(view, detections, Prior(), wall)
    assert np.linalg.norm(estimate.position) < 0.6


@pytest.mark.parametrize("cut", ["feet", "head"])
def test_a_body_cut_by_the_edge_is_not_taken_for_a_small_one(cut: str) -> None:
    view = camera(8.0, 1.6, share=1.6)
    tilt = 0.12 if cut == "feet" else -0.12
    pose = view.pose
    view = View(CameraPose(pose.position, pose.yaw, pose.pitch + tilt, 0.0), view.focal_px, SIZE)
    detections = seen(view, np.zeros(3))
    detections.boxes[:, [1, 3]] = np.clip(detections.boxes[:, [1, 3]], 0, SIZE[1])
    outside = (detections.keypoints[0, :, 1] < 0) | (detections.keypoints[0, :, 1] > SIZE[1])
    assert outside.any()
    detections.keypoints[0, outside, 2] = 0.05
    estimate = found(view, detections, Prior())
    assert np.linalg.norm(estimate.position) < 0.8


def test_the_focal_length_of_the_moment_counts() -> None:
    """A zoom while it stands still: the picture grows, the place does not come nearer."""
    subject, far = SubjectFilter("hero"), []
    for k in range(48):
        view = camera(15.0, 2.5, share=0.2 + 0.6 * k / 48)
        assert subject.update(observe_detections(k / 24, view, seen(view, np.zeros(3)))[0])
        far.append(np.linalg.norm(subject.estimate(k / 24).position))
    assert max(far) < 0.5


def test_distortion_is_taken_out() -> None:
    coefficients = np.array([-0.25, 0.08, 0.001, -0.001, 0.0])
    straight = camera(6.0, 2.0, share=0.9)
    bent = View(straight.pose, straight.focal_px, SIZE, coefficients)
    place = np.array([0.0, 1.6, 0.0])
    detections = seen(straight, place)
    matrix = np.array(
        [[bent.focal_px, 0, SIZE[0] / 2], [0, bent.focal_px, SIZE[1] / 2], [0, 0, 1.0]]
    )

    def distorted(pixels: np.ndarray) -> np.ndarray:
        slopes = straight.slopes(pixels)
        points = np.column_stack([slopes, np.ones(len(slopes))])
        return cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, coefficients)[0][:, 0]

    pixels = np.random.default_rng(0).uniform([0, 0], SIZE, (40, 2))
    np.testing.assert_allclose(bent.slopes(distorted(pixels)), straight.slopes(pixels), atol=1e-4)
    detections.keypoints[0, :, :2] = distorted(detections.keypoints[0, :, :2])
    detections.boxes[0] = distorted(detections.boxes[0].reshape(2, 2)).ravel()
    with_it = found(bent, detections, Prior())
    without = found(straight, detections, Prior())
    assert np.linalg.norm(with_it.position - place) < 0.3
    assert np.linalg.norm(without.position - place) > np.linalg.norm(with_it.position - place)


@settings(max_examples=40, deadline=None)
@given(st.floats(-3.1, 3.1), st.floats(-3.1, 3.1), st.floats(0.3, 6.0))
def test_keypoints_tell_which_way_it_faces(heading: float, azimuth: float, height: float) -> None:
    view = camera(10.0, height, 0.7, azimuth)
    detections = seen(view, np.zeros(3), heading)
    points = detections.keypoints[0]
    ray = -view.pose.position
    likelihood = facing(points, points[:, 2] > 0.5, ray, 2.0)
    best = DIRECTIONS[int(np.argmax(likelihood))]
    assert abs(wrap_angle(best - heading)) < math.radians(12)


def test_a_hand_above_the_head_is_not_the_top() -> None:
    view = camera(10.0, 1.6)
    detections = seen(view, np.zeros(3))
    wrist = KEYPOINTS.index("left_wrist")
    detections.keypoints[0, wrist, 1] = detections.boxes[0, 1] - 60
    detections.boxes[0, 1] -= 62
    estimate = found(view, detections, Prior())
    assert estimate.height == pytest.approx(1.75, abs=0.1)


def test_behind_the_camera_there_is_nothing() -> None:
    view = camera(10.0, 1.6)
    piece = observe_detections(0.0, view, seen(view, np.zeros(3)))[0]
    state = np.zeros(8)
    state[0] = -50.0
    assert piece.rows(state) is None


def test_late_pictures_count_with_the_pose_of_their_time() -> None:
    """The camera flies: a picture that comes 300 ms late is of where the camera was then."""
    subject, waiting = SubjectFilter("hero"), []
    random = np.random.default_rng(0)
    for k in range(60):
        view = camera(10.0 + 0.1 * k, 2.0, 0.5, azimuth=0.02 * k)
        place = np.array([0.04 * k, 0.0, 0.0])
        piece = observe_detections(k / 24, view, seen(view, place))[0]
        waiting.append((k / 24 + random.uniform(0.05, 0.3), piece))
    for _, piece in sorted(waiting, key=lambda pair: pair[0]):
        subject.update(piece)
    off = subject.estimate(59 / 24).position - np.array([0.04 * 59, 0.0, 0.0])
    assert np.linalg.norm(off) < 0.4
    assert subject.rejected == 0


def test_the_shape_is_a_body() -> None:
    names = list(_SHAPE)
    for left in (n for n in names if n.startswith("left")):
        x, y, z = _SHAPE[left]
        assert _SHAPE[left.replace("left", "right")] == (x, -y, z)
    assert ObservationNoise().pixels > 0
