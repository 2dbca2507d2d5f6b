"""The director: turns a script into goals over the horizon, moment by moment.

Each shot eases in from the picture that it finds: at its first moment the director notes where
its subject stands in the picture, how large, from which side, and blends from there to what the
shot asks.

When a subject that the picture must hold is lost (see `cinempc.lost`), the picture widens: the move
stops where it is, the zoom opens and, where the lens cannot, the camera backs off. Nobody
flies towards a person who is not seen. Once the subject is back, the shot eases in again from the
picture that there is then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.camera import LensState
from cinempc.lost import Loss, Phase, Watch
from cinempc.mpc.objectives import (
    Aperture,
    CameraPosition,
    DepthOfField,
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
from cinempc.script import approach, moves
from cinempc.script.composition import composition, default_focal_length, f_number
from cinempc.script.fields import Hold, Orbit, RackFocus, ShotConfig
from cinempc.script.framing import Side
from cinempc.script.moves import Start, Targets
from cinempc.script.rules import named
from cinempc.script.script import Script
from cinempc.subject import SubjectEstimate

Floats = NDArray[np.float64]
Subjects = Mapping[str, SubjectEstimate]

#: Time constant, s, in which the side that a camera follows turns with the subject's heading:
#: slower than a person's steps, quicker than its turns.
_HEADING_LAG = 1.5
#: Shortest time, s, in which a camera that shall hold comes to rest.
_LEAST_STOP = 1.0
#: How far inside the band of heights the opening picture is taken at least, m.
_FROM_BAND = 0.2
#: Steepest pitch of the opening picture, rad.
_UPRIGHT = math.radians(88)
#: Blur, in circles of confusion, from which a subject reads as out of focus.
SOFT_BLUR = 6.0
#: Weight of the focus on the main subject where the depth of field has others to hold as well: it
#: then only says where in the free range the focus rests.
_RESTING = 0.02
#: Size of a lost subject in the widened picture, as a share of what it was.
_WIDE = 0.5
#: Time, s, in which the zoom opens for that; and in which the camera backs off, which nobody who
#: looks the other way should do in a hurry.
_WIDEN_TIME, _BACK_OFF_TIME = 1.5, 6.0
#: Shortest time, s, in which a shot eases back in when its subject is found again.
_LEAST_RETURN = 1.5
#: Time, s, over which it is measured how a picture moves.
_GLIMPSE = 0.1


@dataclass(frozen=True)
class Wanted:
    """What the picture should be at one time, for figures and monitor."""

    targets: tuple[FramingTarget, ...]
    sharp: tuple[str, ...]
    soft: tuple[str, ...]


@dataclass
class _Opening:
    """What a shot found when it began."""

    side: Side  # that the shot asks for, or for want of a wish the one that was there
    azimuth: float  # of that side then, world, rad
    found: Targets | None  # the picture before it, None for the first shot
    position: Floats  # of the camera
    velocity: Floats
    focal_length: float
    f_number: float
    began: float  # when the blend from ``found`` did, s
    over: float  # how long the blend takes, s
    stopping: float  # when a camera that holds was at ``position``, s
    drift: Targets | None = None  # how ``found`` moves at first, 1/s; sizes by their logarithm


@dataclass(frozen=True)
class _Widening:
    """How a picture widens whose subject is lost."""

    shot: int
    since: float  # s; the move stands still from then on
    zoom: float  # the focal length's share in the end
    back: float  # what of the size is left in the end for the way that the camera backs off
    reach: float  # focal length, mm, over size, at the distance that there was


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
        self._watch = Watch(script.safety.lost)
        self._phase = Phase.SEEN
        self._widening: _Widening | None = None
        self._hovered = False  # since the last goals
        self.losses: dict[str, Loss] = {}  #: Who of the running shot is lost, at the last `watch`.

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

    # --- who is lost ---

    def watch(self, time: float, subjects: Subjects, able: bool = True) -> Phase:
        """What a take does at a time, which never goes back: ask for `goals`, or hover.

        The framing's subject counts, and those kept in frame: for these the picture only widens,
        for one who is hidden behind another is no reason to stop. Who is but sharp or soft may be
        out of the picture on purpose.

        Args:
            time: s.
            subjects: the newest estimates.
            able: whether the rig can do what is asked; it hovers until it can.
        """
        shot = self.script.config.shots[self.shot(time).index]
        cast = self.cast(time)
        missing = [name for name in cast if name not in subjects]
        held = dict.fromkeys((shot.framing.subject, *shot.framing.keep_in_frame, *missing))
        ages = {name: subject.age for name, subject in subjects.items()}
        self.losses = self._watch.update(time, ages, held)
        self._phase = Phase.SEEN
        if shot.framing.subject in self.losses:
            self._phase = self.losses[shot.framing.subject].phase
        elif any(name in self.losses for name in shot.framing.keep_in_frame):
            self._phase = Phase.WIDE
        if missing or not able:
            self._phase = Phase.HOVER  # no goals can be said, or none met
        self._hovered |= self._phase is Phase.HOVER
        return self._phase

    def _react(
        self, now: float, shot: Shot, opening: _Opening, subjects: Subjects, state: RigState
    ) -> _Opening:
        """The opening from here on, after a subject was lost or found."""
        before, hovered = self._widening, self._hovered
        wide = self._phase is Phase.WIDE
        if not wide and before is None and not hovered:
            return opening
        ours = before is not None and before.shot == shot.index
        if wide and ours and not hovered:
            return opening
        self._hovered = False
        rolls = shot.index > 0 or now >= 0  # before that, the opening is made anew in each step
        if rolls and (hovered or (ours and not wide)):
            opening = self._opened_again(now, shot, opening, subjects, state, hovered)
        self._widening = None
        if wide:
            # What is wide already, from the shot before or from before the hover, stays as it is.
            done = (before is not None or hovered) and opening.found is not None
            if done and opening.over > 0:
                self._widening = _Widening(shot.index, now, 1.0, 1.0, 0.0)
            else:
                self._widening = self._widened(now, shot, opening, subjects, state)
        return opening

    def _opened_again(
        self,
        now: float,
        shot: Shot,
        opening: _Opening,
        subjects: Subjects,
        state: RigState,
        hovered: bool,
    ) -> _Opening:
        """The same shot, eased in from the picture that there is now."""
        config = self.script.config.shots[shot.index]
        subject = subjects[config.framing.subject]
        found = self._seen(config, subject, state)
        moved = replace(state.camera, position=state.camera.position + _GLIMPSE * state.velocity)
        soon = self._seen(
            config, subject.predict(subject.time + _GLIMPSE), replace(state, camera=moved)
        )
        again = replace(
            opening,
            found=found,
            drift=moves.drift(found, soon, _GLIMPSE),
            f_number=state.lens.f_number,
            began=now,
            over=max(config.blend, _LEAST_RETURN),
        )
        if hovered:  # a camera that holds does so where it stands
            place, velocity = state.camera.position.copy(), state.velocity.copy()
            again = replace(again, position=place, velocity=velocity, stopping=now)
        self._openings[shot.index] = again
        return again

    def _widened(
        self, now: float, shot: Shot, opening: _Opening, subjects: Subjects, state: RigState
    ) -> _Widening:
        config = self.script.config.shots[shot.index]
        camera, subject = self.script.camera, subjects[config.framing.subject]
        self._widening = None  # what follows is the picture before
        wanted = self._targets(shot, opening, np.array([now]), subjects)
        held = isinstance(config.move, Hold)
        leads = moves.priorities(config, camera).focal_length > 0
        focal = float(wanted.focal_length[0]) if leads else state.lens.focal_length_mm
        zoom = min(max(_WIDE, camera.focal_length.min / focal), 1.0)
        depth = max(float(_ahead(subject, "centre", state.camera)[2]), 0.0)
        return _Widening(
            shot=shot.index,
            since=now,
            zoom=zoom,
            back=1.0 if held else _WIDE / zoom,
            reach=0.0 if held else depth * camera.sensor.height / subject.height,
        )

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
        opening = self._opening(now, shot, subjects, state)
        opening = self._react(now, shot, opening, subjects, state)
        wanted = self._targets(shot, opening, times, subjects)
        weights = moves.priorities(config, self.script.camera)
        framing = config.framing
        name, point = framing.subject, self._point(config)
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
            over = max(config.blend, _LEAST_STOP)
            local = np.clip(times - opening.stopping, 0.0, None)
            x, y, z = moves.stop(opening.position, opening.velocity, local, over).T
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
        objectives += self._focus(config, shot, opening, times, subjects, state)
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
        self,
        config: ShotConfig,
        shot: Shot,
        opening: _Opening,
        times: Floats,
        subjects: Subjects,
        state: RigState,
    ) -> list[Objective]:
        asked = moves.sharpness(config, times - shot.start)
        focus, move = config.focus, config.move
        main = moves.focus_at_start(config)
        ahead = {name: _ahead(subjects[name], "eyes", state.camera)[2] for name in (main, *asked)}
        found: list[Objective] = []
        pulled = isinstance(move, RackFocus)
        focused = main  # now
        if isinstance(move, RackFocus):
            share = asked[move.to][0]
            found.append(FocusOn(subject=main, other=move.to, share=share))
            focused = move.to if share[0] > 0.5 else main
        else:
            shared = bool(focus.sharp) or (focus.near is not None and focus.far is not None)
            found.append(FocusOn(subject=main, weight=_RESTING if shared else 1.0))
        for name, (sharp, soft) in asked.items():
            if sharp.any() or pulled:
                found.append(Sharp(subject=name, weight=np.where(sharp > 0.99, 1.0, 0.0)))
            if soft.any() or pulled:
                against = focused
                if isinstance(move, RackFocus) and name in (main, move.to):
                    against = move.to if name == main else main
                side = 1.0 if ahead[name] < ahead[against] else -1.0
                found.append(Soft(subject=name, least=SOFT_BLUR, side=side, weight=0.2 * soft))
        if focus.near is not None or focus.far is not None:
            found.append(DepthOfField(near=focus.near, far=focus.far))
        stops = np.log2(f_number(config, self.script.camera)) * np.ones_like(times)
        if opening.found is not None and opening.over > 0:
            before = math.log2(opening.f_number)
            stops = before + (stops - before) * moves.ease((times - opening.began) / opening.over)
        weight = 0.05 if focus.f_number is None else 2.0
        found.append(Aperture(f_number=2.0**stops, weight=weight))
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
        if self._phase is Phase.HOVER:  # nothing is asked of the picture
            return Wanted((), (), ())
        if opening is None:
            return Wanted((), sharp, soft)
        wanted = self._targets(shot, opening, np.array([time]), subjects)
        framing = config.framing
        scaled = moves.priorities(config, self.script.camera).scale > 0
        target = FramingTarget(
            framing.subject,
            self._point(config),
            float(wanted.u[0]),
            float(wanted.v[0]),
            float(wanted.stature[0]) if scaled else None,
        )
        return Wanted((target,), sharp, soft)

    # --- the opening picture ---

    def approach(self, times: Floats, subjects: Subjects, state: RigState) -> Goals:
        """Goals at the node times (N+1) on the way to the first shot's mark."""
        pose, lens = self.entry(subjects)
        subject = subjects[self.script.config.shots[0].framing.subject]
        return approach.goals(times, pose, lens, subject, self._aim(subjects), state)

    def off_mark(self, subjects: Subjects, state: RigState) -> tuple[str, ...]:
        """What is not yet as the first shot's opening wants it, in words."""
        pose, lens = self.entry(subjects)
        subject = subjects[self.script.config.shots[0].framing.subject]
        return approach.off_mark(pose, lens, subject, state)

    def _aim(self, subjects: Subjects) -> tuple[str, float, float]:
        """The point that the opening frames, and where, fractions of width and height."""
        config = self.script.config.shots[0]
        wanted = self._opening_targets(config, subjects[config.framing.subject])
        return self._point(config), wanted["u"], wanted["v"]

    def _opening_targets(self, config: ShotConfig, subject: SubjectEstimate) -> dict[str, float]:
        """What a shot asks at its start of a vehicle that starts on its mark."""
        camera = self.script.camera
        start = Start(
            _side(config).world(subject.heading), subject.heading, default_focal_length(camera)
        )
        height = self._height(config)
        opening = moves.targets(config, camera, height, np.zeros(1), start)
        return {name: float(value[0]) for name, value in vars(opening).items()}

    def entry(self, subjects: Subjects) -> tuple[CameraPose, LensState]:
        """The first shot's opening pose and lens, for a vehicle that starts on its mark."""
        config = self.script.config.shots[0]
        camera, framing = self.script.camera, config.framing
        subject = subjects[framing.subject]
        wanted = self._opening_targets(config, subject)
        focal, roll = wanted["focal_length"], wanted["roll"]
        sensor = (camera.sensor.width, camera.sensor.height)
        depth = focal * subject.height / (camera.sensor.height * wanted["stature"])
        azimuth, elevation = wanted["azimuth"], wanted["elevation"]
        direction = np.array(
            [
                math.cos(elevation) * math.cos(azimuth),
                math.cos(elevation) * math.sin(azimuth),
                math.sin(elevation),
            ]
        )
        lowest, highest = self.script.safety.altitude.min, self.script.safety.altitude.max
        band = min(_FROM_BAND, (highest - lowest) / 2)
        yaw, pitch, distance = azimuth + math.pi, -elevation, depth
        point = self._point(config)
        for _ in range(60):  # a contraction: yaw, pitch and distance by the miss in the picture
            position = subject.point("eyes") + distance * direction
            position[2] = np.clip(position[2], lowest + band, highest - band)
            pose = CameraPose(position, yaw, pitch, roll)
            x, y, z = _ahead(subject, point, pose)
            u, v = frames.project((x, y, max(z, 0.1)), focal, *sensor)
            right = (u - wanted["u"]) * sensor[0] / focal
            down = (v - wanted["v"]) * sensor[1] / focal
            cr, sr = math.cos(roll), math.sin(roll)
            yaw -= 0.8 * (cr * right - sr * down) / max(math.cos(pitch), 0.1)
            pitch = min(max(pitch - 0.8 * (sr * right + cr * down), -_UPRIGHT), _UPRIGHT)
            size = _ahead(subject, "centre", pose)[2]
            distance *= 1 + 0.7 * (depth / max(size, 0.1 * depth) - 1)
        pose = CameraPose(position, float(frames.wrap_angle(yaw)), pitch, roll)
        focused = subjects.get(moves.focus_at_start(config), subject)
        focus = max(float(_ahead(focused, "eyes", pose)[2]), camera.focus.closest)
        return pose, camera.clamp(LensState(focal, focus, f_number(config, camera)))

    # --- easing in ---

    def _opening(self, now: float, shot: Shot, subjects: Subjects, state: RigState) -> _Opening:
        known = self._openings.get(shot.index)
        if known is not None and not (shot.index == 0 and now < 0):
            return known
        config = self.script.config.shots[shot.index]
        subject = subjects[config.framing.subject]
        side, found = _side(config), None
        position, velocity = state.camera.position.copy(), state.velocity.copy()
        focal_length = default_focal_length(self.script.camera)
        if shot.index:
            found = self._seen(config, subject, state)
            focal_length = state.lens.focal_length_mm
            if config.framing.side is None:  # the one that is there
                side = Side(float(found.azimuth[0]), in_world=True)
        else:
            # The vehicle is still getting to its mark: what counts is where it should be when
            # the camera rolls.
            velocity = np.zeros(3)
            if isinstance(config.move, Hold):
                then = {n: s.predict(s.time - min(now, 0.0)) for n, s in subjects.items()}
                position = self.entry(then)[0].position
        azimuth = side.world(self._headings[config.framing.subject][1])
        f_number = state.lens.f_number
        opening = _Opening(
            side,
            azimuth,
            found,
            position,
            velocity,
            focal_length,
            f_number,
            began=shot.start,
            over=config.blend,
            stopping=shot.start,
        )
        self._openings[shot.index] = opening
        return opening

    def _seen(self, config: ShotConfig, subject: SubjectEstimate, state: RigState) -> Targets:
        """The picture that there is, as targets."""
        camera = state.camera
        sensor = self.script.camera.sensor
        ahead = _ahead(subject, self._point(config), camera)
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
        widening = self._widening
        if widening is not None and widening.shot == shot.index:
            # Whose subject is not seen, its move stands still.
            still = np.minimum(times, widening.since)
            return self._wide(widening, self._course(shot, opening, still, subjects), times)
        return self._course(shot, opening, times, subjects)

    def _wide(self, widening: _Widening, wanted: Targets, times: Floats) -> Targets:
        """A picture as it widens from `_Widening.since` on."""
        passed = times - widening.since
        zoom = widening.zoom ** moves.ease(passed / _WIDEN_TIME)
        back = widening.back ** moves.ease(passed / _BACK_OFF_TIME)
        # Not even as near as was asked, where the camera has not got there yet.
        asked = wanted.focal_length / wanted.stature
        nearer = np.minimum(1.0, asked / max(widening.reach, 1e-9))
        return replace(
            wanted,
            stature=wanted.stature * zoom * back * nearer,
            focal_length=wanted.focal_length * zoom,
        )

    def _course(self, shot: Shot, opening: _Opening, times: Floats, subjects: Subjects) -> Targets:
        """What the shot asks, eased in from its opening."""
        config = self.script.config.shots[shot.index]
        local = np.clip(times - shot.start, 0.0, None)
        name = config.framing.subject
        heading = self._headings[name][1] if name in self._headings else subjects[name].heading
        azimuth = opening.azimuth
        if not isinstance(config.move, Orbit | Hold):  # an orbit turns from where it began
            azimuth = opening.side.world(heading)
        start = Start(azimuth, heading, opening.focal_length)
        wanted = moves.targets(config, self.script.camera, self._height(config), local, start)
        if opening.found is None or opening.over <= 0:
            return wanted
        passed, found = times - opening.began, opening.found
        if opening.drift is not None:
            # A camera at rest cannot be at a walker's speed at once.
            found = moves.drifted(found, opening.drift, moves.stopping_way(passed, opening.over))
        return moves.blend(found, wanted, moves.ease(passed / opening.over))

    def _height(self, config: ShotConfig) -> float:
        return self.script.config.subjects[config.framing.subject].height

    def _point(self, config: ShotConfig) -> str:
        return composition(config, self.script.camera, self._height(config)).point

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


def _side(config: ShotConfig) -> Side:
    """The side that a shot asks for: the front, if none."""
    return Side(0.0) if config.framing.side is None else config.framing.side


def _ahead(
    subject: SubjectEstimate, point: str | float, camera: CameraPose
) -> tuple[float, float, float]:
    """A body point in camera coordinates, m."""
    found: tuple[float, float, float] = frames.world_to_camera(
        tuple(subject.point(point)), tuple(camera.position), camera.yaw, camera.pitch, camera.roll
    )
    return found
