"""Gauss-Newton sequential quadratic programming on a problem, real-time iterations or to the end.

One iteration linearises all residuals and rows at the iterate, solves HPIPM's quadratic program,
and takes as much of the step as lowers the merit (cost plus the price of violated rows). Iterates
are rolled out from the inputs, so each one obeys the dynamics to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.data import Data
from cinempc.mpc.model import POSE
from cinempc.mpc.problem import Problem
from cinempc.rig.plan import NX

Floats = NDArray[np.float64]

#: Price of breaking a hard row, in the merit only: the quadratic program does not break them.
_HARD_PRICE = 1e4
_FRACTIONS = (1.0, 0.5, 0.2, 0.05)


@dataclass
class Iterate:
    """A trajectory with its cost and its violations.

    Attributes:
        states: at the nodes 1..N, (N, 18).
        inputs: (N, 9).
        cost: the objectives' part.
        merit: cost plus the price of violations.
        excess: by how much each row is broken, (N, rows).
    """

    states: Floats
    inputs: Floats
    cost: float
    merit: float
    excess: Floats


@dataclass
class Outcome:
    """What a solve came to."""

    iterate: Iterate
    converged: bool
    iterations: int
    failure: str | None = field(default=None)


def evaluate(problem: Problem, data: Data, states: Floats, inputs: Floats) -> Iterate:
    """Cost, merit and violations of a trajectory."""
    function = problem.value
    function.x[:] = states
    function.p[:] = data.parameters[1:]
    residuals, rows = function()
    return _assess(problem, data, states, inputs, residuals, rows)


def keeps_hard_limits(problem: Problem, data: Data, trial: Iterate, room: float = 0.02) -> bool:
    """Whether a trajectory keeps all hard bounds and rows, within ``room`` of each one's unit
    (m, m/s, m/s², rad) and a percent of the inputs."""
    hard = trial.excess[:, problem.row_slack < 0]
    return bool(
        (trial.states > data.lower - room).all()
        and (trial.states < data.upper + room).all()
        and (np.abs(trial.inputs) < data.input_limit * 1.01 + 1e-6).all()
        and (hard < room).all()
    )


def stage_cost(problem: Problem, data: Data) -> float:
    """The objectives' cost of the start itself, now: no prediction."""
    function = problem.value
    function.x[:] = data.start
    function.p[:] = data.parameters[0]
    residuals = function()[0][0]
    start = data.start
    return float(data.weights[0] @ residuals**2 + data.state_cost @ start**2)


def _assess(
    problem: Problem,
    data: Data,
    states: Floats,
    inputs: Floats,
    residuals: Floats,
    rows: Floats,
) -> Iterate:
    N = problem.horizon.nodes
    cost = float(
        np.vdot(data.weights[1:], residuals * residuals)
        + ((states * states) @ data.state_cost).sum()
        + ((inputs * inputs) @ data.input_cost).sum()
    )
    excess = np.maximum(data.row_lower - rows, rows - data.row_upper)
    np.maximum(excess, 0.0, out=excess)
    beyond = np.maximum(data.lower - states, states - data.upper).max()
    price = _HARD_PRICE * max(float(beyond), 0.0)
    if excess.any():
        price += _HARD_PRICE * float(excess[:, problem.row_slack < 0].sum())
        prices = zip(problem.slack_linear, problem.slack_quadratic, strict=True)
        for i, (linear, quadratic) in enumerate(prices):
            slack = excess[:, problem.row_slack == i].max(axis=1)
            price += linear * float(slack.sum()) + quadratic * float(slack @ slack)
    return Iterate(states, inputs, cost / N, (cost + price) / N, excess)


def iterate(problem: Problem, data: Data, inputs: Floats) -> tuple[Iterate, float] | None:
    """One iteration from an input trajectory (N, 9).

    Returns:
        The new iterate and the largest scaled change of an input, or None where the quadratic
        program has no solution.
    """
    N = problem.horizon.nodes
    states = problem.rollout(data.start, inputs)
    function = problem.linear
    function.x[:] = states
    function.p[:] = data.parameters[1:]
    residuals, rows, jacobian, row_jacobian = function()
    now = _assess(problem, data, states, inputs, residuals, rows)
    row_jacobian = row_jacobian.reshape(N, -1, NX)
    qp, solver = problem.qp, problem.qp.solver

    # Gauss-Newton, in steps from the iterate: H = 2/N J'WJ, g = 2/N J'W r.
    J = jacobian.reshape(N, -1, len(POSE))
    weighted = J * data.weights[1:, :, None]
    scale = 2 / N
    diagonal = qp.h_diagonal
    solver.h[diagonal[qp.x_at]] = 0.0
    solver.h[qp.h_pose] = scale * np.matmul(weighted.transpose(0, 2, 1), J)
    solver.h[diagonal[qp.x_at]] += scale * (data.state_cost + qp.regularisation)
    solver.h[diagonal[qp.u_at]] = scale * data.input_cost
    solver.h[diagonal[qp.s_at]] = scale * problem.slack_quadratic
    solver.g[qp.x_at] = scale * data.state_cost * states
    solver.g[qp.x_at[:, POSE]] += scale * np.matmul(residuals[:, None, :], weighted)[:, 0]
    solver.g[qp.u_at] = scale * data.input_cost * inputs
    solver.g[qp.s_at] = problem.slack_linear / N

    # Rows: lower <= g + G (x - x̄) + s <= upper.
    qp.a_values[qp.a_rows] = row_jacobian
    lower, upper = data.row_lower, data.row_upper
    soft = problem.row_slack >= 0
    # One slack opens one side: of a row with two limits, the one it is nearer to breaking. The
    # other is let go for this iteration, it is at least half the range away.
    nearer_low = rows - lower < upper - rows
    lower = np.where(soft & ~nearer_low, -np.inf, lower)
    upper = np.where(soft & nearer_low, np.inf, upper)
    qp.orient_slacks(lower)
    solver.a[:] = qp.a_values
    solver.lba[qp.row_at] = lower - rows
    solver.uba[qp.row_at] = upper - rows
    solver.lbx[qp.x_at], solver.ubx[qp.x_at] = data.lower - states, data.upper - states
    solver.lbx[qp.u_at] = -data.input_limit - inputs
    solver.ubx[qp.u_at] = data.input_limit - inputs
    solver.lbx[qp.s_at] = 0.0
    if not solver():
        return None

    step = solver.x[qp.u_at]
    best: Iterate | None = None
    for fraction in _FRACTIONS:
        trial_inputs = inputs + fraction * step
        trial = evaluate(problem, data, problem.rollout(data.start, trial_inputs), trial_inputs)
        if best is None or trial.merit < best.merit:
            best = trial
        if best.merit <= now.merit * (1 + 1e-9) + 1e-9:
            break
    assert best is not None
    reach = np.where(data.input_limit > 0, data.input_limit, 1.0)
    return best, float((np.abs(best.inputs - inputs) / reach).max())


def solve(problem: Problem, data: Data, iterations: int = 1, mending: int = 4) -> Outcome:
    """Iterate from the guess until it settles or the iterations are spent.

    Args:
        problem, data: what to solve.
        iterations: the most, as long as the result keeps all hard limits.
        mending: how many more where it does not: a long step can leave a curved limit (speed,
            acceleration) a little, and the next one returns to it.

    Returns:
        The last iterate; ``failure`` says why there is no usable one.
    """
    current: Iterate | None = None
    inputs, holds = data.guess, False
    count = 0
    while count < iterations or (not holds and count < iterations + mending):
        count += 1
        result = iterate(problem, data, inputs)
        if result is None:
            states = problem.rollout(data.start, inputs)
            failed = current or evaluate(problem, data, states, inputs)
            return Outcome(failed, False, count, "the quadratic program has no solution")
        current, change = result
        if not np.isfinite(current.merit):
            return Outcome(current, False, count, "the solution is not finite")
        inputs, holds = current.inputs, keeps_hard_limits(problem, data, current)
        if change < 1e-3 and holds:
            return Outcome(current, True, count)
    assert current is not None
    failure = None if holds else "the plan leaves the flight envelope"
    return Outcome(current, False, count, failure)
