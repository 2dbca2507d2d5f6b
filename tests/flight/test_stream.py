"""The ticker, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from cinempc.flight.pilot.stream import Ticker
from cinempc.mavlink.vehicle_clock import VehicleClock
from tests.fakes.virtual import VirtualClock, VirtualTime


def ticks(
    rate: float, clock_rate: float, seconds: float, work: Callable[[VirtualClock], None]
) -> Ticker:
    """What a ticker did in some seconds; each call of ``work`` is given the clock."""
    with VirtualTime() as time:
        clock = time.clock
        ticker = Ticker(VehicleClock(clock_rate, clock), rate, lambda: work(clock), clock)

        async def scenario() -> None:
            task = asyncio.ensure_future(ticker.run())
            await asyncio.sleep(seconds)
            task.cancel()

        time.run(scenario())
    return ticker


def test_nothing_is_measured_before_the_second_call() -> None:
    assert Ticker(VehicleClock(), 50.0, lambda: None).timing() is None


@pytest.mark.parametrize("pace", [0.5, 1.0, 4.0])
def test_the_rate_is_in_the_vehicles_time(pace: float) -> None:
    calls: list[float] = []
    ticker = ticks(50.0, pace, 0.8, lambda clock: calls.append(clock.now()))
    assert ticker.period == pytest.approx(0.02)
    assert len(calls) == pytest.approx(50 * pace * 0.8, abs=1)
    timing = ticker.timing()
    assert timing is not None
    assert timing.count == len(calls) - 1
    assert timing.rate == pytest.approx(50 * pace)
    assert 0 <= timing.median_ms <= timing.p99_ms <= timing.max_ms < 1e-3


def test_ticks_that_were_missed_are_not_made_up_for() -> None:
    calls: list[float] = []

    def work(clock: VirtualClock) -> None:
        calls.append(clock.now())
        if len(calls) == 5:
            clock.advance(0.3)

    ticker = ticks(50.0, 1.0, 0.8, work)
    gaps = [b - a for a, b in itertools.pairwise(calls)]
    assert gaps == pytest.approx([0.02] * 4 + [0.3] + [0.02] * (len(gaps) - 5))  # no burst
    timing = ticker.timing()
    assert timing is not None
    assert timing.max_ms == pytest.approx(280.0)
