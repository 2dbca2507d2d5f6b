"""PNG plots of a run against its labels."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from perception.evaluate.average_precision import (
    RECALLS,
    THRESHOLDS,
    available,
    average_precision,
)
from perception.evaluate.localisation_errors import (
    LocalisationErrors,
    consistency,
    localisation_errors,
)
from perception.evaluate.matching import pairs
from perception.evaluate.samples import FrameLabels, FramePredictions, check_pairs, is_identity

Floats = NDArray[np.float64]

_INK, _FAINT, _GRID = "#222222", "#777777", "#dddddd"
_SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b6b00")


def plots(
    truths: Sequence[FrameLabels], results: Sequence[FramePredictions], folder: Path
) -> list[Path]:
    """PNG files of all that there are data for, in the folder, which is made."""
    check_pairs(truths, results)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    seen = localisation_errors(truths, results)
    people = list(dict.fromkeys(who for truth in truths for who in truth.ids))
    inks = {who: _SERIES[i % len(_SERIES)] for i, who in enumerate(people)}
    drawn = {
        "position_time": _position_time(seen, inks),
        "position_range": _position_range(seen, inks),
        "heading": _heading(seen, inks),
        "nees": _nees_plot(seen, truths),
        "precision_recall": _precision_recall(truths, results),
        "identities": _timeline(truths, results, people),
    }
    files = []
    for name, figure in drawn.items():
        if figure is not None:
            files.append(folder / f"{name}.png")
            FigureCanvasAgg(figure).print_png(files[-1])  # type: ignore[no-untyped-call]
    return files


def _position_time(seen: LocalisationErrors, inks: dict[Hashable, str]) -> Figure | None:
    if not np.isfinite(seen.position).any():
        return None
    figure, axes = _axes(3.0, "time, s", "position error, m")
    _each(axes, seen, inks, seen.time, seen.position, "-")
    axes.set_ylim(0, None)
    return _finish(figure, axes)


def _position_range(seen: LocalisationErrors, inks: dict[Hashable, str]) -> Figure | None:
    good = np.isfinite(seen.position) & np.isfinite(seen.range)
    if not good.any():
        return None
    figure, axes = _axes(3.6, "range, m", "position error, m")
    _each(axes, seen, inks, seen.range, seen.position, ".")
    far = np.array([0.0, 1.05 * float(seen.range[good].max())])
    top = 1.1 * float(seen.position[good].max()) or 1.0
    for percent in (1, 2, 5, 10):
        # Each leaves the plot at the right or at the top: its name stands there.
        x = min(far[1], 100 * top / percent)
        axes.plot(far, far * percent / 100, color=_FAINT, lw=0.8, ls=(0, (4, 3)))
        axes.annotate(
            f"{percent} %", (x, x * percent / 100), xytext=(3, 2), textcoords="offset points",
            color=_FAINT, fontsize=8.5, annotation_clip=False,
        )  # fmt: skip
    axes.set_xlim(*far)
    axes.set_ylim(0, top)
    return _finish(figure, axes)


def _heading(seen: LocalisationErrors, inks: dict[Hashable, str]) -> Figure | None:
    if not np.isfinite(seen.heading).any():
        return None
    figure, axes = _axes(3.0, "time, s", "heading error, °")
    _each(axes, seen, inks, seen.time, np.degrees(seen.heading), "-")
    axes.axhline(0, color=_FAINT, lw=0.8)
    return _finish(figure, axes)


def _nees_plot(seen: LocalisationErrors, truths: Sequence[FrameLabels]) -> Figure | None:
    sure = consistency(seen)
    if not len(sure.frame):
        return None
    figure, axes = _axes(3.2, "time, s", "NEES per degree of freedom")
    time = np.array([truths[k].time for k in sure.frame])
    axes.fill_between(time, sure.low, sure.high, color="#cfe3f1", lw=0, label="95 % of χ²")
    shown = np.clip(sure.nees, 1e-2, 1e3)
    axes.plot(time, shown, ".", ms=3.5, color=_SERIES[1], label=f"{100 * sure.inside:.0f} % within")
    axes.axhline(1, color=_FAINT, lw=0.8)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.minorticks_off()
    return _finish(figure, axes)


def _precision_recall(
    truths: Sequence[FrameLabels], results: Sequence[FramePredictions]
) -> Figure | None:
    if not available():
        return None
    figure, axes = _axes(4.0, "recall", "precision")
    known = False
    for ink, kind, name in zip(_SERIES, ("boxes", "keypoints"), ("IoU", "OKS"), strict=False):
        found = average_precision(truths, results, kind)
        if not found.truths:
            continue
        known = True
        for k, dashes in ((0, "-"), (5, (0, (5, 2))), (8, (0, (1, 1.5)))):
            label = f"{kind}, {name} {THRESHOLDS[k]:.2f}: {found.precision[k].mean():.3f}"
            axes.plot(RECALLS, found.precision[k], color=ink, ls=dashes, label=label)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.02)
    return _finish(figure, axes, columns=2) if known else None


def _timeline(
    truths: Sequence[FrameLabels], results: Sequence[FramePredictions], people: list[Hashable]
) -> Figure | None:
    """A row for each person: grey where they are to be found, coloured by the identity given."""
    if not people:
        return None
    height = 1.2 + 0.34 * len(people)
    figure, axes = _axes(height, "time, s", "")
    time = np.array([truth.time for truth in truths])
    step = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    row = {who: i for i, who in enumerate(people)}

    def bars(at: list[tuple[int, int]], ink: str, tall: float, label: str | None = None) -> None:
        """Bars over (picture, row); joined, for a bar for each picture is a moiré."""
        for who in sorted({r for _, r in at}):
            frames = np.array(sorted(k for k, r in at if r == who))
            for run in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1):
                left = time[run[0]] - step / 2
                wide = time[run[-1]] + step / 2 - left
                axes.barh(who, wide, tall, left, color=ink, lw=0, label=label)
                label = None

    there = [
        (k, row[truth.ids[int(i)]])
        for k, truth in enumerate(truths)
        for i in np.flatnonzero(truth.counts)
    ]
    bars(there, "#d8d8d8", 0.7, "to be found")
    given: dict[Hashable, list[tuple[int, int]]] = {}
    for pair in pairs(truths, results):
        who = results[pair.frame].ids[pair.found]
        place = (pair.frame, row[truths[pair.frame].ids[pair.truth]])
        given.setdefault(who if is_identity(who) else None, []).append(place)
    named = [who for who in given if who is not None]
    for i, who in enumerate(named):
        label = f"identity {who}" if i < 14 else None
        bars(given[who], _SERIES[i % len(_SERIES)], 0.44, label)
    bars(given.get(None, []), "#888888", 0.16, "without identity")
    axes.set_yticks(range(len(people)), [str(who) for who in people])
    axes.set_ylim(len(people) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    return _finish(figure, axes)


def _axes(height: float, across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9.2, height), dpi=130, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.set_xlabel(across, color=_INK)
    axes.set_ylabel(up, color=_INK)
    axes.grid(color=_GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_GRID)
    axes.tick_params(color=_GRID, labelcolor=_INK, labelsize=9)
    return figure, axes


def _each(
    axes: Axes,
    seen: LocalisationErrors,
    inks: dict[Hashable, str],
    x: Floats,
    y: Floats,
    style: str,
) -> None:
    """A line or dots for each person; lines break where there were no estimates."""
    frames = np.diff(np.unique(seen.frame))
    usual = float(np.median(frames)) if len(frames) else 1.0
    for who, ink in inks.items():
        own = np.array([other == who for other in seen.id], bool)
        if not np.isfinite(y[own]).any():
            continue
        xs, ys = x[own], y[own]
        if style == "-":
            cut = np.flatnonzero(np.diff(seen.frame[own]) > 1.5 * usual) + 1
            xs, ys = np.insert(xs, cut, math.nan), np.insert(ys, cut, math.nan)
        axes.plot(xs, ys, style, color=ink, lw=1.1, ms=3.5, label=str(who))


def _finish(figure: Figure, axes: Axes, columns: int = 7) -> Figure:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, labels, loc="outside upper right", ncols=columns, frameon=False, fontsize=9
        )
    return figure
