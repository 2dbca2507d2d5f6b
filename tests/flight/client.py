"""A companion computer in a test, and the vehicle that it speaks to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cinempc.flight.autopilot import Autopilot
from cinempc.flight.clock import VehicleClock
from cinempc.flight.commands import Target
from cinempc.flight.dialect import mavlink
from cinempc.flight.link import Link
from cinempc.flight.transport import Transport


@dataclass
class Client:
    """A companion computer in a test: a link, and the autopilot on it."""

    link: Link
    clock: VehicleClock
    autopilot: Autopilot
    events: list[tuple[str, str]]

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
    """A vehicle under test."""

    __test__ = False

    kind: str
    address: str
    instance: int

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
            link = Link(Transport(self.address), system=1 + self.instance)
            link.open()
            clock, events = VehicleClock(), []
            autopilot = Autopilot(
                link, clock, on_event=lambda level, text: events.append((level, text))
            )
            client = Client(link, clock, autopilot, events)

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

        return asyncio.run(whole())
