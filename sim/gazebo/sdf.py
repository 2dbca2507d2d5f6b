"""Writing SDF, the format of Gazebo's worlds and models (http://sdformat.org/spec, version 1.9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

VERSION = "1.9"
Element = ElementTree.Element


def number(value: float) -> str:
    """A number as SDF has it, to a tenth of a micrometre."""
    text = f"{value:.7f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def numbers(values: Iterable[float]) -> str:
    """Numbers with spaces between them."""
    return " ".join(number(float(value)) for value in values)


def add(parent: Element, path: str, text: object = None, **attributes: str) -> Element:
    """Adds an element under another, with those on its way (``camera/image/width``) that are not
    there yet; its own is always new.

    Args:
        text: what it holds: a word, a truth value, a number, or numbers.
    """
    *way, tag = path.split("/")
    for name in way:
        child = parent.find(name)
        parent = ElementTree.SubElement(parent, name) if child is None else child
    element = ElementTree.SubElement(parent, tag, attributes)
    if isinstance(text, bool):
        element.text = "true" if text else "false"
    elif isinstance(text, int | float):
        element.text = number(text)
    elif isinstance(text, str):
        element.text = text
    elif text is not None:
        assert isinstance(text, Iterable)
        element.text = numbers(text)
    return element


def root() -> Element:
    """An empty ``<sdf>``."""
    return Element("sdf", version=VERSION)


def to_text(element: Element, comment: str = "") -> str:
    """The file's text, indented, with a comment at its top."""
    ElementTree.indent(element, "  ")
    note = f"<!-- {comment} -->\n" if comment else ""
    return f'<?xml version="1.0"?>\n{note}{ElementTree.tostring(element, encoding="unicode")}\n'


def write(path: Path, element: Element, comment: str = "") -> None:
    """Writes a file, with the folders on its way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_text(element, comment), encoding="utf-8")


def entity(name: str) -> str:
    """A name as an entity of Gazebo and as a part of a topic's: letters, digits, underscores."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower() or "unnamed"


def waiting(actor: str) -> str:
    """The model that stands for an actor before the action."""
    return f"{entity(actor)}_waiting"


def milliseconds(time: float) -> str:
    """A time, s, as Gazebo shall have it: it cuts to whole milliseconds, and a hundredth of one
    more keeps the right one."""
    return number(round(time, 3) + 1e-5)
