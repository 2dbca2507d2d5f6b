"""What a take does when a subject that the picture must hold is lost.

See `cinempc.safety.subject_loss`: the picture widens, which is to say that the move stops where
it is, the zoom opens and, where the lens cannot, the camera backs off. Nobody flies towards a
person who is not seen. At last the vehicle hovers. Once the subject is back, the shot eases in
again from the picture that there is then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cinempc.rig.events import Loss, LossPhase
from cinempc.rig.state import RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.safety.limits import Lost
from cinempc.safety.subject_loss import Watch
from cinempc.script.direction.entry import Entries, Entry, eased_targets, eased_track
from cinempc.script.direction.headings import Headings
from cinempc.script.direction.opening import camera_coordinates
from cinempc.script.direction.timeline import ScheduledShot
from cinempc.script.framing.easing import ease, stopping_way
from cinempc.script.framing.targets import Targets, is_asked
from cinempc.script.framing.track import Track

Floats = NDArray[np.float64]
Subjects = Mapping[str, SubjectEstimate]

#: Size of a lost subject in the widened picture, as a share of what it was.
_WIDE = 0.5
#: Time, s, in which the zoom opens for that; and in which the camera backs off, which nobody who
#: looks the other way should do in a hurry.
_WIDEN_TIME, _BACK_OFF_TIME = 1.5, 6.0
#: Time, s, in which a camera on its way through the world comes to rest.
STOP_TIME = 1.5


@dataclass(frozen=True)
class Widening:
    """How a picture widens whose subject is lost.

    Attributes:
        shot: its place in the script.
        since: s; the move stands still from then on.
        zoom: the focal length's share in the end.
        back: what of the size is left in the end for the way that the camera backs off.
        reach: focal length, mm, over size, at the distance that there was.
    """

    shot: int
    since: float
    zoom: float
    back: float
    reach: float

    def apply(self, asked: Targets, times: Floats) -> Targets:
        """A picture as it widens."""
        passed = times - self.since
        zoom = self.zoom ** ease(passed / _WIDEN_TIME)
        back = self.back ** ease(passed / _BACK_OFF_TIME)
        # Not even as near as was asked, where the camera has not got there yet.
        away = asked.focal_length / asked.stature
        nearer = np.minimum(1.0, away / max(self.reach, 1e-9))
        return replace(
            asked,
            stature=asked.stature * zoom * back * nearer,
            focal_length=asked.focal_length * zoom,
        )


class LossReaction:
    """Which of the running shot's subjects are lost, and how the shot reacts.

    Args:
        limits: when the picture widens and when the vehicle hovers.
        entries: of the take's shots.
        headings: of the subjects, smoothed.
    """

    def __init__(self, limits: Lost, entries: Entries, headings: Headings) -> None:
        self._watch = Watch(limits)
        self._entries, self._headings = entries, headings
        self._widening: Widening | None = None
        self._hovered = False  # since the last reaction
        self.phase = LossPhase.SEEN  #: At the last `observe`.
        self.losses: dict[str, Loss] = {}  #: Who is lost, at the last `observe`.

    def observe(
        self, time: float, shot: ScheduledShot, subjects: Subjects, able: bool
    ) -> LossPhase:
        """What to do at a time, which never goes back; see `Director.observe`."""
        missing = shot.subject not in subjects
        framed = np.any(shot.priorities(np.array([time])).screen)
        held = (shot.subject, *shot.keep_in_frame) if framed or missing else shot.keep_in_frame
        ages = {name: subject.age for name, subject in subjects.items()}
        self.losses = self._watch.update(time, ages, held)
        self.phase = LossPhase.SEEN
        if shot.subject in self.losses:
            self.phase = self.losses[shot.subject].phase
        elif any(name in self.losses for name in shot.keep_in_frame):
            self.phase = LossPhase.WIDE
        if missing or not able:
            self.phase = LossPhase.HOVER  # no goals can be said, or none met
        self._hovered |= self.phase is LossPhase.HOVER
        return self.phase

    def react(
        self, now: float, shot: ScheduledShot, entry: Entry, subjects: Subjects, state: RigState
    ) -> Entry:
        """The shot's entry from here on, after a subject was lost or is seen again."""
        before, hovered = self._widening, self._hovered
        wide = self.phase is LossPhase.WIDE
        if not wide and before is None and not hovered:
            return entry
        ours = before is not None and before.shot == shot.index
        if wide and ours and not hovered:
            return entry
        self._hovered = False
        rolls = shot.index > 0 or now >= 0  # before that, the entry is made anew in each step
        if rolls and (hovered or (ours and not wide)):
            entry = self._entries.enter_again(now, shot, entry, subjects, state, hovered)
        self._widening = None
        if wide:
            # What is wide already, from the shot before or from before the hover, stays as it is.
            done = (before is not None or hovered) and entry.picture is not None
            if done and entry.over > 0:
                self._widening = Widening(shot.index, now, 1.0, 1.0, 0.0)
            else:
                self._widening = self._widened(now, shot, entry, subjects, state)
        return entry

    def _widened(
        self, now: float, shot: ScheduledShot, entry: Entry, subjects: Subjects, state: RigState
    ) -> Widening:
        camera, subject, times = shot.camera, subjects[shot.subject], np.array([now])
        asked = eased_targets(shot, entry, times, self._headings.of(subject))
        track = shot.track(times, entry.camera_start(times))
        held = track is not None and track.position is not None
        leads = is_asked(shot.priorities(times).focal_length)
        focal = float(asked.focal_length[0]) if leads else state.lens.focal_length_mm
        zoom = min(max(_WIDE, camera.focal_length.min / focal), 1.0)
        depth = max(float(camera_coordinates(subject, "centre", state.camera)[2]), 0.0)
        return Widening(
            shot=shot.index,
            since=now,
            zoom=zoom,
            back=1.0 if held else _WIDE / zoom,
            reach=0.0 if held else depth * camera.sensor.height / subject.height,
        )

    def _running(self, shot: ScheduledShot) -> Widening | None:
        widening = self._widening
        return widening if widening is not None and widening.shot == shot.index else None

    def move_times(self, shot: ScheduledShot, times: Floats) -> Floats:
        """Where the move is at these times: whose subject is not seen, its move stands still."""
        widening = self._running(shot)
        return times if widening is None else np.minimum(times, widening.since)

    def targets(
        self, shot: ScheduledShot, entry: Entry, times: Floats, subject: SubjectEstimate
    ) -> Targets:
        """What is asked of the picture."""
        still, heading = self.move_times(shot, times), self._headings.of(subject)
        asked = eased_targets(shot, entry, still, heading)
        widening = self._running(shot)
        return asked if widening is None else widening.apply(asked, times)

    def track(self, shot: ScheduledShot, entry: Entry, times: Floats) -> Track | None:
        """What is asked of the camera in the world; where the move stands still, it does."""
        widening, move_times = self._running(shot), times
        if widening is not None:
            rest = widening.since + stopping_way(times - widening.since, STOP_TIME)
            move_times = np.where(times < widening.since, times, rest)
        return eased_track(shot, entry, times, move_times)
