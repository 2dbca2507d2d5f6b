"""All moves by their ``kind``: every module of `cinempc.script.moves` is imported and looked at."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from operator import or_
from types import ModuleType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field

from cinempc.script import moves
from cinempc.script.moves.move import Move


def discover(package: ModuleType) -> dict[str, type[Move]]:
    """The moves in a package's modules, by kind, in the order of their modules' names.

    Raises:
        ValueError: two moves of one kind.
    """
    kinds: dict[str, type[Move]] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        name = f"{package.__name__}.{module}"
        for move in vars(import_module(name)).values():
            if not (inspect.isclass(move) and issubclass(move, Move) and move.__module__ == name):
                continue
            kind = kind_of(move)
            if kind is None:
                continue  # what moves share
            if kind in kinds:
                raise ValueError(f"{name}: there is a move of the kind {kind!r} already")
            kinds[kind] = move
    return kinds


def kind_of(move: type[Move]) -> str | None:
    """A move's name in a script; None for a class that is only what moves share."""
    annotation = move.model_fields["kind"].annotation
    return str(get_args(annotation)[0]) if get_origin(annotation) is Literal else None


def union(kinds: Iterable[type[Move]]) -> Any:
    """The type of a field that holds one of these moves, told apart by ``kind``."""
    any_of = reduce(or_, kinds)
    return Annotated[any_of, Field(discriminator="kind")]


@dataclass(frozen=True)
class MoveHelp:
    """A move as a director reads of it: what its file says.

    Attributes:
        kind: its name in a script.
        fields: its fields by name, and what each is.
        text: what it does.
    """

    kind: str
    fields: Mapping[str, str]
    text: str

    def row(self) -> str:
        """The move as a row of a Markdown table: kind, fields, what it does."""
        fields = ", ".join(f"`{name}` ({what})" for name, what in self.fields.items())
        return f"| `{self.kind}` | {fields} | {self.text} |".replace("|  |", "| |")


def help_of(move: type[Move]) -> MoveHelp:
    """A move's docstring, and the descriptions of its fields."""
    fields = {
        info.alias or name: info.description or ""
        for name, info in move.model_fields.items()
        if name != "kind"
    }
    return MoveHelp(str(kind_of(move)), fields, " ".join((move.__doc__ or "").split()))


#: Every move by its kind.
MOVES: Mapping[str, type[Move]] = discover(moves)
