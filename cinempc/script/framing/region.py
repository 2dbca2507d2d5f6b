"""Parts of the picture and kinds of subjects, to say in a script who is meant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from cinempc import configs, units

#: Farthest place that a script names, m from the world's origin: beyond, a unit was mistaken.
_FARTHEST = 10_000.0


@dataclass(frozen=True)
class Region:
    """A box in the picture, in fractions of its width and height from its top left."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, u: float, v: float) -> bool:
        """Whether a point of the picture is inside; its edges are."""
        return self.left <= u <= self.right and self.top <= v <= self.bottom


#: The named regions.
REGIONS = {
    "left-third": Region(0.0, 0.0, 1 / 3, 1.0),
    "middle-third": Region(1 / 3, 0.0, 2 / 3, 1.0),
    "right-third": Region(2 / 3, 0.0, 1.0, 1.0),
    "left": Region(0.0, 0.0, 0.5, 1.0),
    "right": Region(0.5, 0.0, 1.0, 1.0),
    "top": Region(0.0, 0.0, 1.0, 0.5),
    "bottom": Region(0.0, 0.5, 1.0, 1.0),
}

#: Classes that a subject can be of: what moves, of the classes of COCO.
CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "bird",
    "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "skateboard",
    "surfboard", "sports ball", "kite",
)  # fmt: skip


def parse_region(text: object) -> Region:
    """A region by name, or as a box of percentages [left, top, right, bottom].

    Raises:
        ValueError: neither, with the names that there are.
    """
    if isinstance(text, Region):
        return text
    if isinstance(text, str) and text.strip() in REGIONS:
        return REGIONS[text.strip()]
    if isinstance(text, (list, tuple)):
        form = (
            "a region is four percentages, [left, top, right, bottom], such as "
            "['10 %', '0 %', '40 %', '100 %']"
        )
        if len(text) != 4:
            raise ValueError(form)
        try:
            left, top, right, bottom = (units.parse(item, "%") / 100 for item in text)
        except ValueError as error:
            raise ValueError(f"{error}; {form}") from None
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError(
                "a region is [left, top, right, bottom] from 0 % to 100 %, left before right and "
                "top before bottom"
            )
        return Region(left, top, right, bottom)
    hint = configs.suggest(text, list(REGIONS)) if isinstance(text, str) else ""
    raise ValueError(
        f"{units.shown(text)} is not a region{hint}: write one of {', '.join(REGIONS)}, or "
        "percentages, [left, top, right, bottom]"
    )


def parse_place(values: object) -> tuple[float, ...]:
    """A place in the world, [east, north] or [east, north, up], m.

    Raises:
        ValueError: neither two nor three lengths, or out of the world.
    """
    if not isinstance(values, (list, tuple)) or len(values) not in (2, 3):
        raise ValueError("a place is [east, north] or [east, north, up], such as [4 m, -2 m]")
    place = tuple(units.parse(value, "m") for value in values)
    for value in place:
        if not (math.isfinite(value) and abs(value) <= _FARTHEST):
            raise ValueError(
                f"a place is within {_FARTHEST / 1000:g} km of the world's origin, not at "
                f"{value:g} m"
            )
    return place


def parse_class(text: object) -> str:
    """A class of subjects.

    Raises:
        ValueError: none, with those that there are.
    """
    if isinstance(text, str) and text.strip().lower() in CLASSES:
        return text.strip().lower()
    hint = configs.suggest(text.lower(), CLASSES) if isinstance(text, str) else ""
    raise ValueError(f"{units.shown(text)} is not a class{hint}: write one of {', '.join(CLASSES)}")


RegionField = Annotated[Region, BeforeValidator(parse_region)]
PlaceField = Annotated[tuple[float, ...], BeforeValidator(parse_place)]
ClassField = Annotated[str, BeforeValidator(parse_class)]
