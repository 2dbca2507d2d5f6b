"""The fields of a shot that every move has: framing, focus, lens, duration."""

from __future__ import annotations

from pydantic import Field

from cinempc import configs
from cinempc.script.framing.terms import (
    AngleField,
    Position,
    PositionField,
    ScaleField,
    SideField,
)
from cinempc.units import FNumber, Metres, Millimetres, Radians, Seconds

#: The path of a field from its shot, and what is wrong with it.
FieldPath = tuple[str | int, ...]
Mistake = tuple[str, FieldPath]


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


class LensWish(configs.Config):
    """What is wished of the lens where the move does not say."""

    focal_length: Millimetres | None = None


class ShotFields(configs.Config):
    """A shot without its move: what the move is given of it.

    ``blend`` is the time in which the shot eases in from the picture before it; ``settle`` the
    part of the shot that the figures leave out.
    """

    name: str
    duration: Seconds
    framing: Framing
    focus: Focus = Focus()
    lens: LensWish = LensWish()
    blend: Seconds = Field(default=3.0, validate_default=False)
    settle: Seconds | None = None
