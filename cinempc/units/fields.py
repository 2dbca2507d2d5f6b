"""The pydantic field types of quantities: a string with a unit in the file, a float inside."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from cinempc.units.quantity import parse, parse_f_number


def _field(unit: str) -> Callable[[object], float]:
    def validate(value: object) -> float:
        return parse(value, unit)

    return validate


def _written(unit: str) -> Callable[[float], str]:
    def write(value: float) -> str:
        return "infinity" if value == math.inf else f"{value:.12g} {unit}"

    return write


def _quantity(unit: str) -> Any:
    return (
        BeforeValidator(_field(unit)),
        PlainSerializer(_written(unit), return_type=str, when_used="json"),
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
