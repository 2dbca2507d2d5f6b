"""A take that does not start on its mark: it looks for its subjects, flies there, and rolls."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cinempc import frames
from cinempc.errors import CinempcError
from cinempc.mpc.controller import Controller, Settings
from cinempc.record.background import BackgroundRecorder
from cinempc.rig.camera import Dof, LensState
from cinempc.rig.events import CycleEvent, FrameEvent
from cinempc.rig.log import Reason, problem
from cinempc.rig.plan import Origin, Plan
from cinempc.rig.state import CameraPose, Frame, Health, RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.script import load as scripts
from cinempc.script.direction.director import Director
from cinempc.take import approach
from cinempc.take.loop import Production, Take, TakePhase
from sim.embedded import NO_NOISE, EmbeddedRig

SCRIPT = """\
name: Small
camera: small.yaml
vehicle: x500_cinema
subjects:
  hero: {height: 1.72 m}
shots:
  - name: One
    duration: 1 s
    move: {kind: follow}
    framing: {subject: hero, scale: LS, side: front}
"""
CAMERA = """\
name: Small
sensor: {width: 24.89 mm, height: 14.00 mm, circle_of_confusion: 0.025 mm}
focal_length: {min: 24 mm, max: 120 mm, rate: 40 mm/s}
focus: {closest: 0.9 m, rate: 0.6 dioptre/s}
aperture: {min: f/2.8, max: f/22, rate: 3 stop/s}
picture: {width: 96, height: 54, frame_rate: 5 fps}
"""


class Fault(Reason):
    GIMBAL = "the gimbal does not answer"


ILL = problem(Fault.GIMBAL)
HERO = SubjectEstimate("hero", 0.0, np.zeros(3), heading=0.0, height=1.72)


class Eyes:
    """An eye and a perception in one: who is in the picture is seen, and known from then on."""

    needs_pixels = False

    def __init__(self, rig: EmbeddedRig) -> None:
        self.rig = rig
        self.seen: float | None = None
        self.hidden = False

    def frame(self, pixels: bool = True) -> Frame:
        state = self.rig.state()
        image = np.zeros((54, 96, 3), np.uint8)
        return Frame(self.rig.time, image, state.camera, self.rig.true_lens(), (24.89, 14.0))

    def observe(self, frame: Frame) -> None:
        pose = frame.pose
        x, y, z = frames.world_to_camera(
            tuple(HERO.point("centre")), tuple(pose.position), pose.yaw, pose.pitch, pose.roll
        )
        focal = frame.lens.focal_length_mm
        inside = z > 0.5 and abs(x / z) * focal < 11 and abs(y / z) * focal < 6
        if inside and not self.hidden:
            self.seen = frame.time

    def subjects(self, time: float) -> list[SubjectEstimate]:
        if self.seen is None:
            return []
        return [replace(HERO, time=time, age=time - self.seen)]


class Rig(EmbeddedRig):
    """Keeps the plans that it was given."""

    health = Health()

    def follow(self, plan: Plan) -> None:
        self.flown = [*getattr(self, "flown", []), (self.time, plan)]
        super().follow(plan)

    def state(self) -> RigState:
        return replace(super().state(), health=self.health)


class Tape:
    """A recorder that keeps what it is given."""

    def __init__(self) -> None:
        self.frames: list[FrameEvent] = []
        self.cycles: list[CycleEvent] = []

    def frame(self, event: FrameEvent) -> None:
        self.frames.append(event)

    def cycle(self, event: CycleEvent) -> None:
        self.cycles.append(event)


def make(tmp_path: Path, pose: CameraPose, **settings) -> tuple[Take, Rig, Eyes]:
    (tmp_path / "small.yaml").write_text(CAMERA)
    path = tmp_path / "script.yaml"
    path.write_text(SCRIPT)
    script = scripts.load(path)
    rig = Rig(script.vehicle, script.camera, pose, LensState(35, 8, 5.6), noise=NO_NOISE)
    eyes = Eyes(rig)
    production = Production(
        rig=rig,
        eye=eyes,
        perception=eyes,
        controller=Controller(
            script.camera, script.vehicle, script.safety, Settings(deadline=math.inf)
        ),
        director=Director(script),
        frame_rate=5.0,
        standby=1.0,
        **settings,
    )
    return Take(production), rig, eyes


BEHIND = CameraPose(np.array([-9.0, 1.0, 3.0]), math.radians(100), 0.0, 0.0)


def test_it_looks_round_flies_round_the_subject_to_its_mark_and_rolls(tmp_path: Path) -> None:
    began: list[float] = []
    take, rig, eyes = make(tmp_path, BEHIND, patience=60.0, action=lambda: began.append(rig.time))
    tape = Tape()
    take.run(tape)

    origins = [plan.origin for _, plan in rig.flown]
    assert origins[0] is Origin.HOVERING
    assert Origin.SEARCHING in origins
    assert eyes.seen is not None
    # The standby begins on the mark, which is before the subject; the camera rolls 1 s later.
    assert began == [pytest.approx(take.rolls - 1.0)]
    assert 10 < began[0] < 55
    pose, _ = Director(take._production.director.script).opening({"hero": HERO})
    opening = tape.cycles[0].state
    assert np.linalg.norm(opening.camera.position - pose.position) < 0.4
    assert opening.camera.position[0] > 2.0
    assert take.phase is TakePhase.ROLLING
    assert len(tape.cycles) == 20
    times = [event.frame.time for event in tape.frames]
    assert len(times) == 5
    assert 0 <= times[0] < 0.2
    assert np.diff(times) == pytest.approx(0.2)
    # Nobody is flown at: round the subject, at a walking pace.
    path = np.array([plan.states[0][:3] for _, plan in rig.flown])
    assert np.linalg.norm(path[:, :2], axis=1).min() > 3.0
    speeds = [np.linalg.norm(plan.states[0][3:6]) for _, plan in rig.flown]
    assert max(speeds) < 1.3 * approach.SPEED


def test_a_rig_on_its_mark_stands_by_at_once(tmp_path: Path) -> None:
    began: list[float] = []
    path_pose = CameraPose(np.array([6.0, 0.0, 1.6]), math.pi, 0.0, 0.0)
    take, rig, _ = make(tmp_path, path_pose, action=lambda: began.append(rig.time))
    take.run(Tape())
    assert began == [0.0]
    assert take.rolls == 1.0


def test_who_is_not_found_is_named(tmp_path: Path) -> None:
    take, rig, eyes = make(tmp_path, BEHIND, patience=6.0)
    eyes.hidden = True
    with pytest.raises(CinempcError, match="hero not found in 6 s of looking round"):
        take.run(Tape())
    # It did look round, where it was.
    yaws = [plan.states[0][9] for _, plan in rig.flown]
    assert max(yaws) - min(yaws) > math.radians(50)
    assert np.linalg.norm(rig.state().position - BEHIND.position) < 0.5


def test_a_mark_that_is_not_reached_in_time_is_told(tmp_path: Path) -> None:
    far = CameraPose(np.array([25.0, 0.0, 3.0]), math.pi, -0.05, 0.0)
    take, _, _ = make(tmp_path, far, patience=5.0)
    with pytest.raises(CinempcError, match=r"opening picture was not reached in 5 s: .* m from"):
        take.run(Tape())


def test_an_unwell_rig_hovers_until_it_is_well(tmp_path: Path) -> None:
    near = CameraPose(np.array([6.0, 0.0, 1.7]), math.pi, 0.0, 0.0)
    take, rig, _ = make(tmp_path, near)
    original = rig.wait_until

    def wait(time: float) -> float:
        ill = 1.3 < time < 1.6
        rig.health = Health(False, (ILL,)) if ill else Health()
        return original(time)

    rig.wait_until = wait  # type: ignore[method-assign]
    tape = Tape()
    take.run(tape)
    hovered = {round(c.time, 2) for c in tape.cycles if c.plan.origin is Origin.HOVERING}
    assert hovered == {0.35, 0.4, 0.45, 0.5, 0.55}
    assert tape.cycles[-1].plan.origin is Origin.SOLVED


def test_a_zoom_that_is_lost_is_planned_without(tmp_path: Path) -> None:
    near = CameraPose(np.array([6.0, 0.0, 1.7]), math.pi, 0.0, 0.0)
    cameras = []
    take, rig, _ = make(tmp_path, near, camera=lambda: cameras[0](rig.time))
    whole = take._production.controller.camera
    held = whole.holding({Dof.zoom}, LensState(40.0, 5.0, 5.6))
    cameras.append(lambda time: held if time > 1.4 else whole)
    tape = Tape()
    take.run(tape)
    late = [c.plan for c in tape.cycles if c.time > 0.5 and c.plan.origin is Origin.SOLVED]
    assert late
    for plan in late:
        assert np.ptp(plan.states[:, 15]) < 1e-6


def test_what_is_late_is_left_out(tmp_path: Path) -> None:
    """In real time a slow machine skips steps; it does not hurry through them afterwards."""
    near = CameraPose(np.array([6.0, 0.0, 1.7]), math.pi, 0.0, 0.0)
    take, rig, _ = make(tmp_path, near)
    original = rig.wait_until
    rig.wait_until = lambda time: original(time + (0.13 if 1.5 < time < 1.56 else 0.0))  # type: ignore[method-assign]
    tape = Tape()
    take.run(tape)
    times = np.array([c.time for c in tape.cycles])
    assert (np.diff(times) > 0.015).all()
    assert 17 <= len(times) <= 19


def test_a_recorder_in_the_background_takes_everything_in_order() -> None:
    class Slow:
        def __init__(self) -> None:
            self.taken: list[object] = []
            self.left: object = "not yet"

        def __enter__(self):
            return self

        def __exit__(self, kind, error, trace):
            self.left = kind

        def frame(self, event):
            self.taken.append(event)

        def cycle(self, event):
            if event == "bad":
                raise OSError("no space left on device")
            self.taken.append(event)

    slow = Slow()
    with BackgroundRecorder(slow) as recorder:  # type: ignore[arg-type]
        for k in range(50):
            recorder.frame(k)  # type: ignore[arg-type]
            recorder.cycle(str(k))  # type: ignore[arg-type]
    assert slow.taken == [x for k in range(50) for x in (k, str(k))]
    assert slow.left is None

    def record_on_a_full_disk() -> None:
        with BackgroundRecorder(slow) as recorder:  # type: ignore[arg-type]
            recorder.cycle("bad")  # type: ignore[arg-type]
            while True:
                recorder.cycle("good")  # type: ignore[arg-type]

    with pytest.raises(CinempcError, match="cannot be recorded any more: no space"):
        record_on_a_full_disk()


# --- the way ---


@pytest.mark.parametrize("angle", [10, 60, 120, 179, -170, -90])
def test_the_way_keeps_its_distance(angle: float) -> None:
    mark = np.array([5.0, 0.0, 1.6])
    here = 5.0 * np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle)), 0.6])
    for _ in range(400):
        ahead = approach.way(mark, HERO, here) - here
        here = here + min(0.1, np.linalg.norm(ahead)) * ahead / max(np.linalg.norm(ahead), 1e-9)
        assert np.linalg.norm(here[:2]) > 0.86 * 5.0
        if np.linalg.norm(mark - here) < 0.01:
            return
    pytest.fail("never there")
