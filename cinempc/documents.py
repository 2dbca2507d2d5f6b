"""Reads a YAML file that a user wrote, or names by mistake: whatever it holds, the outcome is data
or one message with its line, in a time and a memory that do not depend on what it holds.

What YAML can and a file of settings never needs is refused before anything is built of it: tags
(which make objects), aliases that hold themselves or grow without bounds ("a billion laughs"),
thousands of nested brackets, several documents.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    NodeEvent,
    ScalarEvent,
)

from cinempc.errors import ConfigError
from cinempc.units import shown

#: Most of what a file of settings may have: bytes, levels, entries (aliases counted as what they
#: stand for), and digits of a number.
_LARGEST, _DEEPEST, _MOST, _DIGITS = 1 << 20, 32, 20_000, 400
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: Numbers of YAML that are none for a setting, also by the size of their exponent.
_INFINITE = re.compile(r"[-+]?(?:\.(?:inf|nan)|[0-9][0-9_.]{0,60}e\+?[0-9]{3,60})", re.IGNORECASE)
#: What YAML 1.2.2 allows in a file (5.1, "c-printable").
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OPEN = "found unexpected end of stream"
#: What the parser says, in the words of who writes the file.
_IN_WORDS = {
    _OPEN: "a quote that begins here is not closed",
    "found character '\\t' that cannot start any token": "a tab; indent with blanks",
    "but found another document": "a second document begins here; a file holds one",
    "mapping values are not allowed here": "a colon that nobody expects here; put a text with a "
    "colon in quotes",
}


def read(path: Path) -> Any:
    """The file's data, each mapping and list knowing its lines (ruamel's round-trip types).

    Raises:
        ConfigError: it cannot be read, or is not YAML, with the line.
    """
    words = text(path)
    yaml = _Reader(typ="rt")
    try:
        _check(yaml, words, path)
        return yaml.load(words)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if error.problem == _OPEN and error.context_mark is not None:
            mark = error.context_mark
        line = None if mark is None else mark.line + 1
        problem = (error.problem or error.context or "cannot be parsed").split("\n")[0]
        problem = _IN_WORDS.get(problem, problem if len(problem) < 200 else f"{problem[:200]}...")
        raise ConfigError(f"not valid YAML: {problem}", path=path, line=line) from None
    except (YAMLError, ValueError, LookupError, TypeError) as error:  # "+_" is a number to ruamel
        words = str(error).split("\n")[0][:200]
        raise ConfigError(f"not valid YAML: {words}", path=path) from None


def is_file(path: Path) -> bool:
    """Whether there is such a file. No name, however odd, is an error."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, a folder that nobody may look into
        return False


def text(path: Path) -> str:
    """The file's text.

    Raises:
        ConfigError: it cannot be read, or is no text.
    """
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            data = file.read(_LARGEST + 1)
    except IsADirectoryError:
        raise ConfigError("is a folder: name the YAML file in it", path=path) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", path=path) from None
    if len(data) > _LARGEST:
        size = f" of {about.st_size / 1e6:.0f} MB" if stat.S_ISREG(about.st_mode) else ""
        raise ConfigError(
            f"is no file of settings: it would not be larger than 1 MB, as this one{size} is",
            path=path,
        )
    try:
        found = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"is no text in UTF-8 (byte {data[error.start]:#04x}): save it as UTF-8 in the editor",
            path=path,
            line=line,
        ) from None
    if odd := _NOT_PRINTABLE.search(found):
        raise ConfigError(
            f"holds a character that no text has (code {ord(odd[0]):#04x}): take it out, or save "
            "the file as text",
            path=path,
            line=found.count("\n", 0, odd.start()) + 1,
        )
    return found


def _check(yaml: YAML, words: str, path: Path) -> None:
    """Refuse what is not for settings, while the parser goes through it and builds nothing."""
    entries = documents = 0
    sizes: dict[str, int] = {}  # entries under an anchor; 0 while it is not at its end
    opened: list[tuple[str | None, int]] = []  # anchors, and the entries before them
    for event in yaml.parse(words):

        def refuse(what: str, line: int = event.start_mark.line + 1) -> ConfigError:
            return ConfigError(what, path=path, line=line)

        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                return  # the loader says so
        elif isinstance(event, AliasEvent):
            if sizes.get(event.anchor) == 0:
                raise refuse(f"the alias *{event.anchor} stands within what it stands for")
            entries += sizes.get(event.anchor, 1)
        elif isinstance(event, NodeEvent):
            tag = getattr(event, "tag", None)
            if tag is not None:
                raise refuse(f"the tag {shown(str(tag))} means nothing in a file of settings")
            entries += 1
            if isinstance(event, CollectionStartEvent):
                opened.append((event.anchor, entries))
                if event.anchor is not None:
                    sizes[event.anchor] = 0
                if len(opened) > _DEEPEST:
                    raise refuse(f"is nested more than {_DEEPEST} levels deep")
            elif isinstance(event, ScalarEvent):
                if event.anchor is not None:
                    sizes[event.anchor] = 1
                escaped = event.style == '"' and _NOT_PRINTABLE.search(event.value)
                if escaped:
                    raise refuse(f"\\u{ord(escaped[0]):04x} is no character of a text")
                if event.style is None and _INFINITE.fullmatch(event.value):
                    raise refuse(f"{event.value} is no number here (a length may be infinity)")
                if event.style is None and len(event.value) > _DIGITS and event.value.isdecimal():
                    raise refuse(f"a number of more than {_DIGITS} digits")
        elif isinstance(event, CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor is not None:
                sizes[anchor] = entries - before + 1
        if entries > _MOST:
            raise refuse(f"holds more than {_MOST} entries, aliases counted as what they stand for")


class _Constructor(RoundTripConstructor):
    """YAML 1.2 knows no dates: a name that looks like one is a text."""


def _text_of(constructor: RoundTripConstructor, node: Any) -> Any:
    return constructor.construct_scalar(node)


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _text_of)


class _Reader(YAML):
    def __init__(self, *, typ: str) -> None:
        super().__init__(typ=typ)
        self.Constructor = _Constructor
