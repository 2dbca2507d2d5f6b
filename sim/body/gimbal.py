"""A stabilised gimbal that holds the camera's attitude in the world.

Each axis follows its setpoint through a first-order lag, at no more than its rate and
acceleration; its angle against the airframe stays in the gimbal's range. What stabilisation
leaves over is a small, fast jitter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.rig.vehicle import Gimbal

Floats = NDArray[np.float64]
Angles = tuple[float, float, float]

_TURN = 2 * math.pi


@dataclass(frozen=True)
class StabilisationError:
    """What stabilisation leaves over: typical of what makers of small gimbals give, ±0.01 to
    ±0.02 deg."""

    deviation: float = math.radians(0.01)  # rad, of each axis
    time: float = 0.05  # s, correlation


class SimGimbal:
    """The camera's true attitude on its gimbal.

    Args:
        gimbal: ranges, rate, acceleration and lag.
        angles: the camera's yaw, pitch and roll in the world frame at the start, rad.
        stabilisation: what stabilisation leaves over; None for none.
        seed: of what stabilisation leaves over.
    """

    def __init__(
        self,
        gimbal: Gimbal,
        angles: Sequence[float] | Floats,
        stabilisation: StabilisationError | None = None,
        seed: int = 0,
    ) -> None:
        self.gimbal = gimbal
        self._angles = [float(x) for x in angles]
        self._lagged = self._angles.copy()
        self._rates = [0.0, 0.0, 0.0]
        self._target = (self._angles.copy(), [0.0, 0.0, 0.0])
        self._stabilisation = stabilisation or StabilisationError(deviation=0.0)
        self._shake = [0.0, 0.0, 0.0]
        self._random = np.random.default_rng([seed, 0x67])
        self._deviates: list[float] = []

    @property
    def angles(self) -> Angles:
        """The camera's yaw (not wrapped), pitch and roll in the world frame, rad."""
        a, s = self._angles, self._shake
        return a[0] + s[0], a[1] + s[1], a[2] + s[2]

    @property
    def rates(self) -> Angles:
        """Rates of the angles, rad/s, without what stabilisation leaves over."""
        return self._rates[0], self._rates[1], self._rates[2]

    def command(self, angles: Sequence[float] | Floats, rates: Sequence[float] | Floats) -> None:
        """Point there, world frame, and keep turning at these rates until the next command.

        Yaw may be given in any turn: the gimbal takes the nearest.
        """
        target = [float(x) for x in angles]
        target[0] += _TURN * round((self._angles[0] - target[0]) / _TURN)
        self._target = (target, [float(x) for x in rates])

    def step(self, dt: float, attitude: Angles) -> None:
        """Go on by ``dt`` s on a vehicle with this attitude (yaw, pitch, roll), rad."""
        gimbal = self.gimbal
        angles, rates = self._angles, self._rates
        target, feed = self._target
        low, high = self._range(attitude)
        most = gimbal.acceleration
        quick = 1 / max(gimbal.lag, dt)
        brake = 0.9 * most  # a little in hand for the steps of time
        near = brake / quick**2
        for i in range(3):
            goal = min(max(target[i], low[i]), high[i])
            target[i] += feed[i] * dt
            # The motor goes with the lagged setpoint; far from it, only as fast as it can stop.
            moving = (goal - self._lagged[i]) * quick
            error = self._lagged[i] - angles[i]
            self._lagged[i] += moving * dt
            towards = error * quick
            if abs(error) > near:
                towards = math.copysign(math.sqrt(2 * brake * (abs(error) - near / 2)), error)
            limited = min(max(moving + towards, -gimbal.rate), gimbal.rate)
            change = min(max(limited - rates[i], -most * dt), most * dt)
            rates[i] += change
            angles[i] += rates[i] * dt
            if not low[i] <= angles[i] <= high[i]:  # the end stop, carried along by the airframe
                angles[i] = min(max(angles[i], low[i]), high[i])
                rates[i] = 0.0
        self._shiver(dt)

    def _range(self, attitude: Angles) -> tuple[Angles, Angles]:
        """Ends of the world angles: the airframe's tilt along and across the camera's heading
        shifts those of pitch and roll."""
        yaw, pitch, roll = attitude
        side = self._angles[0] - yaw
        c, s = math.cos(side), math.sin(side)
        # Nose up raises the forward direction; right side down raises the left one.
        along, across = c * pitch + s * roll, c * roll - s * pitch
        g = self.gimbal
        turn = _TURN * round(side / _TURN)
        return (
            (yaw + turn + g.yaw.min, along + g.pitch.min, across + g.roll.min),
            (yaw + turn + g.yaw.max, along + g.pitch.max, across + g.roll.max),
        )

    def _shiver(self, dt: float) -> None:
        deviation = self._stabilisation.deviation
        if deviation <= 0:
            return
        keep = math.exp(-dt / self._stabilisation.time)
        fresh = deviation * math.sqrt(1 - keep * keep)
        if len(self._deviates) < 3:
            self._deviates = self._random.standard_normal(1536).tolist()
        for i in range(3):
            self._shake[i] = keep * self._shake[i] + fresh * self._deviates.pop()
