"""MAVSDK's gimbal client, which is not ours, against the simulated manager and device, over UDP."""

from __future__ import annotations

import asyncio
import math

import pytest

from cinempc import frames
from cinempc.mavlink.transport import Transport
from tests.fakes.gimbal import near, play
from tests.live.network import free_port


def test_mavsdk_takes_control_points_and_reads_back():
    mavsdk = pytest.importorskip("mavsdk.asyncio")
    from mavsdk.asyncio.plugins.gimbal.gimbal import GimbalAsync
    from mavsdk.plugins.gimbal.gimbal import ControlMode, GimbalMode, SendMode

    async def listed(gimbal):
        async for found in gimbal.subscribe_gimbal_list():
            if found.gimbals:
                return found.gimbals[0]
        return None

    async def told_of(gimbal, wanted):
        async for attitude in gimbal.subscribe_attitude():
            north = attitude.euler_angle_north
            degrees = (north.yaw_deg, north.pitch_deg, north.roll_deg)
            if near([math.radians(d) for d in degrees], wanted, 0.02):
                return attitude
        return None

    async def turned(world, began, yaw, pitch):
        """Until it has turned so far, rad; both at once."""
        while True:
            gone = [
                math.remainder(a - b, 2 * math.pi)
                for a, b in zip(world.sim.angles, began, strict=True)
            ]
            if gone[0] < yaw and gone[1] > pitch:
                assert gone[0] == pytest.approx(-2 * gone[1], abs=0.05)
                return
            await asyncio.sleep(0.02)

    async def stands(world):
        before = None
        while before is None or not near(world.sim.angles, before, 1e-3):
            before = world.sim.angles
            await asyncio.sleep(0.5)

    async def body(world):
        port = free_port()
        world.network.wires.append(Transport(f"udpin:127.0.0.1:{port}"))
        station = mavsdk.Mavsdk(mavsdk.Configuration.create_manual(245, 190, True))
        gimbal = None
        try:
            await station.add_any_connection(f"udpout://127.0.0.1:{port}")
            system = await station.first_autopilot(timeout_s=30.0)
            assert system is not None
            gimbal = GimbalAsync(system)
            item = await asyncio.wait_for(listed(gimbal), 30)
            assert item.gimbal_device_id == 154
            assert item.gimbal_manager_component_id == 1
            assert item.model_name == "simulated gimbal"
            await gimbal.take_control(item.gimbal_id, ControlMode.PRIMARY)
            assert world.autopilot.manager.owner == (245, 190)
            yaw, pitch = 40.0, -25.0  # from north to the right; up
            for send_mode in (SendMode.ONCE, SendMode.STREAM):
                yaw, pitch = yaw + 20.0, pitch - 5.0
                await gimbal.set_angles(
                    item.gimbal_id, 0.0, pitch, yaw, GimbalMode.YAW_LOCK, send_mode
                )
                wanted = [math.radians(d) for d in (yaw, pitch, 0.0)]
                attitude = await asyncio.wait_for(told_of(gimbal, wanted), 30)
                seen = (frames.yaw_enu_from_ned(wanted[0]), wanted[1], 0.0)
                assert near(world.sim.angles, seen, 0.02)
                # Against the vehicle's nose, as MAVSDK works it out.
                nose = math.degrees(frames.yaw_ned_from_enu(world.attitude[0]))
                forward = attitude.euler_angle_forward.yaw_deg
                assert math.remainder(forward - (yaw - nose), 360) == pytest.approx(0, abs=2)
            # Turning: to the right and up, until it is told to stand.
            began = world.sim.angles
            for patience in (10, 10, 30):  # on a busy machine MAVSDK's stream may not begin
                await gimbal.set_angular_rates(
                    item.gimbal_id, 0.0, 6.0, 12.0, GimbalMode.YAW_LOCK, SendMode.STREAM
                )
                try:
                    await asyncio.wait_for(turned(world, began, -0.2, 0.1), patience)
                    break
                except TimeoutError:
                    assert patience < 30
            await gimbal.set_angular_rates(
                item.gimbal_id, 0.0, 0.0, 0.0, GimbalMode.YAW_LOCK, SendMode.ONCE
            )
            await asyncio.wait_for(stands(world), 30)
            await gimbal.release_control(item.gimbal_id)
            assert world.autopilot.manager.owner == (0, 0)
        finally:
            if gimbal is not None:
                gimbal.destroy()
            station.destroy()

    asyncio.run(play(body))
