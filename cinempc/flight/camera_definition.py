"""MAVLink's camera definition files: what settings a camera has, and what it offers for each.

Source: "Camera Definition File" of mavlink.io. The file comes over the network from whoever says
to be a camera, so it is read with care: no document types, no entities, and limits on everything.
"""

from __future__ import annotations

import asyncio
import http.client
import lzma
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from cinempc.errors import CinempcError
from cinempc.flight.ext_params import KINDS
from cinempc.units import parse_f_number

#: Limits: bytes of a file, unpacked; elements in it, and how deep they stand in each other.
LARGEST, MOST_ELEMENTS, DEEPEST = 2 << 20, 20000, 12
#: Time for fetching one, s.
TIMEOUT = 5.0

Fetch = Callable[[str], Awaitable[bytes]]


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
class Definition:
    """A camera's settings by name."""

    model: str
    vendor: str
    version: int
    settings: dict[str, Setting] = field(default_factory=dict)


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

    Raises:
        DefinitionError: with line and reason.
    """
    if isinstance(data, str):
        data = data.encode()
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
    parameters = root.first("parameters")
    for element in parameters.all("parameter") if parameters is not None else []:
        setting = _setting(element)
        if setting.name in settings:
            raise DefinitionError(f"line {element.line}: a second parameter {setting.name!r}")
        settings[setting.name] = setting
    version = about.attributes.get("version", "0")
    return Definition(
        about.words("model"),
        about.words("vendor"),
        int(version) if version.isdecimal() and len(version) < 10 else 0,
        settings,
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


def _setting(element: _Element) -> Setting:
    given = element.attributes
    name = given.get("name", "")
    if not 1 <= len(name.encode()) <= 16:
        raise DefinitionError(
            f"line {element.line}: a parameter's name has 1 to 16 characters, not {name!r}"
        )
    kind = given.get("type", "")
    if kind not in KINDS:
        raise DefinitionError(
            f"line {element.line}: {name} has type {kind!r} (there are {', '.join(KINDS)})"
        )
    options = []
    listed = element.first("options")
    for option in listed.all("option") if listed is not None else []:
        if "name" not in option.attributes or "value" not in option.attributes:
            raise DefinitionError(
                f"line {option.line}: an option of {name} needs a name and a value"
            )
        excluded = option.first("exclusions")
        options.append(
            Option(
                option.attributes["name"],
                option.attributes["value"],
                tuple(e.text.strip() for e in excluded.all("exclude")) if excluded else (),
            )
        )
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


def _number(element: _Element, name: str) -> float:
    words = element.attributes.get(name)
    if words is None:
        return math.nan
    try:
        return float(words)
    except ValueError:
        raise DefinitionError(
            f"line {element.line}: {name}={words!r} of {element.attributes.get('name')} is no "
            "number"
        ) from None


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


# --- getting it ---


async def load(uri: str, ftp: Fetch | None = None) -> Definition:
    """A definition from where it is: a path, or an http, https, file or MAVLink FTP URI.

    Args:
        uri: the address.
        ftp: fetches a path by MAVLink FTP.

    Raises:
        DefinitionError: it cannot be had, or is none.
    """
    # Not urlsplit: MAVLink's own addresses are none of its.
    scheme = uri.partition("://")[0].lower() if "://" in uri else ""
    try:
        if scheme in ("http", "https"):
            data = await asyncio.to_thread(_download, uri)
        elif scheme in ("mftp", "mavlinkftp"):
            if ftp is None:
                raise DefinitionError(f"{uri} needs MAVLink FTP, which is not to be had here")
            data = await ftp(ftp_path(uri))
        elif scheme in ("", "file"):
            path = urllib.parse.unquote(uri.partition("://")[2]) if scheme else uri
            data = await asyncio.to_thread(_read_file, Path(path))
        else:
            raise DefinitionError(f"{uri} is neither http, https, file nor mftp")
        return parse(data)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DefinitionError(f"{uri} cannot be had: {error}") from None


def ftp_path(uri: str) -> str:
    """The path on the camera of a MAVLink FTP URI: ``mftp://path`` or, with the component that
    has it, ``mftp://[;comp=100]path``."""
    path = uri.partition("://")[2]
    if path.startswith("[;comp="):
        path = path.partition("]")[2]
    return urllib.parse.unquote(path)


class _NoOtherSchemes(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # type: ignore[no-untyped-def]
        self, req, fp, code, msg, headers, newurl
    ):
        if urllib.parse.urlsplit(newurl).scheme not in ("http", "https"):
            raise urllib.error.URLError(f"it points to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(uri: str) -> bytes:
    # No proxies: the camera stands on the vehicle's own network.
    opener = urllib.request.build_opener(_NoOtherSchemes, urllib.request.ProxyHandler({}))
    with opener.open(uri, timeout=TIMEOUT) as answer:
        data: bytes = answer.read(LARGEST + 1)
    return data


def _read_file(path: Path) -> bytes:
    if not path.is_file():
        raise OSError("there is no such file")
    with path.open("rb") as file:
        return file.read(LARGEST + 1)
