"""Perception on sequences whose truth is known, against its targets, and ms of every stage."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cinempc.machine import machine
from perception.detect import loading
from perception.detect.models import find
from perception.evaluate import average_precision
from perception.evaluate.measure import Measured
from perception.evaluate.measure import measure as run
from perception.evaluate.report import report
from perception.pipeline import Pipeline
from sim.sequences import sequence
from sim.sequences.choreography import SEQUENCES

#: What belongs to the network, in `Detector.milliseconds`.
_NETWORK = "network"
_STAGES = ("prepare", "network", "decode", "localise", "track", "identify", "estimate")

Progress = Callable[[str, int, int], None]


def measure(
    weights: str, seeds: int, seconds: float | None, progress: Progress, *, confidence: float
) -> dict[str, Any]:
    """All figures.

    Args:
        weights: by path or name.
        seeds: sequences of each kind, seeds 0, 1, ….
        seconds: of each; None is all of it.
        progress: what is done, pictures done and in all.
        confidence: score from which a detection counts for anything.
    """
    average_precision.require()  # before minutes of rendering
    eye = loading.load(find(weights), confidence=confidence)
    walks: dict[bool, list[Measured]] = {True: [], False: []}
    others: dict[str, list[Measured]] = {"crossing": [], "wall": []}
    for name in SEQUENCES:
        for seed in range(seeds):
            # Rendering takes most of the time: each picture is made once and looked at twice.
            shots = sequence.shoot(name, seed, end=seconds or math.inf)
            pipelines = [
                (depth, Pipeline(eye, frame_rate=shots.frame_rate), Measured())
                for depth in ((True, False) if name == "walk" else (True,))
            ]
            for number, shot in enumerate(shots, 1):
                progress(f"{name}, seed {seed}", number, len(shots))
                for depth, pipeline, measured in pipelines:
                    one = run(pipeline, [shot], depth=depth)
                    measured.truths += one.truths
                    measured.results += one.results
                    measured.stages += one.stages
            for depth, _, measured in pipelines:
                (walks[depth] if name == "walk" else others[name]).append(measured)
    with_depth, colour = _joined(walks[True]), _joined(walks[False])
    reports = {
        "walk": report(with_depth.truths, with_depth.results),
        "walk, colour only": report(colour.truths, colour.results),
        **{name: [report(m.truths, m.results) for m in each] for name, each in others.items()},
    }
    stages = [m.stages for m in (*walks[True], *others["crossing"], *others["wall"])]
    times = stage_times([one for each in stages for one in each])
    network = times[_NETWORK]["median"]
    outside = sum(t["median"] for name, t in times.items() if name != _NETWORK)
    return {
        "figures": figures(reports),
        "reports": reports,
        "stages_ms": times,
        "outside_network": outside / network,
        "machine": machine(),
    }


def stage_times(stages: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Median and p95 of each stage, ms."""
    return {
        name: {
            "median": float(np.median([one.get(name, 0.0) for one in stages])),
            "p95": float(np.percentile([one.get(name, 0.0) for one in stages], 95)),
        }
        for name in _STAGES
    }


def figures(reports: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The table: name, value, its text and the target's."""
    walk, colour = reports["walk"], reports["walk, colour only"]
    again = [g["known_s"] for r in reports["wall"] for g in r["gaps"]["each"]]
    # A gap that never ends is None in a report.
    worst = max((float("inf") if g is None else g for g in again), default=None)
    lines: list[tuple[str, float | None, str, str]] = [
        ("persons, AP50", walk["boxes"]["ap50"], "{:.3f}", ">= 0.95"),
        ("keypoints, AP50 by OKS", walk["keypoints"]["ap50"], "{:.3f}", ">= 0.85"),
        ("position error p95, with depth", walk["position"]["p95_pct_of_range"],
         "{:.1f} % of range", "<= 3 %"),
        ("position error p95, colour only", colour["position"]["p95_pct_of_range"],
         "{:.1f} % of range", "<= 8 %"),
        ("heading error p90, with depth", walk["heading"]["p90_deg"], "{:.1f}°", "<= 20°"),
        ("heading error p90, colour only", colour["heading"]["p90_deg"], "{:.1f}°", "<= 20°"),
        ("NEES in its 95 % band, with depth", _percent(walk["nees"]["inside_95"]),
         "{:.1f} % of frames", ">= 90 %"),
        ("NEES in its 95 % band, colour only", _percent(colour["nees"]["inside_95"]),
         "{:.1f} % of frames", ">= 90 %"),
        ("identity switches, walking", walk["identity"]["switches"], "{:.0f}", "0"),
        ("identity switches, crossing",
         sum(r["identity"]["switches"] for r in reports["crossing"]), "{:.0f}", "0"),
        ("identity switches, wall",
         sum(r["identity"]["switches"] for r in reports["wall"]), "{:.0f}", "0"),
        ("known again behind the wall, worst", worst, "{:.2f} s", "<= 0.5 s"),
    ]  # fmt: skip
    return [
        {
            "name": name,
            "value": value,
            "text": "-" if value is None else pattern.format(value),
            "target": target,
        }
        for name, value, pattern, target in lines
    ]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _joined(parts: Sequence[Measured]) -> Measured:
    """Several sequences as one: later ones begin after the earlier, with people of their own."""
    joined = Measured()
    start = 0.0
    for number, part in enumerate(parts):
        for truth, result in zip(part.truths, part.results, strict=True):
            ids = [f"{number}:{who}" for who in truth.ids]
            found = [None if who is None else f"{number}:{who}" for who in result.ids]
            joined.truths.append(replace(truth, time=start + truth.time, ids=ids))
            joined.results.append(replace(result, time=start + result.time, ids=found))
        start += 1e3
        joined.stages += part.stages
    return joined
