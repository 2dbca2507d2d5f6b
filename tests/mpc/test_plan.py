"""Plans are sampled exactly, and only where they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cinempc.rig import plan
from cinempc.rig.camera import LensState
from cinempc.rig.plan import NU, NX, Plan, lens_state, lens_vector, propagate

NUMBERS = st.floats(-3, 3, allow_nan=False)


def vectors(size):
    return hnp.arrays(float, size, elements=NUMBERS)


def make(states=5, step=0.1, begin=2.0, seed=0):
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(states - 1, NU))
    x = [random.normal(size=NX)]
    for u in inputs:
        x.append(propagate(x[-1], u, step))
    times = begin + step * np.arange(states)
    return Plan(times, np.array(x), inputs, np.linspace(0.0, 1.0, states))


@given(vectors(NX), vectors(NU), st.floats(0, 1), st.floats(0, 1))
def test_time_adds_up(x, u, first, second):
    twice = propagate(propagate(x, u, first), u, second)
    np.testing.assert_allclose(twice, propagate(x, u, first + second), atol=1e-9)


@given(vectors(NX), vectors(NU), st.floats(0, 1))
def test_time_runs_back(x, u, time):
    np.testing.assert_allclose(propagate(propagate(x, u, time), u, -time), x, atol=1e-8)


@given(vectors(NX), vectors(NU), st.floats(0.0, 1.0))
def test_derivatives_are_the_next_in_the_chain(x, u, time):
    h = 1e-4
    slope = (propagate(x, u, time + h) - propagate(x, u, time - h)) / (2 * h)
    now = propagate(x, u, time)
    np.testing.assert_allclose(slope[plan.POSITION], now[plan.VELOCITY], atol=1e-6)
    np.testing.assert_allclose(slope[plan.VELOCITY], now[plan.ACCELERATION], atol=1e-6)
    np.testing.assert_allclose(slope[plan.ACCELERATION], u[plan.JERK], atol=1e-6)
    np.testing.assert_allclose(slope[plan.ANGLES], now[plan.RATES], atol=1e-6)
    np.testing.assert_allclose(slope[plan.RATES], u[plan.ANGULAR_ACCELERATION], atol=1e-6)
    np.testing.assert_allclose(slope[plan.LENS], u[plan.LENS_RATES], atol=1e-6)


def test_the_nodes_are_its_states():
    found = make()
    for k, time in enumerate(found.times):
        np.testing.assert_allclose(found.state(float(time)), found.states[k], atol=1e-9)
    assert (found.start, found.end) == (2.0, pytest.approx(2.4))


@given(st.floats(2.0, 2.4))
def test_a_sample_is_the_state_in_words(time):
    found = make()
    x, point = found.state(time), found.sample(time)
    np.testing.assert_array_equal(point.position, x[plan.POSITION])
    np.testing.assert_array_equal(point.rates, x[plan.RATES])
    assert point.lens.focal_length_mm == pytest.approx(math.exp(x[plan.LOG_FOCAL_LENGTH]))
    assert 0.0 <= found.heading(time) <= 1.0


@given(st.floats(2.0, 2.399))
def test_it_is_continuous(time):
    found = make()
    np.testing.assert_allclose(found.state(time), found.state(time + 1e-6), atol=1e-4)


@pytest.mark.parametrize("time", [1.999, 2.401, -5.0, math.inf, math.nan])
def test_outside_there_is_no_plan(time):
    with pytest.raises(ValueError, match="outside the plan"):
        make().state(time)


@given(
    st.floats(1, 1000),
    st.floats(0.1, 1e6) | st.just(math.inf),
    st.floats(0.7, 64),
)
def test_the_lens_there_and_back(focal_length, focus, f_number):
    got = lens_state(lens_vector(LensState(focal_length, focus, f_number)))
    assert got.focal_length_mm == pytest.approx(focal_length)
    assert got.focus_distance_m == pytest.approx(focus)
    assert got.f_number == pytest.approx(f_number)
