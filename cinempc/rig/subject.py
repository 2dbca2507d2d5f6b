"""A subject's state and its prediction.

A subject stands on the ground at ``position``; its body reaches ``height`` above that. Points on
the body ("eyes", "hips") are fractions of the height, so that one estimate serves every framing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Heights of body points as fractions of stature, standing adult. Source: R. Drillis and
#: R. Contini, *Body Segment Parameters* (1966), as given in D. A. Winter, *Biomechanics and Motor
#: Control of Human Movement*, 4th ed. (2009), figure 4.1; "waist" and "thigh" are the cutting
#: heights of film framing between those joints.
BODY_POINTS = {
    "top": 1.0,
    "eyes": 0.936,
    "chin": 0.870,
    "shoulders": 0.818,
    "chest": 0.720,
    "waist": 0.600,
    "hips": 0.530,
    "centre": 0.5,
    "thigh": 0.400,
    "knees": 0.285,
    "feet": 0.0,
}


def body_fraction(point: str | float) -> float:
    """Height of a body point as a fraction of stature: a name in `BODY_POINTS`, or the fraction.

    Raises:
        KeyError: no such point.
    """
    return BODY_POINTS[point] if isinstance(point, str) else float(point)


@dataclass(frozen=True)
class SubjectEstimate:
    """One subject at one time, in the world frame (ENU).

    ``covariance`` is that of (position, velocity), 6 x 6, m² and (m/s)². ``age`` is the time
    since the subject was last seen, s. ``turn_rate`` is how fast the velocity turns, rad/s,
    anticlockwise from above.
    """

    id: str
    time: float
    position: Floats
    velocity: Floats = field(default_factory=lambda: np.zeros(3))
    heading: float = 0.0
    height: float = 1.75
    width: float = 0.5
    covariance: Floats = field(default_factory=lambda: np.zeros((6, 6)))
    heading_variance: float = 0.0
    height_variance: float = 0.0
    age: float = 0.0
    category: str = "person"
    turn_rate: float = 0.0

    def point(self, point: str | float) -> Floats:
        """A body point (see `body_fraction`), world frame, m."""
        place: Floats = self.position + np.array([0.0, 0.0, body_fraction(point) * self.height])
        return place

    def predict(self, time: float, acceleration_std: float = 0.8) -> SubjectEstimate:
        """The estimate at another time; see `positions`.

        Args:
            time: s; earlier times are allowed.
            acceleration_std: spectral density of the white acceleration that the prediction
                allows for, m/s²/√Hz; a walking person's is about 0.8.
        """
        dt = time - self.time
        eye = np.eye(3)
        step: Floats = np.block([[eye, dt * eye], [np.zeros((3, 3)), eye]])
        age = abs(dt)
        noise = acceleration_std**2 * np.block(
            [[age**3 / 3 * eye, age**2 / 2 * eye], [age**2 / 2 * eye, age * eye]]
        )
        return replace(
            self,
            time=time,
            position=self.position + _way(self.velocity, self.turn_rate, np.array([dt]))[0],
            velocity=_turned(self.velocity, self.turn_rate, dt),
            turn_rate=self.turn_rate * np.exp(-max(dt, 0.0) / TURN_TIME),
            covariance=step @ self.covariance @ step.T + noise,
            age=max(0.0, self.age + dt),
        )

    def positions(self, times: Floats) -> Floats:
        """Predicted ground positions, shape (len(times), 3), m.

        At constant speed, along a turn that fades: ω(t) = ω₀ e^{-t/τ}.
        """
        steps: Floats = np.asarray(times, dtype=float) - self.time
        positions: Floats = self.position + _way(self.velocity, self.turn_rate, steps)
        return positions


#: τ: how long a walking person's turn lasts, s.
TURN_TIME = 1.0

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)


def turned_by(rate: float, ahead: Floats | float) -> Floats:
    """Angles, rad, of a turn that fades, by which one who turns at ``rate``, rad/s, has turned
    after times of any shape, s, not negative."""
    return np.asarray(rate * TURN_TIME * (1 - np.exp(-np.asarray(ahead) / TURN_TIME)))


def _way(velocity: Floats, rate: float, times: Floats) -> Floats:
    """Ways (n, 3) from now to times (n,) from now; before now, they are straight."""
    if abs(rate) < 1e-6:
        return np.asarray(times[:, None] * velocity)
    # Cosine and sine of the angle ω₀ τ (1 - e^{-t/τ}), integrated by Gauss and Legendre's rule.
    ahead = np.maximum(times, 0.0)
    angle = turned_by(rate, 0.5 * ahead[:, None] * (1 + _NODES))
    cos = 0.5 * ahead * (np.cos(angle) @ _WEIGHTS) + np.minimum(times, 0.0)
    sin = 0.5 * ahead * (np.sin(angle) @ _WEIGHTS)
    vx, vy, vz = velocity
    return np.column_stack([cos * vx - sin * vy, sin * vx + cos * vy, times * vz])


def _turned(velocity: Floats, rate: float, dt: float) -> Floats:
    """The velocity (3,) after ``dt``."""
    angle = turned_by(rate, np.maximum(dt, 0.0))
    cos, sin = np.cos(angle), np.sin(angle)
    vx, vy, vz = velocity
    return np.array([cos * vx - sin * vy, sin * vx + cos * vy, vz])
