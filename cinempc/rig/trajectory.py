"""The reference trajectory: the newest plan sampled at any time, and how it comes to rest when the
plan runs out.

Whoever streams setpoints samples it: the simulator's rig and the MAVLink stream alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.frames import wrap_angle
from cinempc.rig.plan import Plan, PlanPoint
from cinempc.rig.vehicle import FlightLimits, Setpoint, Vehicle, acceleration_command

Floats = NDArray[np.float64]

_GIMBAL_SETTLES = 0.25  # s, in which the camera's turning dies out when a plan has run out
_CALMEST = 2.0  # 1/s, how fast braking is at most


@dataclass(frozen=True)
class Stop:
    """Comes to rest from a point of a plan: critically damped, closed form.

    v = (v₀ + (a₀ + λ v₀) t) e^{-λt}, with λ as high as the limits of acceleration and jerk allow.
    """

    start: float
    point: PlanPoint
    heading: float
    rate: float

    @classmethod
    def after(cls, time: float, point: PlanPoint, heading: float, limits: FlightLimits) -> Stop:
        """From a point at a time, s, with the vehicle's heading there, rad."""
        speed = float(np.linalg.norm(point.velocity)) + 1e-6
        slowest = min(limits.acceleration, limits.vertical_acceleration)
        # From a steady flight, the deceleration peaks at λ v / e, the jerk at λ² v.
        rate = min(_CALMEST, math.e * slowest / speed, math.sqrt(limits.jerk / speed))
        return cls(time, point, heading, rate)

    def sample(self, time: float) -> PlanPoint:
        """The point at a time, s."""
        t, k, at = max(0.0, time - self.start), self.rate, self.point
        fade = math.exp(-k * t)
        b = at.acceleration + k * at.velocity
        position = (
            at.position + at.velocity * (1 - fade) / k + b * (1 - fade * (1 + k * t)) / (k * k)
        )
        velocity = (at.velocity + b * t) * fade
        acceleration = b * fade - k * velocity
        jerk = -k * b * fade - k * acceleration
        settle = math.exp(-t / _GIMBAL_SETTLES)
        angles = at.angles + at.rates * _GIMBAL_SETTLES * (1 - settle)
        rates = at.rates * settle
        return PlanPoint(time, position, velocity, acceleration, jerk, angles, rates, at.lens)


class Trajectory:
    """What is flown: the reference at any time.

    Args:
        vehicle: its limits and response.
        point: where it stands before there is a plan.
        heading: of the vehicle there, rad.
    """

    def __init__(self, vehicle: Vehicle, point: PlanPoint, heading: float) -> None:
        self._vehicle = vehicle
        self._plan: Plan | None = None
        self._stop = Stop.after(point.time, point, heading, vehicle.limits)

    @property
    def end(self) -> float | None:
        """When the plan that is followed ends, s; None while there is none."""
        return None if self._plan is None else self._plan.end

    def follow(self, plan: Plan) -> None:
        """From now on, this plan; when it runs out, to rest."""
        self._plan = plan
        self._stop = Stop.after(
            plan.end, plan.sample(plan.end), plan.heading(plan.end), self._vehicle.limits
        )

    def stop(self, time: float) -> None:
        """Leave the plan at a time, s, and come to rest."""
        point, heading = self.at(time)
        self._plan = None
        self._stop = Stop.after(time, point, heading, self._vehicle.limits)

    def at(self, time: float) -> tuple[PlanPoint, float]:
        """The reference point at a time, s, and the vehicle's heading there, rad."""
        plan = self._plan
        if plan is None or time > plan.end:
            return self._stop.sample(time), self._stop.heading
        inside = max(time, plan.start)
        return plan.sample(inside), plan.heading(inside)

    def setpoint(self, time: float, period: float) -> Setpoint:
        """What to send so that it is flown at a time, s, by a stream of this period, s."""
        point, heading = self.at(time)
        soon = self.at(time + period)[1]
        turn = float(wrap_angle(soon - heading)) / period
        command = acceleration_command(
            point.velocity, point.acceleration, point.jerk, self._vehicle.response, turn
        )
        return Setpoint(point.position, point.velocity, command, heading, turn)
