"""The gimbal client against the simulated manager and device, in virtual time, and each of the two
by itself. (MAVSDK's client against them: ``tests/live/test_gimbal_mavsdk.py``.)"""

from __future__ import annotations

import asyncio
import math
from types import SimpleNamespace

import pytest

from cinempc import frames
from cinempc.flight.gimbal.client import GimbalClient
from cinempc.flight.gimbal.fallback import FallbackGimbal, Servo, tilted
from cinempc.flight.gimbal.history import AttitudeHistory
from cinempc.flight.gimbal.reasons import GimbalEvent, GimbalReason
from cinempc.mavlink import gimbal_messages
from cinempc.mavlink.commands import NoAnswer, Target, command
from cinempc.mavlink.dialect import mavlink
from cinempc.rig import vehicle
from cinempc.rig.mount import FixedMount, MavlinkMount, Range, ServoMount
from sim.body.gimbal import SimGimbal
from sim.mavlink.component import Component
from sim.mavlink.gimbal_device import GimbalDevice
from sim.mavlink.gimbal_manager import GimbalManager
from tests.fakes.gimbal import AUTOPILOT, CONFIG, SYSTEM, near, scene, until
from tests.fakes.virtual import LOOP

FLAGS = mavlink
ZERO = (0.0, 0.0, 0.0)


def looks(client, wanted, tolerance=0.01):
    found = client._reports.history.at(client._reports.history.newest)
    return found is not None and near(found.angles, wanted, tolerance)


# --- the client ---


@pytest.mark.parametrize("frame", ["earth", "vehicle"])
@pytest.mark.parametrize("wording", ["earth", "vehicle", "old"])
def test_points_and_reads_back_in_every_frame(frame, wording):
    async def body(world):
        world.attitude = (2.9, 0.05, -0.03)
        client = await world.connected(mount=MavlinkMount(frame=frame))
        wanted = (2.9 + 0.7, -0.4, 0.05)  # across the back of the compass
        await until(lambda: looks(client, wanted, 1e-3), each=lambda: client.point(wanted, ZERO))
        assert near(world.sim.angles, wanted, 0.002)

    scene(body, wording=wording)


@pytest.mark.parametrize(("frame", "held"), [("earth", 0.5), ("vehicle", 1.1)])
def test_without_new_orders_the_yaw_is_held_in_the_frame_that_was_sent(frame, held):
    async def body(world):
        client = await world.connected(mount=MavlinkMount(frame=frame))
        wanted = (0.5, -0.2, 0.0)
        await until(lambda: looks(client, wanted), each=lambda: client.point(wanted, ZERO))
        world.attitude = (0.9, 0.0, 0.0)  # it was 0.3
        await until(lambda: looks(client, (held, -0.2, 0.0)))

    scene(body)


def test_rates_go_along_and_come_back():
    async def body(world):
        client = await world.connected()
        turning = (0.4, -0.2, 0.0)
        began = LOOP.now()

        def go_on():
            t = LOOP.now() - began
            client.point((0.3 + 0.4 * t, -0.2 * t, 0.0), turning)

        def seen():
            return client.attitude_at(client._reports.history.newest).rates

        await until(lambda: near(seen(), turning, 0.1) and LOOP.now() - began > 1, each=go_on)

    scene(body)


def test_rates_can_be_left_out():
    async def body(world):
        client = await world.connected(mount=MavlinkMount(rates=False))
        client.point((0.3, 0.0, 0.0), (0.4, 0.2, 0.0))
        await until(
            lambda: any(m.get_type() == "GIMBAL_MANAGER_SET_ATTITUDE" for m in world.network.heard)
        )
        sent = [m for m in world.network.heard if m.get_type() == "GIMBAL_MANAGER_SET_ATTITUDE"]
        assert math.isnan(sent[0].angular_velocity_z)

    scene(body)


def test_what_is_no_number_is_never_sent():
    async def body(world):
        client = await world.connected()
        for angles, rates in [((math.nan, 0, 0), ZERO), (ZERO, (0, math.inf, 0))]:
            with pytest.raises(ValueError, match="not a number"):
                client.point(angles, rates)

    scene(body)


def test_in_the_vehicle_frame_nothing_is_sent_while_the_heading_is_unknown():
    async def body(world):
        client = await world.connected(mount=MavlinkMount(frame="vehicle"))
        client._vehicle_attitude = lambda: (math.nan,) * 3
        client.point(ZERO, ZERO)
        await asyncio.sleep(0.2)
        assert not [m for m in world.network.heard if m.get_type().endswith("SET_ATTITUDE")]

    scene(body)


def test_the_autopilot_itself_takes_control():
    """As PX4 does when it lands."""

    async def body(world):
        client = await world.connected()
        other = world.link(component=190)
        configure = mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE
        await command(other, AUTOPILOT, configure, AUTOPILOT.system, AUTOPILOT.component, -1, -1)
        await until(lambda: not client.controls)
        assert world.heard.reasons == [GimbalReason.TAKEN]
        assert world.heard.problems[0].data["owner"] == (AUTOPILOT.system, AUTOPILOT.component)
        assert "the autopilot itself controls it" in str(world.heard.problems[0])

    scene(body)


def test_who_takes_what_was_let_go_is_no_problem():
    async def body(world):
        client = await world.connected()
        client.let_go()
        told = world.network.told["GIMBAL_MANAGER_STATUS"]
        await until(lambda: world.network.told["GIMBAL_MANAGER_STATUS"] > told + 2)
        assert client.controls, "nobody has taken it yet"
        other = world.link(component=190)
        configure = mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE
        await command(other, AUTOPILOT, configure, other.system, 190, -1, -1)
        await until(lambda: not client.controls)
        assert not world.heard.problems
        await asyncio.sleep(0.5)
        assert not client.controls, "it is not taken back"

    scene(body)


def test_control_that_somebody_takes_is_theirs_until_it_is_claimed():
    async def body(world):
        client = await world.connected()
        other = world.link(component=190)
        configure = mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE
        await command(other, AUTOPILOT, configure, other.system, 190, -1, -1)
        await until(lambda: not client.controls)
        assert world.heard.reasons == [GimbalReason.TAKEN]
        assert world.heard.problems[0].data["owner"] == (SYSTEM, 190)
        assert client.problems == tuple(world.heard.problems)
        assert client.healthy, "it works; it is not ours"
        before = world.network.told["GIMBAL_MANAGER_STATUS"]
        client.point((1.0, 0.0, 0.0), ZERO)
        await until(lambda: world.network.told["GIMBAL_MANAGER_STATUS"] > before + 5)
        assert not client.controls
        assert not [m for m in world.network.heard if m.get_type() == "GIMBAL_MANAGER_SET_ATTITUDE"]
        await client.claim()
        assert client.controls
        assert not client.problems
        wanted = (1.0, -0.1, 0.0)
        await until(lambda: looks(client, wanted), each=lambda: client.point(wanted, ZERO))
        assert len(world.heard.problems) == 1, "told once"

    scene(body)


def test_a_gimbal_that_vanishes_is_told_once_and_taken_up_again():
    async def body(world):
        client = await world.connected()
        world.network.silent.add(154)
        await until(lambda: not client.healthy)
        await until(lambda: world.heard.problems)
        await asyncio.sleep(0.5)
        assert world.heard.reasons == [GimbalReason.SILENT]
        assert not client.healthy
        asked = world.network.told["GIMBAL_DEVICE_INFORMATION"]
        world.device._period = 0.2  # it was without power, and has forgotten what was asked of it
        world.network.silent.clear()
        await until(lambda: client.healthy)
        await until(lambda: world.network.told["GIMBAL_DEVICE_INFORMATION"] > asked)
        assert world.device._period == pytest.approx(0.02)
        assert client.controls
        assert not client.problems
        assert world.heard.news == [GimbalEvent.REPORTS_AGAIN]
        wanted = (0.6, -0.1, 0.0)
        await until(lambda: looks(client, wanted), each=lambda: client.point(wanted, ZERO))

    scene(body)


def test_a_manager_that_restarts_is_configured_again():
    async def body(world):
        client = await world.connected()
        await until(lambda: client._status_before is not None and client._status_before.time > 1500)
        world.autopilot.began = world.device.time
        await until(lambda: world.autopilot.manager.owner == (0, 0))
        await until(lambda: world.autopilot.manager.owner == (1, 191))
        await until(lambda: client.controls)
        assert not client.problems
        assert GimbalReason.TAKEN not in world.heard

    scene(body)


def test_a_gimbal_taken_while_it_was_away_stays_taken():
    async def body(world):
        client = await world.connected()
        world.network.silent.add(154)
        await until(lambda: not client.healthy)
        world.autopilot.manager.owner = (255, 190)
        world.network.silent.clear()
        await until(lambda: client.healthy)
        await until(lambda: not client.controls)
        assert world.autopilot.manager.owner == (255, 190)

    scene(body)


def test_a_device_that_comes_late_is_found():
    async def body(world):
        client = world.client()
        await client.connect(0.2)
        assert not client.healthy
        assert not client.controls
        world.network.components.append(world.device)
        await until(lambda: client.healthy and client.controls)

    scene(body, device=False)


CONFIGURE_MANAGER = mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE


@pytest.mark.parametrize("device_clock_stands", [False, True])
def test_who_takes_it_from_a_manager_whose_time_stands_still_is_noticed(device_clock_stands):
    async def body(world):
        client = await world.connected()
        wanted = (0.6, -0.1, 0.0)
        await until(lambda: looks(client, wanted), each=lambda: client.point(wanted, ZERO))
        other = world.link(component=190)
        await command(other, AUTOPILOT, CONFIGURE_MANAGER, other.system, 190, -1, -1)
        await until(lambda: not client.controls)
        assert GimbalReason.TAKEN in world.heard
        await asyncio.sleep(3.0)
        assert not client.controls, "it is not taken back"
        assert world.autopilot.manager.owner == (SYSTEM, 190)
        await client.claim()
        await asyncio.sleep(1.0)
        assert client.controls
        world.autopilot.manager.owner = (0, 0)  # it was restarted, which no time tells
        await until(lambda: world.autopilot.manager.owner == (SYSTEM, 191))
        await until(lambda: client.controls)

    scene(body, clock_stands=True, gimbal={"clock_stands": device_clock_stands})


def test_a_device_whose_clock_stands_still_is_read_all_the_same():
    async def body(world):
        client = await world.connected()
        await until(lambda: GimbalEvent.NO_CLOCK in world.heard)
        for yaw in (0.6, -0.2):
            wanted = (yaw, -0.1, 0.0)
            await until(
                lambda wanted=wanted: looks(client, wanted),
                each=lambda wanted=wanted: client.point(wanted, ZERO),
            )
        assert client.healthy
        assert world.heard.count(GimbalEvent.NO_CLOCK) == 1

    scene(body, gimbal={"clock_stands": True})


@pytest.mark.parametrize(
    ("component", "names", "says"),
    [
        (171, 0, None),  # another gimbal's component, and the manager says so
        (171, 0, 0),  # the manager says nothing
        (154, 0, 0),
        (1, 1, 1),  # one that the autopilot drives
        (1, 0, 2),
        (1, 3, 0),  # the same, and the manager says nothing
        (171, 0, 1),  # the manager calls it by a number of its own
        (1, 154, 154),  # the autopilot passes its messages on
        (25, 0, None),
    ],
)
def test_a_gimbal_of_whatever_id_is_pointed_and_read(component, names, says):
    async def body(world):
        client = await world.connected()
        wanted = (0.6, -0.1, 0.0)
        await until(lambda: looks(client, wanted), each=lambda: client.point(wanted, ZERO))
        assert near(world.sim.angles, wanted, 0.01)
        assert not client.problems

    if component == 1:
        # The manager hears of its own device from within.
        own = world_with_a_driven_gimbal(names)
        scene(lambda world: own(world, body), says=says)
    else:
        scene(body, component=component, says=says, gimbal={"names": names})


def world_with_a_driven_gimbal(names):
    """A gimbal that the autopilot drives by its own wires: its messages are the autopilot's."""

    async def run(world, body):
        device, manager = world.device, world.autopilot.manager
        device._names = names
        device.send = world.network.sender(1)
        heard = manager.handle

        def drive(message):
            return heard(message)

        def order(message):
            if message.get_type() == "GIMBAL_DEVICE_SET_ATTITUDE":
                received = told(
                    "gimbal_device_set_attitude",
                    target_system=1,
                    target_component=154,
                    flags=message.flags,
                    q=list(message.q),
                    angular_velocity_x=message.angular_velocity_x,
                    angular_velocity_y=message.angular_velocity_y,
                    angular_velocity_z=message.angular_velocity_z,
                    source=(1, 1),
                )
                GimbalDevice.receive(device, received)
                return
            world.network.sender(1)(message)

        manager.handle, manager.send = drive, order
        about = device.information()
        manager._about, manager.device = about, 154
        inner = device.step

        def step(time):
            inner(time)
            manager._device_reports(device.report())

        device.step, device.receive = step, lambda message: None
        device.heartbeat = lambda: None
        device._next_heartbeat = math.inf
        await body(world)

    return run


def test_a_gimbal_that_is_named_in_the_file_is_not_exchanged_for_another():
    async def body(world):
        client = world.client(mount=MavlinkMount(device=154))
        await client.connect(8.0)
        assert not client.healthy
        await until(lambda: GimbalReason.ABSENT in world.heard)
        (absent,) = (each for each in client.problems if each.reason is GimbalReason.ABSENT)
        assert "component 154" in str(absent)
        assert "heard: component 171" in str(absent)

    scene(body, component=171)


def test_of_two_unexpected_gimbals_none_is_taken_and_both_are_told():
    async def body(world):
        second = GimbalDevice(
            SYSTEM, world.network.sender(172), world.sim, lambda: world.attitude, component=172
        )
        world.network.components.append(second)
        client = world.client()
        await client.connect(8.0)
        assert not client.healthy
        await until(lambda: GimbalReason.ABSENT in world.heard)
        words = str(next(each for each in client.problems if each.reason is GimbalReason.ABSENT))
        assert "component 171, component 172" in words

    scene(body, component=171, says=0)


def test_a_gimbal_that_manages_itself():
    class Both(GimbalDevice):
        """Manager and device in one."""

        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.manager = GimbalManager(SYSTEM, self.send, component=self.component)

        def receive(self, message):
            result = self.manager.handle(message)
            if result is not None:
                self.answer(message, result)
            else:
                super().receive(message)

        def step(self, time):
            super().step(time)
            if self.manager._about is None:
                about, report = self.information(), self.report()
                for message in (about, report):
                    header = message.get_header()
                    header.srcSystem, header.srcComponent = SYSTEM, self.component
                self.manager._about, self.manager.device = about, self.component
            self.manager._device_reports(self.report())
            self.manager.step(time)

    async def body(world):
        send = world.network.sender
        pilot = Component(SYSTEM, 1, mavlink.MAV_TYPE_QUADROTOR, send(1))
        world.sim = SimGimbal(CONFIG, (0.3, 0.0, 0.0))
        both = Both(SYSTEM, send(154), world.sim, lambda: world.attitude)
        world.network.components += [pilot, both]
        client = await world.connected()
        assert client.manager == Target(SYSTEM, 154)

    scene(body, board=False)


def test_no_gimbal_at_all_is_told_with_what_to_do(monkeypatch):
    monkeypatch.setattr("cinempc.flight.gimbal.client.PATIENCE", 0.3)
    monkeypatch.setattr("cinempc.flight.gimbal.device.PATIENCE", 0.3)

    async def body(world):
        client = world.client()
        await client.connect(1.0)
        await until(lambda: len(world.heard.problems) == 2)
        assert not client.healthy
        assert client.attitude_at(1.0) is None
        assert set(world.heard.reasons) == {GimbalReason.NO_MANAGER, GimbalReason.ABSENT}
        with pytest.raises(NoAnswer, match="no gimbal manager"):
            await client.claim()

    scene(body, device=False)


def test_a_third_of_the_packets_lost():
    async def body(world):
        world.network.loss = 0.33
        client = world.client()
        await client.connect(60)
        wanted = (0.8, -0.3, 0.0)
        await until(
            lambda: client.healthy and looks(client, wanted),
            each=lambda: client.point(wanted, ZERO),
        )

    scene(body)


def test_narrower_limits_are_told_and_returned():
    narrow = CONFIG.model_copy(
        update={
            "yaw": Range.model_construct(min=-1.0, max=2.0),
            "pitch": Range.model_construct(min=-3.0, max=0.3),
        }
    )

    async def body(world):
        client = await world.connected()
        await until(lambda: len(world.heard.problems) == 2)
        assert client.limits().yaw.min == pytest.approx(-1.0)
        assert client.limits().yaw.max == pytest.approx(2.0)
        assert client.limits().pitch.min == CONFIG.pitch.min, "a wider one changes nothing"
        assert client.limits().pitch.max == pytest.approx(0.3)
        assert client.limits().roll == CONFIG.roll
        assert world.heard.reasons == [GimbalReason.RANGE] * 2
        assert [each.data["axis"] for each in world.heard.problems] == ["yaw", "pitch"]
        assert str(world.heard.problems[0]).startswith("the gimbal's yaw goes from -57 to 115 deg")

    scene(body, config=narrow)


def test_failures_are_told_once_and_when_they_are_over():
    async def body(world):
        client = await world.connected()
        world.device.failures = mavlink.GIMBAL_DEVICE_ERROR_FLAGS_MOTOR_ERROR
        await until(lambda: not client.healthy)
        assert world.heard.reasons == [GimbalReason.FAILURE]
        assert world.heard.problems[0].data["failure"] == "its motors fail"
        world.device.failures = 0
        await until(lambda: client.healthy)
        assert not client.problems
        assert world.heard.news == [GimbalEvent.FAILURE_OVER]

    scene(body)


def test_the_end_of_an_axis_is_worth_a_word_and_no_more():
    async def body(world):
        client = await world.connected()
        await until(
            lambda: bool(world.heard.news),
            each=lambda: client.point((0.3, math.radians(60), 0.0), ZERO),
        )
        assert world.heard.news == [GimbalEvent.AT_END]
        assert world.heard.events[-1].data["axis"] == "pitch"
        assert client.healthy

    scene(body)


def test_the_pose_at_exposure_lies_between_reports():
    async def body(world):
        client = await world.connected()
        truth = []
        began = LOOP.now()

        def go_on():
            client.point((0.3 + 0.3 * math.sin(3 * (LOOP.now() - began)), -0.2, 0.0), ZERO)
            truth.append((world.device.time, world.sim.angles))

        await until(lambda: len(truth) > 120, each=go_on)
        newest = client._reports.history.newest
        compared = 0
        for when, angles in truth[-60:]:
            if when > newest:
                continue
            aim = client.attitude_at(when)
            assert near(aim.angles, angles, 0.02)
            compared += 1
        assert compared > 20
        assert client.attitude_at(newest - 1000) is None
        assert client.attitude_at(math.nan) is None

    scene(body)


# --- what is read ---


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


ATTITUDE = (1.2, -0.5, 0.1)
IN_EARTH = mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_EARTH_FRAME
IN_VEHICLE = mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_VEHICLE_FRAME
LOCK = mavlink.GIMBAL_DEVICE_FLAGS_YAW_LOCK


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


def test_reports_of_nothing_do_not_count_as_a_gimbal():
    async def body(world):
        client = await world.connected()
        world.device.report = lambda: mavlink.MAVLink_gimbal_device_attitude_status_message(
            0, 0, world.device.boot_ms, IN_EARTH, [math.nan] * 4, 0, 0, 0, 0
        )
        await until(lambda: not client.healthy)

    scene(body)


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


# --- the history ---


def test_the_history_goes_the_short_way_round():
    history = AttitudeHistory()
    for step in range(100):
        yaw = 3.0 + 0.05 * step
        history.add(0.1 * step, (float(frames.wrap_angle(yaw)), 0.0, 0.0), None)
    for time_ in (5.02, 5.55, 9.31):
        found = history.at(time_)
        assert near(found.angles, (3.0 + 0.5 * time_, 0, 0), 1e-6)
        assert found.rates[0] == pytest.approx(0.5)
        assert -math.pi <= found.angles[0] <= math.pi
    assert history.at(1.0) is None, "no longer kept"


def test_the_history_takes_reports_in_any_order():
    history = AttitudeHistory()
    for moment in (0.0, 0.2, 0.1, 0.2, 0.3):
        history.add(moment, (moment, 0.0, 0.0), ZERO)
    assert history.at(0.15).angles[0] == pytest.approx(0.15)
    assert len(history) == 4


def test_beyond_the_newest_by_its_rates_for_a_moment():
    history = AttitudeHistory()
    history.add(1.0, (0.0, 0.0, 0.0), (1.0, -0.5, 0.0))
    assert history.at(1.1).angles == pytest.approx((0.1, -0.05, 0.0))
    late = history.at(60.0)
    assert late.angles == pytest.approx((0.25, -0.125, 0.0))
    assert late.rates == ZERO


# --- the manager and the device, by themselves ---


def told(kind, **fields):
    """A message as it comes from the network."""
    source = fields.pop("source", (255, 190))
    message = getattr(mavlink, f"MAVLink_{kind}_message")(**fields)
    packed = message.pack(mavlink.MAVLink(None, *source))
    return mavlink.MAVLink(None).parse_buffer(bytes(packed))[0]


def order(number, *params, source=(255, 190)):
    values = dict(zip([f"param{i}" for i in range(1, 8)], [*params, *[0] * 7], strict=False))
    return told(
        "command_long",
        target_system=1,
        target_component=1,
        command=number,
        confirmation=0,
        source=source,
        **values,
    )


def attitude_order(source, flags=28, yaw=0.2):
    return told(
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


CONFIGURE = mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE
PITCHYAW = mavlink.MAV_CMD_DO_GIMBAL_MANAGER_PITCHYAW
REQUEST = mavlink.MAV_CMD_REQUEST_MESSAGE
ACCEPTED, DENIED = mavlink.MAV_RESULT_ACCEPTED, mavlink.MAV_RESULT_DENIED


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
    message = told(
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


def device(attitude=lambda: ZERO, **options):
    sent = []
    made = GimbalDevice(1, sent.append, SimGimbal(CONFIG, ZERO), attitude, **options)
    made.sent = sent
    return made


def device_order(flags, angles=None, heading=None, rates=(math.nan,) * 3):
    q = [math.nan] * 4 if angles is None else list(frames.gimbal_quaternion(angles, heading))
    return told(
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
        told(
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


# --- without a gimbal ---

FIXED = FixedMount(kind="fixed", pitch="-30 deg")
SERVO = ServoMount(kind="servo", actuator=8, low="-90 deg", high="30 deg")


def test_the_mount_chooses():
    async def body(world):
        assert isinstance(world.client(), GimbalClient)
        assert isinstance(world.client(mount=FIXED), FallbackGimbal)
        assert isinstance(world.client(mount=SERVO), FallbackGimbal)

    scene(body)


def test_a_fixed_camera_turns_with_the_vehicle():
    async def body(world):
        world.attitude = (1.0, 0.1, 0.2)
        client = world.client(mount=FIXED)
        client._link.send(world.autopilot.heartbeat())  # so that the network knows us
        await client.connect()
        await until(lambda: client.healthy)
        client.point((2.0, 0.0, 0.0), ZERO)
        assert client.heading == pytest.approx(2.0)
        aim = client.attitude_at(client._now)
        assert near(aim.angles, tilted((1.0, 0.1, 0.2), math.radians(-30)), 1e-3)
        assert client.controls
        await client.claim()
        assert client.limits().pitch.max == pytest.approx(math.radians(-30))

    scene(body)


def test_a_servo_is_commanded_level_and_its_tilt_is_modelled():
    async def body(world):
        world.attitude = (1.0, 0.1, 0.0)
        client = world.client(mount=SERVO)
        client._link.send(world.autopilot.heartbeat())
        await until(lambda: client.healthy)
        wanted = math.radians(-20)
        await until(
            lambda: near(client.attitude_at(client._now).angles, (1.0, wanted, 0.0), 0.005),
            each=lambda: client.point((1.0, wanted, 0.0), ZERO),
        )
        orders = [m for m in world.network.heard if getattr(m, "command", 0) == 187]
        value = 2 * (wanted - 0.1 - math.radians(-90)) / math.radians(120) - 1
        assert orders[-1].param2 == pytest.approx(value, abs=1e-5), "actuator 8: the second set"
        assert orders[-1].param7 == 1
        assert math.isnan(orders[-1].param1)
        assert not client.problems

    scene(body)


def test_a_servo_by_mount_control_and_one_that_is_refused():
    async def body(world):
        mount = SERVO.model_copy(update={"command": "mount_control"})
        client = world.client(mount=mount)
        client._link.send(world.autopilot.heartbeat())
        await until(lambda: client.healthy)
        client.point((0.3, -0.5, 0.0), ZERO)
        await until(lambda: any(getattr(m, "command", 0) == 205 for m in world.network.heard))
        asked = next(m for m in world.network.heard if getattr(m, "command", 0) == 205)
        assert asked.param1 == pytest.approx(math.degrees(-0.5))
        world.autopilot.manager.commands[205] = lambda message: DENIED
        await until(
            lambda: bool(world.heard.problems), each=lambda: client.point((0.3, -0.5, 0.0), ZERO)
        )
        assert world.heard.reasons == [GimbalReason.SERVO]
        assert world.heard.problems[0].data["result"] == "denied"
        assert not client.healthy
        world.autopilot.manager.commands[205] = lambda message: ACCEPTED
        await until(lambda: client.healthy, each=lambda: client.point((0.3, -0.5, 0.0), ZERO))
        assert len(world.heard.problems) == 1
        assert world.heard.news == [GimbalEvent.SERVO_AGAIN]

    scene(body)


@pytest.mark.parametrize("rates", [ZERO, None])
def test_no_attitude_lies_between_those_before_and_after_a_leap(rates):
    """The autopilot has corrected its sense of north, and with it the gimbal's."""
    history = AttitudeHistory()
    for step, yaw in enumerate((0.1, 0.1, 0.7, 0.7)):
        history.add(1.0 + 0.02 * step, (yaw, -0.2, 0.0), rates)
    for time in (1.021, 1.025, 1.029):
        assert history.at(time).angles[0] == pytest.approx(0.1)
    for time in (1.031, 1.035, 1.04, 1.05):
        assert history.at(time).angles[0] == pytest.approx(0.7)


def test_a_servo_keeps_to_its_rate_and_lag():
    servo = Servo(rate=1.0, lag=0.1, tilt=0.0)
    servo.target = 1.0
    servo.step(0.5)
    assert servo.tilt == pytest.approx(0.5)
    assert servo.turning == pytest.approx(1.0)
    for _ in range(100):
        servo.step(0.05)
    assert servo.tilt == pytest.approx(1.0, abs=1e-3)
    servo.target = 0.9
    servo.step(0.1)
    assert servo.tilt == pytest.approx(1.0 - 0.1 * (1 - math.exp(-1)), abs=1e-3)


def test_a_tilted_camera():
    assert tilted((0.7, 0.1, 0.0), -0.5) == pytest.approx((0.7, -0.4, 0.0))
    level = tilted((0.7, 0.0, 0.0), -math.pi / 2)
    assert near(level, (0.7, -math.pi / 2, 0.0), 1e-6)
    # Beyond straight down it looks back, and is not upside down.
    assert near(tilted((0.7, 0.0, 0.0), math.radians(-100)), (0.7, math.radians(-100), 0.0), 1e-6)


# --- the mount in the vehicle's file ---


def test_mounts_in_a_file(tmp_path):
    text = (
        "yaw: {min: 0 deg, max: 0 deg}\n"
        "pitch: {min: -90 deg, max: 30 deg}\n"
        "roll: {min: 0 deg, max: 0 deg}\n"
        "rate: 60 deg/s\nacceleration: 400 deg/s^2\nlag: 0.15 s\n"
    )
    path = tmp_path / "gimbal.yaml"

    def load(mount):
        path.write_text(text + mount)
        return vehicle.configs.load(path, vehicle.Gimbal)

    assert load("").mount == MavlinkMount()
    assert load("mount: {kind: mavlink, frame: vehicle, device: 154}\n").mount.frame == "vehicle"
    servo = load("mount: {kind: servo, low: 30 deg, high: -90 deg}\n").mount
    assert servo.high < servo.low
    for mount, words in [
        ("mount: {kind: fixed, pitch: -120 deg}\n", "outside the pitch range"),
        ("mount: {kind: servo, low: -45 deg, high: 30 deg}\n", "wider than the servo"),
        ("mount: {kind: servo, low: 30 deg, high: 30 deg}\n", "would not move"),
        ("mount: {kind: srevo}\n", "unknown kind 'srevo'"),
    ]:
        with pytest.raises(vehicle.configs.ConfigError, match=words):
            load(mount)
    text = text.replace("yaw: {min: 0 deg", "yaw: {min: -90 deg")
    with pytest.raises(vehicle.configs.ConfigError, match="does not turn"):
        load("mount: {kind: fixed, pitch: -30 deg}\n")
