"""A stronger hand-made descriptor than today's two patches, to compare it with.

Eight parts of a body from hair to shoes, along keypoints where they are sure: of each the colours
that `perception.identify.appearance` counts, a finer histogram of lightness, which black and white
has too, and how rough it is; and two proportions of the body. Two looks differ by a logistic
regression over all of these.

Sources: parts along a body, M. Farenzena et al., "Person re-identification by symmetry-driven
accumulation of local features", CVPR 2010.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.detect.detections import KEYPOINTS, Detections
from perception.identify.colours import BINS, BITS, colour_table
from perception.identify.light import Light, encoded, linear

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]

_CONFIDENT = 0.4
_SHADES = 12  # columns of the histogram of lightness
_SIDE = 12  # samples across and down a part
_STEPS = (np.arange(_SIDE) + 0.5) / _SIDE
#: Where the parts lie in a box, in fractions of it, if keypoints do not say.
_IN_BOX: Mapping[str, Box | None] = {
    "hair": (0.38, 0.01, 0.62, 0.06),
    "face": (0.40, 0.07, 0.60, 0.13),
    "chest": (0.32, 0.18, 0.68, 0.32),
    "waist": (0.32, 0.32, 0.68, 0.46),
    "thighs": (0.32, 0.54, 0.68, 0.70),
    "shins": (0.32, 0.72, 0.68, 0.88),
    "shoes": (0.20, 0.94, 0.80, 0.99),
    "forearms": None,  # without keypoints nobody knows where
}
PARTS = tuple(_IN_BOX)
#: What is compared: by part colours, lightness and roughness; head and torso over the height.
FEATURES = 3 * len(PARTS) + 2
_UNKNOWN = 0.3  # distance of parts of which one was not seen: about what a person has to oneself
_MOST = 0.5  # of what proportions and roughness count: beyond, a keypoint is wrong

#: Of the regression, by `fit` on the sequences of seeds 100 to 105.
_BIAS = -5.97
_WEIGHTS: Floats = np.array(
    [
        4.13, 0.00, 2.65, 0.69, 0.00, 0.00, 0.00, 0.40,  # colours
        3.57, 0.54, 0.00, 3.06, 3.15, 1.35, 0.04, 1.41,  # lightness
        0.00, 0.00, 0.00, 0.00, 0.00, 0.57, 0.00, 0.00,  # roughness
        0.00, 0.04,  # proportions
    ]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Stripes:
    """What the parts of somebody look like.

    Attributes:
        bins: (parts, colours) histograms, zeros where not seen.
        shades: (parts, 12) histograms of lightness.
        rough: (parts,) logarithm of the mean step between neighbouring samples.
        proportions: (2,) logarithms of head and torso over the height; NaN where not known.
        seen: (parts,) whether they were.
    """

    bins: Floats
    shades: Floats
    rough: Floats
    proportions: Floats
    seen: NDArray[np.bool_]

    def differences(self, other: Stripes) -> Floats:
        """What is compared (`FEATURES`,), each 0 alike to 1."""
        both = self.seen & other.seen
        of_parts = np.stack(
            [
                _bhattacharyya(self.bins, other.bins),
                _bhattacharyya(self.shades, other.shades),
                np.minimum(np.abs(self.rough - other.rough), _MOST),
            ]
        )
        off = np.minimum(np.abs(self.proportions - other.proportions), _MOST)
        return np.concatenate(
            [np.where(both, of_parts, _UNKNOWN).ravel(), np.where(np.isnan(off), 0.05, off)]
        )

    def agreement(self, other: Stripes) -> float:
        """How likely it is, 0 to 1, that two looks are of two people."""
        return float(1 / (1 + np.exp(-(_BIAS + _WEIGHTS @ self.differences(other)))))


def measure_stripes(
    image: NDArray[np.uint8], detections: Detections, light: Light
) -> list[Stripes]:
    """The looks of all detections, in their order.

    Args:
        image: RGB (height, width, 3).
        detections: found in it, px.
        light: of the picture.
    """
    table, _ = colour_table()
    exposed = encoded(light.exposure * linear(np.arange(256, dtype=np.uint8)))
    height, width = image.shape[:2]
    looks = []
    for k, box in enumerate(detections.boxes):
        points = None if detections.keypoints is None else detections.keypoints[k]
        if points is not None and not np.isfinite(points).all():
            points = None
        bins, shades = np.zeros((len(PARTS), BINS)), np.zeros((len(PARTS), _SHADES))
        rough, seen = np.zeros(len(PARTS)), np.zeros(len(PARTS), bool)
        for part, samples in enumerate(_parts(box, points)):
            places = np.floor(samples).astype(np.int64)
            inside = ((places >= 0) & (places < (width, height))).all(-1)
            if inside.size == 0 or inside.mean() < 0.3:
                continue
            u, v = np.clip(places, 0, (width - 1, height - 1)).reshape(-1, 2).T
            values = exposed[image[v, u]]
            levels = np.minimum((values * (1 << BITS)).astype(np.int32), (1 << BITS) - 1)
            within = inside.ravel()
            red, green, blue = levels[within].T
            bins[part] = table[(red << 2 * BITS) | (green << BITS) | blue].mean(0)
            grey = values @ [0.299, 0.587, 0.114]
            shades[part] = _histogram(grey[within])
            steps = np.abs(np.diff(grey.reshape(-1, _SIDE), axis=1))
            rough[part], seen[part] = np.log(0.02 + steps.mean()), True
        looks.append(Stripes(bins, shades, rough, _proportions(box, points), seen))
    return looks


def _bhattacharyya(one: Floats, other: Floats) -> Floats:
    return np.asarray(np.sqrt(1 - np.clip(np.sqrt(one * other).sum(1), 0, 1)))


def _histogram(grey: Floats) -> Floats:
    """Lightness (12,), softly: one shade more or less of light changes it a little."""
    place = np.clip(grey * _SHADES - 0.5, 0, _SHADES - 1.001)
    first = place.astype(int)
    part = place - first
    counts = np.bincount(first, 1 - part, _SHADES) + np.bincount(first + 1, part, _SHADES)
    counts = np.convolve(counts, [0.25, 0.5, 0.25], "same")
    return np.asarray(counts / counts.sum())


def _parts(box: Floats, points: Floats | None) -> list[Floats]:
    """Samples (n, 12, 2) px of every part; of none where it is not known."""
    found = {} if points is None else _by_keypoints(box, points)
    none = np.zeros((0, _SIDE, 2))
    return [
        found[name] if name in found else none if part is None else _share(box, part)
        for name, part in _IN_BOX.items()
    ]


def _by_keypoints(box: Floats, points: Floats) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    corners = _sure(points, "left_shoulder", "right_shoulder", "left_hip", "right_hip")
    if corners is not None:
        top, low = corners[:2].mean(0), corners[2:].mean(0)
        crown = np.array([top[0], box[1]])
        length = float(np.hypot(*(low - top)))
        if length >= 2:
            wide = 0.4 * float(np.abs(corners[0] - corners[1])[0])
            wide = max(wide, 0.17 * length)
            found["chest"] = _strip(top, low, wide, (0.08, 0.5))
            found["waist"] = _strip(top, low, wide, (0.5, 0.95))
            found["hair"] = _strip(crown, top, 0.12 * length, (0.03, 0.3))
            found["face"] = _strip(crown, top, 0.12 * length, (0.35, 0.7))
    limbs = {
        "thighs": ("hip", "knee", 0.12, (0.15, 0.85)),
        "shins": ("knee", "ankle", 0.08, (0.15, 0.85)),
        "forearms": ("elbow", "wrist", 0.10, (0.1, 0.9)),
    }
    for name, (upper, lower, thin, along) in limbs.items():
        strips = []
        for side in ("left", "right"):
            ends = _sure(points, f"{side}_{upper}", f"{side}_{lower}")
            if ends is not None and (length := float(np.hypot(*(ends[1] - ends[0])))) >= 1:
                strips.append(_strip(ends[0], ends[1], thin * length, along))
        if strips:
            found[name] = np.concatenate(strips)
    tall = float(box[3] - box[1])
    feet = [
        _strip(foot[0] + [0, 0.01 * tall], foot[0] + [0, 0.045 * tall], 0.03 * tall, (0, 1))
        for foot in (_sure(points, "left_ankle"), _sure(points, "right_ankle"))
        if foot is not None
    ]
    if feet:
        found["shoes"] = np.concatenate(feet)
    return found


def _sure(points: Floats, *names: str) -> Floats | None:
    rows = np.clip(points[[KEYPOINTS.index(name) for name in names]], -1e6, 1e6)
    return rows[:, :2] if (rows[:, 2] >= _CONFIDENT).all() else None


def _share(box: Floats, part: Box) -> Floats:
    left, top, right, bottom = np.nan_to_num(np.clip(box, -1e6, 1e6))
    u = left + (right - left) * (part[0] + (part[2] - part[0]) * _STEPS)
    v = top + (bottom - top) * (part[1] + (part[3] - part[1]) * _STEPS)
    return np.stack(np.meshgrid(u, v), axis=-1)


def _strip(top: Floats, low: Floats, half: float, along: tuple[float, float]) -> Floats:
    """Samples (12, 12, 2) about an axis, so far to either side, px."""
    axis = low - top
    normal = np.array([axis[1], -axis[0]]) / max(float(np.hypot(*axis)), 1e-9)
    down = along[0] + (along[1] - along[0]) * _STEPS
    return np.asarray(
        top + down[:, None, None] * axis + half * (2 * _STEPS - 1)[None, :, None] * normal
    )


def _proportions(box: Floats, points: Floats | None) -> Floats:
    """Logarithms (2,) of head and torso over the height from the crown to the ankles."""
    unknown = np.full(2, np.nan)
    if points is None:
        return unknown
    rows = [_sure(points, f"left_{n}", f"right_{n}") for n in ("shoulder", "hip", "ankle")]
    if any(row is None for row in rows):
        return unknown
    crown = float(np.clip(box[1], -1e6, 1e6))
    shoulder, hip, ankle = (float(row[:, 1].mean()) for row in rows if row is not None)
    if ankle - crown < 20:
        return unknown
    return np.log(np.maximum([shoulder - crown, hip - shoulder], 1) / (ankle - crown))


def fit(pairs: Sequence[tuple[Stripes, Stripes]], different: NDArray[np.bool_]) -> Floats:
    """Bias and weights (1 + `FEATURES`,) of the regression, by maximum likelihood.

    No weight is below zero: what differs never speaks for one person.

    Args:
        pairs: n of looks.
        different: (n,) whether they are of two people.
    """
    from scipy.optimize import minimize

    rows = np.array([[1.0, *one.differences(other)] for one, other in pairs])
    sign = np.where(different, 1.0, -1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        score = sign * (rows @ weights)
        slope = -sign / (1 + np.exp(score)) / len(rows)
        penalty = 1e-4 * weights * (np.arange(len(weights)) > 0)
        value = float(np.logaddexp(0, -score).mean() + 0.5 * penalty @ weights)
        return value, rows.T @ slope + penalty

    bounds = [(None, None)] + [(0.0, None)] * FEATURES
    start = np.zeros(1 + FEATURES)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)
