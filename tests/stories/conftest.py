"""What every story in virtual time takes: the time, and a vehicle that hovers in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.vehicle import VirtualVehicle
from tests.fakes.virtual import VirtualTime


@pytest.fixture
def virtual() -> Iterator[VirtualTime]:
    """Virtual time of the test's own."""
    with VirtualTime() as time:
        yield time


@pytest.fixture
def vehicle(virtual: VirtualTime) -> Iterator[VirtualVehicle]:
    """A simulated vehicle that hovers at 8 m; it begins to live with `flown.flight`."""
    made = VirtualVehicle(virtual.clock, height=8.0)
    yield made
    made.close()
