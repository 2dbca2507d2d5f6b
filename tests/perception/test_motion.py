"""The two motion models: straight and turning, told apart, and consistent when they are true."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from perception.localise import imm, motion
from perception.localise.estimator import Prior, SubjectFilter
from perception.localise.motion import Belief, Dynamics
from perception.localise.observation import HEIGHT, SIZE, TURN, PositionObservation, Rows

FRAME = 1 / 24
D = Dynamics()


def belief(velocity=(1.2, 0.0, 0.0), rate: float = 0.0) -> Belief:
    mean = np.zeros(SIZE)
    mean[3:6], mean[TURN], mean[HEIGHT] = velocity, rate, 1.75
    return Belief.of(mean, np.diag([0.01] * 3 + [0.04] * 3 + [0.01, 0.01]))


@given(st.floats(-1.5, 1.5), st.floats(0.02, 1.0))
def test_the_derivative_is_that_of_the_motion(rate: float, dt: float) -> None:
    mean = belief((1.1, -0.4, 0.05), rate).mean
    moved, step = motion._move(mean, dt, D, turns=True)
    for k in range(SIZE):
        for sign in (1, -1):
            off = np.zeros(SIZE)
            off[k] = sign * 1e-5
            there, _ = motion._move(mean + off, dt, D, turns=True)
            np.testing.assert_allclose((there - moved) / (sign * 1e-5), step[:, k], atol=1e-3)


@given(st.floats(-1.5, 1.5))
def test_a_turn_keeps_the_speed(rate: float) -> None:
    moved, _ = motion._move(belief(rate=rate).mean, 0.5, D, turns=True)
    assert math.hypot(moved[3], moved[4]) == pytest.approx(1.2)
    assert math.atan2(moved[4], moved[3]) == pytest.approx(0.5 * rate, abs=1e-9)


def test_prediction_widens_and_stays_a_covariance() -> None:
    spreads = []
    for dt in (0.1, 0.5, 1.0, 3.0):
        later = motion.predict(belief(), dt, D)
        np.testing.assert_allclose(later.covariance, later.covariance.T, atol=1e-12)
        assert np.linalg.eigvalsh(later.covariance).min() > 0
        assert later.weights.sum() == pytest.approx(1.0)
        spreads.append(later.covariance[0, 0])
    assert np.all(np.diff(spreads) > 0)


def run(path, seed: int, spread: float = 0.05) -> tuple[SubjectFilter, list[float], list[float]]:
    """Follow a path (a function of time): the filter, position errors, and turning weights."""
    random = np.random.default_rng(seed)
    subject, errors, weights = SubjectFilter("hero", Prior()), [], []
    for k in range(int(8 / FRAME)):
        t = k * FRAME
        place = path(t)
        seen = place + spread * random.standard_normal(3)
        subject.update(PositionObservation(t, seen, spread**2 * np.eye(3)))
        errors.append(float(np.linalg.norm(subject.estimate(t).position - place)))
        weights.append(float(subject._past[-1].belief.weights[1]))
    return subject, errors, weights


def straight(t: float) -> np.ndarray:
    return np.array([1.3 * t, 0.0, 0.0])


def circle(t: float, rate: float = 0.9) -> np.ndarray:
    """1.3 m/s along a circle, from 4 s on."""
    if t < 4:
        return straight(t)
    angle = rate * (t - 4)
    radius = 1.3 / rate
    return np.array([5.2 + radius * math.sin(angle), radius * (1 - math.cos(angle)), 0.0])


def test_a_straight_walk_is_straight_and_a_turn_is_a_turn() -> None:
    _, _, weights = run(straight, 0)
    assert np.mean(weights[48:]) < 0.5
    _, _, turning = run(circle, 0)
    assert np.mean(turning[-48:]) > np.mean(turning[48:90]) + 0.15


def test_a_turn_is_predicted_as_one() -> None:
    """A second ahead on a circle, the pair is nearer than a straight line would be."""
    mixed, line, rates = [], [], []
    for seed in range(6):
        subject, _, _ = run(circle, seed)
        found = subject.estimate(8.0)
        rates.append(found.turn_rate)
        truth = circle(9.0)
        mixed.append(np.linalg.norm(found.positions(np.array([9.0]))[0] - truth))
        line.append(np.linalg.norm(found.position + found.velocity - truth))
    assert np.mean(rates) > 0.2
    assert np.mean(mixed) < 0.9 * np.mean(line)


@pytest.mark.slow
def test_it_is_as_sure_as_it_is_right_on_walks_with_turns() -> None:
    nees = []
    for seed in range(6):
        random = np.random.default_rng(seed)
        subject = SubjectFilter("hero", Prior())
        place, heading, rate = np.zeros(3), 0.0, 0.0
        for k in range(240):
            if k % 48 == 0:  # turns last 1 s or so, and come and go
                rate = random.choice([0.0, 0.0, 1.2, -1.2])
            heading += rate * FRAME
            place = place + 1.3 * FRAME * np.array([math.cos(heading), math.sin(heading), 0])
            seen = place + 0.05 * random.standard_normal(3)
            subject.update(PositionObservation(k * FRAME, seen, 0.0025 * np.eye(3)))
            if k > 24 and k % 6 == 0:
                found = subject.estimate(k * FRAME)
                off = (found.position - place)[:2]
                nees.append(float(off @ np.linalg.solve(found.covariance[:2, :2], off)))
    low, high = chi2.ppf([0.025, 0.975], 2)
    inside = np.mean((np.array(nees) >= low) & (np.array(nees) <= high))
    assert inside >= 0.9


def test_a_row_far_from_the_rest_is_left_out_alone() -> None:
    class Rowed:
        time = 0.0

        def __init__(self, bad: float) -> None:
            self.bad = bad

        def rows(self, state: np.ndarray) -> Rows:
            jacobian = np.zeros((4, SIZE))
            jacobian[:3, :3], jacobian[3, 0] = np.eye(3), 1.0
            measured = np.array([0.1, 0.0, 0.0, self.bad])
            residual = measured - jacobian @ state
            loose = np.array([False, False, False, True])
            return Rows(residual, jacobian, 0.01 * np.eye(4), loose)

    honest, spoilt = imm.update(belief(), Rowed(0.1)), imm.update(belief(), Rowed(9.0))
    assert honest is not None
    assert spoilt is not None
    assert spoilt.mean[0] == pytest.approx(honest.mean[0], abs=0.05)
    assert spoilt.covariance[0, 0] > honest.covariance[0, 0]
