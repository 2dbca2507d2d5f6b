"""The simulator's depth camera: depth as a stereo camera or a solid-state lidar reports it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Depth = NDArray[np.float32]


@dataclass(frozen=True)
class DepthNoise:
    """How reported depth differs from the truth: standard deviations, as shares of the depth.

    Of the size that makers give for long-range stereo cameras and solid-state lidars.

    Attributes:
        frame: of a whole picture: calibration, temperature.
        pixel: of each pixel.
        reach: m, beyond which nothing is measured.
    """

    frame: float = 0.01
    pixel: float = 0.015
    reach: float = 45.0


class DepthCamera:
    """Spoils true depth.

    Args:
        noise: by how much.
        seed: of the noise; the same seed gives the same depth at the same time.
    """

    def __init__(self, noise: DepthNoise | None = None, seed: int = 0) -> None:
        self.noise = noise or DepthNoise()
        self._seed = seed
        random = np.random.default_rng([seed, 0xD3])
        self._field = random.standard_normal((1024 + 64, 1024 + 64)).astype(np.float32)

    def measure(self, time: float, depth: Depth) -> Depth:
        """What the sensor reports of true depth (h, w), m, at a time, s; ``inf`` where nothing."""
        random = np.random.default_rng([self._seed, round(time * 1e6) & 0xFFFFFFFF])
        rows, columns = depth.shape
        field = np.tile(self._field, (-(-rows // 1024), -(-columns // 1024)))
        y, x = random.integers(0, 64, 2)
        share = self.noise.pixel * field[y : y + rows, x : x + columns]
        share += np.float32(1 + self.noise.frame * random.standard_normal())
        return np.where(depth > self.noise.reach, np.float32(np.inf), depth * share)
