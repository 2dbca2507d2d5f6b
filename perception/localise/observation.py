"""What says where a subject was: linear rows about a state, whatever they come from.

State (8,): ground point x, y, z (world frame, m), their rates (m/s), turn rate (rad/s) and body
height (m).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Places in the state of turn rate and body height, and its size.
TURN, HEIGHT, SIZE = 6, 7, 8

_HEIGHT_NOISE = 0.08  # m, of a height measured with a place


@dataclass(frozen=True)
class Rows:
    """An observation, linear about a state.

    Attributes:
        residual: (m,) measured - expected.
        jacobian: (m, 8) derivative of what is expected by the state.
        covariance: (m, m) of the noise.
        loose: (m,) whether a row may be left out alone where it does not go with the others.
    """

    residual: Floats
    jacobian: Floats
    covariance: Floats
    loose: NDArray[np.bool_]

    def part(self, which: NDArray[np.intp]) -> Rows:
        """Some of the rows."""
        square = np.ix_(which, which)
        return Rows(
            self.residual[which], self.jacobian[which], self.covariance[square], self.loose[which]
        )


class Observation(Protocol):
    """Something that says where a subject was at a time."""

    @property
    def time(self) -> float:
        """Of the exposure, s."""

    def rows(self, state: Floats) -> Rows | None:
        """What it says, linear about a state (8,); None where it says nothing about that."""


@dataclass(frozen=True, order=True)
class PositionObservation:
    """Where a subject was seen, as a place: no picture is needed.

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

    def rows(self, state: Floats) -> Rows | None:
        """Linear about any state; None where it is no number."""
        size = 3 if self.height is None else 4
        residual, jacobian, covariance = (
            np.zeros(size),
            np.zeros((size, SIZE)),
            np.zeros((size,) * 2),
        )
        residual[:3], covariance[:3, :3] = self.position - state[:3], self.covariance
        jacobian[:3, :3] = np.eye(3)
        if self.height is not None:
            residual[3], jacobian[3, HEIGHT] = self.height - state[HEIGHT], 1.0
            covariance[3, 3] = _HEIGHT_NOISE**2
        if not (np.isfinite(residual).all() and np.isfinite(covariance).all()):
            return None
        return Rows(residual, jacobian, covariance, np.zeros(size, bool))


@dataclass(frozen=True)
class HeightObservation:
    """A body height, m, that somebody says at a time, s, and how sure they are."""

    time: float
    height: float
    std: float = 0.05

    def rows(self, state: Floats) -> Rows | None:
        """The height alone."""
        jacobian = np.zeros((1, SIZE))
        jacobian[0, HEIGHT] = 1.0
        residual = np.array([self.height - state[HEIGHT]])
        return Rows(residual, jacobian, np.array([[self.std**2]]), np.zeros(1, bool))
