"""The distance scale of the monitor and the report: the lens on the left, infinity on the right.

The scale is s = d / (d + d₀), which is what perspective does to distance: it is smooth and
monotone from 0 at the lens through ½ at d₀ to 1 at infinity, and a depth of field that reaches
infinity has an end one can see.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

Num = Any  # a float or a numpy array

_ROUND = (0.5, 1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 1000)


def position(metres: Num, middle: float) -> Num:
    """Place of a distance on the scale, 0..1; ``middle`` m lies at ½, ``inf`` at 1."""
    metres = np.asarray(metres, dtype=float)
    with np.errstate(invalid="ignore"):
        placed = np.where(np.isinf(metres), 1.0, metres / (metres + middle))
    return float(placed) if placed.ndim == 0 else placed


def middle_for(distances: Iterable[float]) -> float:
    """A round distance for the middle of the scale: near the median of the finite ones."""
    finite = [d for d in distances if math.isfinite(d) and d > 0]
    if not finite:
        return 8.0
    median = float(np.median(finite))
    return min(_ROUND, key=lambda value: abs(math.log(value / median)))


def ticks(middle: float, gap: float, first: float = 0.0) -> list[float]:
    """Round distances with at least ``gap`` of the scale between them, from ``first`` m to ∞."""
    chosen: list[float] = []
    for value in _ROUND:
        here = position(value, middle)
        after = position(chosen[-1], middle) if chosen else -1.0
        if value >= first and here - after >= gap and 1 - here >= gap:
            chosen.append(value)
    return [*chosen, math.inf]


def text(metres: float, unit: bool = True) -> str:
    """A distance as a focus puller reads it: "0.95 m", "5.2 m", "48 m", "∞"."""
    if math.isnan(metres):
        return "–"
    if math.isinf(metres) or metres >= 9999.5:
        return "∞"
    digits = 2 if metres < 0.9995 else 1 if metres < 99.95 else 0
    return f"{metres:.{digits}f}" + (" m" if unit else "")


def tick_text(metres: float) -> str:
    """A distance beside a tick: "0.5", "10", "∞"."""
    return "∞" if math.isinf(metres) else f"{metres:g}"
