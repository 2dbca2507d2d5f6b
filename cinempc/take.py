"""The take: frame in, subjects found, goals asked, plan made, plan flown, all of it recorded.

The loop knows a rig, an eye and a perception by their protocols only, so it is the same in the
embedded simulator, in PX4 SITL and on a drone. It runs on the rig's clock. Before the camera
rolls there is a standby: the subjects are found, and vehicle, gimbal and lens get to the opening
picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from cinempc.errors import CinempcError
from cinempc.lost import Phase
from cinempc.mpc.controller import Controller, node_times
from cinempc.mpc.plan import Plan
from cinempc.record.events import CycleEvent, FrameEvent
from cinempc.record.recorder import Recorder
from cinempc.rig import CameraPose, Eye, Frame, Perception, Rig
from cinempc.script.director import Director
from cinempc.subject import SubjectEstimate

#: Control steps per second.
CONTROL_RATE = 20.0


@dataclass(frozen=True)
class Truth:
    """What only a simulator knows, for the figures."""

    subjects: Callable[[float], tuple[SubjectEstimate, ...]]
    camera: Callable[[float], CameraPose]


@dataclass(frozen=True)
class Set:
    """All that a take needs, made by whoever composes it.

    Attributes:
        rig: vehicle, gimbal and lens.
        eye: the camera.
        perception: finds the subjects.
        controller: plans.
        director: says what the picture should be.
        frame_rate: of the footage, 1/s.
        standby: time before the camera rolls, s.
        truth: of a simulator.
    """

    rig: Rig
    eye: Eye
    perception: Perception
    controller: Controller
    director: Director
    frame_rate: float
    standby: float = 3.0
    truth: Truth | None = None


class Take:
    """One take of a director's script.

    The rig's clock runs through; the director's and the recorder's begin when the camera rolls,
    at ``rolls`` on the rig's.
    """

    def __init__(self, stage: Set, progress: Callable[[float], None] = lambda seconds: None):
        self._set = stage
        self._progress = progress
        self.rolls = stage.rig.state().time + stage.standby
        self._rehearsed = False

    def run(self, recorder: Recorder) -> None:
        """Fly and film, to the script's end.

        Args:
            recorder: open; takes every picture and every step from when the camera rolls.

        Raises:
            CinempcError: a subject of the script was not found during the standby.
        """
        stage = self._set
        began = stage.rig.state().time
        frame_step, control_step = 1 / stage.frame_rate, 1 / CONTROL_RATE
        end = self.rolls + stage.director.duration
        frames = steps = 0
        while True:
            # From counts, not sums: frame 1000 falls where it should.
            next_frame = began + frames * frame_step
            next_step = began + steps * control_step
            now = min(next_frame, next_step)
            if now > end - 1e-9:
                return
            stage.rig.wait_until(now)
            if next_frame <= now:
                frames += 1
                self._look(recorder, now)
            if next_step <= now:
                steps += 1
                self._plan(recorder, now)
            self._progress(now - began)

    def _look(self, recorder: Recorder, now: float) -> None:
        filming = now >= self.rolls - 1e-9
        frame = self._set.eye.frame(pixels=filming or self._set.perception.needs_pixels)
        if frame is None:
            return
        self._set.perception.observe(frame)
        if filming:
            recorder.frame(self._picture(frame))

    def _plan(self, recorder: Recorder, now: float) -> None:
        stage = self._set
        state = stage.rig.state()
        known = {subject.id: subject for subject in stage.perception.subjects(now)}
        time = now - self.rolls
        missing = [name for name in stage.director.cast(time) if name not in known]
        if missing and not self._rehearsed:
            if time >= 0:
                raise CinempcError(
                    f"{' and '.join(missing)} not found in {stage.standby:g} s: nothing to film. "
                    "Point the camera at the subjects before the take, or give a longer --standby"
                )
            return  # the vehicle stands on its mark
        if not self._rehearsed:
            # Every shot's code is built now, not in the step in which the shot begins.
            for goals in stage.director.rehearse(known, state):
                stage.controller.problem(goals, tuple(known))
            self._rehearsed = True
        if stage.director.watch(time, known) is Phase.HOVER:
            plan = stage.controller.hover(now, state)
        else:
            times = node_times(now, stage.controller.settings.horizon)
            goals = stage.director.goals(times - self.rolls, known, state)
            plan = stage.controller.step(now, state, goals, known)
        stage.rig.follow(plan)
        if now >= self.rolls - 1e-9:
            recorder.cycle(self._cycle(now, plan, known))

    # --- what the recorder is told, on the take's clock: 0 is when the camera rolls ---

    def _picture(self, frame: Frame) -> FrameEvent:
        stage = self._set
        time = frame.time - self.rolls
        truth: tuple[SubjectEstimate, ...] = ()
        if stage.truth is not None:
            truth = stage.truth.subjects(frame.time)
        estimates = tuple(stage.perception.subjects(frame.time))
        framing = stage.director.framing(time, {s.id: s for s in truth or estimates})
        return FrameEvent(
            frame=replace(frame, time=time),
            shot_index=stage.director.shot(time).index,
            framing=framing.targets,
            truth=self._shifted(truth),
            true_pose=None if stage.truth is None else stage.truth.camera(frame.time),
            sharp=framing.sharp,
            soft=framing.soft,
            estimates=self._shifted(estimates),
        )

    def _cycle(self, now: float, plan: Plan, subjects: Mapping[str, SubjectEstimate]) -> CycleEvent:
        time = now - self.rolls
        return CycleEvent(
            time=time,
            shot_index=self._set.director.shot(time).index,
            state=replace(self._set.rig.state(), time=time),
            plan=replace(plan, times=plan.times - self.rolls),
            estimates=self._shifted(subjects.values()),
            step_ms=plan.step_ms,
            deadline_missed=plan.step_ms > 1e3 / CONTROL_RATE,
            violations=plan.violations,
            losses=dict(self._set.director.losses),
        )

    def _shifted(self, subjects: Iterable[SubjectEstimate]) -> tuple[SubjectEstimate, ...]:
        return tuple(replace(subject, time=subject.time - self.rolls) for subject in subjects)
