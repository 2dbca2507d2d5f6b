"""What a script says of a subject: category and colours, from words, and where it begins."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cinempc.errors import CinempcError
from perception.identify.colours import COLOURS

Floats = NDArray[np.float64]

#: Other words for colours. One that lies between two of them may be seen as either: teal is a blue
#: to one eye and a green to the next, and more of a blue to the colour table.
_SYNONYMS = {
    "gray": "grey", "silver": "grey white", "charcoal": "grey black", "navy": "blue",
    "azure": "blue", "cyan": "blue green", "aqua": "blue green", "turquoise": "blue green",
    "teal": "blue green", "denim": "blue", "bluish": "blue", "lime": "green", "emerald": "green",
    "greenish": "green", "olive": "green yellow brown", "khaki": "brown yellow grey",
    "beige": "brown white", "tan": "brown", "cream": "white yellow", "ivory": "white",
    "maroon": "red brown", "crimson": "red", "scarlet": "red", "burgundy": "red", "reddish": "red",
    "violet": "purple", "lilac": "purple pink", "lavender": "purple", "magenta": "pink purple",
    "rose": "pink red", "gold": "yellow", "golden": "yellow", "mustard": "yellow brown",
    "amber": "orange yellow",
}  # fmt: skip

_PERSON = {
    "person", "man", "woman", "boy", "girl", "child", "kid", "lady", "gentleman", "guy",
    "pedestrian", "walker", "runner", "jogger", "dancer", "actor", "actress", "skater", "climber",
    "hiker", "cyclist", "rider", "somebody", "someone", "anyone", "player", "people", "adult",
    "human", "presenter", "singer", "musician", "worker", "athlete",
}  # fmt: skip
_THINGS = {
    "bicycle", "car", "motorcycle", "bus", "train", "truck", "boat", "bird", "cat", "dog", "horse",
    "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "skateboard", "surfboard", "kite",
    "airplane",
}  # fmt: skip
_CATEGORIES = {
    **dict.fromkeys(_PERSON, "person"),
    **{word: word for word in _THINGS},
    "bike": "bicycle", "motorbike": "motorcycle", "scooter": "motorcycle", "van": "car",
    "lorry": "truck", "pickup": "truck", "taxi": "car", "ship": "boat", "plane": "airplane",
    "ball": "sports ball", "puppy": "dog", "pony": "horse", "coach": "bus",
}  # fmt: skip
_IRREGULAR = {"men": "man", "women": "woman", "children": "child", "buses": "bus"}

_UPPER = {
    "jacket", "shirt", "tshirt", "tee", "coat", "sweater", "hoodie", "top", "blouse", "vest",
    "pullover", "jumper", "blazer", "jersey", "cardigan", "parka", "anorak", "sweatshirt",
    "raincoat", "polo",
}  # fmt: skip
_LOWER = {
    "trousers", "trouser", "pants", "jeans", "skirt", "shorts", "leggings", "chinos", "slacks",
    "sweatpants",
}  # fmt: skip
_BOTH = {
    "dress", "suit", "overall", "overalls", "jumpsuit", "outfit", "uniform", "clothes", "clothing",
    "gown", "robe",
}  # fmt: skip
#: Their colour is neither the torso's nor the legs'.
_ELSEWHERE = {
    "hat", "cap", "helmet", "hair", "haired", "shoe", "shoes", "boot", "boots", "bag", "backpack",
    "rucksack", "umbrella", "scarf", "glove", "gloves", "glasses", "sunglasses", "eyes",
    "sneakers", "sock", "socks", "beard", "tie",
}  # fmt: skip
#: After one of these, something else is spoken of.
_BREAKS = {
    "with", "wearing", "who", "next", "near", "by", "beside", "behind", "before", "at", "on",
    "under", "left", "right", "from", "standing", "walking", "carrying", "holding",
}  # fmt: skip


class AppearanceError(CinempcError, ValueError):
    """A description that says neither what to look for nor in which colours."""


@dataclass(frozen=True)
class AppearanceQuery:
    """What a script's words ask for.

    Attributes:
        category: class name of the detector, such as ``person``.
        torso: colours, any of which the upper body may have; none: any.
        legs: the same for the legs. Things that are no persons have no legs.
    """

    category: str = "person"
    torso: tuple[str, ...] = ()
    legs: tuple[str, ...] = ()


def parse_appearance(words: str) -> AppearanceQuery:
    """Category and colours from words such as ``woman in a blue jacket and black trousers``.

    A colour goes with the next garment named, or with the torso where none is; words that are
    neither category, colour nor garment are passed over.

    Raises:
        AppearanceError: neither a category nor a colour among the words.
    """
    category: str | None = None
    torso: list[str] = []
    legs: list[str] = []
    waiting: list[str] = []  # colours whose garment has not been named yet
    fallback: list[str] = []  # those before a person: "red dancer", but also "white woman in blue"
    garment: set[str] | None = (
        _UPPER  # whose colours come after it: "a coat in red"; the torso where none is
    )

    def wear(place: set[str] | None) -> None:
        if place is _UPPER or place is _BOTH:
            torso.extend(waiting)
        if place is _LOWER or place is _BOTH:
            legs.extend(waiting)
        waiting.clear()

    tokens = re.findall(r"[a-z]+", words.lower().replace("t-shirt", "tshirt"))
    recognised = False
    last: tuple[str, ...] = ()
    for token in tokens:
        colours = tuple(_SYNONYMS.get(token, token).split())
        is_colour = colours[0] in COLOURS
        noun = _category(token)
        place = next((p for p in (_UPPER, _LOWER, _BOTH, _ELSEWHERE) if token in p), None)
        if is_colour:
            waiting.extend(colours)
        elif place is not None:
            if token == "jeans" and not waiting:
                waiting.append("blue")
            wear(place)
            garment = place
        elif noun is not None and category is None:
            category, fallback, waiting, garment = noun, waiting, [], _UPPER
        elif noun is not None:  # a second thing only says where the first is
            if last and tuple(waiting[-len(last) :]) == last:
                del waiting[-len(last) :]
            wear(garment)
            garment = None
        elif token in _BREAKS:
            wear(garment)
            garment = _UPPER if token in ("with", "wearing", "who") else None
        elif token == "in" and garment is None:
            garment = _UPPER
        recognised = recognised or is_colour or place is not None or noun is not None
        last = colours
    wear(garment)
    if not torso and not legs:
        torso = fallback
    if not recognised:
        raise AppearanceError(_complaint(words, tokens))
    return AppearanceQuery(
        category or "person", tuple(dict.fromkeys(torso)), tuple(dict.fromkeys(legs))
    )


def _category(token: str) -> str | None:
    token = _IRREGULAR.get(token, token)
    return _CATEGORIES.get(token) or _CATEGORIES.get(token.removesuffix("s"))


def _complaint(words: str, tokens: list[str]) -> str:
    known = [*COLOURS, *_SYNONYMS, *_CATEGORIES]
    close = [m for t in tokens for m in difflib.get_close_matches(t, known, n=1, cutoff=0.7)]
    hint = f"; did you mean {' '.join(dict.fromkeys(close))!r}?" if close else ""
    return (
        f"{words!r} names neither a thing to film nor a colour{hint} Write for instance "
        f"'person in red' or 'man in white shirt and black trousers'; colours are "
        f"{', '.join(COLOURS)}"
    ).replace("?;", "?")


@dataclass(frozen=True)
class SubjectQuery:
    """What a script says of a subject.

    Attributes:
        appearance: category and colours.
        region: where in the picture at the start: left, top, right, bottom, fractions of it.
            Nobody farther from it than a third of the picture is bound.
        position: where in the world at the start, m.
        height: of the body as the script says it, m; None where it does not.
    """

    appearance: AppearanceQuery = field(default_factory=AppearanceQuery)
    region: tuple[float, float, float, float] | None = None
    position: Floats | None = None
    height: float | None = None
