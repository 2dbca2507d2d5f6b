"""The pairs that everything here is measured on: who really was in a picture, and what was said.

Labels and predictions go picture by picture, in pairs. Boxes are left, top, right, bottom px;
positions world frame ENU m; headings rad; times and latencies s. Unknown values are NaN.

Labels marked ``ignore`` (somebody hardly to be seen, a crowd) neither help nor harm: they need not
be found, and what is found on them is not counted, as in COCO.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.detect.detections import Detections

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class FrameLabels:
    """Who really was in one picture.

    Attributes:
        time: s.
        boxes: (n, 4).
        ids: n numbers or names.
        keypoints: (n, 17, 3) u, v px and COCO's visibility: 0 where it is not known.
        positions: (n, 3).
        headings: (n,).
        ranges: (n,) from the camera, m.
        visible: (n,) share that can be seen, 0 to 1; None is all.
        ignore: (n,) neither to be found nor to be counted; None is nobody.
        areas: (n,) of the people's masks, px²; None takes COCO's usual share of the box.
    """

    time: float
    boxes: Floats
    ids: Sequence[Hashable]
    keypoints: Floats | None = None
    positions: Floats | None = None
    headings: Floats | None = None
    ranges: Floats | None = None
    visible: Floats | None = None
    ignore: Flags | None = None
    areas: Floats | None = None

    @property
    def counts(self) -> Flags:
        """Who is to be found."""
        if self.ignore is None:
            return np.ones(len(self.boxes), bool)
        return ~np.asarray(self.ignore, bool)


@dataclass(frozen=True)
class FramePredictions:
    """What perception said of one picture.

    Attributes:
        time: s, the picture's.
        detections: n of them.
        ids: n identities, numbers or names; None or negative for nobody yet.
        positions: (n, 3).
        covariances: (n, d, d) of the first d coordinates of the positions, m².
        headings: (n,).
        latency: from the picture to this, s.
    """

    time: float
    detections: Detections
    ids: Sequence[Hashable]
    positions: Floats | None = None
    covariances: Floats | None = None
    headings: Floats | None = None
    latency: float = math.nan


def is_identity(who: Hashable) -> bool:
    """Whether an id stands for somebody: not None and not negative."""
    return who is not None and not (isinstance(who, int | np.integer) and who < 0)


def check_pairs(truths: Sequence[FrameLabels], results: Sequence[FramePredictions]) -> None:
    """Make sure that labels and predictions are of the same pictures.

    Raises:
        ValueError: they are not.
    """
    if len(truths) != len(results):
        raise ValueError(f"{len(truths)} truths and {len(results)} results: they must pair")
    for k, (truth, result) in enumerate(zip(truths, results, strict=True)):
        if abs(truth.time - result.time) > 1e-3:
            raise ValueError(f"pair {k}: the truth is of {truth.time} s, the result {result.time}")
        if len(result.ids) != len(result.detections) or len(truth.ids) != len(truth.boxes):
            raise ValueError(f"pair {k}: there must be an id for each box (None for nobody)")
