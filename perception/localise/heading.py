"""Which way a subject faces: a belief over all directions.

Keypoints alone often leave two answers (a far back looks like a far front), and a walk tells only
most of the time (people step back and sideways). A belief over the whole circle keeps both answers
until one of them wins.

Source: S. Thrun, W. Burgard and D. Fox, *Probabilistic Robotics* (2005), section 4.1 (discrete
Bayes filter).
"""

from __future__ import annotations

import cmath
import math

import numpy as np
from numpy.typing import NDArray

from cinempc.frames import wrap_angle
from cinempc.rig.subject import turned_by

Floats = NDArray[np.float64]

BINS = 72
#: The directions, rad, anticlockwise from east.
DIRECTIONS: Floats = np.linspace(-math.pi, math.pi, BINS, endpoint=False)
_WAVES: Floats = np.arange(BINS // 2 + 1, dtype=float)

_TURNING = math.radians(30)  # rad/√s, how fast directions get out of date
_FACING = math.radians(9)  # how far people look away from where they walk
_ASIDE = 0.08  # share of walks that are not forward
_WALKS = 0.35  # m/s, and three times its deviation: from there a walk has a direction
_STRIDE = 0.12  # s, for which one look at a velocity counts
_UNKNOWN = math.pi**2 / 3  # rad², the variance of any direction


class Heading:
    """A belief over directions.

    Args:
        guess: direction, rad, which is what is said until something is seen.
    """

    def __init__(self, guess: float = 0.0) -> None:
        self._time: float | None = None
        self._turn_rate = 0.0
        self._belief: Floats = np.exp(0.2 * np.cos(DIRECTIONS - guess))
        self._belief /= self._belief.sum()

    def look(self, time: float, log_likelihood: Floats) -> None:
        """Take in what a picture says.

        Args:
            time: of the picture, s; one that comes late counts as one of now.
            log_likelihood: (72,) of `DIRECTIONS`.
        """
        self._advance(time)
        self._weigh(np.exp(log_likelihood - log_likelihood.max()))

    def walk(
        self, time: float, velocity: Floats, covariance: Floats, turn_rate: float = 0.0
    ) -> None:
        """Take in a velocity: people face where they walk.

        Args:
            time: s.
            velocity: (2,) m/s.
            covariance: (2, 2), of which the part across the velocity counts.
            turn_rate: of the velocity, rad/s: the directions turn with it until the next walk.
        """
        gap = 0.0 if self._time is None else max(time - self._time, 0.0)
        self._advance(time)
        self._turn_rate = turn_rate
        speed = float(np.hypot(*velocity))
        if speed < max(_WALKS, 3 * math.sqrt(float(covariance.trace()) / 2)):
            return
        across = np.array([-velocity[1], velocity[0]]) / speed
        variance = float(across @ covariance @ across) / speed**2 + _FACING**2
        off = wrap_angle(DIRECTIONS - math.atan2(velocity[1], velocity[0]))
        likelihood = (1 - _ASIDE) * np.exp(-0.5 * off**2 / variance) / math.sqrt(
            2 * math.pi * variance
        ) + _ASIDE / (2 * math.pi)
        # One velocity after the other says much the same: each counts for its share of a stride.
        self._weigh(likelihood ** min(1.0, gap / _STRIDE))

    def estimate(self, time: float) -> tuple[float, float]:
        """The direction, rad, and its variance, rad², at a time not before the last look."""
        mean = complex(np.sum(self._belief * np.exp(1j * DIRECTIONS)))
        if self._time is not None:
            ahead = max(time - self._time, 0.0)
            angle = float(turned_by(self._turn_rate, ahead))
            mean *= cmath.exp(-0.5 * _TURNING**2 * ahead + 1j * angle)
        length = max(min(abs(mean), 1.0 - 1e-9), 1e-9)
        return math.atan2(mean.imag, mean.real), min(-2 * math.log(length), _UNKNOWN)

    def _advance(self, time: float) -> None:
        if self._time is not None and time > self._time:
            gap = time - self._time
            angle = float(turned_by(self._turn_rate, gap))
            fade = np.exp(-0.5 * _TURNING**2 * gap * _WAVES**2 - 1j * angle * _WAVES)
            self._belief = np.fft.irfft(np.fft.rfft(self._belief) * fade, BINS)
        self._time = time if self._time is None else max(self._time, time)

    def _weigh(self, likelihood: Floats) -> None:
        # A floor under both: what is impossible now may be seen to be true later.
        belief = np.maximum(self._belief, 1e-5) * (likelihood + 1e-4)
        self._belief = belief / belief.sum()
