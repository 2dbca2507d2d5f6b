"""From measured positions to a subject's state: a Kalman filter each.

The state is position and velocity in the world frame, driven by white acceleration. Measurements
come late and out of order: the filter keeps its last second, goes back to before a late one and
runs forward again. Measurements far from the prediction are left out, but a series of them that
agrees with itself is a subject that turned on its heel, or shows that the track began on a false
detection: the filter then starts again from them.

Source: Y. Bar-Shalom, X. R. Li and T. Kirubarajan, *Estimation with Applications to Tracking and
Navigation* (2001), sections 5.4 (consistency) and 6.3 (white acceleration).
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cinempc.subject import SubjectEstimate

Floats = NDArray[np.float64]

_SERIES = 4  # measurements at least, of which three quarters must agree, to start again from

#: 99.9 % of honest measurements lie inside this squared Mahalanobis distance (χ², 3 degrees).
GATE = 16.27


@dataclass(frozen=True, order=True)
class Measurement:
    """Where a subject was seen.

    Attributes:
        time: of the exposure, s.
        position: ground point, world frame, m.
        covariance: (3, 3), m².
        height: the body's, m, or None.
    """

    time: float
    position: Floats = field(compare=False)
    covariance: Floats = field(compare=False)
    height: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Dynamics:
    """How subjects move.

    Attributes:
        acceleration: spectral density of the white acceleration, m/s²/√Hz: 0.35 is a person who
            walks and turns now and then.
        vertical: the same for height above the ground: next to nothing.
        speed: standard deviation of the speed at first sight, m/s.
        memory: how long ago a measurement may be, s.
        patience: for how long measurements outside the gate, with none inside, are left out before
            the filter starts again from them, s.
        heading_speed: speed, m/s, from which the direction of motion tells the heading.
    """

    acceleration: float = 0.35
    vertical: float = 0.05
    speed: float = 1.5
    memory: float = 1.0
    patience: float = 0.35
    heading_speed: float = 0.35


@dataclass
class _Snapshot:
    time: float
    mean: Floats
    covariance: Floats
    measurement: Measurement


class SubjectFilter:
    """One subject's filter.

    Args:
        name: the subject's id in the script.
        height: of the body, m, before anything is measured.
        heading: rad, before it moves.
        dynamics: how it moves.
    """

    def __init__(
        self,
        name: str,
        height: float = 1.75,
        heading: float = 0.0,
        dynamics: Dynamics | None = None,
    ) -> None:
        self.name = name
        self.dynamics = dynamics or Dynamics()
        self.rejected = 0  #: Measurements outside the gate or too old.
        self._heading = heading
        self._height, self._height_variance = height, 0.05**2
        self._past: deque[_Snapshot] = deque()
        self._strays: list[Measurement] = []  # outside the gate since the last one inside it

    @property
    def seen(self) -> bool:
        """Whether there was a measurement yet."""
        return bool(self._past)

    def update(self, measurement: Measurement) -> bool:
        """Take in a measurement, late ones too.

        Returns:
            Whether it was used: not where it is not finite, too old (older than the track, too),
            or outside the gate.
        """
        finite = np.isfinite(measurement.position).all() and np.isfinite(measurement.time)
        if not finite or not np.isfinite(measurement.covariance).all():
            self.rejected += 1
            return False
        if not self._past:
            self._past.append(self._first(measurement))
            return True
        newest = self._past[-1].time
        if measurement.time < max(newest - self.dynamics.memory, self._past[0].time):
            self.rejected += 1
            return False
        again: list[Measurement] = []
        while self._past and self._past[-1].time > measurement.time:
            insort(again, self._past.pop().measurement)
        used = self._step(measurement)
        for later in again:
            self._step(later)
        if used:
            self._strays.clear()
        else:
            used = self._start_again(measurement)
        while len(self._past) > 1 and self._past[1].time < newest - self.dynamics.memory:
            self._past.popleft()
        if used and measurement.height is not None:
            self._measure_height(measurement.height)
        return used

    def estimate(self, time: float) -> SubjectEstimate:
        """The subject at a time, predicted from its last measurement.

        Raises:
            ValueError: it was never seen.
        """
        if not self._past:
            raise ValueError(f"{self.name} was not seen yet")
        last = self._past[-1]
        mean, covariance = self._predict(last.mean, last.covariance, time - last.time)
        velocity = mean[3:]
        speed = math.hypot(velocity[0], velocity[1])
        heading, variance = self._heading, math.pi**2 / 3
        if speed > self.dynamics.heading_speed:
            heading = self._heading = math.atan2(velocity[1], velocity[0])
            across = float(covariance[3:5, 3:5].trace()) / 2
            variance = min(across / speed**2, variance)
        return SubjectEstimate(
            id=self.name,
            time=time,
            position=mean[:3],
            velocity=velocity,
            heading=heading,
            height=self._height,
            covariance=covariance,
            heading_variance=variance,
            height_variance=self._height_variance,
            age=max(0.0, time - last.time),
        )

    # --- the filter ---

    def _first(self, measurement: Measurement) -> _Snapshot:
        covariance = np.zeros((6, 6))
        covariance[:3, :3] = measurement.covariance
        covariance[3:, 3:] = np.diag([self.dynamics.speed**2, self.dynamics.speed**2, 0.01])
        mean = np.concatenate([measurement.position, np.zeros(3)])
        return _Snapshot(measurement.time, mean, covariance, measurement)

    def _predict(self, mean: Floats, covariance: Floats, dt: float) -> tuple[Floats, Floats]:
        step = np.eye(6)
        step[:3, 3:] = dt * np.eye(3)
        density = np.array([self.dynamics.acceleration] * 2 + [self.dynamics.vertical]) ** 2
        long = abs(dt)
        noise = np.zeros((6, 6))
        noise[:3, :3] = np.diag(density * long**3 / 3)
        noise[:3, 3:] = noise[3:, :3] = np.diag(density * long**2 / 2) * math.copysign(1, dt)
        noise[3:, 3:] = np.diag(density * long)
        return step @ mean, step @ covariance @ step.T + noise

    def _step(self, measurement: Measurement) -> bool:
        before = self._past[-1]
        mean, covariance = self._predict(
            before.mean, before.covariance, measurement.time - before.time
        )
        innovation = measurement.position - mean[:3]
        spread = covariance[:3, :3] + measurement.covariance
        if float(innovation @ np.linalg.solve(spread, innovation)) > GATE:
            self.rejected += 1
            return False
        gain = np.linalg.solve(spread, covariance[:3]).T
        mean = mean + gain @ innovation
        # Joseph's form: stays symmetric and positive.
        keep = np.eye(6)
        keep[:, :3] -= gain
        covariance = keep @ covariance @ keep.T + gain @ measurement.covariance @ gain.T
        self._past.append(_Snapshot(measurement.time, mean, covariance, measurement))
        return True

    def _start_again(self, stray: Measurement) -> bool:
        """Begin anew from the strays, once they have lasted and make a track of their own."""
        insort(self._strays, stray)
        if (
            len(self._strays) < _SERIES
            or self._strays[-1].time - self._strays[0].time < self.dynamics.patience
        ):
            return False
        past, rejected = self._past, self.rejected
        self._past = deque([self._first(self._strays[0])])
        agreeing = 1 + sum([self._step(later) for later in self._strays[1:]])
        self.rejected = rejected
        if agreeing < 0.75 * len(self._strays):
            self._past = past
            del self._strays[0]
            return False
        self._strays.clear()
        return True

    def _measure_height(self, height: float, deviation: float = 0.08) -> None:
        gain = self._height_variance / (self._height_variance + deviation**2)
        self._height += gain * (height - self._height)
        self._height_variance *= 1 - gain
