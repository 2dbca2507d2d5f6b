"""A pipeline over a sequence whose truth is known, in the form that evaluation takes."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from perception.evaluate.samples import FrameLabels, FramePredictions
from perception.localise.view import View
from perception.pipeline import PerceptionResult, Pipeline
from sim.sequences.sequence import LabelledFrame

#: Share of a body that must show for it to be asked for, and its least height, px of 960 across.
_SHOWN, _LOWEST = 0.15, 16.0


@dataclass
class Measured:
    """Truths and results, a pair for each picture, and the ms of every stage."""

    truths: list[FrameLabels] = field(default_factory=list)
    results: list[FramePredictions] = field(default_factory=list)
    stages: list[Mapping[str, float]] = field(default_factory=list)


def measure(
    pipeline: Pipeline,
    shots: Iterable[LabelledFrame],
    *,
    depth: bool = True,
    after_each: Callable[[LabelledFrame, PerceptionResult], None] = lambda shot, found: None,
) -> Measured:
    """Run a pipeline over a sequence.

    Args:
        pipeline: new, so that it knows nobody yet.
        shots: the sequence.
        depth: whether it may use the depth pictures.
        after_each: called after each picture.
    """
    measured = Measured()
    for shot in shots:
        frame = shot.frame
        began = clock.perf_counter()
        detections = pipeline.detect(frame.image)
        detected = clock.perf_counter()
        found = pipeline.follow(
            frame.time, frame.image, detections, View.of(frame), frame.depth if depth else None
        )
        latency = clock.perf_counter() - began
        measured.truths.append(truth_of(shot))
        measured.results.append(result_of(found, latency))
        stages = {"detect": 1e3 * (detected - began), **pipeline.detector.milliseconds}
        measured.stages.append(stages | dict(found.milliseconds))
        after_each(shot, found)
    return measured


def truth_of(shot: LabelledFrame) -> FrameLabels:
    """The truth of one picture."""
    people, states = shot.people, {s.id: s for s in shot.subjects}
    unit = shot.frame.image.shape[1] / 960
    boxes = np.array([p.box for p in people], dtype=float).reshape(-1, 4)
    shown = np.array([p.shown for p in people])
    low = boxes[:, 3] - boxes[:, 1] < _LOWEST * unit
    return FrameLabels(
        time=shot.frame.time,
        boxes=boxes,
        ids=[p.id for p in people],
        keypoints=np.array([p.keypoints for p in people], dtype=float).reshape(-1, 17, 3),
        positions=np.array([states[p.id].position for p in people]).reshape(-1, 3),
        headings=np.array([states[p.id].heading for p in people]),
        ranges=np.array([p.range for p in people]),
        visible=shown,
        ignore=(shown < _SHOWN) | low,
    )


def result_of(found: PerceptionResult, latency: float) -> FramePredictions:
    """What was found in one picture; positions on the ground plane carry their covariance."""
    count = len(found.detections)
    positions, headings = np.full((count, 3), np.nan), np.full(count, np.nan)
    spreads = np.full((count, 2, 2), np.nan)
    for k, number in enumerate(found.ids):
        estimate = None if number is None else found.estimates.get(number)
        if estimate is not None:
            positions[k], headings[k] = estimate.position, estimate.heading
            spreads[k] = estimate.covariance[:2, :2]
    return FramePredictions(
        time=found.time,
        detections=found.detections,
        ids=list(found.ids),
        positions=positions,
        covariances=spreads,
        headings=headings,
        latency=latency,
    )
