"""The belief over directions: from keypoints, from a walk, and honest when neither tells."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.frames import wrap_angle
from perception.localise.heading import DIRECTIONS, Heading


def towards(direction: float, std: float = 0.3) -> np.ndarray:
    return -0.5 * (wrap_angle(DIRECTIONS - direction) / std) ** 2


@given(st.floats(-3.1, 3.1))
def test_it_goes_where_the_pictures_say(direction: float) -> None:
    heading = Heading(guess=wrap_angle(direction + 2.5))
    for k in range(24):
        heading.look(k / 24, towards(direction))
    found, variance = heading.estimate(1.0)
    assert abs(wrap_angle(found - direction)) < math.radians(3)
    assert variance < math.radians(20) ** 2


@given(st.floats(-3.1, 3.1))
def test_a_walk_tells_the_heading(direction: float) -> None:
    heading = Heading()
    velocity = 1.3 * np.array([math.cos(direction), math.sin(direction)])
    for k in range(48):
        heading.walk(k / 24, velocity, 0.01 * np.eye(2))
    assert abs(wrap_angle(heading.estimate(2.0)[0] - direction)) < math.radians(3)


@pytest.mark.parametrize("rate", [-0.8, 0.8])
def test_who_turns_is_followed_without_lag(rate: float) -> None:
    """By pictures and a walk; and a little ahead of the last of them."""
    heading = Heading()
    for k in range(72):
        t = k / 24
        velocity = 1.3 * np.array([math.cos(rate * t), math.sin(rate * t)])
        heading.walk(t, velocity, 0.01 * np.eye(2), rate)
        heading.look(t, 0.15 * towards(rate * t))
    for ahead in (0.0, 0.1):
        found, _ = heading.estimate(71 / 24 + ahead)
        off = wrap_angle(found - rate * (71 / 24 + ahead))
        assert abs(off) < math.radians(2.5)


def test_standing_still_says_nothing() -> None:
    heading = Heading(guess=1.0)
    for k in range(48):
        heading.walk(k / 24, np.array([0.05, 0.1]), 0.01 * np.eye(2))
    found, variance = heading.estimate(2.0)
    assert found == pytest.approx(1.0, abs=0.05)
    assert variance > 1.0


def test_two_answers_stay_until_one_wins() -> None:
    heading = Heading()
    both = np.logaddexp(towards(0.5), towards(0.5 - math.pi))
    for k in range(10):
        heading.look(k / 24, both)
    assert heading.estimate(0.4)[1] > 1.0  # front or back: not known
    for k in range(10, 20):
        heading.look(k / 24, towards(0.5, std=1.0))
    found, variance = heading.estimate(0.8)
    assert abs(found - 0.5) < 0.1
    assert variance < 0.5


def test_unseen_it_forgets() -> None:
    heading = Heading()
    for k in range(24):
        heading.look(k / 24, towards(1.0))
    variances = [heading.estimate(1.0 + wait)[1] for wait in (0.0, 0.5, 1.0, 3.0)]
    assert np.all(np.diff(variances) > 0)
    assert heading.estimate(2.0)[0] == pytest.approx(1.0, abs=0.05)


def test_one_who_turns_round_is_followed() -> None:
    heading = Heading()
    for k in range(96):
        heading.look(k / 24, towards(0.0 if k < 48 else math.pi - 0.1))
    assert abs(wrap_angle(heading.estimate(4.0)[0] - (math.pi - 0.1))) < math.radians(5)
