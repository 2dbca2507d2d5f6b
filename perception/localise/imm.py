"""The interacting-multiple-model filter's measurement side: gate, update and first fit of a belief.

Sources: Y. Bar-Shalom, X. R. Li and T. Kirubarajan, *Estimation with Applications to Tracking and
Navigation* (2001), sections 5.4 (gating) and 11.6 (model probabilities); B. M. Bell and F. W.
Cathey, "The iterated Kalman filter update as a Gauss-Newton method", IEEE Trans. Automatic
Control 38(2), 1993.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from perception.localise.motion import Belief
from perception.localise.observation import SIZE, Observation, Rows

Floats = NDArray[np.float64]


def distances(belief: Belief, observations: Sequence[Observation]) -> list[tuple[float, int]]:
    """Squared Mahalanobis distances of observations from a belief of their time, and freedoms.

    Infinite where the belief cannot explain one at all.
    """
    mean, covariance = belief.mean, belief.covariance
    found = []
    for observation in observations:
        rows = observation.rows(mean)
        if rows is None or not len(rows.residual):
            found.append((math.inf, 1))
            continue
        spread = _spread(rows, covariance)[1]
        squared = float(rows.residual @ np.linalg.solve(spread, rows.residual))
        if squared > gate(len(rows.residual)):
            kept = _fitting(rows, covariance)  # as an update would have it
            if kept is not None:
                rows = rows.part(kept)
                spread = spread[np.ix_(kept, kept)]
                squared = float(rows.residual @ np.linalg.solve(spread, rows.residual))
        found.append((squared, len(rows.residual)))
    return found


def gate(freedom: int, share: float = 0.999) -> float:
    """Squared Mahalanobis distance inside which that share of honest observations lies."""
    return _GATES[min(freedom, len(_GATES) - 1)] if share == 0.999 else chi2.ppf(share, freedom)


_GATES = [0.0, *(float(chi2.ppf(0.999, k)) for k in range(1, 25))]

_NEAR = 0.1  # m, a step up to which one linearisation serves
_ITERATIONS = 5


def update(belief: Belief, observation: Observation) -> Belief | None:
    """The belief with an observation of its time; None where the gate leaves that out.

    A row far from the rest (an elbow taken for the head, a depth from the wall behind) is left
    out alone, as long as most of the others fit.
    """
    found = [observation.rows(mean) for mean in belief.means]
    lead = int(np.argmax(belief.weights))
    leading = found[lead]
    if leading is None or not len(leading.residual):
        return None
    # The likelier model chooses, so that both explain the same rows.
    kept = _fitting(leading, belief.covariances[lead])
    if kept is None:
        return None
    means, covariances = np.empty((2, SIZE)), np.empty((2, SIZE, SIZE))
    log_likelihood = np.full(2, -np.inf)
    for model, rows in enumerate(found):
        if rows is None:
            return None
        rows = rows.part(kept)
        before = belief.means[model]
        across, spread = _spread(rows, belief.covariances[model])
        log_likelihood[model] = -0.5 * (
            rows.residual @ np.linalg.solve(spread, rows.residual) + np.linalg.slogdet(spread)[1]
        )
        gain = np.linalg.solve(spread, across.T).T
        means[model] = before + gain @ rows.residual
        # Seen again after a while, a subject is far from where it was thought to be, and what was
        # linear there is not here: the iterated filter goes on from where it came to.
        moved = means[model] - before
        for _ in range(_ITERATIONS):
            again = observation.rows(means[model]) if np.linalg.norm(moved[:3]) > _NEAR else None
            if again is None:
                break
            rows = again.part(kept)
            across, spread = _spread(rows, belief.covariances[model])
            gain = np.linalg.solve(spread, across.T).T
            mean = before + gain @ (rows.residual - rows.jacobian @ (before - means[model]))
            moved, means[model] = mean - means[model], mean
        h, r = rows.jacobian, rows.covariance
        # Joseph's form: stays symmetric and positive.
        keep = np.eye(SIZE) - gain @ h
        covariances[model] = keep @ belief.covariances[model] @ keep.T + gain @ r @ gain.T
    weights = belief.weights * np.exp(log_likelihood - log_likelihood.max())
    weights = np.clip(weights / weights.sum(), 1e-4, None)
    return Belief(means, covariances, weights / weights.sum())


def _spread(rows: Rows, covariance: Floats) -> tuple[Floats, Floats]:
    """Covariance of the state with what is expected (8, m), and of what is expected (m, m)."""
    across = covariance @ rows.jacobian.T
    return across, rows.jacobian @ across + rows.covariance


def _fitting(rows: Rows, covariance: Floats) -> NDArray[np.intp] | None:
    """The rows that go with each other and with the belief; None where too few do."""
    kept = np.arange(len(rows.residual))
    spread = _spread(rows, covariance)[1]
    while True:
        part = spread[np.ix_(kept, kept)]
        off = np.linalg.solve(part, rows.residual[kept])
        if float(rows.residual[kept] @ off) <= _GATES[min(len(kept), len(_GATES) - 1)]:
            return kept
        loose = rows.loose[kept]
        if not loose.any() or len(kept) <= max(2, math.ceil(0.6 * len(rows.residual))):
            return None
        # Without row k the distance falls by off_k² / (S⁻¹)_kk.
        falls = np.where(loose, off**2 / np.diag(np.linalg.inv(part)), -1.0)
        kept = np.delete(kept, int(np.argmax(falls)))


def fit(observation: Observation, guess: Floats, prior: Floats) -> Belief | None:
    """The belief from the first observation alone, by Gauss-Newton; rows that do not go with the
    rest (a depth from the wall behind) are left out.

    Args:
        observation: seen first.
        guess: (8,) state: what is known before, and roughly where.
        prior: (8, 8) covariance of it.

    Returns:
        None where nothing explains the observation.
    """
    rows = observation.rows(guess)
    if rows is None or not len(rows.residual):
        return None
    kept = np.arange(len(rows.residual))
    least = max(2, math.ceil(0.6 * len(kept)))
    while True:
        belief, cost = _fit(observation, guess, prior, kept)
        if cost <= _GATES[min(len(kept), len(_GATES) - 1)]:
            return belief
        loose = kept[rows.loose[kept]]
        if len(kept) <= least or not len(loose):
            # Far from the prior, but all there is: as with a place that may be anywhere.
            return belief
        trials = [kept[kept != k] for k in loose]
        kept = min(trials, key=lambda some: _fit(observation, guess, prior, some)[1])


def _fit(
    observation: Observation,
    guess: Floats,
    prior: Floats,
    kept: NDArray[np.intp],
    iterations: int = 8,
) -> tuple[Belief | None, float]:
    """The belief from some rows, and the squared misfit that is left; infinite where none is."""
    mean, information = guess.copy(), np.linalg.inv(prior)
    normal = information
    for _ in range(iterations):
        rows = observation.rows(mean)
        if rows is None:
            return None, math.inf
        rows = rows.part(kept)
        weighted = np.linalg.solve(rows.covariance, rows.jacobian).T
        normal = information + weighted @ rows.jacobian
        step = np.linalg.solve(normal, weighted @ rows.residual + information @ (guess - mean))
        size = float(np.linalg.norm(step[:3]))
        # Range enters as 1/Z: a long step may go through the camera.
        mean = mean + step * min(1.0, 4.0 / max(size, 1e-9))
        if size < 1e-4:
            break
    rows = observation.rows(mean)
    if rows is None or not np.isfinite(mean).all():
        return None, math.inf
    rows = rows.part(kept)
    off = guess - mean
    cost = rows.residual @ np.linalg.solve(rows.covariance, rows.residual) + off @ information @ off
    return Belief.of(mean, np.linalg.inv(normal)), float(cost)
