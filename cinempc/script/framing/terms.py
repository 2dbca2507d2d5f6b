"""Framing terms of the trade: shot scales, positions in the picture, angles and sides.

A shot scale is named by how much of a standing body it shows. From that, and from the room above
the head, follow how tall the whole body would be in the picture and where a body point stands.
The cuts are those of C. J. Bowen and R. Thompson, *Grammar of the Shot*, 4th ed. (2017), chapter
1 (extreme close-up: part of the face; close-up: to the shoulders; medium close-up: to the chest;
medium: below the waist; medium long or "cowboy": above the knees; long: the whole body).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, PlainSerializer, PlainValidator

from cinempc import configs, units
from cinempc.rig.subject import body_fraction

Num = Any


@dataclass(frozen=True)
class Scale:
    """How large a body is in the picture.

    ``stature`` is the image height of the whole body as a fraction of the frame's height (above
    one where the frame cuts it); ``point`` is the body point that the framing places, ``v`` where
    it stands by default, as a fraction of the height from the top.
    """

    stature: float
    point: str
    v: float


def _cut(visible: float, headroom: float, point: str) -> Scale:
    """A scale that shows the upper ``visible`` part of the body under ``headroom``."""
    stature = (1 - headroom) / visible
    return Scale(stature, point, headroom + (1 - body_fraction(point)) * stature)


def _whole(stature: float, headroom: float) -> Scale:
    return Scale(stature, "centre", headroom + 0.5 * stature)


def scale_of(stature: float) -> Scale:
    """The scale of a body's share of the frame's height: whole in the picture up to 0.9, from
    there on cut at the foot of the frame, the eyes under a tenth of headroom."""
    if stature <= 0.9:
        return _whole(stature, 0.5 * (1 - stature) * 0.9)
    return Scale(stature, "eyes", 0.10 + (1 - body_fraction("eyes")) * stature)


def headroom(scale: Scale, v: float | None) -> float:
    """Where the top of the head is in the picture: 0 at its upper edge, below 0 if cut off.

    Args:
        scale: the shot's.
        v: where the scale's point is placed, None where the scale says it.
    """
    placed = scale.v if v is None else v
    return placed - (1 - body_fraction(scale.point)) * scale.stature


#: The named shot scales.
SCALES = {
    "ECU": Scale(1 / 0.11, "eyes", 0.42),
    "CU": _cut(visible=0.20, headroom=0.06, point="eyes"),
    "MCU": _cut(visible=0.30, headroom=0.08, point="eyes"),
    "MS": _cut(visible=0.45, headroom=0.10, point="eyes"),
    "MLS": _cut(visible=0.66, headroom=0.11, point="eyes"),
    "LS": _whole(stature=0.78, headroom=0.12),
    "ELS": _whole(stature=0.30, headroom=0.42),
}


@dataclass(frozen=True)
class Position:
    """Where the framed point stands, in fractions of the picture from its top left.

    Attributes:
        u: sideways; None for lead room, see `lead_room`.
        v: upright; None where the scale says it.
    """

    u: float | None
    v: float | None = None


def lead_room(heading: Num, azimuth: Num) -> Num:
    """u that leaves room where the subject looks: at a third in profile, in the middle face-on.

    Args:
        heading: of the subject, rad.
        azimuth: from the subject to the camera, rad, in the same frame.
    """
    return 0.5 - np.sin(heading - azimuth) / 6


#: Named positions.
_SIDEWAYS: dict[str, float | None] = {
    "centre": 0.5,
    "third-left": 1 / 3,
    "third-right": 2 / 3,
    "quarter-left": 0.25,
    "quarter-right": 0.75,
    "lead-room": None,
}
_UPRIGHT = {"upper-": 1 / 3, "middle-": 0.5, "lower-": 2 / 3}
POSITIONS = {
    **{name: Position(u) for name, u in _SIDEWAYS.items()},
    **{up + name: Position(u, v) for up, v in _UPRIGHT.items() for name, u in _SIDEWAYS.items()},
}

#: Camera angles: elevation of the camera as seen from the subject's eyes.
ANGLES = {
    "worms-eye": math.radians(-25),
    "low": math.radians(-8),
    "eye-level": 0.0,
    "high": math.radians(20),
    "birds-eye": math.radians(70),
    "top": math.radians(70),
}
#: Steepest angle, degrees: short of straight down, where a camera's heading loses its sense.
STEEPEST = 85.0


@dataclass(frozen=True)
class Side:
    """From which side a subject is seen: direction to the camera, rad, anticlockwise from the
    subject's heading, or with ``in_world`` from east."""

    azimuth: float
    in_world: bool = False

    def world(self, heading: float) -> float:
        """The direction in the world for a subject's heading, rad."""
        return self.azimuth if self.in_world else heading + self.azimuth


#: Sides: direction of the camera from the subject, anticlockwise from its heading.
SIDES = {
    "front": 0.0,
    "three-quarter-left": math.radians(45),
    "profile-left": math.radians(90),
    "rear-left": math.radians(135),
    "back": math.radians(180),
    "rear-right": math.radians(-135),
    "profile-right": math.radians(-90),
    "three-quarter-right": math.radians(-45),
}


def parse_scale(text: object) -> Scale:
    """A scale by name ("MS") or as the body's share of the frame's height ("60 %").

    Raises:
        ValueError: neither, with the names that there are.
    """
    if isinstance(text, Scale):
        return text
    if isinstance(text, str):
        if text.strip().upper() in SCALES:
            return SCALES[text.strip().upper()]
        if units.begins_as_number(text):
            stature = units.parse(text, "%") / 100
            if not 0.02 <= stature <= 12:
                raise ValueError(f"{text} of the frame's height: give 2 % to 1200 %")
            return scale_of(stature)
    raise ValueError(
        f"{units.shown(text)} is not a shot scale: write one of {', '.join(SCALES)}, or the body's "
        "share of the frame's height, such as '60 %'"
    )


def parse_scale_or_distance(text: object) -> Scale | float:
    """A scale, or a distance in m ("4 m").

    Raises:
        ValueError: neither.
    """
    if isinstance(text, str) and units.begins_as_number(text) and "%" not in text:
        distance = units.parse(text, "m")
        if not 0 < distance < math.inf:
            raise ValueError(f"a distance is above zero and finite, it is {text!r}")
        return distance
    try:
        return parse_scale(text)
    except ValueError as error:
        raise ValueError(f"{error}; or a distance, such as '4 m'") from None


def parse_position(text: object) -> Position:
    """Where in the picture: a name, or {u, v} with v left out where the scale shall say it.

    Raises:
        ValueError: with the names that there are.
    """
    if isinstance(text, Position):
        return text
    if isinstance(text, dict) and "u" in text and set(text) <= {"u", "v"}:
        numbers = [
            v for v in text.values() if isinstance(v, (int, float)) and not isinstance(v, bool)
        ]
        if len(numbers) < len(text) or not all(0 <= v <= 1 for v in numbers):
            raise ValueError("u and v are fractions of the picture, 0 to 1")
        return Position(float(text["u"]), float(text["v"]) if "v" in text else None)
    if isinstance(text, str) and text.strip() in POSITIONS:
        return POSITIONS[text.strip()]
    hint = configs.suggest(text, list(POSITIONS)) if isinstance(text, str) else ""
    raise ValueError(
        f"{units.shown(text)} is not a position{hint}: write one of {', '.join(_SIDEWAYS)}, with "
        "upper-, middle- or lower- before it if need be, or {u: 0.33, v: 0.4} in fractions of "
        "the picture"
    )


def _named_angle(text: object, names: dict[str, float], what: str) -> float:
    if isinstance(text, str):
        if text.strip() in names:
            return names[text.strip()]
        if units.begins_as_number(text):
            return units.parse(text, "radian")
    hint = configs.suggest(text, list(names)) if isinstance(text, str) else ""
    raise ValueError(
        f"{units.shown(text)} is not {what}{hint}: write one of {', '.join(names)}, or degrees, "
        "such as '30 deg'"
    )


def parse_angle(text: object) -> float:
    """Elevation of the camera above the subject's eyes, rad: a name or degrees.

    Raises:
        ValueError: neither, or too steep.
    """
    angle = _named_angle(text, ANGLES, "an angle")
    if abs(math.degrees(angle)) > STEEPEST:
        raise ValueError(f"{text!r} is too steep: give {-STEEPEST:g} deg to {STEEPEST:g} deg")
    return angle


def parse_side(text: object) -> Side:
    """A side by name or degrees, or ``{world: "30 deg"}`` from east.

    Raises:
        ValueError: none of these.
    """
    if isinstance(text, Side):
        return text
    if isinstance(text, dict) and set(text) == {"world"}:
        return Side(units.parse(text["world"], "radian"), in_world=True)
    try:
        return Side(_named_angle(text, SIDES, "a side"))
    except ValueError as error:
        raise ValueError(f"{error}; or {{world: 30 deg}}, from east") from None


ScaleField = Annotated[
    Scale, BeforeValidator(parse_scale), PlainSerializer(lambda s: f"{s.stature:.0%}")
]
# A plain validator: pydantic knows no schema of the union of a dataclass that it must not build
# and a float that it must not read.
ScaleOrDistanceField = Annotated[Scale | float, PlainValidator(parse_scale_or_distance)]
PositionField = Annotated[Position, BeforeValidator(parse_position)]
AngleField = Annotated[float, BeforeValidator(parse_angle)]
SideField = Annotated[Side, BeforeValidator(parse_side)]
