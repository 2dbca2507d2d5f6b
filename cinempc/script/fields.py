"""The fields of a script file, as the director writes them; see ``docs/scripts.md``.

A script names its camera, vehicle, scene and subjects, then its shots in order.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cinempc import configs
from cinempc.script.framing import (
    AngleField,
    Position,
    PositionField,
    ScaleField,
    ScaleOrDistanceField,
    SideField,
)
from cinempc.script.region import ClassField, PlaceField, RegionField
from cinempc.units import FNumber, Metres, Millimetres, Radians, RadiansPerSecond, Seconds


class SubjectConfig(configs.Config):
    """Who is filmed: an actor of the scene, and how a detector on a real set finds it."""

    actor: str | None = Field(default=None, description="Its id in the scene.")
    category: ClassField = Field(default="person", alias="class", description="What it is.")
    look: str | None = Field(default=None, description='Class and colours: "person in red".')
    region: RegionField | None = Field(
        default=None, description="Where in the picture it is when it is first looked for."
    )
    near: PlaceField | None = Field(
        default=None, description="The nearest to this place, [east, north(, up)], m."
    )
    height: Metres = Field(default=1.75, validate_default=False)


class Framing(configs.Config):
    """Who stands where, how large, seen from which side and height.

    Of scale, distance and focal length two fix the third: a shot asks for two of them at most.
    """

    subject: str
    scale: ScaleField | None = None
    distance: Metres | None = None
    position: PositionField = Position(0.5)
    angle: AngleField = 0.0
    side: SideField | None = None
    keep_in_frame: tuple[str, ...] = ()
    roll: Radians = Field(default=0.0, validate_default=False)


class Focus(configs.Config):
    """Who is sharp and who is not; ``near`` and ``far`` are limits of the depth of field."""

    on: str | None = None
    sharp: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()
    near: Metres | None = None
    far: Metres | None = None
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
    """The camera circles the subject, anticlockwise seen from above: by ``angle`` over the shot,
    or at ``rate``."""

    kind: Literal["orbit"]
    angle: Radians | None = None
    rate: RadiansPerSecond | None = None


class PushIn(configs.Config):
    """The camera moves closer, from the framing's scale to that, or the distance, of ``to``, at
    one focal length."""

    kind: Literal["push-in"]
    to: ScaleOrDistanceField


class PullOut(configs.Config):
    """The camera moves away, from the framing's scale to that, or the distance, of ``to``, at one
    focal length."""

    kind: Literal["pull-out"]
    to: ScaleOrDistanceField


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
