"""The take: frame in, subjects found, goals asked, plan made, plan flown, all of it recorded.

The loop knows a rig, an eye and a perception by their protocols only, so it is the same in the
embedded simulator, in PX4 SITL and on a drone. It runs on the rig's clock. Before the camera
rolls there is a standby, in which vehicle, gimbal and lens settle on the opening picture. A rig
that does not start on its mark first looks for the subjects and flies there, with patience.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from cinempc.camera import Camera
from cinempc.errors import CinempcError
from cinempc.lost import Phase
from cinempc.mpc.controller import Controller, node_times
from cinempc.mpc.plan import Plan
from cinempc.record.events import CycleEvent, FrameEvent
from cinempc.rig import CameraPose, Eye, Frame, Perception, Rig, RigState
from cinempc.script.director import Director
from cinempc.subject import SubjectEstimate

#: Control steps per second.
CONTROL_RATE = 20.0
#: Age, s, of an estimate that the way to the mark is flown by.
_FRESH = 0.7
#: Time, s, in which the camera looks for the subjects where it is pointed, before it looks round.
_FIRST_LOOK = 2.0


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
        patience: time, s, for finding the subjects and flying to the opening picture before the
            standby; 0 for a rig that stands on its mark.
        action: called when the standby begins.
        camera: what the camera can do now, where that can change in flight.
        latency: how long after the end its last picture may come, s.
        truth: of a simulator.
    """

    rig: Rig
    eye: Eye
    perception: Perception
    controller: Controller
    director: Director
    frame_rate: float
    standby: float = 3.0
    patience: float = 0.0
    action: Callable[[], None] = lambda: None
    camera: Callable[[], Camera] | None = None
    latency: float = 0.0
    truth: Truth | None = None


class Stage(Enum):
    """How far a take is."""

    LOOKING = "looking for the subjects"
    APPROACHING = "flying to the mark"
    STANDING_BY = "standing by"
    ROLLING = "rolling"


class Sink(Protocol):
    """Takes what is recorded: `cinempc.record.recorder.Recorder`, at once or in the background."""

    def frame(self, event: FrameEvent) -> None:
        """A picture."""

    def cycle(self, event: CycleEvent) -> None:
        """A control step."""


class Take:
    """One take of a director's script.

    The rig's clock runs through; the director's and the recorder's begin when the camera rolls,
    at ``rolls`` on the rig's.

    Args:
        stage: what it is made with.
        progress: told the time since the start, s, at every step.
    """

    def __init__(self, stage: Set, progress: Callable[[float], None] = lambda seconds: None):
        self._set = stage
        self._progress = progress
        self._began = stage.rig.state().time
        self.stage = Stage.LOOKING  #: How far it is.
        #: When the camera rolls; while the mark is not reached, when it does at the latest.
        self.rolls = self._began + stage.patience + stage.standby
        self._rehearsed = False
        self._seen = -math.inf
        self.off_mark: tuple[str, ...] = ()  #: What keeps it from its mark, in words.

    def run(self, recorder: Sink) -> None:
        """Fly and film, to the script's end.

        Args:
            recorder: takes every picture and every step from when the camera rolls.

        Raises:
            CinempcError: a subject of the script was not found in time, or the opening picture was
                not reached.
        """
        stage, began = self._set, self._began
        if stage.patience <= 0:
            self._stand_by(began)
        frame_step, control_step = 1 / stage.frame_rate, 1 / CONTROL_RATE
        frames = steps = 0
        while True:
            # From counts, not sums: frame 1000 falls where it should.
            next_frame = began + frames * frame_step
            next_step = began + steps * control_step
            now = min(next_frame, next_step)
            if now > self._end - 1e-9:
                break
            # In real time it may be later than that, and what is late is left out.
            now = max(now, stage.rig.wait_until(now))
            if next_frame <= now:
                frames = max(frames, math.floor((now - began) / frame_step + 1e-6)) + 1
                self._look(recorder, now)
            if next_step <= now:
                steps = max(steps, math.floor((now - began) / control_step + 1e-6)) + 1
                self._plan(recorder, now)
            self._progress(now - began)
        if stage.latency > 0:
            self._look(recorder, stage.rig.wait_until(self._end + stage.latency))

    @property
    def _end(self) -> float:
        return self.rolls + self._set.director.duration

    def _look(self, recorder: Sink, now: float) -> None:
        stage, begin = self._set, self.rolls - 1e-9
        pixels = now >= begin or stage.perception.needs_pixels
        while (frame := stage.eye.frame(pixels=pixels)) is not None and frame.time > self._seen:
            self._seen = frame.time
            stage.perception.observe(frame)
            if begin <= frame.time < self._end - 1e-9:
                recorder.frame(self._picture(frame))

    def _plan(self, recorder: Sink, now: float) -> None:
        stage = self._set
        state = stage.rig.state()
        known = {subject.id: subject for subject in stage.perception.subjects(now)}
        if stage.camera is not None and (camera := stage.camera()) != stage.controller.camera:
            stage.controller.use(camera)
        plan = self._before_rolling(now, state, known) if now < self.rolls - 1e-9 else None
        if plan is None:
            plan = self._directed(now, state, known)
        if plan is None:
            return  # the vehicle stands on its mark
        stage.rig.follow(plan)
        if now >= self.rolls - 1e-9:
            self.stage = Stage.ROLLING
            recorder.cycle(self._cycle(now, plan, known))

    def _directed(
        self, now: float, state: RigState, known: Mapping[str, SubjectEstimate]
    ) -> Plan | None:
        """What the director wants now; None while there is nobody to film yet."""
        stage, time = self._set, now - self.rolls
        if not self._rehearsed:
            missing = [name for name in stage.director.cast(time) if name not in known]
            if missing:
                if time >= 0:
                    raise CinempcError(
                        f"{' and '.join(missing)} not found in {stage.standby:g} s: nothing to "
                        "film. Point the camera at the subjects before the take, or give a longer "
                        "--standby"
                    )
                return None
            self._rehearse(state, known)
        if stage.director.watch(time, known, state.health.ready) is Phase.HOVER:
            return stage.controller.hover(now, state)
        times = node_times(now, stage.controller.settings.horizon)
        goals = stage.director.goals(times - self.rolls, known, state)
        return stage.controller.step(now, state, goals, known)

    def _rehearse(self, state: RigState, known: Mapping[str, SubjectEstimate]) -> None:
        """Every shot's code is built now, not in the step in which the shot begins."""
        for goals in self._set.director.rehearse(known, state):
            self._set.controller.problem(goals, tuple(known))
        self._rehearsed = True

    # --- finding the subjects and the mark ---

    def _before_rolling(
        self, now: float, state: RigState, known: Mapping[str, SubjectEstimate]
    ) -> Plan | None:
        """What is flown until the standby; None from then on."""
        if self.stage is Stage.STANDING_BY:
            return None
        stage = self._set
        if now >= self.rolls - stage.standby:
            raise CinempcError(f"the take did not begin: {self._obstacle(known)}")
        if not state.health.ready:
            return stage.controller.hover(now, state)
        if (age := self._age(known)) > stage.controller.safety.lost.hover_after:
            self.stage = Stage.LOOKING
            if now < self._began + _FIRST_LOOK:
                return stage.controller.hover(now, state)
            return stage.controller.scan(now, state)
        if age > _FRESH:
            return stage.controller.hover(now, state)
        if not self._rehearsed:
            self._rehearse(state, known)
        self.stage = Stage.APPROACHING
        self.off_mark = stage.director.off_mark(known, state)
        if not self.off_mark:
            self._stand_by(now)
            return None
        times = node_times(now, stage.controller.settings.horizon)
        goals = stage.director.approach(times, known, state)
        return stage.controller.step(now, state, goals, known)

    def _age(self, known: Mapping[str, SubjectEstimate]) -> float:
        """How long the opening's subject was not seen, s; infinite while not all are found. The
        others may be out of the picture that leads to the mark."""
        director = self._set.director
        if any(name not in known for name in director.cast(0.0)):
            return math.inf
        return known[director.script.config.shots[0].framing.subject].age

    def _stand_by(self, now: float) -> None:
        self.stage = Stage.STANDING_BY
        self.rolls = now + self._set.standby
        self._set.action()

    def _obstacle(self, known: Mapping[str, SubjectEstimate]) -> str:
        stage = self._set
        lost = [name for name in stage.director.cast(0.0) if name not in known]
        if lost:
            return (
                f"{' and '.join(lost)} not found in {stage.patience:g} s of looking round: is the "
                "look in the script theirs, and are they within sight of where the vehicle hovers?"
            )
        problems = stage.rig.state().health.problems or self.off_mark
        return (
            f"the opening picture was not reached in {stage.patience:g} s: "
            f"{'; '.join(problems) or 'the subjects were lost again and again'}"
        )

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
