"""The check before the flight; and MAVSDK, whose makers are not ours, as a client of the simulated
vehicle."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from cinempc.flight import config
from cinempc.flight.pilot.autopilot import Autopilot
from cinempc.flight.preflight import checks as preflight
from cinempc.flight.preflight.finding import PreflightEvent
from cinempc.flight.preflight.process import mavsdk_url
from cinempc.mavlink.commands import command
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import LinkError, Transport
from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.safety.fence import Fence
from sim.mavlink.autopilot import reports
from tests.fakes.events import Heard
from tests.live import network

pytest.importorskip("mavsdk")

SITL = config.load("sitl")
PATIENCE = 40.0
#: Of PX4 that the simulated vehicle says it is.
VERSION = reports.VERSION >> 24 & 0xFF, reports.VERSION >> 16 & 0xFF


def at(address: str, **fields: Any) -> config.Flight:
    return SITL.model_copy(update={"connection": address, **fields})


@pytest.fixture(scope="module")
def vehicle() -> Iterator[str]:
    """A simulated vehicle; its connection string."""
    with network.simulated() as (address, _):
        yield address


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def station() -> Iterator[Any]:
    """MAVSDK as a ground station, closed at the end."""
    from mavsdk import ComponentType, Configuration, Mavsdk, log_subscribe

    log_subscribe(lambda *line: True)
    sdk = Mavsdk(Configuration.create_with_component_type(ComponentType.GROUND_STATION))
    try:
        yield sdk
    finally:
        sdk.destroy()


# --- connection strings ---


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("udpin:0.0.0.0:14540", "udpin://0.0.0.0:14540"),
        ("udp:127.0.0.1:14550", "udpin://127.0.0.1:14550"),
        ("udpout:192.168.1.10:14550", "udpout://192.168.1.10:14550"),
        ("tcp:127.0.0.1:5760", "tcpout://127.0.0.1:5760"),
        ("tcpin:0.0.0.0:5760", "tcpin://0.0.0.0:5760"),
        ("/dev/ttyACM0:921600", "serial:///dev/ttyACM0:921600"),
        ("serial:/dev/ttyUSB0:57600", "serial:///dev/ttyUSB0:57600"),
        ("/dev/serial/by-id/usb-3D_Robotics:57600", "serial:///dev/serial/by-id/usb-3D_Robotics:57600"),
    ],
)  # fmt: skip
def test_connection_strings(ours, theirs):
    assert mavsdk_url(ours) == theirs


@pytest.mark.parametrize("wrong", ["udpin:14540", "udpin:0.0.0.0", "http://x:1", "udpin:::", ""])
def test_what_is_no_connection_string(wrong):
    with pytest.raises(LinkError, match="connections look like udpin"):
        mavsdk_url(wrong)


@pytest.mark.parametrize(
    "ours", ["udpin:127.0.0.1:{}", "udpout:127.0.0.1:{}", "tcpin:127.0.0.1:{}"]
)
def test_mavsdk_takes_them(ours):
    from mavsdk import ConnectionResult, log_subscribe

    log_subscribe(lambda *line: True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with station() as sdk:
        result = sdk.add_any_connection(mavsdk_url(ours.format(port)))
        assert result == ConnectionResult.SUCCESS


# --- nobody to ask ---


def test_a_port_that_is_taken():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        address = f"udpin:127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(LinkError, match=r"cannot be opened .*belongs to another program"):
            preflight.check(at(address))


def test_a_vehicle_that_is_not_there(vehicle):
    with pytest.raises(LinkError, match="no system 99 was heard"):
        preflight.check(at(vehicle, vehicle_system=99))
    assert is_free(port_of(vehicle))


# --- a vehicle that answers ---


def test_a_vehicle_that_is_fit(vehicle):
    with Heard() as heard:
        found = preflight.check(at(vehicle))
    assert found.ready
    # It has just been switched on: it may have been waited for.
    assert {event.kind for event in heard.events} <= {PreflightEvent.WAITING}
    assert found.problems == ()
    assert found.version == f"{VERSION[0]}.{VERSION[1]}.0"
    assert found.battery == pytest.approx(1.0)
    assert found.voltage == pytest.approx(16.2)
    assert (found.satellites, found.fix) == (16, "3d")
    assert found.home.latitude == pytest.approx(47.397742, abs=1e-6)
    assert found.home.longitude == pytest.approx(8.545594, abs=1e-6)
    assert found.home.altitude == pytest.approx(488.0, abs=1.0)
    assert np.allclose(found.home.local, 0, atol=0.1)
    assert not found.fenced


def test_nothing_is_left_behind_and_the_pilot_can_open_the_port(vehicle):
    threads = threading.active_count()
    preflight.check(at(vehicle))
    assert multiprocessing.active_children() == []
    assert threading.active_count() == threads
    assert is_free(port_of(vehicle))

    async def connect() -> tuple[int, int, int] | None:
        link = Link(Transport(vehicle))
        link.open()
        pilot = Autopilot(link, VehicleClock())
        try:
            await pilot.connect(PATIENCE)
        finally:
            link.close()
        return pilot.version

    assert asyncio.run(connect()) == (*VERSION, 0)


def test_a_vehicle_that_is_not_ready_yet():
    with network.simulated(speed=0.2) as (address, _):  # ready after 20 s
        found = preflight.check(at(address), wait=0.0)
        assert not found.ready
        assert any("would not arm" in problem for problem in found.problems)


def test_a_vehicle_without_satellites():
    with network.simulated() as (address, _):

        async def lose() -> None:
            link = Link(Transport(address))
            link.open()
            pilot = Autopilot(link, VehicleClock())
            try:
                await pilot.connect(PATIENCE)
                await pilot.parameter("SYS_FAILURE_EN", 1)
                await command(link, pilot.target, 420, 4.0, 1.0)  # inject: GPS, off
            finally:
                link.close()

        asyncio.run(lose())
        found = preflight.check(at(address), Fence(radius="50 m"), wait=1.0)
    assert not found.ready
    assert any("would not arm" in problem for problem in found.problems)
    assert any("only 0 satellites" in warning for warning in found.warnings)


# --- its fence ---


def until(done: Callable[[], Any], timeout: float = PATIENCE) -> Any:
    end = time.monotonic() + timeout
    while not (found := done()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)
    return found


def asking(address: str, work: Callable[[Any], Any]) -> Any:
    """Ask a vehicle something as MAVSDK does: by a connected system."""
    with station() as sdk:
        sdk.add_any_connection(mavsdk_url(address))
        system = sdk.first_autopilot(PATIENCE)
        assert system is not None
        return work(system)


def areas(address: str) -> Any:
    from mavsdk.plugins.geofence import Geofence

    return asking(address, lambda system: Geofence(system).download_geofence())


def parameter(address: str, name: str) -> float:
    from mavsdk.plugins.param import Param

    def ask(system: Any) -> float:
        plugin = Param(system)
        whole = name in ("GF_ACTION", "COM_OBL_RC_ACT")
        return float(plugin.get_param_int(name) if whole else plugin.get_param_float(name))

    return asking(address, ask)


def test_a_circle_and_a_ceiling(vehicle):
    fence = Fence(radius="60 m", height="35 m", action="land")
    found = preflight.check(at(vehicle), fence)
    assert found.problems == ()
    assert found.fenced
    (circle,) = areas(vehicle).circles
    assert circle.radius == pytest.approx(60.0)
    assert circle.point.latitude_deg == pytest.approx(found.home.latitude, abs=2e-7)
    assert circle.point.longitude_deg == pytest.approx(found.home.longitude, abs=2e-7)
    assert parameter(vehicle, "GF_MAX_HOR_DIST") == 60
    assert parameter(vehicle, "GF_MAX_VER_DIST") == 35
    assert parameter(vehicle, "GF_ACTION") == 5
    # Whoever flies without a fence later is told of the one that is there.
    (warning,) = preflight.check(at(vehicle)).warnings
    assert "1 area, GF_MAX_HOR_DIST 60 m, GF_MAX_VER_DIST 35 m" in warning


def test_a_polygon_is_where_the_script_has_it(vehicle):
    corners = [[80, 0], [120, 0], [120, 60], [80, 40]]
    found = preflight.check(
        at(vehicle), Fence(polygon=corners), origin=np.array([100.0, 10.0, 0.0])
    )
    assert found.problems == ()
    (polygon,) = areas(vehicle).polygons
    assert areas(vehicle).circles == []
    seen = [(p.latitude_deg, p.longitude_deg) for p in polygon.points]
    metre = 180 / (np.pi * 6371000)
    wide = metre / np.cos(np.radians(47.397742))
    wanted = [(47.397742 + (y - 10) * metre, 8.545594 + (x - 100) * wide) for x, y in corners]
    assert np.allclose(seen, wanted, atol=1e-6)
    assert parameter(vehicle, "GF_ACTION") == 2


def test_a_fence_around_somewhere_else(vehicle):
    fence = Fence(polygon=[[50, 50], [90, 50], [90, 90], [50, 90]])
    found = preflight.check(at(vehicle), fence)
    assert not found.fenced
    (problem,) = found.problems
    assert "the take-off point is 70.7 m outside the fence" in problem


def test_what_a_return_would_run_into(vehicle):
    found = preflight.check(at(vehicle), Fence(radius="60 m", height="20 m"))
    assert found.ready
    assert any("RTL_RETURN_ALT, 30 m" in warning for warning in found.warnings)
    assert any("COM_OBL_RC_ACT" in warning for warning in found.warnings)


# --- MAVSDK flies it ---


def test_mavsdk_arms_takes_off_holds_returns_and_lands():
    from mavsdk.plugins.action import Action, ActionError
    from mavsdk.plugins.info import Info
    from mavsdk.plugins.telemetry import FlightMode, LandedState, Telemetry

    with network.simulated(speed=2.0) as (address, _), station() as sdk:
        sdk.add_any_connection(mavsdk_url(address))
        system = sdk.first_autopilot(PATIENCE)
        telemetry, action = Telemetry(system), Action(system)
        until(lambda: telemetry.health().is_armable)
        assert telemetry.health_all_ok()
        version = Info(system).get_version()
        assert (version.flight_sw_major, version.flight_sw_minor) == VERSION
        action.set_takeoff_altitude(5.0)
        assert action.get_takeoff_altitude() == 5.0
        action.arm()
        until(telemetry.armed)
        action.takeoff()
        until(lambda: telemetry.flight_mode() == FlightMode.TAKEOFF)
        until(lambda: telemetry.position().relative_altitude_m > 4.5)
        assert telemetry.in_air()
        with pytest.raises(ActionError, match="COMMAND_DENIED"):
            action.disarm()
        action.hold()
        until(lambda: telemetry.flight_mode() == FlightMode.HOLD)
        action.return_to_launch()
        until(lambda: telemetry.flight_mode() == FlightMode.RETURN_TO_LAUNCH)
        action.land()
        until(lambda: telemetry.flight_mode() == FlightMode.LAND)
        until(lambda: telemetry.landed_state() == LandedState.ON_GROUND)
        until(lambda: not telemetry.armed())
        home = telemetry.home()
        place = telemetry.position()
        assert place.latitude_deg == pytest.approx(home.latitude_deg, abs=1e-5)
        assert place.longitude_deg == pytest.approx(home.longitude_deg, abs=1e-5)


def test_mavsdk_fences_it_and_reads_it_back(vehicle):
    from mavsdk.plugins.geofence import Circle, FenceType, Geofence, GeofenceData, Point, Polygon

    def work(system: Any) -> None:
        fence = Geofence(system)
        corners = [(47.396, 8.544), (47.399, 8.544), (47.399, 8.547), (47.396, 8.547)]
        data = GeofenceData(
            polygons=[Polygon([Point(*corner) for corner in corners], FenceType.INCLUSION)],
            circles=[Circle(Point(47.3985, 8.5465), 15.0, FenceType.EXCLUSION)],
        )
        fence.upload_geofence(data)
        found = fence.download_geofence()
        (polygon,), (circle,) = found.polygons, found.circles
        assert polygon.fence_type == FenceType.INCLUSION
        seen = [(p.latitude_deg, p.longitude_deg) for p in polygon.points]
        assert np.allclose(seen, corners, atol=1e-7)
        assert circle.fence_type == FenceType.EXCLUSION
        assert circle.radius == 15
        fence.clear_geofence()
        empty = fence.download_geofence()
        assert empty.polygons == []
        assert empty.circles == []

    asking(vehicle, work)
