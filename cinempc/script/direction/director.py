"""The director: turns a script into goals over the horizon, moment by moment."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.objectives import Goals, Objective
from cinempc.rig.camera import LensState
from cinempc.rig.events import FramingTarget, Loss, LossPhase, Shot
from cinempc.rig.state import CameraPose, RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.script.direction.entry import Entries
from cinempc.script.direction.goals import goals
from cinempc.script.direction.headings import Headings
from cinempc.script.direction.loss_reaction import LossReaction
from cinempc.script.direction.opening import opening_aim, opening_pose
from cinempc.script.direction.timeline import Timeline
from cinempc.script.framing.targets import is_asked
from cinempc.script.load import Script

Floats = NDArray[np.float64]
Subjects = Mapping[str, SubjectEstimate]


@dataclass(frozen=True)
class PictureTarget:
    """What the picture should be at one time, for figures and monitor: where whom, who is sharp
    and who is soft."""

    framing: tuple[FramingTarget, ...] = ()
    sharp: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()


class Director:
    """Directs one take of a script. Times are s from when the camera rolls.

    Args:
        script: a checked script.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self._timeline = Timeline(script)
        self._headings = Headings()
        self._entries = Entries(script.safety.altitude)
        self._reaction = LossReaction(script.safety.lost, self._entries, self._headings)
        self.duration = self._timeline.duration  #: Of the take, s.
        self.shots = tuple(shot.timing for shot in self._timeline.shots)  #: In order.

    @property
    def losses(self) -> dict[str, Loss]:
        """Who of the running shot is lost, at the last `observe`."""
        return self._reaction.losses

    def shot(self, time: float) -> Shot:
        """The shot at a time; before the first and after the last, these."""
        return self._timeline.at(time).timing

    def necessary_subject(self, time: float) -> str:
        """The framing's subject of the shot at a time, which cannot be flown without."""
        return self._timeline.at(time).subject

    def absent(self, time: float, subjects: Subjects) -> tuple[str, ...]:
        """Subjects that the shot at a time names and that were never found: it is flown without
        them, until they are."""
        return tuple(n for n in self._timeline.at(time).named_subjects if n not in subjects)

    # --- before the camera rolls ---

    def opening(self, subjects: Subjects) -> tuple[CameraPose, LensState]:
        """The first shot's opening pose and lens, for a vehicle that starts on its mark."""
        shot = self._timeline.shots[0].among(subjects)
        return opening_pose(shot, subjects, self.script.safety.altitude)

    def opening_aim(self, subjects: Subjects) -> Objective:
        """What the camera looks at on the way there, and where that shall stand."""
        return opening_aim(self._timeline.shots[0], subjects, self.script.safety.altitude)

    def rehearse(self, subjects: Subjects, state: RigState) -> list[Goals]:
        """Goals of the structure of each shot, with nothing remembered of it."""
        stand_in = Director(self.script)
        return [
            stand_in.goals(np.array([shot.start]), subjects, state)
            for shot in self._timeline.shots
            if shot.subject in subjects
        ]

    # --- while it rolls ---

    def observe(self, time: float, subjects: Subjects, able: bool = True) -> LossPhase:
        """What a take does at a time, which never goes back: ask for `goals`, or hover.

        The framing's subject counts, and those kept in frame, once they were found: for these the
        picture only widens, for one who is hidden behind another is no reason to stop. Who is but
        sharp or soft may be out of the picture on purpose, and so may be whose place in the picture
        does not count.

        Args:
            time: s.
            subjects: the newest estimates.
            able: whether the rig can do what is asked; it hovers until it can.
        """
        return self._reaction.observe(time, self._timeline.at(time).among(subjects), subjects, able)

    def goals(self, times: Floats, subjects: Subjects, state: RigState) -> Goals:
        """Goals at the node times (N+1), the first of which is now.

        The structure of a shot's goals stays the same throughout it, but where a subject that it
        was flown without is found. Nodes beyond a shot's end
        keep what it asks at its end: the next shot begins from the picture that is there.
        """
        now = float(times[0])
        shot = self._timeline.at(now).among(subjects)
        self._headings.update(now, subjects)
        entry = self._entries.enter(now, shot, subjects, state, self._headings)
        entry = self._reaction.react(now, shot, entry, subjects, state)
        asked = self._reaction.targets(shot, entry, times, subjects[shot.subject])
        weights = shot.priorities(self._reaction.move_times(shot, times))
        track = self._reaction.track(shot, entry, times)
        return goals(shot, entry, asked, weights, track, times, subjects, state)

    def picture_target(
        self, time: float, subjects: Subjects, found: Container[str] | None = None
    ) -> PictureTarget:
        """What the picture should be at a time. Before a shot's first `goals` its picture is not
        known, and nothing is asked of it.

        Args:
            time: s on the take's clock.
            subjects: where they are, if it is known in truth.
            found: whom the take has found: nothing is asked of the others. By default all.
        """
        shot = self._timeline.at(time).among(subjects if found is None else found)
        times = np.array([time])
        if self._reaction.phase is LossPhase.HOVER:  # nothing is asked of the picture
            return PictureTarget()
        sharpness = shot.sharpness(times)
        sharp = tuple(name for name, (much, _) in sharpness.items() if much[0] > 0.99)
        soft = tuple(name for name, (_, much) in sharpness.items() if much[0] > 0.99)
        entry, weights = self._entries.get(shot), shot.priorities(times)
        if entry is None or not np.any(weights.screen):
            return PictureTarget((), sharp, soft)
        asked = self._reaction.targets(shot, entry, times, subjects[shot.subject])
        target = FramingTarget(
            shot.subject,
            shot.point,
            float(asked.u[0]),
            float(asked.v[0]),
            float(asked.stature[0]) if is_asked(weights.scale) else None,
        )
        return PictureTarget((target,), sharp, soft)
