"""What all options are: immutable, with ranges; from an object or from keywords."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from cinempc import configs
from cinempc.errors import CinempcError

Chosen = TypeVar("Chosen", bound="Options")


class Options(BaseModel):
    """What all options are: immutable, and they refuse what they do not know.

    Raises:
        CinempcError: an unknown option, or a value that it cannot have; all of them at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            known = list(type(self).model_fields)
            raise CinempcError(
                "\n".join(_mistake(item, known) for item in error.errors())
            ) from None


def _mistake(item: Any, known: list[str]) -> str:
    name = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        hint = configs.suggest(name, known)
        return f"unknown option {name!r}{hint} (there are {', '.join(known)})"
    what = str(item["msg"]).removeprefix("Value error, ")
    return f"option {name!r}: {what}, not {item['input']!r}" if name else what


def choose(kind: type[Chosen], options: Chosen | None, changes: dict[str, Any]) -> Chosen:
    """Options from an object, from keywords, or from an object with changes by keywords.

    Raises:
        CinempcError: an unknown option, or a value that it cannot have.
    """
    if options is None:
        return kind(**changes)
    given = {name: getattr(options, name) for name in options.model_fields_set}
    return kind(**given | changes) if changes else options
