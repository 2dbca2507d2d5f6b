"""Axes over the time of a take: shots marked, long series thinned."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cinempc.record.plots.data import TakeData
from cinempc.record.plots.style import FAINT, GRID

Floats = NDArray[np.float64]

WIDTH = 9.2  # inches of 72 px in an SVG
MOST_POINTS = 1500  # a line holds no more: the page shows about a thousand pixels


def stacked_axes(height: float, rows: int) -> tuple[Figure, list[Axes]]:
    """A figure of a height, inches, with rows of axes over one another."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False)
    return figure, [row[0] for row in axes]


def timeline(height: float, label: str) -> Axes:
    """One row of axes, of a height, inches, and what goes up."""
    _, (axes,) = stacked_axes(height, 1)
    axes.set_ylabel(label)
    return axes


def line(axes: Axes, x: Floats, y: Floats, colour: str, label: str) -> None:
    """A series with its name."""
    axes.plot(*thin(x, y), color=colour, label=label)


def finish(axes: Axes, take: TakeData) -> None:
    """Shots, times and the legend of a single row."""
    mark_shots(axes, take, names=True)
    time_axis(axes)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure = axes.get_figure(root=True)
        if figure is not None:
            figure.legend(handles, labels, loc="outside upper right", ncols=8, borderpad=0)


def mark_shots(axes: Axes, take: TakeData, names: bool) -> None:
    """Lines between shots, their names above, and a shade over a settling allowance."""
    first, last = take.span()
    for shot in take.shots:
        if shot.start > last:
            continue
        if shot.settle > 0:
            axes.axvspan(
                shot.start, min(shot.start + shot.settle, last), color=GRID, lw=0, alpha=0.45
            )
        if shot.start > first:
            axes.axvline(shot.start, color=FAINT, lw=0.8, ls=(0, (2, 2)))
        if names and len(take.shots) > 1:
            axes.annotate(
                shot.name,
                (max(shot.start, first), 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(4, 3),
                textcoords="offset points",
                fontsize=8.5,
                color=FAINT,
                va="bottom",
            )
    if last > first:
        axes.set_xlim(first, last)


def time_axis(axes: Axes) -> None:
    """Seconds, at round times."""
    axes.set_xlabel("time, s")
    axes.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10]))


def thin(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """A series of no more points than a page shows."""
    pick = spread_indices(len(x), MOST_POINTS)
    return x[pick], y[pick]


def spread_indices(count: int, most: int) -> NDArray[np.intp]:
    """At most so many numbers, spread evenly over a count."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.intp))
