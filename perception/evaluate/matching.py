"""Which detection is of which person: overlaps and the pairing of boxes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from perception.evaluate.samples import FrameLabels, FramePredictions, check_pairs

Floats = NDArray[np.float64]

MATCH_IOU = 0.5  #: From which a detection is of a person.
_NOBODY = object()


def iou(boxes: Floats, others: Floats) -> Floats:
    """(n, m) area in common over area together."""
    common = _common(boxes, others)
    together = _area(boxes)[:, None] + _area(others)[None] - common
    return np.divide(common, together, out=np.zeros_like(common), where=together > 0)


def overlap(truth: FrameLabels, boxes: Floats) -> Floats:
    """IoU (n, m) of truths and boxes; of an ignored truth, the share of a box that lies on it."""
    common, area = _common(truth.boxes, boxes), _area(boxes)[None]
    share = np.divide(common, area, out=np.zeros_like(common), where=area > 0)
    return np.where(truth.counts[:, None], iou(truth.boxes, boxes), share)


def _area(boxes: Floats) -> Floats:
    boxes = np.asarray(boxes, float)
    size: Floats = np.maximum(0, boxes[:, 2:] - boxes[:, :2])
    return size[:, 0] * size[:, 1]


def _common(boxes: Floats, others: Floats) -> Floats:
    one, other = np.asarray(boxes, float)[:, None], np.asarray(others, float)[None]
    low, high = np.maximum(one[..., :2], other[..., :2]), np.minimum(one[..., 2:], other[..., 2:])
    size: Floats = np.maximum(0, high - low)
    return size[..., 0] * size[..., 1]


@dataclass(frozen=True)
class Pair:
    """A truth that counts and the detection that is surely of it, by their numbers."""

    frame: int
    truth: int
    found: int


def pairs(
    truths: Sequence[FrameLabels], results: Sequence[FramePredictions], least: float = MATCH_IOU
) -> list[Pair]:
    """Truths and detections of the same people: the best pairing of an IoU of at least this.

    Who was paired before stays so while that holds, as in CLEAR MOT (K. Bernardin and R.
    Stiefelhagen, EURASIP Journal on Image and Video Processing, 2008): one box around two people
    who cross is of either.
    """
    check_pairs(truths, results)
    found = []
    known: dict[Hashable, Hashable] = {}
    for frame, (truth, result) in enumerate(zip(truths, results, strict=True)):
        alike = iou(truth.boxes, result.detections.boxes)
        alike[~truth.counts] = 0.0
        alike[alike < least] = 0.0
        before = np.array(
            [[known.get(i, _NOBODY) == j for j in result.ids] for i in truth.ids], bool
        )
        before = before.reshape(alike.shape) & (alike > 0)
        rows, columns = linear_sum_assignment(-(alike + before))
        for i, j in zip(rows, columns, strict=True):
            if alike[i, j] > 0:
                found.append(Pair(frame, int(i), int(j)))
                if result.ids[j] is not None:
                    known[truth.ids[i]] = result.ids[j]
    return found
