"""What must go together in a script whose fields are each fine.

Every mistake comes with the path of its field, so that it is told with its line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from cinempc import configs
from cinempc.camera import Camera
from cinempc.script import composition
from cinempc.script.fields import (
    DollyZoomMove,
    Hold,
    Orbit,
    PullOut,
    PushIn,
    RackFocus,
    ShotConfig,
    SubjectConfig,
)
from cinempc.script.framing import STEEPEST
from cinempc.script.region import CLASSES
from cinempc.vehicle import Vehicle

Field = tuple[str | int, ...]
#: What is wrong, and the path of the field.
Mistake = tuple[str, Field]

_MM = 1e-6  # rounding that a focal length is allowed


def mistakes(
    subjects: Mapping[str, SubjectConfig],
    shots: Mapping[int, ShotConfig],
    camera: Camera | None,
    vehicle: Vehicle | None,
    actors: Sequence[str] | None,
) -> Iterator[Mistake]:
    """All mistakes in what is known of a script.

    Args:
        subjects: by name.
        shots: by their place in the script; those whose fields are faulty are not here.
        camera, vehicle: None if they could not be read.
        actors: ids in the scene, None without one.
    """
    for name, subject in subjects.items():
        for what, where in _subject(name, subject, actors):
            yield what, ("subjects", name, *where)
    for i, shot in shots.items():
        found = [*_unknown(shot, list(subjects)), *_times(shot), *_move(shot), *_focus(shot)]
        if i:
            found += _held(shot)
        framed = subjects.get(shot.framing.subject)
        if camera is not None:
            found += _lens(shot, camera)
            if framed is not None:
                found += _size(shot, camera, framed.height)
        if vehicle is not None:
            found += _gimbal(shot, vehicle)
        for what, where in found:
            yield what, ("shots", i, *where)


def named(shot: ShotConfig) -> Iterator[tuple[str, Field]]:
    """Every subject that a shot names, and where."""
    yield shot.framing.subject, ("framing", "subject")
    for k, name in enumerate(shot.framing.keep_in_frame):
        yield name, ("framing", "keep_in_frame", k)
    if shot.focus.on is not None:
        yield shot.focus.on, ("focus", "on")
    for k, name in enumerate(shot.focus.sharp):
        yield name, ("focus", "sharp", k)
    for k, name in enumerate(shot.focus.soft):
        yield name, ("focus", "soft", k)
    if isinstance(shot.move, RackFocus):
        yield shot.move.from_, ("move", "from")
        yield shot.move.to, ("move", "to")


def _subject(name: str, subject: SubjectConfig, actors: Sequence[str] | None) -> Iterator[Mistake]:
    if not 0.3 <= subject.height <= 3:
        yield f"a subject is 0.3 m to 3 m tall, not {subject.height:g} m", ("height",)
    for word in re.findall(r"[a-z]+", (subject.look or "").lower()):
        if word in CLASSES and word != subject.category:
            field = "class" if "category" in subject.model_fields_set else "look"
            yield f"the look is a {word}'s, the class is {subject.category}", (field,)
            break
    actor = name if subject.actor is None else subject.actor
    if actors is not None and actor not in actors:
        yield (
            f"the scene has no actor {actor!r}{configs.suggest(actor, actors)} "
            f"(there are {', '.join(actors)})",
            () if subject.actor is None else ("actor",),
        )


def _unknown(shot: ShotConfig, known: Sequence[str]) -> Iterator[Mistake]:
    for name, where in named(shot):
        if name not in known:
            yield (
                f"unknown subject {name!r}{configs.suggest(name, known)} "
                f"(the script has {', '.join(known)})",
                where,
            )


def _times(shot: ShotConfig) -> Iterator[Mistake]:
    if not 0.5 <= shot.duration <= 3600:
        yield f"a shot lasts 0.5 s to 1 h, not {shot.duration:g} s", ("duration",)
    for name in ("blend", "settle"):
        value = getattr(shot, name)
        if value is not None and value < 0:
            yield f"cannot be below zero, it is {value:g} s", (name,)


def _move(shot: ShotConfig) -> Iterator[Mistake]:
    move = shot.move
    if isinstance(move, Orbit) and (move.angle is None) == (move.rate is None):
        yield "an orbit has an angle ('150 deg') or a rate ('10 deg/s'): give one", ("move",)
    if isinstance(move, DollyZoomMove) and shot.lens.focal_length is not None:
        yield "the dolly zoom gives the focal length: leave this one", ("lens", "focal_length")
    if isinstance(move, RackFocus):
        if move.from_ == move.to:
            yield f"the focus is on {move.from_} already: name two subjects", ("move", "to")
        if not (move.at >= 0 and move.over > 0 and move.at + move.over <= shot.duration):
            yield (
                f"{move.at:g} s, and {move.over:g} s for the pull, do not fit into the shot's "
                f"{shot.duration:g} s",
                ("move", "at"),
            )


def _focus(shot: ShotConfig) -> Iterator[Mistake]:
    focus = shot.focus
    main = focus.on or shot.framing.subject
    if isinstance(shot.move, RackFocus):
        for name in ("on", "sharp", "near", "far"):
            if name in focus.model_fields_set:
                yield f"the rack focus says what is sharp: leave {name}", ("focus", name)
        sharp = {shot.move.from_, shot.move.to}
    else:
        sharp = {main, *focus.sharp}
    for k, name in enumerate(focus.soft):
        if name in sharp:
            yield f"{name} cannot be both sharp and soft", ("focus", "soft", k)
    for name in ("near", "far"):
        value = getattr(focus, name)
        if value is not None and value <= 0:
            yield f"a limit of depth of field is above zero, not {value:g} m", ("focus", name)
    if focus.near is not None and focus.far is not None:
        if focus.near >= focus.far:
            yield f"the far limit must be beyond the near one ({focus.near:g} m)", ("focus", "far")
        if focus.f_number is not None:
            yield (
                "near and far limit fix focus and aperture: leave one of near, far and f_number",
                ("focus", "f_number"),
            )


def _held(shot: ShotConfig) -> Iterator[Mistake]:
    """A hold that is not the first shot stays where the shot before it ends."""
    if isinstance(shot.move, Hold):
        for name in ("distance", "angle", "side"):
            if name in shot.framing.model_fields_set:
                yield (
                    f"a hold stays where the shot before it ends: leave {name}, or make it a "
                    "follow",
                    ("framing", name),
                )


def _lens(shot: ShotConfig, camera: Camera) -> Iterator[Mistake]:
    """What a shot wants of a lens that cannot give it."""
    zoom, iris = camera.focal_length, camera.aperture
    move, wish = shot.move, shot.focus.f_number
    if isinstance(move, DollyZoomMove) and zoom.max <= zoom.min:
        yield f"a dolly zoom needs a zoom lens: {_reach(camera)}", ("move", "focal_length")
    elif isinstance(move, DollyZoomMove):
        for name, value in (("from", move.focal_length.from_), ("to", move.focal_length.to)):
            if not _reaches(camera, value):
                yield _beyond(camera, value), ("move", "focal_length", name)
    asked = shot.lens.focal_length
    if asked is not None and not _reaches(camera, asked):
        yield _beyond(camera, asked), ("lens", "focal_length")
    if wish is not None and not iris.min - 1e-9 <= wish <= iris.max + 1e-9:
        has = f"f/{iris.min:g} to f/{iris.max:g}" if iris.max > iris.min else f"only f/{iris.min:g}"
        yield f"f/{wish:g} is out of reach: the lens has {has}", ("focus", "f_number")


def _size(shot: ShotConfig, camera: Camera, height: float) -> Iterator[Mistake]:
    """Scale, distance and focal length: two of them fix the third."""
    framing, move = shot.framing, shot.move
    focal = composition.asked_focal_length(shot, camera)
    if framing.distance is not None:
        where = ("framing", "distance")
        if not 0 < framing.distance < math.inf:
            yield "a distance is above zero and finite", where
            return
        if framing.scale is None and focal is None:
            yield "a distance needs a scale or lens.focal_length beside it", where
            return
        if framing.scale is not None and focal is not None:
            yield (
                f"scale and focal length ({focal:g} mm) fix the distance, to "
                f"{composition.distance(focal, framing.scale.stature, height, camera):.1f} m: "
                "leave one of the three",
                where,
            )
            return
        if framing.scale is not None:
            needed = composition.focal_length(
                framing.scale.stature, framing.distance, height, camera
            )
            if not _reaches(camera, needed):
                yield f"this scale needs {needed:.0f} mm there: {_reach(camera)}", where
                return
    if isinstance(move, PushIn | PullOut):
        opening = composition.composition(shot, camera, height)
        closer = isinstance(move, PushIn)
        if isinstance(move.to, float):
            focal = opening.focal_length
            if focal is None:
                return  # kept from the shot before: where it starts is not known
            start = composition.distance(focal, opening.scale.stature, height, camera)
            right = move.to < start if closer else move.to > start
            begins = f"{start:.1f} m"
        else:
            right = (move.to.stature > opening.scale.stature) == closer
            right &= move.to.stature != opening.scale.stature
            begins = f"{opening.scale.stature:.0%} of the frame's height"
        if not right:
            what = "closer" if closer else "wider"
            yield f"a {move.kind} ends {what} than it begins, at {begins}", ("move", "to")


def _gimbal(shot: ShotConfig, vehicle: Vehicle) -> Iterator[Mistake]:
    gimbal = vehicle.gimbal
    low, high = -math.degrees(gimbal.pitch.max), -math.degrees(gimbal.pitch.min)
    low, high = max(low, -STEEPEST), min(high, STEEPEST)
    angle, roll = math.degrees(shot.framing.angle), math.degrees(shot.framing.roll)
    if not low <= angle <= high:
        yield (
            f"{angle:.0f} deg is out of reach: the gimbal sees a subject from {low:.0f} to "
            f"{high:.0f} deg",
            ("framing", "angle"),
        )
    low, high = math.degrees(gimbal.roll.min), math.degrees(gimbal.roll.max)
    if not low <= roll <= high:
        yield (
            f"{roll:.0f} deg is out of reach: the gimbal rolls {low:.0f} to {high:.0f} deg",
            ("framing", "roll"),
        )


def _reaches(camera: Camera, focal_length: float) -> bool:
    zoom = camera.focal_length
    return zoom.min - _MM <= focal_length <= zoom.max + _MM


def _reach(camera: Camera) -> str:
    zoom = camera.focal_length
    if zoom.max > zoom.min:
        return f"the lens reaches {zoom.min:g} to {zoom.max:g} mm"
    return f"the lens is a prime of {zoom.min:g} mm"


def _beyond(camera: Camera, focal_length: float) -> str:
    return f"{focal_length:g} mm is out of reach: {_reach(camera)}"
