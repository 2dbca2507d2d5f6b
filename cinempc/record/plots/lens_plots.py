"""The lens: its three values, and the depth of field against the subjects."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator
from numpy.typing import NDArray

from cinempc.record import distance
from cinempc.record.plots.axes import (
    finish,
    line,
    mark_shots,
    stacked_axes,
    thin,
    time_axis,
    timeline,
)
from cinempc.record.plots.data import TakeData
from cinempc.record.plots.registry import plot
from cinempc.record.plots.style import BAND, INK, SERIES
from cinempc.record.records import FrameRecord

Floats = NDArray[np.float64]


@plot("lens", order=50, title="Lens", meaning="What the controller did with zoom, iris and focus.")
def lens(take: TakeData) -> Axes:
    """Focal length, f-number and focus distance."""
    figure, rows = stacked_axes(4.5, 3)
    values: tuple[tuple[str, list[float]], ...] = (
        ("focal length, mm", [r.focal_length_mm for r in take.frames]),
        ("f-number", [r.f_number for r in take.frames]),
        ("focus distance, m", [r.focus_distance_m for r in take.frames]),
    )
    for axes, (label, series), colour in zip(rows, values, SERIES, strict=False):
        line = np.array(series)
        if label.startswith("focus") and take.frames:
            _distance_axis(axes, line)
            line = distance.position(line, distance.middle_for(line))
        axes.plot(*thin(take.times, line), color=colour)
        axes.set_ylabel(label)
        if not label.startswith("focus"):
            axes.yaxis.set_major_locator(MaxNLocator(4))
            low, high = axes.get_ylim()
            if high - low < 0.02 * high:
                axes.set_ylim(low - 0.05 * high, high + 0.05 * high)
        mark_shots(axes, take, names=axes is rows[0])
    time_axis(rows[-1])
    figure.align_ylabels()
    return rows[0]


@plot(
    "depth_of_field",
    order=30,
    title="Depth of field",
    meaning="The band is what the lens holds in focus; a subject inside it is sharp. The scale is "
    "that of a focus ring: it ends at infinity.",
)
def depth_of_field(take: TakeData) -> Axes:
    """The sharp range against the subjects' distances, on the scale that shows infinity."""
    axes = timeline(3.3, "distance, m")
    focus = np.array([record.focus_distance_m for record in take.frames])
    # Subjects that nothing is asked of may pass close by: the axis is about the others.
    depths = np.array([s.depth for r in take.frames for s in r.subjects if _asked(s.id, r)])
    depths = depths[depths > 0]
    around = np.concatenate([depths, focus])
    middle = distance.middle_for(around)
    _distance_axis(axes, around, whole=True)
    near, far = (
        distance.position(np.array([getattr(r, side) for r in take.frames]), middle)
        for side in ("near_m", "far_m")
    )
    axes.fill_between(take.times, near, far, color=BAND, lw=0, label="in focus")
    axes.plot(
        *thin(take.times, distance.position(focus, middle)),
        color=INK,
        lw=1.0,
        ls=(0, (4, 3)),
        label="focus",
    )
    for name in take.names:
        times, depth = take.subject(name, lambda s: s.depth if s.depth > 0 else math.nan)
        placed = distance.position(depth, middle)
        line(axes, times, placed, take.colours[name], name)
    finish(axes, take)
    return axes


def _distance_axis(axes: Axes, metres: Floats, whole: bool = False) -> None:
    """Ticks of the distance scale. ``whole`` reaches to infinity in any case."""
    middle = distance.middle_for(metres)
    places = distance.position(metres[metres > 0], middle)
    low, high = float(np.min(places, initial=1.0)), float(np.max(places, initial=0.0))
    room = 0.1
    low = max(0.0, low - room)
    high = 1.0 if whole else min(1.0, high + room)
    gap = (high - low) * (0.09 if whole else 0.22)
    chosen = [
        metre
        for metre in distance.ticks(middle, gap)
        if low <= distance.position(metre, middle) <= high + 1e-9
    ]
    axes.set_ylim(low, high + (0.012 if high == 1.0 else 0))
    axes.yaxis.set_major_locator(
        FixedLocator([float(distance.position(metre, middle)) for metre in chosen])
    )
    axes.set_yticklabels([distance.tick_text(metre) for metre in chosen])


def _asked(name: str, record: FrameRecord) -> bool:
    return name in record.sharp or any(target.subject == name for target in record.targets)
