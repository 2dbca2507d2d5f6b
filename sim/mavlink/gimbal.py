"""A simulated gimbal on MAVLink: the device, and the manager that the simulated autopilot has.

The device is a component of its own and takes orders from any manager, PX4's or the one here. The
manager is a part of the autopilot: it answers and sends under the autopilot's address. It behaves
as PX4's does, weaknesses included.

Sources: MAVLink gimbal protocol v2; PX4's ``gimbal`` module, and measurements of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from cinempc import frames
from cinempc.flight.dialect import mavlink
from cinempc.flight.gimbal_messages import in_earth_frame
from cinempc.frames import Angles, Quaternion
from sim.gimbal import SimGimbal
from sim.mavlink.component import Component, Send, last_params

#: Largest step of the gimbal's motion, s.
_STEP = 1 / 250
_NONE = (math.nan, math.nan, math.nan)
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
    ) -> None:
        super().__init__(system, component, mavlink.MAV_TYPE_GIMBAL, send)
        self.gimbal, self.wording = gimbal, wording
        self.failures = 0
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
            0,
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
        if _whole(message.param1) != mavlink.MAVLINK_MSG_ID_GIMBAL_DEVICE_ATTITUDE_STATUS:
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


class GimbalManager:
    """PX4's gimbal manager, for the simulated autopilot.

    The autopilot hands it every message (`handle`), answers commands with what that returns, and
    steps it. A time before the last one is a restart: nothing is remembered.

    Args:
        system, component: the autopilot's address.
        send: carries messages away, under that address.
        attitude: the vehicle's yaw, pitch, roll, rad, for the gimbal's own sense of north; not
            told to it where not given.
        place: the vehicle's latitude deg, longitude deg and altitude m, for regions of interest;
            they are refused where not given.
        takes_pitchyaw: whether the message GIMBAL_MANAGER_SET_PITCHYAW has an effect. On the
            measured PX4 it has none.
    """

    #: Orders to the device and the vehicle's state, and status to the others, 1/s.
    RATE, STATUS_RATE = 20.0, 0.5
    #: Time after the last order, s, after which rates are zeroed.
    TIMEOUT = 2.0
    #: Full stick of GIMBAL_MANAGER_SET_MANUAL_CONTROL, rad/s (MNT_RATE_PITCH, MNT_RATE_YAW).
    STICK = math.radians(30)

    def __init__(
        self,
        system: int,
        send: Send,
        *,
        component: int = mavlink.MAV_COMP_ID_AUTOPILOT1,
        attitude: Callable[[], Angles] | None = None,
        place: Callable[[], tuple[float, float, float]] | None = None,
        takes_pitchyaw: bool = False,
    ) -> None:
        self.system, self.component, self.send = system, component, send
        self._attitude, self._place = attitude, place
        self._takes_pitchyaw = takes_pitchyaw
        self.commands: dict[int, Callable[[Any], int]] = {
            mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE: self._configure,
            mavlink.MAV_CMD_DO_GIMBAL_MANAGER_PITCHYAW: self._pitch_yaw,
            mavlink.MAV_CMD_DO_MOUNT_CONTROL: self._mount_control,
            mavlink.MAV_CMD_DO_SET_ROI_LOCATION: self._look_at,
            mavlink.MAV_CMD_DO_SET_ROI: self._look_at,
            mavlink.MAV_CMD_DO_SET_ROI_NONE: self._look_ahead,
        }
        self.requests: dict[int, Callable[[float], Any]] = {
            mavlink.MAVLINK_MSG_ID_GIMBAL_MANAGER_INFORMATION: lambda param: self.information(),
            mavlink.MAVLINK_MSG_ID_GIMBAL_MANAGER_STATUS: lambda param: self._status,
        }
        self._boot()

    def _boot(self) -> None:
        self.time = 0.0
        self.owner = (0, 0)  #: System and component in primary control; zeros for none.
        self.device = 0  #: The gimbal's component id, 0 while none is known.
        self._about: Any = None
        self._status: Any = None
        self._status_period = 1 / self.STATUS_RATE
        self._flags = int(mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_VEHICLE_FRAME)
        self._quaternion: tuple[float, ...] = (math.nan,) * 4
        self._rates: tuple[float, float, float] = _NONE
        self._ordered = -math.inf
        self._region: tuple[float, float, float] | None = None
        self._next_look = self._next_order = self._next_status = 0.0

    def information(self) -> Any:
        """GIMBAL_MANAGER_INFORMATION; None before a device is known."""
        about = self._about
        if about is None:
            return None
        return mavlink.MAVLink_gimbal_manager_information_message(
            int(self.time * 1e3),
            about.cap_flags,
            self.device,
            0.0,  # PX4 does not hand the ends of the roll on
            0.0,
            about.pitch_min,
            about.pitch_max,
            about.yaw_min,
            about.yaw_max,
        )

    # --- what comes in ---

    def handle(self, message: Any) -> int | None:
        """Take in a message.

        Returns:
            for a command of its own that is addressed to it, the MAV_RESULT to answer; else None.
        """
        kind = message.get_type()
        if kind in ("COMMAND_LONG", "COMMAND_INT"):
            return self._command(message) if self._is_for_me(message) else None
        if message.get_srcSystem() == self.system and message.get_srcComponent() != self.component:
            if kind == "GIMBAL_DEVICE_INFORMATION":
                self._about, self.device = message, message.get_srcComponent()
            elif kind == "GIMBAL_DEVICE_ATTITUDE_STATUS":
                self._device_reports(message)
        if not self._is_for_me(message) or self._sender(message) != self.owner:
            return None
        if kind == "GIMBAL_MANAGER_SET_ATTITUDE":
            rates = (
                message.angular_velocity_x,
                message.angular_velocity_y,
                message.angular_velocity_z,
            )
            self._order(message.flags, tuple(message.q), rates)
        elif kind == "GIMBAL_MANAGER_SET_PITCHYAW" and self._takes_pitchyaw:
            self._order(
                message.flags,
                _turned(message.pitch, message.yaw),
                (math.nan, message.pitch_rate, message.yaw_rate),
            )
        elif kind == "GIMBAL_MANAGER_SET_MANUAL_CONTROL":
            angles, rates = (math.nan,) * 4, _NONE
            if math.isfinite(message.pitch) and math.isfinite(message.yaw):
                angles = _turned(message.pitch, message.yaw)
            if math.isfinite(message.pitch_rate) and math.isfinite(message.yaw_rate):
                rates = (0.0, message.pitch_rate * self.STICK, message.yaw_rate * self.STICK)
            self._order(message.flags, angles, rates)
        return None

    def _command(self, message: Any) -> int | None:
        number = _whole(message.param1)
        match message.command:
            case mavlink.MAV_CMD_REQUEST_MESSAGE if number in self.requests:
                wanted = self.requests[number](message.param2)
                if wanted is None:
                    return int(mavlink.MAV_RESULT_DENIED)
                self.send(wanted)
                return int(mavlink.MAV_RESULT_ACCEPTED)
            case mavlink.MAV_CMD_SET_MESSAGE_INTERVAL if (
                number == mavlink.MAVLINK_MSG_ID_GIMBAL_MANAGER_STATUS
            ):
                # 0 asks for what it was at the start, below 0 for none.
                period = message.param2 / 1e6 if message.param2 else 1 / self.STATUS_RATE
                self._status_period = period if period > 0 else math.inf
                self._next_status = self.time + self._status_period
                return int(mavlink.MAV_RESULT_ACCEPTED)
        handler = self.commands.get(message.command)
        return None if handler is None else handler(message)

    def _is_for_me(self, message: Any) -> bool:
        return getattr(message, "target_system", 0) in (0, self.system) and getattr(
            message, "target_component", 0
        ) in (0, self.component)

    @staticmethod
    def _sender(message: Any) -> tuple[int, int]:
        return message.get_srcSystem(), message.get_srcComponent()

    def _device_reports(self, message: Any) -> None:
        """The status is written when the device reports: without it, the old one is repeated."""
        self._status = mavlink.MAVLink_gimbal_manager_status_message(
            int(self.time * 1e3), message.flags, self.device, *self.owner, 0, 0
        )

    # --- orders ---

    def _order(
        self, flags: int, quaternion: tuple[float, ...], rates: tuple[float, float, float]
    ) -> None:
        self._ordered = self.time
        if flags & mavlink.GIMBAL_MANAGER_FLAGS_RETRACT:
            return  # PX4 has no such thing
        self._region = None
        if flags & mavlink.GIMBAL_MANAGER_FLAGS_NEUTRAL:
            self._ahead()
            return
        self._quaternion, self._rates = quaternion, rates
        keep = mavlink.GIMBAL_DEVICE_FLAGS_ROLL_LOCK | mavlink.GIMBAL_DEVICE_FLAGS_PITCH_LOCK
        self._flags = flags & keep | (
            mavlink.GIMBAL_DEVICE_FLAGS_YAW_LOCK | mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_EARTH_FRAME
            if flags & mavlink.GIMBAL_MANAGER_FLAGS_YAW_LOCK
            else mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_VEHICLE_FRAME
        )

    def _ahead(self) -> None:
        self._region = None
        self._quaternion, self._rates = (1.0, 0.0, 0.0, 0.0), _NONE
        self._flags = int(mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_VEHICLE_FRAME)

    def _configure(self, message: Any) -> int:
        sender, ours = self._sender(message), (self.system, self.component)
        new = []
        for place, value in enumerate((_whole(message.param1), _whole(message.param2))):
            now = self.owner[place]
            if value == -2:
                now = ours[place]
            elif value == -3:
                now = 0 if now == sender[place] else now
            elif 0 <= value <= 255:
                now = value
            new.append(now)
        self.owner = (new[0], new[1])
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _pitch_yaw(self, message: Any) -> int:
        if self._sender(message) != self.owner:
            return int(mavlink.MAV_RESULT_DENIED)
        self._order(
            max(_whole(last_params(message)[0]), 0),
            _turned(math.radians(message.param1), math.radians(message.param2)),
            (math.nan, math.radians(message.param3), math.radians(message.param4)),
        )
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _mount_control(self, message: Any) -> int:
        """The older protocol's, which PX4 takes from everybody."""
        mode = _whole(last_params(message)[2])
        if mode in (mavlink.MAV_MOUNT_MODE_RETRACT, mavlink.MAV_MOUNT_MODE_NEUTRAL):
            self._ahead()
        elif mode == mavlink.MAV_MOUNT_MODE_MAVLINK_TARGETING:
            self._order(
                mavlink.GIMBAL_MANAGER_FLAGS_ROLL_LOCK | mavlink.GIMBAL_MANAGER_FLAGS_PITCH_LOCK,
                _turned(
                    math.radians(message.param1),
                    math.radians(message.param3),
                    math.radians(message.param2),
                ),
                _NONE,
            )
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _look_at(self, message: Any) -> int:
        """A region of interest: whoever has control, the gimbal looks there."""
        if self._place is None:
            return int(mavlink.MAV_RESULT_UNSUPPORTED)
        if message.get_type() == "COMMAND_INT":
            self._region = (message.x / 1e7, message.y / 1e7, message.z)
        else:
            self._region = (message.param5, message.param6, message.param7)
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _look_ahead(self, message: Any) -> int:
        self._ahead()
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _aim_at_region(self, region: tuple[float, float, float]) -> None:
        assert self._place is not None
        latitude, longitude, altitude = self._place()
        # On a sphere of the Earth's mean radius, m (IUGG); the region is near.
        radius = 6371008.8
        north = math.radians(region[0] - latitude) * radius
        east = math.radians(region[1] - longitude) * radius * math.cos(math.radians(latitude))
        pitch = math.atan2(region[2] - altitude, math.hypot(north, east))
        self._quaternion = _turned(pitch, math.atan2(east, north))
        self._rates = _NONE
        self._flags = int(
            self._flags
            & (mavlink.GIMBAL_DEVICE_FLAGS_ROLL_LOCK | mavlink.GIMBAL_DEVICE_FLAGS_PITCH_LOCK)
            | mavlink.GIMBAL_DEVICE_FLAGS_YAW_LOCK
            | mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_EARTH_FRAME
        )

    # --- time ---

    def step(self, time: float) -> None:
        """Go on to a simulated time, s since boot."""
        if time < self.time:
            self._boot()
        self.time = time
        if self._about is None and time >= self._next_look:
            self._next_look = time + 1.0
            self.send(
                mavlink.MAVLink_command_long_message(
                    0,
                    0,
                    mavlink.MAV_CMD_REQUEST_MESSAGE,
                    0,
                    mavlink.MAVLINK_MSG_ID_GIMBAL_DEVICE_INFORMATION,
                    *[0.0] * 6,
                )
            )
        if time - self._ordered > self.TIMEOUT:
            roll, pitch, yaw = (rate if math.isnan(rate) else 0.0 for rate in self._rates)
            self._rates = (roll, pitch, yaw)
        if time >= self._next_order:
            self._next_order = max(self._next_order + 1 / self.RATE, time)
            self._command_device()
        if self._status is not None and time >= self._next_status:
            self._next_status = time + self._status_period
            self.send(self._status)

    def _command_device(self) -> None:
        if self._region is not None:
            self._aim_at_region(self._region)
        if self._attitude is not None:
            self.send(
                mavlink.MAVLink_autopilot_state_for_gimbal_device_message(
                    0,
                    0,
                    int(self.time * 1e6),
                    list(frames.gimbal_quaternion(self._attitude())),
                    0,
                    math.nan,
                    math.nan,
                    math.nan,
                    0,
                    math.nan,
                    0,
                    mavlink.MAV_LANDED_STATE_UNDEFINED,
                )
            )
        self.send(
            mavlink.MAVLink_gimbal_device_set_attitude_message(
                self.system, self.device, self._flags, list(self._quaternion), *self._rates
            )
        )


def _whole(value: float) -> int:
    """A command's whole-numbered parameter; -1 for what is none."""
    return round(value) if math.isfinite(value) else -1


def _turned(pitch: float, yaw: float, roll: float = 0.0) -> Quaternion:
    """MAVLink's quaternion of angles in its own frames, rad: pitch up, yaw to the right; NaN counts
    as zero, as it does for PX4."""
    pitch, yaw, roll = (a if math.isfinite(a) else 0.0 for a in (pitch, yaw, roll))
    return frames.gimbal_quaternion((-yaw, pitch, roll), heading=0.0)
