"""The grammar of a written quantity.

    quantity  = [sign] number [blank] unit | compound
    sign      = "+" | "-" | "−"
    number    = digits with at most one point, and at most one exponent: 2, 2.5, .5, 1e-3
    blank     = one blank, also one that does not break
    unit      = a word of the table, or one over time: mm, deg, °, m/s, deg/s^2, 1/s
    compound  = feet and inches (5 ft 11 in, 5'11"), minutes and seconds (1 min 30 s),
                or an exposure time (1/48 s)

Nothing is evaluated, and no text is read that is longer than `LONGEST` characters.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cinempc.units import table
from cinempc.units.table import Unit

#: No quantity is longer, characters.
LONGEST = 60
NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_SIGN, _EXPONENT, _BLANK = r"[+\-−]?", r"(?:[eE][+\-−]?[0-9]{1,3})?", "[ \u00a0\u2009\u202f]?"
_BARE = re.compile(f"({_SIGN}{NUMBER}{_EXPONENT})")
_SIMPLE = re.compile(rf"({_SIGN}{NUMBER}{_EXPONENT}){_BLANK}(1/\S+|[^\s0-9]\S*)")


def _two(above: tuple[str, ...], below: tuple[str, ...]) -> re.Pattern[str]:
    first, second = ("|".join(map(re.escape, words)) for words in (above, below))
    return re.compile(
        rf"({_SIGN})([0-9]+){_BLANK}({first}){_BLANK}([0-9]+(?:\.[0-9]*)?){_BLANK}({second})"
    )


#: Compounds, with how many of the second unit make one of the first.
_COMPOUNDS = (
    (_two(table.FEET, table.INCHES), 12),
    (_two(table.MINUTES, table.SECONDS), 60),
)
_EXPOSURE = re.compile(rf"1/([1-9][0-9]{{0,5}}){_BLANK}({'|'.join(table.SECONDS)})")


class Reading(NamedTuple):
    """A quantity as it is written: a value in a unit."""

    value: float
    unit: Unit
    spelling: str


def read(words: str) -> Reading | None:
    """What the grammar finds in a text without blanks around it; None if it does not fit."""
    if len(words) > LONGEST:
        return None
    if simple := _SIMPLE.fullmatch(words):
        unit = table.find(simple[2])
        if unit is not None:
            return Reading(_value(simple[1]), unit, simple[2])
    for pattern, most in _COMPOUNDS:
        if match := pattern.fullmatch(words):
            sign, whole, above, rest, _ = match.groups()
            if float(rest) >= most:
                return None
            value = float(whole) + float(rest) / most
            return Reading(-value if sign in ("-", "−") else value, table.WORDS[above], above)
    if exposure := _EXPOSURE.fullmatch(words):
        return Reading(1 / int(exposure[1]), table.WORDS[exposure[2]], exposure[2])
    return None


def value(words: str) -> float | None:
    """What the grammar finds in a text that is a number only; None if it is none."""
    return _value(words) if len(words) <= LONGEST and _BARE.fullmatch(words) else None


def is_number(text: str) -> bool:
    """Whether a text is a number by itself, without a unit."""
    return value(text.strip()) is not None


def begins_as_number(text: str) -> bool:
    """Whether a text is meant as a quantity, and not as a name: it begins with a digit of any
    script, a sign or a point."""
    first = text.strip()[:1]
    return first.isdecimal() or (first != "" and first in "+-−–—.,~")


def _value(digits: str) -> float:
    return float(digits.replace("−", "-"))
