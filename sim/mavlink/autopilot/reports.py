"""What the simulated autopilot tells of itself: its messages, out of a `Snapshot` of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.mavlink.dialect import mavlink
from sim.embedded import SensorNoise
from sim.mavlink.autopilot.modes import POSITION_LOST
from sim.mavlink.autopilot.reference import Reference

Floats = NDArray[np.float64]

#: Version that is reported: the PX4 that was measured (1.18, a development build).
VERSION = 1 << 24 | 18 << 16 | 64
#: The vehicle's UTC when it starts, µs: 2026-01-01. Its GPS is simulated.
EPOCH = 1767225600_000000
#: Default message rates of PX4's onboard link, 1/s.
DEFAULT_RATES = {
    "LOCAL_POSITION_NED": 30.0,
    "ATTITUDE": 85.0,
    "ATTITUDE_QUATERNION": 50.0,
    "ESTIMATOR_STATUS": 1.0,
    "EXTENDED_SYS_STATE": 5.0,
    "GLOBAL_POSITION_INT": 50.0,
    "GPS_RAW_INT": 8.0,
    "SYS_STATUS": 5.0,
    "BATTERY_STATUS": 0.5,
    "HOME_POSITION": 0.5,
    "SYSTEM_TIME": 1.0,
    "POSITION_TARGET_LOCAL_NED": 10.0,
}
#: Time after the start, s, until its estimator has a position.
_SETTLED = 2.0
#: Time after the last fix, s, when its speed is not believed any more either.
_DRIFTED = 7.0
#: How far its distance sensor measures, m (SIH_DISTSNSR_MAX).
_FARTHEST = 100.0
#: Sensors that it has, as PX4 tells of them, less the satellite receiver.
_SENSORS = (
    mavlink.MAV_SYS_STATUS_SENSOR_3D_GYRO
    | mavlink.MAV_SYS_STATUS_SENSOR_3D_ACCEL
    | mavlink.MAV_SYS_STATUS_SENSOR_3D_MAG
    | mavlink.MAV_SYS_STATUS_SENSOR_ABSOLUTE_PRESSURE
    | mavlink.MAV_SYS_STATUS_SENSOR_XY_POSITION_CONTROL
    | mavlink.MAV_SYS_STATUS_SENSOR_MOTOR_OUTPUTS
    | mavlink.MAV_SYS_STATUS_LOGGING
    | mavlink.MAV_SYS_STATUS_SENSOR_BATTERY
)
#: ESTIMATOR_STATUS flags: of all that it can know, and without a position, without a speed; at
#: rest it says that it is (ESTIMATOR_CONST_POS_MODE).
_KNOWN, _NO_PLACE, _NO_SPEED, _AT_REST = 895, 869, 101, 128


@dataclass(frozen=True)
class Target:
    """What is flown: ENU m, m/s and m/s², and the yaw, rad."""

    position: Floats
    velocity: Floats
    acceleration: Floats
    yaw: float


@dataclass(frozen=True)
class Snapshot:
    """The autopilot at a moment.

    Attributes:
        system: its id.
        time: s since it was started.
        estimate: where its estimator has it, ENU m in the simulation, before the white noise.
        height: true one above the ground, m.
        velocity: ENU m/s.
        attitude: yaw, pitch, roll, rad.
        yaw_rate: rad/s.
        reference: what makes of it what is told.
        home, home_on_earth: where it returns to, as it was told when it was set: ENU m from the
            local origin, and from the simulation's on the earth.
        landed: whether it is on the ground.
        landed_state: MAV_LANDED_STATE.
        no_fix: time without satellites, s; None where it has some.
        ready: whether its checks are over.
        target: what is flown.
        battery: what is left of it, from 0 to 1.
        noise: of what is told.
        random: gives it.
    """

    system: int
    time: float
    estimate: Floats
    height: float
    velocity: Floats
    attitude: tuple[float, float, float]
    yaw_rate: float
    reference: Reference
    home: Floats
    home_on_earth: Floats
    landed: bool
    landed_state: int
    no_fix: float | None
    ready: bool
    target: Target
    battery: float
    noise: SensorNoise
    random: np.random.Generator

    @property
    def local(self) -> Floats:
        """Where its estimator has it, ENU m from the local origin."""
        return np.asarray(self.estimate + self.reference.local)

    @property
    def on_earth(self) -> Floats:
        """The same on the earth, ENU m from where the simulation's origin is."""
        return np.asarray(self.estimate + self.reference.earth)

    @property
    def heading(self) -> float:
        """Its yaw as it is told, rad."""
        return self.reference.heading(self.attitude[0])

    @property
    def boot_ms(self) -> int:
        """Time since boot, ms."""
        return int(self.time * 1e3)

    @property
    def boot_us(self) -> int:
        """Time since boot, µs."""
        return int(self.time * 1e6)


def _local_position(of: Snapshot) -> Any:
    noise = of.random.standard_normal(6)
    p = frames.ned_from_enu(of.local + of.noise.position * noise[:3])
    v = frames.ned_from_enu(of.velocity + of.noise.velocity * noise[3:])
    return mavlink.MAVLink_local_position_ned_message(of.boot_ms, *p.tolist(), *v.tolist())


def _angles(of: Snapshot) -> tuple[float, float, float]:
    """Roll, pitch and yaw from north, rad, as measured."""
    _, pitch, roll = of.attitude
    yaw = of.heading
    noise = of.noise.attitude * of.random.standard_normal(3)
    north = float(frames.yaw_ned_from_enu(yaw + noise[0]))
    return roll + noise[2], pitch + noise[1], north


def _attitude(of: Snapshot) -> Any:
    roll, pitch, yaw = _angles(of)
    return mavlink.MAVLink_attitude_message(of.boot_ms, roll, pitch, yaw, 0.0, 0.0, -of.yaw_rate)


def _attitude_quaternion(of: Snapshot) -> Any:
    roll, pitch, yaw = _angles(of)
    return mavlink.MAVLink_attitude_quaternion_message(
        of.boot_ms, *frames.quaternion(yaw, pitch, roll), 0.0, 0.0, -of.yaw_rate
    )


def _estimator_status(of: Snapshot) -> Any:
    lost = of.no_fix or 0.0
    flags = _KNOWN
    if of.time < _SETTLED or lost > _DRIFTED:
        flags = _NO_SPEED
    elif lost > POSITION_LOST:
        flags = _NO_PLACE
    if of.landed:
        flags |= _AT_REST
    return mavlink.MAVLink_estimator_status_message(
        of.boot_us, flags, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0, 0.1, 0.1
    )


def _extended_sys_state(of: Snapshot) -> Any:
    return mavlink.MAVLink_extended_sys_state_message(0, of.landed_state)


def _degrees(of: Snapshot, point: Floats) -> tuple[int, int, float]:
    latitude, longitude, altitude = of.reference.start.at(point)
    return round(latitude * 1e7), round(longitude * 1e7), altitude


def _global_position(of: Snapshot) -> Any:
    latitude, longitude, altitude = _degrees(of, of.on_earth)
    v = frames.ned_from_enu(of.velocity) * 100
    heading = math.degrees(float(frames.yaw_ned_from_enu(of.heading))) % 360
    return mavlink.MAVLink_global_position_int_message(
        of.boot_ms,
        latitude,
        longitude,
        round(altitude * 1e3),
        round((of.on_earth[2] - of.home_on_earth[2]) * 1e3),
        *(round(x) for x in v.tolist()),
        round(heading * 100) % 36000,
    )


def _gps_raw(of: Snapshot) -> Any:
    latitude, longitude, altitude = _degrees(of, of.on_earth)
    fixed = of.no_fix is None
    fix = mavlink.GPS_FIX_TYPE_3D_FIX if fixed else mavlink.GPS_FIX_TYPE_NO_FIX
    return mavlink.MAVLink_gps_raw_int_message(
        of.boot_us, fix, latitude, longitude, round(altitude * 1e3), 70, 110, 0, 65535,
        16 if fixed else 0,
    )  # fmt: skip


def _sys_status(of: Snapshot) -> Any:
    sensors = _SENSORS | mavlink.MAV_SYS_STATUS_SENSOR_GPS
    health = _SENSORS | mavlink.MAV_SYS_STATUS_AHRS
    if of.no_fix is None:
        health |= mavlink.MAV_SYS_STATUS_SENSOR_GPS
        if of.ready:
            health |= mavlink.MAV_SYS_STATUS_PREARM_CHECK
    return mavlink.MAVLink_sys_status_message(
        sensors, sensors, health, 200, 16200, -1, 100, 0, 0, 0, 0, 0, 0
    )


def _battery_status(of: Snapshot) -> Any:
    return mavlink.MAVLink_battery_status_message(
        0, 0, 0, 32767, [4050] * 4 + [65535] * 6, -1, -1, -1, round(of.battery * 100)
    )


def _home_position(of: Snapshot) -> Any:
    latitude, longitude, altitude = _degrees(of, of.home_on_earth)
    return mavlink.MAVLink_home_position_message(
        latitude,
        longitude,
        round(altitude * 1e3),
        *frames.ned_from_enu(of.home).tolist(),
        [1.0, 0.0, 0.0, 0.0],
        0.0,
        0.0,
        0.0,
    )


def _global_origin(of: Snapshot) -> Any:
    origin = of.reference.origin
    return mavlink.MAVLink_gps_global_origin_message(
        round(origin.latitude * 1e7),
        round(origin.longitude * 1e7),
        round(origin.altitude * 1e3),
        of.boot_us,
    )


def _odometry(of: Snapshot) -> Any:
    roll, pitch, yaw = _angles(of)
    unknown = [math.nan] + [0.0] * 20
    return mavlink.MAVLink_odometry_message(
        of.boot_us,
        mavlink.MAV_FRAME_LOCAL_NED,
        mavlink.MAV_FRAME_BODY_FRD,
        *frames.ned_from_enu(of.local).tolist(),
        frames.quaternion(yaw, pitch, roll),
        *[0.0] * 6,
        unknown,
        unknown,
        of.reference.resets % 256,
        mavlink.MAV_ESTIMATOR_TYPE_AUTOPILOT,
    )


def _distance(of: Snapshot) -> Any:
    """A sensor that looks down along the vehicle's own axis, as that of PX4's simulator."""
    _, pitch, roll = of.attitude
    measured = of.height / max(math.cos(pitch) * math.cos(roll), 0.1)
    return mavlink.MAVLink_distance_sensor_message(
        of.boot_ms,
        0,
        round(_FARTHEST * 100),
        round(min(max(measured, 0.0) * 100, 65535)),
        mavlink.MAV_DISTANCE_SENSOR_LASER,
        0,
        mavlink.MAV_SENSOR_ROTATION_PITCH_270,
        0,
    )


def _system_time(of: Snapshot) -> Any:
    return mavlink.MAVLink_system_time_message(EPOCH + of.boot_us, of.boot_ms)


def _position_target(of: Snapshot) -> Any:
    target = of.target
    vectors = (target.position + of.reference.local, target.velocity, target.acceleration)
    values = [float(x) for vector in vectors for x in frames.ned_from_enu(vector)]
    return mavlink.MAVLink_position_target_local_ned_message(
        of.boot_ms,
        mavlink.MAV_FRAME_LOCAL_NED,
        0,
        *values,
        float(frames.yaw_ned_from_enu(of.reference.heading(target.yaw))),
        0.0,
    )


def _version(of: Snapshot) -> Any:
    capabilities = (
        mavlink.MAV_PROTOCOL_CAPABILITY_PARAM_FLOAT
        | mavlink.MAV_PROTOCOL_CAPABILITY_PARAM_ENCODE_BYTEWISE
        | mavlink.MAV_PROTOCOL_CAPABILITY_COMMAND_INT
        | mavlink.MAV_PROTOCOL_CAPABILITY_SET_POSITION_TARGET_LOCAL_NED
        | mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_INT
        | mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_FENCE
        | mavlink.MAV_PROTOCOL_CAPABILITY_MAVLINK2
    )
    return mavlink.MAVLink_autopilot_version_message(
        capabilities, VERSION, VERSION, VERSION, 1, [0] * 8, [0] * 8, [0] * 8, 0, 0, of.system
    )


#: What can be asked for, by the message's name.
REPORTS: dict[str, Callable[[Snapshot], Any]] = {
    "LOCAL_POSITION_NED": _local_position,
    "ATTITUDE": _attitude,
    "ATTITUDE_QUATERNION": _attitude_quaternion,
    "ESTIMATOR_STATUS": _estimator_status,
    "EXTENDED_SYS_STATE": _extended_sys_state,
    "GLOBAL_POSITION_INT": _global_position,
    "GPS_RAW_INT": _gps_raw,
    "SYS_STATUS": _sys_status,
    "BATTERY_STATUS": _battery_status,
    "HOME_POSITION": _home_position,
    "GPS_GLOBAL_ORIGIN": _global_origin,
    "ODOMETRY": _odometry,
    "DISTANCE_SENSOR": _distance,
    "SYSTEM_TIME": _system_time,
    "POSITION_TARGET_LOCAL_NED": _position_target,
    "AUTOPILOT_VERSION": _version,
}


class Schedule:
    """Which message is due on which link.

    Attributes:
        rates: 1/s, of each message, by link.
    """

    def __init__(self) -> None:
        self.rates: dict[int, dict[str, float]] = {}
        self._due: dict[tuple[int, str], float] = {}

    def restart(self) -> None:
        """After a start all links have the default messages."""
        self.rates = {link: dict(DEFAULT_RATES) for link in self.rates}
        self._due = {}

    def meet(self, link: int) -> dict[str, float]:
        """A link begins; the rates of its messages."""
        return self.rates.setdefault(link, dict(DEFAULT_RATES))

    def set_interval(self, link: int, number: int, interval: float) -> bool:
        """A message's time between two, µs: 0 for the default, below 0 for none. Whether there is
        such a message."""
        for name in REPORTS:
            if getattr(mavlink, f"MAVLINK_MSG_ID_{name}") == number:
                rates = self.meet(link)
                if interval == 0:
                    rates[name] = DEFAULT_RATES.get(name, 0.0)
                else:
                    rates[name] = 0.0 if interval < 0 else 1e6 / interval
                self._due.pop((link, name), None)
                return True
        return False

    def due(self, time: float) -> list[tuple[int, str]]:
        """Links and messages to send at a time, s; they are taken to be sent."""
        found = []
        for link, rates in self.rates.items():
            for name, rate in rates.items():
                key = link, name
                if rate > 0 and time >= self._due.get(key, 0.0):
                    self._due[key] = max(self._due.get(key, 0.0) + 1 / rate, time)
                    found.append(key)
        return found
