"""A motor that follows its goal through a first-order lag at a limited rate: zoom, focus and iris,
and a tilt servo."""

from __future__ import annotations

import math


def approach(value: float, goal: float, dt: float, rate: float, lag: float) -> float:
    """Where a motor is after ``dt`` s on the way to a goal: ẋ = clip((goal - x) / lag, ±rate),
    solved exactly: at full rate until the rest is rate · lag, exponentially from there.

    Args:
        value: where it is, in any unit.
        goal: where it goes.
        dt: s.
        rate: its speed, units/s; one that has none stays where it is.
        lag: its time constant, s; 0 for none.
    """
    if rate <= 0:
        return value
    rest = abs(goal - value)
    direction = math.copysign(1.0, goal - value)
    slow = rate * lag
    if rest > slow:
        full = min(dt, (rest - slow) / rate)
        rest -= rate * full
        dt -= full
    if lag > 0:
        rest *= math.exp(-dt / lag)
    return goal - direction * rest
