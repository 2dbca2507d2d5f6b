"""How good weights are, on the pictures that the training never saw."""

from __future__ import annotations

import json
import time as clock
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from perception.detect.detector import Detector
from perception.evaluate.average_precision import average_precision
from perception.evaluate.samples import FrameLabels, FramePredictions


def evaluate(
    detector: Detector,
    folder: Path,
    split: str = "test",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Average precision and speed on a data set of `perception.training.dataset`.

    Args:
        detector: with a low confidence, so that the whole curve is there.
        folder: of the data set.
        split: which part of it.
        progress: called with pictures done and pictures in all.
    """
    marks = sorted((folder / "scenes" / split).glob("*.json"))
    pictures = [p for mark in marks for p in json.loads(mark.read_text())["pictures"]]
    truths, results, spent = [], [], []
    for number, picture in enumerate(pictures):
        file = folder / "images" / split / f"{picture['picture']}.jpg"
        image = cv2.imread(str(file))
        if image is None:
            raise OSError(f"{file} cannot be read: make the data set again")
        people = picture["people"]
        truths.append(
            FrameLabels(
                time=float(number),
                boxes=np.array([p["box"] for p in people], dtype=float).reshape(-1, 4),
                ids=list(range(len(people))),
                keypoints=np.array([p["keypoints"] for p in people], float).reshape(-1, 17, 3),
                ignore=np.array([not p["wanted"] for p in people], dtype=bool),
            )
        )
        began = clock.perf_counter()
        found = detector.detect(np.ascontiguousarray(image[:, :, ::-1]))
        spent.append(1e3 * (clock.perf_counter() - began))
        results.append(FramePredictions(float(number), found, [None] * len(found)))
        progress(number + 1, len(pictures))
    boxes = average_precision(truths, results)
    points = average_precision(truths, results, "keypoints")
    return {
        "pictures": len(pictures),
        "people": boxes.truths,
        "box_ap50": round(boxes.ap50, 4),
        "box_ap": round(boxes.ap, 4),
        "keypoint_ap50": round(points.ap50, 4),
        "keypoint_ap": round(points.ap, 4),
        "ms_p50": round(float(np.percentile(spent, 50)), 1),
        "ms_p95": round(float(np.percentile(spent, 95)), 1),
    }
