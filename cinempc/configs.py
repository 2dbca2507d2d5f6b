"""Reads the YAML that users write into pydantic models, and says where a mistake stands.

Every config file goes through `load`: a mistake becomes a `ConfigError` with file, line and
field, all mistakes of a file at once. `find` resolves the short names that scripts use
("super35_zoom") against the script's own folder and the shipped ``configs/``.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from cinempc import documents
from cinempc.errors import ConfigError, ConfigErrors
from cinempc.units import shown

Model = TypeVar("Model", bound=BaseModel)


class Config(BaseModel):
    """What every config model is: immutable, and it refuses fields it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=True)


def root() -> Path:
    """The shipped ``configs/`` folder, in a checkout or in an installed package."""
    package = Path(__file__).resolve().parent
    checkout = package.parent / "configs"
    return checkout if checkout.is_dir() else package / "configs"


def find(kind: str, name: str, near: Path | None = None) -> Path:
    """The file of a config by its short name or path.

    Args:
        kind: the folder in ``configs/``: cameras, vehicles, scenes, scripts, safety.
        name: a short name ("super35_zoom") or a path to a YAML file.
        near: the file that names it; paths are tried from its folder first.

    Raises:
        ConfigError: no such config, with the names that there are.
    """
    folders = [near.parent] if near is not None else []
    folders += [Path.cwd(), root() / kind]
    candidates = [folder / name for folder in folders]
    candidates += [folder / f"{name}.yaml" for folder in folders]
    for candidate in candidates:
        if documents.is_file(candidate):
            return candidate
    if name and any(map(_is_folder, candidates)):
        raise ConfigError(f"{name!r} is a folder: name the YAML file in it", path=near)
    known = sorted(path.stem for path in (root() / kind).glob("*.yaml"))
    raise ConfigError(
        f"no {kind.removesuffix('s')} called {shown(name)}{suggest(name, known)} "
        f"(there are {', '.join(known) or 'none'}; or give the path of a YAML file)",
        path=near,
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def suggest(word: str, known: Sequence[str]) -> str:
    """``"; did you mean 'x'?"`` for a near miss, else an empty string."""
    close = difflib.get_close_matches(word, known, n=1) if len(word) < 100 else []
    return f"; did you mean {close[0]!r}?" if close else ""


def load(path: Path, model: type[Model]) -> Model:
    """Read and validate one YAML file.

    Raises:
        ConfigError: unreadable, not YAML, or not what the model asks for; with file, line, field.
    """
    data = documents.read(path)
    if not isinstance(data, dict):
        raise ConfigError("the file must hold fields, such as 'name: ...'", path=path, line=1)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise explain(error, data, path, model) from None


def explain(
    error: ValidationError, data: Any, path: Path, model: type[BaseModel] | None = None
) -> ConfigError:
    """A pydantic error in the user's words, with the lines where the mistakes stand."""
    mistakes = []
    for item in error.errors():
        location = item["loc"]
        field = ".".join(_brief(part) for part in location if _is_written(part, data, location))
        what = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            known = _fields_at(model, location[:-1]) if model else []
            what = f"unknown field{suggest(str(location[-1]), known)}"
            if known:
                what += f" (fields here: {', '.join(known)})"
        else:
            what = _in_words(item) or what
        mistakes.append(
            ConfigError(what, path=path, line=line_of(data, location), field=field or None)
        )
    return mistakes[0] if len(mistakes) == 1 else ConfigErrors(mistakes)


def _brief(part: int | str) -> str:
    return part if isinstance(part, str) and len(part) <= 60 else str(part)[:60]


def _in_words(item: Any) -> str | None:
    """What pydantic says of a field in the words of who writes YAML, where its own are not."""
    context = item.get("ctx", {})
    match item["type"]:
        case "missing":
            return "is missing"
        case "union_tag_invalid":
            known = [tag.strip().strip("'") for tag in context["expected_tags"].split(",")]
            tag, name = str(context["tag"]), context["discriminator"].strip("'")
            return (
                f"unknown {name} {shown(tag)}{suggest(tag, known)} (there are {', '.join(known)})"
            )
        case "union_tag_not_found":
            name = context["discriminator"].strip("'")
            return f"needs a {name}, such as {{{name}: ...}}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"holds fields, such as {{name: value}}, not {shown(item['input'])}"
        case "tuple_type" | "list_type":
            plain = isinstance(item["input"], str | int | float)
            return f"is a list: write [{shown(item['input']).strip(chr(39)) if plain else '...'}]"
        case "string_type":
            return f"is a word or a text, not {shown(item['input'])}"
        case "invalid_key":
            return "is no field: the names of fields are words"
    return None


def line_of(data: Any, location: Sequence[int | str]) -> int | None:
    """The line, from 1, of the deepest part of a field's path that the file holds."""
    line = None
    for part in location:
        marks = getattr(data, "lc", None)
        try:
            if marks is not None:
                position = marks.item(part) if isinstance(data, list) else marks.key(part)
                line = position[0] + 1
            data = data[part]
        except (KeyError, IndexError, TypeError, AttributeError):
            # Tagged unions put a model's name in the path, and a missing field has no line.
            continue
    return line


def _is_written(part: int | str, data: Any, location: Sequence[int | str]) -> bool:
    """Leaves out the tags that pydantic adds to the path of a union's member."""
    node = data
    for step in location:
        present = (isinstance(node, dict) and step in node) or (
            isinstance(node, list) and isinstance(step, int) and step < len(node)
        )
        if step == part:
            return present or step == location[-1]
        if present:
            node = node[step]
    return True


def _fields_at(model: type[BaseModel] | None, location: Sequence[int | str]) -> list[str]:
    """Names of the fields that a model takes at a path, as far as the types tell."""
    current: Any = model
    for part in location:
        if current is None:
            return []
        if isinstance(part, str) and part in getattr(current, "model_fields", {}):
            current = _model_in(current.model_fields[part].annotation, None)
        elif isinstance(part, str):
            found = _model_in(current, part)
            current = found or current
    fields = getattr(current, "model_fields", {})
    return [info.alias or name for name, info in fields.items()]


def _model_in(annotation: Any, tag: str | None) -> Any:
    """The pydantic model inside an annotation, the one with a discriminator's value if given."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        literals = [
            getattr(info.annotation, "__args__", ()) for info in annotation.model_fields.values()
        ]
        return annotation if tag is None or any(tag in values for values in literals) else None
    arguments = getattr(annotation, "__args__", ())
    found = [model for item in arguments if (model := _model_in(item, tag)) is not None]
    if tag is None and len(found) > 1:
        return annotation
    return found[0] if found else None
