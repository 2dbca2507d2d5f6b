"""A control problem in closed loop with a kinematic plant: the vehicle is where its plan was.

No pictures, no noise: what is measured is the solver and the formulation, on the same work for
the real-time solver and for the converged reference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.controller import Controller, Settings
from cinempc.mpc.objectives import Goals
from cinempc.rig import plan
from cinempc.rig.camera import Camera
from cinempc.rig.plan import Origin
from cinempc.rig.state import CameraPose, RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.rig.vehicle import Vehicle
from cinempc.safety.limits import Safety

Floats = NDArray[np.float64]
Subjects = Mapping[str, SubjectEstimate]


@dataclass(frozen=True)
class Case:
    """A control problem over time.

    ``goals`` takes the node times, s from the start, the subjects and the rig's state.
    """

    name: str
    camera: Camera
    vehicle: Vehicle
    safety: Safety
    settings: Settings
    period: float
    duration: float
    start: Floats
    subjects: Callable[[float], Subjects]
    goals: Callable[[Floats, Subjects, RigState], Goals]
    controller: Callable[[Camera, Vehicle, Safety, Settings], Controller] = Controller


@dataclass
class Run:
    """What a closed loop came to: one entry for each step.

    ``stage_costs`` are those of the states that were really reached, with that moment's targets:
    their sum is the closed-loop cost. ``states`` are the reached states (steps, 18) at ``times``.
    """

    case: Case
    times: list[float] = field(default_factory=list)
    states: list[Floats] = field(default_factory=list)
    step_ms: list[float] = field(default_factory=list)
    stage_costs: list[float] = field(default_factory=list)
    unusable: int = 0
    violated: int = 0
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def closed_loop_cost(self) -> float:
        """Sum of the stage costs."""
        return sum(self.stage_costs)


def run(
    case: Case,
    solver: Literal["hpipm", "ipopt"] = "hpipm",
    progress: Callable[[int], None] = lambda steps: None,
) -> Run:
    """Fly a case.

    Args:
        case: the problem.
        solver: "hpipm" as flown; "ipopt" converges every step.
        progress: called with 1 after each step.
    """
    # The deadline is for flying: here a slow machine shall show in the times, not in the path.
    settings = replace(case.settings, solver=solver, deadline=np.inf)
    controller = case.controller(case.camera, case.vehicle, case.safety, settings)
    result = Run(case)
    state = case.start.copy()
    horizon = settings.horizon
    for k in range(round(case.duration / case.period) + 1):
        now = k * case.period
        times = horizon.times(now)
        rig = rig_state(now, state)
        subjects = case.subjects(now)
        goals = case.goals(times, subjects, rig)
        problem = controller.problem(goals, tuple(subjects))
        started = time.perf_counter()
        solution = controller.step(now, rig, goals, subjects)
        elapsed = (time.perf_counter() - started) * 1e3
        result.times.append(now)
        result.states.append(state)
        if k:  # the first step has no plan to start from: it is converged first
            result.step_ms.append(elapsed)
        result.stage_costs.append(controller.stage_cost())
        result.unusable += solution.origin is not Origin.SOLVED
        result.violated += bool(solution.violations)
        result.sizes = {
            "nodes": horizon.nodes,
            "states": plan.NX,
            "inputs": plan.NU,
            "residuals": problem.n_residuals,
            "path_constraints": problem.n_rows,
            "subjects": len(subjects),
            "variables": problem.qp.n_variables,
            "constraints": problem.qp.n_constraints,
        }
        state = solution.state(now + case.period)
        progress(1)
    return result


def rig_state(time: float, state: Floats) -> RigState:
    """The rig's state of a state vector (18,)."""
    position, angles = state[plan.POSITION], state[plan.ANGLES]
    return RigState(
        time,
        position,
        state[plan.VELOCITY],
        (float(angles[0]), 0.0, 0.0),
        CameraPose(position, float(angles[0]), float(angles[1]), float(angles[2])),
        state[plan.RATES],
        plan.lens_state(state[plan.LENS]),
    )
