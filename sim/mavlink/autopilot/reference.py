"""What the estimator's coordinates are counted from, and how they leap: as PX4's EKF2 does when
somebody sets its origin, and when it begins anew after a fault."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.mavlink import geodesy
from cinempc.rig.vehicle import Setpoint

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Geodetic:
    """Where the local frame's origin is: degrees, and m above mean sea level."""

    latitude: float = 47.397742
    longitude: float = 8.545594
    altitude: float = 488.0

    def at(self, point: Floats) -> tuple[float, float, float]:
        """Latitude and longitude, deg, and altitude, m, of a point, ENU m from the origin."""
        place = geodesy.at(self.latitude, self.longitude, float(point[0]), float(point[1]))
        return *place, self.altitude + float(point[2])

    def offset(self, other: Geodetic) -> Floats:
        """Where another one is from here, ENU m."""
        place = self.latitude, self.longitude, other.latitude, other.longitude
        return np.array([*geodesy.offset(*place), other.altitude - self.altitude])


def _nowhere() -> Floats:
    return np.zeros(3)


@dataclass(frozen=True)
class Reference:
    """What is added to where the vehicle is in the simulation to give what the autopilot tells.

    Attributes:
        start: where the simulation's own origin is on the earth.
        origin: where the local frame's is.
        local: added to a place for the local one, ENU m.
        earth: added to a place before it is told on the earth, ENU m.
        turn: added to a heading, rad.
        resets: how often the estimator has begun anew somehow.
    """

    start: Geodetic = field(default_factory=Geodetic)
    origin: Geodetic = field(default_factory=Geodetic)
    local: Floats = field(default_factory=_nowhere)
    earth: Floats = field(default_factory=_nowhere)
    turn: float = 0.0
    resets: int = 0

    def moved_to(self, origin: Geodetic) -> Reference:
        """The local frame counts from another place on the earth: a ground station has set it."""
        local = self.earth - self.start.offset(origin)
        return replace(self, origin=origin, local=local, resets=self.resets + 1)

    def corrected(self, offset: Floats, turn: float = 0.0) -> Reference:
        """The estimator has the vehicle somewhere else, ENU m, or headed elsewhere, rad."""
        return replace(
            self,
            local=self.local + offset,
            earth=self.earth + offset,
            turn=self.turn + turn,
            resets=self.resets + 1,
        )

    def heading(self, heading: float) -> float:
        """A heading as it is told, rad."""
        return float(frames.wrap_angle(heading + self.turn))

    def taken(self, setpoint: Setpoint) -> Setpoint:
        """What a setpoint in the local frame means in the simulation."""
        return replace(
            setpoint,
            position=np.asarray(setpoint.position - self.local),
            yaw=float(frames.wrap_angle(setpoint.yaw - self.turn)),
        )
