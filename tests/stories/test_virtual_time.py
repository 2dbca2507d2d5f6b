"""Virtual time itself: a flight in it is the same flight each time, and nothing in it waits."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes import virtual
from tests.fakes.vehicle import VirtualVehicle
from tests.fakes.virtual import LOOP, VirtualTime
from tests.fakes.wire import MemoryWire
from tests.stories.flown import flight


def flown(seed: int) -> tuple[tuple[float, ...], tuple[int, int], list[tuple[str, str]]]:
    """Where the vehicle is after a flight over a bad link; packets passed and lost; the log."""
    with VirtualTime() as virtual_time:
        vehicle = VirtualVehicle(virtual_time.clock, height=8.0, seed=seed)
        vehicle.onboard.both(loss=0.1, delay=0.01, jitter=0.05, duplicate=0.1)

        async def story() -> list[tuple[str, str]]:
            async with flight(vehicle) as pilot:
                await pilot.begin()
                await pilot.sleep(2.0)
                return [(event.kind, event.time, event.text) for event in pilot.heard.events]

        events = virtual_time.run(story())
        wire = vehicle.onboard
        found = tuple(vehicle.position), (wire.passed, wire.lost), events
        vehicle.close()
        return found


def test_the_same_flight_twice_and_another_by_another_seed() -> None:
    first = flown(3)
    assert flown(3) == first
    assert flown(4)[:2] != first[:2]


def test_hours_pass_at_once_and_in_order() -> None:
    seen: list[tuple[str, float]] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((name, LOOP.now()))

    async def story() -> float:
        began = LOOP.now()
        await asyncio.gather(wait("last", 7200.0), wait("first", 0.5), wait("middle", 3600.0))
        return began

    began = virtual.run(story())
    assert [name for name, _ in seen] == ["first", "middle", "last"]
    assert [when - began for _, when in seen] == pytest.approx([0.5, 3600.0, 7200.0])


def test_who_waits_for_nobody_is_told() -> None:
    async def story() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        virtual.run(story())


def test_a_bad_wire_does_what_it_says() -> None:
    async def story() -> tuple[list[bytes], list[float], MemoryWire]:
        wire = MemoryWire(seed=1)
        client = wire.connect()
        wire.down.loss, wire.down.delay, wire.down.jitter, wire.down.duplicate = 0.2, 0.1, 0.2, 0.3
        came: list[tuple[float, bytes]] = []

        def read() -> None:
            while (chunk := client.read()) is not None:
                came.append((LOOP.now(), chunk[0]))

        loop = asyncio.get_running_loop()
        loop.add_reader(client.fileno(), read)
        began = loop.time()
        for number in range(1000):
            wire.vehicle.write(number.to_bytes(2, "big"))
        await asyncio.sleep(1.0)
        loop.remove_reader(client.fileno())
        return [data for _, data in came], [when - began for when, _ in came], wire

    data, late, wire = virtual.run(story())
    assert wire.passed + wire.lost == 1000
    assert wire.lost == pytest.approx(200, abs=50)
    assert len(set(data)) == wire.passed
    assert len(data) / wire.passed == pytest.approx(1.3, abs=0.06)
    assert 0.1 <= min(late) < 0.11
    assert 0.29 < max(late) <= 0.3 + 1e-6
    assert data != sorted(data)
    wire.close()
