"""The scene's wind: steady, with Ornstein-Uhlenbeck gusts."""

from __future__ import annotations

import math

import numpy as np

from sim.scenery.scene import Wind

_BLOCK = 1024  # normal deviates drawn at a time: one by one they cost more than the vehicle
_VERTICAL = (
    0.5  # of the horizontal gusts' deviation: the ground damps them (MIL-F-8785C, low level)
)


class WindField:
    """The wind that the vehicle meets, the same at every place.

    Each component of a gust g follows dg = -g/T dt + σ √(2/T) dW, discretised exactly, so that its
    standard deviation is σ at any step; the vertical component has half of it.

    Args:
        wind: the scene's wind.
        seed: the same seed and steps give the same wind.
    """

    def __init__(self, wind: Wind, seed: int = 0) -> None:
        self._wind = wind
        self._random = np.random.default_rng([seed, 0x77])
        self._deviates: list[float] = []
        self.steady = (
            wind.speed * math.cos(wind.direction),
            wind.speed * math.sin(wind.direction),
            0.0,
        )
        self._deviation = (wind.gusts, wind.gusts, _VERTICAL * wind.gusts)
        self._gust = [s * self._deviate() for s in self._deviation]

    @property
    def velocity(self) -> tuple[float, float, float]:
        """The air's velocity now, ENU, m/s."""
        (x, y, z), (gx, gy, gz) = self.steady, self._gust
        return x + gx, y + gy, z + gz

    def step(self, dt: float) -> tuple[float, float, float]:
        """Go on by ``dt`` s; the air's velocity then, ENU, m/s."""
        if self._wind.gusts > 0:
            keep = math.exp(-dt / self._wind.gust_time)
            fresh = math.sqrt(1 - keep * keep)
            for i, deviation in enumerate(self._deviation):
                self._gust[i] = keep * self._gust[i] + fresh * deviation * self._deviate()
        return self.velocity

    def _deviate(self) -> float:
        if not self._deviates:
            self._deviates = self._random.standard_normal(_BLOCK).tolist()
        return self._deviates.pop()
