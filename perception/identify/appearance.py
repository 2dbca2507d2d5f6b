"""What people look like: colours of torso and legs, features, and how well they fit a query.

`match` says how much of somebody could be called by the colours asked for; the caller weighs the
candidates against each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perception.detect.detections import KEYPOINTS, Detections
from perception.identify.colours import BINS, BITS, COLOURS, colour_table
from perception.identify.features import DIMENSIONS, measure_features
from perception.identify.light import Light, encoded, estimate_light, linear
from perception.identify.query import AppearanceQuery

Floats = NDArray[np.float64]

_TORSO, _LEGS = 0, 1
_PARTS: Floats = np.array([0.6, 0.4])  # how much torso and legs weigh
_NOTHING = 0.5  # the distance that speaks neither for nor against
_TELLING = 0.3  # trust from which a likeness counts in full
_GREY = 0.1, 0.35  # trust of a grey in black and white, and of one among colours
_FEATURES = 0.5  # how much features weigh beside colours
#: Half the cosine distance of features, and what it says; on the sequences of seeds 100 to 105 one
#: person's is 0.03, two people's 0.4 (medians). It says less against a likeness than for it: half a
#: body behind a table looks like another's.
_APART: Floats = np.array([[0.0, 0.1, 0.35], [0.0, _NOTHING, 0.75]])


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
        trust: (2,) how much each says of who it is, 0 to 1: a colour in good light much, a grey
            little, what is lost in darkness or noise nothing.
        features: (64,) unit vector of `perception.identify.features`; zeros where there is none.
    """

    bins: Floats
    shares: Floats
    seen: Floats
    trust: Floats = field(default_factory=lambda: np.ones(2))
    features: Floats = field(default_factory=lambda: np.zeros(DIMENSIONS))

    def distance(self, other: Appearance) -> float:
        """Bhattacharyya distance of the colours, 0 alike to 1 nothing in common; 0.5 where nothing
        is known."""
        weight = _PARTS * np.minimum(self.seen, other.seen)
        if weight.sum() < 0.05:
            return 0.5
        alike = np.clip(np.sqrt(self.bins * other.bins).sum(1), 0.0, 1.0)
        return float(weight @ np.sqrt(1 - alike) / weight.sum())

    def agreement(self, other: Appearance) -> float:
        """How much two looks speak for one person, as a distance: 0 all, 0.5 nothing, 1 against.

        To be different takes no trust; to be alike does: in the dark all clothes are black. Where
        both have features, they have half a say; but what the colours say against it, features do
        not take back.
        """
        weight = _PARTS * np.minimum(self.seen, other.seen)
        trust = float(weight @ np.minimum(self.trust, other.trust) / max(weight.sum(), 0.05))
        colours = _trusted(self.distance(other), trust)
        if not (self.features.any() and other.features.any()):
            return colours
        apart = (1 - float(self.features @ other.features)) / 2
        features = _trusted(float(np.interp(apart, *_APART)), trust)
        both = (1 - _FEATURES) * colours + _FEATURES * features
        return both if colours <= _NOTHING else max(colours, both)

    def blend(self, other: Appearance, rate: float) -> Appearance:
        """This one moved towards another, by ``rate`` 0 to 1 as far as the other was seen."""
        features = self.features + rate * (other.features - self.features)
        if not (self.features.any() and other.features.any()):
            features = self.features if self.features.any() else other.features
        pull = rate * other.seen
        pull = np.where(self.seen < 0.05, np.where(other.seen > 0, 1.0, 0.0), pull)[:, None]
        return Appearance(
            self.bins + pull * (other.bins - self.bins),
            self.shares + pull * (other.shares - self.shares),
            np.maximum(self.seen, other.seen),
            self.trust + pull[:, 0] * (other.trust - self.trust),
            features / max(float(np.linalg.norm(features)), 1e-9),
        )


def _trusted(distance: float, trust: float) -> float:
    """A distance as far as its likeness is trusted, 0 to 1; what is different is."""
    if distance >= _NOTHING:
        return distance
    return _NOTHING + min(trust / _TELLING, 1.0) * (distance - _NOTHING)


def measure_appearances(
    image: NDArray[np.uint8],
    detections: Detections,
    light: Light | None = None,
    *,
    features: bool = True,
) -> list[Appearance]:
    """Appearances of all detections, in their order.

    Torso and legs lie where confident keypoints say, otherwise in the usual parts of the box.
    Histograms are of the picture rightly exposed; colour words also of white light.

    Args:
        image: RGB (height, width, 3).
        detections: found in it, px.
        light: of the picture; by default what it seems to be.
        features: whether people have features too, or colours alone.
    """
    if not len(detections):
        return []
    bins, names = colour_table()
    light = light or estimate_light(image, detections.boxes)
    exposed = _levels(np.full(3, light.exposure))
    whitened = _levels(light.exposure / light.cast)
    height, width = image.shape[:2]
    vectors = np.zeros((len(detections), DIMENSIONS))
    people = [k for k in range(len(detections)) if features and _is_person(detections.name(k))]
    vectors[people] = measure_features(image, detections.boxes[people])
    appearances = []
    for k in range(len(detections)):
        points = None if detections.keypoints is None else detections.keypoints[k]
        patches = _patches(detections.boxes[k], points, detections.name(k))
        read, seen, trust = np.zeros((2, BINS + len(COLOURS))), np.zeros(2), np.zeros(2)
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
            pixels = image[v, u]
            read[part, :BINS] = bins[_codes(pixels, exposed)].mean(0)
            read[part, BINS:] = names[_codes(pixels, whitened)].mean(0)
            seen[part] = inside.mean()
            trust[part] = _trust(pixels, light)
        appearances.append(Appearance(read[:, :BINS], read[:, BINS:], seen, trust, vectors[k]))
    return appearances


def _levels(gains: Floats) -> NDArray[np.int32]:
    """Levels (256, 3) of the colour table, by value and channel, under gains (3,) of the light."""
    light = linear(np.arange(256, dtype=np.uint8))[:, None] * gains
    return np.minimum((encoded(light) * (1 << BITS)).astype(np.int32), (1 << BITS) - 1)


def _codes(colours: NDArray[np.uint8], levels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Places (n,) in the colour table of colours (n, 3)."""
    red, green, blue = (levels[colours[:, k], k] for k in range(3))
    return np.asarray((red << 2 * BITS) | (green << BITS) | blue)


def _trust(colours: NDArray[np.uint8], light: Light) -> float:
    """How much a patch's colours (n, 3) say of who it is, 0 to 1."""
    high = colours.max(1).astype(float)
    chroma = (high - colours.min(1)) / 255
    # A colour that noise alone could make is none.
    sure = np.clip((chroma - 3 * light.noise - 0.04) / 0.08, 0, 1)
    sure *= np.clip((chroma * 255 / np.maximum(high, 1) - 0.15) / 0.2, 0, 1)
    grey = light.trust * (_GREY[0] + light.colourful * (_GREY[1] - _GREY[0]))
    # Burnt out, everything is white.
    greys = grey * np.where(colours.min(1) >= 250, 0.3, 1.0)
    return float(np.mean(sure + (1 - sure) * greys))


def match(query: AppearanceQuery, appearance: Appearance) -> float:
    """How far, 0 to 1, a look goes by the colours that a query asks for; 1 where it asks for none.

    Where it asks for torso and legs, the geometric mean: both must agree. The category is the
    caller's to compare.
    """
    values = []
    for part, colours in ((_TORSO, query.torso), (_LEGS, query.legs)):
        if colours:
            columns = [COLOURS.index(name) for name in colours]
            values.append(min(float(appearance.shares[part, columns].sum()), 1.0))
    return float(np.prod(values) ** (1 / len(values))) if values else 1.0


_PART = {name: k for k, name in enumerate(KEYPOINTS)}
_CONFIDENT = 0.4


def _is_person(name: str) -> bool:
    """Whether a class is of people; one without a name is taken for it."""
    return name == "person" or name.isdigit()


def _patches(box: Floats, points: Floats | None, name: str) -> tuple[Floats, Floats]:
    """Sample points (n, 2) px of torso and legs."""
    if not _is_person(name):
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
