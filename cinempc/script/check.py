"""What a script will ask of the rig, before anything flies: its shots as figures, and warnings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cinempc import lens
from cinempc.script import moves
from cinempc.script.moves import Targets
from cinempc.script.script import Hold, Orbit, Script, ShotConfig

#: A person's walk, m/s, that a drone has to keep up with on top of its own move.
_WALK = 1.4
_SAMPLES = 200


@dataclass(frozen=True)
class ShotSummary:
    """A shot's course: ranges are (least, most).

    Attributes:
        name, move, start, end: as in the script, s.
        focal_length: mm.
        distance: from the subject's eyes to the camera, m.
        height: of the camera above the ground, m.
        speed: the most that the move itself asks for, m/s.
        depth_of_field: its near and far limit at the start, focused on the subject, m.
    """

    name: str
    move: str
    start: float
    end: float
    focal_length: tuple[float, float]
    distance: tuple[float, float]
    height: tuple[float, float]
    speed: float
    depth_of_field: tuple[float, float]


@dataclass(frozen=True)
class Check:
    """The summaries of all shots, and sentences about what may not work."""

    shots: tuple[ShotSummary, ...]
    warnings: tuple[str, ...]


def check(script: Script) -> Check:
    """Work out a loaded script's shots."""
    summaries, warnings = [], []
    start = 0.0
    focal_length = moves.default_focal_length(script.camera)
    for shot in script.config.shots:
        times = np.linspace(0.0, shot.duration, _SAMPLES)
        wanted = moves.targets(shot, script.camera, times, 0.0, focal_length)
        summary = _summary(script, shot, wanted, times, start)
        summaries.append(summary)
        found = _warnings(script, shot, wanted, times, summary)
        warnings += [f"{shot.name}: {text}" for text in found]
        start += shot.duration
        focal_length = float(wanted.focal_length[-1])
    return Check(tuple(summaries), tuple(warnings))


def _summary(
    script: Script, shot: ShotConfig, wanted: Targets, times: np.ndarray, start: float
) -> ShotSummary:
    subject = script.config.subjects[shot.framing.subject]
    sensor = script.camera.sensor
    distance = wanted.focal_length * subject.height / (sensor.height * wanted.stature)
    eyes = 0.936 * subject.height
    height = eyes + distance * np.sin(wanted.elevation)
    place = distance[:, None] * np.stack(
        [
            np.cos(wanted.elevation) * np.cos(wanted.azimuth),
            np.cos(wanted.elevation) * np.sin(wanted.azimuth),
            np.sin(wanted.elevation),
        ],
        axis=1,
    )
    speeds = np.linalg.norm(np.gradient(place, times, axis=0), axis=1)
    f_number = shot.focus.f_number or moves.DEFAULT_F_NUMBER
    iris = script.camera.aperture
    f_number = min(max(f_number, iris.min), iris.max)
    near, far = lens.depth_of_field(
        float(distance[0]), float(wanted.focal_length[0]), f_number, sensor.circle_of_confusion
    )
    return ShotSummary(
        shot.name,
        shot.move.kind,
        start,
        start + shot.duration,
        (float(wanted.focal_length.min()), float(wanted.focal_length.max())),
        (float(distance.min()), float(distance.max())),
        (float(height.min()), float(height.max())),
        0.0 if isinstance(shot.move, Hold) else float(speeds.max()),
        (float(near), float(far)),
    )


def _warnings(
    script: Script, shot: ShotConfig, wanted: Targets, times: np.ndarray, summary: ShotSummary
) -> list[str]:
    found: list[str] = []
    limits, safety, zoom = script.vehicle.limits, script.safety, script.camera.focal_length
    if isinstance(shot.move, Hold):
        return found
    least = safety.subject_distance
    if summary.distance[0] < least:
        found.append(
            f"its scale puts the camera {summary.distance[0]:.1f} m from the subject, closer than "
            f"the {least:g} m of the safety limits: the subject will look smaller. Take a longer "
            "focal length or a wider scale"
        )
    if summary.height[0] < safety.altitude.min or summary.height[1] > safety.altitude.max:
        found.append(
            f"its angle puts the camera at {summary.height[0]:.1f} to {summary.height[1]:.1f} m, "
            f"outside the {safety.altitude.min:g} to {safety.altitude.max:g} m of the safety "
            "limits: the angle will be missed"
        )
    if summary.speed + _WALK > limits.speed:
        found.append(
            f"the move takes up to {summary.speed:.1f} m/s, and a walking subject {_WALK:g} m/s "
            f"more; the vehicle flies {limits.speed:g} m/s. Give the shot more time"
        )
    if zoom.max > zoom.min:
        rate = float(np.abs(np.gradient(wanted.focal_length, times)).max())
        if rate > zoom.rate:
            found.append(
                f"the zoom would have to move at {rate:.0f} mm/s, it does {zoom.rate:g} mm/s"
            )
    if isinstance(shot.move, Orbit) and abs(shot.move.angle) > 0:
        turn = float(np.abs(np.gradient(wanted.azimuth, times)).max())
        if turn > limits.yaw_rate:
            found.append("the orbit turns faster than the vehicle does")
    return found
