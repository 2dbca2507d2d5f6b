"""Which gimbal the client takes, of whatever it finds on the link, in virtual time."""

from __future__ import annotations

import math

import pytest

from cinempc.flight.gimbal.reasons import GimbalReason
from cinempc.mavlink.commands import NoAnswer, Target
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.mount import MavlinkMount
from sim.body.gimbal import SimGimbal
from sim.mavlink.component import Component
from sim.mavlink.gimbal_device import GimbalDevice
from sim.mavlink.gimbal_manager import GimbalManager
from tests.fakes.gimbal import CONFIG, SYSTEM, ZERO, from_wire, looks, near, scene, until


def test_a_device_that_comes_late_is_found():
    async def body(world):
        client = world.client()
        await client.connect(0.2)
        assert not client.healthy
        assert not client.controls
        world.network.components.append(world.device)
        await until(lambda: client.healthy and client.controls)

    scene(body, device=False)


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
                received = from_wire(
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
