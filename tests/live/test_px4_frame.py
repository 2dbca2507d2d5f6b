"""On real PX4: its local frame is set elsewhere on the ground and in flight. Where the vehicle
truly is, GLOBAL_POSITION_INT says, which no origin touches."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from cinempc.flight.pilot.phases import FlightPhase
from cinempc.flight.pilot.reasons import FlightError, PilotEvent
from cinempc.mavlink import geodesy
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.telemetry import EarthPosition
from cinempc.mavlink.transport import Transport
from cinempc.rig.clock import WALL, Clock
from tests.live import network
from tests.stories.flown import SPEED, Flown, Station, _circle

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(network.px4_build() is None, reason="PX4_BUILD is not set"),
]

#: Farthest from the plan, m, and how far GLOBAL_POSITION_INT may be behind, m: it is 0.2 s old.
OFF, BEHIND = 0.5, 0.6


class Px4:
    """PX4's ends of its links."""

    clock: Clock = WALL

    def __init__(self, address: str, instance: int) -> None:
        self.address, self.instance, self.system = address, instance, 1 + instance

    def connect(self, name: str) -> Transport:
        return Transport(self.address)

    def connect_station(self) -> Transport:
        return Transport(f"udpout:127.0.0.1:{18570 + self.instance}")


async def take_off(flown: Flown) -> None:
    for _ in range(40):
        try:
            return await flown.pilot.take_off(6.0)
        except FlightError:  # it is not ready to be armed yet
            await asyncio.sleep(2.0)
    raise AssertionError(flown.heard)


def east_north_up(of: EarthPosition, since: EarthPosition) -> np.ndarray:
    place = since.latitude, since.longitude, of.latitude, of.longitude
    return np.array([*geodesy.offset(*place), of.altitude - since.altitude])


async def flies_on(flown: Flown, seconds: float) -> None:
    """It does what is planned, as if nothing had been."""
    autopilot = flown.pilot.autopilot
    flown.off.clear()
    earth, world = autopilot.on_earth, flown.pilot.state().position
    assert earth is not None
    fastest = behind = 0.0
    end = WALL.now() + seconds
    while WALL.now() < end:
        await asyncio.sleep(0.02)
        assert autopilot.on_earth is not None
        moved = east_north_up(autopilot.on_earth, earth)
        off = moved - (flown.pilot.state().position - world)
        behind = max(behind, float(np.linalg.norm(off)))
        fastest = max(fastest, flown.speed)
    assert flown.pilot.phase is FlightPhase.FLYING, flown.heard
    assert flown.pilot.refused_plans == 0, flown.heard
    assert max(flown.off) < OFF
    assert behind < BEHIND
    assert fastest < 1.3 * SPEED


def test_the_origin_is_set_before_the_take_off_and_in_flight() -> None:
    with network.px4(COM_OF_LOSS_T=5.0) as (address, instance):
        vehicle = Px4(address, instance)
        _circle(SPEED)  # it takes a second to work out, which a stream has not

        async def story() -> None:
            flown: Any = Flown(vehicle)
            autopilot = flown.pilot.autopilot
            async with Station(vehicle) as station:

                async def set_origin(east: float, north: float, up: float) -> None:
                    place = geodesy.at(origin.latitude, origin.longitude, east, north)
                    station.link.send(
                        mavlink.MAVLink_set_gps_global_origin_message(
                            vehicle.system,
                            *(round(x * 1e7) for x in place),
                            round((origin.altitude + up) * 1e3),
                        )
                    )

                await flown.pilot.open()
                await flown.until(lambda: autopilot.positioned and autopilot.origin is not None)
                origin = autopilot.origin
                await set_origin(0.0, 0.0, -3.0)  # the ground is at +3 m from now on
                await flown.until(lambda: PilotEvent.FRAME_LEAPT in flown.heard)
                await take_off(flown)
                assert autopilot.position.position[2] > 8.0
                assert flown.pilot.state().position[2] == pytest.approx(6.0, abs=1.0)
                await flown.begin()
                await flies_on(flown, 3.0)
                for offset in ((0.0, 0.0, -6.0), (0.0, 20.0, -6.0), (0.0, 0.0, 0.0)):
                    await set_origin(*offset)
                    await flies_on(flown, 4.0)
                assert flown.heard.count(PilotEvent.FRAME_LEAPT) == 4
                flown.stall()
                await flown.pilot.land()
                assert flown.pilot.state().position[2] == pytest.approx(0.0, abs=0.4)
            await flown.pilot.close()
            flown.heard.stop()

        asyncio.run(story())
