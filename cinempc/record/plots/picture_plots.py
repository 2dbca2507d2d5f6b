"""The picture: framing, shot scale, sharpness."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cinempc.record.plots.axes import (
    finish,
    line,
    thin,
    timeline,
)
from cinempc.record.plots.data import TakeData
from cinempc.record.plots.registry import plot
from cinempc.record.plots.style import BAND, INK

Floats = NDArray[np.float64]


@plot(
    "framing",
    order=10,
    title="Framing error",
    meaning="How far each framed point lies from its wanted place in the picture.",
)
def framing(take: TakeData) -> Axes:
    """Distance of each framed point from its wanted place."""
    axes = timeline(2.3, "% of frame width")
    for name in take.framed():
        times, values = take.target(name, lambda target: target.framing_error_pct)
        line(axes, times, values, take.colours[name], name)
    axes.set_ylim(0, max(2.0, axes.get_ylim()[1]))
    finish(axes, take)
    return axes


@plot(
    "scale",
    order=20,
    title="Shot scale",
    meaning="Image height of the whole subject, got and wanted: 100 % is as tall as the frame.",
)
def scale(take: TakeData) -> Axes | None:
    """Image height of the subjects, wanted and got; None where no shot asks for one."""
    asked = [
        name
        for name in take.framed()
        if np.isfinite(take.target(name, lambda target: target.wanted_scale)[1]).any()
    ]
    if not asked:
        return None
    axes = timeline(2.3, "% of frame height")
    for name in asked:
        times, asked_scale = take.target(name, lambda target: target.wanted_scale)
        _, got = take.target(name, lambda target: target.scale)
        got[~np.isfinite(asked_scale)] = np.nan
        line(axes, times, 100 * got, take.colours[name], name)
        axes.plot(*thin(times, 100 * asked_scale), color=INK, lw=1.1, ls=(0, (4, 3)))
    axes.plot([], [], color=INK, lw=1.1, ls=(0, (4, 3)), label="wanted")
    axes.margins(y=0.25)
    finish(axes, take)
    return axes


@plot(
    "blur",
    order=40,
    title="Sharpness",
    meaning="Blur of each subject's eyes on the sensor, in circles of confusion: in the band it "
    "counts as sharp. Full lines were asked sharp, dotted ones were not.",
)
def blur(take: TakeData) -> Axes:
    """Blur circle of each subject over the circle of confusion."""
    axes = timeline(2.3, "circles of confusion")
    seen = [0.0]
    for name in take.names:
        times, values = take.subject(name, lambda s: s.blur_mm / take.coc_mm)
        values[~np.isfinite(values)] = np.nan
        asked = np.array([name in record.sharp for record in take.frames], bool)
        colour = take.colours[name]
        axes.plot(*thin(times, np.where(asked, values, np.nan)), color=colour)
        axes.plot(*thin(times, np.where(asked, np.nan, values)), color=colour, ls=(0, (1, 2)))
        axes.plot([], [], color=colour, label=name)
        seen += values[np.isfinite(values)].tolist()
    # A subject close by is blurred a hundred times over: the plot is about the limit.
    axes.set_ylim(0, min(max(1.1 * float(np.percentile(seen, 95)), 2.0), 12.0))
    axes.axhspan(0.0, 1.0, color=BAND, lw=0)
    finish(axes, take)
    return axes
