"""A simulator in slow motion: what is waited for is waited for in the vehicle's time."""

from __future__ import annotations

from cinempc.flight.pilot.phases import FlightPhase
from cinempc.mavlink.px4 import Mode
from tests.fakes.vehicle import VirtualVehicle
from tests.fakes.virtual import VirtualTime
from tests.stories.flown import flight


def test_a_mode_that_takes_the_vehicle_a_while(virtual: VirtualTime) -> None:
    """At a tenth of the speed PX4 takes OFFBOARD only when it has looked at the stream again, 2 s
    of its own later: 20 s of ours."""
    vehicle = VirtualVehicle(virtual.clock, height=8.0, pace=0.1)
    autopilot = vehicle.simulated.autopilot
    order, asked = autopilot._flight.order, []

    def reluctant(mode: Mode) -> bool:
        if mode is Mode.OFFBOARD:
            asked.append(autopilot.time)
            if autopilot.time - asked[0] < 2.0:
                return False
        return order(mode)

    autopilot._flight.order = reluctant

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.until(lambda: flown.pilot.autopilot.positioned)
            await flown.pilot.fly()
            assert flown.pilot.phase is FlightPhase.FLYING
            assert len(asked) > 3
            assert vehicle.mode == "OFFBOARD"

    virtual.run(story())
    vehicle.close()
