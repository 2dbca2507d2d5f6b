"""A written quantity becomes a float, or a message that says what is wrong and what is meant."""

from __future__ import annotations

import math
import re

from cinempc.units import grammar, hints, table

#: What is shown as it is.
_PLAIN = (str, int, float, bool, type(None))
_INFINITE = {"inf", "infinity", "∞"}
_F_NUMBER = re.compile(rf"[fFtTƒ] ?/? ?({grammar.NUMBER})")
#: What an example is written in, by the unit of the field.
_USUAL = {
    "m": ("5", "m"),
    "mm": ("35", "mm"),
    "s": ("12", "s"),
    "radian": ("30", "deg"),
    "radian/s": ("40", "deg/s"),
    "radian/s**2": ("120", "deg/s^2"),
    "m/s": ("3", "m/s"),
    "m/s**2": ("3", "m/s^2"),
    "m/s**3": ("8", "m/s^3"),
    "%": ("60", "%"),
    "fps": ("24", "fps"),
}


def parse(text: object, unit: str) -> float:
    """The value of a written quantity in a unit.

    Args:
        text: such as ``"35 mm"``; ``"infinity"`` is allowed where the unit is a length.
        unit: the unit to return, such as ``"mm"``: any spelling of the table.

    Raises:
        ValueError: with what is wrong and what is right.
    """
    number, usual = _USUAL.get(unit, ("2", unit))
    example = f"write a value with a unit, such as '{number} {usual}'"
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise ValueError(f"{shown(text)} is not a quantity: {example}")
    if isinstance(text, (int, float)):
        bare = shown(text)
        example = f"'{bare} {usual}'" if math.isfinite(_float(text)) else f"'{number} {usual}'"
        raise ValueError(f"{bare} has no unit: write a value with a unit, such as {example}")
    words = text.strip()
    target = table.find(unit)
    if target is None:
        raise LookupError(f"{unit!r} is no unit")
    if words.lower() in _INFINITE:
        if (target.kind, target.per_time) == ("length", 0):
            return math.inf
        raise ValueError(f"{text!r} is a length only and cannot be turned into {unit}: {example}")
    if len(words) > grammar.LONGEST:
        raise ValueError(f"{shown(text)} is too long for a quantity: {example}")
    found = grammar.read(words)
    if found is None:
        raise ValueError(hints.refusal(words, target, usual, example))
    if not found.unit.measures_as(target):
        what = f"{text!r} is in {found.spelling}, which cannot be turned into {unit}"
        if (target.kind, found.unit.kind) == ("time", "length"):
            what += " (m and ' are lengths; minutes are min, seconds s)"
        raise ValueError(f"{what}: {example}")
    value = found.value * (found.unit.size / target.size)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite value: {example}")
    return value


def number(text: str) -> float:
    """A number without a unit, where the place says the unit: the same number as in a quantity.

    Raises:
        ValueError: it is none, or not finite.
    """
    value = grammar.value(text.strip())
    if value is None:
        raise ValueError(f"{shown(text)} is not a number: write it with a point, such as -2.5")
    if not math.isfinite(value):
        raise ValueError(f"{shown(text)} is not a finite number")
    return value


def parse_f_number(text: object) -> float:
    """The f-number of ``"f/2.8"`` (or ``"f2.8"``, ``"T2.8"``, ``2.8``)."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        value = _float(text)
    elif isinstance(text, str) and len(text) <= grammar.LONGEST:
        match = _F_NUMBER.fullmatch(text.strip())
        if match is None:
            bare = text.strip().removeprefix("1:").lstrip("fFtTƒ/ ").replace(",", ".")
            meant = f"'f/{bare}'" if re.fullmatch(grammar.NUMBER, bare) else "'f/2.8'"
            raise ValueError(f"{text!r} is not an f-number: write it as {meant}")
        value = float(match[1])
    else:
        raise ValueError(f"{shown(text)} is not an f-number: write it as 'f/2.8'")
    if not 0.5 <= value <= 128 or not math.isfinite(value):
        raise ValueError(f"f/{value:g} is not an f-number of a real lens (f/0.5 to f/128)")
    return value


def shown(value: object) -> str:
    """A value as it is shown in a message, shortened: a file may hold anything, lists of a
    thousand million entries too."""
    if isinstance(value, str) and len(value) > grammar.LONGEST:
        return f"{value[: grammar.LONGEST // 2]!r}..."
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**20:
        return "a number of more than 20 digits"
    if isinstance(value, (list, tuple)):
        plain = len(value) <= 8 and all(isinstance(item, _PLAIN) for item in value)
        return f"[{', '.join(map(shown, value))}]" if plain else f"a list of {len(value)}"
    if isinstance(value, dict):
        pairs = value.items()
        plain = len(value) <= 8 and all(isinstance(x, _PLAIN) for pair in pairs for x in pair)
        written = (f"{shown(key)}: {shown(item)}" for key, item in pairs) if plain else ()
        return f"{{{', '.join(written)}}}" if plain else f"{len(value)} fields"
    return repr(value) if isinstance(value, _PLAIN) else f"a {type(value).__name__}"


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond all floats
        return math.inf
