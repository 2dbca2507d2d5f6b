"""Where there is no gimbal: a camera that is fixed, or tilted by a servo."""

from __future__ import annotations

import math

import pytest

from cinempc.flight.gimbal.client import GimbalClient
from cinempc.flight.gimbal.fallback import FallbackGimbal, Servo, tilted
from cinempc.flight.gimbal.reasons import GimbalEvent, GimbalReason
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.mount import FixedMount, ServoMount
from tests.fakes.gimbal import ZERO, near, scene, until

ACCEPTED, DENIED = mavlink.MAV_RESULT_ACCEPTED, mavlink.MAV_RESULT_DENIED
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
