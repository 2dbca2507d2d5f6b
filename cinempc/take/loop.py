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

from cinempc.errors import CinempcError
from cinempc.mpc.controller import Controller
from cinempc.rig.camera import Camera
from cinempc.rig.events import CycleEvent, FrameEvent, LossPhase
from cinempc.rig.plan import Plan
from cinempc.rig.protocols import ExplainsItself, Eye, Perception, Rig
from cinempc.rig.state import CameraPose, Frame, RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.script.direction.director import Director
from cinempc.take import approach

#: Control steps per second.
CONTROL_RATE = 20.0
#: Age, s, of an estimate that the way to the mark is flown by.
_FRESH = 0.7
#: Time, s, in which the camera looks for the subjects where it is pointed, before it looks round.
_FIRST_LOOK = 2.0


@dataclass(frozen=True)
class GroundTruth:
    """What only a simulator knows, for the figures."""

    subjects: Callable[[float], tuple[SubjectEstimate, ...]]
    camera: Callable[[float], CameraPose]


@dataclass(frozen=True)
class Production:
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
    truth: GroundTruth | None = None


class TakePhase(Enum):
    """How far a take is."""

    LOOKING = "looking for the subjects"
    APPROACHING = "flying to the mark"
    STANDING_BY = "standing by"
    ROLLING = "rolling"


class TakeRecorder(Protocol):
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
        production: what it is made with.
        progress: told the time since the start, s, at every step.
    """

    def __init__(
        self, production: Production, progress: Callable[[float], None] = lambda seconds: None
    ):
        self._production = production
        self._progress = progress
        self._began = production.rig.state().time
        self.phase = TakePhase.LOOKING  #: How far it is.
        #: When the camera rolls; while the mark is not reached, when it does at the latest.
        self.rolls = self._began + production.patience + production.standby
        self._rehearsed = False
        self._seen = -math.inf
        self.off_mark: tuple[str, ...] = ()  #: What keeps it from its mark, in words.

    def run(self, recorder: TakeRecorder) -> None:
        """Fly and film, to the script's end.

        Args:
            recorder: takes every picture and every step from when the camera rolls.

        Raises:
            CinempcError: a subject of the script was not found in time, or the opening picture was
                not reached.
        """
        production, began = self._production, self._began
        if production.patience <= 0:
            self._stand_by(began)
        frame_step, control_step = 1 / production.frame_rate, 1 / CONTROL_RATE
        frames = steps = 0
        while True:
            # From counts, not sums: frame 1000 falls where it should.
            next_frame = began + frames * frame_step
            next_step = began + steps * control_step
            now = min(next_frame, next_step)
            if now > self._end - 1e-9:
                break
            # In real time it may be later than that, and what is late is left out.
            now = max(now, production.rig.wait_until(now))
            if next_frame <= now:
                frames = max(frames, math.floor((now - began) / frame_step + 1e-6)) + 1
                self._look(recorder, now)
            if next_step <= now:
                steps = max(steps, math.floor((now - began) / control_step + 1e-6)) + 1
                self._plan(recorder, now)
            self._progress(now - began)
        if production.latency > 0:
            self._look(recorder, production.rig.wait_until(self._end + production.latency))

    @property
    def _end(self) -> float:
        return self.rolls + self._production.director.duration

    def _look(self, recorder: TakeRecorder, now: float) -> None:
        production, begin = self._production, self.rolls - 1e-9
        pixels = now >= begin or production.perception.needs_pixels
        while (
            frame := production.eye.frame(pixels=pixels)
        ) is not None and frame.time > self._seen:
            self._seen = frame.time
            production.perception.observe(frame)
            if begin <= frame.time < self._end - 1e-9:
                recorder.frame(self._picture(frame))

    def _plan(self, recorder: TakeRecorder, now: float) -> None:
        production = self._production
        state = production.rig.state()
        known = {subject.id: subject for subject in production.perception.subjects(now)}
        if (
            production.camera is not None
            and (camera := production.camera()) != production.controller.camera
        ):
            production.controller.use(camera)
        plan = self._before_rolling(now, state, known) if now < self.rolls - 1e-9 else None
        if plan is None:
            plan = self._directed(now, state, known)
        if plan is None:
            return  # the vehicle stands on its mark
        production.rig.follow(plan)
        if now >= self.rolls - 1e-9:
            self.phase = TakePhase.ROLLING
            recorder.cycle(self._cycle(now, plan, known))

    def _directed(
        self, now: float, state: RigState, known: Mapping[str, SubjectEstimate]
    ) -> Plan | None:
        """What the director wants now; None while there is nobody to film yet."""
        production, time = self._production, now - self.rolls
        if not self._rehearsed:
            subject = production.director.necessary_subject(time)
            if subject not in known:
                if time >= 0:
                    raise CinempcError(
                        f"{subject} not found in {production.standby:g} s: nothing "
                        "to film. Point the camera at the subjects before the take, or give a "
                        f"longer --standby{self._explained(subject)}"
                    )
                return None
            self._rehearse(state, known)
        if production.director.observe(time, known, state.health.ready) is LossPhase.HOVER:
            return production.controller.hover(now, state)
        times = production.controller.settings.horizon.times(now)
        goals = production.director.goals(times - self.rolls, known, state)
        return production.controller.step(now, state, goals, known)

    def _rehearse(self, state: RigState, known: Mapping[str, SubjectEstimate]) -> None:
        """Every shot's code is built now, not in the step in which the shot begins."""
        for goals in self._production.director.rehearse(known, state):
            self._production.controller.problem(goals, tuple(known))
        self._rehearsed = True

    # --- finding the subjects and the mark ---

    def _before_rolling(
        self, now: float, state: RigState, known: Mapping[str, SubjectEstimate]
    ) -> Plan | None:
        """What is flown until the standby; None from then on."""
        if self.phase is TakePhase.STANDING_BY:
            return None
        production = self._production
        if now >= self.rolls - production.standby:
            raise CinempcError(f"the take did not begin: {self._obstacle(known)}")
        if not state.health.ready:
            return production.controller.hover(now, state)
        if (age := self._age(known)) > production.controller.safety.lost.hover_after:
            self.phase = TakePhase.LOOKING
            if now < self._began + _FIRST_LOOK:
                return production.controller.hover(now, state)
            return production.controller.search(now, state)
        if age > _FRESH:
            return production.controller.hover(now, state)
        if not self._rehearsed:
            self._rehearse(state, known)
        self.phase = TakePhase.APPROACHING
        pose, lens = production.director.opening(known)
        subject = known[production.director.script.config.shots[0].framing.subject]
        self.off_mark = approach.off_mark(pose, lens, subject, state)
        if not self.off_mark:
            self._stand_by(now)
            return None
        times = production.controller.settings.horizon.times(now)
        aim = production.director.opening_aim(known)
        goals = approach.goals(times, pose, lens, subject, aim, state)
        return production.controller.step(now, state, goals, known)

    def _age(self, known: Mapping[str, SubjectEstimate]) -> float:
        """How long the opening's subject was not seen, s; infinite while it is not found. The
        others may be out of the picture that leads to the mark, and the shot is flown without
        them until they are found."""
        subject = self._production.director.necessary_subject(0.0)
        return known[subject].age if subject in known else math.inf

    def _stand_by(self, now: float) -> None:
        self.phase = TakePhase.STANDING_BY
        self.rolls = now + self._production.standby
        self._production.action()

    def _obstacle(self, known: Mapping[str, SubjectEstimate]) -> str:
        production = self._production
        subject = production.director.necessary_subject(0.0)
        if subject not in known:
            return (
                f"{subject} not found in {production.patience:g} s of looking round: is "
                "the look in the script theirs, and are they within sight of where the vehicle "
                f"hovers?{self._explained(subject)}"
            )
        problems = [str(each) for each in production.rig.state().health.problems] or self.off_mark
        return (
            f"the opening picture was not reached in {production.patience:g} s: "
            f"{'; '.join(problems) or 'the subjects were lost again and again'}"
        )

    def _explained(self, name: str) -> str:
        """Why a subject is not found, as far as its perception can say."""
        perception = self._production.perception
        why = perception.explain(name) if isinstance(perception, ExplainsItself) else ""
        return f" ({why})" if why else ""

    # --- what the recorder is told, on the take's clock: 0 is when the camera rolls ---

    def _picture(self, frame: Frame) -> FrameEvent:
        production = self._production
        time = frame.time - self.rolls
        truth: tuple[SubjectEstimate, ...] = ()
        if production.truth is not None:
            truth = production.truth.subjects(frame.time)
        estimates = tuple(production.perception.subjects(frame.time))
        asked = production.director.picture_target(
            time, {s.id: s for s in truth or estimates}, {s.id for s in estimates}
        )
        return FrameEvent(
            frame=replace(frame, time=time),
            shot_index=production.director.shot(time).index,
            framing=asked.framing,
            truth=self._shifted(truth),
            true_pose=None if production.truth is None else production.truth.camera(frame.time),
            sharp=asked.sharp,
            soft=asked.soft,
            estimates=self._shifted(estimates),
        )

    def _cycle(self, now: float, plan: Plan, subjects: Mapping[str, SubjectEstimate]) -> CycleEvent:
        time = now - self.rolls
        return CycleEvent(
            time=time,
            shot_index=self._production.director.shot(time).index,
            state=replace(self._production.rig.state(), time=time),
            plan=replace(plan, times=plan.times - self.rolls),
            estimates=self._shifted(subjects.values()),
            step_ms=plan.step_ms,
            deadline_missed=plan.step_ms > 1e3 / CONTROL_RATE,
            violations=plan.violations,
            losses=dict(self._production.director.losses),
            absent=self._production.director.absent(time, subjects),
        )

    def _shifted(self, subjects: Iterable[SubjectEstimate]) -> tuple[SubjectEstimate, ...]:
        return tuple(replace(subject, time=subject.time - self.rolls) for subject in subjects)
