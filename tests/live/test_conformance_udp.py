"""One pass of the conformance suites over UDP and in real time, so that what they show in virtual
time holds of sockets, processes and the wall clock too: each kind of thing once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cinempc.mavlink.px4 import Mode
from tests.flight import test_conformance as conformance
from tests.flight import test_conformance_payload as payload
from tests.flight.client import TestVehicle
from tests.flight.conftest import Flying, on_the_ground, start


@pytest.fixture(scope="module")
def running() -> Iterator[TestVehicle]:
    """The simulated vehicle in a process of its own; PX4 passes the whole suites by UDP."""
    with start("udp") as vehicle:
        yield vehicle


@pytest.mark.parametrize(
    "test",
    [
        conformance.test_parameters_are_read_and_set,
        payload.test_a_second_client_takes_control,  # by the ground station's link
        payload.test_the_camera_tells_what_it_is,  # its definition by HTTP
        conformance.test_takes_off_and_hovers,
    ],
    ids=lambda test: test.__name__.removeprefix("test_"),
)
def test_on_the_ground(running: TestVehicle, test) -> None:
    test(on_the_ground(running))


def test_a_stream_is_flown_lost_and_found_again(running: TestVehicle) -> None:
    conformance.test_a_lost_stream_is_a_failsafe(Flying(running), 5, Mode.HOLD, 2.0)


def test_it_lands(running: TestVehicle) -> None:
    conformance.test_lands(Flying(running))
