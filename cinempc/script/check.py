"""What a script will ask of the rig, before anything flies: its shots as figures, and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cinempc import lens
from cinempc.rig.subject import body_fraction
from cinempc.script.check_fence import FenceCheck, ShotGeometry, Whereabouts, viewpoints
from cinempc.script.direction.goals import SOFT_BLUR
from cinempc.script.format import ShotConfig
from cinempc.script.framing.composition import default_focal_length, distance, f_number
from cinempc.script.framing.easing import ease
from cinempc.script.framing.targets import Start, Targets, blend, is_asked
from cinempc.script.framing.track import CameraStart, Track
from cinempc.script.load import Script

Floats = NDArray[np.float64]

#: A person's walk, m/s, that a drone has to keep up with on top of its own move.
_WALK = 1.4
#: Distance, m, from which haze, detector and pilot have their trouble with a person.
_FAR = 40.0
#: Two people side by side are this far apart in depth, m, more often than not.
_TOGETHER = 1.0
_SAMPLES = 200


@dataclass(frozen=True)
class ShotSummary:
    """A shot in figures: ranges are (least, most).

    Attributes:
        name, move, start, end: as in the script, s.
        focal_length: mm.
        distance: from the subject's eyes to the camera, m.
        height: of the camera above the ground, m.
        speed: the most that the move asks for while the subject stands, easing in included, m/s.
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


def check(script: Script, where: Whereabouts | None = None) -> Check:
    """Work out a loaded script's shots.

    Args:
        script: to be checked.
        where: its scene's subjects are, for the fence; without it they stand.
    """
    summaries: list[ShotSummary] = []
    warnings: list[str] = []
    fence = None if script.safety.fence is None else FenceCheck(script.safety.fence, where)
    begins, last = 0.0, None
    for shot in script.config.shots:
        times = np.linspace(0.0, shot.duration, _SAMPLES)
        asked, eased = _targets(script, shot, times, last)
        camera = _camera(script, shot, eased, times)
        summary = _summary(script, shot, eased, camera, times, begins)
        summaries.append(summary)
        texts = [*_picture(script, summary), *_focus(script, shot, eased, summary)]
        if not shot.move.stays:
            texts += _rates(script, shot, asked, eased, camera, times, summary)
        if fence is not None:
            subject = script.config.subjects[shot.framing.subject]
            away = distance(eased.focal_length, eased.stature, subject.height, script.camera)
            way = ShotGeometry(shot, begins, times, eased, away, subject.height)
            texts += filter(None, [fence.warning(way)])
        warnings += [f"{shot.name}: {text}" for text in texts]
        begins += shot.duration
        last = shot, eased
    return Check(tuple(summaries), tuple(warnings))


def _targets(
    script: Script, shot: ShotConfig, times: Floats, last: tuple[ShotConfig, Targets] | None
) -> tuple[Targets, Targets]:
    """What a shot's move asks, and that eased in from what the shot before asked at its end."""
    height = script.config.subjects[shot.framing.subject].height
    move, side = shot.move, shot.framing.side
    start = Start(0.0 if side is None else side.azimuth, 0.0, default_focal_length(script.camera))
    if last is None:
        asked = move.targets(shot, script.camera, height, times, start)
        return asked, asked
    before = Targets(**{name: value[-1:] for name, value in vars(last[1]).items()})
    same = last[0].framing.subject == shot.framing.subject
    start = Start(
        float(before.azimuth[0]) if side is None and same else start.azimuth,
        0.0,
        float(before.focal_length[0]),
    )
    asked = move.targets(shot, script.camera, height, times, start)
    if move.stays and same:
        # The camera stays: what the shot asks of size is the zoom's to give.
        zooms = is_asked(move.priorities(shot, script.camera, times).scale)
        away = before.focal_length / before.stature
        asked = replace(
            asked,
            elevation=before.elevation * np.ones_like(times),
            focal_length=asked.stature * away if zooms else asked.focal_length,
            stature=asked.stature if zooms else asked.focal_length / away,
        )
    if not same or shot.blend <= 0:
        return asked, asked
    return asked, blend(before, asked, ease(times / shot.blend))


@dataclass(frozen=True)
class _Camera:
    """Where the camera is.

    Attributes:
        away: from the subject's eyes, or from what it looks at in the world, (times,) m.
        height: above the ground, (times,) m.
        speed: while the subject stands, (times,) m/s.
        track: its way through the world, if the move asks for one.
    """

    away: Floats
    height: Floats
    speed: Floats
    track: Track | None


def _camera(script: Script, shot: ShotConfig, asked: Targets, times: Floats) -> _Camera:
    """The camera's place for what is asked, as if the subject stood at the world's origin."""
    subject = script.config.subjects[shot.framing.subject]
    away = distance(asked.focal_length, asked.stature, subject.height, script.camera)
    eyes = body_fraction("eyes") * subject.height
    place = viewpoints(asked, away)
    track = None
    if not shot.move.stays:
        start = CameraStart(place[0] + [0.0, 0.0, eyes], np.zeros(3), times)
        track = shot.move.track(shot, times, start)
    if track is not None and track.position is not None:
        place = track.position - [0.0, 0.0, eyes]
        if track.look_at is not None:
            away = np.linalg.norm(track.position - track.look_at, axis=1)
    speed = np.linalg.norm(np.gradient(place, times, axis=0), axis=1)
    if shot.move.stays:
        speed = np.zeros_like(times)
    return _Camera(away, eyes + place[:, 2], speed, track)


def _summary(
    script: Script,
    shot: ShotConfig,
    asked: Targets,
    camera: _Camera,
    times: Floats,
    begins: float,
) -> ShotSummary:
    near, far = lens.depth_of_field(
        float(camera.away[0]),
        float(asked.focal_length[0]),
        f_number(shot.focus.f_number, script.camera),
        script.camera.sensor.circle_of_confusion,
    )
    return ShotSummary(
        shot.name,
        shot.move.kind,
        begins,
        begins + shot.duration,
        (float(asked.focal_length.min()), float(asked.focal_length.max())),
        (float(camera.away.min()), float(camera.away.max())),
        (float(camera.height.min()), float(camera.height.max())),
        float(camera.speed.max()),
        (float(near), float(far)),
    )


def _picture(script: Script, summary: ShotSummary) -> Iterator[str]:
    """What is not where the camera can or may be."""
    safety, zoom = script.safety, script.camera.focal_length
    closest, farthest = summary.distance
    if not zoom.min * 0.999 <= summary.focal_length[0] or (
        summary.focal_length[1] > zoom.max * 1.001
    ):
        low, high = summary.focal_length
        yield (
            f"from where the camera is, its scale takes {low:.0f} to {high:.0f} mm; the lens has "
            f"{zoom.min:g} to {zoom.max:g} mm: the subject will not have that size"
        )
    if closest < safety.subject_distance:
        yield (
            f"its scale puts the camera {closest:.1f} m from the subject, closer than "
            f"the {safety.subject_distance:g} m of the safety limits: the subject will look "
            "smaller. Take a longer focal length or a wider scale"
        )
    elif closest < script.camera.focus.closest:
        yield (
            f"the subject is {closest:.1f} m away, the lens focuses from "
            f"{script.camera.focus.closest:g} m on: it will not be sharp"
        )
    if farthest > _FAR:
        yield (
            f"at {summary.focal_length[1]:.0f} mm its scale takes {farthest:.0f} m of distance: "
            "take a shorter focal length or a closer scale"
        )
    if summary.height[0] < safety.altitude.min or summary.height[1] > safety.altitude.max:
        yield (
            f"its angle puts the camera at {summary.height[0]:.1f} to {summary.height[1]:.1f} m, "
            f"outside the {safety.altitude.min:g} to {safety.altitude.max:g} m of the safety "
            "limits: the angle will be missed"
        )


def _focus(script: Script, shot: ShotConfig, asked: Targets, summary: ShotSummary) -> Iterator[str]:
    """What the lens cannot do about who shall be sharp and who not."""
    iris, coc = script.camera.aperture, script.camera.sensor.circle_of_confusion
    focal = asked.focal_length
    height = script.config.subjects[shot.framing.subject].height
    away = distance(focal, asked.stature, height, script.camera)
    wish = shot.focus.f_number
    if shot.focus.sharp:
        number = iris.max if wish is None else wish
        near, far = lens.depth_of_field(away, focal, number, coc)
        depth = float(np.min(far - near))
        if depth < _TOGETHER:
            together = " and ".join([shot.move.focus_at_start(shot), *shot.focus.sharp])
            yield (
                f"at f/{number:g} the depth of field gets down to {depth:.1f} m: {together} will "
                "be sharp together only if they are that near to each other"
            )
    if shot.focus.soft or shot.move.focus_pull(np.zeros(1)) is not None:
        number = iris.min if wish is None else wish
        blur = float(np.max(lens.blur_circle(np.inf * focal, away, focal, number))) / coc
        if blur < SOFT_BLUR:
            yield (
                f"at f/{number:g} nothing behind the focus gets softer than {blur:.1f} circles of "
                f"confusion ({SOFT_BLUR:g} read as soft): come closer, or take a longer focal "
                "length"
            )
    near_limit, far_limit = shot.focus.near, shot.focus.far
    if near_limit is not None and far_limit is not None:
        half = (1 / near_limit - lens.inverse(far_limit)) / 2
        middle = (1 / near_limit + lens.inverse(far_limit)) / 2
        least = float(np.max(lens.dof_half_width(middle, focal, iris.min, coc)))
        most = float(np.min(lens.dof_half_width(middle, focal, iris.max, coc)))
        if half > most:
            yield (
                f"even at f/{iris.max:g} the depth of field does not reach from {near_limit:g} to "
                f"{far_limit:g} m at {summary.focal_length[1]:.0f} mm"
            )
        elif half < least:
            yield (
                f"even at f/{iris.min:g} the depth of field is larger than {near_limit:g} to "
                f"{far_limit:g} m at {summary.focal_length[0]:.0f} mm"
            )


def _rates(
    script: Script,
    shot: ShotConfig,
    asked: Targets,
    eased: Targets,
    camera: _Camera,
    times: Floats,
    summary: ShotSummary,
) -> Iterator[str]:
    """What the shot wants faster than vehicle and lens are."""
    limits, zoom = script.vehicle.limits, script.camera.focal_length
    if camera.track is not None and camera.track.position is not None:
        if summary.speed > limits.speed:
            yield (
                f"the move takes up to {summary.speed:.1f} m/s; the vehicle flies "
                f"{limits.speed:g} m/s. Give the shot more time"
            )
    elif summary.speed + _WALK > limits.speed:
        yield (
            f"the move takes up to {summary.speed:.1f} m/s, and a walking subject {_WALK:g} m/s "
            f"more; the vehicle flies {limits.speed:g} m/s. Give the shot more time"
        )
    if zoom.max > zoom.min:
        rate = float(np.abs(np.gradient(eased.focal_length, times)).max())
        if rate > zoom.rate:
            yield f"the zoom would have to move at {rate:.0f} mm/s, it does {zoom.rate:g} mm/s"
    if np.ptp(asked.azimuth) > 0:  # of its own, not only for easing in
        turn = float(np.abs(np.gradient(eased.azimuth, times)).max())
        if turn > limits.yaw_rate:
            yield f"the {shot.move.kind} turns faster than the vehicle does"
