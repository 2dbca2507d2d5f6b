"""The camera client against the simulated camera, in virtual time. (MAVSDK against the same:
``tests/live/test_camera_mavsdk.py``.)"""

from __future__ import annotations

import asyncio
import math
import random

import numpy as np
import pytest

from cinempc.flight.camera.client import CameraClient
from cinempc.flight.camera.definition import parse
from cinempc.flight.camera.presence import Presence
from cinempc.flight.camera.reasons import CameraEvent, CameraReason, Lack
from cinempc.mavlink import ftp
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.ext_params import ParameterRefused
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import LinkError, Transport
from cinempc.rig import camera as cameras
from cinempc.rig.camera import Dof, LensState
from cinempc.rig.log import Problem
from sim.mavlink.camera.behaviour import Lacks
from sim.mavlink.camera.component import CameraComponent
from sim.mavlink.camera.definition import definition_xml
from tests.fakes import virtual
from tests.fakes.camera import PATIENCE, START, SUPER35, Client, VirtualWorld, near, running, until
from tests.fakes.events import Heard
from tests.fakes.virtual import LOOP
from tests.fakes.wire import MemoryWire
from tests.live.network import free_port

# --- what a whole camera does ---


def test_it_is_found_and_tells_what_it_is():
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            camera = client.camera
            assert camera.presence is Presence.PRESENT
            assert camera.information.model == SUPER35.name[:31]
            assert camera.information.sensor_mm == pytest.approx((24.89, 14.0))
            assert not camera.capture.recording
            assert [stream.address for stream in camera.streams.values()] == [
                "rtsp://127.0.0.1:8554/main",
                "rtsp://127.0.0.1:8554/depth",
            ]
            assert "CAM_APERTURE" in camera.definition.settings
            assert camera.parameters["CAM_ISO"].value == 400
            assert camera.available(SUPER35) == SUPER35
            await until(lambda: near(camera.lens, 35.0, 5.0, 5.6))
            assert all(math.isfinite(channel.reported) for channel in camera.channels.values())
            assert client.heard.events == []

    with running() as world:
        world.run(scenario(world))


def test_the_lens_gets_where_it_is_told_to_with_the_motors_rates():
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            began = world.now()
            goal = LensState(85.0, 2.0, 11.0)
            client.camera.command_lens(goal)
            await until(lambda: near(world.motors.state, 85.0, 2.0, 11.0))
            took = world.now() - began
            assert took > (85 - 35) / SUPER35.focal_length.rate
            await until(lambda: near(client.camera.lens, 85.0, 2.0, 11.0))
            client.camera.command_lens(LensState(85.0, math.inf, 11.0))
            await until(lambda: world.motors.state.focus_distance_m > 500)
            await until(lambda: client.camera.lens.focus_distance_m > 500)
            for dof in (Dof.zoom, Dof.focus):
                measured = client.camera.latency(dof)
                assert measured.count >= 1
                assert 0 < measured.median < 5.0
            assert client.heard.events == []

    with running() as world:
        world.run(scenario(world))


def test_the_newest_wins_and_nothing_piles_up():
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            camera = client.camera
            zoom = camera.channels[Dof.zoom]
            before, began = zoom.sent, LOOP.now()
            for focal in np.linspace(35, 70, 100):
                camera.command_lens(LensState(float(focal), 5.0, 5.6))
                await asyncio.sleep(0.02)
            elapsed = LOOP.now() - began
            assert 5 < zoom.sent - before <= elapsed / 0.038 + 2
            await until(lambda: abs(world.camera.goal.focal_length_mm - 70) < 0.05)
            await until(lambda: zoom.accepted >= zoom.sent)
            quiet = {dof: channel.sent for dof, channel in camera.channels.items()}
            for _ in range(20):
                camera.command_lens(LensState(70.0, 5.0, 5.6))
                await asyncio.sleep(0.02)
            assert {dof: channel.sent for dof, channel in camera.channels.items()} == quiet

    with running() as world:
        world.run(scenario(world))


def test_the_aperture_snaps_and_does_not_flutter():
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            camera = client.camera
            await until(lambda: camera.channels[Dof.aperture].accepted > 0)
            camera.command_lens(LensState(35.0, 5.0, 8.1))
            await until(lambda: world.camera.values["CAM_APERTURE"] == 8.0)
            sent = camera.channels[Dof.aperture].sent
            border = float(np.sqrt(8.0 * 9.0))
            for k in range(40):
                camera.command_lens(LensState(35.0, 5.0, border * (1.005 if k % 2 else 0.995)))
                await asyncio.sleep(0.01)
            assert camera.channels[Dof.aperture].sent <= sent + 1
            await until(lambda: near(camera.lens, 35.0, 5.0, world.camera.values["CAM_APERTURE"]))

    with running() as world:
        world.run(scenario(world))


def test_other_parameters():
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            params = client.camera._params
            assert (await params.set("CAM_ISO", 800)).value == 800
            assert world.camera.values["CAM_ISO"] == 800
            assert (await params.set("CAM_MODE", 0)).value == 0  # in progress, then done
            assert world.camera.mode == mavlink.CAMERA_MODE_IMAGE
            with pytest.raises(ParameterRefused):
                await params.set("CAM_ISO", 123)
            with pytest.raises(LinkError):
                await params.read("CAM_NOTHING", retries=1)

    with running() as world:
        world.run(scenario(world))


def test_zoom_and_focus_by_range():
    camera = SUPER35.model_copy(
        update={"mavlink": cameras.Mavlink(zoom="range", focus="range", levels="percent")}
    )

    async def scenario(world: VirtualWorld) -> None:
        async with Client(world, camera) as client:
            client.camera.command_lens(LensState(100.0, 1.5, 5.6))
            await until(lambda: near(world.motors.state, 100.0, 1.5, 5.6))
            await until(lambda: near(client.camera.lens, 100.0, 1.5, 5.6))
            assert client.heard.events == []

    with running() as world:
        world.run(scenario(world))


def test_the_definition_comes_by_mavlink_ftp_too():
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            assert "CAM_APERTURE" in client.camera.definition.settings
            assert client.heard.events == []
            with pytest.raises(LinkError, match="does not give the file"):
                await ftp.read(client.link, client.camera.target, "none.xml", 1000)

    files = {"camera.xml": definition_xml(SUPER35).encode()}
    with running(uri="mftp://[;comp=100]camera.xml", files=files) as world:
        world.run(scenario(world))


# --- what a camera lacks ---


@pytest.mark.parametrize(
    ("lacks", "lack", "fixed"),
    [
        (Lacks.ZOOM, Lack.NO_ZOOM, {Dof.zoom}),
        (Lacks.FOCUS, Lack.NO_FOCUS, {Dof.focus}),
        (Lacks.APERTURE, Lack.NO_APERTURES, {Dof.aperture}),
        (Lacks.FOCAL_LENGTHS, Lack.REFUSED, {Dof.zoom}),
        (Lacks.PARAMETERS, Lack.NO_APERTURES, {Dof.aperture}),
        (Lacks.OBEDIENCE, Lack.REFUSED, set(Dof)),
        (Lacks.ANSWERS, Lack.UNANSWERED, set(Dof)),
    ],
)
def test_what_it_lacks_is_told_once_and_not_planned_with(lacks, lack, fixed):
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            left = client.camera.available(SUPER35)
            assert (left.focal_length.min == left.focal_length.max) is (Dof.zoom in fixed)
            assert (left.focus.rate == 0) is (Dof.focus in fixed)
            assert (left.aperture.min == left.aperture.max) is (Dof.aperture in fixed)
            if Dof.zoom in fixed:
                assert left.focal_length.min == pytest.approx(35.0, rel=1e-3)
            told = list(client.heard.problems)
            assert {each.data["dof"] for each in told} == fixed
            assert {each.reason for each in told} <= {CameraReason.LACKS}
            assert lack in {each.data["lack"].reason for each in told}
            for k in range(10):
                client.camera.command_lens(LensState(40.0 + k, 3.0, 8.0))
                await asyncio.sleep(0.05)
            assert client.heard.problems == told

    with running(lacks) as world:
        world.run(scenario(world))


def test_a_definition_that_cannot_be_had_is_told_once():
    async def scenario(world: VirtualWorld, camera=SUPER35) -> tuple[list[Problem], bool]:
        async with Client(world, camera) as client:
            left = client.camera.available(camera)
            fixed = left.aperture.min == left.aperture.max
            return client.heard.problems, fixed

    with running(uri=f"http://127.0.0.1:{free_port()}/none.xml") as world:
        told, fixed = world.run(scenario(world))
        assert [each.reason for each in told] == [CameraReason.NO_DEFINITION, CameraReason.LACKS]
        assert told[1].data["lack"].reason is Lack.NO_APERTURES
        assert fixed
    named = SUPER35.model_copy(
        update={
            "mavlink": cameras.Mavlink.model_validate(
                {"aperture": {"values": {"f/2.8": 2.8, "f/5.6": 5.6}}}
            )
        }
    )
    with running(uri="") as world:
        assert world.run(scenario(world, named)) == ([], False)


def test_a_lens_that_reports_nothing_is_predicted():
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            camera = client.camera
            camera.command_lens(LensState(60.0, 3.0, 5.6))
            await until(lambda: near(camera.lens, 60.0, 3.0, 5.6))
            assert math.isinf(camera.channels[Dof.zoom].reported)
            assert math.isinf(camera.channels[Dof.focus].reported)
            camera.command_lens(LensState(100.0, 3.0, 5.6))
            await asyncio.sleep(0.01)
            assert camera.lens.focal_length_mm < 100
            await until(lambda: near(camera.lens, 100.0, 3.0, 5.6))
            await until(lambda: near(world.motors.state, 100.0, 3.0, 5.6))

    with running(Lacks.REPORTS) as world:
        world.run(scenario(world))


def test_no_camera_at_all():
    async def scenario() -> None:
        wire = MemoryWire()  # at its other end is nobody
        link = Link(Transport("memory", wire.connect(), LOOP), wall=LOOP)
        link.open()
        client = CameraClient(link, SUPER35, 1)
        with Heard("cinempc.flight.camera") as heard:
            await client.connect(timeout=0.2)
        assert heard.reasons == [CameraReason.ABSENT]
        assert client.presence is Presence.ABSENT
        left = client.available(SUPER35)
        assert left.focal_length.min == left.focal_length.max
        client.command_lens(START)  # nothing to send to, and no harm
        with pytest.raises(LinkError):
            await client.recording.begin()
        client.close()
        link.close()

    virtual.run(scenario())


# --- a bad link ---


def test_a_third_of_the_packets_is_lost():
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            client.camera.command_lens(LensState(85.0, 2.0, 11.0))
            await until(lambda: near(world.motors.state, 85.0, 2.0, 11.0))
            await until(lambda: near(client.camera.lens, 85.0, 2.0, 11.0))
            await client.camera.recording.begin()
            assert world.camera.recording
            assert client.heard.events == []

    with running(drop=lambda number: random.Random(number).random() < 1 / 3) as world:
        world.run(scenario(world))


def test_it_vanishes_and_comes_back():
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            world.alive = False
            await until(lambda: client.heard.problems)
            assert client.heard.reasons == [CameraReason.SILENT]
            client.camera.command_lens(LensState(50.0, 5.0, 5.6))
            assert client.camera.available(SUPER35).focus.rate == 0
            world.camera._periods[mavlink.MAVLINK_MSG_ID_CAMERA_FOV_STATUS] = math.inf
            world.alive = True
            await until(lambda: client.camera.available(SUPER35) == SUPER35)
            # It is set up again.
            await until(
                lambda: math.isfinite(
                    world.camera._periods[mavlink.MAVLINK_MSG_ID_CAMERA_FOV_STATUS]
                )
            )
            assert client.heard.reasons == [CameraReason.SILENT]
            assert client.heard.news == [CameraEvent.BACK]
            client.camera.command_lens(LensState(50.0, 5.0, 5.6))
            await until(lambda: near(world.motors.state, 50.0, 5.0, 5.6))

    with running() as world:
        world.run(scenario(world))


def test_what_is_wished_when_it_is_back_is_not_overruled_by_the_setting_up():
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            world.alive = False
            await until(lambda: client.heard.problems)
            client.camera.command_lens(LensState(100.0, 2.0, 16.0))  # nobody is there to hear it
            world.alive = True
            await until(lambda: client.camera.presence is Presence.PRESENT)
            client.camera.command_lens(LensState(50.0, 3.0, 8.0))  # once, and nothing after it
            await until(lambda: near(world.motors.state, 50.0, 3.0, 8.0))
            await until(lambda: client.camera._configuring.done())
            await asyncio.sleep(1.0)
            assert near(world.motors.state, 50.0, 3.0, 8.0)
            assert all(channel.confirmed for channel in client.camera.channels.values())

    with running() as world:
        world.run(scenario(world))


def test_it_comes_late_while_the_lens_is_commanded_already():
    async def scenario(world: VirtualWorld) -> None:
        world.alive = False
        heard = Heard("cinempc.flight.camera").start()
        link = world.link()
        link.open()
        camera = CameraClient(link, SUPER35, 1, now=world.now)
        await camera.connect(timeout=0.2)
        assert heard.reasons == [CameraReason.ABSENT]
        world.alive = True
        deadline = LOOP.now() + PATIENCE
        while not near(world.motors.state, 60.0, 3.0, 8.0):
            assert LOOP.now() < deadline
            camera.command_lens(LensState(60.0, 3.0, 8.0))
            await asyncio.sleep(0.02)
        assert camera.available(SUPER35) == SUPER35
        assert heard.reasons == [CameraReason.ABSENT]
        assert heard.news == [CameraEvent.THERE]
        heard.stop()
        camera.close()
        link.close()

    with running() as world:
        world.run(scenario(world))


class Hostile(CameraComponent):
    """A camera whose numbers are impossible."""

    odd = 0

    def _next(self) -> float:
        Hostile.odd += 1
        return (math.nan, math.inf, -math.inf, -5.0, 1e30, 400.0)[Hostile.odd % 6]

    def _fov_status(self):
        return mavlink.MAVLink_camera_fov_status_message(
            0, *[0] * 6, [math.nan] * 4, self._next(), self._next()
        )

    def _camera_settings(self):
        return mavlink.MAVLink_camera_settings_message(0, self.mode, self._next(), self._next())

    def _storage(self):
        odd = [self._next() for _ in range(5)]
        return mavlink.MAVLink_storage_information_message(0, 1, 1, 2, *odd)

    def _encoded(self, name: str) -> bytes:
        return b"\xff" * 128


def test_impossible_numbers_never_become_the_lens():
    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            camera = client.camera
            for _ in range(30):
                state = camera.lens
                assert 24 <= state.focal_length_mm <= 120
                assert state.focus_distance_m >= 0.9
                assert 2.8 <= state.f_number <= 22.1
                await asyncio.sleep(0.02)
            assert camera.refused["CAMERA_FOV_STATUS.hfov"] > 3
            assert not camera.channels[Dof.zoom].reported > 0

    with running(component=Hostile) as world:
        world.run(scenario(world))


def test_the_served_definition_is_one():
    assert set(parse(definition_xml(SUPER35)).settings) >= {"CAM_APERTURE", "CAM_ISO"}
    assert "CAM_APERTURE" not in parse(definition_xml(SUPER35, Lacks.APERTURE)).settings
