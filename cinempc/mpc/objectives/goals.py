"""Goals of a solve: objectives over the horizon, constraints of the shot, and smoothness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.constraints.constraint import Constraint
from cinempc.mpc.objectives.objective import Objective
from cinempc.rig import plan

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Smoothness:
    """How calm flight, gimbal and lens are: r = value / scale for each, target zero.

    The fields are the values that count as one. Larger is freer.
    """

    velocity: float = 60.0  # m/s; only keeps the problem strictly convex
    acceleration: float = 2.0  # m/s²
    jerk: float = 4.0  # m/s³
    camera_rate: float = 1.5  # rad/s
    camera_acceleration: float = 2.0  # rad/s²
    zoom_rate: float = 1.5  # ln f per s
    focus_rate: float = 1.0  # dioptres/s
    aperture_rate: float = 2.0  # stops/s
    weight: float = 1.0

    def diagonals(self) -> tuple[Floats, Floats]:
        """Weights of the squared states (18,) and inputs (9,)."""
        x, u = np.zeros(plan.NX), np.zeros(plan.NU)
        x[plan.VELOCITY] = self.velocity**-2
        x[plan.ACCELERATION] = self.acceleration**-2
        x[plan.RATES] = self.camera_rate**-2
        u[plan.JERK] = self.jerk**-2
        u[plan.ANGULAR_ACCELERATION] = self.camera_acceleration**-2
        u[plan.LENS_RATES] = np.array([self.zoom_rate, self.focus_rate, self.aperture_rate]) ** -2.0
        return self.weight * x, self.weight * u


@dataclass(frozen=True)
class Goals:
    """What a solve is asked for.

    ``constraints`` are those of the shot, such as `cinempc.mpc.constraints.picture.InFrame`: they
    come on top of those that hold in every take (`cinempc.mpc.constraints.standard`).
    """

    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...] = ()
    smoothness: Smoothness = Smoothness()
