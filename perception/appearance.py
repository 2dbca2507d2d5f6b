"""What people wear: colour histograms of torso and legs, and words for them.

Everything is read from a table over RGB of 5 bits a channel, built once: a patch costs a look-up
and a mean. Histograms are over hue and saturation, which a change of exposure leaves nearly
alone, and over lightness only where there is no hue to speak of. Colour words overlap on purpose
(a white shirt a stop under is as dark as a grey one a stop over): `match` says what a thing could
be called, and the caller weighs the candidates against each other.

Source of the eleven terms: B. Berlin and P. Kay, *Basic Color Terms* (1969).
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cinempc.errors import CinempcError
from perception.detections import KEYPOINTS, Detections

Floats = NDArray[np.float64]

COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "grey", "white",
)  # fmt: skip

_SYNONYMS = {
    "gray": "grey", "silver": "grey", "charcoal": "grey", "navy": "blue", "azure": "blue",
    "cyan": "blue", "turquoise": "blue", "teal": "green", "denim": "blue", "olive": "green",
    "khaki": "brown", "lime": "green", "emerald": "green", "beige": "brown", "tan": "brown",
    "cream": "white", "ivory": "white", "maroon": "red", "crimson": "red", "scarlet": "red",
    "burgundy": "red", "violet": "purple", "lilac": "purple", "lavender": "purple",
    "magenta": "pink", "rose": "pink", "gold": "yellow", "golden": "yellow", "mustard": "yellow",
    "amber": "orange", "reddish": "red", "bluish": "blue", "greenish": "green",
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


class LookError(CinempcError, ValueError):
    """A description that says neither what to look for nor in which colours."""


@dataclass(frozen=True)
class Look:
    """What a script's words ask for.

    Attributes:
        category: class name of the detector, such as ``person``.
        torso: colours, any of which the upper body may have; none: any.
        legs: the same for the legs. Things that are no persons have no legs.
    """

    category: str = "person"
    torso: tuple[str, ...] = ()
    legs: tuple[str, ...] = ()


def parse_look(words: str) -> Look:
    """Category and colours from words such as ``woman in a blue jacket and black trousers``.

    A colour goes with the next garment named, or with the torso where none is; words that are
    neither category, colour nor garment are passed over.

    Raises:
        LookError: neither a category nor a colour among the words.
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
    last = ""
    for token in tokens:
        colour = _SYNONYMS.get(token, token)
        noun = _category(token)
        place = next((p for p in (_UPPER, _LOWER, _BOTH, _ELSEWHERE) if token in p), None)
        if colour in COLOURS:
            waiting.append(colour)
        elif place is not None:
            if token == "jeans" and not waiting:
                waiting.append("blue")
            wear(place)
            garment = place
        elif noun is not None and category is None:
            category, fallback, waiting, garment = noun, waiting, [], _UPPER
        elif noun is not None:  # a second thing only says where the first is
            if waiting and last == waiting[-1]:
                waiting.pop()
            wear(garment)
            garment = None
        elif token in _BREAKS:
            wear(garment)
            garment = _UPPER if token in ("with", "wearing", "who") else None
        elif token == "in" and garment is None:
            garment = _UPPER
        recognised = recognised or colour in COLOURS or place is not None or noun is not None
        last = colour
    wear(garment)
    if not torso and not legs:
        torso = fallback
    if not recognised:
        raise LookError(_complaint(words, tokens))
    return Look(category or "person", tuple(dict.fromkeys(torso)), tuple(dict.fromkeys(legs)))


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


# The table over colours.

_BITS = 5
_HUES, _GREYS = 12, 4
_BINS = 2 * _HUES + _GREYS


def _ramp(x: Floats, low: float, high: float) -> Floats:
    """0 below ``low``, 1 above ``high``, straight between."""
    return np.clip((x - low) / (high - low), 0.0, 1.0)


def _hue_in(hue: Floats, low: float, high: float, soft: float = 8.0) -> Floats:
    """1 for hues (deg) from ``low`` to ``high`` around the circle, soft at both ends."""
    middle, half = (low + high) / 2, (high - low) / 2
    off = np.abs((hue - middle + 180) % 360 - 180)
    return 1 - _ramp(off, half - soft / 2, half + soft / 2)


@cache
def _table() -> NDArray[np.float32]:
    """Of each colour, the histogram's bins, which sum to 1, and then what it could be called."""
    level = (np.arange(1 << _BITS) + 0.5) / (1 << _BITS)
    rgb = np.stack(np.meshgrid(level, level, level, indexing="ij"), axis=-1).reshape(-1, 3)
    value, low = rgb.max(1), rgb.min(1)
    chroma = value - low
    saturation = chroma / value
    r, g, b = rgb.T
    safe = np.maximum(chroma, 1e-9)
    hue = 60 * np.select(
        [chroma < 1e-9, value == r, value == g],
        [np.zeros_like(r), ((g - b) / safe) % 6, (b - r) / safe + 2],
        (r - g) / safe + 4,
    )
    # Dark pixels have any saturation by noise alone: chroma itself must be there too.
    vivid = _ramp(saturation, 0.14, 0.3) * _ramp(chroma, 0.04, 0.11)

    bins = np.zeros((len(rgb), _BINS))
    place = hue / 360 * _HUES
    first = np.floor(place).astype(int)
    part = place - first
    strong = _ramp(saturation, 0.35, 0.65)
    rows = np.arange(len(rgb))
    for offset, near in ((0, 1 - part), (1, part)):
        column = (first + offset) % _HUES
        bins[rows, column] += vivid * near * strong
        bins[rows, _HUES + column] += vivid * near * (1 - strong)
    grey = np.clip(value * _GREYS - 0.5, 0, _GREYS - 1)
    first = np.minimum(grey.astype(int), _GREYS - 2)
    bins[rows, 2 * _HUES + first] += (1 - vivid) * (1 - (grey - first))
    bins[rows, 2 * _HUES + first + 1] += (1 - vivid) * (grey - first)

    dull = 1 - _ramp(saturation, 0.45, 0.75) * _ramp(value, 0.2, 0.45)
    pale = 1 - _ramp(saturation, 0.5, 0.68)
    rosy = _ramp(saturation, 0.1, 0.2)  # a light pink bleaches early
    warm_red = _hue_in(hue, -18, 15)
    shares = {
        "red": vivid * _hue_in(hue, -25, 14) * _ramp(saturation, 0.42, 0.62),
        "orange": vivid * _hue_in(hue, 14, 45) * _ramp(saturation, 0.5, 0.7)
        * _ramp(value, 0.42, 0.62),
        "yellow": vivid * _hue_in(hue, 43, 70) * _ramp(saturation, 0.25, 0.45)
        * _ramp(value, 0.35, 0.5),
        "green": vivid * _hue_in(hue, 68, 172),
        "blue": vivid * _hue_in(hue, 170, 258),
        "purple": vivid * _hue_in(hue, 256, 322),
        "pink": np.maximum(
            vivid * _hue_in(hue, 318, 348) * _ramp(value, 0.35, 0.55),
            rosy * np.maximum(warm_red, _hue_in(hue, 300, 350)) * pale * _ramp(value, 0.45, 0.6),
        ),
        "brown": vivid * np.maximum(
            _hue_in(hue, 8, 48) * (1 - _ramp(value, 0.6, 0.8)),
            _hue_in(hue, 14, 48) * dull * (1 - _ramp(value, 0.9, 1.0)) * 0.7,
        ),
        "black": 1 - _ramp(value, 0.18, 0.3),
        "grey": (1 - vivid) * _ramp(value, 0.18, 0.3) * (1 - _ramp(value, 0.72, 0.85)),
        "white": (1 - vivid) * _ramp(value, 0.6, 0.72),
    }  # fmt: skip
    named = np.column_stack([np.clip(shares[name], 0, 1) for name in COLOURS])
    return np.hstack([bins, named]).astype(np.float32)


_TORSO, _LEGS = 0, 1


def _grid(side: int) -> tuple[Floats, Floats]:
    """Places across and down a patch, 0 to 1."""
    steps = (np.arange(side) + 0.5) / side
    across, down = np.meshgrid(steps, steps)
    return across.reshape(-1, 1), down.reshape(-1, 1)


_FINE, _COARSE = _grid(24), _grid(12)  # samples enough for a histogram, and quick: no warping


@dataclass(frozen=True)
class Appearance:
    """Colours of a person (or of a thing, whose two halves then stand for torso and legs).

    Attributes:
        bins: (2, bins) histograms of torso and legs, each summing to 1, zeros where not seen.
        shares: (2, 11) share of pixels that could be called by each of `COLOURS`.
        seen: (2,) share of each patch that lay inside the picture, 0 to 1.
    """

    bins: Floats
    shares: Floats
    seen: Floats

    def distance(self, other: Appearance) -> float:
        """Bhattacharyya distance, 0 alike to 1 nothing in common; 0.5 where nothing is known."""
        weight = np.array([0.6, 0.4]) * np.minimum(self.seen, other.seen)
        if weight.sum() < 0.05:
            return 0.5
        alike = np.clip(np.sqrt(self.bins * other.bins).sum(1), 0.0, 1.0)
        return float(weight @ np.sqrt(1 - alike) / weight.sum())

    def blend(self, other: Appearance, rate: float) -> Appearance:
        """This one moved towards another, by ``rate`` 0 to 1 as far as the other was seen."""
        pull = rate * other.seen
        pull = np.where(self.seen < 0.05, np.where(other.seen > 0, 1.0, 0.0), pull)[:, None]
        return Appearance(
            self.bins + pull * (other.bins - self.bins),
            self.shares + pull * (other.shares - self.shares),
            np.maximum(self.seen, other.seen),
        )


def describe(image: NDArray[np.uint8], detections: Detections) -> list[Appearance]:
    """Appearances of all detections, in their order.

    Torso and legs lie where confident keypoints say, otherwise in the usual parts of the box.

    Args:
        image: RGB (height, width, 3).
        detections: found in it, px.
    """
    table = _table()
    height, width = image.shape[:2]
    appearances = []
    for k in range(len(detections)):
        points = None if detections.keypoints is None else detections.keypoints[k]
        patches = _patches(detections.boxes[k], points, detections.name(k))
        read, seen = np.zeros((2, table.shape[1])), np.zeros(2)
        for part, samples in enumerate(patches):
            inside = (
                (samples[:, 0] >= 0)
                & (samples[:, 0] < width)
                & (samples[:, 1] >= 0)
                & (samples[:, 1] < height)
            )
            if not inside.any():
                continue
            u, v = samples[inside].astype(np.int64).T
            colour = image[v, u].astype(np.int32) >> (8 - _BITS)
            code = (colour[:, 0] << 2 * _BITS) | (colour[:, 1] << _BITS) | colour[:, 2]
            read[part] = table[code].mean(0)
            seen[part] = inside.mean()
        appearances.append(Appearance(read[:, :_BINS], read[:, _BINS:], seen))
    return appearances


def match(look: Look, appearance: Appearance) -> float:
    """Share of pixels, 0 to 1, in the colours that a look asks for; 1 where it asks for none.

    Where it asks for torso and legs, the geometric mean: both must agree. The category is the
    caller's to compare.
    """
    values = []
    for part, colours in ((_TORSO, look.torso), (_LEGS, look.legs)):
        if colours:
            columns = [COLOURS.index(name) for name in colours]
            values.append(min(float(appearance.shares[part, columns].sum()), 1.0))
    return float(np.prod(values) ** (1 / len(values))) if values else 1.0


_PART = {name: k for k, name in enumerate(KEYPOINTS)}
_CONFIDENT = 0.4


def _patches(box: Floats, points: Floats | None, name: str) -> tuple[Floats, Floats]:
    """Sample points (n, 2) px of torso and legs."""
    if name != "person" and not name.isdigit():
        return _share(box, (0.15, 0.1, 0.85, 0.5)), _share(box, (0.15, 0.5, 0.85, 0.9))
    torso = legs = None
    if points is not None and np.isfinite(points).all():
        torso, legs = _torso(points), _legs(points)
    if torso is None:
        torso = _share(box, (0.32, 0.2, 0.68, 0.45))
    if legs is None:
        legs = _share(box, (0.32, 0.56, 0.68, 0.88))
    return torso, legs


def _share(box: Floats, part: tuple[float, float, float, float]) -> Floats:
    """A grid over a part of a box, given in fractions of it."""
    left, top, right, bottom = np.nan_to_num(np.clip(box, -1e6, 1e6))
    across, down = _FINE
    u = left + (right - left) * (part[0] + (part[2] - part[0]) * across)
    v = top + (bottom - top) * (part[1] + (part[3] - part[1]) * down)
    return np.asarray(np.floor(np.hstack([u, v])))


def _sure(points: Floats, *names: str) -> Floats | None:
    found = np.clip(points[[_PART[name] for name in names]], -1e6, 1e6)
    return found[:, :2] if (found[:, 2] >= _CONFIDENT).all() else None


def _torso(points: Floats) -> Floats | None:
    """The quadrilateral of shoulders and hips, drawn in a little, never thinner than a profile."""
    corners = _sure(points, "left_shoulder", "right_shoulder", "left_hip", "right_hip")
    if corners is None:
        return None
    top, low = corners[:2].mean(0), corners[2:].mean(0)
    length = float(np.hypot(*(low - top)))
    if length < 2:
        return None
    sides = 0.4 * np.array([corners[1] - corners[0], corners[3] - corners[2]])
    return _strip(top, low, sides[0], sides[1], 0.17 * length, (0.1, 0.92), _FINE)


def _legs(points: Floats) -> Floats | None:
    """Strips along thighs and, where the ankles are sure, shins."""
    strips = []
    for side in ("left", "right"):
        for upper, lower in (("hip", "knee"), ("knee", "ankle")):
            ends = _sure(points, f"{side}_{upper}", f"{side}_{lower}")
            if ends is None or (length := float(np.hypot(*(ends[1] - ends[0])))) < 1:
                continue
            thin = 0.12 if upper == "hip" else 0.08
            none = np.zeros(2)
            strips.append(
                _strip(ends[0], ends[1], none, none, thin * length, (0.15, 0.85), _COARSE)
            )
    return np.concatenate(strips) if strips else None


def _strip(
    top: Floats, low: Floats, wide_top: Floats, wide_low: Floats, least: float,
    along: tuple[float, float], grid: tuple[Floats, Floats],
) -> Floats:  # fmt: skip
    """Points of a quadrilateral about an axis, its half-widths given as vectors, px."""
    axis = low - top
    normal = np.array([axis[1], -axis[0]]) / max(float(np.hypot(*axis)), 1e-9)
    wide_top = wide_top if np.hypot(*wide_top) >= least else least * normal
    wide_low = wide_low if np.hypot(*wide_low) >= least else least * normal
    if wide_top @ wide_low < 0:  # keypoints that swapped sides would cross the quadrilateral
        wide_low = -wide_low
    down = along[0] + (along[1] - along[0]) * grid[1]
    across = 2 * grid[0] - 1
    return np.floor(top + down * axis + across * ((1 - down) * wide_top + down * wide_low))
