"""The subject filter: consistent, indifferent to the order of arrival, and not easily fooled."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import chi2

from perception.localise.estimator import Prior, SubjectFilter
from perception.localise.motion import Dynamics
from perception.localise.observation import PositionObservation

FRAME = 1 / 24  # s
SPREAD = 0.05  # m
WALK = Dynamics(ground=Prior().ground, ground_std=Prior().ground_std)


def seen(
    time: float, position, spread: float = SPREAD, height: float | None = None
) -> PositionObservation:
    return PositionObservation(
        time, np.asarray(position, dtype=float), spread**2 * np.eye(3), height
    )


def walker(random: np.random.Generator, frames: int) -> np.ndarray:
    """States (frames, 6) of a subject that moves exactly as the filter believes."""
    density = np.array([WALK.acceleration, WALK.acceleration, WALK.vertical]) ** 2
    block = np.array([[FRAME**3 / 3, FRAME**2 / 2], [FRAME**2 / 2, FRAME]])
    root = np.linalg.cholesky(block)
    x = np.zeros(6)
    x[3:] = [WALK.speed, WALK.speed, 0.1] * random.standard_normal(3)
    states = np.empty((frames, 6))
    assert WALK.ground is not None
    keep = math.exp(-FRAME / WALK.ground_time)
    for k in range(frames):
        states[k] = x
        noise = np.sqrt(density)[:, None] * (random.standard_normal((3, 2)) @ root.T)
        x = np.concatenate([x[:3] + FRAME * x[3:], x[3:]])
        x[2] = WALK.ground + keep * (x[2] - WALK.ground)
        x[5] *= math.exp(-FRAME / WALK.climb_time)
        x += np.concatenate([noise[:, 0], noise[:, 1]])
        x[2] += WALK.ground_std * math.sqrt(1 - keep**2) * random.standard_normal()
    return states


def nees(seed: int, delay: Callable[[np.random.Generator], float]) -> list[float]:
    """Normalised estimation error squared, twice a second, asked for "now" all the time."""
    random = np.random.default_rng(seed)
    states = walker(random, 120)
    arrivals = [
        (k * FRAME + delay(random), seen(k * FRAME, x[:3] + SPREAD * random.standard_normal(3)))
        for k, x in enumerate(states)
        if k == 0 or random.random() > 0.1
    ]
    arrivals.sort(key=lambda arrival: arrival[0])
    subject, errors = SubjectFilter("hero"), []
    for k, truth in enumerate(states):
        while arrivals and arrivals[0][0] <= k * FRAME:
            subject.update(arrivals.pop(0)[1])
        if k >= 24 and k % 12 == 0:
            found = subject.estimate(k * FRAME)
            error = np.concatenate([found.position, found.velocity]) - truth
            errors.append(float(error @ np.linalg.solve(found.covariance, error)))
    return errors


@pytest.mark.slow
@pytest.mark.parametrize(
    "delay",
    [lambda random: 0.08, lambda random: random.uniform(0.05, 0.3)],
    ids=["80 ms late", "50 to 300 ms late, out of order"],
)
def test_its_covariance_is_honest(delay: Callable[[np.random.Generator], float]) -> None:
    runs = 20
    mean = np.mean([nees(seed, delay) for seed in range(runs)], axis=0)
    low, high = chi2.ppf([0.025, 0.975], 6 * runs) / runs
    assert np.mean((mean > low) & (mean < high)) >= 0.85
    # The mean over all times, whose errors are correlated, stays in the same band.
    assert low < mean.mean() < high


def test_the_order_of_arrival_does_not_matter() -> None:
    random = np.random.default_rng(0)
    taken = [
        seen(k * FRAME, [1.2 * k * FRAME, 0, 0] + SPREAD * random.standard_normal(3))
        for k in range(48)
    ]
    ordered, mixed = SubjectFilter("hero"), SubjectFilter("hero")
    for measurement in taken:
        ordered.update(measurement)
    mixed.update(taken[0])
    for k in range(1, 48, 4):
        for j in (3, 1, 0, 2):
            if k + j < 48:
                mixed.update(taken[k + j])
    a, b = ordered.estimate(2.2), mixed.estimate(2.2)
    np.testing.assert_allclose(a.position, b.position, atol=1e-12)
    np.testing.assert_allclose(a.covariance, b.covariance, atol=1e-12)


def test_follows_a_walk_and_its_heading() -> None:
    random = np.random.default_rng(1)
    subject = SubjectFilter("hero", Prior(heading=2.0))
    for k in range(72):
        way = 1.2 * k * FRAME * np.array([0.6, 0.8, 0.0])
        subject.update(seen(k * FRAME, way + SPREAD * random.standard_normal(3)))
    found = subject.estimate(72 * FRAME)
    assert np.linalg.norm(found.position - 1.2 * 3 * np.array([0.6, 0.8, 0])) < 0.1
    assert found.velocity[:2] == pytest.approx([0.72, 0.96], abs=0.2)
    assert found.heading == pytest.approx(math.atan2(0.8, 0.6), abs=0.2)
    assert found.heading_variance < 0.35**2  # 20 deg: people also walk sideways


def test_one_who_stands_keeps_the_heading_it_was_given() -> None:
    random = np.random.default_rng(2)
    subject = SubjectFilter("hero", Prior(heading=2.0))
    for k in range(96):
        subject.update(seen(k * FRAME, 0.03 * random.standard_normal(3)))
    found = subject.estimate(4.0)
    assert found.heading == pytest.approx(2.0, abs=0.01)
    assert found.heading_variance > 1.0


def test_unseen_it_ages_and_its_covariance_grows() -> None:
    subject = SubjectFilter("hero")
    for k in range(24):
        subject.update(seen(k * FRAME, [1.2 * k * FRAME, 0, 0]))
    last = 23 * FRAME
    estimates = [subject.estimate(last + wait) for wait in (0.0, 0.5, 1.0, 3.0)]
    assert [found.age for found in estimates] == pytest.approx([0.0, 0.5, 1.0, 3.0])
    assert np.all(np.diff([np.trace(found.covariance[:3, :3]) for found in estimates]) > 0)
    assert estimates[-1].position[0] == pytest.approx(1.2 * (last + 3), abs=0.3)


def test_a_false_detection_is_left_out() -> None:
    subject = SubjectFilter("hero")
    for k in range(48):
        subject.update(seen(k * FRAME, [1.2 * k * FRAME, 0, 0]))
    before = subject.estimate(2.0)
    assert not subject.update(seen(2.0, [12.0, 0, 0]))
    assert subject.rejected == 1
    np.testing.assert_array_equal(subject.estimate(2.0).position, before.position)


def test_scattered_false_detections_do_not_carry_it_off() -> None:
    random = np.random.default_rng(3)
    subject = SubjectFilter("hero")
    for k in range(120):
        flawed = k > 10 and k % 3 == 0
        spot = random.uniform(-20, 20, 3) if flawed else [1.2 * k * FRAME, 0, 0]
        subject.update(seen(k * FRAME, spot))
    assert subject.estimate(119 * FRAME).position[0] == pytest.approx(1.2 * 119 * FRAME, abs=0.1)


def test_one_who_turns_on_the_heel_is_caught_again() -> None:
    random = np.random.default_rng(4)
    subject, errors = SubjectFilter("hero"), {}
    for k in range(192):
        t = k * FRAME
        x = 1.2 * min(t, 5.0) - 1.2 * max(t - 5.0, 0.0)
        subject.update(seen(t, [x, 0, 0] + SPREAD * random.standard_normal(3)))
        errors[k] = abs(subject.estimate(t).position[0] - x)
    assert max(errors.values()) < 1.5
    assert max(errors[k] for k in range(144, 192)) < 0.15  # from 1 s after it turned


def test_a_track_that_began_on_a_false_detection_starts_again() -> None:
    random = np.random.default_rng(5)
    subject = SubjectFilter("hero")
    subject.update(seen(0.0, [30.0, 0, 0]))
    for k in range(1, 24):
        subject.update(seen(k * FRAME, SPREAD * random.standard_normal(3)))
    assert np.linalg.norm(subject.estimate(1.0).position) < 0.2


def test_clutter_that_does_not_agree_starts_nothing() -> None:
    random = np.random.default_rng(6)
    subject = SubjectFilter("hero")
    for k in range(24):
        subject.update(seen(k * FRAME, [0, 0, 0]))
    for k in range(24, 48):
        subject.update(seen(k * FRAME, random.uniform(5, 40, 3)))
    assert np.linalg.norm(subject.estimate(2.0).position) < 0.5


def test_too_old_or_not_finite_is_left_out() -> None:
    subject = SubjectFilter("hero")
    assert subject.update(seen(1.0, [0, 0, 0]))
    for k in range(1, 48):
        subject.update(seen(1.0 + k * FRAME, [0, 0, 0]))
    assert not subject.update(seen(1.0, [0, 0, 0]))
    assert not subject.update(seen(3.1, [math.nan, 0, 0]))
    assert not subject.update(seen(math.inf, [0, 0, 0]))
    assert np.isfinite(subject.estimate(3.1).position).all()


def test_its_height_comes_from_what_is_measured() -> None:
    random = np.random.default_rng(7)
    subject = SubjectFilter("hero", Prior(height=1.75))
    for k in range(96):
        height = 1.82 + 0.08 * random.standard_normal()
        subject.update(seen(k * FRAME, [0, 0, 0], height=height))
    found = subject.estimate(4.0)
    assert found.height == pytest.approx(1.82, abs=0.03)
    assert found.height_variance < 0.05**2 / 10


def test_unseen_subjects_have_no_estimate() -> None:
    subject = SubjectFilter("hero")
    assert not subject.seen
    with pytest.raises(ValueError, match="hero was not seen"):
        subject.estimate(0.0)


def test_a_told_height_stays_and_the_body_where_it_was() -> None:
    """What a detector sees is 8 % short at both ends: the middle is right, and stays so."""
    subject = SubjectFilter("hero", Prior(height=1.58, height_std=0.01))
    for k in range(24):
        place = np.array([5.0, 0.0, 0.07])
        subject.update(PositionObservation(k / 24, place, 1e-4 * np.eye(3), height=1.58))
    seen = subject.estimate(1.0)
    assert seen.height == pytest.approx(1.58, abs=0.01)
    subject.tell(1.0, 1.72)
    told = subject.estimate(1.0)
    assert told.height == 1.72
    assert told.position[2] == pytest.approx(0.0, abs=0.01)
    np.testing.assert_allclose(told.point(0.5), seen.point(0.5), atol=0.01)
