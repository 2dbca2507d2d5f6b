"""What a gimbal says and is told on MAVLink, in the project's frames.

Source: MAVLink gimbal protocol v2 and its messages in common.xml.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cinempc import frames
from cinempc.frames import Angles
from cinempc.mavlink.commands import Target
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.mount import Range
from cinempc.rig.vehicle import Gimbal

_LEVEL = mavlink.GIMBAL_DEVICE_FLAGS_ROLL_LOCK | mavlink.GIMBAL_DEVICE_FLAGS_PITCH_LOCK
#: Yaw from north, and held there while the vehicle turns.
EARTH = _LEVEL | (
    mavlink.GIMBAL_DEVICE_FLAGS_YAW_LOCK | mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_EARTH_FRAME
)
#: Yaw from the vehicle's nose, and carried along with it.
VEHICLE = _LEVEL | mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_VEHICLE_FRAME

#: Fastest that a gimbal or a vehicle turns, rad/s, and farthest that a yaw is told, rad (two
#: turns): what is beyond it, or no number, is not known.
_FASTEST, _TURNED = 50.0, 4 * math.pi

_ERROR = "GIMBAL_DEVICE_ERROR_FLAGS"
#: Failures with which the gimbal does not do what it is told, and what to call them.
FAILURES = {
    mavlink.GIMBAL_DEVICE_ERROR_FLAGS_ENCODER_ERROR: "its encoders fail",
    mavlink.GIMBAL_DEVICE_ERROR_FLAGS_POWER_ERROR: "its power supply fails",
    mavlink.GIMBAL_DEVICE_ERROR_FLAGS_MOTOR_ERROR: "its motors fail",
    mavlink.GIMBAL_DEVICE_ERROR_FLAGS_SOFTWARE_ERROR: "its software fails",
    mavlink.GIMBAL_DEVICE_ERROR_FLAGS_COMMS_ERROR: "its inner communication fails",
    mavlink.GIMBAL_DEVICE_ERROR_FLAGS_CALIBRATION_RUNNING: "it is calibrating",
    mavlink.GIMBAL_DEVICE_ERROR_FLAGS_NO_MANAGER: "it has no gimbal manager",
}
#: Ends of the axes: part of every flight, but worth a word.
STOPS = {
    mavlink.GIMBAL_DEVICE_ERROR_FLAGS_AT_ROLL_LIMIT: "roll",
    mavlink.GIMBAL_DEVICE_ERROR_FLAGS_AT_PITCH_LIMIT: "pitch",
    mavlink.GIMBAL_DEVICE_ERROR_FLAGS_AT_YAW_LIMIT: "yaw",
}


@dataclass(frozen=True)
class DeviceReport:
    """A gimbal's attitude in the world frame: rad; rates in rad/s, None where unknown; time in s
    of the gimbal's own clock, None where it tells none; ``failures`` as it sends them."""

    time: float | None
    angles: Angles
    rates: Angles | None
    failures: int


def in_earth_frame(flags: int) -> bool:
    """Whether a device's yaw counts from north; without a word of the frame, the older rule:
    what is locked does.

    Raises:
        ValueError: the flags say both.
    """
    earth = bool(flags & mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_EARTH_FRAME)
    vehicle = bool(flags & mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_VEHICLE_FRAME)
    if earth and vehicle:
        raise ValueError("a yaw in both frames")
    if earth or vehicle:
        return earth
    return bool(flags & mavlink.GIMBAL_DEVICE_FLAGS_YAW_LOCK)


def device_report(message: Any, heading: float, heading_rate: float | None) -> DeviceReport | None:
    """From GIMBAL_DEVICE_ATTITUDE_STATUS; None for one that tells no attitude.

    Args:
        message: as received.
        heading: the vehicle's yaw, rad, for an attitude in the vehicle frame that does not tell
            its own; may be NaN.
        heading_rate: of it, rad/s; None where unknown.
    """
    flags = int(message.flags)
    velocity = (message.angular_velocity_x, message.angular_velocity_y, message.angular_velocity_z)
    rates: Angles | None = None
    try:
        if in_earth_frame(flags):
            angles = frames.gimbal_angles(message.q)
            rates = frames.rates_from_gimbal(velocity)
        else:
            told = _own_heading(message)
            if told is not None:
                heading, heading_rate = told
            angles = frames.gimbal_angles(message.q, heading)
            if heading_rate is not None:
                rates = frames.rates_from_gimbal(velocity, heading_rate)
    except ValueError:
        return None
    if rates is not None and not all(abs(rate) <= _FASTEST for rate in rates):
        rates = None
    boot = int(message.time_boot_ms)
    return DeviceReport(boot / 1e3 if boot else None, angles, rates, int(message.failure_flags))


def _own_heading(message: Any) -> tuple[float, float | None] | None:
    """The vehicle's yaw and its rate as the gimbal knows them, of the very time of its report.

    Both zero is what a gimbal sends that does not know these fields.
    """
    explicit = message.flags & mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_VEHICLE_FRAME
    yaw, rate = message.delta_yaw, message.delta_yaw_velocity
    if not explicit or not abs(yaw) <= _TURNED or (yaw == 0 and rate == 0):
        return None
    return float(frames.yaw_enu_from_ned(yaw)), -rate if abs(rate) <= _FASTEST else None


def set_attitude(
    manager: Target, device: int, angles: Angles, rates: Angles | None, heading: float | None
) -> Any:
    """GIMBAL_MANAGER_SET_ATTITUDE.

    Args:
        manager: the gimbal manager.
        device: the gimbal's id.
        angles: yaw, pitch, roll, world frame, rad.
        rates: rad/s, relative to the frame that is sent; None leaves them out.
        heading: the vehicle's yaw, rad, to send in the vehicle frame; None for the earth frame.
    """
    velocity = (math.nan,) * 3 if rates is None else frames.gimbal_rates(rates)
    return mavlink.MAVLink_gimbal_manager_set_attitude_message(
        manager.system,
        manager.component,
        EARTH if heading is None else VEHICLE,
        device,
        list(frames.gimbal_quaternion(angles, heading)),
        *velocity,
    )


def capabilities(information: Any) -> int:
    """The capability bits of GIMBAL_DEVICE_INFORMATION or GIMBAL_MANAGER_INFORMATION."""
    return int(getattr(information, "cap_flags2", 0) or information.cap_flags)


def knows_north(information: Any) -> bool:
    """Whether a gimbal takes yaws in the earth frame; one that tells nothing is believed to."""
    flags = capabilities(information)
    wanted = (
        mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_YAW_LOCK
        | mavlink.GIMBAL_DEVICE_CAP_FLAGS_SUPPORTS_YAW_IN_EARTH_FRAME
    )
    return not flags or bool(flags & wanted)


def narrower(gimbal: Gimbal, information: Any) -> tuple[Gimbal, tuple[str, ...]]:
    """A gimbal's ranges as far as the device can follow.

    Args:
        gimbal: as its file says.
        information: GIMBAL_DEVICE_INFORMATION, or GIMBAL_MANAGER_INFORMATION.

    Returns:
        the gimbal with the narrower of each range, and a sentence for each that is narrower.
    """
    flags = capabilities(information)
    endless = flags & mavlink.GIMBAL_DEVICE_CAP_FLAGS_SUPPORTS_INFINITE_YAW
    told = {
        # To the right is positive there, to the left here.
        "yaw": (-information.yaw_max, -information.yaw_min),
        "pitch": (information.pitch_min, information.pitch_max),
        "roll": (information.roll_min, information.roll_max),
    }
    has = {
        "yaw": mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_YAW_AXIS,
        "pitch": mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_PITCH_AXIS,
        "roll": mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_ROLL_AXIS,
    }
    ranges: dict[str, Range] = {}
    sentences = []
    for axis, (low, high) in told.items():
        if not (math.isfinite(low) and math.isfinite(high)) or high < low:
            continue
        if low == high == 0 and (not flags or flags & has[axis]):
            continue  # an axis that is there, of which it does not tell the ends
        if axis == "yaw" and endless:
            continue
        wanted: Range = getattr(gimbal, axis)
        if low > wanted.max or high < wanted.min:
            continue  # nothing in common: one of the two is wrong, and it is not the file
        least = min(max(wanted.min, low), high)
        most = max(min(wanted.max, high), low)
        tolerance = math.radians(0.1)
        if least - wanted.min < tolerance and wanted.max - most < tolerance:
            continue
        ranges[axis] = Range.model_construct(min=least, max=most)
        sentences.append(
            f"the gimbal's {axis} goes from {math.degrees(low):.0f} to {math.degrees(high):.0f} "
            f"deg, the vehicle's file says {math.degrees(wanted.min):.0f} to "
            f"{math.degrees(wanted.max):.0f} deg: the narrower is used"
        )
    return gimbal.model_copy(update=ranges), tuple(sentences)
