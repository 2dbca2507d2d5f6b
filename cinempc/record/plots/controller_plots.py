"""The controller: solve times and violations."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cinempc.record.plots.axes import (
    finish,
    line,
    timeline,
)
from cinempc.record.plots.data import TakeData
from cinempc.record.plots.registry import plot
from cinempc.record.plots.style import ALARM, FAINT, SERIES

Floats = NDArray[np.float64]


@plot(
    "solve_times",
    order=90,
    title="Solve times",
    meaning="How long each control step took. A late step or a failed solve is marked.",
)
def solve_times(take: TakeData) -> Axes:
    """Time of each control step, with the deadline."""
    axes = timeline(2.0, "ms")
    times = np.array([record.time for record in take.cycles])
    step = np.array([record.step_ms for record in take.cycles])
    axes.plot(times, step, ".", ms=3.2, mew=0, color=SERIES[0], rasterized=False)
    late = np.array([record.deadline_missed for record in take.cycles], bool)
    other = np.array([record.origin != "solved" for record in take.cycles], bool)
    for mask, marker, label in ((late, "x", "late"), (other, "o", "no solution")):
        if mask.any():
            axes.plot(times[mask], step[mask], marker, ms=6, mfc="none", mec=ALARM, label=label)
    worst = float(np.nanmax(step)) if step.size else 1.0
    top = 1.2 * worst
    if take.deadline_ms is not None:
        # The deadline is drawn where it is, unless it would flatten all the rest.
        if take.deadline_ms < 4 * worst:
            top = max(top, 1.12 * take.deadline_ms)
            axes.axhline(take.deadline_ms, color=ALARM, lw=1, label="deadline")
        else:
            axes.plot([], [], color=ALARM, lw=1)
            axes.text(
                0.995,
                0.95,
                f"deadline {take.deadline_ms:g} ms, above the plot",
                transform=axes.transAxes,
                ha="right",
                va="top",
                color=FAINT,
                fontsize=9,
            )
    axes.set_ylim(0, top or 1.0)
    finish(axes, take)
    return axes


@plot(
    "violations",
    order=100,
    title="Violations",
    meaning="Soft constraints that the plan broke, each in its own unit.",
)
def violations(take: TakeData) -> Axes | None:
    """Reported violations over time; None where there were none."""
    names = sorted({name for record in take.cycles for name in record.violations})
    if not names:
        return None
    axes = timeline(1.8, "violation (own unit)")
    times = np.array([record.time for record in take.cycles])
    for i, name in enumerate(names):
        values = np.array([r.violations.get(name, 0.0) for r in take.cycles])
        label = name.replace("_", " ")
        line(axes, times, values, SERIES[i % len(SERIES)], label)
    axes.set_ylim(0, None)
    finish(axes, take)
    return axes
