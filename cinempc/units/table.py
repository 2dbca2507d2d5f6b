"""The units that quantities are written in, and all their spellings.

Sizes are those of the SI brochure (9th ed., 2019) and, for feet, inches, yards, miles and pounds,
of the international yard and pound agreement (1959).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A unit: what it measures, and its size.

    Attributes:
        kind: what stands above the line: length, time, angle, mass, dioptre, stop, share; number
            where nothing does, as in 1/s.
        per_time: the power of time below the line: 2 for m/s².
        size: in m, s, rad, kg, 1/m, stops, per cent and 1, each per second as often as it says.
    """

    kind: str
    per_time: int
    size: float

    def measures_as(self, other: Unit) -> bool:
        """Whether a value in the one can be turned into the other."""
        return (self.kind, self.per_time) == (other.kind, other.per_time)


DEGREE_SIGNS = "°º˚"
FEET = ("ft", "foot", "feet", "'", "′", "’")
INCHES = ("in", "inch", "inches", '"', "″", "”", "''", "′′")
MINUTES = ("min", "minute", "minutes")
SECONDS = ("s", "sec", "secs", "second", "seconds")

_FOOT, _DEGREE = 0.3048, math.pi / 180
_ROWS: tuple[tuple[str, int, float, tuple[str, ...]], ...] = (
    ("length", 0, 1.0, ("m", "metre", "metres", "meter", "meters")),
    ("length", 0, 1e-6, ("um", "µm", "μm", "micrometre", "micrometres")),
    ("length", 0, 1e-3, ("mm", "millimetre", "millimetres", "millimeter", "millimeters")),
    ("length", 0, 1e-2, ("cm", "centimetre", "centimetres", "centimeter", "centimeters")),
    ("length", 0, 1e3, ("km", "kilometre", "kilometres", "kilometer", "kilometers")),
    ("length", 0, _FOOT, FEET),
    ("length", 0, _FOOT / 12, INCHES),
    ("length", 0, _FOOT * 3, ("yd", "yard", "yards")),
    ("length", 0, _FOOT * 5280, ("mi", "mile", "miles")),
    ("time", 0, 1.0, SECONDS),
    ("time", 0, 1e-6, ("us", "µs", "μs", "microsecond", "microseconds")),
    ("time", 0, 1e-3, ("ms", "msec", "millisecond", "milliseconds")),
    ("time", 0, 60.0, MINUTES),
    ("time", 0, 3600.0, ("h", "hr", "hrs", "hour", "hours")),
    ("angle", 0, 1.0, ("rad", "radian", "radians")),
    ("angle", 0, 1e-3, ("mrad", "milliradian", "milliradians")),
    ("angle", 0, _DEGREE, ("deg", "degree", "degrees", *DEGREE_SIGNS)),
    ("angle", 0, 2 * math.pi, ("turn", "turns")),
    ("mass", 0, 1.0, ("kg", "kilogram", "kilograms")),
    ("mass", 0, 1e-3, ("g", "gram", "grams")),
    ("mass", 0, 0.45359237, ("lb", "lbs", "pound", "pounds")),
    ("dioptre", 0, 1.0, ("dioptre", "dioptres", "diopter", "diopters", "dpt")),
    ("stop", 0, 1.0, ("stop", "stops")),
    ("share", 0, 1.0, ("%",)),
    ("length", 1, _FOOT * 5280 / 3600, ("mph",)),
    ("length", 1, 1 / 3.6, ("kph", "kmh")),
    ("length", 1, 1852 / 3600, ("kn", "knot", "knots")),
    ("number", 1, 1.0, ("Hz", "fps")),
    ("number", 1, 1e3, ("kHz",)),
)
#: Units of one word, by each of their spellings.
WORDS = {word: Unit(kind, power, size) for kind, power, size, words in _ROWS for word in words}

_POWERS = {"^2": 2, "**2": 2, "²": 2, "^3": 3, "**3": 3, "³": 3}


def find(text: str) -> Unit | None:
    """The unit that is spelled so: a word of the table, or one over time ("m/s", "deg/s^2",
    "m/s/s", "1/s"); None if there is no such."""
    above, *below = text.split("/")
    if not below:
        return WORDS.get(above)
    unit = Unit("number", 0, 1.0) if above in ("", "1") else WORDS.get(above)
    if unit is None or unit.per_time or unit.kind == "share":
        return None
    power, size = 0, unit.size
    for part in below:
        time, exponent = part, 1
        for suffix, value in _POWERS.items():
            if part.endswith(suffix):
                time, exponent = part.removesuffix(suffix), value
                break
        over = WORDS.get(time)
        if over is None or (over.kind, over.per_time) != ("time", 0):
            return None
        power, size = power + exponent, size / over.size**exponent
        if power > 3:
            return None
    return Unit(unit.kind, power, size)
