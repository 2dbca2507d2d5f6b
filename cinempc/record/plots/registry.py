"""Which plots there are: every function with the decorator `plot` in a module ``*_plots`` here."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes

import cinempc.record.plots
from cinempc.record.plots.data import TakeData
from cinempc.record.plots.style import style, svg

#: Draws into new axes; None where a take has nothing of that kind.
Draw = Callable[[TakeData], Axes | None]


@dataclass(frozen=True)
class Plot:
    """A plot of the report.

    Attributes:
        name: of its kind, unlike any other.
        order: its place on the page, from the lowest.
        title: its heading.
        meaning: what a reader sees there, a sentence or two.
        draw: draws it.
    """

    name: str
    order: float
    title: str
    meaning: str
    draw: Draw


#: All that have been registered, by name.
PLOTS: dict[str, Plot] = {}


def plot(name: str, *, order: float, title: str, meaning: str) -> Callable[[Draw], Draw]:
    """Decorator: makes a function a plot of the report.

    Example:
        >>> @plot("speed", order=85, title="Speed", meaning="Of the vehicle, as flown.")
        ... def speed(take: TakeData) -> Axes: ...
    """

    def add(draw: Draw) -> Draw:
        PLOTS[name] = Plot(name, order, title, meaning, draw)
        return draw

    return add


def plots() -> list[Plot]:
    """All plots, in the page's order."""
    for module in pkgutil.iter_modules(cinempc.record.plots.__path__):
        if module.name.endswith("_plots"):
            importlib.import_module(f"{cinempc.record.plots.__name__}.{module.name}")
    return sorted(PLOTS.values(), key=lambda one: one.order)


def draw_all(take: TakeData) -> dict[str, str]:
    """The plots that apply to a take as ``<svg>`` elements, by name, in the page's order."""
    with style():
        drawn = {one.name: one.draw(take) for one in plots()}
        return {name: svg(axes, name) for name, axes in drawn.items() if axes is not None}
