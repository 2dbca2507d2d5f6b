"""Labels and predictions made by hand, for the tests of evaluation."""

import numpy as np

from perception.detect.detections import Detections
from perception.evaluate.samples import FrameLabels, FramePredictions

A, B, FAR = (0, 0, 100, 100), (300, 0, 400, 100), (600, 0, 700, 100)


def truth(*boxes, time=0.0, ids=None, **more):
    n = len(boxes)
    return FrameLabels(
        time, np.array(boxes, float).reshape(n, 4), list(range(n)) if ids is None else ids, **more
    )


def result(*boxes, time=0.0, ids=None, scores=None, keypoints=None, **more):
    n = len(boxes)
    scores = np.linspace(0.9, 0.5, n) if scores is None else np.array(scores, float)
    found = Detections(
        np.array(boxes, float).reshape(n, 4), scores, np.zeros(n, np.int64), keypoints=keypoints
    )
    return FramePredictions(time, found, list(range(n)) if ids is None else ids, **more)


def placed(noise, claimed, frames=2000, people=1, seed=0):
    """Somebody 20 m off, placed with Gaussian noise of a deviation, and the one claimed."""
    rng = np.random.default_rng(seed)
    boxes = [A, B, FAR][:people]
    shape = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.5]])
    root = np.linalg.cholesky(shape)
    truths, results = [], []
    for k in range(frames):
        at = rng.uniform(-20, 20, (people, 3))
        off = noise * rng.normal(size=(people, 3)) @ root.T
        truths.append(truth(*boxes, time=k / 24, positions=at, ranges=np.full(people, 20.0)))
        results.append(
            result(*boxes, time=k / 24, positions=at + off,
                   covariances=np.repeat(claimed**2 * shape[None], people, axis=0))
        )  # fmt: skip
    return truths, results


def one_point(index, at, visibility=2.0):
    points = np.zeros((1, 17, 3))
    points[0, index] = *at, visibility
    return points
