"""The simulated detector: its flaws have their sizes, and the filters after it stand them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cinempc import frames
from cinempc.app.perception import simulated
from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose, Frame
from cinempc.rig.subject import SubjectEstimate
from sim.sensors.perception import Flaws, SimulatedPerception, TruthPerception

FRAME = 1 / 24  # s
SENSOR = (24.89, 14.0)
LENS = LensState(35.0, 8.0, 4.0)
NORTH = math.pi / 2
POSE = CameraPose(np.array([0.0, -8.0, 1.6]), NORTH, -0.05, 0.0)
BLACK = np.zeros((2, 2, 3), np.uint8)
FLAWLESS = Flaws(delay=0.0, drop_out=0.0, pixels=1e-6, box=0.0, depth=1e-6, pose=1e-3)

#: Starts (east, north), m, and eastward speeds, m/s.
CAST = {"anna": ((-1.0, 0.0), 0.3), "bert": ((1.2, 2.0), -0.1), "behind": ((0.0, -20.0), 0.0)}


def truth(actor: str, time: float) -> SubjectEstimate:
    (east, north), speed = CAST[actor]
    return SubjectEstimate(
        id=actor,
        time=time,
        position=np.array([east + speed * time, north, 0.0]),
        velocity=np.array([speed, 0.0, 0.0]),
        height=1.7,
    )


def perceive(
    actors: dict[str, str],
    flaws: Flaws | None = None,
    *,
    seed: int = 0,
    frames_: int = 96,
    reported: CameraPose = POSE,
    where=truth,
) -> SimulatedPerception:
    heights = dict.fromkeys(actors, 1.7)
    found = simulated(actors, where, lambda time: POSE, heights, flaws, seed)
    for k in range(frames_):
        found.observe(Frame(k * FRAME, BLACK, reported, LENS, SENSOR))
        found.subjects(k * FRAME)
    return found


def test_truth_is_exact_under_the_scripts_names() -> None:
    found = TruthPerception({"hero": "anna", "friend": "bert"}, truth)
    hero, friend = found.subjects(2.0)
    assert (hero.id, friend.id) == ("hero", "friend")
    np.testing.assert_array_equal(hero.position, truth("anna", 2.0).position)
    assert not hero.covariance.any()


def test_without_flaws_it_finds_the_truth() -> None:
    found = perceive({"hero": "anna", "friend": "bert"}, FLAWLESS)
    for subject, actor in zip(found.subjects(95 * FRAME), ("anna", "bert"), strict=True):
        true = truth(actor, 95 * FRAME)
        np.testing.assert_allclose(subject.position, true.position, atol=1e-3)
        np.testing.assert_allclose(subject.velocity, true.velocity, atol=1e-2)


@pytest.mark.slow
def test_with_its_flaws_it_stays_near_the_truth() -> None:
    errors = []
    for seed in range(8):
        found = perceive({"hero": "anna"}, seed=seed)
        errors.append(found.subjects(96 * FRAME)[0].position - truth("anna", 96 * FRAME).position)
    east, north, up = np.sqrt(np.mean(np.square(errors), axis=0))
    assert east < 0.06  # across the picture
    assert north < 0.12  # in depth: one measurement is 1.5 % of 8 m off
    assert up < 0.05


@pytest.mark.slow
def test_its_covariance_covers_its_errors() -> None:
    ratios = []
    for seed in range(12):
        found = perceive({"hero": "anna"}, Flaws(pose=0.0), seed=seed)
        subject = found.subjects(96 * FRAME)[0]
        error = subject.position - truth("anna", 96 * FRAME).position
        ratios.append(error @ np.linalg.solve(subject.covariance[:3, :3], error))
    assert 0.5 < np.mean(ratios) < 6.0  # 3 expected; a subject that does not turn errs less


def test_results_come_late() -> None:
    found = simulated(
        {"hero": "anna"}, truth, lambda time: POSE, {"hero": 1.7}, Flaws(delay=0.08, drop_out=0.0)
    )
    found.observe(Frame(1.0, BLACK, POSE, LENS, SENSOR))
    assert found.subjects(1.07) == []
    (hero,) = found.subjects(1.08)
    assert hero.age == pytest.approx(0.08)


def test_who_is_out_of_the_picture_is_not_found() -> None:
    found = perceive({"hero": "anna", "other": "behind"}, FLAWLESS)
    assert [subject.id for subject in found.subjects(4.0)] == ["hero"]


def test_who_leaves_the_picture_is_predicted() -> None:
    def runs_out(actor: str, time: float) -> SubjectEstimate:
        return replace(
            truth(actor, time),
            position=np.array([2.0 * time, 0.0, 0.0]),
            velocity=np.array([2.0, 0.0, 0.0]),
        )

    found = perceive({"hero": "anna"}, FLAWLESS, where=runs_out)  # the edge is 2.9 m out
    (hero,) = found.subjects(4.0)
    assert 2.2 < hero.age < 2.8
    assert hero.position[0] == pytest.approx(8.0, abs=0.2)
    assert hero.covariance[0, 0] > 0.1


def test_who_stands_behind_another_is_not_found() -> None:
    def in_line(actor: str, time: float) -> SubjectEstimate:
        north = {"anna": 0.0, "bert": 3.0}[actor]
        return replace(truth(actor, time), position=np.array([0.0, north, 0.0]))

    found = perceive({"hero": "anna", "friend": "bert"}, FLAWLESS, where=in_line)
    assert [subject.id for subject in found.subjects(4.0)] == ["hero"]


def test_drop_outs_have_their_share() -> None:
    assert not perceive({"hero": "anna"}, Flaws(drop_out=1.0)).subjects(4.0)
    late = Flaws(delay=0.0, drop_out=0.3)
    found = simulated({"hero": "bert"}, truth, lambda time: POSE, {"hero": 1.7}, late)
    missed = 0
    for k in range(400):
        found.observe(Frame(k * FRAME, BLACK, POSE, LENS, SENSOR))
        subjects = found.subjects(k * FRAME)
        missed += not subjects or subjects[0].age > 0
    assert missed / 400 == pytest.approx(0.3, abs=0.07)


def test_same_seed_same_estimates() -> None:
    one, same, other = (
        perceive({"hero": "anna"}, seed=seed).subjects(4.0)[0].position for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_it_believes_the_reported_pose() -> None:
    offset = np.array([0.4, 0.0, 0.1])
    found = perceive(
        {"hero": "anna"}, FLAWLESS, reported=replace(POSE, position=POSE.position + offset)
    )
    error = found.subjects(95 * FRAME)[0].position - truth("anna", 95 * FRAME).position
    np.testing.assert_allclose(error, offset, atol=2e-3)


def test_it_sees_through_the_lens_of_the_frame() -> None:
    heights = {"hero": 1.7}
    found = simulated({"hero": "anna"}, truth, lambda time: POSE, heights, FLAWLESS)
    for k in range(48):
        zoom = replace(LENS, focal_length_mm=35.0 + k)
        found.observe(Frame(k * FRAME, BLACK, POSE, zoom, SENSOR))
    (hero,) = found.subjects(47 * FRAME)
    np.testing.assert_allclose(hero.position, truth("anna", 47 * FRAME).position, atol=5e-3)


def test_a_tilted_camera_finds_the_same_place() -> None:
    tilted = CameraPose(np.array([3.0, -7.0, 5.0]), frames.wrap_angle(2.0), -0.5, 0.2)
    found = simulated({"hero": "anna"}, truth, lambda time: tilted, {"hero": 1.7}, FLAWLESS)
    for k in range(24):
        found.observe(Frame(k * FRAME, BLACK, tilted, LENS, SENSOR))
    (hero,) = found.subjects(23 * FRAME)
    np.testing.assert_allclose(hero.position, truth("anna", 23 * FRAME).position, atol=5e-3)
