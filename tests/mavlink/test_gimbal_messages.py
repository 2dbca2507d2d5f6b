"""What a gimbal's messages say of its attitude and its limits."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from cinempc import frames
from cinempc.mavlink import gimbal_messages
from cinempc.mavlink.dialect import mavlink
from tests.fakes.gimbal import CONFIG

ATTITUDE = (1.2, -0.5, 0.1)
IN_EARTH = mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_EARTH_FRAME
IN_VEHICLE = mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_VEHICLE_FRAME
LOCK = mavlink.GIMBAL_DEVICE_FLAGS_YAW_LOCK


def report(flags, angles, heading=None, rates=(0.1, 0.2, 0.3), **fields):
    values = {
        "time_boot_ms": 1500,
        "flags": flags,
        "q": list(frames.gimbal_quaternion(angles, heading)),
        "angular_velocity_x": rates[0],
        "angular_velocity_y": rates[1],
        "angular_velocity_z": rates[2],
        "failure_flags": 0,
        "delta_yaw": 0.0,
        "delta_yaw_velocity": 0.0,
        "gimbal_device_id": 0,
    }
    return SimpleNamespace(**(values | fields))


@pytest.mark.parametrize(
    ("flags", "earth"),
    [
        (IN_EARTH, True),
        (IN_EARTH | LOCK, True),
        (IN_VEHICLE, False),
        (IN_VEHICLE | LOCK, False),
        (LOCK, True),  # older devices
        (0, False),
    ],
)
def test_reports_in_either_frame(flags, earth):
    heading = 0.7
    message = report(flags, ATTITUDE, None if earth else heading)
    found = gimbal_messages.device_report(message, heading, 0.4)
    assert found.angles == pytest.approx(ATTITUDE)
    assert found.rates == pytest.approx((-0.3 + (0 if earth else 0.4), 0.2, 0.1))
    assert found.time == 1.5


def test_a_report_that_tells_its_own_heading_is_taken_at_its_word():
    own = 0.9
    message = report(
        IN_VEHICLE,
        ATTITUDE,
        own,
        delta_yaw=float(frames.yaw_ned_from_enu(own)),
        delta_yaw_velocity=-0.4,
    )
    found = gimbal_messages.device_report(message, math.nan, None)
    assert found.angles == pytest.approx(ATTITUDE)
    assert found.rates == pytest.approx((0.1, 0.2, 0.1))
    # Without the frame's flag the field is to be ignored.
    message.flags = 0
    assert gimbal_messages.device_report(message, math.nan, None) is None
    assert gimbal_messages.device_report(message, own, None).angles == pytest.approx(ATTITUDE)


@pytest.mark.parametrize(
    "message",
    [
        report(IN_EARTH, ATTITUDE, q=[math.nan] * 4),
        report(IN_EARTH, ATTITUDE, q=[0.0] * 4),
        report(IN_EARTH | IN_VEHICLE, ATTITUDE),
        report(IN_VEHICLE, ATTITUDE, 0.0),  # nobody knows the heading
    ],
)
def test_reports_without_an_attitude_are_refused(message):
    assert gimbal_messages.device_report(message, math.nan, None) is None


def test_rates_that_are_unknown():
    message = report(IN_EARTH, ATTITUDE, rates=(math.nan, 0.0, 0.0))
    assert gimbal_messages.device_report(message, 0.0, 0.0).rates is None
    assert gimbal_messages.device_report(report(0, ATTITUDE, 0.3), 0.3, None).rates is None


def information(**fields):
    turn = math.radians(300)
    values = {
        "cap_flags": 0xFFF & ~mavlink.GIMBAL_DEVICE_CAP_FLAGS_SUPPORTS_INFINITE_YAW,
        "yaw_min": -turn,
        "yaw_max": turn,
        "pitch_min": -2.0,
        "pitch_max": 2.0,
        "roll_min": -1.0,
        "roll_max": 1.0,
    }
    return SimpleNamespace(**(values | fields))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"pitch_min": math.nan, "pitch_max": math.nan},
        {"roll_min": 0.0, "roll_max": 0.0},  # PX4 hands no roll on
        {"cap_flags": 0, "pitch_min": 0.0, "pitch_max": 0.0},
        {
            "yaw_min": -0.1,
            "yaw_max": 0.1,
            "cap_flags": mavlink.GIMBAL_DEVICE_CAP_FLAGS_SUPPORTS_INFINITE_YAW,
        },
    ],
)
def test_limits_that_are_not_told_or_wider_change_nothing(fields):
    found, sentences = gimbal_messages.narrower(CONFIG, information(**fields))
    assert found == CONFIG
    assert not sentences


def test_a_gimbal_without_an_axis_and_one_that_never_meets_the_range():
    pitch = mavlink.GIMBAL_DEVICE_CAP_FLAGS_HAS_PITCH_AXIS
    found, sentences = gimbal_messages.narrower(
        CONFIG, information(yaw_min=0.0, yaw_max=0.0, cap_flags=pitch)
    )
    assert (found.yaw.min, found.yaw.max) == (0.0, 0.0)
    assert len(sentences) == 1
    found, _ = gimbal_messages.narrower(CONFIG, information(pitch_min=1.0, pitch_max=1.5))
    assert found.pitch.min <= found.pitch.max
