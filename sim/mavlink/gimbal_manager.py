"""The gimbal manager of the simulated autopilot: a part of it, that answers and sends under its
address, and behaves as PX4's does, weaknesses included.

Sources: MAVLink gimbal protocol v2; PX4's ``gimbal`` module, and measurements of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cinempc import frames
from cinempc.frames import Angles, Quaternion
from cinempc.mavlink.dialect import mavlink
from sim.mavlink.component import Send, last_params, whole

_NONE = (math.nan, math.nan, math.nan)


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
        clock_stands: whether its messages all have the same time since boot.
        says: the gimbal device that it names in place of the one that it knows; 0 names none.
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
        clock_stands: bool = False,
        says: int | None = None,
    ) -> None:
        self.system, self.component, self.send = system, component, send
        self._attitude, self._place = attitude, place
        self._takes_pitchyaw = takes_pitchyaw
        self._clock_stands, self._says = clock_stands, says
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
            self._boot_ms,
            about.cap_flags,
            self._named,
            0.0,  # PX4 does not hand the ends of the roll on
            0.0,
            about.pitch_min,
            about.pitch_max,
            about.yaw_min,
            about.yaw_max,
        )

    @property
    def _boot_ms(self) -> int:
        return 0 if self._clock_stands else int(self.time * 1e3)

    @property
    def _named(self) -> int:
        return self.device if self._says is None else self._says

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
        number = whole(message.param1)
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
            self._boot_ms, message.flags, self._named, *self.owner, 0, 0
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
        for place, value in enumerate((whole(message.param1), whole(message.param2))):
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
            max(whole(last_params(message)[0]), 0),
            _turned(math.radians(message.param1), math.radians(message.param2)),
            (math.nan, math.radians(message.param3), math.radians(message.param4)),
        )
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _mount_control(self, message: Any) -> int:
        """The older protocol's, which PX4 takes from everybody."""
        mode = whole(last_params(message)[2])
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


def _turned(pitch: float, yaw: float, roll: float = 0.0) -> Quaternion:
    """MAVLink's quaternion of angles in its own frames, rad: pitch up, yaw to the right; NaN counts
    as zero, as it does for PX4."""
    pitch, yaw, roll = (a if math.isfinite(a) else 0.0 for a in (pitch, yaw, roll))
    return frames.gimbal_quaternion((-yaw, pitch, roll), heading=0.0)
