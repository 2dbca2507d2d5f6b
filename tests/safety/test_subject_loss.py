"""A subject that is not seen any more: who decides, what the picture and the vehicle do."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader
from pydantic import ValidationError

from cinempc.errors import CinempcError
from cinempc.frames import world_to_camera
from cinempc.mpc.controller import Controller, Settings
from cinempc.record.recorder import Recorder
from cinempc.rig.events import CycleEvent, LossPhase
from cinempc.rig.plan import POSITION, VELOCITY, Origin
from cinempc.rig.state import Frame
from cinempc.rig.subject import SubjectEstimate
from cinempc.safety import limits as safety
from cinempc.safety.limits import Lost
from cinempc.safety.subject_loss import Watch
from cinempc.script import load as scripts
from cinempc.script.direction.director import Director
from cinempc.take.loop import Production, Take
from sim.embedded import NO_NOISE, EmbeddedRig

# --- the limits ---


def test_the_limits_have_defaults_and_the_shipped_file_says_the_same() -> None:
    assert safety.load("default").lost == Lost()
    assert (Lost().widen_after, Lost().hover_after) == (1.0, 4.0)


@pytest.mark.parametrize(
    ("widen", "hover"), [("0 s", "4 s"), ("-1 s", "4 s"), ("4 s", "4 s"), ("5 s", "4 s")]
)
def test_limits_that_make_no_sense_are_refused(widen: str, hover: str) -> None:
    with pytest.raises(ValidationError, match="widen_after must be"):
        Lost.model_validate({"widen_after": widen, "hover_after": hover})


def test_a_hover_that_never_comes_is_refused() -> None:
    with pytest.raises(ValidationError, match="cannot be turned into s"):
        Lost.model_validate({"hover_after": "infinity"})


# --- the state machine ---


def phases(*ages: float | None) -> list[LossPhase]:
    watch = Watch(Lost())
    found = []
    for i, age in enumerate(ages):
        losses = watch.update(0.05 * i, {} if age is None else {"hero": age}, ["hero"])
        found.append(losses["hero"].phase if "hero" in losses else LossPhase.SEEN)
    return found


def test_first_nothing_then_wide_then_hover() -> None:
    S, W, H = LossPhase
    assert phases(0.0, 0.99, 1.0, 3.99, 4.0, 60.0) == [S, S, W, W, H, H]


def test_it_ends_when_the_subject_is_seen_and_not_near_the_limit() -> None:
    S, W, H = LossPhase
    assert phases(1.1, 0.9, 0.6, 0.4, 0.9) == [W, W, W, S, S]
    assert phases(4.1, 3.0, 0.7, 0.1) == [H, H, H, S]


def test_a_subject_without_an_estimate_is_hovered_for() -> None:
    S, _, H = LossPhase
    assert phases(0.0, None, math.nan, 0.0) == [S, H, H, S]


def test_only_the_running_shots_subjects_are_missed() -> None:
    watch = Watch(Lost())
    ages = {"hero": 0.0, "friend": 9.0}
    assert watch.update(0.0, ages, ["hero"]) == {}
    assert set(watch.update(0.1, ages, ["hero", "friend"])) == {"friend"}
    assert watch.update(0.2, ages, ["hero"]) == {}


def test_a_loss_says_since_when() -> None:
    watch = Watch(Lost())
    watch.update(10.0, {"hero": 1.5}, ["hero"])
    loss = watch.update(11.0, {"hero": 2.5}, ["hero"])["hero"]
    assert (loss.last_seen, loss.phase, loss.since) == (8.5, LossPhase.WIDE, 10.0)
    loss = watch.update(13.0, {"hero": 4.5}, ["hero"])["hero"]
    assert (loss.last_seen, loss.phase, loss.since) == (8.5, LossPhase.HOVER, 13.0)


@given(st.lists(st.floats(0, 10) | st.none(), max_size=30))
def test_phases_never_contradict_the_ages(ages: list[float | None]) -> None:
    for age, phase in zip(ages, phases(*ages), strict=True):
        if age is None or age >= 4:
            assert phase is LossPhase.HOVER
        elif age < 0.5:
            assert phase is LossPhase.SEEN
        elif age >= 1:
            assert phase is not LossPhase.SEEN


# --- takes ---

SCRIPT = """\
name: Lost
camera: {camera}
vehicle: x500_cinema
subjects:
  hero: {{height: 1.72 m}}
  friend: {{height: 1.8 m}}
shots:
  - name: One
    duration: {duration} s
    move: {move}
    framing: {{subject: hero, {framing}}}
  - name: Two
    duration: 1 s
    move: {{kind: follow}}
    framing: {{subject: friend, scale: LS}}
"""
CAMERA = """\
name: Small
sensor: {width: 24.89 mm, height: 14.00 mm, circle_of_confusion: 0.025 mm}
focal_length: {min: 24 mm, max: 120 mm, rate: 40 mm/s}
focus: {closest: 0.9 m, rate: 0.6 dioptre/s}
aperture: {min: f/2.8, max: f/22, rate: 3 stop/s}
picture: {width: 96, height: 54, frame_rate: 5 fps}
"""
PRIME = CAMERA.replace("{min: 24 mm, max: 120 mm, rate: 40 mm/s}", "{min: 35 mm, max: 35 mm}")


class Blind:
    """Perception that sees nobody in its gaps: from the last sight on, a prediction."""

    needs_pixels = False

    def __init__(self, gaps: dict[str, list[tuple[float, float]]], walk: float) -> None:
        self.gaps, self.walk = gaps, walk

    def observe(self, frame: Frame) -> None:
        pass

    def truth(self, name: str, time: float) -> SubjectEstimate:
        if name == "friend":
            return SubjectEstimate(name, time, np.array([-3.0, 4.0, 0.0]), height=1.8)
        place = np.array([self.walk * time, 0.0, 0.0])
        return SubjectEstimate(name, time, place, np.array([self.walk, 0.0, 0.0]), height=1.72)

    def subjects(self, time: float) -> list[SubjectEstimate]:
        found = []
        for name in ("hero", "friend"):
            gap = next((g for g in self.gaps.get(name, []) if g[0] < time < g[1]), None)
            seen = time if gap is None else gap[0]
            if seen > -math.inf:
                found.append(self.truth(name, seen).predict(time, acceleration_std=0.1))
        return found


class Dark:
    """An eye that is shut."""

    def __init__(self, rig: EmbeddedRig, size: tuple[int, int]) -> None:
        self._rig, self._image = rig, np.zeros((*size, 3), np.uint8)

    def frame(self, pixels: bool = True) -> Frame:
        rig = self._rig
        pose, lens = rig.state().camera, rig.true_lens()
        return Frame(rig.time, self._image, pose, lens, (24.89, 14.0))


class Tape(Recorder):
    """A recorder that keeps the control steps too."""

    def cycle(self, event: CycleEvent) -> None:
        self.steps = [*getattr(self, "steps", []), event]
        super().cycle(event)


pytestmark = pytest.mark.slow

STANDBY = 1.0


@pytest.fixture
def fly(tmp_path: Path) -> Callable[..., Tape]:
    def run(
        gaps: dict[str, list[tuple[float, float]]],
        move: str = "{kind: follow}",
        framing: str = "scale: LS",
        camera: str = CAMERA,
        duration: float = 12,
        walk: float = 0.0,
        report: bool = False,
    ) -> Tape:
        """Gaps are on the take's clock."""
        (tmp_path / "small.yaml").write_text(camera)
        path = tmp_path / "lost.yaml"
        path.write_text(
            SCRIPT.format(camera="small.yaml", move=move, framing=framing, duration=duration)
        )
        script = scripts.load(path)
        director = Director(script)
        shifted = {n: [(a + STANDBY, b + STANDBY) for a, b in g] for n, g in gaps.items()}
        perception = Blind(shifted, walk)
        start = {name: perception.truth(name, 0.0) for name in ("hero", "friend")}
        pose, lens = director.opening(start)
        rig = EmbeddedRig(script.vehicle, script.camera, pose, lens, noise=NO_NOISE)
        settings = Settings(deadline=math.inf)
        production = Production(
            rig=rig,
            eye=Dark(rig, (54, 96)),
            perception=perception,
            controller=Controller(script.camera, script.vehicle, script.safety, settings),
            director=director,
            frame_rate=5.0,
            standby=STANDBY,
        )
        recorder = Tape(
            tmp_path / "take", script.camera, 5.0, director.shots, stills=0, report=report
        )
        with recorder:
            Take(production).run(recorder)
        return recorder

    return run


def at(tape: Tape, time: float) -> CycleEvent:
    return min(tape.steps, key=lambda step: abs(step.time - time))


def focal(step: CycleEvent) -> float:
    return step.state.lens.focal_length_mm


def size(step: CycleEvent, name: str = "hero") -> float:
    subject = next(s for s in step.estimates if s.id == name)
    camera = step.state.camera
    z = world_to_camera(
        tuple(subject.point("centre")),
        tuple(camera.position),
        camera.yaw,
        camera.pitch,
        camera.roll,
    )[2]
    return focal(step) * subject.height / (z * 14.0)


def distance(step: CycleEvent) -> float:
    hero = next(s for s in step.estimates if s.id == "hero")
    return float(np.linalg.norm(step.state.camera.position - hero.point("eyes")))


def speed(step: CycleEvent) -> float:
    return float(np.linalg.norm(step.state.velocity))


def messages(tape: Tape) -> list[str]:
    with tape.files.log.open("rb") as log:
        found = list(make_reader(log).iter_messages(topics=["/events"]))
    texts = [message.data for _, _, message in found]
    words = ("lost", "hovering", "found", "needed")
    return [w for w in words if any(w.encode() in text for text in texts)]


def test_a_short_loss_widens_and_comes_back(fly: Callable[..., Tape]) -> None:
    tape = fly({"hero": [(2.0, 5.5)]}, walk=1.0, report=True)
    assert focal(at(tape, 2.9)) == pytest.approx(40, abs=1.5)  # on the prediction
    assert size(at(tape, 2.9)) == pytest.approx(0.78, rel=0.03)
    before = distance(at(tape, 2.9))
    assert focal(at(tape, 5.4)) == pytest.approx(24, abs=1)  # as wide as the lens goes
    assert size(at(tape, 5.4)) < 0.78 * 24 / 40 * 1.03
    assert min(distance(s) for s in tape.steps if 3 < s.time < 5.5) > before - 0.15
    assert all(s.plan.origin is Origin.SOLVED for s in tape.steps)
    assert focal(at(tape, 11)) == pytest.approx(40, abs=1)
    assert size(at(tape, 11)) == pytest.approx(0.78, rel=0.02)
    (loss,) = tape.summary["losses"]
    assert loss["last_seen_s"] == pytest.approx(2, abs=0.06)
    assert loss["noticed_s"] == pytest.approx(3, abs=0.11)
    assert loss["ended_s"] == pytest.approx(5.5, abs=0.11)
    assert loss["found"] is True
    assert loss["hovered_s"] is None
    assert tape.summary["overall"]["subject_lost_s"] == pytest.approx(2.5, abs=0.2)
    assert tape.summary["overall"]["fallback_plans"] == 0
    assert messages(tape) == ["lost", "found"]
    assert "hero was lost at 2.0 s; found again" in tape.files.report.read_text()


def test_a_long_loss_ends_in_a_hover_until_the_subject_is_seen(fly: Callable[..., Tape]) -> None:
    tape = fly({"hero": [(1.0, 9.0)]}, walk=-1.2, duration=18)
    hovering = [s for s in tape.steps if s.plan.origin is Origin.HOVERING]
    assert hovering[0].time == pytest.approx(5.0, abs=0.11)
    assert hovering[-1].time == pytest.approx(9.0, abs=0.11)
    assert speed(hovering[0]) > 0.8
    # The plan is at rest; the vehicle settles there as slowly as its position control does.
    assert max(np.abs(s.plan.state(s.time)[VELOCITY]).max() for s in hovering[50:]) < 1e-3
    assert max(speed(s) for s in hovering[20:]) < 0.17
    assert speed(hovering[-1]) < 0.03
    assert all(s.plan.end > s.time + 0.4 for s in hovering)  # never one that runs out
    rest = [s.state.position for s in hovering if s.time > 7.5]
    assert np.ptp(rest, axis=0).max() < 0.1
    # Back, with no jump: the shot eases in anew, and gets there.
    speeds = np.array([speed(s) for s in tape.steps if 8.9 < s.time < 18])
    assert np.abs(np.diff(speeds)).max() < 0.05 * 6
    assert size(at(tape, 17.9)) == pytest.approx(0.78, rel=0.03)
    assert focal(at(tape, 17.9)) == pytest.approx(40, abs=1.5)
    (loss,) = tape.summary["losses"]
    assert loss["hovered_s"] == pytest.approx(5.0, abs=0.11)
    assert tape.summary["overall"]["hover_s"] == pytest.approx(4.0, abs=0.2)
    assert tape.summary["overall"]["fallback_plans"] == 0
    assert messages(tape) == ["lost", "hovering", "found"]
    assert json.loads(tape.files.metrics.read_text())["losses"] == tape.summary["losses"]


def test_a_hover_takes_up_what_is_there(fly: Callable[..., Tape]) -> None:
    """From flight to hover and back, positions and velocities go on smoothly."""
    tape = fly({"hero": [(1.0, 7.0)]}, walk=1.2, duration=9)
    for before, after in zip(tape.steps, tape.steps[1:], strict=False):
        way = before.plan.state(after.time)
        assert np.allclose(after.plan.states[0][POSITION], way[POSITION], atol=1e-6) or (
            after.plan.origin is Origin.HOVERING and after.plan.start < after.time
        )


@pytest.mark.parametrize(
    "move",
    [
        "{kind: dolly-zoom, focal_length: {from: 100 mm, to: 40 mm}}",
        "{kind: push-in, to: MLS}",
        "{kind: orbit, rate: 8 deg/s}",
    ],
)
def test_no_move_flies_towards_whom_it_does_not_see(fly: Callable[..., Tape], move: str) -> None:
    tape = fly({"hero": [(3.0, 6.9)]}, move=move, framing="scale: '60 %'", duration=9)
    lost = [s for s in tape.steps if 4.1 < s.time < 6.9]
    # What is under way when the loss is noticed is braked.
    assert min(distance(s) for s in lost if s.time > 5.5) > distance(lost[0]) - 0.6
    late = [distance(s) for s in lost if s.time > 5.2]
    assert min(np.diff(late)) > -0.01
    assert size(at(tape, 6.8)) < 0.72 * size(at(tape, 4.0))


def test_a_prime_backs_off(fly: Callable[..., Tape]) -> None:
    tape = fly({"hero": [(1.0, 4.9)]}, camera=PRIME, duration=6)
    assert focal(at(tape, 4.8)) == pytest.approx(35)
    assert distance(at(tape, 4.8)) > 1.1 * distance(at(tape, 2.0))
    assert size(at(tape, 4.8)) < 0.9 * size(at(tape, 2.0))


def test_a_hold_stays_and_zooms_out(fly: Callable[..., Tape]) -> None:
    framing = "scale: LS, distance: 9 m"
    tape = fly({"hero": [(1.0, 4.9)]}, move="{kind: hold}", framing=framing, duration=6)
    assert focal(at(tape, 4.8)) == pytest.approx(0.5 * focal(at(tape, 1.9)), rel=0.05)
    assert np.ptp([s.state.position for s in tape.steps if s.time < 6], axis=0).max() < 0.3


def test_a_subject_of_a_later_shot_is_not_missed(fly: Callable[..., Tape]) -> None:
    seen = fly({}, duration=5)
    tape = fly({"friend": [(0.5, 4.9)]}, duration=5)
    assert all(not step.losses for step in tape.steps)
    assert tape.summary["losses"] == []
    for a, b in zip(seen.steps[:60], tape.steps[:60], strict=True):
        assert np.allclose(a.state.position, b.state.position, atol=0.05)
        assert a.plan.origin is b.plan.origin is Origin.SOLVED


def test_who_is_but_soft_may_be_out_of_the_picture(fly: Callable[..., Tape]) -> None:
    framing = "scale: LS}\n    focus: {soft: [friend]"
    tape = fly({"friend": [(0.5, 8.0)]}, framing=framing, duration=6)
    assert not any(step.losses for step in tape.steps if step.time < 6)
    assert all(s.plan.origin is Origin.SOLVED for s in tape.steps if s.time < 6)
    assert focal(at(tape, 5.9)) == pytest.approx(40, abs=1)


def said(tape: Tape) -> str:
    with tape.files.log.open("rb") as log:
        found = list(make_reader(log).iter_messages(topics=["/events"]))
    return " ".join(message.data.decode() for _, _, message in found)


@pytest.mark.parametrize(
    ("move", "rest"),
    [
        ("{kind: follow}", "}\n    focus: {soft: [friend]"),
        ("{kind: follow}", "}\n    focus: {sharp: [friend]"),
        ("{kind: follow}", "}\n    focus: {on: friend"),
        ("{kind: follow}", ", keep_in_frame: [friend]"),
        ("{kind: rack-focus, from: hero, to: friend, at: 1 s, over: 0.5 s}", ""),
        ("{kind: rack-focus, from: friend, to: hero, at: 1 s, over: 0.5 s}", ""),
    ],
)
def test_only_the_framings_subject_is_necessary(
    fly: Callable[..., Tape], move: str, rest: str
) -> None:
    missing = {"friend": [(-math.inf, 99.0)]}
    tape = fly(missing, move=move, framing=f"scale: LS{rest}", duration=2)
    first = [s for s in tape.steps if s.time < 2]
    assert all(s.plan.origin is Origin.SOLVED for s in first)
    assert size(at(tape, 1.9)) == pytest.approx(0.78, rel=0.03)
    focus = at(tape, 1.9).state.lens.focus_distance_m
    assert focus == pytest.approx(distance(at(tape, 1.9)), rel=0.1)
    assert "friend not found: filmed without" in said(tape)


def test_who_is_found_later_is_asked_for_from_then_on(fly: Callable[..., Tape]) -> None:
    framing = "scale: LS}\n    focus: {soft: [friend]"
    tape = fly({"friend": [(-math.inf, 1.0)]}, framing=framing, duration=2)
    assert at(tape, 0.5).absent == ("friend",)
    assert at(tape, 1.5).absent == ()
    assert all(s.plan.origin is Origin.SOLVED for s in tape.steps if s.time < 2)
    assert "friend found" in said(tape)


def test_who_is_kept_in_frame_widens_and_no_more(fly: Callable[..., Tape]) -> None:
    framing = "scale: LS, keep_in_frame: [friend]"
    tape = fly({"friend": [(0.5, 8.0)]}, framing=framing, duration=7)
    assert all(s.plan.origin is Origin.SOLVED for s in tape.steps if s.time < 7)
    assert size(at(tape, 6.9)) < 0.6 * 0.78 * 1.1


def test_a_shot_of_another_subject_goes_on(fly: Callable[..., Tape]) -> None:
    tape = fly({"hero": [(1.0, 99.0)]}, duration=6)
    assert at(tape, 5.9).plan.origin is Origin.HOVERING
    assert at(tape, 6.5).plan.origin is Origin.SOLVED
    (loss,) = tape.summary["losses"]
    assert loss["ended_s"] == pytest.approx(6.0, abs=0.06)
    assert loss["found"] is False
    assert messages(tape) == ["lost", "hovering", "needed"]


def test_a_subject_that_was_never_found_is_said(fly: Callable[..., Tape]) -> None:
    with pytest.raises(CinempcError, match="hero not found in 1 s: nothing to film"):
        fly({"hero": [(-math.inf, 99.0)]}, duration=3)


def test_a_hover_can_begin_anywhere(fly: Callable[..., Tape]) -> None:
    """A subject lost before the camera rolls: no flight to the mark on a guess."""
    tape = fly({"hero": [(-0.9, 6.0)]}, duration=9, walk=1.0)
    assert at(tape, 3.2).plan.origin is Origin.HOVERING
    assert speed(at(tape, 5.9)) < 0.08
    assert at(tape, 6.2).plan.origin is Origin.SOLVED
