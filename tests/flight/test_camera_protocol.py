"""The camera client against the simulated camera, over real UDP; and MAVSDK against the same."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import math
import random
import socket
import struct
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from cinempc import camera as cameras
from cinempc import lens
from cinempc.camera import Dof, LensState
from cinempc.flight import ftp
from cinempc.flight.camera import CameraClient
from cinempc.flight.camera_definition import parse
from cinempc.flight.commands import CommandRefused
from cinempc.flight.dialect import mavlink
from cinempc.flight.ext_params import ParameterRefused
from cinempc.flight.link import Link
from cinempc.flight.transport import LinkError, Transport
from sim.lens_motor import LensMotors
from sim.mavlink.camera import CameraComponent, Stream
from sim.mavlink.camera_definition import Lacks, definition_xml
from sim.mavlink.host import Host, Port

SUPER35 = cameras.load("super35_zoom")
START = LensState(35.0, 5.0, 5.6)
PATIENCE = 30.0  # wall s: the machine may be busy


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(text: str | bytes, name: str = "camera.xml"):
    """A small web server with one file."""
    data = text.encode() if isinstance(text, str) else text

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{name}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class World:
    """A camera behind UDP, its time going on in a thread.

    ``drop``: which packets are lost, by number, each way; ``files`` are served by MAVLink FTP.
    """

    def __init__(
        self,
        lacks: Lacks = Lacks.NOTHING,
        *,
        camera=SUPER35,
        uri: str = "",
        speed: float = 4.0,
        drop: Callable[[int], bool] = lambda number: False,
        files: dict[str, bytes] | None = None,
        component: type[CameraComponent] = CameraComponent,
    ) -> None:
        self.client_port = free_port()
        self.host = Host({"link": Port(0, self.client_port)})
        self.drop, self.speed = drop, speed
        self._sent = self._heard = 0
        self.alive = True
        self.motors = LensMotors(camera, START)
        self.files = files or {}
        carry = self.host.sender(1, 100)

        def send(message) -> None:
            self._sent += 1
            if self.alive and not self.drop(self._sent):
                carry(message)

        self.camera = component(
            1,
            send,
            self.motors,
            streams=(Stream("rtsp://127.0.0.1:8554/main"), Stream("rtsp://127.0.0.1:8554/depth")),
            definition_uri=uri,
            focus_on=lambda: 7.0,
            lacks=lacks,
        )
        inner = self.camera.receive

        def receive(message) -> None:
            self._heard += 1
            if self.alive and not self.drop(self._heard):
                if message.get_type() == "FILE_TRANSFER_PROTOCOL":
                    send(self._serve(message))
                else:
                    inner(message)

        self.camera.receive = receive
        self.host.add(self.camera)
        self._over = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        def over() -> bool:
            time.sleep(0)  # the tests' own thread has its turn
            return self._over

        self.host.run(self.speed, over)

    def now(self) -> float:
        return self.host.time

    def close(self) -> None:
        self._over = True
        self._thread.join()
        self.host.close()

    def _serve(self, message):
        """MAVLink FTP's open and read, of one file at a time."""
        raw = bytes(message.payload)
        sequence, _, opcode, size, _, _, offset = ftp.HEADER.unpack_from(raw)
        body = raw[ftp.HEADER.size : ftp.HEADER.size + size]

        def reply(code: int, data: bytes) -> object:
            content = ftp.payload(
                sequence + 1, 3, code, offset, data, size=len(data), answers=opcode
            )
            return mavlink.MAVLink_file_transfer_protocol_message(
                0, message.get_srcSystem(), message.get_srcComponent(), list(content)
            )

        if opcode == ftp.OPEN:
            self._file = self.files.get(body.decode())
            if self._file is None:
                return reply(ftp.NAK, b"\x0a")
            return reply(ftp.ACK, struct.pack("<I", len(self._file)))
        if opcode == ftp.READ:
            return reply(ftp.ACK, self._file[offset : offset + ftp.MOST])
        return reply(ftp.ACK, b"")


class Client:
    """A connected client and what it told."""

    def __init__(self, world: World, camera=SUPER35) -> None:
        self.problems: list[str] = []
        self.link = Link(Transport(f"udpin:127.0.0.1:{world.client_port}"))
        self.camera = CameraClient(
            self.link, camera, 1, now=world.now, on_problem=self.problems.append
        )

    async def __aenter__(self) -> Client:
        self.link.open()
        await self.camera.connect(timeout=PATIENCE)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.camera.close()
        self.link.close()


async def until(done: Callable[[], object], timeout: float = PATIENCE) -> None:
    deadline = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.01)


def near(state: LensState, focal: float, focus: float, f_number: float) -> bool:
    return (
        abs(state.focal_length_mm - focal) < 0.01 * focal
        and abs(lens.inverse(state.focus_distance_m) - lens.inverse(focus)) < 0.01
        and abs(state.f_number - f_number) < 0.02 * f_number
    )


@contextlib.contextmanager
def running(lacks: Lacks = Lacks.NOTHING, **options):
    """A world with a camera whose definition is served."""
    camera = options.get("camera", SUPER35)
    with serving(definition_xml(camera, lacks)) as uri:
        world = World(lacks, **{"uri": uri, **options})
        try:
            yield world
        finally:
            world.close()


# --- what a whole camera does ---


def test_it_is_found_and_tells_what_it_is():
    async def scenario(world: World) -> None:
        async with Client(world) as client:
            camera = client.camera
            assert camera.present
            assert camera.information.model == SUPER35.name[:31]
            assert camera.information.sensor_mm == pytest.approx((24.89, 14.0))
            assert camera.storage.total == pytest.approx(65536)
            assert not camera.capture.recording
            assert camera.video_addresses == (
                "rtsp://127.0.0.1:8554/main",
                "rtsp://127.0.0.1:8554/depth",
            )
            assert "CAM_APERTURE" in camera.definition.settings
            assert camera.parameters["CAM_ISO"].value == 400
            assert camera.available(SUPER35) == SUPER35
            await until(lambda: near(camera.lens, 35.0, 5.0, 5.6))
            assert camera.reading().reported == frozenset(Dof)
            assert client.problems == []

    with running() as world:
        asyncio.run(scenario(world))


def test_the_lens_gets_where_it_is_told_to_with_the_motors_rates():
    async def scenario(world: World) -> None:
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
            assert client.problems == []

    with running() as world:
        asyncio.run(scenario(world))


def test_the_newest_wins_and_nothing_piles_up():
    async def scenario(world: World) -> None:
        async with Client(world) as client:
            camera = client.camera
            zoom = camera.channels[Dof.zoom]
            before, began = zoom.sent, time.monotonic()
            for focal in np.linspace(35, 70, 100):
                camera.command_lens(LensState(float(focal), 5.0, 5.6))
                await asyncio.sleep(0.02)
            elapsed = time.monotonic() - began
            assert 5 < zoom.sent - before <= elapsed / 0.038 + 2
            await until(lambda: abs(world.camera.goal.focal_length_mm - 70) < 0.05)
            await until(lambda: zoom.accepted >= zoom.sent)
            quiet = {dof: channel.sent for dof, channel in camera.channels.items()}
            for _ in range(20):
                camera.command_lens(LensState(70.0, 5.0, 5.6))
                await asyncio.sleep(0.02)
            assert {dof: channel.sent for dof, channel in camera.channels.items()} == quiet

    with running() as world:
        asyncio.run(scenario(world))


def test_the_aperture_snaps_and_does_not_flutter():
    async def scenario(world: World) -> None:
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
        asyncio.run(scenario(world))


def test_recording_and_storage():
    async def scenario(world: World) -> None:
        async with Client(world) as client:
            camera = client.camera
            await camera.start_recording()
            assert world.camera.recording
            await camera.start_recording()  # as good as done
            assert camera.capture.recording
            used = world.camera.used
            await until(lambda: world.camera.used > used + 1)
            assert (await camera.read_storage()).used > used
            await camera.stop_recording()
            assert not world.camera.recording
            world.camera.mode = mavlink.CAMERA_MODE_IMAGE
            with pytest.raises(CommandRefused):
                await camera.start_recording()

    with running() as world:
        asyncio.run(scenario(world))


def test_exposure_time_and_iso():
    async def scenario(world: World) -> None:
        async with Client(world) as client:
            assert await client.camera.set_shutter(1 / 52) == pytest.approx(1 / 50, rel=0.1)
            assert await client.camera.set_iso(750) == 800
            assert world.camera.values["CAM_ISO"] == 800
            params = client.camera._params
            assert (await params.set("CAM_MODE", 0)).value == 0  # in progress, then done
            assert world.camera.mode == mavlink.CAMERA_MODE_IMAGE
            with pytest.raises(ParameterRefused):
                await params.set("CAM_ISO", 123)
            with pytest.raises(LinkError):
                await params.read("CAM_NOTHING", retries=1)

    with running() as world:
        asyncio.run(scenario(world))


def test_zoom_and_focus_by_range():
    camera = SUPER35.model_copy(
        update={"mavlink": cameras.Mavlink(zoom="range", focus="range", levels="percent")}
    )

    async def scenario(world: World) -> None:
        async with Client(world, camera) as client:
            client.camera.command_lens(LensState(100.0, 1.5, 5.6))
            await until(lambda: near(world.motors.state, 100.0, 1.5, 5.6))
            await until(lambda: near(client.camera.lens, 100.0, 1.5, 5.6))
            assert client.problems == []

    with running() as world:
        asyncio.run(scenario(world))


def test_the_definition_comes_by_mavlink_ftp_too():
    async def scenario(world: World) -> None:
        async with Client(world) as client:
            assert "CAM_APERTURE" in client.camera.definition.settings
            assert client.problems == []
            with pytest.raises(LinkError, match="does not give the file"):
                await ftp.read(client.link, client.camera.target, "none.xml", 1000)

    files = {"camera.xml": definition_xml(SUPER35).encode()}
    with running(uri="mftp://[;comp=100]camera.xml", files=files) as world:
        asyncio.run(scenario(world))


# --- what a camera lacks ---


@pytest.mark.parametrize(
    ("lacks", "word", "fixed"),
    [
        (Lacks.ZOOM, "cannot zoom", {Dof.zoom}),
        (Lacks.FOCUS, "cannot focus", {Dof.focus}),
        (Lacks.APERTURE, "apertures", {Dof.aperture}),
        (Lacks.FOCAL_LENGTHS, "zoom by focal length", {Dof.zoom}),
        (Lacks.PARAMETERS, "apertures", {Dof.aperture}),
        (Lacks.OBEDIENCE, "denied", set(Dof)),
        pytest.param(Lacks.ANSWERS, "does not answer", set(Dof), marks=pytest.mark.slow),
    ],
)
def test_what_it_lacks_is_told_once_and_not_planned_with(lacks, word, fixed):
    async def scenario(world: World) -> None:
        async with Client(world) as client:
            left = client.camera.available(SUPER35)
            assert (left.focal_length.min == left.focal_length.max) is (Dof.zoom in fixed)
            assert (left.focus.rate == 0) is (Dof.focus in fixed)
            assert (left.aperture.min == left.aperture.max) is (Dof.aperture in fixed)
            if Dof.zoom in fixed:
                assert left.focal_length.min == pytest.approx(35.0, rel=1e-3)
            told = list(client.problems)
            assert len(told) == len(fixed)
            assert any(word in text for text in told)
            for k in range(10):
                client.camera.command_lens(LensState(40.0 + k, 3.0, 8.0))
                await asyncio.sleep(0.05)
            assert client.problems == told

    with running(lacks) as world:
        asyncio.run(scenario(world))


def test_a_definition_that_cannot_be_had_is_told_once():
    async def scenario(world: World, camera=SUPER35) -> list[str]:
        async with Client(world, camera) as client:
            left = client.camera.available(camera)
            fixed = left.aperture.min == left.aperture.max
            return [*client.problems, f"fixed {fixed}"]

    with running(uri=f"http://127.0.0.1:{free_port()}/none.xml") as world:
        told = asyncio.run(scenario(world))
        assert len(told) == 3
        assert "definition file cannot be used" in told[0]
        assert told[-1] == "fixed True"
    named = SUPER35.model_copy(
        update={
            "mavlink": cameras.Mavlink.model_validate(
                {"aperture": {"values": {"f/2.8": 2.8, "f/5.6": 5.6}}}
            )
        }
    )
    with running(uri="") as world:
        assert asyncio.run(scenario(world, named)) == ["fixed False"]


def test_a_lens_that_reports_nothing_is_predicted():
    async def scenario(world: World) -> None:
        async with Client(world) as client:
            camera = client.camera
            camera.command_lens(LensState(60.0, 3.0, 5.6))
            await until(lambda: near(camera.lens, 60.0, 3.0, 5.6))
            assert camera.reading().reported <= {Dof.aperture}
            assert math.isinf(camera.reading().ages[Dof.zoom])
            camera.command_lens(LensState(100.0, 3.0, 5.6))
            await asyncio.sleep(0.01)
            assert camera.lens.focal_length_mm < 100
            await until(lambda: near(camera.lens, 100.0, 3.0, 5.6))
            await until(lambda: near(world.motors.state, 100.0, 3.0, 5.6))

    with running(Lacks.REPORTS) as world:
        asyncio.run(scenario(world))


def test_no_camera_at_all():
    async def scenario() -> None:
        problems: list[str] = []
        link = Link(Transport(f"udpin:127.0.0.1:{free_port()}"))
        link.open()
        client = CameraClient(link, SUPER35, 1, on_problem=problems.append)
        await client.connect(timeout=0.2)
        assert len(problems) == 1
        left = client.available(SUPER35)
        assert left.focal_length.min == left.focal_length.max
        client.command_lens(START)  # nothing to send to, and no harm
        with pytest.raises(LinkError):
            await client.start_recording()
        client.close()
        link.close()

    asyncio.run(scenario())


# --- a bad link ---


@pytest.mark.slow
def test_a_third_of_the_packets_is_lost():
    async def scenario(world: World) -> None:
        async with Client(world) as client:
            client.camera.command_lens(LensState(85.0, 2.0, 11.0))
            await until(lambda: near(world.motors.state, 85.0, 2.0, 11.0))
            await until(lambda: near(client.camera.lens, 85.0, 2.0, 11.0))
            await client.camera.start_recording()
            assert world.camera.recording
            assert client.problems == []

    with running(drop=lambda number: random.Random(number).random() < 1 / 3) as world:
        asyncio.run(scenario(world))


def test_it_vanishes_and_comes_back():
    async def scenario(world: World) -> None:
        async with Client(world) as client:
            world.alive = False
            await until(lambda: client.problems)
            assert "not heard" in client.problems[0]
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
            assert client.problems[1:] == ["the camera is back"]
            client.camera.command_lens(LensState(50.0, 5.0, 5.6))
            await until(lambda: near(world.motors.state, 50.0, 5.0, 5.6))

    with running() as world:
        asyncio.run(scenario(world))


def test_what_is_wished_when_it_is_back_is_not_overruled_by_the_setting_up():
    async def scenario(world: World) -> None:
        async with Client(world) as client:
            world.alive = False
            await until(lambda: client.problems)
            client.camera.command_lens(LensState(100.0, 2.0, 16.0))  # nobody is there to hear it
            world.alive = True
            await until(lambda: client.camera.present)
            client.camera.command_lens(LensState(50.0, 3.0, 8.0))  # once, and nothing after it
            await until(lambda: near(world.motors.state, 50.0, 3.0, 8.0))
            await until(lambda: client.camera._configuring.done())
            await asyncio.sleep(1.0)
            assert near(world.motors.state, 50.0, 3.0, 8.0)
            assert all(channel.confirmed for channel in client.camera.channels.values())

    with running() as world:
        asyncio.run(scenario(world))


def test_it_comes_late_while_the_lens_is_commanded_already():
    async def scenario(world: World) -> None:
        world.alive = False
        problems: list[str] = []
        link = Link(Transport(f"udpin:127.0.0.1:{world.client_port}"))
        link.open()
        camera = CameraClient(link, SUPER35, 1, now=world.now, on_problem=problems.append)
        await camera.connect(timeout=0.2)
        assert "without moving the lens" in problems[0]
        world.alive = True
        deadline = time.monotonic() + PATIENCE
        while not near(world.motors.state, 60.0, 3.0, 8.0):
            assert time.monotonic() < deadline
            camera.command_lens(LensState(60.0, 3.0, 8.0))
            await asyncio.sleep(0.02)
        assert camera.available(SUPER35) == SUPER35
        assert problems[1:] == ["the camera is there now"]
        camera.close()
        link.close()

    with running() as world:
        asyncio.run(scenario(world))


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
    async def scenario(world: World) -> None:
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
            left = camera.storage
            assert all(math.isnan(v) or v >= 0 for v in (left.total, left.used, left.available))

    with running(component=Hostile) as world:
        asyncio.run(scenario(world))


# --- an independent client: MAVSDK ---


def attempt(order: Callable[[], object], timeout: float = PATIENCE) -> object:
    """Its orders fail while it is still asking the camera: again until they do not."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return order()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def seen(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


@pytest.fixture
def mavsdk_camera(monkeypatch, tmp_path):
    pytest.importorskip("mavsdk")
    monkeypatch.setenv("HOME", str(tmp_path))  # where it keeps definitions
    from mavsdk import ComponentType, Configuration, Mavsdk
    from mavsdk.plugins.camera import Camera

    with running(speed=1.0) as world:
        sdk = Mavsdk(Configuration.create_with_component_type(ComponentType.GROUND_STATION))
        sdk.add_any_connection(f"udpin://127.0.0.1:{world.client_port}")
        seen(lambda: [s for s in sdk.get_systems() if s.has_camera()])
        system = next(s for s in sdk.get_systems() if s.has_camera())
        camera = Camera(system)
        seen(lambda: camera.camera_list().cameras)
        try:
            yield world, camera
        finally:
            sdk.destroy()


@pytest.mark.slow
def test_mavsdk_knows_it_moves_it_and_records(mavsdk_camera):
    from mavsdk.plugins.camera import CameraError, Mode

    world, camera = mavsdk_camera
    (about,) = camera.camera_list().cameras
    assert about.component_id == 100
    assert about.vendor_name == "cinempc"
    assert about.horizontal_sensor_size_mm == pytest.approx(24.89)
    attempt(lambda: camera.zoom_range(100, 50.0))
    seen(lambda: abs(world.motors.state.focal_length_mm - 72) < 0.5)
    camera.focus_meters(100, 2.0)
    seen(lambda: abs(world.motors.state.focus_distance_m - 2) < 0.05)
    camera.focus_range(100, 0.0)
    seen(lambda: abs(world.motors.state.focus_distance_m - 0.9) < 0.05)
    camera.focus_auto(100)
    seen(lambda: abs(world.motors.state.focus_distance_m - 7) < 0.3)
    camera.zoom_in_start(100)
    seen(lambda: world.motors.state.focal_length_mm > 75)
    camera.zoom_stop(100)
    camera.start_video(100)
    assert world.camera.recording
    with pytest.raises(CameraError):
        camera.start_video(100)
    camera.stop_video(100)
    attempt(lambda: camera.set_mode(100, Mode.PHOTO))
    seen(lambda: world.camera.mode == mavlink.CAMERA_MODE_IMAGE)
    attempt(lambda: camera.take_photo(100))
    seen(lambda: world.camera.images >= 1)
    storage = attempt(lambda: camera.get_storage(100))
    assert storage.total_storage_mib == pytest.approx(65536)

    def offered() -> str:
        uri: str = camera.get_video_stream_info(100).settings.uri
        assert uri
        return uri

    assert str(attempt(offered)).startswith("rtsp://127.0.0.1:8554/")


@pytest.mark.slow
def test_mavsdk_reads_its_definition_and_sets_its_settings(mavsdk_camera):
    from mavsdk.plugins.camera import Option, Setting

    world, camera = mavsdk_camera
    settings: dict[str, str] = {}

    def known() -> dict[str, str]:
        for setting in camera.get_current_settings(100):
            settings[setting.setting_id] = setting.option.option_description
        assert "CAM_APERTURE" in settings
        return settings

    attempt(known)
    assert settings["CAM_APERTURE"] == "f/5.6"
    offered = attempt(lambda: camera.get_possible_setting_options(100))
    aperture = next(o for o in offered if o.setting_id == "CAM_APERTURE")
    option = next(o for o in aperture.options if o.option_description == "f/11")
    camera.set_setting(100, Setting("CAM_APERTURE", option=Option(option.option_id)))
    seen(lambda: abs(world.motors.state.f_number - 11) < 0.3)
    camera.set_setting(100, Setting("CAM_ISO", option=Option("800")))
    seen(lambda: world.camera.values["CAM_ISO"] == 800)


def test_the_served_definition_is_one():
    assert set(parse(definition_xml(SUPER35)).settings) >= {"CAM_APERTURE", "CAM_ISO"}
    assert "CAM_APERTURE" not in parse(definition_xml(SUPER35, Lacks.APERTURE)).settings
