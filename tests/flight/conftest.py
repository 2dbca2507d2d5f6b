"""The conformance suite's vehicles: every test that takes ``vehicle`` runs against the simulated
vehicle, and against real PX4 where ``PX4_BUILD`` names a build of its SITL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cinempc.flight.autopilot import Autopilot
from cinempc.flight.clock import VehicleClock
from cinempc.flight.commands import Target
from cinempc.flight.dialect import mavlink
from cinempc.flight.link import Link
from cinempc.flight.px4 import Mode
from cinempc.flight.transport import Transport
from tests.flight import network


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

    def run(self, work: Callable[[Client], Awaitable[Any]], *, connect: bool = True) -> Any:
        """Run a test's coroutine with a client on the onboard link."""

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
                    tasks.append(asyncio.ensure_future(autopilot.watch()))
                    await asyncio.sleep(1.2)
                return await asyncio.wait_for(work(client), 240.0)
            finally:
                for task in tasks:
                    task.cancel()
                link.close()

        return asyncio.run(whole())


def _kinds() -> list[Any]:
    absent = network.px4_build() is None
    return [
        "simulated",
        pytest.param("px4", marks=pytest.mark.skipif(absent, reason="PX4_BUILD is not set")),
    ]


@pytest.fixture(scope="module", params=_kinds())
def running(request: pytest.FixtureRequest) -> Iterator[TestVehicle]:
    """A vehicle that runs for a whole module, at real time."""
    start = network.simulated if request.param == "simulated" else network.px4
    with start() as (address, instance):
        yield TestVehicle(request.param, address, instance)


@pytest.fixture
def vehicle(running: TestVehicle) -> TestVehicle:
    """The vehicle on the ground, disarmed, its parameters as they come."""

    async def settle(client: Client) -> None:
        autopilot = client.autopilot
        for name, value in (("COM_OF_LOSS_T", 1.0), ("COM_OBL_RC_ACT", 0.0)):
            await autopilot.parameter(name, value)
        if autopilot.armed:
            await autopilot.land()
        await autopilot.set_mode(Mode.HOLD)

    running.run(settle)
    return running
