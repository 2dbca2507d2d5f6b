"""Gimbal and camera for somebody else's autopilot: what they film, and from where."""

from __future__ import annotations

import time

import numpy as np
import pytest

from cinempc import camera as cameras
from cinempc import vehicle as vehicles
from cinempc.flight.dialect import mavlink
from sim.mavlink import vehicle
from sim.mavlink.host import Port
from sim.mavlink.vehicle import SimulatedPayload
from tests.flight.stage import free_udp

CAMERA = cameras.load("super35_zoom")
#: What the autopilot flies, ENU m/s from its origin, and where that is in the world.
VELOCITY = np.array([2.0, -1.0, 0.5])
ORIGIN = np.array([10.0, 4.0, 0.0])


class Autopilot:
    """Tells 50 times a second where it is, in a time of its own that goes as the wall clock's."""

    def __init__(self, boot: float = 5.0) -> None:
        self._packer = mavlink.MAVLink(None, srcSystem=9, srcComponent=1)
        self._reader = mavlink.MAVLink(None)
        self._began = time.monotonic() - boot
        self._told = 0.0

    def restart(self) -> None:
        self._began = time.monotonic()
        self._told = 0.0

    def late(self, at: float) -> float:
        """How long ago a time of its own was, s."""
        return time.monotonic() - self._began - at

    def tell(self, payload: SimulatedPayload) -> None:
        now = time.monotonic() - self._began
        if now < self._told + 0.02:
            return
        self._told = now
        ms = round(now * 1000)
        east, north, up = VELOCITY * ms / 1000
        ve, vn, vu = VELOCITY
        place = mavlink.MAVLink_local_position_ned_message(ms, north, east, -up, vn, ve, -vu)
        clock = mavlink.MAVLink_system_time_message(1_800_000_000_000_000 + ms * 1000, ms)
        for message in (place, clock):
            for heard in self._reader.parse_buffer(message.pack(self._packer)) or ():
                payload.hear(heard)


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links that nobody else has."""
    links = {"camera": Port(free_udp() - 8, 9), "gimbal": Port(free_udp() - 8, 9)}
    monkeypatch.setattr(vehicle, "_PAYLOAD", links)


def test_a_slow_machine_films_from_where_the_vehicle_was(ports: None) -> None:
    """Pictures that take longer than a picture's time are behind the autopilot, and each is still
    taken from where the vehicle was at the time that it carries."""
    taken: list[tuple[float, float, np.ndarray]] = []
    autopilot = Autopilot()

    def shutter(at: float, acting: float, utc: int, pose, lens) -> None:
        taken.append((at, autopilot.late(at), pose.position))
        time.sleep(1.5 / CAMERA.picture.frame_rate)

    payload = SimulatedPayload(
        vehicles.load("x500_cinema"), CAMERA, instance=8, origin=ORIGIN, shutter=shutter
    )

    def over() -> bool:
        autopilot.tell(payload)
        return bool(taken) and taken[-1][1] > 0.3 and len(taken) > 10

    try:
        payload.run(over)
        before = list(taken)
        taken.clear()
        autopilot.restart()
        payload.run(over)
    finally:
        payload.close()
    # The first ones are left out: the payload knows too little of the past.
    for at, _, position in before[3:] + [shot for shot in taken if shot[0] < 4.0][3:]:
        assert position == pytest.approx(ORIGIN + VELOCITY * at, abs=0.02)
    assert len(taken) > 10


def test_a_machine_that_cannot_keep_up_says_so(ports: None) -> None:
    """What is missed does not come again, and the pictures after it are right."""
    missed: list[float] = []
    taken: list[tuple[float, np.ndarray]] = []
    autopilot = Autopilot()

    def shutter(at: float, acting: float, utc: int, pose, lens) -> None:
        taken.append((at, pose.position))
        if len(taken) == 5:
            time.sleep(1.5)

    payload = SimulatedPayload(
        vehicles.load("x500_cinema"),
        CAMERA,
        instance=8,
        origin=ORIGIN,
        shutter=shutter,
        on_missed=missed.append,
    )

    def over() -> bool:
        autopilot.tell(payload)
        return len(taken) > 20

    try:
        payload.run(over)
    finally:
        payload.close()
    assert missed == [pytest.approx(1.5, abs=0.5)]
    for at, position in taken[-10:]:
        assert position == pytest.approx(ORIGIN + VELOCITY * at, abs=0.02)
