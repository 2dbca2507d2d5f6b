"""The director: what it asks when, and how the pictures join."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cinempc import configs, frames
from cinempc.mpc.objectives import (
    CameraPosition,
    DepthOfField,
    FocalLength,
    FocusOn,
    Goals,
    ScreenPosition,
    ShotScale,
    Soft,
    Viewpoint,
)
from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose, RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.script import load as script
from cinempc.script.direction.director import Director
from cinempc.script.format import ShotConfig
from cinempc.script.framing import terms as framing

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
    pose, lens = director.opening(subjects)
    wanted = director.script.config.shots[0].framing
    scale, place = wanted.scale or framing.SCALES["MS"], wanted.position
    u, v, _ = seen(director, pose, lens, subjects[wanted.subject], scale.point)
    assert u == pytest.approx(place.u, abs=1e-6)
    assert v == pytest.approx(scale.v if place.v is None else place.v, abs=1e-6)
    _, _, stature = seen(director, pose, lens, subjects[wanted.subject], "centre")
    assert stature == pytest.approx(scale.stature, rel=1e-6)


def shot(name: str, **changes: object) -> Director:
    """A director of a shipped script's first shot, with other fields."""
    loaded = load(name)
    fields = {
        "name": "A",
        "duration": "10 s",
        "move": {"kind": "follow"},
        "framing": {"subject": next(iter(loaded.config.subjects))},
    }
    one = ShotConfig.model_validate({**fields, **changes})
    return Director(replace(loaded, config=loaded.config.model_copy(update={"shots": (one,)})))


@pytest.mark.slow
@given(
    u=st.floats(0.2, 0.8),
    v=st.floats(0.2, 0.8),
    percent=st.integers(20, 300),
    angle=st.integers(-3, 60),
    side=st.integers(-180, 180),
    roll=st.integers(-30, 30),
    focal=st.integers(24, 120),
    heading=st.floats(-7, 7),
)
def test_the_entry_is_exact_wherever_the_subject_shall_be(
    u: float, v: float, percent: int, angle: int, side: int, roll: int, focal: int, heading: float
) -> None:
    director = shot(
        "orbit",
        lens={"focal_length": f"{focal} mm"},
        framing={
            "subject": "hero",
            "scale": f"{percent} %",
            "position": {"u": u, "v": v},
            "angle": f"{angle} deg",
            "side": f"{side} deg",
            "roll": f"{roll} deg",
        },
    )
    subject = replace(people(director)["hero"], heading=heading, height=1.8)
    pose, lens = director.opening({"hero": subject})
    assume(1.3 < pose.position[2] < 29.7)  # else the height gives way
    point = director.script.config.shots[0].framing.scale.point
    assert seen(director, pose, lens, subject, point)[:2] == pytest.approx((u, v), abs=1e-5)
    assert seen(director, pose, lens, subject, "centre")[2] == pytest.approx(percent / 100)
    offset = pose.position - subject.point("eyes")
    azimuth, elevation = frames.azimuth_elevation(tuple(offset))
    assert frames.wrap_angle(azimuth - heading - math.radians(side)) == pytest.approx(0, abs=1e-6)
    assert math.degrees(elevation) == pytest.approx(angle)
    assert pose.roll == pytest.approx(math.radians(roll))


def test_the_entrys_focus_is_on_who_shall_be_sharp() -> None:
    director = shot("rack_focus", focus={"on": "friend"})
    subjects = people(director)
    pose, lens = director.opening(subjects)
    depth = frames.world_to_camera(
        tuple(subjects["friend"].point("eyes")), tuple(pose.position), pose.yaw, pose.pitch, 0.0
    )[2]
    assert lens.focus_distance_m == pytest.approx(depth)


@pytest.mark.parametrize("name", NAMES)
def test_a_shots_structure_stays_the_same(name: str) -> None:
    director = Director(load(name))
    pose, lens = director.opening(people(director))
    structures: dict[int, set[tuple]] = {}
    for time in np.arange(0.0, director.duration, 0.25):
        times = time + 0.1 * np.arange(21)
        goals = director.goals(times, people(director, time), rig(pose, lens, time))
        key = tuple(objective.structure() for objective in goals.objectives)
        structures.setdefault(director.shot(time).index, set()).add((key, goals.constraints))
    assert all(len(found) == 1 for found in structures.values())
    assert len(structures) == len(director.shots)


def asked(director: Director, kind: type, field: str, time: float) -> float:
    pose, lens = director.opening(people(director))
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
    assert director.picture_target(3.0, subjects).sharp == ("hero",)
    assert director.picture_target(3.0, subjects).soft == ("friend",)
    assert director.picture_target(5.75, subjects).sharp == ()
    assert director.picture_target(8.0, subjects).sharp == ("friend",)
    # Of who was never found nothing is asked, wherever the truth has them.
    alone = director.picture_target(8.0, subjects, found={"hero"})
    assert (alone.sharp, alone.soft) == (("hero",), ())


def test_a_soft_subject_behind_the_focus_is_pushed_behind_it() -> None:
    assert asked(Director(load("dolly_zoom")), Soft, "side", 1.0) == -1


def test_a_shot_eases_in_from_the_picture_that_is_there() -> None:
    director = Director(load("showreel"))
    pose, lens = director.opening(people(director))
    second = director.shots[1]
    director.goals(np.array([0.0]), people(director), rig(pose, lens))
    at = people(director)  # nobody moved: the opening picture is still there
    goals = director.goals(np.array([second.start]), at, rig(pose, lens, second.start))
    wish = next(o for o in goals.objectives if isinstance(o, ScreenPosition))
    wanted = director.script.config.shots[1].framing
    u, _, _ = seen(director, pose, lens, at["hero"], "eyes")  # what a push-in is about
    assert float(np.asarray(wish.u)[0]) == pytest.approx(u, abs=1e-6)
    blended = director.picture_target(second.start + director.script.config.shots[1].blend, at)
    assert blended.framing[0].u == pytest.approx(wanted.position.u, abs=1e-6)


def test_a_swaying_heading_hardly_moves_the_camera() -> None:
    director = Director(load("follow"))
    pose, lens = director.opening(people(director))
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
        pose, lens = director.opening(people(director))
        found = []
        for time in np.arange(0, director.duration, 0.5):
            goals = director.goals(np.array([time]), people(director, time), rig(pose, lens, time))
            found += [float(np.sum(o.weight)) for o in goals.objectives]
        return found

    assert run() == run()


def test_rehearsing_leaves_no_trace() -> None:
    director = Director(load("showreel"))
    pose, lens = director.opening(people(director))
    assert len(director.rehearse(people(director), rig(pose, lens))) == len(director.shots)
    assert director.picture_target(7.0, people(director)).framing == ()


def wishes(director: Director, time: float = 0.0, nodes: int = 1) -> Goals:
    pose, lens = director.opening(people(director))
    times = time + 0.1 * np.arange(nodes)
    return director.goals(times, people(director, time), rig(pose, lens, time))


def wish(goals: Goals, kind: type) -> object:
    return next(o for o in goals.objectives if isinstance(o, kind))


def test_nodes_beyond_a_shots_end_keep_what_it_asks_there() -> None:
    director = Director(load("showreel"))
    first = director.shots[0]
    wishes(director)
    goals = wishes(director, first.end - 0.5, nodes=21)
    u = wish(goals, ScreenPosition).u  # type: ignore[attr-defined]
    assert len(u) == 21
    assert np.ptp(u) == 0


def test_two_who_shall_be_sharp_share_the_focus() -> None:
    alone = wish(wishes(shot("rack_focus")), FocusOn)
    shared = wish(wishes(shot("rack_focus", focus={"sharp": ["friend"]})), FocusOn)
    assert shared.weight < 0.1 * alone.weight  # type: ignore[attr-defined]


def test_limits_of_depth_of_field_are_asked_for() -> None:
    goals = wishes(shot("follow", focus={"near": "4 m", "far": "infinity"}))
    limits = wish(goals, DepthOfField)
    assert limits.near == 4.0  # type: ignore[attr-defined]
    assert limits.far == math.inf  # type: ignore[attr-defined]
    one = wish(wishes(shot("follow", focus={"far": "9 m"})), DepthOfField)
    assert one.given() == ("far",)  # type: ignore[attr-defined]


def test_a_soft_subject_in_front_of_the_focus_is_pushed_before_it() -> None:
    director = shot("rack_focus", focus={"on": "friend", "soft": ["hero"]})
    assert wish(wishes(director), Soft).side == 1  # type: ignore[attr-defined]


def test_a_follow_turns_with_its_subject_and_an_orbit_does_not() -> None:
    def turned(move: dict[str, str], side: object) -> float:
        director = shot(
            "orbit", move=move, framing={"subject": "hero", "scale": "LS", "side": side}
        )
        pose, lens = director.opening(people(director))
        for time in np.arange(0.0, 5.0, 0.1):
            subjects = {
                n: replace(s, heading=math.radians(40)) for n, s in people(director, time).items()
            }
            if time < 0.05:
                subjects = people(director)
            goals = director.goals(np.array([time]), subjects, rig(pose, lens, time))
        return math.degrees(float(wish(goals, Viewpoint).azimuth[0]))  # type: ignore[attr-defined]

    assert turned({"kind": "follow"}, "front") == pytest.approx(40, abs=3)
    assert turned({"kind": "push-in", "to": "MS"}, "front") == pytest.approx(40, abs=3)
    assert turned({"kind": "follow"}, {"world": "-20 deg"}) == pytest.approx(-20)
    assert turned({"kind": "orbit", "rate": "0 deg/s"}, "front") == pytest.approx(0)


def test_lead_room_is_where_the_subject_goes() -> None:
    def placed(side: str) -> float:
        director = shot("orbit", framing={"subject": "hero", "position": "lead-room", "side": side})
        pose, lens = director.opening(people(director))
        u, _, _ = seen(director, pose, lens, people(director)["hero"], "eyes")
        ahead = replace(people(director)["hero"], position=np.array([1.0, 0.0, 0.0]))
        to, _, _ = seen(director, pose, lens, ahead, "eyes")
        assert (to - u) * (0.5 - u) >= 0
        return u

    assert placed("profile-left") == pytest.approx(2 / 3)
    assert placed("profile-right") == pytest.approx(1 / 3)
    assert placed("front") == pytest.approx(0.5)


def test_a_hold_comes_to_rest_where_it_runs_out() -> None:
    loaded = load("showreel")
    director = Director(loaded)
    hold = director.shots[-1]
    pose, lens = director.opening(people(director))
    moving = replace(rig(pose, lens, hold.start), velocity=np.array([1.5, 0.0, 0.2]))
    times = hold.start + np.linspace(0, 4, 81)
    goals = director.goals(times, people(director, hold.start), moving)
    places = np.stack([getattr(wish(goals, CameraPosition), axis) for axis in "xyz"], axis=1)
    speeds = np.linalg.norm(np.diff(places, axis=0), axis=1) / 0.05
    assert places[0] == pytest.approx(pose.position)
    assert speeds[0] == pytest.approx(np.linalg.norm(moving.velocity), rel=0.01)
    assert np.all(np.diff(speeds) < 1e-9)
    assert speeds[-1] == pytest.approx(0, abs=1e-9)


def test_a_first_hold_waits_where_the_picture_will_be_when_the_camera_rolls() -> None:
    director = shot("orbit", move={"kind": "hold"}, framing={"subject": "hero", "scale": "LS"})
    mark, lens = director.opening(people(director))
    for now in (-3.0, -1.0, 0.0, 2.0):
        goals = director.goals(np.array([now]), people(director, now), rig(mark, lens, now))
        place = wish(goals, CameraPosition)
        asked = [float(getattr(place, axis)[0]) for axis in "xyz"]
        assert asked == pytest.approx(list(mark.position), abs=1e-6)
