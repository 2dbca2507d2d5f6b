"""Gimbal and camera for somebody else's autopilot: what they film, and from where. In virtual
time, which goes on while a picture is taken, and else when there is nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cinempc.mavlink.dialect import mavlink
from cinempc.rig import camera as cameras
from cinempc.rig import vehicle as vehicles
from sim.mavlink.filming import Shutter
from sim.mavlink.host import SLICE
from sim.mavlink.payload import SimulatedPayload
from tests.fakes.vehicle import DefinitionFile
from tests.fakes.virtual import VirtualClock
from tests.fakes.wire import MemoryWire

CAMERA = cameras.load("super35_zoom")
#: What the autopilot flies, ENU m/s from its origin, and where that is in the world.
VELOCITY = np.array([2.0, -1.0, 0.5])
ORIGIN = np.array([10.0, 4.0, 0.0])


class Autopilot:
    """Tells 50 times a second where it is, in a time of its own that goes as the wall clock's."""

    def __init__(self, clock: VirtualClock, boot: float = 5.0) -> None:
        self._clock = clock
        self._packer = mavlink.MAVLink(None, srcSystem=9, srcComponent=1)
        self._reader = mavlink.MAVLink(None)
        self._began = self._clock.now() - boot
        self._told = 0.0
        self.origin = np.zeros(3)  # of what it tells, ENU m from where it began

    def restart(self) -> None:
        self._began = self._clock.now()
        self._told = 0.0

    def late(self, at: float) -> float:
        """How long ago a time of its own was, s."""
        return self._clock.now() - self._began - at

    def tell(self, payload: SimulatedPayload) -> None:
        now = self._clock.now() - self._began
        if now < self._told + 0.02:
            return
        self._told = now
        ms = round(now * 1000)
        east, north, up = VELOCITY * ms / 1000 - self.origin
        ve, vn, vu = VELOCITY
        place = mavlink.MAVLink_local_position_ned_message(ms, north, east, -up, vn, ve, -vu)
        clock = mavlink.MAVLink_system_time_message(1_800_000_000_000_000 + ms * 1000, ms)
        for message in (place, clock):
            self.say(payload, message)

    def say(self, payload: SimulatedPayload, message: Any) -> None:
        for heard in self._reader.parse_buffer(message.pack(self._packer)) or ():
            payload.hear(heard)


class Filming:
    """A payload, its autopilot, and their time."""

    def __init__(self, shutter: Shutter, **options: Any) -> None:
        self.clock = VirtualClock()
        self.autopilot = Autopilot(self.clock)
        self._wires = MemoryWire(), MemoryWire()
        self.payload = SimulatedPayload(
            vehicles.load("x500_cinema"),
            CAMERA,
            instance=8,
            origin=ORIGIN,
            shutter=shutter,
            links={"camera": self._wires[0].vehicle, "gimbal": self._wires[1].vehicle},
            publish=DefinitionFile,
            wall=self.clock,
            **options,
        )

    def until(self, done: Callable[[], bool]) -> None:
        end = self.clock.now() + 60.0
        while not done():
            assert self.clock.now() < end, "it does not come to that"
            self.autopilot.tell(self.payload)
            if not self.payload.keep_up():
                self.clock.advance(SLICE / 4)

    def close(self) -> None:
        self.payload.close()
        for wire in self._wires:
            wire.close()


def test_a_slow_machine_films_from_where_the_vehicle_was() -> None:
    """Pictures that take longer than a picture's time are behind the autopilot, and each is still
    taken from where the vehicle was at the time that it carries."""
    taken: list[tuple[float, float, np.ndarray]] = []

    def shutter(at: float, acting: float, utc: int, pose, lens) -> None:
        taken.append((at, filming.autopilot.late(at), pose.position))
        filming.clock.advance(1.5 / CAMERA.picture.frame_rate)

    filming = Filming(shutter)

    def over() -> bool:
        return bool(taken) and taken[-1][1] > 0.3 and len(taken) > 10

    filming.until(over)
    before = list(taken)
    taken.clear()
    filming.autopilot.restart()
    filming.until(over)
    filming.close()
    # The first ones are left out: the payload knows too little of the past.
    for at, _, position in before[3:] + [shot for shot in taken if shot[0] < 4.0][3:]:
        assert position == pytest.approx(ORIGIN + VELOCITY * at, abs=0.02)
    assert len(taken) > 10


def test_a_machine_that_cannot_keep_up_says_so() -> None:
    """What is missed does not come again, and the pictures after it are right."""
    missed: list[float] = []
    taken: list[tuple[float, np.ndarray]] = []

    def shutter(at: float, acting: float, utc: int, pose, lens) -> None:
        taken.append((at, pose.position))
        if len(taken) == 5:
            filming.clock.advance(1.5)

    filming = Filming(shutter, on_missed=missed.append)
    filming.until(lambda: len(taken) > 20)
    filming.close()
    assert missed == [pytest.approx(1.5, abs=0.05)]
    for at, position in taken[-10:]:
        assert position == pytest.approx(ORIGIN + VELOCITY * at, abs=0.02)


def test_the_autopilots_origin_is_set_elsewhere() -> None:
    """The vehicle has not moved by that, and neither has the camera."""
    taken: list[tuple[float, Any]] = []
    filming = Filming(lambda now, acting, utc, pose, lens: taken.append((now, pose.position)))
    filming.until(lambda: len(taken) > 5)
    filming.autopilot.origin = np.array([3.0, -20.0, -3.0])
    filming.until(lambda: len(taken) > 15)
    for now, place in taken[1:]:
        assert place == pytest.approx(ORIGIN + now * VELOCITY, abs=0.15)
    filming.close()


def test_heights_of_the_camera_count_from_home() -> None:
    """The ground is 2 m above the autopilot's origin by the time that it sets its home."""
    taken: list[tuple[float, Any]] = []
    filming = Filming(lambda now, acting, utc, pose, lens: taken.append((now, pose.position)))
    filming.until(lambda: len(taken) > 3)
    unset = [0.0] * 4
    home = mavlink.MAVLink_home_position_message(1, 2, 3, 0, 0, -2.0, unset, 0, 0, 0, 5_000_000)
    filming.autopilot.say(filming.payload, home)
    count = len(taken)
    filming.until(lambda: len(taken) > count + 3)
    now, place = taken[-1]
    assert place == pytest.approx(ORIGIN + now * VELOCITY - [0, 0, 2.0], abs=0.15)
    filming.close()
