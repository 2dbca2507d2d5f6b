"""The director: what it asks when, and how the pictures join."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc import configs, frames
from cinempc.camera import LensState
from cinempc.mpc.objectives import FocalLength, FocusOn, ScreenPosition, ShotScale, Soft
from cinempc.rig import CameraPose, RigState
from cinempc.script import framing, moves, script
from cinempc.script.director import Director
from cinempc.subject import SubjectEstimate

NAMES = ("dolly_zoom", "orbit", "follow", "rack_focus", "phone_follow", "showreel", "group")


def load(name: str) -> script.Script:
    return script.load(Path(configs.root() / "scripts" / f"{name}.yaml"))


def people(director: Director, time: float = 0.0) -> dict[str, SubjectEstimate]:
    found = {}
    for i, (name, config) in enumerate(director.script.config.subjects.items()):
        walk = np.array([1.2, 0.0, 0.0])
        place = np.array([-4.0 * i, 1.0 * i, 0.0]) + time * walk
        found[name] = SubjectEstimate(name, time, place, walk, heading=0.0, height=config.height)
    return found


def rig(pose: CameraPose, lens: LensState, time: float = 0.0) -> RigState:
    attitude = (pose.yaw, 0.0, 0.0)
    return RigState(time, pose.position, np.zeros(3), attitude, pose, np.zeros(3), lens)


def seen(
    director: Director, pose: CameraPose, lens: LensState, subject: SubjectEstimate, point: str
) -> tuple[float, float, float]:
    sensor = director.script.camera.sensor
    x, y, z = frames.world_to_camera(
        tuple(subject.point(point)), tuple(pose.position), pose.yaw, pose.pitch, pose.roll
    )
    u, v = frames.project((x, y, z), lens.focal_length_mm, sensor.width, sensor.height)
    return u, v, lens.focal_length_mm * subject.height / (z * sensor.height)


@pytest.mark.parametrize("name", NAMES)
def test_the_entry_is_the_opening_picture(name: str) -> None:
    director = Director(load(name))
    subjects = people(director)
    pose, lens = director.entry(subjects)
    wanted = director.script.config.shots[0].framing
    u, v, stature = seen(director, pose, lens, subjects[wanted.subject], wanted.scale.point)
    place = wanted.position
    assert u == pytest.approx(place[0], abs=1e-3)
    assert v == pytest.approx(wanted.scale.v if place[1] is None else place[1], abs=1e-3)
    assert stature == pytest.approx(wanted.scale.stature, rel=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_a_shots_structure_stays_the_same(name: str) -> None:
    director = Director(load(name))
    pose, lens = director.entry(people(director))
    structures: dict[int, set[tuple]] = {}
    for time in np.arange(0.0, director.duration, 0.25):
        times = time + 0.1 * np.arange(21)
        goals = director.goals(times, people(director, time), rig(pose, lens, time))
        key = tuple(objective.structure() for objective in goals.objectives)
        structures.setdefault(director.shot(time).index, set()).add((key, goals.in_frame))
    assert all(len(found) == 1 for found in structures.values())
    assert len(structures) == len(director.shots)


def asked(director: Director, kind: type, field: str, time: float) -> float:
    pose, lens = director.entry(people(director))
    goals = director.goals(np.array([time]), people(director, time), rig(pose, lens, time))
    value = next(getattr(o, field) for o in goals.objectives if isinstance(o, kind))
    return float(np.asarray(value).ravel()[0])


def test_the_dolly_zoom_keeps_the_scale_while_the_zoom_moves() -> None:
    director = Director(load("dolly_zoom"))
    times = np.linspace(0, 12, 25)
    focal = [asked(director, FocalLength, "mm", t) for t in times]
    assert focal[0] == pytest.approx(35)
    assert focal[12] == pytest.approx((35 + 120) / 2)
    assert focal[-1] == pytest.approx(120)
    assert all(np.diff(focal) >= 0)
    assert {asked(director, ShotScale, "fraction", t) for t in times} == {1.0}


def test_a_rack_focus_hands_the_focus_over() -> None:
    director = Director(load("rack_focus"))
    assert asked(director, FocusOn, "share", 4.9) == 0
    assert asked(director, FocusOn, "share", 5.75) == pytest.approx(0.5)
    assert asked(director, FocusOn, "share", 6.6) == pytest.approx(1)
    subjects = people(director)
    assert director.framing(3.0, subjects).sharp == ("hero",)
    assert director.framing(3.0, subjects).soft == ("friend",)
    assert director.framing(5.75, subjects).sharp == ()
    assert director.framing(8.0, subjects).sharp == ("friend",)


def test_a_soft_subject_behind_the_focus_is_pushed_behind_it() -> None:
    assert asked(Director(load("dolly_zoom")), Soft, "side", 1.0) == -1


def test_a_shot_eases_in_from_the_picture_that_is_there() -> None:
    director = Director(load("showreel"))
    pose, lens = director.entry(people(director))
    second = director.shots[1]
    director.goals(np.array([0.0]), people(director), rig(pose, lens))
    at = people(director)  # nobody moved: the opening picture is still there
    goals = director.goals(np.array([second.start]), at, rig(pose, lens, second.start))
    wish = next(o for o in goals.objectives if isinstance(o, ScreenPosition))
    wanted = director.script.config.shots[1].framing
    u, _, _ = seen(director, pose, lens, at["hero"], wanted.scale.point)
    assert float(np.asarray(wish.u)[0]) == pytest.approx(u, abs=1e-6)
    blended = director.framing(second.start + director.script.config.shots[1].blend, at)
    assert blended.targets[0].u == pytest.approx(wanted.position[0], abs=1e-6)


def test_a_swaying_heading_hardly_moves_the_camera() -> None:
    director = Director(load("follow"))
    pose, lens = director.entry(people(director))
    directions = []
    for k in range(100):
        time = 0.05 * k
        sway = math.radians(15) * math.sin(2 * math.pi * 1.8 * time)
        subjects = {n: replace(s, heading=sway) for n, s in people(director, time).items()}
        goals = director.goals(np.array([time]), subjects, rig(pose, lens, time))
        view = next(o for o in goals.objectives if type(o).__name__ == "Viewpoint")
        directions.append(float(np.asarray(view.azimuth)[0]))
    assert np.ptp(directions[40:]) < math.radians(3)


def test_the_same_calls_give_the_same_goals() -> None:
    def run() -> list[float]:
        director = Director(load("showreel"))
        pose, lens = director.entry(people(director))
        found = []
        for time in np.arange(0, director.duration, 0.5):
            goals = director.goals(np.array([time]), people(director, time), rig(pose, lens, time))
            found += [float(np.sum(o.weight)) for o in goals.objectives]
        return found

    assert run() == run()


def test_rehearsing_leaves_no_trace() -> None:
    director = Director(load("showreel"))
    pose, lens = director.entry(people(director))
    assert len(director.rehearse(people(director), rig(pose, lens))) == len(director.shots)
    assert director.framing(7.0, people(director)).targets == ()


@given(st.floats(-1, 2), st.floats(-1, 2))
def test_easing_rises_from_0_to_1(a: float, b: float) -> None:
    low, high = sorted((a, b))
    first, second = moves.ease(np.array([low, high]))
    assert 0 <= first <= second + 1e-12 <= 1 + 2e-12


def test_easing_starts_and_ends_at_rest() -> None:
    s = np.array([0.0, 1e-4, 1 - 1e-4, 1.0])
    eased = moves.ease(s)
    assert eased[1] < 1e-10
    assert 1 - eased[2] < 1e-10


def test_scales_are_in_order() -> None:
    statures = [framing.SCALES[n].stature for n in ("ECU", "CU", "MCU", "MS", "MLS", "LS", "ELS")]
    assert statures == sorted(statures, reverse=True)


@pytest.mark.parametrize("name", ["CU", "MCU", "MS", "MLS", "LS", "ELS"])
def test_a_named_scale_leaves_headroom_and_shows_the_framed_point(name: str) -> None:
    scale = framing.SCALES[name]
    crown = scale.v - (1 - framing.body_fraction(scale.point)) * scale.stature
    assert 0.03 < crown < 0.5
    assert crown < scale.v < 1


@given(st.integers(2, 1200))
def test_a_percentage_is_the_bodys_share(percent: int) -> None:
    assert framing.parse_scale(f"{percent} %").stature == pytest.approx(percent / 100)


def test_positions() -> None:
    assert framing.parse_position("upper-third-left") == (1 / 3, 1 / 3)
    assert framing.parse_position({"u": 0.25}) == (0.25, None)
    with pytest.raises(ValueError, match="0 to 1"):
        framing.parse_position({"u": 1.25})
