"""Measures perception on sequences whose truth is known: errors, identities, ms of every stage."""

from __future__ import annotations

from typing import Any

from cinempc.app.options.bench import BenchPerceptionOptions
from cinempc.app.options.options import choose
from cinempc.app.perception import DETECTOR_CONFIDENCE
from cinempc.app.progress import OnProgress, Progress, ignore
from perception.evaluate import bench


def measure(
    options: BenchPerceptionOptions | None = None, *, progress: OnProgress = ignore, **changes: Any
) -> dict[str, Any]:
    """Look at every sequence, with depth and without.

    Args:
        options: `BenchPerceptionOptions`.
        progress: told the sequence, and the pictures that are done.
        **changes: single options by their names in `BenchPerceptionOptions`.

    Returns:
        The figures as plain data, with their targets; times in ms; the machine.

    Raises:
        WeightsError: there are no such weights.
    """
    options = choose(BenchPerceptionOptions, options, changes)
    return bench.measure(
        options.weights,
        options.seeds,
        options.seconds,
        lambda what, done, total: progress(Progress(done, total, what)),
        confidence=DETECTOR_CONFIDENCE,
    )
