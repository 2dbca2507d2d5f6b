"""A motor with a lag and a limited rate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.rig import motor

PLACES = st.floats(-100.0, 100.0)
RATES = st.floats(0.1, 50.0)


@given(PLACES, PLACES, st.floats(0.0, 5.0), RATES, st.floats(0.0, 2.0))
def test_it_never_moves_faster_than_it_can_nor_beyond_its_goal(value, goal, dt, rate, lag):
    there = motor.approach(value, goal, dt, rate, lag)
    assert abs(there - value) <= rate * dt + 1e-9
    assert min(value, goal) - 1e-9 <= there <= max(value, goal) + 1e-9


@given(PLACES, PLACES, st.floats(0.01, 2.0), RATES, st.floats(0.0, 2.0))
def test_two_halves_are_a_whole(value, goal, dt, rate, lag):
    half = motor.approach(value, goal, dt / 2, rate, lag)
    whole = motor.approach(value, goal, dt, rate, lag)
    assert motor.approach(half, goal, dt / 2, rate, lag) == pytest.approx(whole, abs=1e-9)


def test_near_its_goal_it_is_a_first_order_lag_and_far_from_it_it_goes_at_its_rate():
    assert motor.approach(0.0, 1.0, 0.3, 1e6, 0.2) == pytest.approx(1 - math.exp(-1.5))
    assert motor.approach(0.0, 100.0, 2.0, 7.0, 0.2) == pytest.approx(14.0)


def test_without_a_lag_it_is_there_as_soon_as_its_rate_allows():
    assert motor.approach(0.0, 1.0, 0.5, 10.0, 0.0) == 1.0


def test_one_that_has_no_rate_stays():
    assert motor.approach(3.0, 9.0, 10.0, 0.0, 0.1) == 3.0
