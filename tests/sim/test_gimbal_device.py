"""The simulated gimbal device by itself."""

from __future__ import annotations

import math

import pytest

from cinempc import frames
from cinempc.mavlink.dialect import mavlink
from sim.body.gimbal import SimGimbal
from sim.mavlink.gimbal_device import GimbalDevice
from tests.fakes.gimbal import CONFIG, ZERO, from_wire

IN_EARTH = mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_EARTH_FRAME
IN_VEHICLE = mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_VEHICLE_FRAME
LOCK = mavlink.GIMBAL_DEVICE_FLAGS_YAW_LOCK


def device(attitude=lambda: ZERO, **options):
    sent = []
    made = GimbalDevice(1, sent.append, SimGimbal(CONFIG, ZERO), attitude, **options)
    made.sent = sent
    return made


def device_order(flags, angles=None, heading=None, rates=(math.nan,) * 3):
    q = [math.nan] * 4 if angles is None else list(frames.gimbal_quaternion(angles, heading))
    return from_wire(
        "gimbal_device_set_attitude",
        target_system=1,
        target_component=154,
        flags=flags,
        q=q,
        angular_velocity_x=rates[0],
        angular_velocity_y=rates[1],
        angular_velocity_z=rates[2],
        source=(1, 1),
    )


def settle(device, begin=0.0, seconds=3.0):
    for step in range(round(seconds * 100)):
        device.step(begin + 0.01 * step)


@pytest.mark.parametrize(
    ("flags", "heading"),
    [(IN_EARTH | LOCK, None), (LOCK, None), (IN_VEHICLE, 0.4), (0, 0.4), (IN_VEHICLE | LOCK, 0.4)],
)
def test_the_device_takes_orders_in_either_frame(flags, heading):
    gimbal = device(lambda: (0.4, 0.0, 0.0))
    wanted = (1.0, -0.5, 0.0)
    gimbal.receive(device_order(flags, wanted, heading))
    settle(gimbal)
    assert gimbal.gimbal.angles == pytest.approx(wanted, abs=1e-3)
    last = [m for m in gimbal.sent if m.get_type() == "GIMBAL_DEVICE_ATTITUDE_STATUS"][-1]
    assert bool(last.flags & LOCK) is bool(flags & LOCK)


def test_fields_that_are_no_number_are_ignored():
    gimbal = device()
    gimbal.receive(device_order(IN_EARTH | LOCK, (0.3, -0.2, 0.0)))
    settle(gimbal)
    gimbal.receive(device_order(IN_VEHICLE))  # PX4 before its first order
    settle(gimbal, 3.0)
    assert gimbal.gimbal.angles == pytest.approx((0.3, -0.2, 0.0), abs=1e-3)
    # A rate alone turns on from where it stands: to the right, so clockwise.
    gimbal.receive(device_order(IN_EARTH | LOCK, rates=(math.nan, 0.0, 0.2)))
    settle(gimbal, 6.0, 1.0)
    assert gimbal.gimbal.angles[0] == pytest.approx(0.3 - 0.2, abs=0.02)
    assert gimbal.gimbal.angles[1] == pytest.approx(-0.2, abs=1e-3)


def test_a_device_that_does_not_know_north():
    gimbal = device(attitude=None)
    gimbal.receive(device_order(IN_EARTH | LOCK, (0.7, 0.0, 0.0)))
    settle(gimbal, 0.0, 1.0)
    assert gimbal.gimbal.angles[0] == 0.0
    accepts = mavlink.GIMBAL_DEVICE_FLAGS_ACCEPTS_YAW_IN_EARTH_FRAME
    assert not gimbal.report().flags & accepts
    gimbal.receive(
        from_wire(
            "autopilot_state_for_gimbal_device",
            target_system=0,
            target_component=0,
            time_boot_us=0,
            q=list(frames.gimbal_quaternion((0.2, 0.0, 0.0))),
            q_estimated_delay_us=0,
            vx=0,
            vy=0,
            vz=0,
            v_estimated_delay_us=0,
            feed_forward_angular_velocity_z=0,
            estimator_status=0,
            landed_state=0,
            source=(1, 1),
        )
    )
    assert gimbal.report().flags & accepts
    gimbal.receive(device_order(IN_EARTH | LOCK, (0.7, 0.0, 0.0)))
    settle(gimbal, 1.0)
    assert gimbal.gimbal.angles[0] == pytest.approx(0.7, abs=1e-3)


def test_orders_from_elsewhere_are_not_taken():
    gimbal = device()
    message = device_order(IN_EARTH | LOCK, (0.7, 0.0, 0.0))
    message.get_header().srcSystem = 7
    gimbal.receive(message)
    gimbal.receive(device_order(IN_EARTH | IN_VEHICLE, (0.7, 0.0, 0.0)))
    settle(gimbal, 0.0, 1.0)
    assert gimbal.gimbal.angles[0] == 0.0


@pytest.mark.parametrize("rate", [20.0, 50.0])
def test_the_device_reports_at_its_rate(rate):
    gimbal = device(rate=rate)
    for step in range(1000):
        gimbal.step(0.004 * step)
    reports = [m for m in gimbal.sent if m.get_type() == "GIMBAL_DEVICE_ATTITUDE_STATUS"]
    assert len(reports) == pytest.approx(4 * rate, rel=0.05)
