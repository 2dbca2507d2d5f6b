"""Curves with gentle ends: how every move and every transition goes over its time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ease(progress: Floats) -> Floats:
    """From 0 to 1 with no velocity and acceleration at both ends: 10 s³ - 15 s⁴ + 6 s⁵, the
    minimum-jerk curve (Flash and Hogan, 1985)."""
    s = np.clip(progress, 0.0, 1.0)
    eased: Floats = s**3 * (10 + s * (6 * s - 15))
    return eased


def ease_way(progress: Floats) -> Floats:
    """The way of what gets up to speed 1 as `ease` does: its integral, 0 to 1/2."""
    s = np.clip(progress, 0.0, 1.0)
    way: Floats = s**4 * (2.5 + s * (s - 3))
    return way


def cruise(times: Floats, duration: float, ramp: float) -> Floats:
    """The way, s, at speed 1 with gentle ends: up in ``ramp``, and down in it at the end."""
    down = np.clip((duration - times) / ramp, 0.0, 1.0)
    middle = np.clip(times - ramp, 0.0, max(duration - 2 * ramp, 0.0))
    way: Floats = ramp * (ease_way(times / ramp) + 0.5 - ease_way(down)) + middle
    return way


def stop(position: Floats, velocity: Floats, times: Floats, over: float) -> Floats:
    """Places (times, 3), m, of a camera that comes to rest gently from a velocity, m/s."""
    places: Floats = position + stopping_way(times, over)[:, None] * velocity
    return places


def stopping_way(times: Floats, over: float) -> Floats:
    """The way, s, of what comes to rest from speed 1 gently."""
    way: Floats = times.clip(0.0, over) - over * ease_way(times / over)
    return way
