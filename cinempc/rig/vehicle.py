"""What a vehicle and its gimbal can do, how they answer, and the feed-forward that follows.

The vehicle's answer to a setpoint is modelled as linear drag and a first-order lag from
commanded to actual thrust acceleration (horizontally, the tilt of the airframe):

    v̇ = a_T - k v,    τ ȧ_T = a_cmd - a_T

This model is differentially flat in the position, so the command that makes a smooth path come
out is found by differentiating it, with no simulation: a_T = a + k v, and

    a_cmd = a_T + τ (j + k a - r ẑ × a_T) + K_d a

The lag is that of the lean in the airframe, which the yaw rate r carries along; K_d a is what the
autopilot's velocity controller takes off again for the acceleration that it measures. Leaving the
drag out is what makes PX4 lag by half a second in a 3 m/s circle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from cinempc import configs
from cinempc.rig.mount import MavlinkMount, Mount, Range
from cinempc.units import (
    MetresPerSecond,
    MetresPerSecond2,
    MetresPerSecond3,
    PerSecond,
    Radians,
    RadiansPerSecond,
    RadiansPerSecond2,
    Seconds,
)

Floats = NDArray[np.float64]

#: Standard gravity, m/s² (ISO 80000-3).
GRAVITY = 9.80665


class FlightLimits(configs.Config):
    """The envelope that a plan stays in."""

    speed: MetresPerSecond
    climb: MetresPerSecond
    descent: MetresPerSecond
    acceleration: MetresPerSecond2
    vertical_acceleration: MetresPerSecond2
    jerk: MetresPerSecond3
    tilt: Radians
    yaw_rate: RadiansPerSecond

    @model_validator(mode="after")
    def _positive(self) -> FlightLimits:
        for name, value in self:
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be above zero and finite, it is {value:g}")
        return self


class Response(configs.Config):
    """How the autopilot and the airframe answer setpoints; ``cinempc identify`` measures it."""

    drag: PerSecond = Field(description="k: deceleration per speed, 1/s.")
    thrust_lag: Seconds = Field(description="τ: first-order lag of the thrust acceleration.")
    position_lag: Seconds = Field(
        description="Time constant in which a position error dies out (1 / MPC_XY_P on PX4)."
    )
    damping: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="K_d: share of the measured acceleration that the autopilot's velocity "
        "controller takes off (MPC_XY_VEL_D_ACC on PX4).",
    )
    latency: Seconds = Field(
        default=0.0,
        validate_default=False,
        description="Time by which setpoints are sent ahead: the vehicle flies them so much later.",
    )


class Gimbal(configs.Config):
    """A stabilised gimbal. A two-axis gimbal has a yaw range of zero: the vehicle turns for it."""

    yaw: Range
    pitch: Range
    roll: Range
    rate: RadiansPerSecond
    acceleration: RadiansPerSecond2
    lag: Seconds
    mount: Mount = MavlinkMount()

    @model_validator(mode="after")
    def _fits_its_mount(self) -> Gimbal:
        if (mistake := self.mount.mistake(self.yaw, self.pitch)) is not None:
            raise ValueError(mistake)
        return self


class Vehicle(configs.Config):
    """A multicopter with a gimbal; see ``docs/vehicles.md``."""

    name: str
    limits: FlightLimits
    response: Response
    gimbal: Gimbal


@dataclass(frozen=True)
class Setpoint:
    """What a position controller such as PX4's takes: ENU, m, m/s, m/s², rad, rad/s."""

    position: Floats
    velocity: Floats
    acceleration: Floats
    yaw: float
    yaw_rate: float = 0.0


def thrust_acceleration(velocity: Floats, acceleration: Floats, response: Response) -> Floats:
    """Acceleration, m/s², that the thrust has to give beside gravity: a + k v.

    Takes numpy arrays and CasADi vectors.
    """
    return acceleration + response.drag * velocity


def acceleration_command(
    velocity: Floats,
    acceleration: Floats,
    jerk: Floats,
    response: Response,
    yaw_rate: float = 0.0,
) -> Floats:
    """The acceleration to send, m/s², so that the vehicle flies the given motion.

    Args:
        velocity, acceleration, jerk: of the motion, (3,).
        response: of the vehicle.
        yaw_rate: at which the vehicle turns meanwhile, rad/s: a lean that turns with it needs no
            lead, a lean that stays while it turns does.
    """
    thrust = thrust_acceleration(velocity, acceleration, response)
    change = jerk + response.drag * acceleration
    carried = yaw_rate * np.array([-thrust[1], thrust[0], 0.0])
    return thrust + response.thrust_lag * (change - carried) + response.damping * acceleration


def load(name: str, near: Path | None = None) -> Vehicle:
    """A vehicle by its short name in ``configs/vehicles/`` or by path.

    Raises:
        ConfigError: no such vehicle, or a mistake in its file.
    """
    return configs.load(configs.find("vehicles", name, near), Vehicle)
