"""The flight: the way from above, height, motion."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cinempc.record.plots.axes import (
    MOST_POINTS,
    WIDTH,
    finish,
    mark_shots,
    spread_indices,
    stacked_axes,
    thin,
    time_axis,
    timeline,
)
from cinempc.record.plots.data import TakeData
from cinempc.record.plots.registry import plot
from cinempc.record.plots.style import CARD, INK, SERIES

Floats = NDArray[np.float64]

#: Focal length from wide to long; the middle lightnesses read on white and on black.
_FOCAL_MAP = LinearSegmentedColormap.from_list(
    "focal", ["#2f86d1", "#3aa99f", "#c79a1e", "#e0692f", "#cf3f6b"]
)


@plot(
    "path",
    order=60,
    title="Flight from above",
    meaning="The camera's way, coloured by focal length, with strokes along its optical axis. "
    "Rings mark where a way begins, dots where it ends.",
)
def path(take: TakeData) -> Axes:
    """The camera's and the subjects' ways from above."""
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    axes = figure.add_subplot()
    camera = np.array([record.camera for record in take.frames])
    focal = np.array([record.focal_length_mm for record in take.frames])
    if len(camera) >= 2:
        low, high = float(focal.min()), float(focal.max())
        norm = Normalize(low - 0.5, high + 0.5) if high - low < 1 else Normalize(low, high)
        pick = spread_indices(len(camera), MOST_POINTS)
        for piece in _pieces(take, pick):
            points = camera[piece, :2]
            segments = np.stack([points[:-1], points[1:]], axis=1)
            axes.add_collection(
                LineCollection(
                    list(segments),
                    array=focal[piece][:-1],
                    cmap=_FOCAL_MAP,
                    norm=norm,
                    linewidths=2.6,
                    capstyle="round",
                )
            )
        _view_ticks(take, axes, camera, focal, norm)
        bar = figure.colorbar(
            ScalarMappable(norm, _FOCAL_MAP), ax=axes, fraction=0.03, pad=0.02, aspect=30
        )
        bar.set_label("focal length, mm")
        bar.outline.set_visible(False)
        axes.autoscale_view()
    for name in take.names:
        ground = np.array([s.ground[:2] for r in take.frames for s in r.subjects if s.id == name])
        if not len(ground):
            continue
        colour = take.colours[name]
        axes.plot(*thin(ground[:, 0], ground[:, 1]), color=colour, lw=1.6)
        axes.plot(*ground[0], "o", ms=5.5, mfc=CARD, mec=colour, mew=1.5)
        axes.plot(*ground[-1], "o", ms=6, color=colour)
        axes.annotate(
            name,
            (float(ground[-1, 0]), float(ground[-1, 1])),
            xytext=(8, 6),
            textcoords="offset points",
            color=colour,
        )
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.1)
    axes.set_xlabel("east, m")
    axes.set_ylabel("north, m")
    return axes


@plot("height", order=70, title="Height", meaning="Of the camera, above the world's zero.")
def height(take: TakeData) -> Axes:
    """Height of the camera above the world's zero."""
    axes = timeline(1.8, "height, m")
    values = np.array([record.camera[2] for record in take.frames])
    axes.plot(*thin(take.times, values), color=SERIES[0])
    if values.size:
        axes.set_ylim(0, 1.25 * max(float(values.max()), 1.0))
    finish(axes, take)
    return axes


@plot(
    "motion",
    order=80,
    title="Motion",
    meaning="Speed as flown; acceleration and jerk of the flown plan. The jerk is what a viewer "
    "feels.",
)
def motion(take: TakeData) -> Axes:
    """Speed, acceleration and jerk of the vehicle."""
    figure, rows = stacked_axes(4.5, 3)
    times = np.array([record.time for record in take.cycles])
    for axes, label, name, colour in zip(
        rows,
        ("speed, m/s", "acceleration, m/s²", "jerk, m/s³"),
        ("velocity", "acceleration", "jerk"),
        SERIES,
        strict=False,
    ):
        size = np.array([math.hypot(*getattr(record, name)) for record in take.cycles])
        axes.plot(*thin(times, size), color=colour, lw=1.3)
        axes.set_ylabel(label)
        axes.set_ylim(0, None)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        mark_shots(axes, take, names=axes is rows[0])
    time_axis(rows[-1])
    figure.align_ylabels()
    return rows[0]


def _pieces(take: TakeData, pick: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The picked pictures of each shot: a cut is no flight."""
    shots = np.array([take.frames[i].shot_index for i in pick])
    edges = [0, *(np.flatnonzero(np.diff(shots)) + 1).tolist(), len(pick)]
    return [pick[a:b] for a, b in pairwise(edges)]


def _view_ticks(take: TakeData, axes: Axes, camera: Floats, focal: Floats, norm: Normalize) -> None:
    """Where the camera looks, at even times: a stroke from the camera."""
    reach = max(float(np.ptp(camera[:, 0])), float(np.ptp(camera[:, 1])), 2.0)
    for i in spread_indices(len(camera), 18):
        yaw = take.frames[i].yaw
        tip = camera[i, :2] + 0.07 * reach * np.array([math.cos(yaw), math.sin(yaw)])
        colour = _FOCAL_MAP(norm(focal[i]))
        axes.plot([camera[i, 0], tip[0]], [camera[i, 1], tip[1]], color=colour, lw=1.1)
    axes.plot(*camera[0, :2], "o", ms=5.5, mfc=CARD, mec=INK, mew=1.5, zorder=5)
    axes.plot(*camera[-1, :2], "o", ms=6, color=INK, zorder=5)
    axes.annotate(
        "camera",
        (float(camera[-1, 0]), float(camera[-1, 1])),
        xytext=(8, 6),
        textcoords="offset points",
    )
