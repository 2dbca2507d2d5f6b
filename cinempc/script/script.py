"""The script: what a director writes, read and checked once.

A script names its camera, vehicle, scene and subjects, then its shots in order. All mistakes of a
file are reported together, with file, line, field and what is allowed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from cinempc import camera, configs, safety, vehicle
from cinempc.errors import ConfigError, ConfigErrors
from cinempc.script.framing import AngleField, PositionField, ScaleField, SideField, parse_scale
from cinempc.units import FNumber, Metres, Millimetres, Radians, Seconds


class SubjectConfig(configs.Config):
    """Who is filmed: an actor of the scene, and how a detector on a real set finds it."""

    actor: str | None = Field(default=None, description="Its id in the scene.")
    look: str | None = Field(default=None, description='Class and colours: "person in red".')
    height: Metres = Field(default=1.75, validate_default=False)


class Framing(configs.Config):
    """Who stands where, how large, seen from which side and height."""

    subject: str
    scale: ScaleField = parse_scale("MS")
    position: PositionField = (0.5, None)
    angle: AngleField = 0.0
    side: SideField | None = None
    keep_in_frame: tuple[str, ...] = ()
    roll: Radians = Field(default=0.0, validate_default=False)


class Focus(configs.Config):
    """Who is sharp and who is not."""

    on: str | None = None
    sharp: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()
    f_number: FNumber | None = None


class FromTo(configs.Config):
    """A value's start and end."""

    from_: Millimetres = Field(alias="from")
    to: Millimetres


class Hold(configs.Config):
    """The camera stays where the shot starts; the gimbal follows, the zoom keeps the scale
    unless a focal length is given."""

    kind: Literal["hold"]


class Follow(configs.Config):
    """The camera goes with the subject, on the same side and at the same scale."""

    kind: Literal["follow"]


class Orbit(configs.Config):
    """The camera circles the subject by ``angle`` (anticlockwise seen from above) over the shot."""

    kind: Literal["orbit"]
    angle: Radians


class PushIn(configs.Config):
    """The camera moves closer, from the framing's scale to ``to``, at one focal length."""

    kind: Literal["push-in"]
    to: ScaleField


class PullOut(configs.Config):
    """The camera moves away, from the framing's scale to ``to``, at one focal length."""

    kind: Literal["pull-out"]
    to: ScaleField


class DollyZoomMove(configs.Config):
    """The focal length changes and the distance with it, so that the subject keeps its size."""

    kind: Literal["dolly-zoom"]
    focal_length: FromTo


class RackFocus(configs.Config):
    """The focus goes from one subject to another at ``at`` seconds into the shot, within ``over``;
    the camera goes with the framing's subject."""

    kind: Literal["rack-focus"]
    from_: str = Field(alias="from")
    to: str
    at: Seconds
    over: Seconds = Field(default=1.5, validate_default=False)


Move = Annotated[
    Hold | Follow | Orbit | PushIn | PullOut | DollyZoomMove | RackFocus,
    Field(discriminator="kind"),
]


class LensWish(configs.Config):
    """What is wished of the lens where the move does not say."""

    focal_length: Millimetres | None = None


class ShotConfig(configs.Config):
    """A shot. ``blend`` is the time in which it eases in from the picture before it; ``settle``
    the part of the shot that the figures leave out."""

    name: str
    duration: Seconds
    move: Move
    framing: Framing
    focus: Focus = Focus()
    lens: LensWish = LensWish()
    blend: Seconds = Field(default=3.0, validate_default=False)
    settle: Seconds | None = None

    @model_validator(mode="after")
    def _sound(self) -> ShotConfig:
        if not (0.5 <= self.duration <= 3600):
            raise ValueError(f"duration must be 0.5 s to 1 h, it is {self.duration:g} s")
        if self.blend < 0 or (self.settle is not None and self.settle < 0):
            raise ValueError("blend and settle cannot be below zero")
        move = self.move
        if isinstance(move, PushIn) and move.to.stature <= self.framing.scale.stature:
            raise ValueError("push-in: 'to' must be a closer scale than framing.scale")
        if isinstance(move, PullOut) and move.to.stature >= self.framing.scale.stature:
            raise ValueError("pull-out: 'to' must be a wider scale than framing.scale")
        if isinstance(move, DollyZoomMove) and self.lens.focal_length is not None:
            raise ValueError("dolly-zoom: the move gives the focal length, leave lens.focal_length")
        if isinstance(move, RackFocus) and not (
            move.at >= 0 and move.over > 0 and move.at + move.over <= self.duration
        ):
            raise ValueError(
                f"rack-focus: at {move.at:g} s, over {move.over:g} s does not fit into "
                f"{self.duration:g} s"
            )
        if isinstance(move, RackFocus) and (self.focus.on or self.focus.sharp):
            raise ValueError("rack-focus: the move says who is sharp, leave focus.on and .sharp")
        return self


class ScriptConfig(configs.Config):
    """The file's fields."""

    name: str
    camera: str
    vehicle: str
    scene: str | None = None
    safety: str = "default"
    subjects: dict[str, SubjectConfig]
    shots: tuple[ShotConfig, ...]

    @model_validator(mode="after")
    def _not_empty(self) -> ScriptConfig:
        if not self.subjects or not self.shots:
            raise ValueError("a script needs at least one subject and one shot")
        return self


@dataclass(frozen=True)
class Script:
    """A script with everything that it names."""

    path: Path
    text: str
    config: ScriptConfig
    camera: camera.Camera
    vehicle: vehicle.Vehicle
    safety: safety.Safety
    scene_path: Path | None

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects' names."""
        return tuple(self.config.subjects)


def load(path: Path) -> Script:
    """Read a script and all that it names, and check that they go together.

    Raises:
        ConfigError: with file, line and field of each mistake.
    """
    data = configs.read_yaml(path)
    if not isinstance(data, dict):
        raise ConfigError("a script holds fields, such as 'name: ...'", path=path, line=1)
    try:
        config = ScriptConfig.model_validate(data)
    except ValidationError as error:
        raise configs.explain(error, data, path, ScriptConfig) from None

    def at(what: str, *location: str | int) -> ConfigError:
        return ConfigError(
            what,
            path=path,
            line=configs.line_of(data, location),
            field=".".join(str(part) for part in location),
        )

    loaded: dict[str, Any] = {}
    mistakes: list[ConfigError] = []
    for kind, module in (("camera", camera), ("vehicle", vehicle), ("safety", safety)):
        name = getattr(config, kind)
        try:
            loaded[kind] = module.load(name, path)
        except ConfigError as error:
            mistakes.append(at(error.what, kind) if error.path == path else error)
    scene_path, actors = None, None
    if config.scene is not None:
        try:
            scene_path = configs.find("scenes", config.scene, path)
            actors = _actors(scene_path)
        except ConfigError as error:
            mistakes.append(at(error.what, "scene") if error.path == path else error)
    mistakes += [
        at(what, *where) for what, where in _mistakes(config, loaded.get("camera"), actors)
    ]
    if mistakes:
        raise mistakes[0] if len(mistakes) == 1 else ConfigErrors(mistakes)
    text = path.read_text(encoding="utf-8")
    return Script(
        path, text, config, loaded["camera"], loaded["vehicle"], loaded["safety"], scene_path
    )


def _actors(scene: Path) -> list[str]:
    """The ids of a scene's actors. The rest of the scene is the simulator's to read."""
    data = configs.read_yaml(scene)
    found = data.get("actors", []) if isinstance(data, dict) else []
    return [str(actor["id"]) for actor in found if isinstance(actor, dict) and "id" in actor]


Mistake = tuple[str, tuple[str | int, ...]]


def _mistakes(
    config: ScriptConfig, body: camera.Camera | None, actors: list[str] | None
) -> list[Mistake]:
    """What does not go together in a script whose fields are each fine."""
    found: list[Mistake] = []
    known = list(config.subjects)
    for name, subject in config.subjects.items():
        if actors is None:
            continue
        actor = subject.actor if subject.actor is not None else name
        if actor not in actors:
            found.append(
                (
                    f"the scene has no actor {actor!r}{configs.suggest(actor, actors)} "
                    f"(there are {', '.join(actors)})",
                    ("subjects", name, *(("actor",) if subject.actor is not None else ())),
                )
            )
    for i, shot in enumerate(config.shots):
        for name, where in named(shot):
            if name not in known:
                found.append(
                    (
                        f"unknown subject {name!r}{configs.suggest(name, known)} "
                        f"(the script has {', '.join(known)})",
                        ("shots", i, *where),
                    )
                )
        both = set(shot.focus.sharp) & set(shot.focus.soft)
        if both or (shot.focus.on in shot.focus.soft):
            found.append(("a subject cannot be both sharp and soft", ("shots", i, "focus", "soft")))
        if body is not None:
            found += [(what, ("shots", i, *where)) for what, where in _beyond(shot, body)]
    return found


def named(shot: ShotConfig) -> list[tuple[str, tuple[str | int, ...]]]:
    """Every subject that a shot names, and where."""
    found: list[tuple[str, tuple[str | int, ...]]] = [
        (shot.framing.subject, ("framing", "subject"))
    ]
    found += [
        (n, ("framing", "keep_in_frame", k)) for k, n in enumerate(shot.framing.keep_in_frame)
    ]
    if shot.focus.on is not None:
        found.append((shot.focus.on, ("focus", "on")))
    found += [(n, ("focus", "sharp", k)) for k, n in enumerate(shot.focus.sharp)]
    found += [(n, ("focus", "soft", k)) for k, n in enumerate(shot.focus.soft)]
    if isinstance(shot.move, RackFocus):
        found += [(shot.move.from_, ("move", "from")), (shot.move.to, ("move", "to"))]
    return found


def _beyond(shot: ShotConfig, body: camera.Camera) -> list[Mistake]:
    """What a shot wants of a lens that cannot give it."""
    zoom, iris = body.focal_length, body.aperture
    found: list[Mistake] = []
    reach = (
        f"the lens reaches {zoom.min:g} to {zoom.max:g} mm"
        if zoom.max > zoom.min
        else f"the lens is a prime of {zoom.min:g} mm"
    )

    def focal(value: float, *where: str | int) -> None:
        if not zoom.min - 1e-9 <= value <= zoom.max + 1e-9 or not math.isfinite(value):
            found.append((f"{value:g} mm is out of reach: {reach}", where))

    move = shot.move
    if isinstance(move, DollyZoomMove):
        if zoom.max <= zoom.min:
            found.append((f"a dolly zoom needs a zoom lens: {reach}", ("move", "focal_length")))
        else:
            focal(move.focal_length.from_, "move", "focal_length", "from")
            focal(move.focal_length.to, "move", "focal_length", "to")
    if shot.lens.focal_length is not None:
        focal(shot.lens.focal_length, "lens", "focal_length")
    wish = shot.focus.f_number
    if wish is not None and not iris.min - 1e-9 <= wish <= iris.max + 1e-9:
        has = f"f/{iris.min:g} to f/{iris.max:g}" if iris.max > iris.min else f"only f/{iris.min:g}"
        found.append((f"f/{wish:g} is out of reach: the lens has {has}", ("focus", "f_number")))
    return found
