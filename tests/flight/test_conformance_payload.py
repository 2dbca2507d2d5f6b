"""What a gimbal manager and a camera must do, as measured behind PX4. Runs unchanged against the
simulated vehicle and, where ``PX4_BUILD`` names a build, through real PX4, whose routing and whose
gimbal manager then stand before the simulated gimbal and camera."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from cinempc import frames
from cinempc.flight.camera.client import CameraClient
from cinempc.flight.config import Flight
from cinempc.flight.pilot.pilot import Pilot
from cinempc.mavlink.commands import CommandRefused, Target, command, request
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.gimbal_messages import VEHICLE, set_attitude
from cinempc.mavlink.link import Link
from cinempc.rig import camera as cameras
from cinempc.rig import vehicle as vehicles
from cinempc.rig.camera import LensState
from cinempc.safety import limits as safety
from tests.fakes.events import Heard
from tests.flight.client import Client, TestVehicle
from tests.flight.test_conformance import answer, listen, until

pytestmark = pytest.mark.slow

ACCEPTED, DENIED = mavlink.MAV_RESULT_ACCEPTED, mavlink.MAV_RESULT_DENIED
CONFIGURE = mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE
PITCHYAW = mavlink.MAV_CMD_DO_GIMBAL_MANAGER_PITCHYAW
GIMBAL, CAMERA = mavlink.MAV_COMP_ID_GIMBAL, mavlink.MAV_COMP_ID_CAMERA
NAN = math.nan
LENS = cameras.load("super35_zoom")


async def configure(client: Client, system: int, component: int) -> int:
    """MAV_RESULT of the order that gives primary control to somebody."""
    return await answer(client, CONFIGURE, system, component, -1.0, -1.0, 0.0, 0.0, 0.0)


async def take(client: Client) -> None:
    """Be in control of the gimbal."""
    assert await configure(client, client.link.system, client.link.component) == ACCEPTED


class Watched:
    """The gimbal's own reports of its attitude, in the world."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.angles: tuple[float, float, float] | None = None
        client.link.on("GIMBAL_DEVICE_ATTITUDE_STATUS", self._take)

    def _take(self, message: Any) -> None:
        if message.get_srcComponent() == GIMBAL:
            self.angles = frames.gimbal_angles(message.q)

    async def at(self, yaw: float, pitch: float, within: float = 0.03) -> None:
        """Wait until it looks there, rad."""

        def there() -> bool:
            if self.angles is None:
                return False
            off = frames.wrap_angle(self.angles[0] - yaw), self.angles[1] - pitch
            return math.hypot(*off) < within

        await until(self.client, there, 12.0, f"it does not look to {yaw:.2f}, {pitch:.2f}")


@contextlib.asynccontextmanager
async def ground_station(vehicle: TestVehicle, client: Client) -> AsyncIterator[Client]:
    """Somebody else, on the link for a ground station."""
    link = Link(
        vehicle.connect_station(),
        system=255,
        component=mavlink.MAV_COMP_ID_MISSIONPLANNER,
        wall=vehicle.clock,
    )
    link.open()
    there = Client(link, client.clock, client.autopilot)
    beat = (mavlink.MAV_TYPE_GCS, mavlink.MAV_AUTOPILOT_INVALID, 0, 0, 4, 3)
    try:
        for _ in range(40):
            link.send(mavlink.MAVLink_heartbeat_message(*beat))
            await asyncio.sleep(0.1)
            if link.received["HEARTBEAT"]:
                break
        yield there
    finally:
        link.close()


# --- gimbal ---


def test_the_manager_tells_of_its_gimbal(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> tuple[Any, list[Any]]:
        about = None
        for _ in range(20):
            # It is denied until the gimbal has said what it is.
            with contextlib.suppress(CommandRefused):
                about = await request(client.link, client.target, "GIMBAL_MANAGER_INFORMATION")
                break
            await asyncio.sleep(0.5)
        heard = listen(client, "GIMBAL_MANAGER_STATUS")
        await until(client, lambda: len(heard) >= 2, 12.0, "no status comes by itself")
        return about, heard

    about, heard = vehicle.run(work)
    assert about.gimbal_device_id == GIMBAL
    assert about.cap_flags & mavlink.GIMBAL_MANAGER_CAP_FLAGS_SUPPORTS_YAW_IN_EARTH_FRAME
    assert about.pitch_min == pytest.approx(math.radians(-100), abs=0.02)
    assert about.pitch_max == pytest.approx(math.radians(45), abs=0.02)
    assert heard[-1].gimbal_device_id == GIMBAL


def test_who_is_not_in_control_is_denied(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> list[int]:
        order = (PITCHYAW, math.degrees(-0.3), 0.0, NAN, NAN, 0.0, 0.0, 0.0)
        found = [await configure(client, 0, 0)]  # nobody, from now on
        found.append(await answer(client, *order))
        await take(client)
        found.append(await answer(client, *order))
        return found

    assert vehicle.run(work) == [ACCEPTED, DENIED, ACCEPTED]


def test_a_second_client_takes_control(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> tuple[list[int], list[tuple[int, int]]]:
        statuses: list[tuple[int, int]] = []
        client.link.on(
            "GIMBAL_MANAGER_STATUS",
            lambda m: statuses.append((m.primary_control_sysid, m.primary_control_compid)),
        )
        order = (PITCHYAW, -10.0, 0.0, NAN, NAN, 0.0, 0.0, 0.0)
        ours = client.link.system, client.link.component
        async with ground_station(vehicle, client) as other:
            theirs = other.link.system, other.link.component
            await take(client)
            await until(client, lambda: statuses[-1:] == [ours], 8.0, "it does not say we have it")
            found = [await answer(other, *order), await configure(other, *theirs)]
            found += [await answer(other, *order), await answer(client, *order)]
            await until(client, lambda: statuses[-1:] == [theirs], 8.0, "nor that they have")
            found.append(await configure(other, 0, 0))
        return found, statuses

    found, _ = vehicle.run(work)
    assert found == [DENIED, ACCEPTED, ACCEPTED, DENIED, ACCEPTED]


def test_pitch_and_yaw_by_command(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> None:
        watched = Watched(client)
        await take(client)
        lock = float(mavlink.GIMBAL_MANAGER_FLAGS_YAW_LOCK)
        # 30 deg down; the yaw from north and clockwise, then from the nose.
        assert await answer(client, PITCHYAW, -30.0, 40.0, NAN, NAN, lock) == ACCEPTED
        await watched.at(math.pi / 2 - math.radians(40), math.radians(-30))
        assert await answer(client, PITCHYAW, -10.0, -20.0, NAN, NAN, 0.0) == ACCEPTED
        assert client.autopilot.attitude is not None
        nose = client.autopilot.attitude.angles[0]
        await watched.at(nose + math.radians(20), math.radians(-10))

    vehicle.run(work)


@pytest.mark.parametrize("earth", [True, False], ids=["earth frame", "vehicle frame"])
def test_attitudes_by_message(vehicle: TestVehicle, earth: bool) -> None:
    async def work(client: Client) -> None:
        watched = Watched(client)
        await take(client)
        assert client.autopilot.attitude is not None
        nose = client.autopilot.attitude.angles[0]
        heading = None if earth else nose
        for yaw, pitch in ((nose + 0.5, -0.6), (nose - 0.8, 0.2)):
            message = set_attitude(client.target, GIMBAL, (yaw, pitch, 0.0), None, heading)
            going = asyncio.ensure_future(_again(lambda m=message: client.link.send(m)))
            try:
                await watched.at(yaw, pitch)
            finally:
                going.cancel()

    vehicle.run(work)


async def _again(send: Callable[[], None]) -> None:
    while True:
        send()
        await asyncio.sleep(0.05)


def test_rates_turn_it_for_a_while(vehicle: TestVehicle) -> None:
    """They are zeroed two seconds after the last order."""

    async def work(client: Client) -> tuple[float, float]:
        watched = Watched(client)
        await take(client)
        assert await answer(client, PITCHYAW, 0.0, 0.0, NAN, NAN, 0.0) == ACCEPTED
        assert client.autopilot.attitude is not None
        await watched.at(client.autopilot.attitude.angles[0], 0.0)
        target, down = client.target, math.radians(-10)
        client.link.send(
            mavlink.MAVLink_gimbal_manager_set_attitude_message(
                target.system, target.component, VEHICLE, GIMBAL, [NAN] * 4, 0.0, down, 0.0
            )
        )
        await client.sleep(4.0)
        assert watched.angles is not None
        first = watched.angles[1]
        await client.sleep(2.0)
        return first, watched.angles[1]

    first, later = vehicle.run(work)
    assert math.radians(-25) < first < math.radians(-5)
    assert later == pytest.approx(first, abs=0.03)


def test_a_command_that_leaves_an_angle_out_levels_it(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> None:
        watched = Watched(client)
        await take(client)
        assert client.autopilot.attitude is not None
        nose = client.autopilot.attitude.angles[0]
        assert await answer(client, PITCHYAW, -30.0, 20.0, NAN, NAN, 0.0) == ACCEPTED
        await watched.at(nose - math.radians(20), math.radians(-30))
        assert await answer(client, PITCHYAW, NAN, 20.0, NAN, NAN, 0.0) == ACCEPTED
        await watched.at(nose - math.radians(20), 0.0)

    vehicle.run(work)


# --- camera ---


@contextlib.asynccontextmanager
async def camera_of(client: Client) -> AsyncIterator[CameraClient]:
    """Our client, connected to the camera."""
    camera = CameraClient(client.link, LENS, client.target.system, now=client.clock.now)
    with Heard("cinempc.flight.camera") as heard:
        await camera.connect(20.0)
        assert camera.target == Target(client.target.system, CAMERA), heard
        try:
            yield camera
            assert heard.problems == []
        finally:
            camera.close()


def test_the_camera_tells_what_it_is(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> tuple[Any, ...]:
        async with camera_of(client) as camera:
            return camera.information, camera.definition, dict(camera.parameters)

    information, definition, parameters = vehicle.run(work)
    assert information.sensor_mm == pytest.approx((LENS.sensor.width, LENS.sensor.height), rel=1e-3)
    for flag in (
        mavlink.CAMERA_CAP_FLAGS_CAPTURE_VIDEO,
        mavlink.CAMERA_CAP_FLAGS_HAS_BASIC_ZOOM,
        mavlink.CAMERA_CAP_FLAGS_HAS_BASIC_FOCUS,
    ):
        assert information.flags & flag
    assert definition is not None
    assert {"CAM_APERTURE", "CAM_SHUTTERSPD", "CAM_ISO"} <= set(parameters)


def _near(camera: CameraClient, wanted: LensState) -> bool:
    """Whether it says that its lens stands there."""
    lens = camera.lens
    pairs = zip(
        (lens.focal_length_mm, lens.focus_distance_m, lens.f_number),
        (wanted.focal_length_mm, wanted.focus_distance_m, wanted.f_number),
        strict=True,
    )
    off = [abs(now / goal - 1) for now, goal in pairs]
    return off[0] < 0.01 and off[1] < 0.03 and off[2] < 0.06


def test_the_lens_goes_where_it_is_told(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> None:
        async with camera_of(client) as camera:
            for wanted in (LensState(60.0, 4.0, 4.0), LensState(35.0, 12.0, 5.6)):
                begun = asyncio.ensure_future(_again(lambda w=wanted: camera.command_lens(w)))
                try:
                    await until(client, lambda w=wanted: _near(camera, w), 20.0, f"not {wanted}")
                finally:
                    begun.cancel()
            assert camera.held == frozenset()

    vehicle.run(work)


def test_zoom_and_focus_by_their_own_commands(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> list[float]:
        camera = Target(client.target.system, CAMERA)
        zoom, focus = mavlink.MAV_CMD_SET_CAMERA_ZOOM, mavlink.MAV_CMD_SET_CAMERA_FOCUS
        found = []

        async def settled(name: str, read: Any) -> float:
            last = math.nan
            for _ in range(40):
                await client.sleep(0.5)
                now = read(await request(client.link, camera, name))
                if abs(now - last) < 1e-3 * abs(now):
                    return float(now)
                last = now
            raise AssertionError("the lens does not come to rest")

        def view(message: Any) -> float:
            half = math.tan(math.radians(message.hfov) / 2)
            return LENS.sensor.width / (2 * half)

        await command(client.link, camera, zoom, float(mavlink.ZOOM_TYPE_FOCAL_LENGTH), 50.0)
        found.append(await settled("CAMERA_FOV_STATUS", view))
        await command(client.link, camera, zoom, float(mavlink.ZOOM_TYPE_RANGE), 100.0)
        found.append(await settled("CAMERA_FOV_STATUS", view))
        await command(client.link, camera, focus, float(mavlink.FOCUS_TYPE_METERS), 6.0)
        found.append(await settled("CAMERA_SETTINGS", lambda message: message.focusLevel))
        await command(client.link, camera, focus, float(mavlink.FOCUS_TYPE_RANGE), 100.0)
        found.append(await settled("CAMERA_SETTINGS", lambda message: message.focusLevel))
        return found

    middle, longest, near, far = vehicle.run(work)
    assert middle == pytest.approx(50.0, rel=0.01)
    assert longest == pytest.approx(LENS.focal_length.max, rel=0.01)
    assert 0 < near < 100
    assert far == pytest.approx(100.0, abs=0.5)


def test_it_records(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> tuple[Any, ...]:
        async with camera_of(client) as camera:
            await camera.recording.begin()
            await client.sleep(4.0)
            during = camera.capture
            await camera.recording.end()
            after = camera.capture
            return during, after

    during, after = vehicle.run(work)
    assert during.recording
    assert during.recorded > 2
    assert not after.recording
    assert after.available < during.available


# --- all of it, as it is flown ---


def test_the_pilot_finds_everything(vehicle: TestVehicle) -> None:
    heard = Heard()

    async def work() -> Any:
        pilot = Pilot(
            Flight(name="test", connection=vehicle.address),
            vehicles.load("x500_cinema"),
            LENS,
            safety.load("default"),
            wall=vehicle.clock,
            connect=vehicle.connect,
        )
        try:
            found = await asyncio.wait_for(pilot.open(), 90.0)
            await asyncio.sleep(1.0)
            return found, pilot.state()
        finally:
            await pilot.close()

    with heard:
        found, state = vehicle.perform(work())
    assert found.version >= (1, 13, 0)
    assert found.camera == LENS, heard  # all of the lens can be moved
    assert state.health.ready, state.health.problems
    assert np.isfinite([*state.camera.position, state.camera.yaw, state.camera.pitch]).all()
    assert state.lens.focal_length_mm > 0
    assert not [event for event in heard.events if event.level >= logging.ERROR]
