"""The vehicle's clock, from messages that come late, all at once, or not in order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cinempc.mavlink.vehicle_clock import VehicleClock


def heard(rate: float, delays: np.ndarray, began: float = 100.0) -> VehicleClock:
    """A clock that has heard 50 messages a second, each delayed by so much, in the order in which
    they came."""
    clock = VehicleClock()
    sent = np.arange(len(delays)) / 50.0  # wall s
    for k in np.argsort(sent + delays, kind="stable"):
        clock.tell(7.0 + rate * sent[k], began + float(sent[k] + delays[k]))
    return clock


def test_nothing_is_known_before_the_first_message() -> None:
    clock = VehicleClock()
    assert not clock.known
    assert math.isnan(clock.now())
    clock.tell(5.0, 100.0)
    assert clock.known
    assert clock.now(100.0) == 5.0


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.988, 1.0, 4.0, 20.0])
def test_rate_and_time_through_jitter(rate: float) -> None:
    delays = np.random.default_rng(3).exponential(0.01, 600)
    clock = heard(rate, delays)
    end = 100.0 + 599 / 50
    assert clock.rate == pytest.approx(rate, rel=0.02)
    # No later than the vehicle is, but for the least delay.
    assert clock.now(end) == pytest.approx(7.0 + rate * 599 / 50, abs=0.02 * max(rate, 1.0))
    assert clock.monotonic(clock.now(end)) == pytest.approx(end)
    assert clock.restarts == 0


def test_a_delay_that_is_always_there_is_a_delay_of_the_clock() -> None:
    clock = heard(1.0, np.full(500, 0.3))
    assert clock.now(100.0 + 499 / 50 + 0.3) == pytest.approx(7.0 + 499 / 50, abs=1e-6)


def test_what_waited_while_this_process_stood_still_does_not_change_the_rate() -> None:
    delays = np.zeros(700)
    delays[300:400] = (400 - np.arange(300, 400)) / 50.0  # for two seconds
    clock = heard(1.0, delays)
    assert clock.rate == pytest.approx(1.0, abs=0.05)
    assert clock.now(100.0 + 699 / 50) == pytest.approx(7.0 + 699 / 50, abs=0.01)


def test_a_restart_begins_anew() -> None:
    clock = heard(1.0, np.zeros(400))
    clock.tell(0.5, 120.0)
    assert clock.restarts == 1
    assert clock.now(120.0) == pytest.approx(0.5)
    clock.tell(0.6, 120.1)
    assert clock.restarts == 1


def test_one_late_message_is_not_a_restart() -> None:
    clock = heard(1.0, np.zeros(400))
    before = clock.now(108.0)
    clock.tell(13.0, 108.0)  # two seconds old
    assert clock.restarts == 0
    assert clock.now(108.0) == pytest.approx(before)


@settings(max_examples=60, deadline=None)
@given(
    rate=st.floats(0.1, 20.0),
    seed=st.integers(0, 1000),
    most=st.floats(0.0, 0.4),
)
def test_it_is_never_ahead_of_the_vehicle(rate: float, seed: int, most: float) -> None:
    """Messages come late, never early: a clock that follows the least delayed of them shows what
    the vehicle's does or less."""
    assume(rate * most < 2.0)  # who runs at 20 times the speed is not behind a slow radio
    delays = np.random.default_rng(seed).uniform(0.0, most, 400)
    delays[::7] = 0.0
    clock = heard(rate, delays)
    end = 399 / 50
    assert clock.restarts == 0
    assert clock.now(100.0 + end) <= 7.0 + rate * end + 0.1 * rate * max(most, 0.02) + 1e-6
    assert clock.rate == pytest.approx(rate, rel=0.1)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.floats(allow_nan=True, allow_infinity=True),
                st.integers(0, 2**32 - 1).map(lambda ms: ms / 1e3),
                st.floats(0, 100),
            ),
            st.floats(0.0, 0.5),
        ),
        max_size=120,
    )
)
def test_whatever_is_told_it_stays_a_clock(told: list[tuple[float, float]]) -> None:
    """Any numbers at all: the time is finite once something finite was told, and the rate one that
    there is."""
    clock, here = VehicleClock(), 100.0
    for vehicle, passed in told:
        here += passed
        clock.tell(vehicle, here)
    assert clock.known == any(math.isfinite(vehicle) for vehicle, _ in told)
    if clock.known:
        assert math.isfinite(clock.now(here))
    assert 0.02 <= clock.rate <= 50.0
