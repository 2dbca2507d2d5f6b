"""The autopilot's local frame leaps in flight, or is elsewhere from the beginning: the vehicle
flies on over the ground as if nothing had been, and heights count from the ground."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest

from cinempc.flight.pilot.phases import FlightPhase
from cinempc.flight.pilot.reasons import AutopilotEvent, FlightReason, PilotEvent
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.px4 import Mode
from cinempc.rig.plan import PlanPoint
from cinempc.rig.state import RigState
from cinempc.rig.trajectory import Trajectory
from sim.mavlink.autopilot.reference import Geodetic
from tests.fakes.vehicle import VEHICLE, VirtualVehicle
from tests.fakes.virtual import VirtualTime
from tests.stories.flown import SPEED, Flown, Station, flight
from tests.stories.test_plan_fence import straight

START = Geodetic()


def moved(east: float, north: float, up: float) -> Geodetic:
    """An origin so far from the first one."""
    return Geodetic(*START.at(np.array([east, north, up])))


async def set_origin(station: Station, origin: Geodetic) -> None:
    station.link.send(
        mavlink.MAVLink_set_gps_global_origin_message(
            station.target.system,
            round(origin.latitude * 1e7),
            round(origin.longitude * 1e7),
            round(origin.altitude * 1e3),
        )
    )


class Watch:
    """What the vehicle truly did since a moment."""

    def __init__(self, flown: Flown) -> None:
        self.flown = flown
        self.off, self.fast, self.leapt = 0.0, 0.0, 0.0
        self._last = flown.pilot.state()
        self._looking = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        flown, vehicle = self.flown, self.flown.vehicle
        while True:
            state = flown.pilot.state()
            since = state.time - self._last.time
            step = state.position - self._last.position - since * state.velocity
            self.leapt = max(self.leapt, float(np.linalg.norm(step)))
            self._last = state
            if flown.plan is not None:
                there = flown.plan.sample(vehicle.simulated.autopilot.time).position
                off = float(np.linalg.norm(there - np.array(vehicle.position)))
                self.off = max(self.off, off)
            self.fast = max(self.fast, vehicle.speed)
            await asyncio.sleep(0.05)

    def flew_on(self) -> None:
        """Over the ground it flew the plan, and what is told of it never leapt."""
        self._looking.cancel()
        assert self.flown.pilot.phase is FlightPhase.FLYING, self.flown.heard
        assert self.flown.vehicle.mode == "OFFBOARD"
        assert self.off < 0.6
        assert self.fast < 1.4 * SPEED
        assert self.leapt < 0.25
        assert self.flown.pilot.refused_plans == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "offset", [(0.0, 0.0, -3.0), (0.0, 20.0, 0.0), (-700.0, 400.0, 60.0)], ids=str
)
def test_a_ground_station_sets_the_origin(
    virtual: VirtualTime, vehicle: VirtualVehicle, offset: tuple[float, float, float]
) -> None:
    """3 m lower, 20 m north, or far away: said, and nothing else changes; home is where it was."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.begin()
            home = flown.pilot.anchor.home
            watch = Watch(flown)
            await set_origin(station, moved(*offset))
            await flown.sleep(4.0)
            watch.flew_on()
            (leapt,) = flown.heard.of(PilotEvent.FRAME_LEAPT)
            found = [leapt.data[name] for name in ("east", "north", "up")]
            assert found == pytest.approx([-x for x in offset], abs=0.2)
            assert AutopilotEvent.ORIGIN_SET in flown.heard
            assert flown.pilot.anchor.home == pytest.approx(home, abs=0.2)
            assert not flown.pilot.anchor.drift.any()

    virtual.run(story())


def test_the_estimator_begins_anew(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """It has the vehicle 3 m from where it had it, with the origin where it was: the course goes
    with it, while home and fence stay where they are on the earth."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            home = flown.pilot.anchor.home
            watch = Watch(flown)
            vehicle.simulated.autopilot.correct((2.0, -2.0, 1.0))
            await flown.sleep(4.0)
            watch.flew_on()
            assert PilotEvent.FRAME_LEAPT in flown.heard
            assert AutopilotEvent.ORIGIN_SET not in flown.heard
            assert flown.pilot.anchor.home - home == pytest.approx([-2.0, 2.0, -1.0], abs=0.2)
            assert flown.pilot.anchor.drift == pytest.approx([-2.0, 2.0, -1.0], abs=0.2)

    virtual.run(story())


@pytest.mark.slow
def test_the_heading_leaps(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """By 20 degrees: neither nose nor course nor camera lurches; the nose follows slowly."""

    async def story() -> None:
        autopilot = vehicle.simulated.autopilot
        async with flight(vehicle) as flown:
            await flown.begin()
            watch, nose = Watch(flown), autopilot.attitude[0]
            camera = vehicle.simulated.gimbal.angles[0]
            autopilot.correct((0.0, 0.0, 0.0), turn=math.radians(20))
            await flown.sleep(1.5)
            (leapt,) = flown.heard.of(PilotEvent.HEADING_LEAPT)
            assert leapt.data["turn"] == pytest.approx(20, abs=1.0)
            assert math.degrees(nose - autopilot.attitude[0]) < 5.0
            await flown.sleep(11.0)
            assert math.degrees(nose - autopilot.attitude[0]) == pytest.approx(20, abs=2.0)
            assert vehicle.simulated.gimbal.angles[0] == pytest.approx(camera, abs=0.02)
            watch.flew_on()

    virtual.run(story())


@pytest.mark.parametrize("leaps", ["while it was not heard", "again and again"])
def test_a_leap_that_cannot_be_known(
    virtual: VirtualTime, vehicle: VirtualVehicle, leaps: str
) -> None:
    """The frame leaps while no position comes, or again and again: the vehicle is handed to the
    autopilot, which holds it where it is, and the log says why."""

    async def story() -> None:
        autopilot = vehicle.simulated.autopilot
        async with flight(vehicle) as flown:
            await flown.begin()
            if leaps == "again and again":
                for north in (5.0, -5.0, 5.0, -5.0, 5.0, -5.0):
                    autopilot.correct((0.0, north, 0.0))
                    await flown.sleep(0.2)
            else:
                vehicle.onboard.down.loss = 1.0
                await flown.sleep(0.7)
                autopilot.correct((0.0, 2.0, 0.0))
                await flown.sleep(0.5)
                vehicle.onboard.down.loss = 0.0
            await flown.until(lambda: vehicle.mode == "HOLD")
            assert flown.pilot.over.reason is FlightReason.FRAME_LOST
            assert PilotEvent.STREAM_ENDED in flown.heard
            await flown.rests()
            assert vehicle.position[2] == pytest.approx(8.0, abs=1.0)

    virtual.run(story())


@pytest.mark.slow
@pytest.mark.parametrize("drift", [3.0, -3.0])
def test_heights_count_from_the_ground(virtual: VirtualTime, drift: float) -> None:
    """The estimator's origin is 3 m above or below the ground by the time of the take-off: what is
    flown and told is above the ground all the same."""

    async def story(vehicle: VirtualVehicle) -> None:
        autopilot = vehicle.simulated.autopilot
        async with flight(vehicle) as flown:
            await flown.until(lambda: flown.pilot.autopilot.positioned)
            assert flown.pilot.state().position[2] == pytest.approx(0.0, abs=0.1)
            autopilot.correct((0.0, 0.0, drift))
            await flown.sleep(3.0)
            await flown.pilot.take_off(3.0)
            await flown.pilot.fly()
            await flown.sleep(1.0)
            assert flown.pilot.state().position[2] == pytest.approx(vehicle.position[2], abs=0.15)
            assert flown.pilot.anchor.home[2] == pytest.approx(0.0, abs=0.15)
            flown.direct()
            await flown.sleep(3.0)
            assert max(flown.off) < 0.5
            assert vehicle.position[2] == pytest.approx(3.0, abs=0.5)

    vehicle = VirtualVehicle(virtual.clock)
    virtual.run(story(vehicle))
    vehicle.close()


def test_heights_in_the_air_count_from_where_it_took_off(
    virtual: VirtualTime, vehicle: VirtualVehicle
) -> None:
    """It is met in the air, 8 m above where it took off; its origin has been set since."""

    async def story() -> None:
        vehicle.simulated.autopilot.set_origin(moved(0.0, 0.0, -5.0))
        async with flight(vehicle) as flown:
            assert flown.pilot.state().position[2] == pytest.approx(8.0, abs=0.2)
            assert PilotEvent.NO_GROUND not in flown.heard

    virtual.run(story())


@pytest.mark.slow
@pytest.mark.parametrize("sensor", [True, False], ids=["sensor", "altitude"])
def test_it_is_not_flown_into_the_ground(
    virtual: VirtualTime, vehicle: VirtualVehicle, sensor: bool
) -> None:
    """The pilot takes itself to be 4 m higher than it is, and is led down: what looks down, or the
    altitude, knows better, and the vehicle is held above the ground."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            flown.stall()
            pilot = flown.pilot
            if not sensor:
                pilot.autopilot.clearance = None
                pilot.link._handlers.pop("DISTANCE_SENSOR")
            pilot.anchor.frame = pilot.anchor.frame.with_height(0.0, 4.0)
            pilot._trajectory = Trajectory(VEHICLE, flown_here(pilot.state()), 0.0)

            async def down() -> None:
                while True:
                    state = pilot.state()
                    pilot.follow(straight(state.position, np.array([0, 0, -1.0]), state.time))
                    await asyncio.sleep(0.1)

            leading = asyncio.ensure_future(down())
            await flown.until(lambda: vehicle.mode == "HOLD")
            leading.cancel()
            assert pilot.refused_plans < 5
            assert pilot.over.reason is FlightReason.TOO_LOW
            assert pilot.over.data["source"] == f"its {'distance sensor' if sensor else 'altitude'}"
            await flown.rests()
            assert 0.2 < vehicle.position[2] < 1.6

    virtual.run(story())


def flown_here(state: RigState) -> PlanPoint:
    """The vehicle's state as where a trajectory begins."""
    still = np.zeros(3)
    aim = np.array([state.camera.yaw, state.camera.pitch, 0.0])
    return PlanPoint(state.time, state.position, still, still, still, aim, still, state.lens)


def test_who_takes_over_decides_also_after_a_leap(
    virtual: VirtualTime, vehicle: VirtualVehicle
) -> None:
    """A leap right when somebody changes the mode orders nothing."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.begin()
            await station.choose(Mode.LAND)
            vehicle.simulated.autopilot.correct((0.0, 9.0, 0.0))
            await flown.until(lambda: flown.pilot.over is not None)
            await flown.sleep(1.0)
            assert vehicle.mode == "LAND"

    virtual.run(story())
