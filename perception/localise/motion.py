"""How a subject moves: constant velocity and coordinated turn, mixed as observations have it.

Both models share white acceleration; the coordinated turn also has a turn rate, which fades, as
nobody walks in circles for long. `perception.localise.imm` weighs them.

Sources: H. A. P. Blom and Y. Bar-Shalom, "The interacting multiple model algorithm for systems
with Markovian switching coefficients", IEEE Trans. Automatic Control 33(8), 1988; Y. Bar-Shalom,
X. R. Li and T. Kirubarajan, *Estimation with Applications to Tracking and Navigation* (2001),
sections 11.6 (mixing) and 11.7 (coordinated turn).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cinempc.rig.subject import TURN_TIME
from perception.localise.observation import HEIGHT, SIZE, TURN

Floats = NDArray[np.float64]

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
        ground: height of the ground where subjects walk, m, or None where that is not known.
        ground_std: how far feet seem to be off it, m: bumps, kerbs, what is taken for feet.
        ground_time: how long they stay as far off it, s. An error that stays is never averaged
            away, and far away it is one of range.
        climb_time: how long a step up or down lasts, s.
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
    ground: float | None = None
    ground_std: float = 0.05
    ground_time: float = 3.0
    climb_time: float = 1.0
    growth: float = 0.01
    speed: float = 1.5
    memory: float = 1.0
    patience: float = 0.35


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
        if dynamics.ground is not None and dt > 0:
            keep, fade = math.exp(-dt / dynamics.ground_time), math.exp(-dt / dynamics.climb_time)
            mean[2] = dynamics.ground + keep * (mean[2] - dynamics.ground)
            mean[5] *= fade
            step[2] *= keep
            step[5] *= fade
        means[model] = mean
        covariances[model] = step @ mixed.covariances[model] @ step.T + noise
        if model == _CT:
            left = math.exp(-2 * abs(dt) / dynamics.turn_time)
            covariances[model][TURN, TURN] += dynamics.turning**2 * (1 - left)
    return Belief(means, covariances, mixed.weights)


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
    if dynamics.ground is not None:
        gone = 1 - math.exp(-2 * long / dynamics.ground_time)
        noise[2, 2] += dynamics.ground_std**2 * gone
    noise[HEIGHT, HEIGHT] = dynamics.growth**2 * long
    return noise
