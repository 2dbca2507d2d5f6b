"""Options of commands, made from those of the application layer: one place says what each is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

import annotated_types
import typer

from cinempc import units
from cinempc.app.options.options import Chosen, Options

#: The script of a command.
ScriptPath = Annotated[
    str, typer.Argument(metavar="SCRIPT", help="A script file, or the name of a shipped one.")
]
#: A description, and at its end in brackets what happens if nothing is said.
_DEFAULT = re.compile(r"(.*?)(?: \[(.+)\])?", re.DOTALL)
#: The unit that a description ends with, or that stands before what else it says.
_UNIT = re.compile(r", (m/s|m|s|deg|degrees)(?: anticlockwise.*)?\.$")
_UNITS = {"degrees": "deg"}
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def defaults(kind: type[Chosen]) -> Chosen:
    """Options as they are if nothing is said of them."""
    return kind.model_construct()  # nothing to validate: quicker


def option(options: Options, name: str, *flags: str, **more: Any) -> Any:
    """A command's option with the description and the range of an application option.

    Args:
        options: it belongs to.
        name: of the field.
        *flags: as they are written, where not as the parameter.
        **more: for `typer.Option`.
    """
    field = type(options).model_fields[name]
    limits: dict[str, Any] = {}
    for item in field.metadata:
        if isinstance(item, annotated_types.Ge):
            limits["min"] = item.ge
        elif isinstance(item, annotated_types.Le):
            limits["max"] = item.le
    words, default = _DEFAULT.fullmatch(field.description or "").groups()  # type: ignore[union-attr]
    if field.annotation in (float, float | None):
        limits = {"parser": _number(words, **limits), "metavar": _span(**limits)}
    if default:
        more["show_default"] = default
    parameter: Any = typer.Option
    return parameter(*flags, help=words, **limits, **more)


def _number(words: str, min: float = -math.inf, max: float = math.inf) -> Callable[[Any], float]:
    """Reads a number in the unit that an option's description ends with, or a quantity with a unit
    of its own, by the grammar of the files: what could be read in two ways is refused."""
    named = _UNIT.search(words)
    unit = None if named is None else _UNITS.get(named[1], named[1])

    def read(text: Any) -> float:
        if not isinstance(text, str):
            return float(text)  # a default
        try:
            if unit is None or units.is_number(text):
                value = units.number(text)
            else:
                value = units.parse(text, unit)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if not min <= value <= max:
            raise typer.BadParameter(f"{text} is not in the range {_span(min, max)}")
        return value

    return read


def _span(min: float = -math.inf, max: float = math.inf) -> str:
    if math.isinf(min) and math.isinf(max):
        return "NUMBER"
    return f"{min:g} or more" if math.isinf(max) else f"{min:g} to {max:g}"


def place(text: str | None) -> tuple[float, float, float] | None:
    """A place that a user wrote as X,Y or X,Y,Z, ENU m.

    Raises:
        BadParameter: it is none.
    """
    if text is None:
        return None
    try:
        values = [units.number(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in (2, 3):
        raise typer.BadParameter(f"{text!r}: write it as x,y or x,y,z in metres, such as 10,-4")
    x, y, z = [*values, 0.0][:3]
    return x, y, z


def picture_size(text: str | None) -> tuple[int, int] | None:
    """A size that a user wrote as WxH, px.

    Raises:
        BadParameter: it is none.
    """
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise typer.BadParameter(f"{text!r}: write it as 640x360, in px")
    return int(width), int(height)
