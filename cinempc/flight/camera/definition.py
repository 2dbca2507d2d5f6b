"""MAVLink's camera definition files: what settings a camera has, and what it offers for each.

Source: "Camera Definition File" of mavlink.io. The file comes over the network from whoever says
to be a camera, so it is read with care: no document types, no entities, and limits on everything.
"""

from __future__ import annotations

import lzma
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat

from cinempc.errors import CinempcError
from cinempc.mavlink.ext_params import KINDS
from cinempc.units import parse_f_number

#: Limits: bytes of a file, unpacked; elements in it, and how deep they stand in each other.
LARGEST, MOST_ELEMENTS, DEEPEST = 2 << 20, 20000, 12

#: Types whose values need not be numbers.
_WORDS = frozenset({"bool", "string", "custom"})


class DefinitionError(CinempcError):
    """A camera definition that cannot be had or is none."""


@dataclass(frozen=True)
class Option:
    """One of the values that a setting may have.

    ``excludes`` are settings that do not apply while this one is chosen.
    """

    name: str
    value: str
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """A setting: an extended parameter with its type (a name in `KINDS`) and what it may be.

    ``low``, ``high`` and ``step`` are NaN where the file gives none.
    """

    name: str
    kind: str
    description: str = ""
    default: str | None = None
    options: tuple[Option, ...] = ()
    low: float = math.nan
    high: float = math.nan
    step: float = math.nan
    readable: bool = True
    writable: bool = True
    updates: tuple[str, ...] = ()

    @property
    def mav_type(self) -> int:
        """MAV_PARAM_EXT_TYPE."""
        return KINDS[self.kind]


@dataclass(frozen=True)
class Oddity:
    """What of a definition cannot be used and is left out: ``name`` of the parameter (as far as it
    has one), line, and what is wrong with it."""

    name: str
    line: int
    error: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.error}"


@dataclass(frozen=True)
class Definition:
    """A camera's settings by name, and what is left out of the file."""

    model: str
    vendor: str
    version: int
    settings: dict[str, Setting] = field(default_factory=dict)
    left_out: tuple[Oddity, ...] = ()


# --- reading ---


@dataclass
class _Element:
    tag: str
    attributes: dict[str, str]
    line: int
    children: list[_Element] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str) -> list[_Element]:
        return [child for child in self.children if child.tag == tag]

    def first(self, tag: str) -> _Element | None:
        found = self.all(tag)
        return found[0] if found else None

    def words(self, tag: str) -> str:
        found = self.first(tag)
        return "" if found is None else found.text.strip()


def parse(data: bytes | str) -> Definition:
    """A definition from its XML, which may be .xz compressed.

    A parameter that cannot be understood is left out, and so is an option: the rest of the file is
    as good without it. `Definition.left_out` says which, and why.

    Raises:
        DefinitionError: it is none, with line and reason.
    """
    if isinstance(data, str):
        # A lone surrogate is no character, and no XML either.
        data = data.encode(errors="surrogatepass")
    if data.startswith(b"\xfd7zXZ\x00"):
        data = _unpack(data)
    if len(data) > LARGEST:
        raise DefinitionError(f"the camera definition is larger than {LARGEST >> 20} MiB")
    root = _tree(data)
    if root.tag != "mavlinkcamera":
        raise DefinitionError(f"line {root.line}: a camera definition begins with <mavlinkcamera>")
    about = root.first("definition")
    if about is None:
        raise DefinitionError("the camera definition has no <definition> with model and vendor")
    settings: dict[str, Setting] = {}
    left_out: list[Oddity] = []
    for parameters in root.all("parameters"):
        for element in parameters.all("parameter"):
            try:
                setting = _setting(element, left_out)
                if setting.name in settings:
                    raise _OddError(f"a second parameter {setting.name!r}; the first is used")
            except _OddError as odd:
                name = _short(element.attributes.get("name", ""))
                left_out.append(Oddity(name, odd.line or element.line, str(odd)))
                continue
            settings[setting.name] = setting
    version = about.attributes.get("version", "0")
    return Definition(
        about.words("model"),
        about.words("vendor"),
        int(version) if version.isdecimal() and len(version) < 10 else 0,
        settings,
        tuple(left_out),
    )


def _unpack(data: bytes) -> bytes:
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=64 << 20)
    try:
        return unpacker.decompress(data, max_length=LARGEST + 1)
    except (lzma.LZMAError, EOFError, MemoryError) as error:
        raise DefinitionError(f"the camera definition cannot be unpacked: {error}") from None


def _tree(data: bytes) -> _Element:
    reader = expat.ParserCreate()
    reader.buffer_text = True
    root: list[_Element] = []
    stack: list[_Element] = []
    count = 0

    def refuse(what: str) -> Callable[..., None]:
        def handler(*_: object) -> None:
            raise DefinitionError(
                f"line {reader.CurrentLineNumber}: a camera definition may not have {what}"
            )

        return handler

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MOST_ELEMENTS:
            raise DefinitionError(f"the camera definition has more than {MOST_ELEMENTS} elements")
        if len(stack) >= DEEPEST:
            raise DefinitionError(f"line {reader.CurrentLineNumber}: nested too deep")
        element = _Element(tag, attributes, reader.CurrentLineNumber)
        (stack[-1].children if stack else root).append(element)
        stack.append(element)

    def end(tag: str) -> None:
        stack.pop()

    def text(words: str) -> None:
        stack[-1].text += words

    reader.StartElementHandler, reader.EndElementHandler = start, end
    reader.CharacterDataHandler = text
    reader.StartDoctypeDeclHandler = refuse("a document type")
    reader.EntityDeclHandler = refuse("entities")
    reader.ExternalEntityRefHandler = refuse("external entities")  # type: ignore[assignment]
    try:
        reader.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise DefinitionError(
            f"line {error.lineno}: the camera definition is not XML: {reason}"
        ) from None
    except (ValueError, LookupError) as error:  # an encoding that Python does not know
        raise DefinitionError(f"the camera definition cannot be read: {error}") from None
    return root[0]


class _OddError(Exception):
    """A parameter that cannot be understood; ``line`` is 0 for that of the parameter itself."""

    def __init__(self, words: str, line: int = 0) -> None:
        super().__init__(words)
        self.line = line


def _setting(element: _Element, left_out: list[Oddity]) -> Setting:
    """A parameter; its options that cannot be understood go to ``left_out``.

    Raises:
        _OddError: the parameter itself cannot be understood.
    """
    given = element.attributes
    name = given.get("name", "")
    if not 1 <= len(name.encode(errors="surrogatepass")) <= 16:
        raise _OddError(f"a parameter's name has 1 to 16 characters, not {_short(name)!r}")
    kind = given.get("type", "")
    if kind not in KINDS:
        raise _OddError(f"{name} has type {_short(kind)!r} (there are {', '.join(KINDS)})")
    options = []
    listed = element.first("options")
    for option in listed.all("option") if listed is not None else []:
        try:
            options.append(_option(option, name, kind))
        except _OddError as odd:
            left_out.append(Oddity(name, option.line, str(odd)))
    updated = element.first("updates")
    return Setting(
        name,
        kind,
        element.words("description"),
        given.get("default"),
        tuple(options),
        _number(element, "min"),
        _number(element, "max"),
        _number(element, "step"),
        readable=given.get("writeonly", "0") not in ("1", "true"),
        writable=given.get("readonly", "0") not in ("1", "true"),
        updates=tuple(e.text.strip() for e in updated.all("update")) if updated else (),
    )


def _option(element: _Element, name: str, kind: str) -> Option:
    given = element.attributes
    if "name" not in given or "value" not in given:
        raise _OddError(f"an option of {name} needs a name and a value")
    if kind not in _WORDS:
        try:
            float(given["value"])
        except ValueError:
            raise _OddError(
                f"the option {_short(given['name'])!r} of {name} has the value "
                f"{_short(given['value'])!r}, which is no number"
            ) from None
    excluded = element.first("exclusions")
    return Option(
        given["name"],
        given["value"],
        tuple(e.text.strip() for e in excluded.all("exclude")) if excluded else (),
    )


def _number(element: _Element, name: str) -> float:
    words = element.attributes.get(name)
    if words is None:
        return math.nan
    try:
        return float(words)
    except ValueError:
        raise _OddError(
            f"{name}={_short(words)!r} of {element.attributes.get('name')} is no number"
        ) from None


def _short(words: str) -> str:
    """What is shown of words from outside."""
    return words if len(words) <= 40 else f"{words[:39]}…"


# --- what a setting offers ---


def numbers(setting: Setting) -> dict[float, float]:
    """The setting's values by the number that each stands for: what the option's name says
    ("f/2.8", "1/50", "ISO 400"), else the value itself. Empty for one that offers no numbers."""
    offered: dict[float, float] = {}
    for option in setting.options:
        try:
            value = float(option.value)
        except ValueError:
            continue
        meant = _meaning(option.name)
        if meant is None and not any(c.isalpha() for c in option.name):
            meant = value
        if meant is not None and math.isfinite(meant) and math.isfinite(value):
            offered[meant] = value
    if not setting.options and setting.high > setting.low and setting.step > 0:
        count = min(int((setting.high - setting.low) / setting.step + 1e-6) + 1, 1000)
        offered = {v: v for v in (setting.low + i * setting.step for i in range(count))}
    return offered


def _meaning(name: str) -> float | None:
    words = name.strip().removeprefix("ISO").strip()
    try:
        return parse_f_number(words)
    except ValueError:
        pass
    words = words.removesuffix("s").strip().rstrip('"').strip()
    over, slash, under = words.partition("/")
    try:
        return float(over) / float(under) if slash else float(words)
    except (ValueError, ZeroDivisionError):
        return None
