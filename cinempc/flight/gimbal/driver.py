"""What turns the camera: the drivers, and which of them a vehicle's file asks for.

A gimbal protocol is one class that is a `GimbalDriver`, made as `MakeDriver` says, and one line in
`DRIVERS`; what the vehicle's file says of it is a class in `cinempc.rig.mount`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cinempc.flight.gimbal.client import GimbalClient
from cinempc.flight.gimbal.fallback import FallbackGimbal
from cinempc.flight.gimbal.history import Aim
from cinempc.frames import Angles
from cinempc.mavlink.commands import Target
from cinempc.mavlink.link import Link
from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.rig.log import Problem
from cinempc.rig.vehicle import Gimbal, Vehicle

Floats = NDArray[np.float64]


class GimbalDriver(Protocol):
    """Turns the camera, by whatever there is."""

    @property
    def healthy(self) -> bool:
        """Whether it reports, and reports no failure."""

    @property
    def controls(self) -> bool:
        """Whether it obeys us."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now."""

    async def connect(self, timeout: float = ...) -> None:
        """Find it and take control."""

    async def claim(self) -> None:
        """Take control, or take it back."""

    def point(self, angles: Sequence[float] | Floats, rates: Sequence[float] | Floats) -> None:
        """Look there (yaw, pitch, roll; world, rad) and turn on at these rates, rad/s."""

    def attitude_at(self, time: float) -> Aim | None:
        """Where the camera looks at a vehicle time, s; None where that is not known."""

    def limits(self) -> Gimbal:
        """The ranges in which it can be pointed."""

    def let_go(self) -> None:
        """Whoever takes control from now on is welcome to it: the flight is over."""

    def close(self) -> None:
        """Stop listening, and end what was started."""


class MakeDriver(Protocol):
    """How a driver is made: the arguments are those of `make_gimbal`."""

    def __call__(
        self,
        gimbal: Gimbal,
        link: Link,
        autopilot: Target,
        *,
        vehicle_attitude: Callable[[], Angles],
        clock: VehicleClock | None = None,
    ) -> GimbalDriver:
        """The driver, not connected yet."""


#: The drivers by the kind of gimbal.mount in the vehicle's file.
DRIVERS: dict[str, MakeDriver] = {
    "mavlink": GimbalClient,
    "servo": FallbackGimbal,
    "fixed": FallbackGimbal,
}


def make_gimbal(
    vehicle: Vehicle,
    link: Link,
    target: Target,
    *,
    vehicle_attitude: Callable[[], Angles],
    clock: VehicleClock | None = None,
) -> GimbalDriver:
    """The vehicle's gimbal, by its file.

    Args:
        vehicle: whose ``gimbal.mount`` says which.
        link: open.
        target: the autopilot.
        vehicle_attitude: yaw, pitch, roll, rad, the newest known; NaN while unknown.
        clock: the vehicle's; without one a gimbal's time is taken for the vehicle's.
    """
    driver = DRIVERS[vehicle.gimbal.mount.kind]
    return driver(vehicle.gimbal, link, target, vehicle_attitude=vehicle_attitude, clock=clock)
