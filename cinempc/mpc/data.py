"""The numbers of one solve, put together from goals, estimates and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.constraints.constraint import Constraint, Value
from cinempc.mpc.constraints.envelope import Bounds, has_yaw
from cinempc.mpc.model import slew
from cinempc.mpc.objectives.goals import Goals
from cinempc.mpc.problem import Problem
from cinempc.mpc.start import Start
from cinempc.rig import plan
from cinempc.rig.plan import NU, Plan
from cinempc.rig.subject import SubjectEstimate
from cinempc.rig.vehicle import Vehicle

Floats = NDArray[np.float64]


@dataclass
class Data:
    """The numbers of one solve of a problem with N nodes.

    Attributes:
        start: first state (18,).
        headings: the vehicle's yaw at the nodes 0..N, (N+1,), rad.
        parameters: of the nodes 0..N, (N+1, parameters), as the problem's layout says.
        weights: of the residuals at the nodes 0..N, (N+1, residuals).
        state_cost, input_cost: diagonal weights (18,), (9,) of the squared states and inputs.
        lower, upper: state bounds at the nodes 1..N, (N, 18).
        input_limit: largest absolute inputs (N, 9).
        row_lower, row_upper: limits of the path rows (N, rows).
        guess: input trajectory (N, 9) to start from.
    """

    start: Floats
    headings: Floats
    parameters: Floats
    weights: Floats
    state_cost: Floats
    input_cost: Floats
    lower: Floats
    upper: Floats
    input_limit: Floats
    row_lower: Floats
    row_upper: Floats
    guess: Floats

    def is_finite(self) -> bool:
        """Whether every number that must be finite is."""
        parts = (self.start, self.parameters, self.weights, self.input_limit, self.guess)
        limits = (self.row_lower, self.row_upper)  # infinite where there is none
        return all(bool(np.isfinite(part).all()) for part in parts) and not any(
            bool(np.isnan(part).any()) for part in limits
        )


def assemble(
    problem: Problem,
    now: float,
    start: Start,
    goals: Goals,
    constraints: Sequence[Constraint],
    subjects: Mapping[str, SubjectEstimate],
    vehicle: Vehicle,
    bounds: Bounds,
    guess: Floats,
) -> Data:
    """The numbers of a solve.

    Args:
        problem: of these goals' and constraints' structure.
        now: s.
        start: where the plan starts.
        goals: with targets at now + k · step, k = 0..N.
        constraints: all of them, the goals' own as well.
        subjects: the newest estimates.
        vehicle: its gimbal, turning and response.
        bounds: of states and inputs.
        guess: inputs (N, 9) to start from; what is out of bounds is clipped.
    """
    N, step = problem.horizon.nodes, problem.horizon.step
    times = problem.horizon.times(now)
    guess_states = np.vstack([start.state, problem.rollout(start.state, guess)])
    headings = slew(start.heading, guess_states[:, plan.YAW], vehicle.limits.yaw_rate * step)
    fading = np.exp(-(times - now) / vehicle.response.position_lag)
    parameters = problem.layout.pack(
        times,
        subjects,
        goals.objectives,
        constraints,
        fading[:, None] * start.offset,
        headings,
    )
    weights = at_nodes([objective.weight for objective in goals.objectives], N + 1)
    state_cost, input_cost = goals.smoothness.diagonals()

    lower, upper = repeat(bounds.lower, N), repeat(bounds.upper, N)
    if has_yaw(vehicle):
        yaw = vehicle.gimbal.yaw
        lower[:, plan.YAW], upper[:, plan.YAW] = headings[1:] + yaw.min, headings[1:] + yaw.max
    # What cannot move needs no bounds, and bounds with nothing between them have no interior.
    fixed = ~problem.movable
    lower[:, plan.LENS][:, fixed], upper[:, plan.LENS][:, fixed] = -np.inf, np.inf
    limit = repeat(bounds.inputs, N)
    zoom = guess_states[:, plan.LOG_FOCAL_LENGTH]
    limit[:, plan.ZOOM_RATE] /= np.exp(np.maximum(zoom[1:], zoom[:-1]))  # mm/s to ln f per s
    limit[:, plan.LENS_RATES][:, fixed] = 1.0
    row_lower, row_upper = row_limits(problem, constraints, subjects)
    return Data(
        start.state,
        headings,
        parameters,
        weights[:, problem.owners],
        state_cost,
        input_cost,
        lower,
        upper,
        limit,
        row_lower,
        row_upper,
        # Short steps from inputs that are out of bounds would stay out.
        np.clip(guess, -limit, limit),
    )


def row_limits(
    problem: Problem,
    constraints: Sequence[Constraint],
    subjects: Mapping[str, SubjectEstimate],
) -> tuple[Floats, Floats]:
    """Lower and upper limits of the path rows at the nodes 1..N, (N, rows)."""
    limits = [constraint.limits(subjects) for constraint in constraints]
    count = problem.horizon.nodes + 1
    lower = at_nodes([low for low, _ in limits], count)[1:, problem.row_owners]
    upper = at_nodes([high for _, high in limits], count)[1:, problem.row_owners]
    return lower, upper


def at_nodes(values: Sequence[Value], count: int) -> Floats:
    """Numbers, or arrays with one for each of ``count`` nodes, as columns (count, values)."""
    columns = np.empty((count, len(values)))
    if not any(isinstance(value, np.ndarray) for value in values):
        columns[:] = values  # all at once: it is done in every step
        return columns
    for i, value in enumerate(values):
        columns[:, i] = value
    return columns


def repeat(row: Floats, count: int) -> Floats:
    """A row, ``count`` times, as an array of its own."""
    rows = np.empty((count, len(row)))
    rows[:] = row
    return rows


def guess_from(solution: Plan | None, now: float, nodes: int, step: float) -> Floats:
    """The last solution's inputs, (N, 9), moved to start now; zeros without one."""
    if solution is None:
        return np.zeros((nodes, NU))
    return shift(solution.inputs, (now - solution.start) / step)


def shift(inputs: Floats, steps: float) -> Floats:
    """Piecewise-constant inputs (N, 9), ``steps`` (a real number) later, with zeros behind."""
    whole = int(np.floor(steps))
    part = steps - whole
    moved = np.zeros((len(inputs) + 1, inputs.shape[1]))
    if 0 <= whole < len(inputs):
        moved[: len(inputs) - whole] = inputs[whole:]
    return (1 - part) * moved[:-1] + part * moved[1:]
