"""All figures of a run against its labels, as plain data for JSON."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from perception.evaluate.average_precision import (
    MISSING,
    AveragePrecision,
    available,
    average_precision,
)
from perception.evaluate.identity_metrics import gaps, identity_metrics
from perception.evaluate.localisation_errors import consistency, localisation_errors
from perception.evaluate.samples import FrameLabels, FramePredictions, check_pairs

Floats = NDArray[np.float64]

_log = logging.getLogger(__name__)


def report(truths: Sequence[FrameLabels], results: Sequence[FramePredictions]) -> dict[str, Any]:
    """All figures, for JSON: numbers, with None for what cannot be said and for never.

    Without faster-coco-eval, the average precisions are None.

    Raises:
        ValueError: truths and results do not pair.
    """
    check_pairs(truths, results)
    boxes = points = AveragePrecision.none()
    if available():
        boxes = average_precision(truths, results)
        points = average_precision(truths, results, "keypoints")
    else:
        _log.warning(MISSING)
    seen = localisation_errors(truths, results)
    sure = consistency(seen)
    lost = gaps(truths, results)
    relative = 100 * seen.position / seen.range
    late = np.array([result.latency for result in results])
    figures = {
        "frames": len(truths),
        "truths": int(sum(truth.counts.sum() for truth in truths)),
        "detections": sum(len(result.detections) for result in results),
        "pairs": len(seen.id),
        "boxes": {
            "ap50": boxes.ap50, "ap75": boxes.ap75, "ap": boxes.ap,
            "recall50": float(boxes.recall[0]),
        },
        "keypoints": {
            "ap50": points.ap50, "ap75": points.ap75, "ap": points.ap, "truths": points.truths,
        },
        "identity": identity_metrics(truths, results),
        "position": {
            "p50_m": _percentile(seen.position, 50),
            "p95_m": _percentile(seen.position, 95),
            "p50_pct_of_range": _percentile(relative, 50),
            "p95_pct_of_range": _percentile(relative, 95),
        },
        "heading": {
            "p50_deg": _percentile(np.degrees(np.abs(seen.heading)), 50),
            "p90_deg": _percentile(np.degrees(np.abs(seen.heading)), 90),
        },
        "nees": {
            "mean_per_freedom": sure.mean, "inside_95": sure.inside,
            "too_sure": sure.above, "too_modest": sure.below, "frames": len(sure.frame),
        },
        "gaps": {
            "count": len(lost),
            "found_again": sum(math.isfinite(gap.found) for gap in lost),
            "known_again": sum(math.isfinite(gap.known) for gap in lost),
            "known_p50_s": _percentile(np.array([gap.known for gap in lost]), 50),
            "known_worst_s": max((gap.known for gap in lost), default=math.nan),
            "each": [
                {
                    "id": str(gap.id), "lost_s": gap.lost, "back_s": gap.back,
                    "found_s": gap.found, "known_s": gap.known,
                }
                for gap in lost
            ],
        },
        "latency": {
            "p50_ms": _percentile(1e3 * late, 50),
            "p95_ms": _percentile(1e3 * late, 95),
        },
    }  # fmt: skip
    return {name: _json(part) for name, part in figures.items()}


def _percentile(values: Floats, percent: float) -> float:
    known = values[~np.isnan(values)]
    if not len(known):
        return math.nan
    # By rank: between a number and infinity there is nothing to interpolate.
    how: Literal["linear", "higher"] = "linear" if np.isfinite(known).all() else "higher"
    return float(np.percentile(known, percent, method=how))


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_json(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
