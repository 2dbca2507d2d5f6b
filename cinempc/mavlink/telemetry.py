"""What the autopilot reports, checked and in the project's frames.

Each function takes a message and gives a value, or None where the message holds what cannot be: a
NaN, or a place on another continent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.px4 import Mode, mode_of

Floats = NDArray[np.float64]

#: Farthest from the origin, m, and fastest, m/s, that is believed.
_FARTHEST, _FASTEST = 50e3, 100.0

#: Earliest and latest time that is believed, µs since 1970: 2015 and 2100.
_OLDEST, _NEWEST = 1420070400_000000, 4102444800_000000

#: ESTIMATOR_STATUS flags without which there is no position to fly by.
_POSITION_FLAGS = (
    mavlink.ESTIMATOR_ATTITUDE
    | mavlink.ESTIMATOR_VELOCITY_HORIZ
    | mavlink.ESTIMATOR_VELOCITY_VERT
    | mavlink.ESTIMATOR_POS_HORIZ_REL
)


@dataclass(frozen=True)
class LocalPosition:
    """Position m and velocity m/s, ENU from the estimator's origin, at a vehicle time, s."""

    time: float
    position: Floats
    velocity: Floats


@dataclass(frozen=True)
class EarthPosition:
    """Latitude and longitude, deg, and altitude, m above mean sea level, at a vehicle time, s."""

    time: float
    latitude: float
    longitude: float
    altitude: float


@dataclass(frozen=True)
class Attitude:
    """Yaw, pitch (positive nose up) and roll (positive right side down), rad, and their rates,
    rad/s, at a vehicle time, s."""

    time: float
    angles: tuple[float, float, float]
    rates: tuple[float, float, float]


@dataclass(frozen=True)
class Battery:
    """What is left of a battery, from 0 to 1, and its voltage, V, None where it is not told."""

    share: float
    volts: float | None


@dataclass(frozen=True)
class Status:
    """What a heartbeat says."""

    mode: Mode
    armed: bool
    system_status: int


def local_position(message: Any) -> LocalPosition | None:
    """From LOCAL_POSITION_NED."""
    values = np.array([message.x, message.y, message.z, message.vx, message.vy, message.vz])
    if not np.isfinite(values).all():
        return None
    if np.abs(values[:3]).max() > _FARTHEST or np.abs(values[3:]).max() > _FASTEST:
        return None
    return LocalPosition(
        message.time_boot_ms / 1e3,
        frames.enu_from_ned(values[:3]),
        frames.enu_from_ned(values[3:]),
    )


def home(message: Any) -> Floats | None:
    """Where it returns to, ENU m from where the estimator's origin was when it was set: from
    HOME_POSITION. PX4 does not set it anew when the origin is moved, so see `home_on_earth`."""
    values = np.array([message.x, message.y, message.z], dtype=float)
    if not np.isfinite(values).all() or np.abs(values).max() > _FARTHEST:
        return None
    return frames.enu_from_ned(values)


def home_on_earth(message: Any) -> EarthPosition | None:
    """The same on the earth; None for a place that was never set."""
    return _on_earth(0.0, message.latitude, message.longitude, message.altitude)


def earth_position(message: Any) -> EarthPosition | None:
    """From GLOBAL_POSITION_INT."""
    return _on_earth(message.time_boot_ms / 1e3, message.lat, message.lon, message.alt)


def global_origin(message: Any) -> EarthPosition | None:
    """Where the local frame's origin is, from GPS_GLOBAL_ORIGIN; its time is zero."""
    return _on_earth(0.0, message.latitude, message.longitude, message.altitude)


def _on_earth(time: float, latitude: int, longitude: int, altitude: int) -> EarthPosition | None:
    if (latitude, longitude) == (0, 0) or abs(latitude) > 90e7 or abs(longitude) > 180e7:
        return None
    return EarthPosition(time, latitude / 1e7, longitude / 1e7, altitude / 1e3)


def battery(message: Any) -> Battery | None:
    """From BATTERY_STATUS; None where it does not tell how full it is."""
    if not 0 <= message.battery_remaining <= 100:
        return None
    cells = [v for v in message.voltages if 0 < v < 0xFFFF]
    return Battery(message.battery_remaining / 100, sum(cells) / 1e3 if cells else None)


def clearance(message: Any) -> float | None:
    """From DISTANCE_SENSOR: m from a sensor that looks down to what is below it; None for another
    sensor, and where it does not see that far or that near."""
    if message.orientation != mavlink.MAV_SENSOR_ROTATION_PITCH_270:
        return None
    if not message.min_distance < message.current_distance < message.max_distance:
        return None
    if message.signal_quality == 1:  # that of an invalid signal
        return None
    return float(message.current_distance / 100)


def attitude(message: Any) -> Attitude | None:
    """From ATTITUDE."""
    yaw, pitch, roll = message.yaw, message.pitch, message.roll
    rates = (-message.yawspeed, message.pitchspeed, message.rollspeed)
    if not all(map(math.isfinite, (yaw, pitch, roll, *rates))):
        return None
    if abs(yaw) > 7 or abs(pitch) > 2 or abs(roll) > 4 or max(map(abs, rates)) > 50:
        return None
    return Attitude(
        message.time_boot_ms / 1e3,
        (float(frames.yaw_enu_from_ned(yaw)), float(pitch), float(roll)),
        rates,
    )


def status(message: Any) -> Status:
    """From an autopilot's HEARTBEAT."""
    return Status(
        mode_of(message.custom_mode),
        bool(message.base_mode & mavlink.MAV_MODE_FLAG_SAFETY_ARMED),
        int(message.system_status),
    )


def has_position(message: Any) -> bool:
    """From ESTIMATOR_STATUS: whether the estimator has a position that can be flown by."""
    return bool(message.flags & _POSITION_FLAGS == _POSITION_FLAGS)


def utc(message: Any) -> float | None:
    """From SYSTEM_TIME: seconds since 1970 at vehicle time 0; None where the vehicle does not know
    the time (no GPS yet) or what it says cannot be (before 2015: a clock that was never set)."""
    if not _OLDEST <= message.time_unix_usec < _NEWEST:
        return None
    # In whole µs: what is left over is smaller than a double of such a number can hold.
    return float((message.time_unix_usec - message.time_boot_ms * 1000) / 1e6)


def text(message: Any) -> str:
    """From STATUSTEXT: printable, whatever was sent."""
    raw = message.text
    words = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return "".join(c for c in words if c.isprintable())[:50].strip()


def setpoint_message(time_ms: int, system: int, component: int, setpoint: Any) -> Any:
    """SET_POSITION_TARGET_LOCAL_NED of a `cinempc.rig.vehicle.Setpoint` in the local frame.

    Raises:
        ValueError: a number in it is not finite; such a thing is never sent.
    """
    p = frames.ned_from_enu(setpoint.position)
    v = frames.ned_from_enu(setpoint.velocity)
    a = frames.ned_from_enu(setpoint.acceleration)
    yaw = float(frames.yaw_ned_from_enu(setpoint.yaw))
    values = [*p.tolist(), *v.tolist(), *a.tolist(), yaw, -float(setpoint.yaw_rate)]
    if not all(map(math.isfinite, values)):
        raise ValueError("a setpoint that is not a number")
    return mavlink.MAVLink_set_position_target_local_ned_message(
        time_ms & 0xFFFFFFFF, system, component, mavlink.MAV_FRAME_LOCAL_NED, 0, *values
    )
