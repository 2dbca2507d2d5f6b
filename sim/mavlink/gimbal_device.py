"""A simulated gimbal device on MAVLink: a component of its own that takes orders from any manager,
PX4's or that of `sim.mavlink.gimbal_manager`.

Source: MAVLink gimbal protocol v2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from cinempc import frames
from cinempc.frames import Angles
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.gimbal_messages import in_earth_frame
from sim.body.gimbal import SimGimbal
from sim.mavlink.component import Component, Send, whole

#: Largest step of the gimbal's motion, s.
_STEP = 1 / 250
#: Nearer to the end of an axis than this, rad, the device says that it is there.
_AT_END = math.radians(0.2)
#: Farther than this, rad, the gimbal would go round the other way.
_HALF_WAY = math.radians(175)

_CAPABILITIES = (
    mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_NEUTRAL
    | mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_ROLL_AXIS
    | mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_ROLL_LOCK
    | mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_PITCH_AXIS
    | mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_PITCH_LOCK
    | mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_YAW_AXIS
    | mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_YAW_FOLLOW
    | mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_YAW_LOCK
    | mavlink.GIMBAL_DEVICE_CAP_FLAGS_SUPPORTS_YAW_IN_EARTH_FRAME
)

#: How the device words its attitude: yaw from north, from the vehicle's nose, or as older devices
#: do, without saying which (then the lock flag says it).
Wording = Literal["earth", "vehicle", "old"]


class GimbalDevice(Component):
    """A three-axis gimbal as a MAVLink component.

    Roll and pitch are always level with the horizon; the yaw is held in the world or follows the
    vehicle, as the manager says.

    Args:
        system: the vehicle's system id.
        send: carries messages away.
        gimbal: its motion. Stepped here; nobody else does.
        attitude: the vehicle's true yaw, pitch, roll, rad; without it, what the autopilot tells in
            AUTOPILOT_STATE_FOR_GIMBAL_DEVICE.
        component: its id.
        rate: of its attitude reports, 1/s.
        wording: of them.
        clock_stands: whether its messages all have the same time since boot.
        names: the gimbal device that its reports name; 0 for a component of its own.

    Attributes:
        failures: GIMBAL_DEVICE_ERROR_FLAGS that it reports beside those of its ends.
    """

    def __init__(
        self,
        system: int,
        send: Send,
        gimbal: SimGimbal,
        attitude: Callable[[], Angles] | None = None,
        *,
        component: int = mavlink.MAV_COMP_ID_GIMBAL,
        rate: float = 50.0,
        wording: Wording = "earth",
        clock_stands: bool = False,
        names: int = 0,
    ) -> None:
        super().__init__(system, component, mavlink.MAV_TYPE_GIMBAL, send)
        self.gimbal, self.wording = gimbal, wording
        self.failures = 0
        self._clock_stands, self._names = clock_stands, names
        self._true_attitude = attitude
        self._told_attitude: Angles | None = None
        self._period = self._usual = 1 / rate
        self._next_report = 0.0
        self._stepped: float | None = None
        self._locked = True
        # The setpoint: its yaw in the world, or against the vehicle's when it follows it.
        yaw, pitch, roll = gimbal.angles
        self._target = [yaw, pitch, roll]
        self._feed = [0.0, 0.0, 0.0]
        self._turns = 0.0  # the vehicle's yaw rate
        self._before: float | None = None  # its yaw at the last step
        self.requests[mavlink.MAVLINK_MSG_ID_GIMBAL_DEVICE_INFORMATION] = lambda param: (
            self.information()
        )
        self.requests[mavlink.MAVLINK_MSG_ID_GIMBAL_DEVICE_ATTITUDE_STATUS] = lambda param: (
            self.report()
        )
        self.commands[mavlink.MAV_CMD_SET_MESSAGE_INTERVAL] = self._set_interval

    # --- what it says ---

    @property
    def boot_ms(self) -> int:
        """Time since boot, ms, as its messages carry it."""
        return 12345 if self._clock_stands else super().boot_ms

    def information(self) -> Any:
        """GIMBAL_DEVICE_INFORMATION."""
        ranges = self.gimbal.gimbal
        return mavlink.MAVLink_gimbal_device_information_message(
            self.boot_ms,
            b"cinempc",
            b"simulated gimbal",
            b"",
            0x00000001,
            0x00000001,
            0,
            _CAPABILITIES,
            0,
            ranges.roll.min,
            ranges.roll.max,
            ranges.pitch.min,
            ranges.pitch.max,
            -ranges.yaw.max,
            -ranges.yaw.min,
            0,
            _CAPABILITIES,
        )

    def report(self) -> Any:
        """GIMBAL_DEVICE_ATTITUDE_STATUS."""
        vehicle = self._vehicle()
        known = vehicle is not None
        heading = None if vehicle is None else vehicle[0]
        flags = mavlink.GIMBAL_DEVICE_FLAGS_ROLL_LOCK | mavlink.GIMBAL_DEVICE_FLAGS_PITCH_LOCK
        if self._locked:
            flags |= mavlink.GIMBAL_DEVICE_FLAGS_YAW_LOCK
        if known:
            flags |= mavlink.GIMBAL_DEVICE_FLAGS_ACCEPTS_YAW_IN_EARTH_FRAME
        earth = not known or self.wording == "earth" or (self.wording == "old" and self._locked)
        if self.wording != "old":
            flags |= (
                mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_EARTH_FRAME
                if earth
                else mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_VEHICLE_FRAME
            )
        return mavlink.MAVLink_gimbal_device_attitude_status_message(
            0,
            0,
            self.boot_ms,
            flags,
            list(frames.gimbal_quaternion(self.gimbal.angles, None if earth else heading)),
            *frames.gimbal_rates(self.gimbal.rates, 0.0 if earth else self._turns),
            self.failures | self._ends(),
            math.nan if heading is None else float(frames.yaw_ned_from_enu(heading)),
            -self._turns if known else math.nan,
            self._names,
        )

    def _ends(self) -> int:
        vehicle = self._vehicle()
        if vehicle is None:
            return 0
        yaw, pitch, roll = self.gimbal.angles
        ranges = self.gimbal.gimbal
        along = float(frames.wrap_angle(yaw - vehicle[0]))
        flags = 0
        for angle, axis, flag in (
            (along, ranges.yaw, mavlink.GIMBAL_DEVICE_ERROR_FLAGS_AT_YAW_LIMIT),
            (pitch, ranges.pitch, mavlink.GIMBAL_DEVICE_ERROR_FLAGS_AT_PITCH_LIMIT),
            (roll, ranges.roll, mavlink.GIMBAL_DEVICE_ERROR_FLAGS_AT_ROLL_LIMIT),
        ):
            fixed = axis.max - axis.min < 2 * _AT_END
            if not fixed and not axis.min + _AT_END < angle < axis.max - _AT_END:
                flags |= flag
        return flags

    # --- what it is told ---

    def receive(self, message: Any) -> None:
        """Take in a message from the network."""
        super().receive(message)
        if not self.is_for_me(message) or message.get_srcSystem() != self.system:
            return
        kind = message.get_type()
        if kind == "GIMBAL_DEVICE_SET_ATTITUDE":
            self._set_attitude(message)
        elif kind == "AUTOPILOT_STATE_FOR_GIMBAL_DEVICE":
            self._autopilot_state(message)

    def _set_attitude(self, message: Any) -> None:
        if message.flags & mavlink.GIMBAL_DEVICE_FLAGS_RETRACT:
            return  # there is nowhere to retract to, and its capabilities say so
        vehicle = self._vehicle()
        heading = 0.0 if vehicle is None else vehicle[0]
        turns = self._turns
        if message.flags & mavlink.GIMBAL_DEVICE_FLAGS_NEUTRAL:
            self._locked = False
            self._target, self._feed = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
            return
        try:
            earth = in_earth_frame(message.flags)
        except ValueError:
            return
        if earth and vehicle is None:
            return  # it does not know where north is, and has said so
        lock = bool(message.flags & mavlink.GIMBAL_DEVICE_FLAGS_YAW_LOCK)
        wanted: Angles | None
        try:
            wanted = frames.gimbal_angles(message.q, None if earth else heading)
        except ValueError:
            wanted = None  # "set fields to NaN to be ignored"
        velocity = (
            message.angular_velocity_x,
            message.angular_velocity_y,
            message.angular_velocity_z,
        )
        rates = frames.rates_from_gimbal(velocity, 0.0 if earth else turns)
        if wanted is None and not any(map(math.isfinite, rates)):
            return  # PX4 before its first order
        self._locked = lock
        if wanted is None:
            wanted = self.gimbal.angles
        yaw, pitch, roll = wanted
        self._target = [yaw if lock else yaw - heading, pitch, roll]
        feed = [rate if math.isfinite(rate) else 0.0 for rate in rates]
        if not lock and math.isfinite(rates[0]):
            feed[0] -= turns
        self._feed = feed

    def _autopilot_state(self, message: Any) -> None:
        try:
            self._told_attitude = frames.gimbal_angles(message.q)
        except ValueError:
            return
        # PX4 leaves the newer field out (then it is zero), and tells the rate that it aims at.
        turns = message.angular_velocity_z or message.feed_forward_angular_velocity_z
        if self._true_attitude is None and math.isfinite(turns):
            self._turns = -turns

    def _set_interval(self, message: Any) -> int:
        if whole(message.param1) != mavlink.MAVLINK_MSG_ID_GIMBAL_DEVICE_ATTITUDE_STATUS:
            return int(mavlink.MAV_RESULT_DENIED)
        if not message.param2 >= 0:
            return int(mavlink.MAV_RESULT_DENIED)  # a gimbal that does not report is none
        self._period = max(message.param2 / 1e6, 0.01) if message.param2 else self._usual
        self._next_report = min(self._next_report, self.time + self._period)
        return int(mavlink.MAV_RESULT_ACCEPTED)

    # --- time ---

    def _vehicle(self) -> Angles | None:
        return self._told_attitude if self._true_attitude is None else self._true_attitude()

    def step(self, time: float) -> None:
        """Go on to a simulated time, s since boot."""
        super().step(time)
        last, self._stepped = self._stepped, time
        if last is not None and time > last:
            self._move(time - last)
        if time >= self._next_report:
            # On its own beat, not on the caller's.
            self._next_report = max(self._next_report + self._period, time)
            self.send(self.report())

    def _move(self, dt: float) -> None:
        vehicle = self._vehicle() or (self.gimbal.angles[0], 0.0, 0.0)
        if self._true_attitude is not None:
            if self._before is not None:
                self._turns = math.remainder(vehicle[0] - self._before, 2 * math.pi) / dt
            self._before = vehicle[0]
        count = math.ceil(dt / _STEP)
        for _ in range(count):
            self._target = [
                t + f * dt / count for t, f in zip(self._target, self._feed, strict=True)
            ]
            yaw = self._reachable(vehicle[0])
            self.gimbal.command((yaw, *self._target[1:]), (0.0, 0.0, 0.0))
            self.gimbal.step(dt / count, vehicle)

    def _reachable(self, heading: float) -> float:
        """The setpoint's yaw; on the way to it where the short way leads through the end stops,
        for the gimbal takes the shorter one."""
        yaw = self._target[0] + (0.0 if self._locked else heading)
        now, axis = self.gimbal.angles[0], self.gimbal.gimbal.yaw
        wanted = min(max(math.remainder(yaw - heading, 2 * math.pi), axis.min), axis.max)
        way = wanted - math.remainder(now - heading, 2 * math.pi)
        return now + math.copysign(_HALF_WAY, way) if abs(way) > _HALF_WAY else yaw
