"""The simulated gimbal manager by itself."""

from __future__ import annotations

import math

import pytest

from cinempc import frames
from cinempc.mavlink.dialect import mavlink
from sim.body.gimbal import SimGimbal
from sim.mavlink.gimbal_device import GimbalDevice
from sim.mavlink.gimbal_manager import GimbalManager
from tests.fakes.gimbal import CONFIG, ZERO, from_wire

CONFIGURE = mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE
PITCHYAW = mavlink.MAV_CMD_DO_GIMBAL_MANAGER_PITCHYAW
REQUEST = mavlink.MAV_CMD_REQUEST_MESSAGE
ACCEPTED, DENIED = mavlink.MAV_RESULT_ACCEPTED, mavlink.MAV_RESULT_DENIED
IN_EARTH = mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_EARTH_FRAME


def order(number, *params, source=(255, 190)):
    values = dict(zip([f"param{i}" for i in range(1, 8)], [*params, *[0] * 7], strict=False))
    return from_wire(
        "command_long",
        target_system=1,
        target_component=1,
        command=number,
        confirmation=0,
        source=source,
        **values,
    )


def attitude_order(source, flags=28, yaw=0.2):
    return from_wire(
        "gimbal_manager_set_attitude",
        target_system=1,
        target_component=1,
        flags=flags,
        gimbal_device_id=154,
        q=list(frames.gimbal_quaternion((-yaw, 0, 0), 0.0)),
        angular_velocity_x=0.0,
        angular_velocity_y=0.0,
        angular_velocity_z=0.1,
        source=source,
    )


@pytest.fixture
def manager():
    sent = []
    made = GimbalManager(1, sent.append, place=lambda: (47.0, 8.0, 500.0))
    made.sent = sent
    made.orders = lambda: [m for m in sent if m.get_type() == "GIMBAL_DEVICE_SET_ATTITUDE"]
    made.run = lambda begin, end: [made.step(0.01 * k) for k in range(begin, end)]
    return made


def meet_device(manager):
    device = GimbalDevice(1, lambda message: None, SimGimbal(CONFIG, ZERO), lambda: ZERO)
    for message in (device.information(), device.report()):
        packed = message.pack(mavlink.MAVLink(None, 1, 154))
        manager.handle(mavlink.MAVLink(None).parse_buffer(bytes(packed))[0])


def test_the_manager_denies_itself_until_it_has_a_device(manager):
    about = order(REQUEST, mavlink.MAVLINK_MSG_ID_GIMBAL_MANAGER_INFORMATION)
    manager.run(0, 250)
    looks = [m for m in manager.sent if m.get_type() == "COMMAND_LONG"]
    assert len(looks) == 3, "one a second"
    assert manager.handle(about) == DENIED
    meet_device(manager)
    assert manager.handle(about) == ACCEPTED
    assert manager.sent[-1].gimbal_device_id == 154
    manager.run(250, 400)
    assert len([m for m in manager.sent if m.get_type() == "COMMAND_LONG"]) == 3


def test_control_is_whose_who_last_configured_it(manager):
    meet_device(manager)
    first, second = (255, 190), (1, 191)
    assert manager.handle(order(PITCHYAW, 10, source=first)) == DENIED
    assert manager.handle(order(CONFIGURE, *first, -1, -1, source=first)) == ACCEPTED
    assert manager.handle(order(PITCHYAW, 10, source=first)) == ACCEPTED
    assert manager.handle(order(PITCHYAW, 10, source=second)) == DENIED
    assert manager.handle(order(CONFIGURE, *second, -1, -1, source=second)) == ACCEPTED
    assert manager.handle(order(PITCHYAW, 10, source=first)) == DENIED
    assert manager.handle(order(CONFIGURE, -3, -3, source=first)) == ACCEPTED
    assert manager.owner == second, "only who has it can give it back"
    manager.handle(order(CONFIGURE, -3, -3, source=second))
    assert manager.owner == (0, 0)
    manager.handle(order(CONFIGURE, -2, -2, source=second))
    assert manager.owner == (1, 1)


def test_attitudes_are_taken_from_who_has_control(manager):
    meet_device(manager)
    manager.handle(order(CONFIGURE, 1, 191, source=(1, 191)))
    manager.handle(attitude_order((255, 190)))
    manager.run(0, 10)
    assert all(math.isnan(m.q[0]) for m in manager.orders()), "nothing before the first order"
    manager.handle(attitude_order((1, 191)))
    manager.run(10, 20)
    last = manager.orders()[-1]
    assert last.flags == 0x5C, "locked, and the yaw from north"
    assert last.target_component == 154
    assert last.angular_velocity_z == pytest.approx(0.1)
    manager.handle(attitude_order((1, 191), flags=12))
    manager.run(20, 30)
    assert manager.orders()[-1].flags == 0x2C


def test_the_flags_of_the_command(manager):
    meet_device(manager)
    manager.handle(order(CONFIGURE, 255, 190))
    for flags, expected in ((16, 0x50), (0, 0x20)):
        manager.handle(order(PITCHYAW, 10, 20, 0, 0, flags))
        manager._command_device()
        assert manager.orders()[-1].flags == expected


def test_the_device_is_commanded_at_20_hz_and_rates_end_after_2_s(manager):
    meet_device(manager)
    manager.handle(order(CONFIGURE, 1, 191, source=(1, 191)))
    manager.handle(attitude_order((1, 191)))
    manager.run(0, 190)
    assert len(manager.orders()) == pytest.approx(38, abs=2)
    assert manager.orders()[-1].angular_velocity_z == pytest.approx(0.1)
    manager.run(190, 220)
    assert manager.orders()[-1].angular_velocity_z == 0.0


def test_the_status_comes_every_2_s(manager):
    meet_device(manager)
    manager.run(0, 1000)
    assert len([m for m in manager.sent if m.get_type() == "GIMBAL_MANAGER_STATUS"]) == 5
    wish = order(mavlink.MAV_CMD_SET_MESSAGE_INTERVAL, 281, 200000)
    assert manager.handle(wish) == ACCEPTED
    manager.run(1000, 1200)
    told_ = [m for m in manager.sent if m.get_type() == "GIMBAL_MANAGER_STATUS"]
    assert len(told_) == pytest.approx(15, abs=1)


@pytest.mark.parametrize("takes", [False, True])
def test_the_pitch_yaw_message_has_no_effect_as_measured(takes):
    sent = []
    manager = GimbalManager(1, sent.append, takes_pitchyaw=takes)
    meet_device(manager)
    manager.handle(order(CONFIGURE, 255, 190))
    message = from_wire(
        "gimbal_manager_set_pitchyaw",
        target_system=1,
        target_component=1,
        flags=16,
        gimbal_device_id=154,
        pitch=-0.3,
        yaw=0.2,
        pitch_rate=math.nan,
        yaw_rate=math.nan,
    )
    manager.handle(message)
    manager._command_device()
    assert math.isfinite(sent[-1].q[0]) is takes
    if takes:
        yaw, pitch, _ = frames.gimbal_angles(sent[-1].q)
        assert (float(frames.yaw_ned_from_enu(yaw)), pitch) == pytest.approx((0.2, -0.3))


def test_a_region_of_interest_takes_over(manager):
    meet_device(manager)
    manager.handle(order(CONFIGURE, 1, 191, source=(1, 191)))
    manager.handle(attitude_order((1, 191)))
    # 100 m to the east of 47 degrees north, 100 m below.
    east = 8.0 + math.degrees(100 / (6371008.8 * math.cos(math.radians(47))))
    region = order(mavlink.MAV_CMD_DO_SET_ROI_LOCATION, 0, 0, 0, 0, 47.0, east, 400.0)
    assert manager.handle(region) == ACCEPTED
    manager._command_device()
    yaw, pitch, _ = frames.gimbal_angles(manager.orders()[-1].q)
    assert (yaw, pitch) == pytest.approx((0.0, -math.pi / 4), abs=0.01)
    assert manager.orders()[-1].flags & IN_EARTH
    assert manager.handle(order(mavlink.MAV_CMD_DO_SET_ROI_NONE)) == ACCEPTED
    manager._command_device()
    assert manager.orders()[-1].q == [1, 0, 0, 0]
    manager.handle(region)
    manager.handle(attitude_order((1, 191)))
    manager._command_device()
    assert frames.gimbal_angles(manager.orders()[-1].q)[1] == pytest.approx(0.0, abs=1e-6)


def test_a_manager_that_restarts_forgets(manager):
    meet_device(manager)
    manager.handle(order(CONFIGURE, 255, 190))
    manager.step(5.0)
    manager.step(0.1)
    assert manager.owner == (0, 0)
    assert manager.information() is None
