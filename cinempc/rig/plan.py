"""A plan: where vehicle, camera and lens shall be over the horizon.

The state and input vectors, in this order (units in brackets):

    x = position [m] 3, velocity [m/s] 3, acceleration [m/s²] 3,
        camera yaw, pitch, roll [rad] 3, their rates [rad/s] 3,
        ln(focal length / mm), focus [dioptres], aperture [stops]
    u = jerk [m/s³] 3, camera angular accelerations [rad/s²] 3,
        rates of ln focal length [1/s], focus [dioptres/s], aperture [stops/s]

Between nodes the input is constant, so the state there is the exact polynomial of the model:
sampling a plan adds no error to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from cinempc import lens
from cinempc.rig.camera import LensState

Floats = NDArray[np.float64]

NX, NU = 18, 9

# Parts of the state.
POSITION = slice(0, 3)
VELOCITY = slice(3, 6)
ACCELERATION = slice(6, 9)
ANGLES = slice(9, 12)
RATES = slice(12, 15)
LENS = slice(15, 18)
#: Position, velocity and acceleration together.
MOTION = slice(0, 9)

# Single states. ALTITUDE and CLIMB are the vertical position and velocity.
ALTITUDE, CLIMB, VERTICAL_ACCELERATION = 2, 5, 8
YAW, PITCH, ROLL = 9, 10, 11
YAW_RATE, PITCH_RATE, ROLL_RATE = 12, 13, 14
LOG_FOCAL_LENGTH, FOCUS, STOPS = 15, 16, 17

# Parts of the input, and single inputs.
JERK = slice(0, 3)
ANGULAR_ACCELERATION = slice(3, 6)
LENS_RATES = slice(6, 9)
ZOOM_RATE, FOCUS_RATE, APERTURE_RATE = 6, 7, 8


class Origin(Enum):
    """Where a plan comes from."""

    SOLVED = "solved"  # the solver's own, checked
    SHIFTED = "shifted"  # the last good plan, followed on after a failed solve
    BRAKING = "braking"  # to a hover
    HOVERING = "hovering"  # the same, because it was asked
    SEARCHING = "searching"  # hovering, and looking round


@dataclass(frozen=True)
class PlanPoint:
    """The plan at one time; angles and rates are yaw, pitch, roll."""

    time: float
    position: Floats
    velocity: Floats
    acceleration: Floats
    jerk: Floats
    angles: Floats
    rates: Floats
    lens: LensState


@dataclass(frozen=True)
class Plan:
    """States (N+1, 18) and inputs (N, 9) at ``times`` (N+1), s.

    ``headings`` are the vehicle's yaw at the nodes, rad. ``violations`` name each soft
    constraint that the plan breaks and by how much, in the constraint's unit.
    """

    times: Floats
    states: Floats
    inputs: Floats
    headings: Floats
    origin: Origin = Origin.SOLVED
    cost: float = 0.0
    step_ms: float = 0.0
    violations: dict[str, float] = field(default_factory=dict)

    @property
    def start(self) -> float:
        """Time of the first node, s."""
        return float(self.times[0])

    @property
    def end(self) -> float:
        """Time of the last node, s."""
        return float(self.times[-1])

    def state(self, time: float) -> Floats:
        """The state vector (18,) at a time inside the plan.

        Raises:
            ValueError: the time lies outside the plan.
        """
        k = self._interval(time)
        return propagate(self.states[k], self.inputs[k], time - self.times[k])

    def sample(self, time: float) -> PlanPoint:
        """The plan at a time inside it.

        Raises:
            ValueError: the time lies outside the plan.
        """
        k = self._interval(time)
        x = propagate(self.states[k], self.inputs[k], time - self.times[k])
        return PlanPoint(
            time,
            x[POSITION],
            x[VELOCITY],
            x[ACCELERATION],
            self.inputs[k, JERK],
            x[ANGLES],
            x[RATES],
            lens_state(x[LENS]),
        )

    def heading(self, time: float) -> float:
        """The vehicle's yaw at a time inside the plan, rad."""
        return float(np.interp(time, self.times, self.headings))

    def _interval(self, time: float) -> int:
        slack = 1e-9
        if not self.start - slack <= time <= self.end + slack:
            raise ValueError(
                f"time {time:.3f} s is outside the plan ({self.start:.3f} to {self.end:.3f} s)"
            )
        k = int(np.searchsorted(self.times, time, side="right")) - 1
        return min(max(k, 0), len(self.inputs) - 1)


def propagate(x: Floats, u: Floats, dt: float | Floats) -> Floats:
    """The state after ``dt`` seconds of constant input: exact, the model is a chain of
    integrators. This is the one place where its polynomials are written.

    Args:
        x: states (..., 18).
        u: inputs (..., 9).
        dt: s, one number or (..., 1).
    """
    result = x.copy()
    v, a, j = x[..., VELOCITY], x[..., ACCELERATION], u[..., JERK]
    rates, angular = x[..., RATES], u[..., ANGULAR_ACCELERATION]
    result[..., POSITION] = x[..., POSITION] + dt * v + dt**2 / 2 * a + dt**3 / 6 * j
    result[..., VELOCITY] = v + dt * a + dt**2 / 2 * j
    result[..., ACCELERATION] = a + dt * j
    result[..., ANGLES] = x[..., ANGLES] + dt * rates + dt**2 / 2 * angular
    result[..., RATES] = rates + dt * angular
    result[..., LENS] = x[..., LENS] + dt * u[..., LENS_RATES]
    return result


def lens_state(z: Floats) -> LensState:
    """The lens in trade units from (ln focal length, focus in dioptres, aperture in stops)."""
    log_focal_length, focus, stops = (float(value) for value in z)
    return LensState(
        float(np.exp(log_focal_length)),
        1 / focus if focus > 1e-9 else float("inf"),
        float(lens.f_number_from_stops(stops)),
    )


def lens_vector(state: LensState) -> Floats:
    """(ln focal length, focus in dioptres, aperture in stops): undoes `lens_state`."""
    return np.array(
        [
            np.log(state.focal_length_mm),
            lens.inverse(state.focus_distance_m),
            lens.stops_from_f_number(state.f_number),
        ]
    )
