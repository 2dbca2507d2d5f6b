"""Quantities as a director writes them ("35 mm", "12 s", "30 deg", "f/2.8"), parsed once.

Each name below is a pydantic field type: the file holds a string with a unit, the model holds a
float in the project's unit. A bare number is refused, because a length without a unit is how a
drone ends up a thousand times too high; so is whatever else the grammar of `grammar` does not
know, with what was probably meant.
"""

from __future__ import annotations

from cinempc.units.fields import (
    DioptresPerSecond,
    FNumber,
    FramesPerSecond,
    Kilograms,
    Metres,
    MetresPerSecond,
    MetresPerSecond2,
    MetresPerSecond3,
    Millimetres,
    MillimetresPerSecond,
    PerSecond,
    Radians,
    RadiansPerSecond,
    RadiansPerSecond2,
    Seconds,
    StopsPerSecond,
)
from cinempc.units.grammar import begins_as_number, is_number
from cinempc.units.quantity import number, parse, parse_f_number, shown

__all__ = [
    "DioptresPerSecond",
    "FNumber",
    "FramesPerSecond",
    "Kilograms",
    "Metres",
    "MetresPerSecond",
    "MetresPerSecond2",
    "MetresPerSecond3",
    "Millimetres",
    "MillimetresPerSecond",
    "PerSecond",
    "Radians",
    "RadiansPerSecond",
    "RadiansPerSecond2",
    "Seconds",
    "StopsPerSecond",
    "begins_as_number",
    "is_number",
    "number",
    "parse",
    "parse_f_number",
    "shown",
]
