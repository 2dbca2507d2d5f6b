"""The report's plots, as inline SVG that takes its colours from the page's style sheet.

matplotlib draws with stand-in colours, which are then replaced by CSS variables: so the same plot
reads on a light and on a dark page. Text stays text, in the page's own typeface.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator
from numpy.typing import NDArray

from cinempc.record import distance
from cinempc.record.events import Shot
from cinempc.record.metrics import CycleRecord, FrameRecord, TargetRecord

Floats = NDArray[np.float64]

#: Stand-in colours and the CSS variables that replace them.
_INK = "#010101"
_FAINT = "#020202"
_GRID = "#030303"
_BAND = "#040404"
_ALARM = "#050505"
_CARD = "#060606"
_SERIES = ("#0a0a01", "#0a0a02", "#0a0a03", "#0a0a04", "#0a0a05", "#0a0a06")
_VARIABLES = {
    _INK: "var(--ink)",
    _FAINT: "var(--faint)",
    _GRID: "var(--grid)",
    _BAND: "var(--band)",
    _ALARM: "var(--alarm)",
    _CARD: "var(--card)",
    **{colour: f"var(--series-{i + 1})" for i, colour in enumerate(_SERIES)},
}

#: Focal length from wide to long; the middle lightnesses read on white and on black.
_FOCAL_MAP = LinearSegmentedColormap.from_list(
    "focal", ["#2f86d1", "#3aa99f", "#c79a1e", "#e0692f", "#cf3f6b"]
)

_STYLE: dict[Any, Any] = {
    "text.parse_math": False,
    "svg.fonttype": "none",
    "font.size": 9.5,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _FAINT,
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "xtick.color": _GRID,
    "ytick.color": _GRID,
    "xtick.labelcolor": _FAINT,
    "ytick.labelcolor": _FAINT,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "text.color": _INK,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "legend.handlelength": 1.6,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}

_WIDTH = 9.2  # inches of 72 px in an SVG
_MOST_POINTS = 1500  # a line holds no more: the page shows about a thousand pixels


class Plots:
    """All plots of a take; each method returns an ``<svg>`` element.

    Args:
        shots: of the take; their boundaries are marked.
        frames: records of the pictures.
        cycles: records of the control steps.
        coc_mm: the camera's circle of confusion.
        deadline_ms: the control step's deadline, drawn with the solve times.
    """

    def __init__(
        self,
        shots: Sequence[Shot],
        frames: Sequence[FrameRecord],
        cycles: Sequence[CycleRecord],
        coc_mm: float,
        deadline_ms: float | None = None,
    ) -> None:
        self._shots = shots
        self._frames = frames
        self._cycles = cycles
        self._coc_mm = coc_mm
        self._deadline_ms = deadline_ms
        self._times = np.array([record.time for record in frames])
        self._names = list(
            dict.fromkeys(
                [target.subject for record in frames for target in record.targets]
                + [s.id for record in frames for s in record.subjects]
            )
        )
        self._colours = {name: _SERIES[i % len(_SERIES)] for i, name in enumerate(self._names)}

    # --- the picture ---

    def framing(self) -> str:
        """Distance of each framed point from its wanted place."""
        axes = self._timeline(2.3, "% of frame width")
        for name in self._framed():
            times, values = self._target(name, lambda target: target.framing_error_pct)
            self._line(axes, times, values, self._colours[name], name)
        axes.set_ylim(0, max(2.0, axes.get_ylim()[1]))
        self._legend(axes)
        return _svg(axes, "framing")

    def scale(self) -> str | None:
        """Image height of the subjects, wanted and got; None where no shot asks for one."""
        asked = [
            name
            for name in self._framed()
            if np.isfinite(self._target(name, lambda target: target.wanted_scale)[1]).any()
        ]
        if not asked:
            return None
        axes = self._timeline(2.3, "% of frame height")
        for name in asked:
            times, wanted = self._target(name, lambda target: target.wanted_scale)
            _, got = self._target(name, lambda target: target.scale)
            got[~np.isfinite(wanted)] = np.nan
            self._line(axes, times, 100 * got, self._colours[name], name)
            axes.plot(*_thin(times, 100 * wanted), color=_INK, lw=1.1, ls=(0, (4, 3)))
        axes.plot([], [], color=_INK, lw=1.1, ls=(0, (4, 3)), label="wanted")
        axes.margins(y=0.25)
        self._legend(axes)
        return _svg(axes, "scale")

    def blur(self) -> str:
        """Blur circle of each subject over the circle of confusion."""
        axes = self._timeline(2.3, "circles of confusion")
        seen = [0.0]
        for name in self._names:
            times, values = self._subject(name, lambda s: s.blur_mm / self._coc_mm)
            values[~np.isfinite(values)] = np.nan
            asked = np.array([name in record.sharp for record in self._frames], bool)
            colour = self._colours[name]
            axes.plot(*_thin(times, np.where(asked, values, np.nan)), color=colour)
            axes.plot(*_thin(times, np.where(asked, np.nan, values)), color=colour, ls=(0, (1, 2)))
            axes.plot([], [], color=colour, label=name)
            seen += values[np.isfinite(values)].tolist()
        # A subject close by is blurred a hundred times over: the plot is about the limit.
        axes.set_ylim(0, min(max(1.1 * float(np.percentile(seen, 95)), 2.0), 12.0))
        axes.axhspan(0.0, 1.0, color=_BAND, lw=0)
        self._legend(axes)
        return _svg(axes, "blur")

    # --- the lens ---

    def lens(self) -> str:
        """Focal length, f-number and focus distance."""
        figure, rows = _figure(4.5, 3)
        values: tuple[tuple[str, list[float]], ...] = (
            ("focal length, mm", [r.focal_length_mm for r in self._frames]),
            ("f-number", [r.f_number for r in self._frames]),
            ("focus distance, m", [r.focus_distance_m for r in self._frames]),
        )
        for axes, (label, series), colour in zip(rows, values, _SERIES, strict=False):
            line = np.array(series)
            if label.startswith("focus") and self._frames:
                self._distance_axis(axes, line)
                line = distance.position(line, self._middle(line))
            axes.plot(*_thin(self._times, line), color=colour)
            axes.set_ylabel(label)
            if not label.startswith("focus"):
                axes.yaxis.set_major_locator(MaxNLocator(4))
                low, high = axes.get_ylim()
                if high - low < 0.02 * high:
                    axes.set_ylim(low - 0.05 * high, high + 0.05 * high)
            self._mark_shots(axes, names=axes is rows[0])
        self._time_axis(rows[-1])
        figure.align_ylabels()
        return _svg(rows[0], "lens")

    def depth_of_field(self) -> str:
        """The sharp range against the subjects' distances, on the scale that shows infinity."""
        axes = self._timeline(3.3, "distance, m")
        focus = np.array([record.focus_distance_m for record in self._frames])
        # Subjects that nothing is asked of may pass close by: the axis is about the others.
        depths = np.array([s.depth for r in self._frames for s in r.subjects if _asked(s.id, r)])
        depths = depths[depths > 0]
        around = np.concatenate([depths, focus])
        middle = self._middle(around)
        self._distance_axis(axes, around, whole=True)
        near, far = (
            distance.position(np.array([getattr(r, side) for r in self._frames]), middle)
            for side in ("near_m", "far_m")
        )
        axes.fill_between(self._times, near, far, color=_BAND, lw=0, label="in focus")
        axes.plot(
            *_thin(self._times, distance.position(focus, middle)),
            color=_INK,
            lw=1.0,
            ls=(0, (4, 3)),
            label="focus",
        )
        for name in self._names:
            times, depth = self._subject(name, lambda s: s.depth if s.depth > 0 else math.nan)
            placed = distance.position(depth, middle)
            self._line(axes, times, placed, self._colours[name], name)
        self._legend(axes)
        return _svg(axes, "dof")

    # --- the flight ---

    def path(self) -> str:
        """The camera's and the subjects' ways from above."""
        figure = Figure(figsize=(_WIDTH, 5.4), layout="constrained")
        axes = figure.add_subplot()
        camera = np.array([record.camera for record in self._frames])
        focal = np.array([record.focal_length_mm for record in self._frames])
        if len(camera) >= 2:
            low, high = float(focal.min()), float(focal.max())
            norm = Normalize(low - 0.5, high + 0.5) if high - low < 1 else Normalize(low, high)
            pick = _indices(len(camera), _MOST_POINTS)
            for piece in self._pieces(pick):
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
            self._view_ticks(axes, camera, focal, norm)
            bar = figure.colorbar(
                ScalarMappable(norm, _FOCAL_MAP), ax=axes, fraction=0.03, pad=0.02, aspect=30
            )
            bar.set_label("focal length, mm")
            bar.outline.set_visible(False)
            axes.autoscale_view()
        for name in self._names:
            ground = np.array(
                [s.ground[:2] for r in self._frames for s in r.subjects if s.id == name]
            )
            if not len(ground):
                continue
            colour = self._colours[name]
            axes.plot(*_thin(ground[:, 0], ground[:, 1]), color=colour, lw=1.6)
            axes.plot(*ground[0], "o", ms=5.5, mfc=_CARD, mec=colour, mew=1.5)
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
        return _svg(axes, "path")

    def height(self) -> str:
        """Height of the camera above the world's zero."""
        axes = self._timeline(1.8, "height, m")
        values = np.array([record.camera[2] for record in self._frames])
        axes.plot(*_thin(self._times, values), color=_SERIES[0])
        if values.size:
            axes.set_ylim(0, 1.25 * max(float(values.max()), 1.0))
        self._legend(axes)
        return _svg(axes, "height")

    def motion(self) -> str:
        """Speed, acceleration and jerk of the vehicle."""
        figure, rows = _figure(4.5, 3)
        times = np.array([record.time for record in self._cycles])
        for axes, label, name, colour in zip(
            rows,
            ("speed, m/s", "acceleration, m/s²", "jerk, m/s³"),
            ("velocity", "acceleration", "jerk"),
            _SERIES,
            strict=False,
        ):
            size = np.array([math.hypot(*getattr(record, name)) for record in self._cycles])
            axes.plot(*_thin(times, size), color=colour, lw=1.3)
            axes.set_ylabel(label)
            axes.set_ylim(0, None)
            axes.yaxis.set_major_locator(MaxNLocator(4))
            self._mark_shots(axes, names=axes is rows[0])
        self._time_axis(rows[-1])
        figure.align_ylabels()
        return _svg(rows[0], "motion")

    # --- the controller ---

    def solve_times(self) -> str:
        """Time of each control step, with the deadline."""
        axes = self._timeline(2.0, "ms")
        times = np.array([record.time for record in self._cycles])
        step = np.array([record.step_ms for record in self._cycles])
        axes.plot(times, step, ".", ms=3.2, mew=0, color=_SERIES[0], rasterized=False)
        late = np.array([record.deadline_missed for record in self._cycles], bool)
        other = np.array([record.origin != "solved" for record in self._cycles], bool)
        for mask, marker, label in ((late, "x", "late"), (other, "o", "no solution")):
            if mask.any():
                axes.plot(
                    times[mask], step[mask], marker, ms=6, mfc="none", mec=_ALARM, label=label
                )
        worst = float(np.nanmax(step)) if step.size else 1.0
        top = 1.2 * worst
        if self._deadline_ms is not None:
            # The deadline is drawn where it is, unless it would flatten all the rest.
            if self._deadline_ms < 4 * worst:
                top = max(top, 1.12 * self._deadline_ms)
                axes.axhline(self._deadline_ms, color=_ALARM, lw=1, label="deadline")
            else:
                axes.plot([], [], color=_ALARM, lw=1)
                axes.text(
                    0.995,
                    0.95,
                    f"deadline {self._deadline_ms:g} ms, above the plot",
                    transform=axes.transAxes,
                    ha="right",
                    va="top",
                    color=_FAINT,
                    fontsize=9,
                )
        axes.set_ylim(0, top or 1.0)
        self._legend(axes)
        return _svg(axes, "solve")

    def violations(self) -> str | None:
        """Reported violations over time; None where there were none."""
        names = sorted({name for record in self._cycles for name in record.violations})
        if not names:
            return None
        axes = self._timeline(1.8, "violation (own unit)")
        times = np.array([record.time for record in self._cycles])
        for i, name in enumerate(names):
            values = np.array([r.violations.get(name, 0.0) for r in self._cycles])
            label = name.replace("_", " ")
            self._line(axes, times, values, _SERIES[i % len(_SERIES)], label)
        axes.set_ylim(0, None)
        self._legend(axes)
        return _svg(axes, "violations")

    # --- parts ---

    def _framed(self) -> list[str]:
        seen = {target.subject for record in self._frames for target in record.targets}
        return [name for name in self._names if name in seen]

    def _target(
        self, name: str, read: Callable[[TargetRecord], float | None]
    ) -> tuple[Floats, Floats]:
        """A series of a subject's first target, NaN where the picture had none."""
        values = []
        for record in self._frames:
            found = next((t for t in record.targets if t.subject == name), None)
            value = None if found is None else read(found)
            values.append(math.nan if value is None else value)
        return self._times, np.array(values, float)

    def _subject(self, name: str, read: Callable[[Any], float]) -> tuple[Floats, Floats]:
        values = []
        for record in self._frames:
            found = next((s for s in record.subjects if s.id == name), None)
            values.append(math.nan if found is None else read(found))
        return self._times, np.array(values, float)

    def _line(self, axes: Axes, x: Floats, y: Floats, colour: str, label: str) -> None:
        axes.plot(*_thin(x, y), color=colour, label=label)

    def _pieces(self, pick: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        """The picked pictures of each shot: a cut is no flight."""
        shots = np.array([self._frames[i].shot_index for i in pick])
        edges = [0, *(np.flatnonzero(np.diff(shots)) + 1).tolist(), len(pick)]
        return [pick[a:b] for a, b in pairwise(edges)]

    def _view_ticks(self, axes: Axes, camera: Floats, focal: Floats, norm: Normalize) -> None:
        """Where the camera looks, at even times: a stroke from the camera."""
        reach = max(float(np.ptp(camera[:, 0])), float(np.ptp(camera[:, 1])), 2.0)
        for i in _indices(len(camera), 18):
            yaw = self._frames[i].yaw
            tip = camera[i, :2] + 0.07 * reach * np.array([math.cos(yaw), math.sin(yaw)])
            colour = _FOCAL_MAP(norm(focal[i]))
            axes.plot([camera[i, 0], tip[0]], [camera[i, 1], tip[1]], color=colour, lw=1.1)
        axes.plot(*camera[0, :2], "o", ms=5.5, mfc=_CARD, mec=_INK, mew=1.5, zorder=5)
        axes.plot(*camera[-1, :2], "o", ms=6, color=_INK, zorder=5)
        axes.annotate(
            "camera",
            (float(camera[-1, 0]), float(camera[-1, 1])),
            xytext=(8, 6),
            textcoords="offset points",
        )

    def _middle(self, metres: Floats) -> float:
        return distance.middle_for(metres.tolist())

    def _distance_axis(self, axes: Axes, metres: Floats, whole: bool = False) -> None:
        """Ticks of the distance scale. ``whole`` reaches to infinity in any case."""
        middle = self._middle(metres)
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

    def _timeline(self, height: float, label: str) -> Axes:
        _, (axes,) = _figure(height, 1)
        axes.set_ylabel(label)
        return axes

    def _legend(self, axes: Axes) -> None:
        self._mark_shots(axes, names=True)
        self._time_axis(axes)
        handles, labels = axes.get_legend_handles_labels()
        if handles:
            figure = axes.get_figure(root=True)
            if figure is not None:
                figure.legend(handles, labels, loc="outside upper right", ncols=8, borderpad=0)

    def _mark_shots(self, axes: Axes, names: bool) -> None:
        """Lines between shots, their names above, and a shade over a settling allowance."""
        first, last = self._span()
        for shot in self._shots:
            if shot.start > last:
                continue
            if shot.settle > 0:
                axes.axvspan(
                    shot.start, min(shot.start + shot.settle, last), color=_GRID, lw=0, alpha=0.45
                )
            if shot.start > first:
                axes.axvline(shot.start, color=_FAINT, lw=0.8, ls=(0, (2, 2)))
            if names and len(self._shots) > 1:
                axes.annotate(
                    shot.name,
                    (max(shot.start, first), 1.0),
                    xycoords=("data", "axes fraction"),
                    xytext=(4, 3),
                    textcoords="offset points",
                    fontsize=8.5,
                    color=_FAINT,
                    va="bottom",
                )
        if last > first:
            axes.set_xlim(first, last)

    def _span(self) -> tuple[float, float]:
        times = [r.time for r in self._frames] or [r.time for r in self._cycles] or [0.0]
        spacing = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
        return times[0], times[-1] + spacing

    def _time_axis(self, axes: Axes) -> None:
        axes.set_xlabel("time, s")
        axes.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10]))


def _figure(height: float, rows: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False)
    return figure, [row[0] for row in axes]


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's settings for these plots, for the time of the block."""
    with mpl.rc_context(_STYLE):
        yield


def _asked(name: str, record: FrameRecord) -> bool:
    return name in record.sharp or any(target.subject == name for target in record.targets)


def _thin(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    pick = _indices(len(x), _MOST_POINTS)
    return x[pick], y[pick]


def _indices(count: int, most: int) -> NDArray[np.intp]:
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.intp))


def _svg(axes: Axes, name: str) -> str:
    """The figure as an ``<svg>`` for a page: no prolog, no metadata, CSS variables for colours."""
    figure = axes.get_figure(root=True)
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        FigureCanvasSVG(figure).print_figure(buffer, format="svg", metadata={"Date": None})
    return inline(buffer.getvalue(), name)


def inline(document: str, name: str) -> str:
    """A matplotlib SVG document as an element of an HTML page.

    Ids get the plot's name, for a page holds several; namespaces and metadata are dropped.
    """
    text = document[document.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    head, rest = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    head = f'<svg class="plot" role="img" {box.group(0) if box else ""}'
    text = f"{head}>{rest}".replace("xlink:href", "href")
    text = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r"font: ([\d.]+px) [^;\"]+", r"font-size: \1", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    return re.sub(r"\n\s*", "\n", text).strip()


def all_plots(plots: Plots, wanted: Iterable[str]) -> dict[str, str]:
    """The named plots that apply, by name."""
    with style():
        drawn = {name: getattr(plots, name)() for name in wanted}
    return {name: svg for name, svg in drawn.items() if svg is not None}
