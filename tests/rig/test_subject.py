"""Subjects: body points and prediction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.rig.subject import BODY_POINTS, TURN_TIME, SubjectEstimate, body_fraction

HERO = SubjectEstimate(
    "hero",
    2.0,
    np.array([1.0, 2.0, 0.5]),
    np.array([1.0, -0.5, 0.0]),
    height=1.8,
    covariance=np.diag([0.01, 0.01, 0.01, 0.04, 0.04, 0.04]),
)


def test_body_points_stand_one_above_the_other():
    heights = [body_fraction(name) for name in BODY_POINTS]
    assert heights == sorted(heights, reverse=True)
    assert (heights[0], heights[-1]) == (1.0, 0.0)


def test_a_point_is_a_name_or_a_fraction():
    np.testing.assert_allclose(HERO.point("feet"), HERO.position)
    np.testing.assert_allclose(HERO.point("top"), [1.0, 2.0, 2.3])
    np.testing.assert_allclose(HERO.point(0.5), HERO.point("centre"))
    with pytest.raises(KeyError):
        HERO.point("elbow")


@given(st.floats(-5, 20))
def test_prediction_is_at_constant_velocity(time):
    later = HERO.predict(time)
    np.testing.assert_allclose(later.position, HERO.position + (time - 2.0) * HERO.velocity)
    np.testing.assert_allclose(later.position, HERO.positions([time])[0])
    assert later.time == time
    assert later.age == max(0.0, time - 2.0)
    assert (later.id, later.height, later.heading) == ("hero", 1.8, HERO.heading)


@given(st.floats(0.01, 10), st.floats(1.1, 3.0))
def test_doubt_grows_with_time(ahead, factor):
    near, far = HERO.predict(2.0 + ahead), HERO.predict(2.0 + ahead * factor)
    for estimate in (near, far):
        np.testing.assert_allclose(estimate.covariance, estimate.covariance.T, atol=1e-12)
        assert np.linalg.eigvalsh(estimate.covariance).min() > 0
    assert far.covariance[0, 0] > near.covariance[0, 0] > HERO.covariance[0, 0]


def test_two_steps_are_one():
    twice, once = HERO.predict(3.0).predict(4.5), HERO.predict(4.5)
    np.testing.assert_allclose(twice.position, once.position)
    np.testing.assert_allclose(twice.covariance, once.covariance, atol=1e-12)
    assert twice.age == pytest.approx(once.age)


@given(st.floats(-2, 2), st.floats(0, 3))
def test_a_turn_is_predicted_as_a_turn_that_fades(rate, ahead):
    """Against the differential equation: v' = ω x v, ω' = -ω/τ, in small steps."""
    turning = replace(HERO, turn_rate=rate)
    place, velocity, steps = turning.position.copy(), turning.velocity.copy(), 600
    dt = ahead / steps
    for k in range(steps):
        angle = rate * np.exp(-(k + 0.5) * dt / TURN_TIME) * dt
        cos, sin = np.cos(angle / 2), np.sin(angle / 2)
        half = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
        place += dt * half @ velocity
        velocity = half @ half @ velocity
    later = turning.predict(2.0 + ahead)
    np.testing.assert_allclose(later.position, place, atol=1e-4)
    np.testing.assert_allclose(later.velocity, velocity, atol=1e-4)
    np.testing.assert_allclose(turning.positions([2.0 + ahead])[0], later.position)
    assert np.linalg.norm(later.velocity) == pytest.approx(np.linalg.norm(HERO.velocity))
    assert later.turn_rate == pytest.approx(rate * np.exp(-ahead / TURN_TIME))
