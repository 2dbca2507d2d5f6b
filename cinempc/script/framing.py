"""Framing terms of the trade: shot scales, positions in the picture, angles and sides.

A shot scale is named by how much of a standing body it shows. From that, and from the room above
the head, follow how tall the whole body would be in the picture and where a body point stands.
The cuts are those of C. J. Bowen and R. Thompson, *Grammar of the Shot*, 4th ed. (2017), chapter
1 (extreme close-up: part of the face; close-up: to the shoulders; medium close-up: to the chest;
medium: below the waist; medium long or "cowboy": above the knees; long: the whole body).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from cinempc import configs, units
from cinempc.subject import body_fraction


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

#: Named positions: u, and v where the name says one.
_SIDEWAYS = {
    "centre": 0.5,
    "third-left": 1 / 3,
    "third-right": 2 / 3,
    "quarter-left": 0.25,
    "quarter-right": 0.75,
}
_UPRIGHT = {"upper-": 1 / 3, "middle-": 0.5, "lower-": 2 / 3}
POSITIONS: dict[str, tuple[float, float | None]] = {
    **{name: (u, None) for name, u in _SIDEWAYS.items()},
    **{prefix + name: (u, v) for prefix, v in _UPRIGHT.items() for name, u in _SIDEWAYS.items()},
}

#: Camera angles: elevation of the camera as seen from the subject's eyes.
ANGLES = {
    "worms-eye": math.radians(-25),
    "low": math.radians(-8),
    "eye-level": 0.0,
    "high": math.radians(20),
    "top": math.radians(70),
}

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

_PERCENT = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*%\s*$")


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
        if match := _PERCENT.match(text):
            stature = float(match.group(1)) / 100
            if not 0.02 <= stature <= 12:
                raise ValueError(f"{text} of the frame's height: give 2 % to 1200 %")
            if stature <= 0.9:
                return _whole(stature, 0.5 * (1 - stature) * 0.9)
            return Scale(stature, "eyes", 0.10 + (1 - body_fraction("eyes")) * stature)
    raise ValueError(
        f"{text!r} is not a shot scale: write one of {', '.join(SCALES)}, or the body's share of "
        "the frame's height, such as '60 %'"
    )


def parse_position(text: object) -> tuple[float, float | None]:
    """Where in the picture: (u, v), v None where only the sideways place is said.

    Raises:
        ValueError: with the names that there are.
    """
    if isinstance(text, tuple) and len(text) == 2:
        return text
    if isinstance(text, dict):
        unknown = set(text) - {"u", "v"}
        values = [text.get("u"), text.get("v")]
        numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
        if (
            not unknown
            and values[0] is not None
            and len(numbers) == sum(v is not None for v in values)
        ):
            if all(0 <= v <= 1 for v in numbers):
                return float(numbers[0]), None if values[1] is None else float(numbers[1])
            raise ValueError("u and v are fractions of the picture, 0 to 1")
    if isinstance(text, str) and text in POSITIONS:
        return POSITIONS[text]
    hint = configs.suggest(text, list(POSITIONS)) if isinstance(text, str) else ""
    raise ValueError(
        f"{text!r} is not a position{hint}: write one of {', '.join(_SIDEWAYS)}, with upper-, "
        "middle- or lower- before it if need be, or {u: 0.33, v: 0.4} in fractions of the picture"
    )


def _named_angle(names: dict[str, float], what: str) -> Any:
    def parse(text: object) -> float:
        if isinstance(text, float) and not isinstance(text, bool):
            return text
        if isinstance(text, str):
            if text.strip() in names:
                return names[text.strip()]
            if re.match(r"^\s*[-+\d.]", text):
                return units.parse(text, "radian")
        hint = configs.suggest(text, list(names)) if isinstance(text, str) else ""
        raise ValueError(
            f"{text!r} is not {what}{hint}: write one of {', '.join(names)}, or degrees, such as "
            "'30 deg'"
        )

    return parse


ScaleField = Annotated[
    Scale, BeforeValidator(parse_scale), PlainSerializer(lambda s: f"{s.stature:.0%}")
]
PositionField = Annotated[tuple[float, float | None], BeforeValidator(parse_position)]
AngleField = Annotated[float, BeforeValidator(_named_angle(ANGLES, "an angle"))]
SideField = Annotated[float, BeforeValidator(_named_angle(SIDES, "a side"))]
