"""The conformance suites' vehicles: every test that takes ``vehicle`` or ``flying`` runs against
the simulated vehicle, and against real PX4 where ``PX4_BUILD`` names a build of its SITL."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cinempc.flight.px4 import Mode
from tests.flight import network, steering
from tests.flight.client import Client, TestVehicle


def _kinds() -> list[Any]:
    absent = network.px4_build() is None
    return [
        "simulated",
        pytest.param("px4", marks=pytest.mark.skipif(absent, reason="PX4_BUILD is not set")),
    ]


#: How fast the simulated vehicle runs: as fast as a client holds who has half of a loaded core.
SPEED = 2.0
#: Parameters that tests change, as they come.
_PARAMETERS = {"COM_OF_LOSS_T": 1.0, "COM_OBL_RC_ACT": 0.0, "COM_DISARM_PRFLT": 10.0}


@contextlib.contextmanager
def start(kind: str, speed: float = SPEED) -> Iterator[TestVehicle]:
    """A vehicle in a process of its own; PX4 at the speed in ``PX4_SIM_SPEED_FACTOR``."""
    if kind == "simulated":
        begun = network.simulated(speed)
    else:
        begun = network.px4(float(os.environ.get("PX4_SIM_SPEED_FACTOR", "1")))
    with begun as (address, instance):
        yield TestVehicle(kind, address, instance)


@pytest.fixture(params=_kinds())
def fresh(request: pytest.FixtureRequest) -> Iterator[TestVehicle]:
    """A vehicle that has just been started."""
    with start(request.param) as vehicle:
        yield vehicle


@pytest.fixture(scope="module", params=_kinds())
def running(request: pytest.FixtureRequest) -> Iterator[TestVehicle]:
    """A vehicle that runs for a whole module, at the module's own ``SPEED`` if it has one."""
    with start(request.param, getattr(request.module, "SPEED", SPEED)) as vehicle:
        yield vehicle


@pytest.fixture
def vehicle(running: TestVehicle) -> TestVehicle:
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


@dataclass(frozen=True)
class Flying:
    """A vehicle that flies. It stays in the air from test to test."""

    vehicle: TestVehicle

    def run(self, work: Callable[[Client, steering.Stream], Awaitable[Any]]) -> Any:
        """Run a test's coroutine when it stands at `steering.HOME`, in OFFBOARD, with the stream
        that holds it there."""

        async def whole(client: Client) -> Any:
            # A busy machine shall not make a failsafe of its own.
            for name, value in (_PARAMETERS | {"COM_OF_LOSS_T": 6.0}).items():
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
    """The vehicle in the air, its parameters as they come, but for COM_OF_LOSS_T: 6 s."""
    return Flying(running)
