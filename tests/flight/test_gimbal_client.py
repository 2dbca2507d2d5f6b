"""The gimbal client points and reads a gimbal, against the simulated manager and device, in virtual
time. (MAVSDK's client against them: ``tests/live/test_gimbal_mavsdk.py``.)"""

from __future__ import annotations

import asyncio
import math

import pytest

from cinempc.flight.gimbal.reasons import GimbalEvent, GimbalReason
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.mount import MavlinkMount, Range
from tests.fakes.gimbal import CONFIG, ZERO, looks, near, scene, until
from tests.fakes.virtual import LOOP

IN_EARTH = mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_EARTH_FRAME


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


def test_reports_of_nothing_do_not_count_as_a_gimbal():
    async def body(world):
        client = await world.connected()
        world.device.report = lambda: mavlink.MAVLink_gimbal_device_attitude_status_message(
            0, 0, world.device.boot_ms, IN_EARTH, [math.nan] * 4, 0, 0, 0, 0
        )
        await until(lambda: not client.healthy)

    scene(body)


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
