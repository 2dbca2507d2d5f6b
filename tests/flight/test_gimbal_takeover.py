"""Who has control of a gimbal, and takes it: the client against the simulated manager and device,
in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from cinempc.flight.gimbal.reasons import GimbalEvent, GimbalReason
from cinempc.mavlink.commands import command
from cinempc.mavlink.dialect import mavlink
from tests.fakes.gimbal import AUTOPILOT, SYSTEM, ZERO, looks, scene, until

CONFIGURE = mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE


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


@pytest.mark.parametrize("device_clock_stands", [False, True])
def test_who_takes_it_from_a_manager_whose_time_stands_still_is_noticed(device_clock_stands):
    async def body(world):
        client = await world.connected()
        wanted = (0.6, -0.1, 0.0)
        await until(lambda: looks(client, wanted), each=lambda: client.point(wanted, ZERO))
        other = world.link(component=190)
        await command(other, AUTOPILOT, CONFIGURE, other.system, 190, -1, -1)
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
