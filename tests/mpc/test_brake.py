"""Braking comes to rest from anywhere in the envelope, inside the limits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cinempc.mpc.brake import brake
from cinempc.rig import plan
from cinempc.rig import vehicle as vehicles

VEHICLE = vehicles.load("x500_cinema")
LIMITS = VEHICLE.limits
TURN = VEHICLE.gimbal.acceleration
UNIT = st.floats(-1, 1)
STEP = 0.1


def begin(direction, speed, climb, a_direction, a_size, a_up, rates):
    x = np.zeros(plan.NX)
    x[plan.ALTITUDE] = 10.0
    x[plan.VELOCITY] = (
        LIMITS.speed * abs(speed) * np.cos(direction),
        LIMITS.speed * abs(speed) * np.sin(direction),
        climb * (LIMITS.climb if climb > 0 else LIMITS.descent),
    )
    level = 0.65 * LIMITS.acceleration * abs(a_size)
    x[plan.ACCELERATION] = (
        level * np.cos(a_direction),
        level * np.sin(a_direction),
        a_up * LIMITS.vertical_acceleration,
    )
    x[plan.RATES] = np.array(rates) * VEHICLE.gimbal.rate
    x[plan.LENS] = np.log(35.0), 0.1, 4.0
    return x


STATES = st.builds(
    begin,
    st.floats(-np.pi, np.pi),
    UNIT,
    UNIT,
    st.floats(-np.pi, np.pi),
    UNIT,
    UNIT,
    st.tuples(UNIT, UNIT, UNIT),
)


@given(STATES)
def test_it_comes_to_rest(x):
    states, _ = brake(x, 80, STEP, LIMITS, TURN)
    assert np.abs(states[-1, np.r_[plan.VELOCITY, plan.ACCELERATION]]).max() < 0.01
    assert np.abs(states[-1, plan.RATES]).max() < 1e-6


@given(STATES)
def test_it_keeps_the_limits(x):
    states, inputs = brake(x, 80, STEP, LIMITS, TURN)
    room = 1e-6
    assert np.abs(inputs[:, plan.JERK]).max() <= LIMITS.jerk + room
    assert np.abs(inputs[:, plan.ANGULAR_ACCELERATION]).max() <= TURN + room
    a = states[:, plan.ACCELERATION]
    level = np.hypot(a[:, 0], a[:, 1])
    assert level.max() <= LIMITS.acceleration + room
    assert (
        np.abs(states[:, plan.VERTICAL_ACCELERATION]).max() <= LIMITS.vertical_acceleration + room
    )


@given(STATES)
def test_it_follows_the_model(x):
    states, inputs = brake(x, 30, STEP, LIMITS, TURN)
    np.testing.assert_array_equal(states[0], x)
    for k in range(30):
        np.testing.assert_allclose(states[k + 1], plan.propagate(states[k], inputs[k], STEP))


@given(STATES)
def test_the_lens_stays(x):
    states, inputs = brake(x, 20, STEP, LIMITS, TURN)
    np.testing.assert_array_equal(inputs[:, plan.LENS_RATES], 0.0)
    assert (states[:, plan.LENS] == x[plan.LENS]).all()


def test_at_rest_it_stays_at_rest():
    x = begin(0, 0, 0, 0, 0, 0, (0, 0, 0))
    states, inputs = brake(x, 20, STEP, LIMITS, TURN)
    assert not inputs.any()
    assert (states == x).all()


def test_it_stops_about_as_short_as_the_limits_allow():
    """From 8 m/s: v²/2a at the deceleration it may use, and the time it takes to build it up."""
    x = begin(0, 1, 0, 0, 0, 0, (0, 0, 0))
    states, _ = brake(x, 80, STEP, LIMITS, TURN)
    shortest = 8.0**2 / (2 * LIMITS.acceleration)
    assert shortest < states[-1, 0] < 3 * shortest
