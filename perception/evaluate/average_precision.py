"""COCO's average precision of boxes (by IoU) and keypoints (by OKS), by faster-coco-eval.

Source: cocodataset.org, *detection evaluation* and *keypoints evaluation*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc.errors import CinempcError
from perception.detect.detections import KEYPOINTS
from perception.evaluate.samples import FrameLabels, FramePredictions, check_pairs

Floats = NDArray[np.float64]

#: IoU or OKS from which a detection counts; AP is the mean over them.
THRESHOLDS: Floats = np.arange(50, 100, 5) / 100
#: At which precision is sampled.
RECALLS: Floats = np.linspace(0.0, 1.0, 101)

_BODY_SHARE = 0.53  # of its box that a COCO person's mask fills, where the mask is not known
_MOST = {"boxes": 100, "keypoints": 20}  # detections of a picture that count, COCO's own


#: What to do where the library is not there.
MISSING = (
    "average precision needs faster-coco-eval, which is not installed: "
    "pip install 'cinempc[evaluate]'"
)


class MetricsError(CinempcError):
    """Metrics that cannot be computed, with what is missing and how to get it."""


@dataclass(frozen=True)
class AveragePrecision:
    """How well one kind of thing is found; NaN where nothing was to be found.

    Attributes:
        ap: mean over `THRESHOLDS`.
        ap50, ap75: at 0.5 and at 0.75.
        precision: (10, 101) over threshold and recall 0, 0.01 … 1.
        recall: (10,) the most that was reached.
        truths: number that was to be found.
    """

    ap: float
    ap50: float
    ap75: float
    precision: Floats
    recall: Floats
    truths: int

    @classmethod
    def none(cls, truths: int = 0) -> AveragePrecision:
        """Nothing can be said."""
        shape = (len(THRESHOLDS), len(RECALLS))
        unknown = np.full(len(THRESHOLDS), math.nan)
        return cls(math.nan, math.nan, math.nan, np.full(shape, math.nan), unknown, truths)


def available() -> bool:
    """Whether the library is installed."""
    return find_spec("faster_coco_eval") is not None


def require() -> None:
    """Make sure that the library is installed.

    Raises:
        MetricsError: it is not.
    """
    if not available():
        raise MetricsError(MISSING)


def average_precision(
    labels: Sequence[FrameLabels],
    predictions: Sequence[FramePredictions],
    kind: str = "boxes",
) -> AveragePrecision:
    """Average precision of one class, over the 100 (boxes) or 20 (keypoints) best of a picture.

    The classes of the detections are not looked at: give those of one class. Where the area of a
    person's mask is not known, it is COCO's usual share of the box. Ignored labels are COCO's
    crowds, of whom no keypoints count; people without a known keypoint are left out of keypoints.

    Args:
        labels, predictions: of the same pictures.
        kind: ``boxes`` or ``keypoints``.

    Raises:
        MetricsError: faster-coco-eval is not installed.
        ValueError: labels and predictions do not pair, or another kind.
    """
    if kind not in _MOST:
        raise ValueError(f"kind is 'boxes' or 'keypoints', not {kind!r}")
    check_pairs(labels, predictions)
    require()
    from faster_coco_eval import COCO, COCOeval_faster

    annotations = [one for k, frame in enumerate(labels) for one in _annotations(k, frame)]
    for number, one in enumerate(annotations, 1):
        one["id"] = number
    total = sum(
        not one["iscrowd"] and (kind == "boxes" or one["num_keypoints"] > 0) for one in annotations
    )
    if not total:
        return AveragePrecision.none()
    truth = COCO(
        {
            "images": [{"id": k} for k in range(len(labels))],
            "categories": [{"id": 1, "name": "any"}],
            "annotations": annotations,
        }
    )
    found = truth.loadRes(
        [one for k, frame in enumerate(predictions) for one in _results(k, frame, kind)]
    )
    evaluation = COCOeval_faster(truth, found, "bbox" if kind == "boxes" else "keypoints")
    evaluation.params.maxDets = [_MOST[kind]]
    evaluation.params.areaRng = evaluation.params.areaRng[:1]
    evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
    evaluation.evaluate()
    evaluation.accumulate()
    # Over threshold, recall, class, area and number of detections; -1 is no truth at all.
    precision = np.asarray(evaluation.eval["precision"], float)[:, :, 0, 0, 0]
    recall = np.asarray(evaluation.eval["recall"], float)[:, 0, 0, 0]
    each = precision.mean(axis=1)
    return AveragePrecision(
        float(each.mean()), float(each[0]), float(each[5]), precision, recall, total
    )


def _annotations(image: int, frame: FrameLabels) -> list[dict[str, Any]]:
    """COCO's annotations of one picture."""
    boxes = np.asarray(frame.boxes, float)
    size = np.maximum(0, boxes[:, 2:] - boxes[:, :2])
    areas = _BODY_SHARE * size.prod(axis=1) if frame.areas is None else np.asarray(frame.areas)
    points = np.zeros((len(boxes), len(KEYPOINTS), 3))
    if frame.keypoints is not None:
        points[frame.counts] = np.asarray(frame.keypoints, float)[frame.counts]
    return [
        {
            "image_id": image,
            "category_id": 1,
            "bbox": [*boxes[k, :2].tolist(), *size[k].tolist()],
            "area": float(areas[k]),
            "iscrowd": int(not counts),
            "keypoints": points[k].ravel().tolist(),
            "num_keypoints": int((points[k, :, 2] > 0).sum()),
        }
        for k, counts in enumerate(frame.counts)
    ]


def _results(image: int, frame: FramePredictions, kind: str) -> list[dict[str, Any]]:
    """COCO's results of one picture; none where keypoints are asked for and there are none."""
    found = frame.detections
    if kind == "boxes":
        boxes = np.asarray(found.boxes, float)
        values = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    elif found.keypoints is None or not len(found):
        return []
    else:
        values = np.asarray(found.keypoints, float).reshape(len(found), -1)
    name = "bbox" if kind == "boxes" else "keypoints"
    return [
        {"image_id": image, "category_id": 1, "score": float(score), name: value.tolist()}
        for score, value in zip(found.scores, values, strict=True)
    ]
