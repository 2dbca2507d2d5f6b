"""The conformance suites' vehicle over UDP and in real time: real PX4, where ``PX4_BUILD`` names a
build of its SITL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flight.client import TestVehicle
from tests.flight.conftest import Flying, kinds, start


@pytest.fixture(scope="module", params=kinds()[1:])
def px4(request: pytest.FixtureRequest) -> Iterator[TestVehicle]:
    """PX4, for a whole module."""
    with start(request.param) as vehicle:
        yield vehicle


@pytest.fixture
def flying(px4: TestVehicle) -> Flying:
    """The vehicle in the air; it stays there from test to test."""
    return Flying(px4)
