"""Quantities as a director writes them ("35 mm", "12 s", "30 deg", "f/2.8"), parsed once.

Each name below is a pydantic field type: the file holds a string with a unit, the model holds a
float in the project's unit. pint knows the units; a bare number is refused, because a length
without a unit is how a drone ends up a thousand times too high.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any

import pint
from pydantic import BeforeValidator, PlainSerializer

_F_NUMBER = re.compile(r"^\s*[fFtT]\s*/?\s*(\d+(?:\.\d+)?)\s*$")


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Any]:
    # Built on first use: reading pint's definitions takes longer than `cinempc --help` should.
    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(
        cache_folder=":auto:",
        on_redefinition="ignore",  # fps is frames here, not feet, per second
    )
    registry.define("stop = 1 = stops")
    registry.define("dioptre = 1 / meter = _ = dioptres = diopter = diopters")
    registry.define("frame_per_second = 1 / second = fps")
    return registry


def parse(text: object, unit: str) -> float:
    """The value of a written quantity in a unit.

    Args:
        text: such as ``"35 mm"``; ``"infinity"`` is allowed where the unit is a length.
        unit: the pint unit to return, such as ``"mm"``.

    Raises:
        ValueError: with what is wrong and an example of what is right.
    """
    example = f"write a value with a unit, such as {_example(unit)!r}"
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise ValueError(f"{text!r} is not a quantity: {example}")
    if isinstance(text, (int, float)):
        raise ValueError(f"{text} has no unit: {example}")
    words = text.strip()
    if words.lower() in {"inf", "infinity", "∞"} and unit in {"m", "mm"}:
        return math.inf
    try:
        quantity: Any = _registry().Quantity(words)
        value = float(quantity.to(unit).magnitude)
    except pint.DimensionalityError as error:
        raise ValueError(
            f"{text!r} is in {error.units1}, which cannot be turned into {unit}: {example}"
        ) from None
    except Exception:  # pint raises tokenizer, attribute and its own errors for unreadable text
        raise ValueError(f"{text!r} is not a quantity: {example}") from None
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite value: {example}")
    return value


def parse_f_number(text: object) -> float:
    """The f-number of ``"f/2.8"`` (or ``"f2.8"``, ``"T2.8"``, ``2.8``)."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        value = float(text)
    elif isinstance(text, str) and (match := _F_NUMBER.match(text)):
        value = float(match.group(1))
    else:
        raise ValueError(f"{text!r} is not an f-number: write it as 'f/2.8'")
    if not 0.5 <= value <= 128 or not math.isfinite(value):
        raise ValueError(f"f/{value:g} is not an f-number of a real lens (f/0.5 to f/128)")
    return value


def _example(unit: str) -> str:
    return {
        "m": "5 m",
        "mm": "35 mm",
        "s": "12 s",
        "radian": "30 deg",
        "radian/s": "40 deg/s",
        "radian/s**2": "120 deg/s^2",
        "m/s": "3 m/s",
    }.get(unit, f"2 {unit}")


def _field(unit: str) -> Callable[[object], float]:
    def validate(value: object) -> float:
        return parse(value, unit)

    return validate


def _quantity(unit: str) -> Any:
    return (
        BeforeValidator(_field(unit)),
        PlainSerializer(lambda value: f"{value:.12g} {unit}", return_type=str, when_used="json"),
    )


Metres = Annotated[float, *_quantity("m")]
Millimetres = Annotated[float, *_quantity("mm")]
Seconds = Annotated[float, *_quantity("s")]
Radians = Annotated[float, *_quantity("radian")]
MetresPerSecond = Annotated[float, *_quantity("m/s")]
MetresPerSecond2 = Annotated[float, *_quantity("m/s**2")]
MetresPerSecond3 = Annotated[float, *_quantity("m/s**3")]
RadiansPerSecond = Annotated[float, *_quantity("radian/s")]
RadiansPerSecond2 = Annotated[float, *_quantity("radian/s**2")]
MillimetresPerSecond = Annotated[float, *_quantity("mm/s")]
DioptresPerSecond = Annotated[float, *_quantity("dioptre/s")]
StopsPerSecond = Annotated[float, *_quantity("stop/s")]
PerSecond = Annotated[float, *_quantity("1/s")]
Kilograms = Annotated[float, *_quantity("kg")]
FramesPerSecond = Annotated[float, *_quantity("fps")]
FNumber = Annotated[
    float,
    BeforeValidator(parse_f_number),
    PlainSerializer(lambda value: f"f/{value:g}", return_type=str, when_used="json"),
]
