"""What must go together in a script whose fields are each fine.

Every mistake comes with the path of its field, from which its line is known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cinempc import configs
from cinempc.rig.camera import Camera
from cinempc.rig.vehicle import Vehicle
from cinempc.script.format import ShotConfig, SubjectConfig
from cinempc.script.framing import composition
from cinempc.script.framing.fields import Mistake
from cinempc.script.framing.reach import (
    elevation_mistakes,
    focal_length_mistakes,
    lens_range,
    lens_reaches,
)
from cinempc.script.framing.region import CLASSES


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
        for what, where in _shot(shot, i == 0, subjects, camera, vehicle):
            yield what, ("shots", i, *where)


def _shot(
    shot: ShotConfig,
    first: bool,
    subjects: Mapping[str, SubjectConfig],
    camera: Camera | None,
    vehicle: Vehicle | None,
) -> Iterator[Mistake]:
    yield from _unknown(shot, list(subjects))
    yield from _times(shot)
    yield from shot.move.field_mistakes(shot, first)
    yield from _focus(shot)
    framed = subjects.get(shot.framing.subject)
    if camera is not None:
        yield from shot.move.lens_mistakes(shot, camera)
        yield from _lens(shot, camera)
        if framed is not None:
            wrong = list(_size(shot, camera, framed.height))
            yield from wrong or shot.move.size_mistakes(shot, camera, framed.height)
    if vehicle is not None:
        yield from _gimbal(shot, vehicle)
        yield from shot.move.gimbal_mistakes(shot, vehicle)


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
    for name, where in shot.named_subjects():
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


def _focus(shot: ShotConfig) -> Iterator[Mistake]:
    focus = shot.focus
    pull = shot.move.focus_pull(np.zeros(1))
    if pull is None:
        sharp = {focus.on or shot.framing.subject, *focus.sharp}
    else:
        sharp = {pull.from_subject, pull.to_subject}
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


def _lens(shot: ShotConfig, camera: Camera) -> Iterator[Mistake]:
    """What a shot wants of a lens that cannot give it."""
    iris, wish = camera.aperture, shot.focus.f_number
    yield from focal_length_mistakes(shot.lens.focal_length, camera, ("lens", "focal_length"))
    if wish is not None and not iris.min - 1e-9 <= wish <= iris.max + 1e-9:
        has = f"f/{iris.min:g} to f/{iris.max:g}" if iris.max > iris.min else f"only f/{iris.min:g}"
        yield f"f/{wish:g} is out of reach: the lens has {has}", ("focus", "f_number")


def _size(shot: ShotConfig, camera: Camera, height: float) -> Iterator[Mistake]:
    """Scale, distance and focal length: two of them fix the third."""
    framing, where = shot.framing, ("framing", "distance")
    focal = shot.move.asked_focal_length(shot, camera)
    if framing.distance is None:
        return
    if not 0 < framing.distance < math.inf:
        yield "a distance is above zero and finite", where
    elif framing.scale is None and focal is None:
        yield "a distance needs a scale or lens.focal_length beside it", where
    elif framing.scale is not None and focal is not None:
        yield (
            f"scale and focal length ({focal:g} mm) fix the distance, to "
            f"{composition.distance(focal, framing.scale.stature, height, camera):.1f} m: "
            "leave one of the three",
            where,
        )
    elif framing.scale is not None:
        needed = composition.focal_length(framing.scale.stature, framing.distance, height, camera)
        if not lens_reaches(camera, needed):
            yield f"this scale needs {needed:.0f} mm there: {lens_range(camera)}", where


def _gimbal(shot: ShotConfig, vehicle: Vehicle) -> Iterator[Mistake]:
    yield from elevation_mistakes(shot.framing.angle, vehicle, ("framing", "angle"))
    limits, roll = vehicle.gimbal.roll, math.degrees(shot.framing.roll)
    low, high = math.degrees(limits.min), math.degrees(limits.max)
    if not low <= roll <= high:
        yield (
            f"{roll:.0f} deg is out of reach: the gimbal rolls {low:.0f} to {high:.0f} deg",
            ("framing", "roll"),
        )
