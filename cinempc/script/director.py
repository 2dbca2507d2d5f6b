"""The director: turns a script into goals over the horizon, moment by moment.

Each shot eases in from the picture that it finds: at its first moment the director notes where
its subject stands in the picture, how large, from which side, and blends from there to what the
shot asks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.camera import LensState
from cinempc.mpc.objectives import (
    Aperture,
    CameraPosition,
    FocalLength,
    FocusOn,
    Goals,
    InFrame,
    Objective,
    Roll,
    ScreenPosition,
    Sharp,
    ShotScale,
    Soft,
    Viewpoint,
)
from cinempc.record.events import FramingTarget, Shot
from cinempc.rig import CameraPose, RigState
from cinempc.script import moves
from cinempc.script.moves import Targets
from cinempc.script.script import Follow, RackFocus, Script, ShotConfig, named
from cinempc.subject import SubjectEstimate

Floats = NDArray[np.float64]
Subjects = Mapping[str, SubjectEstimate]

#: Time constant, s, in which the side that a camera follows turns with the subject's heading:
#: slower than a person's steps, quicker than its turns.
_HEADING_LAG = 1.5
#: Blur, in circles of confusion, from which a subject reads as out of focus.
_SOFT_BLUR = 6.0


@dataclass(frozen=True)
class Wanted:
    """What the picture should be at one time, for figures and monitor."""

    targets: tuple[FramingTarget, ...]
    sharp: tuple[str, ...]
    soft: tuple[str, ...]


@dataclass
class _Opening:
    """What a shot found when it began."""

    azimuth: float  # that the shot asks for, world, rad
    found: Targets | None  # the picture before it, None for the first shot
    position: Floats  # of the camera
    focal_length: float


class Director:
    """Directs one take of a script. Times are s from when the camera rolls.

    Args:
        script: a checked script.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.subjects = script.subjects
        starts = np.cumsum([0.0, *(shot.duration for shot in script.config.shots)])
        self.duration = float(starts[-1])
        self.shots = tuple(
            Shot(
                i,
                shot.name,
                shot.move.kind,
                float(starts[i]),
                float(starts[i + 1]),
                _settle(shot, i),
            )
            for i, shot in enumerate(script.config.shots)
        )
        self._openings: dict[int, _Opening] = {}
        self._headings: dict[str, tuple[float, float]] = {}

    def shot(self, time: float) -> Shot:
        """The shot at a time; before the first and after the last, these."""
        for shot in self.shots:
            if time < shot.end - 1e-9:
                return shot
        return self.shots[-1]

    def cast(self, time: float) -> tuple[str, ...]:
        """The subjects that the shot at a time is about; it cannot be flown without them."""
        shot = self.script.config.shots[self.shot(time).index]
        return tuple(dict.fromkeys(name for name, _ in named(shot)))

    # --- what the controller is asked ---

    def goals(self, times: Floats, subjects: Subjects, state: RigState) -> Goals:
        """Goals at the node times (N+1), the first of which is now.

        The structure of a shot's goals stays the same throughout it. Nodes beyond a shot's end
        keep what it asks at its end: the next shot begins from the picture that is there.
        """
        now = float(times[0])
        shot = self.shot(now)
        config = self.script.config.shots[shot.index]
        self._follow_headings(now, subjects)
        opening = self._opening(shot, subjects, state)
        wanted = self._targets(shot, opening, times, subjects)
        weights = moves.priorities(config, self.script.camera)
        framing = config.framing
        name, point = framing.subject, framing.scale.point
        objectives: list[Objective] = [
            ScreenPosition(
                subject=name, point=point, u=wanted.u, v=wanted.v, weight=weights.screen
            ),
            Roll(angle=wanted.roll),
        ]
        if weights.scale:
            objectives.append(
                ShotScale(subject=name, fraction=wanted.stature, weight=weights.scale)
            )
        if weights.focal_length:
            objectives.append(FocalLength(mm=wanted.focal_length, weight=weights.focal_length))
        if weights.place:
            x, y, z = opening.position
            objectives.append(CameraPosition(x=x, y=y, z=z, weight=weights.place))
        if weights.viewpoint:
            objectives.append(
                Viewpoint(
                    subject=name,
                    azimuth=wanted.azimuth,
                    elevation=wanted.elevation,
                    relative=False,
                    weight=weights.viewpoint,
                )
            )
        objectives += self._focus(config, times - shot.start, subjects, state)
        kept = dict.fromkeys((name, *framing.keep_in_frame))
        in_frame = tuple(
            InFrame(subject=kept_name, point=point if kept_name == name else "eyes")
            for kept_name in kept
        )
        return Goals(tuple(objectives), in_frame)

    def rehearse(self, subjects: Subjects, state: RigState) -> list[Goals]:
        """Goals of the structure of each shot, with nothing remembered of it."""
        stand_in = Director(self.script)
        return [
            stand_in.goals(np.array([shot.start]), subjects, state)
            for shot in self.shots
            if all(name in subjects for name in self.cast(shot.start))
        ]

    def _focus(
        self, config: ShotConfig, times: Floats, subjects: Subjects, state: RigState
    ) -> list[Objective]:
        found: list[Objective] = []
        asked = moves.sharpness(config, times)
        camera = state.camera
        main = next(iter(asked))
        pulled = isinstance(config.move, RackFocus)
        ahead = {
            name: frames.world_to_camera(
                tuple(subject.point("eyes")),
                tuple(camera.position),
                camera.yaw,
                camera.pitch,
                camera.roll,
            )[2]
            for name, subject in subjects.items()
        }
        if pulled:
            other = list(asked)[1]
            found.append(FocusOn(subject=main, other=other, share=asked[other][0]))
        else:
            found.append(FocusOn(subject=main))
        for name, (sharp, soft) in asked.items():
            if sharp.any() or pulled:
                found.append(Sharp(subject=name, weight=np.where(sharp > 0.99, 1.0, 0.0)))
            if soft.any() or pulled:
                others = [other for other in asked if other != name] or [main]
                side = 1.0 if ahead[name] < min(ahead[other] for other in others) else -1.0
                found.append(Soft(subject=name, least=_SOFT_BLUR, side=side, weight=0.2 * soft))
        iris = self.script.camera.aperture
        wish = config.focus.f_number
        f_number = moves.DEFAULT_F_NUMBER if wish is None else wish
        found.append(
            Aperture(
                f_number=min(max(f_number, iris.min), iris.max),
                weight=0.05 if wish is None else 2.0,
            )
        )
        return found

    # --- what the picture should be, for figures and monitor ---

    def framing(self, time: float, subjects: Subjects) -> Wanted:
        """What is wanted at a time. Before a shot's first `goals` its picture is not known, and
        nothing is wanted of it."""
        shot = self.shot(time)
        config = self.script.config.shots[shot.index]
        opening = self._openings.get(shot.index)
        asked = moves.sharpness(config, np.array([time - shot.start]))
        sharp = tuple(name for name, (much, _) in asked.items() if much[0] > 0.99)
        soft = tuple(name for name, (_, much) in asked.items() if much[0] > 0.99)
        if opening is None:
            return Wanted((), sharp, soft)
        wanted = self._targets(shot, opening, np.array([time]), subjects)
        framing = config.framing
        scaled = moves.priorities(config, self.script.camera).scale > 0
        target = FramingTarget(
            framing.subject,
            framing.scale.point,
            float(wanted.u[0]),
            float(wanted.v[0]),
            float(wanted.stature[0]) if scaled else None,
        )
        return Wanted((target,), sharp, soft)

    # --- the opening picture ---

    def entry(self, subjects: Subjects) -> tuple[CameraPose, LensState]:
        """The first shot's opening pose and lens, for a vehicle that starts on its mark."""
        config = self.script.config.shots[0]
        camera = self.script.camera
        framing = config.framing
        subject = subjects[framing.subject]
        azimuth = _asked_azimuth(config, subject.heading)
        wanted = moves.targets(
            config, camera, np.zeros(1), azimuth, moves.default_focal_length(camera)
        )
        focal = float(wanted.focal_length[0])
        elevation = float(wanted.elevation[0])
        sensor = (camera.sensor.width, camera.sensor.height)
        depth = focal * subject.height / (camera.sensor.height * float(wanted.stature[0]))
        eyes, point = subject.point("eyes"), subject.point(framing.scale.point)
        direction = np.array(
            [
                math.cos(elevation) * math.cos(azimuth),
                math.cos(elevation) * math.sin(azimuth),
                math.sin(elevation),
            ]
        )
        yaw, pitch, distance = azimuth + math.pi, -elevation, depth
        lowest = self.script.safety.altitude.min + 0.2
        position = eyes + distance * direction
        for _ in range(50):  # a contraction: yaw and pitch by the miss in the picture
            position = eyes + distance * direction
            position[2] = max(position[2], lowest)
            x, y, z = frames.world_to_camera(
                tuple(point), tuple(position), yaw, pitch, float(wanted.roll[0])
            )
            u, v = frames.project((x, y, z), focal, *sensor)
            yaw -= (u - float(wanted.u[0])) * sensor[0] / focal
            pitch -= (v - float(wanted.v[0])) * sensor[1] / focal
            distance *= 1 + 0.7 * (depth / z - 1)
        focus = float(np.linalg.norm(position - eyes))
        f_number = config.focus.f_number or moves.DEFAULT_F_NUMBER
        lens_state = camera.clamp(LensState(focal, focus, f_number))
        pose = CameraPose(position, float(frames.wrap_angle(yaw)), pitch, float(wanted.roll[0]))
        return pose, lens_state

    # --- easing in ---

    def _opening(self, shot: Shot, subjects: Subjects, state: RigState) -> _Opening:
        known = self._openings.get(shot.index)
        if known is not None:
            return known
        config = self.script.config.shots[shot.index]
        subject = subjects[config.framing.subject]
        side = config.framing.side
        azimuth = _asked_azimuth(config, self._headings[config.framing.subject][1])
        found = None
        focal_length = moves.default_focal_length(self.script.camera)
        if shot.index:
            found = self._seen(config, subject, state)
            focal_length = state.lens.focal_length_mm
            if side is None:  # no side asked: the one that is there
                azimuth = float(found.azimuth[0])
        opening = _Opening(azimuth, found, state.camera.position.copy(), focal_length)
        if shot.start <= 0 and not shot.index:
            # The vehicle is still getting to its mark: what counts is where it should be.
            opening.position = self.entry(subjects)[0].position
        self._openings[shot.index] = opening
        return opening

    def _seen(self, config: ShotConfig, subject: SubjectEstimate, state: RigState) -> Targets:
        """The picture that there is, as targets."""
        camera = state.camera
        sensor = self.script.camera.sensor
        ahead = frames.world_to_camera(
            tuple(subject.point(config.framing.scale.point)),
            tuple(camera.position),
            camera.yaw,
            camera.pitch,
            camera.roll,
        )
        depth = max(float(ahead[2]), 0.5)
        focal = state.lens.focal_length_mm
        u, v = frames.project((ahead[0], ahead[1], depth), focal, sensor.width, sensor.height)
        offset = camera.position - subject.point("eyes")
        azimuth, elevation = frames.azimuth_elevation(tuple(offset))
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

    def _targets(self, shot: Shot, opening: _Opening, times: Floats, subjects: Subjects) -> Targets:
        config = self.script.config.shots[shot.index]
        local = np.clip(times - shot.start, 0.0, None)
        azimuth = opening.azimuth
        if isinstance(config.move, Follow | RackFocus) and config.framing.side is not None:
            name = config.framing.subject
            heading = self._headings[name][1] if name in self._headings else 0.0
            azimuth = heading + config.framing.side
        wanted = moves.targets(config, self.script.camera, local, azimuth, opening.focal_length)
        if opening.found is None or config.blend <= 0:
            return wanted
        weight = moves.ease(local / config.blend)
        blended = {}
        for field in fields(Targets):
            before, after = getattr(opening.found, field.name), getattr(wanted, field.name)
            if field.name == "azimuth":
                before = after + frames.wrap_angle(before - after)
            if field.name in ("stature", "focal_length"):
                blended[field.name] = np.exp((1 - weight) * np.log(before) + weight * np.log(after))
            else:
                blended[field.name] = (1 - weight) * before + weight * after
        return Targets(**blended)

    def _follow_headings(self, now: float, subjects: Subjects) -> None:
        """Smoothed headings: the side that a camera keeps does not sway with a subject's steps."""
        for name, subject in subjects.items():
            before = self._headings.get(name)
            if before is None:
                self._headings[name] = (now, subject.heading)
                continue
            then, heading = before
            part = 1 - math.exp(-max(now - then, 0.0) / _HEADING_LAG)
            turn = float(frames.wrap_angle(subject.heading - heading))
            self._headings[name] = (now, heading + part * turn)


def _settle(shot: ShotConfig, index: int) -> float:
    """What the figures leave out of a shot: what it says, else its blend."""
    if shot.settle is not None:
        return shot.settle
    return shot.blend if index else 0.0


def _asked_azimuth(config: ShotConfig, heading: float) -> float:
    """World direction from the subject to the camera that a shot starts from."""
    side = config.framing.side
    return heading + (0.0 if side is None else side)
