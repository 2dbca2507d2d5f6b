"""The ticker."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from cinempc.flight.clock import VehicleClock
from cinempc.flight.stream import Ticker


def ticks(rate: float, clock_rate: float, seconds: float, work=lambda: None) -> Ticker:
    ticker = Ticker(VehicleClock(clock_rate), rate, work)

    async def scenario() -> None:
        task = asyncio.ensure_future(ticker.run())
        await asyncio.sleep(seconds)
        task.cancel()

    asyncio.run(scenario())
    return ticker


def test_nothing_is_measured_before_the_second_call() -> None:
    assert Ticker(VehicleClock(), 50.0, lambda: None).jitter() is None


@pytest.mark.parametrize("pace", [0.5, 1.0, 4.0])
def test_the_rate_is_in_the_vehicles_time(pace: float) -> None:
    calls: list[float] = []
    ticker = ticks(50.0, pace, 0.8, lambda: calls.append(time.monotonic()))
    assert ticker.period == pytest.approx(0.02)
    # A busy machine may make it fewer, nothing makes it more.
    assert 10 * pace <= len(calls) <= 50 * pace * 0.8 + 2
    jitter = ticker.jitter()
    assert jitter is not None
    assert jitter.count == len(calls) - 1
    assert jitter.rate <= 50 * pace * 1.1
    assert 0 <= jitter.median_ms <= jitter.p99_ms <= jitter.max_ms


def test_ticks_that_were_missed_are_not_made_up_for() -> None:
    calls: list[float] = []

    def work() -> None:
        calls.append(time.monotonic())
        if len(calls) == 5:
            time.sleep(0.3)

    ticks(50.0, 1.0, 0.8, work)
    after = [b - a for a, b in itertools.pairwise(calls[4:])]
    assert after[0] >= 0.3
    assert sum(gap < 0.005 for gap in after) <= 2  # no burst
