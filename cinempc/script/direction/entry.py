"""Easing in: each shot begins from the picture that is there, and blends to what it asks.

There is no cut in a take. At a shot's first moment it is noted where its subject stands in the
picture, how large, from which side, where the camera is and how fast; from there the shot eases
in over its ``blend``. It does so again when its subject was lost and is back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.rig.state import CameraPose, RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.safety.limits import Altitude
from cinempc.script.direction.headings import Headings
from cinempc.script.direction.opening import camera_coordinates, opening_pose
from cinempc.script.direction.timeline import ScheduledShot
from cinempc.script.framing import targets
from cinempc.script.framing.composition import default_focal_length
from cinempc.script.framing.easing import ease, stop, stopping_way
from cinempc.script.framing.targets import Start, Targets
from cinempc.script.framing.terms import Side
from cinempc.script.framing.track import CameraStart, Track

Floats = NDArray[np.float64]
Subjects = Mapping[str, SubjectEstimate]

#: Shortest time, s, in which a shot eases back in when its subject is seen again.
_SHORTEST_RETURN = 1.5
#: Time, s, over which it is measured how a picture moves.
_DRIFT_TIME = 0.1


@dataclass(frozen=True)
class CameraAt:
    """Where the camera was at a time, m and m/s in the world, and its optical axis."""

    time: float
    position: Floats
    velocity: Floats
    axis: Floats


@dataclass(frozen=True)
class Entry:
    """What a shot eases in from.

    Attributes:
        side: that the shot asks for, or for want of a wish the one that was there.
        azimuth: of that side when the shot began, world, rad.
        focal_length: then, mm, for a shot that keeps it.
        picture: the one that was there, None for the first shot.
        f_number: that was there.
        began: when the blend did, s.
        over: how long it takes, s.
        camera: where it was when the blend began.
        rest: where it was when the shot began, or when it last hovered: a camera that stays comes
            to rest from there.
        drift: how ``picture`` moves at first, 1/s; see `targets.drift`.
    """

    side: Side
    azimuth: float
    focal_length: float
    picture: Targets | None
    f_number: float
    began: float
    over: float
    camera: CameraAt
    rest: CameraAt
    drift: Targets | None = None

    def camera_start(self, times: Floats) -> CameraStart:
        """What a way through the world starts from."""
        return CameraStart(self.rest.position, self.rest.velocity, times - self.rest.time)

    def weight(self, times: Floats) -> Floats | None:
        """How far the shot has eased in, 0 to 1; None where it does not ease in."""
        if self.picture is None or self.over <= 0:
            return None
        return ease((times - self.began) / self.over)


class Entries:
    """The entries of a take's shots.

    Args:
        altitude: the band of heights that the opening pose is in.
    """

    def __init__(self, altitude: Altitude) -> None:
        self._altitude = altitude
        self._entries: dict[int, Entry] = {}

    def get(self, shot: ScheduledShot) -> Entry | None:
        """A shot's entry, None before it began."""
        return self._entries.get(shot.index)

    def enter(
        self,
        now: float,
        shot: ScheduledShot,
        subjects: Subjects,
        state: RigState,
        headings: Headings,
    ) -> Entry:
        """The running shot's entry: noted at its first moment. Before the camera rolls, the first
        shot's is made anew every time."""
        known = self._entries.get(shot.index)
        if known is None or (shot.index == 0 and now < 0):
            known = self._first_entry(now, shot, subjects, state, headings)
            self._entries[shot.index] = known
        return known

    def _first_entry(
        self,
        now: float,
        shot: ScheduledShot,
        subjects: Subjects,
        state: RigState,
        headings: Headings,
    ) -> Entry:
        subject, side, picture = subjects[shot.subject], shot.side, None
        camera = _camera_at(shot.start, state)
        focal_length = default_focal_length(shot.camera)
        if shot.index:
            picture = present_picture(shot, subject, state)
            focal_length = state.lens.focal_length_mm
            if shot.config.framing.side is None:  # the one that is there
                side = Side(float(picture.azimuth[0]), in_world=True)
        else:
            # The vehicle is still getting to its mark: what counts is where it should be when
            # the camera rolls.
            camera = replace(camera, velocity=np.zeros(3))
            if shot.config.move.stays:
                then = {n: s.predict(s.time - min(now, 0.0)) for n, s in subjects.items()}
                position = opening_pose(shot, then, self._altitude)[0].position
                camera = replace(camera, position=position)
        return Entry(
            side=side,
            azimuth=side.world(headings.of(subject)),
            focal_length=focal_length,
            picture=picture,
            f_number=state.lens.f_number,
            began=shot.start,
            over=shot.config.blend,
            camera=camera,
            rest=camera,
        )

    def enter_again(
        self,
        now: float,
        shot: ScheduledShot,
        entry: Entry,
        subjects: Subjects,
        state: RigState,
        hovered: bool,
    ) -> Entry:
        """The same shot, eased in from the picture that there is now.

        Args:
            now: s.
            shot: the running one.
            entry: its entry so far.
            subjects: the newest estimates.
            state: the rig's.
            hovered: whether the vehicle was made to hover: a camera that stays does so there.
        """
        subject = subjects[shot.subject]
        picture = present_picture(shot, subject, state)
        moved = replace(state.camera, position=state.camera.position + _DRIFT_TIME * state.velocity)
        soon = present_picture(
            shot, subject.predict(subject.time + _DRIFT_TIME), replace(state, camera=moved)
        )
        camera = _camera_at(now, state)
        again = replace(
            entry,
            picture=picture,
            drift=targets.drift(picture, soon, _DRIFT_TIME),
            f_number=state.lens.f_number,
            began=now,
            over=max(shot.config.blend, _SHORTEST_RETURN),
            camera=camera,
            rest=camera if hovered else entry.rest,
        )
        self._entries[shot.index] = again
        return again


def _camera_at(time: float, state: RigState) -> CameraAt:
    camera = state.camera
    axis = np.array(frames.camera_axes(camera.yaw, camera.pitch, camera.roll)[2])
    return CameraAt(time, camera.position.copy(), state.velocity.copy(), axis)


def present_picture(shot: ScheduledShot, subject: SubjectEstimate, state: RigState) -> Targets:
    """The picture that there is, as targets of a shot."""
    camera: CameraPose = state.camera
    sensor = shot.camera.sensor
    x, y, z = camera_coordinates(subject, shot.point, camera)
    depth = max(float(z), 0.5)
    focal = state.lens.focal_length_mm
    u, v = frames.project((x, y, depth), focal, sensor.width, sensor.height)
    azimuth, elevation = frames.azimuth_elevation(tuple(camera.position - subject.point("eyes")))
    values = {
        # A subject that is not in the picture comes in from its edge.
        "u": min(max(float(u), 0.05), 0.95),
        "v": min(max(float(v), 0.05), 0.95),
        "stature": focal * subject.height / (depth * sensor.height),
        "azimuth": float(azimuth),
        "elevation": float(elevation),
        "focal_length": focal,
        "roll": camera.roll,
    }
    return Targets(**{name: np.array([value]) for name, value in values.items()})


def eased_targets(shot: ScheduledShot, entry: Entry, times: Floats, heading: float) -> Targets:
    """What a shot asks of the picture, eased in from its entry.

    Args:
        shot: the shot.
        entry: its entry.
        times: (n,) s on the take's clock.
        heading: of its subject, smoothed, rad.
    """
    follows = shot.config.move.turns_with_subject
    azimuth = entry.side.world(heading) if follows else entry.azimuth
    asked = shot.targets(times, Start(azimuth, heading, entry.focal_length))
    weight, picture = entry.weight(times), entry.picture
    if weight is None or picture is None:
        return asked
    if entry.drift is not None:
        # A camera at rest cannot be at a walker's speed at once.
        way = stopping_way(times - entry.began, entry.over)
        picture = targets.drifted(picture, entry.drift, way)
    return targets.blend(picture, asked, weight)


def eased_track(
    shot: ScheduledShot, entry: Entry, times: Floats, move_times: Floats
) -> Track | None:
    """A shot's way through the world, eased in from where the camera was and looked.

    Args:
        shot: the shot.
        entry: its entry.
        times: (n,) s on the take's clock.
        move_times: (n,) s, where the move is at these times.
    """
    track, weight = shot.track(move_times, entry.camera_start(times)), entry.weight(times)
    if track is None or weight is None or shot.config.move.stays:
        return track
    camera, part = entry.camera, weight[:, None]
    place = stop(camera.position, camera.velocity, times - camera.time, entry.over)
    position, look_at = track.position, track.look_at
    if look_at is not None:
        seen_from = place if position is None else position
        depth = np.linalg.norm(look_at - seen_from, axis=1)[:, None]
        look_at = (1 - part) * (place + depth * camera.axis) + part * look_at
    if position is not None:
        position = (1 - part) * place + part * position
    return replace(track, position=position, look_at=look_at)
