"""A flight in a test: the pilot on a simulated vehicle that hovers, and somebody who plans; all in
one event loop, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import numpy as np

from cinempc.flight import identify
from cinempc.flight.config import Flight
from cinempc.flight.pilot.pilot import Pilot
from cinempc.mavlink.commands import Target, command
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.transport import Transport
from cinempc.rig.camera import LensState
from cinempc.rig.clock import Clock
from cinempc.rig.plan import ANGLES, LENS, POSITION, Plan, lens_vector
from cinempc.rig.state import CameraPose, RigState
from cinempc.safety import limits as safety
from tests.fakes.events import Heard
from tests.fakes.peer import heartbeat
from tests.fakes.vehicle import CAMERA, VEHICLE, VirtualVehicle

SAFETY = safety.load("default")
#: Longest that anything may take, s.
PATIENCE = 60.0
#: Of the circle that is flown, m/s.
SPEED = 1.5
#: How often it is planned, and how far, vehicle s.
PERIOD, HORIZON = 0.1, 2.0


class Flown:
    """The pilot, what it said, and what flies."""

    def __init__(self, vehicle: VirtualVehicle) -> None:
        self.vehicle = vehicle
        self.heard = Heard().start()
        self.pilot = Pilot(
            Flight(name="test", connection="onboard"),
            VEHICLE,
            CAMERA,
            SAFETY,
            wall=vehicle.clock,
            connect=vehicle.connect,
        )
        self._planning: asyncio.Task[None] | None = None
        self.plan: Plan | None = None
        self.off: list[float] = []  # from what was planned, m, at every report of the position
        self.pilot.link.on("LOCAL_POSITION_NED", self._measure)

    def _measure(self, message: Any) -> None:
        plan = self.plan
        if self.pilot.autopilot.position is None or plan is None:
            return
        state = self.pilot.state()
        if plan.start < state.time < plan.end:
            off = plan.sample(state.time).position - state.position
            self.off.append(float(np.linalg.norm(off)))

    async def until(
        self, done: Callable[[], object], what: str = "it did not come to pass"
    ) -> None:
        clock = self.vehicle.clock
        deadline = clock.now() + PATIENCE
        while not done():
            assert clock.now() < deadline, f"{what}; the log: {self.heard}"
            await asyncio.sleep(0.02)

    async def sleep(self, seconds: float) -> None:
        """Vehicle time."""
        end = self.pilot.clock.now() + seconds
        await self.until(lambda: self.pilot.clock.now() > end)

    # --- whoever plans ---

    def direct(self, speed: float = SPEED) -> None:
        """Plan a circle from here, again and again, as a controller does."""
        self.plan = circle_from(self.pilot.state(), self.pilot.clock.now() + 0.4, speed)
        self.off.clear()
        self._planning = asyncio.ensure_future(self._direct(self.plan))

    async def _direct(self, whole: Plan) -> None:
        while True:
            self.pilot.follow(ahead(whole, self.pilot.clock.now()))
            await asyncio.sleep(PERIOD / max(self.pilot.clock.rate, 0.1))

    def stall(self) -> None:
        """No more plans come."""
        if self._planning is not None:
            self._planning.cancel()
        self._planning = self.plan = None

    async def begin(self, speed: float = SPEED) -> None:
        """Fly, and follow a circle until it is at speed."""
        await self.until(lambda: self.pilot.autopilot.positioned, "it has no position")
        await self.pilot.fly()
        await self.sleep(0.5)
        self.direct(speed)
        await self.until(lambda: self.speed > 0.8 * speed, "it does not begin")

    @property
    def speed(self) -> float:
        """As reported, m/s."""
        place = self.pilot.autopilot.position
        return 0.0 if place is None else float(np.linalg.norm(place.velocity))

    async def rests(self) -> None:
        """Wait until the vehicle truly stands."""
        await self.until(lambda: self.vehicle.speed < 0.15, "it does not come to rest")


@functools.cache
def _circle(speed: float) -> Plan:
    """Many laps around nowhere; it takes a while to work out."""
    nowhere = RigState(
        time=0.0,
        position=np.zeros(3),
        velocity=np.zeros(3),
        attitude=(0.0, 0.0, 0.0),
        camera=CameraPose(np.zeros(3), 0.0, 0.0, 0.0),
        camera_rates=np.zeros(3),
        lens=LensState(35.0, 10.0, 4.0),
    )
    return identify.circle(nowhere, VEHICLE.limits, 0.0, speed=speed, laps=15)


def circle_from(state: RigState, time: float, speed: float = SPEED) -> Plan:
    """Circles from where the vehicle is, from a time on, with camera and nose as they are."""
    circle = _circle(speed)
    states = circle.states.copy()
    states[:, POSITION] += state.position
    states[:, ANGLES] = state.camera.yaw, state.camera.pitch, 0.0
    states[:, LENS] = lens_vector(state.lens)
    headings = np.full(len(states), state.attitude[0])
    return Plan(circle.times + time, states, circle.inputs, headings)


def ahead(whole: Plan, now: float) -> Plan:
    """The next part of a plan."""
    node = whole.times[1] - whole.times[0]
    first = min(max(int((now - whole.start) / node), 0), len(whole.times) - 2)
    last = min(first + round(HORIZON / node), len(whole.times) - 1)
    return Plan(
        whole.times[first : last + 1],
        whole.states[first : last + 1],
        whole.inputs[first:last],
        whole.headings[first : last + 1],
    )


@contextlib.asynccontextmanager
async def flight(vehicle: VirtualVehicle) -> AsyncIterator[Flown]:
    """A pilot that is connected to the vehicle."""
    vehicle.start()
    flown = Flown(vehicle)
    try:
        await flown.pilot.open()
        yield flown
    finally:
        flown.stall()
        await flown.pilot.close()
        flown.heard.stop()


class Stationed(Protocol):
    """A vehicle that a ground station can be connected to."""

    system: int
    clock: Clock

    def connect_station(self) -> Transport: ...


class Station:
    """QGroundControl on the ground station's link, with a joystick."""

    def __init__(self, vehicle: Stationed) -> None:
        self.target = Target(vehicle.system, 1)
        self.link = Link(
            vehicle.connect_station(),
            system=255,
            component=mavlink.MAV_COMP_ID_MISSIONPLANNER,
            wall=vehicle.clock,
        )
        self.heartbeats = 0

    async def __aenter__(self) -> Station:
        self.link.open()
        self._beating = asyncio.ensure_future(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._beating.cancel()
        self.link.close()

    async def _beat(self) -> None:
        while True:
            self.link.send(heartbeat(mavlink.MAV_TYPE_GCS, mavlink.MAV_AUTOPILOT_INVALID))
            self.heartbeats += 1
            for _ in range(4):
                # Sticks in the middle: without any, PX4 takes no manual mode in the air.
                self.link.send(
                    mavlink.MAVLink_manual_control_message(self.target.system, 0, 0, 500, 0, 0)
                )
                await asyncio.sleep(0.05)

    async def order(self, number: int, *params: float) -> None:
        await command(self.link, self.target, number, *params)

    async def choose(self, mode: Mode) -> None:
        """What the person with the tablet or the sticks wants."""
        await self.order(mavlink.MAV_CMD_DO_SET_MODE, 1.0, *map(float, mode.value))
