"""Measures how well people are told apart by what they look like."""

from __future__ import annotations

from typing import Any

from cinempc.app.options.bench import BenchIdentityOptions
from cinempc.app.options.options import choose
from cinempc.app.perception import DETECTOR_CONFIDENCE
from cinempc.app.progress import OnProgress, Progress, ignore
from perception.evaluate import reidentification


def measure(
    options: BenchIdentityOptions | None = None, *, progress: OnProgress = ignore, **changes: Any
) -> dict[str, Any]:
    """Film people who cross, go behind a wall, in bad light and in the same clothes, and compare.

    Args:
        options: `BenchIdentityOptions`.
        progress: told the sequence, and the pictures that are done.
        **changes: single options by their names in `BenchIdentityOptions`.

    Returns:
        The figures of each kind and descriptor as plain data; times in ms; the machine.

    Raises:
        WeightsError: there are no such weights.
    """
    options = choose(BenchIdentityOptions, options, changes)
    return reidentification.measure(
        options.weights,
        options.seeds,
        lambda what, done, total: progress(Progress(done, total, what)),
        confidence=DETECTOR_CONFIDENCE,
    )
