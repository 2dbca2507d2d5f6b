"""How a subject moves: constant velocity and coordinated turn, mixed as the evidence has it.

An interacting-multiple-model filter over one state: position, velocity, turn rate and body height.
Both models share white acceleration; the coordinated turn also has a turn rate, which fades, as
nobody walks in circles for long.

Sources: H. A. P. Blom and Y. Bar-Shalom, "The interacting multiple model algorithm for systems
with Markovian switching coefficients", IEEE Trans. Automatic Control 33(8), 1988; Y. Bar-Shalom,
X. R. Li and T. Kirubarajan, *Estimation with Applications to Tracking and Navigation* (2001),
sections 11.6 (mixing) and 11.7 (coordinated turn).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from cinempc.subject import TURN_TIME

Floats = NDArray[np.float64]

#: Places in the state: x, y, z, their rates, turn rate rad/s, height m.
TURN, HEIGHT, SIZE = 6, 7, 8
_CV, _CT = 0, 1


@dataclass(frozen=True)
class Dynamics:
    """How subjects move.

    Attributes:
        acceleration: spectral density of the white acceleration, m/s²/√Hz: 0.35 is a person who
            walks and changes pace now and then.
        vertical: the same for height above the ground: next to nothing.
        turning: standard deviation of the turn rate of one who turns, rad/s.
        turn_time: how long a turn lasts, s: the turn rate forgets itself with it.
        begins, ends: how often a turn begins and ends, 1/s.
        growth: spectral density of the body height's random walk, m/√s: next to nothing.
        speed: standard deviation of the speed at first sight, m/s.
        memory: how long ago a measurement may be, s.
        patience: for how long measurements outside the gate, with none inside, are left out before
            the filter starts again from them, s.
    """

    acceleration: float = 0.35
    vertical: float = 0.05
    turning: float = 1.0
    turn_time: float = TURN_TIME
    begins: float = 0.4
    ends: float = 0.7
    growth: float = 0.002
    speed: float = 1.5
    memory: float = 1.0
    patience: float = 0.35


@dataclass(frozen=True)
class Rows:
    """Evidence, linear about a state.

    Attributes:
        residual: (m,) measured - expected.
        jacobian: (m, 8) derivative of what is expected by the state.
        covariance: (m, m) of the noise.
        loose: (m,) whether a row may be left out alone where it does not go with the others.
    """

    residual: Floats
    jacobian: Floats
    covariance: Floats
    loose: NDArray[np.bool_]

    def part(self, which: NDArray[np.intp]) -> Rows:
        """Some of the rows."""
        square = np.ix_(which, which)
        return Rows(
            self.residual[which], self.jacobian[which], self.covariance[square], self.loose[which]
        )


class Evidence(Protocol):
    """Something that says where a subject was at a time."""

    @property
    def time(self) -> float:
        """Of the exposure, s."""

    def rows(self, state: Floats) -> Rows | None:
        """What it says, linear about a state (8,); None where it says nothing about that."""


@dataclass(frozen=True)
class Belief:
    """What is believed of a subject at one time.

    Attributes:
        means: (2, 8) of each model.
        covariances: (2, 8, 8).
        weights: (2,) probabilities of the models.
    """

    means: Floats
    covariances: Floats
    weights: Floats

    @classmethod
    def of(cls, mean: Floats, covariance: Floats) -> Belief:
        """The same in both models."""
        return cls(np.stack([mean] * 2), np.stack([covariance] * 2), np.array([0.8, 0.2]))

    @property
    def mean(self) -> Floats:
        """(8,) of both models."""
        mean: Floats = self.weights @ self.means
        return mean

    @property
    def covariance(self) -> Floats:
        """(8, 8) of both models, with how far they disagree."""
        off = self.means - self.mean
        spread = self.covariances + off[:, :, None] * off[:, None, :]
        covariance: Floats = np.tensordot(self.weights, spread, 1)
        return covariance


def predict(belief: Belief, dt: float, dynamics: Dynamics) -> Belief:
    """The belief ``dt`` s later, or earlier."""
    if dt == 0.0:
        return belief
    mixed = _mix(belief, abs(dt), dynamics)
    means, covariances = np.empty((2, SIZE)), np.empty((2, SIZE, SIZE))
    noise = _noise(dt, dynamics)
    for model in (_CV, _CT):
        mean, step = _move(mixed.means[model], dt, dynamics, turns=model == _CT)
        means[model] = mean
        covariances[model] = step @ mixed.covariances[model] @ step.T + noise
        if model == _CT:
            left = math.exp(-2 * abs(dt) / dynamics.turn_time)
            covariances[model][TURN, TURN] += dynamics.turning**2 * (1 - left)
    return Belief(means, covariances, mixed.weights)


def distances(belief: Belief, pieces: Sequence[Evidence]) -> list[tuple[float, int]]:
    """Squared Mahalanobis distances of pieces of evidence from a belief of their time, and their
    freedoms.

    Infinite where the belief cannot explain one at all.
    """
    mean, covariance = belief.mean, belief.covariance
    found = []
    for evidence in pieces:
        rows = evidence.rows(mean)
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
    """Squared Mahalanobis distance inside which that share of honest evidence lies."""
    return _GATES[min(freedom, len(_GATES) - 1)] if share == 0.999 else chi2.ppf(share, freedom)


_GATES = [0.0, *(float(chi2.ppf(0.999, k)) for k in range(1, 25))]

_NEAR = 0.1  # m, a step up to which one linearisation serves
_ITERATIONS = 5


def update(belief: Belief, evidence: Evidence) -> Belief | None:
    """The belief with evidence of its time; None where the gate leaves that out.

    A row far from the rest (an elbow taken for the head, a depth from the wall behind) is left
    out alone, as long as most of the others fit.
    """
    found = [evidence.rows(mean) for mean in belief.means]
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
        # Found again after a while, a subject is far from where it was thought to be, and what
        # was linear there is not here: the iterated filter goes on from where it came to.
        moved = means[model] - before
        for _ in range(_ITERATIONS):
            again = evidence.rows(means[model]) if np.linalg.norm(moved[:3]) > _NEAR else None
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


def fit(evidence: Evidence, guess: Floats, prior: Floats) -> Belief | None:
    """The belief from the first evidence alone, by Gauss-Newton; rows that do not go with the
    rest (a depth from the wall behind) are left out.

    Args:
        evidence: seen first.
        guess: (8,) state: what is known before, and roughly where.
        prior: (8, 8) covariance of it.

    Returns:
        None where nothing explains the evidence.
    """
    rows = evidence.rows(guess)
    if rows is None or not len(rows.residual):
        return None
    kept = np.arange(len(rows.residual))
    least = max(2, math.ceil(0.6 * len(kept)))
    while True:
        belief, cost = _fit(evidence, guess, prior, kept)
        if cost <= _GATES[min(len(kept), len(_GATES) - 1)]:
            return belief
        loose = kept[rows.loose[kept]]
        if len(kept) <= least or not len(loose):
            # Far from the prior, but all there is: as with a place that may be anywhere.
            return belief
        trials = [kept[kept != k] for k in loose]
        kept = min(trials, key=lambda some: _fit(evidence, guess, prior, some)[1])


def _fit(
    evidence: Evidence, guess: Floats, prior: Floats, kept: NDArray[np.intp], iterations: int = 8
) -> tuple[Belief | None, float]:
    """The belief from some rows, and the squared misfit that is left; infinite where none is."""
    mean, information = guess.copy(), np.linalg.inv(prior)
    normal = information
    for _ in range(iterations):
        rows = evidence.rows(mean)
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
    rows = evidence.rows(mean)
    if rows is None or not np.isfinite(mean).all():
        return None, math.inf
    rows = rows.part(kept)
    off = guess - mean
    cost = rows.residual @ np.linalg.solve(rows.covariance, rows.residual) + off @ information @ off
    return Belief.of(mean, np.linalg.inv(normal)), float(cost)


# --- the models ---


def _mix(belief: Belief, dt: float, dynamics: Dynamics) -> Belief:
    begins, ends = 1 - math.exp(-dynamics.begins * dt), 1 - math.exp(-dynamics.ends * dt)
    chance = np.array([[1 - begins, begins], [ends, 1 - ends]])
    joint = belief.weights[:, None] * chance
    weights = joint.sum(axis=0)
    share = joint / weights  # (from, to)
    means = share.T @ belief.means
    covariances = np.empty_like(belief.covariances)
    for to in (_CV, _CT):
        off = belief.means - means[to]
        spread = belief.covariances + off[:, :, None] * off[:, None, :]
        covariances[to] = np.tensordot(share[:, to], spread, 1)
    return replace(belief, means=means, covariances=covariances, weights=weights)


def _move(mean: Floats, dt: float, dynamics: Dynamics, *, turns: bool) -> tuple[Floats, Floats]:
    """The state ``dt`` later, and its derivative by the state."""
    step = np.eye(SIZE)
    step[0, 3] = step[1, 4] = step[2, 5] = dt
    if not turns:
        step[TURN, TURN] = 0.0
        return step @ mean, step
    vx, vy, rate = mean[3], mean[4], mean[TURN]
    angle = rate * dt
    sin, cos = math.sin(angle), math.cos(angle)
    if abs(angle) < 1e-4:
        s, c = dt * (1 - angle**2 / 6), dt * angle / 2
        ds, dc = -(dt**2) * angle / 3, dt**2 / 2
    else:
        s, c = sin / rate, (1 - cos) / rate
        ds, dc = (dt * cos - s) / rate, (dt * sin - c) / rate
    step[0, 3:5], step[1, 3:5] = (s, -c), (c, s)
    step[3, 3:5], step[4, 3:5] = (cos, -sin), (sin, cos)
    step[TURN, TURN] = math.exp(-abs(dt) / dynamics.turn_time)
    moved = step @ mean
    step[0, TURN], step[1, TURN] = ds * vx - dc * vy, dc * vx + ds * vy
    step[3, TURN], step[4, TURN] = dt * (-sin * vx - cos * vy), dt * (cos * vx - sin * vy)
    return moved, step


def _noise(dt: float, dynamics: Dynamics) -> Floats:
    """White acceleration, and a body that grows by next to nothing."""
    density = np.array([dynamics.acceleration] * 2 + [dynamics.vertical]) ** 2
    long = abs(dt)
    noise = np.zeros((SIZE, SIZE))
    axes = np.arange(3)
    noise[axes, axes] = density * long**3 / 3
    noise[axes, axes + 3] = noise[axes + 3, axes] = density * long**2 / 2 * math.copysign(1, dt)
    noise[axes + 3, axes + 3] = density * long
    noise[TURN, TURN] = 1e-6
    noise[HEIGHT, HEIGHT] = dynamics.growth**2 * long
    return noise
