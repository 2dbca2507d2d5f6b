"""Zoom, focus and iris motors: ranges, rates and a first-order lag."""

from __future__ import annotations

import math

from cinempc import lens
from cinempc.rig import motor
from cinempc.rig.camera import Camera, LensState


class LensMotors:
    """How the lens truly stands.

    Zoom moves in mm, focus in dioptres and the iris in stops: those are what the rates of
    `Camera` are given in, and what the rings of a lens turn by.

    Args:
        camera: ranges, rates and ``lens_lag``.
        state: how the lens stands at the start; clamped to the ranges.
    """

    def __init__(self, camera: Camera, state: LensState) -> None:
        self.camera = camera
        self._at = self._rings(camera.clamp(state))
        self._goal = self._at.copy()
        self._rates = (camera.focal_length.rate, camera.focus.rate, camera.aperture.rate)
        self._lag = camera.lens_lag

    @property
    def state(self) -> LensState:
        """How the lens stands."""
        zoom, focus, stops = self._at
        distance = 1 / focus if focus > 0 else math.inf
        return LensState(zoom, distance, float(lens.f_number_from_stops(stops)))

    def command(self, state: LensState) -> None:
        """Go there; clamped to the ranges."""
        self._goal = self._rings(self.camera.clamp(state))

    def step(self, dt: float) -> None:
        """Go on by ``dt`` s."""
        for i in range(3):
            self._at[i] = motor.approach(self._at[i], self._goal[i], dt, self._rates[i], self._lag)

    @staticmethod
    def _rings(state: LensState) -> list[float]:
        return [
            state.focal_length_mm,
            lens.inverse(state.focus_distance_m),
            float(lens.stops_from_f_number(state.f_number)),
        ]
