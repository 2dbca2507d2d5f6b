"""A companion computer in a test, and the vehicle that it speaks to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from cinempc.flight.pilot.autopilot import Autopilot
from cinempc.mavlink.commands import Target
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import Transport
from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.rig.clock import WALL, Clock


@dataclass
class Client:
    """A companion computer in a test: a link, and the autopilot on it."""

    link: Link
    clock: VehicleClock
    autopilot: Autopilot

    @property
    def target(self) -> Target:
        return self.autopilot.target

    async def sleep(self, seconds: float) -> None:
        """Vehicle time."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class TestVehicle:
    """A vehicle under test.

    Attributes:
        kind: "simulated" in virtual time; "udp", the same in a process of its own, or "px4".
        instance: its system id less one.
        connect: opens the onboard link; a connection string is its name.
        connect_station: opens a ground station's link.
        perform: runs a coroutine to its end, in the time that the vehicle lives in.
        clock: of that time.
        address: connection string of the onboard link, where it is a real one.
    """

    __test__ = False

    kind: str
    instance: int
    connect: Callable[[str], Transport]
    connect_station: Callable[[], Transport]
    perform: Callable[[Coroutine[Any, Any, Any]], Any] = asyncio.run
    clock: Clock = WALL
    address: str = "onboard"

    @property
    def exact(self) -> bool:
        """Whether no busy machine can hold anything up: its time is virtual."""
        return self.clock is not WALL

    def run(
        self,
        work: Callable[[Client], Awaitable[Any]],
        *,
        connect: bool = True,
        watch: bool = True,
    ) -> Any:
        """Run a test's coroutine with a client on the onboard link; with ``watch``, one that asks
        for heartbeats all the time."""

        async def whole() -> Any:
            link = Link(self.connect(self.address), system=1 + self.instance, wall=self.clock)
            link.open()
            clock = VehicleClock(wall=self.clock)
            autopilot = Autopilot(link, clock)
            client = Client(link, clock, autopilot)

            async def beat() -> None:
                while True:
                    link.send(
                        mavlink.MAVLink_heartbeat_message(
                            mavlink.MAV_TYPE_ONBOARD_CONTROLLER,
                            mavlink.MAV_AUTOPILOT_INVALID, 0, 0, mavlink.MAV_STATE_ACTIVE, 3,
                        )
                    )  # fmt: skip
                    await asyncio.sleep(0.2)

            tasks = [asyncio.ensure_future(beat())]
            try:
                if connect:
                    await autopilot.connect(timeout=30.0)
                    if watch:
                        tasks.append(asyncio.ensure_future(autopilot.watch()))
                    await asyncio.sleep(1.2)
                return await asyncio.wait_for(work(client), 240.0)
            finally:
                for task in tasks:
                    task.cancel()
                link.close()

        return self.perform(whole())
