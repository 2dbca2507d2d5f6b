"""How the plots look: inline SVG that takes its colours from the page's style sheet.

matplotlib draws with stand-in colours, which are then replaced by CSS variables: so the same plot
reads on a light and on a dark page. Text stays text, in the page's own typeface.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG

#: Stand-in colours and the CSS variables that replace them.
INK = "#010101"
FAINT = "#020202"
GRID = "#030303"
BAND = "#040404"
ALARM = "#050505"
CARD = "#060606"
SERIES = ("#0a0a01", "#0a0a02", "#0a0a03", "#0a0a04", "#0a0a05", "#0a0a06")
_VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    GRID: "var(--grid)",
    BAND: "var(--band)",
    ALARM: "var(--alarm)",
    CARD: "var(--card)",
    **{colour: f"var(--series-{i + 1})" for i, colour in enumerate(SERIES)},
}

_STYLE: dict[Any, Any] = {
    "text.parse_math": False,
    "svg.fonttype": "none",
    "font.size": 9.5,
    "axes.edgecolor": GRID,
    "axes.labelcolor": FAINT,
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "text.color": INK,
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


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's settings for these plots, for the time of the block."""
    with mpl.rc_context(_STYLE):
        yield


def svg(axes: Axes, name: str) -> str:
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
