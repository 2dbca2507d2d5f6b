"""MAVSDK's camera client, which is not ours, against the simulated camera, over UDP."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cinempc.mavlink.dialect import mavlink
from sim.mavlink.camera.definition import definition_xml
from sim.mavlink.host import Port
from tests.fakes.camera import SUPER35, World
from tests.live.network import free_port

PATIENCE = 30.0  # wall s: the machine may be busy


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


@contextlib.contextmanager
def filming() -> Iterator[tuple[World, int]]:
    """A camera whose time goes on in a thread, and the port that its client listens on."""
    port, over = free_port(), threading.Event()
    with serving(definition_xml(SUPER35)) as uri:
        world = World(Port(0, port), uri=uri)
        thread = threading.Thread(target=world.host.run, args=(1.0, over.is_set))
        thread.start()
        try:
            yield world, port
        finally:
            over.set()
            thread.join()
            world.close()


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

    with filming() as (world, port):
        sdk = Mavsdk(Configuration.create_with_component_type(ComponentType.GROUND_STATION))
        sdk.add_any_connection(f"udpin://127.0.0.1:{port}")
        seen(lambda: [s for s in sdk.get_systems() if s.has_camera()])
        system = next(s for s in sdk.get_systems() if s.has_camera())
        camera = Camera(system)
        seen(lambda: camera.camera_list().cameras)
        try:
            yield world, camera
        finally:
            sdk.destroy()


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
    seen(lambda: world.camera.capture.images >= 1)
    storage = attempt(lambda: camera.get_storage(100))
    assert storage.total_storage_mib == pytest.approx(65536)

    def offered() -> str:
        uri: str = camera.get_video_stream_info(100).settings.uri
        assert uri
        return uri

    assert str(attempt(offered)).startswith("rtsp://127.0.0.1:8554/")


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
