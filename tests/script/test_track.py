"""Moves that say a way through the world: compiled to goals, eased in, flown in closed loop."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pytest
from pydantic import Field, ValidationError

from cinempc import configs, frames
from cinempc.bench import closed_loop
from cinempc.bench.mpc import script_case
from cinempc.mpc.objectives import CameraPosition, Goals, LookAt, ScreenPosition, ShotScale
from cinempc.rig import plan
from cinempc.rig.camera import Camera, LensState
from cinempc.rig.events import LossPhase
from cinempc.rig.state import CameraPose, RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.script import check, rules
from cinempc.script.direction.director import Director
from cinempc.script.direction.loss_reaction import STOP_TIME
from cinempc.script.format import ShotConfig
from cinempc.script.framing.easing import ease
from cinempc.script.framing.fields import ShotFields
from cinempc.script.framing.region import PlaceField
from cinempc.script.framing.targets import Priorities
from cinempc.script.framing.track import CameraStart, Track
from cinempc.script.load import Script, load
from cinempc.script.moves.move import Move
from cinempc.script.moves.registry import MOVES, union

START, END, SIGHT = (-9.0, -6.0, 3.0), (-9.0, 6.0, 5.0), (0.0, 0.0, 1.0)


class CableCam(Move):
    """The camera flies a line in the world and looks at a point; nobody has a place in the
    picture."""

    kind: Literal["cable-cam"]
    from_: PlaceField = Field(alias="from")
    to: PlaceField
    look_at: PlaceField

    turns_with_subject: ClassVar[bool] = False

    def line(self, shot: ShotFields, times: np.ndarray) -> np.ndarray:
        first, last = np.array(self.from_), np.array(self.to)
        return first + ease(times / shot.duration)[:, None] * (last - first)

    def track(self, shot: ShotFields, times: np.ndarray, start: CameraStart) -> Track:
        sight = np.tile(self.look_at, (len(times), 1))
        return Track(position=self.line(shot, times), look_at=sight)

    def priorities(self, shot: ShotFields, camera: Camera, times: np.ndarray) -> Priorities:
        return Priorities(screen=0.0, scale=0.0, viewpoint=0.0, focal_length=4.0)


class Reveal(CableCam):
    """The same, but the picture passes from the point in the world to the subject."""

    kind: Literal["reveal"]

    def share(self, shot: ShotFields, times: np.ndarray) -> np.ndarray:
        return ease((times / shot.duration - 0.3) / 0.4)

    def track(self, shot: ShotFields, times: np.ndarray, start: CameraStart) -> Track:
        weight = 4.0 * (1 - self.share(shot, times))
        return replace(super().track(shot, times, start), look_at_weight=weight)

    def priorities(self, shot: ShotFields, camera: Camera, times: np.ndarray) -> Priorities:
        weight = 4.0 * self.share(shot, times)
        return Priorities(screen=weight, scale=0.0, viewpoint=0.0, focal_length=4.0)


class Crane(Move):
    """The camera rises where it is, and the subject keeps its place in the picture."""

    kind: Literal["crane"]

    turns_with_subject: ClassVar[bool] = False

    def track(self, shot: ShotFields, times: np.ndarray, start: CameraStart) -> Track:
        rise = np.outer(3.0 * ease(times / shot.duration), [0.0, 0.0, 1.0])
        return Track(position=start.position + rise)

    def priorities(self, shot: ShotFields, camera: Camera, times: np.ndarray) -> Priorities:
        return Priorities(scale=0.0, viewpoint=0.0, focal_length=4.0)


AnyMove = union((*MOVES.values(), CableCam, Reveal, Crane))


class Shot(ShotConfig):
    move: AnyMove


def metres(place: tuple[float, ...]) -> list[str]:
    return [f"{value} m" for value in place]


def cable(kind: str = "cable-cam", **changes: object) -> dict[str, object]:
    move = {"kind": kind, "from": metres(START), "to": metres(END), "look_at": metres(SIGHT)}
    shot = {"name": "Cable", "duration": "8 s", "move": move, "framing": {"subject": "hero"}}
    return {**shot, "lens": {"focal_length": "30 mm"}, **changes}


FOLLOW = {
    "name": "Before",
    "duration": "4 s",
    "move": {"kind": "follow"},
    "framing": {"subject": "hero", "scale": "LS", "side": "front"},
}


def script(*shots: dict[str, object]) -> Script:
    loaded = load(Path(configs.root() / "scripts" / "orbit.yaml"))
    read = tuple(Shot.model_validate(shot) for shot in shots)
    config = loaded.config.model_copy(update={"shots": read})
    subjects, sound = config.subjects, dict(enumerate(config.shots))
    assert not list(rules.mistakes(subjects, sound, loaded.camera, loaded.vehicle, None))
    return replace(loaded, config=config)


def people(time: float = 0.0, age: float = 0.0) -> dict[str, SubjectEstimate]:
    walk = np.array([0.0, 0.8, 0.0])
    hero = SubjectEstimate("hero", time, time * walk, walk, heading=math.pi / 2, height=1.8)
    return {"hero": replace(hero, age=age)}


def rig(pose: CameraPose, lens: LensState, time: float, velocity: object = (0, 0, 0)) -> RigState:
    speed = np.array(velocity, dtype=float)
    return RigState(time, pose.position, speed, (pose.yaw, 0, 0), pose, np.zeros(3), lens)


def fly(made: Script) -> closed_loop.Run:
    director = Director(made)
    case = script_case("track", director, made.camera, made.vehicle, made.safety, people)
    return closed_loop.run(case)


def off_axis(state: np.ndarray, place: object) -> float:
    """The angle, rad, between the optical axis and a place."""
    ahead = frames.world_to_camera(tuple(place), state[plan.POSITION], *state[plan.ANGLES])
    return float(np.arccos(ahead[2] / np.linalg.norm(ahead)))


def places(goals: Goals, kind: type = CameraPosition) -> np.ndarray:
    asked = next(o for o in goals.objectives if isinstance(o, kind))
    return np.stack([getattr(asked, axis) for axis in "xyz"], axis=1)


def test_a_cable_cam_flies_its_line_and_looks_at_its_point() -> None:
    made = script(cable())
    flown = fly(made)
    line = made.config.shots[0].move.line(made.config.shots[0], np.array(flown.times))
    states = np.array(flown.states)
    assert flown.unusable == 0
    assert np.linalg.norm(states[:, plan.POSITION] - line, axis=1).max() < 0.15
    assert max(off_axis(state, SIGHT) for state in states) < math.radians(1)
    assert np.exp(states[:, 15]) == pytest.approx(30, rel=0.01)


def test_a_world_point_hands_over_to_the_subject_by_weights_of_the_nodes() -> None:
    made = script(cable("reveal", framing={"subject": "hero", "position": "third-left"}))
    flown = fly(made)
    times, sensor = np.array(flown.times), made.camera.sensor
    for time, state in zip(times, flown.states, strict=True):
        if time < 2.0:
            assert off_axis(state, SIGHT) < math.radians(1.5)
        if time > 7.0:
            eyes = tuple(people(time)["hero"].point("eyes"))
            ahead = frames.world_to_camera(eyes, state[plan.POSITION], *state[plan.ANGLES])
            u, _ = frames.project(ahead, np.exp(state[15]), sensor.width, sensor.height)
            assert u == pytest.approx(1 / 3, abs=0.02)


def test_a_crane_rises_where_it_is_and_keeps_its_subject_in_place() -> None:
    made = script({**FOLLOW, "move": {"kind": "crane"}, "duration": "6 s"})
    flown = fly(made)
    first, last = flown.states[0], flown.states[-1]
    assert last[plan.POSITION] - first[plan.POSITION] == pytest.approx([0, 0, 3], abs=0.15)
    eyes = people(6.0)["hero"].point("centre")
    assert off_axis(last, eyes) < math.radians(2)


def test_its_structure_stays_the_same() -> None:
    for kind, objectives in (("cable-cam", {LookAt}), ("reveal", {LookAt, ScreenPosition})):
        director = Director(script(cable(kind)))
        pose, lens = director.opening(people())
        structures = set()
        for time in np.arange(0.0, 8.0, 0.5):
            goals = director.goals(time + 0.1 * np.arange(21), people(time), rig(pose, lens, time))
            structures.add(tuple(o.structure() for o in goals.objectives))
            assert goals.constraints == ()
        (structure,) = structures
        kinds = {part[0] for part in structure}
        assert objectives | {CameraPosition} <= kinds
        assert ShotScale not in kinds
        assert (ScreenPosition in kinds) == (ScreenPosition in objectives)


def test_its_opening_is_where_the_line_begins_and_looks_along() -> None:
    director = Director(script(cable()))
    pose, lens = director.opening(people())
    assert pose.position == pytest.approx(START)
    assert lens.focal_length_mm == pytest.approx(30)
    ahead = frames.world_to_camera(SIGHT, START, pose.yaw, pose.pitch, pose.roll)
    assert ahead[:2] == pytest.approx((0, 0), abs=1e-9)
    assert ahead[2] > 0
    aim = director.opening_aim(people())
    assert isinstance(aim, LookAt)
    assert (aim.x, aim.y, aim.z) == SIGHT


def test_it_eases_in_from_where_the_camera_is_and_looks() -> None:
    director = Director(script(FOLLOW, cable()))
    pose, lens = director.opening(people())
    times = 4.0 + np.linspace(0, 4, 81)
    goals = director.goals(times, people(4.0), rig(pose, lens, 4.0, velocity=(0.5, 1.0, 0.0)))
    way, sight = places(goals), places(goals, LookAt)
    assert way[0] == pytest.approx(pose.position)
    speeds = np.diff(way, axis=0) / 0.05
    assert speeds[0] == pytest.approx([0.5, 1.0, 0.0], abs=0.02)
    shot = director.script.config.shots[1]
    assert way[-1] == pytest.approx(shot.move.line(shot, np.array([4.0]))[0])
    assert np.linalg.norm(np.diff(speeds, axis=0), axis=1).max() / 0.05 < 12
    ahead = frames.world_to_camera(tuple(sight[0]), pose.position, pose.yaw, pose.pitch, pose.roll)
    assert ahead[:2] == pytest.approx((0, 0), abs=1e-9)
    assert sight[-1] == pytest.approx(SIGHT)


def test_where_nobody_has_a_place_in_the_picture_nobody_is_lost() -> None:
    director = Director(script(cable()))
    for time in np.arange(0.0, 6.0, 0.1):
        assert director.observe(time, people(time, age=time)) is LossPhase.SEEN
    assert director.observe(6.1, {}) is LossPhase.HOVER  # nothing can be said of the focus


def test_a_camera_on_its_way_stops_when_its_subject_is_lost_and_does_not_back_off() -> None:
    director = Director(script(cable("reveal")))
    pose, lens = director.opening(people())
    since = 0.0
    for time in np.arange(0.0, 7.0, 0.1):
        age = max(time - 5.0, 0.0)
        if director.observe(time, people(time, age)) is LossPhase.WIDE and not since:
            since = time
        director.goals(time + np.arange(3) / 2, people(time, age), rig(pose, lens, time))
    assert since == pytest.approx(6.0, abs=0.15)
    shot = director.script.config.shots[0]
    late = director.goals(8.0 + np.arange(3) / 2, people(8.0, 3.0), rig(pose, lens, 8.0))
    assert np.ptp(places(late), axis=0) == pytest.approx([0, 0, 0], abs=1e-9)
    lost_at = shot.move.line(shot, np.array([since]))[0]
    stopped = shot.move.line(shot, np.array([since + STOP_TIME / 2]))[0]
    assert places(late)[0] == pytest.approx(stopped, abs=1e-6)
    assert np.linalg.norm(places(late)[0] - lost_at) > 0.1


def test_check_works_out_its_way() -> None:
    quick = cable(duration="1.5 s")
    result = check.check(script(cable(), {**quick, "blend": "0 s"}))
    slow = result.shots[0]
    assert slow.height == pytest.approx((3.0, 5.0), abs=0.01)
    length = math.dist(START, END)
    assert slow.speed == pytest.approx(15 / 8 * length / 8, rel=0.01)
    assert slow.distance[1] == pytest.approx(math.dist(END, SIGHT), rel=0.01)
    assert any("m/s; the vehicle flies" in warning for warning in result.warnings)
    assert len(result.warnings) == 1
    high = cable(move={**cable()["move"], "to": ["-9 m", "6 m", "40 m"]})
    assert any("1 to 30 m" in warning for warning in check.check(script(high)).warnings)


def test_its_fields_are_checked_like_those_of_any_move() -> None:
    with pytest.raises(ValidationError, match="look_at"):
        Shot.model_validate(cable(move={"kind": "cable-cam", "from": metres(START)}))
