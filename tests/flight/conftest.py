"""The conformance suites' vehicles: every test that takes ``vehicle`` or ``flying`` runs against
the simulated vehicle in virtual time, and, over UDP in real time, against real PX4 where
``PX4_BUILD`` names a build of its SITL."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.transport import Transport
from tests.fakes.vehicle import VirtualVehicle
from tests.fakes.virtual import VirtualTime
from tests.flight import steering
from tests.flight.client import Client, TestVehicle
from tests.live import network


def kinds() -> list[Any]:
    """What tests run against."""
    absent = network.px4_build() is None
    return [
        "simulated",
        pytest.param("px4", marks=pytest.mark.skipif(absent, reason="PX4_BUILD is not set")),
    ]


#: Parameters that tests change, as they come.
_PARAMETERS = {"COM_OF_LOSS_T": 1.0, "COM_OBL_RC_ACT": 0.0, "COM_DISARM_PRFLT": 10.0}


#: The same for flying tests: a busy machine shall not make a failsafe of its own.
_PATIENT = _PARAMETERS | {"COM_OF_LOSS_T": 6.0}


@contextlib.contextmanager
def virtual(**simulation: Any) -> Iterator[TestVehicle]:
    """The simulated vehicle in virtual time; it stands still between two tests."""
    with VirtualTime() as time:
        vehicle = VirtualVehicle(time.clock, **simulation)

        async def begin() -> None:
            vehicle.start()

        time.run(begin())
        yield TestVehicle(
            "simulated",
            vehicle.instance,
            vehicle.connect,
            vehicle.connect_station,
            time.run,
            time.clock,
        )
        vehicle.close()


@contextlib.contextmanager
def over_udp(kind: str, begun: AbstractContextManager[tuple[str, int]]) -> Iterator[TestVehicle]:
    """A vehicle in a process of its own, on PX4's ports."""
    with begun as (address, instance):
        yield TestVehicle(
            kind,
            instance,
            Transport,
            lambda: Transport(f"udpout:127.0.0.1:{18570 + instance}"),
            address=address,
        )


def start(kind: str) -> AbstractContextManager[TestVehicle]:
    """A vehicle: "simulated" in virtual time; "udp", the same in a process of its own; "px4" at the
    speed in ``PX4_SIM_SPEED_FACTOR``."""
    if kind == "simulated":
        return virtual()
    if kind == "udp":
        return over_udp(kind, network.simulated(speed=2.0))
    return over_udp(kind, network.px4(float(os.environ.get("PX4_SIM_SPEED_FACTOR", "1"))))


@pytest.fixture(params=kinds())
def fresh(request: pytest.FixtureRequest) -> Iterator[TestVehicle]:
    """A vehicle that has just been started."""
    with start(request.param) as vehicle:
        yield vehicle


@pytest.fixture(scope="module", params=kinds())
def running(request: pytest.FixtureRequest) -> Iterator[TestVehicle]:
    """A vehicle that runs for a whole module."""
    with start(request.param) as vehicle:
        yield vehicle


def on_the_ground(running: TestVehicle) -> TestVehicle:
    """The vehicle on the ground, disarmed, its parameters as they come."""

    async def settle(client: Client) -> None:
        autopilot = client.autopilot
        for name, value in _PARAMETERS.items():
            await autopilot.parameter(name, value)
        if autopilot.armed:
            await autopilot.land()
        await autopilot.set_mode(Mode.HOLD)

    running.run(settle)
    return running


@pytest.fixture
def vehicle(running: TestVehicle) -> TestVehicle:
    """The vehicle on the ground, disarmed, its parameters as they come."""
    return on_the_ground(running)


@dataclass(frozen=True)
class Flying:
    """A vehicle that flies. It stays in the air from test to test."""

    vehicle: TestVehicle

    def run(self, work: Callable[[Client, steering.Stream], Awaitable[Any]]) -> Any:
        """Run a test's coroutine when it stands at `steering.HOME`, in OFFBOARD, with the stream
        that holds it there."""

        async def whole(client: Client) -> Any:
            for name, value in (_PARAMETERS if self.vehicle.exact else _PATIENT).items():
                await client.autopilot.parameter(name, value)
            stream = await steering.home(client)
            try:
                return await work(client, stream)
            finally:
                stream.stop()
                if client.autopilot.armed:
                    await client.autopilot.set_mode(Mode.HOLD)

        return self.vehicle.run(whole)


@pytest.fixture
def flying(running: TestVehicle) -> Flying:
    """The vehicle in the air, its parameters as they come; where a busy machine may hold it up,
    COM_OF_LOSS_T is 6 s."""
    return Flying(running)
