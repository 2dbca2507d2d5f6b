"""The opening picture: where the camera stands, looks and focuses when the first shot begins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.mpc.objectives import LookAt, Objective, ScreenPosition
from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose
from cinempc.rig.subject import SubjectEstimate
from cinempc.safety.limits import Altitude
from cinempc.script.direction.timeline import ScheduledShot
from cinempc.script.framing.composition import default_focal_length, f_number
from cinempc.script.framing.targets import Start
from cinempc.script.framing.track import CameraStart, Track

Floats = NDArray[np.float64]
Subjects = Mapping[str, SubjectEstimate]

#: How far inside the band of heights the opening picture is taken at least, m.
_FROM_BAND = 0.2
#: Steepest pitch of the opening picture, rad.
_UPRIGHT = math.radians(88)
#: Weight of what the camera looks at on the way to its mark.
_AIM_WEIGHT = 2.0


def camera_coordinates(
    subject: SubjectEstimate, point: str | float, camera: CameraPose
) -> tuple[float, float, float]:
    """A body point in camera coordinates: m to the right, down, and along the optical axis."""
    x, y, z = frames.world_to_camera(
        tuple(subject.point(point)), tuple(camera.position), camera.yaw, camera.pitch, camera.roll
    )
    return x, y, z


def opening_pose(
    shot: ScheduledShot, subjects: Subjects, altitude: Altitude
) -> tuple[CameraPose, LensState]:
    """The pose and lens with which a shot begins whose vehicle starts on its mark.

    Args:
        shot: the first.
        subjects: as they are when the camera rolls.
        altitude: the band of heights, which has the last word.
    """
    subject, camera = subjects[shot.subject], shot.camera
    asked = _targets(shot, subject)
    pose = _pose(shot, subject, asked, altitude)
    track = _track(shot, pose)
    if track is not None and not shot.config.move.stays:
        if track.position is not None:
            pose = _pose(shot, subject, asked, altitude, track.position[0])
        if track.look_at is not None:
            yaw, pitch = frames.azimuth_elevation(tuple(track.look_at[0] - pose.position))
            pitch = min(max(pitch, -_UPRIGHT), _UPRIGHT)
            pose = replace(pose, yaw=float(yaw), pitch=float(pitch))
    focused = subjects.get(shot.focus_at_start, subject)
    depth = camera_coordinates(focused, "eyes", pose)[2]
    focus = max(float(depth), camera.focus.closest)
    stop = f_number(shot.config.focus.f_number, camera)
    return pose, camera.clamp(LensState(asked["focal_length"], focus, stop))


def opening_aim(shot: ScheduledShot, subjects: Subjects, altitude: Altitude) -> Objective:
    """What the camera looks at on the way to the opening pose, and where that shall stand."""
    subject = subjects[shot.subject]
    asked = _targets(shot, subject)
    track = _track(shot, _pose(shot, subject, asked, altitude))
    if track is not None and track.look_at is not None:
        x, y, z = map(float, track.look_at[0])
        return LookAt(x=x, y=y, z=z, weight=_AIM_WEIGHT)
    return ScreenPosition(
        subject=subject.id, point=shot.point, u=asked["u"], v=asked["v"], weight=_AIM_WEIGHT
    )


def _targets(shot: ScheduledShot, subject: SubjectEstimate) -> dict[str, float]:
    """What a shot asks of the picture at its start."""
    azimuth, focal = shot.side.world(subject.heading), default_focal_length(shot.camera)
    asked = shot.targets(np.array([shot.start]), Start(azimuth, subject.heading, focal))
    return {name: float(value[0]) for name, value in vars(asked).items()}


def _track(shot: ScheduledShot, pose: CameraPose) -> Track | None:
    """Where a shot's way through the world begins, for a camera at rest."""
    start = CameraStart(pose.position, np.zeros(3), np.zeros(1))
    return shot.track(np.array([shot.start]), start)


def _pose(
    shot: ScheduledShot,
    subject: SubjectEstimate,
    asked: Mapping[str, float],
    altitude: Altitude,
    place: Floats | None = None,
) -> CameraPose:
    """The pose from which the subject is framed as asked; at a place (3,) if one is given, from
    where its size is what it is."""
    camera, point = shot.camera, shot.point
    focal, roll = asked["focal_length"], asked["roll"]
    sensor = (camera.sensor.width, camera.sensor.height)
    depth = focal * subject.height / (camera.sensor.height * asked["stature"])
    azimuth, elevation = asked["azimuth"], asked["elevation"]
    if place is not None:
        azimuth, elevation = map(
            float, frames.azimuth_elevation(tuple(place - subject.point(point)))
        )
    direction = np.array(frames.direction(azimuth, elevation))
    band = min(_FROM_BAND, (altitude.max - altitude.min) / 2)
    yaw, pitch, distance = azimuth + math.pi, -elevation, depth
    for _ in range(60):  # a contraction: yaw, pitch and distance by the miss in the picture
        position = place
        if position is None:
            position = subject.point("eyes") + distance * direction
            position[2] = np.clip(position[2], altitude.min + band, altitude.max - band)
        pose = CameraPose(position, yaw, pitch, roll)
        x, y, z = camera_coordinates(subject, point, pose)
        u, v = frames.project((x, y, max(z, 0.1)), focal, *sensor)
        right = (u - asked["u"]) * sensor[0] / focal
        down = (v - asked["v"]) * sensor[1] / focal
        cr, sr = math.cos(roll), math.sin(roll)
        yaw -= 0.8 * (cr * right - sr * down) / max(math.cos(pitch), 0.1)
        pitch = min(max(pitch - 0.8 * (sr * right + cr * down), -_UPRIGHT), _UPRIGHT)
        size = camera_coordinates(subject, "centre", pose)[2]
        distance *= 1 + 0.7 * (depth / max(size, 0.1 * depth) - 1)
    return CameraPose(pose.position, float(frames.wrap_angle(yaw)), pitch, roll)
