"""The controller: one step of it turns goals into a plan, and never gives a bad one.

A step takes the last plan, shifted, as its first guess; improves it by one real-time iteration;
and plans from where the reference is now, so that the path is as smooth as the plan. What the
vehicle is off that reference (gusts, lag) enters the picture as an offset that dies out with the
autopilot's own time constant: gimbal and lens make up for it at once, the vehicle comes back
without a jerk.

When a solve fails, is late or is not finite, the last good plan is followed on; when that has
gone on too long, the vehicle brakes to a hover.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from cinempc.mpc import feasibility, sqp
from cinempc.mpc.brake import braking_plan
from cinempc.mpc.constraints import standard
from cinempc.mpc.constraints.constraint import Constraint
from cinempc.mpc.constraints.envelope import bounds
from cinempc.mpc.data import Data, assemble, guess_from
from cinempc.mpc.model import Horizon
from cinempc.mpc.objectives.goals import Goals
from cinempc.mpc.problem import Problem
from cinempc.mpc.reference import Reference
from cinempc.mpc.search import search_plan
from cinempc.mpc.start import Start, is_known, start_of
from cinempc.rig.camera import Camera
from cinempc.rig.plan import Origin, Plan
from cinempc.rig.state import RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.rig.vehicle import Vehicle
from cinempc.safety.limits import Safety

#: Time before the end of a hover's plan, s, at which it gets a new one.
_RENEW = 0.5


@dataclass(frozen=True)
class Settings:
    """How the controller solves.

    ``iterations`` per step once a plan exists, ``first_iterations`` without one,
    ``restart_iterations`` after a failed solve, in flight. ``deadline`` is the time, s, after
    which a solve counts as late. ``solver`` "ipopt" converges every step: the reference, far too
    slow to fly.
    """

    horizon: Horizon = field(default_factory=Horizon)
    iterations: int = 1
    first_iterations: int = 40
    restart_iterations: int = 6
    deadline: float = 0.05
    solver: Literal["hpipm", "ipopt"] = "hpipm"


class Controller:
    """Plans vehicle, gimbal and lens together.

    Args:
        camera, vehicle, safety: what the plan must respect.
        settings: how it solves.
    """

    def __init__(
        self, camera: Camera, vehicle: Vehicle, safety: Safety, settings: Settings | None = None
    ) -> None:
        self.camera, self.vehicle, self.safety = camera, vehicle, safety
        self.settings = settings or Settings()
        self._problems: dict[Any, Problem] = {}
        self._references: dict[int, Reference] = {}
        self._bounds = bounds(camera, vehicle, safety)
        self._plan: Plan | None = None  # what is flown
        self._guess: Plan | None = None  # what the next solve starts from
        self._good_until = -np.inf
        self._latest: tuple[Problem, Data] | None = None
        self.failure: str | None = None  #: Why the last step had no solution of its own.

    # --- one step ---

    def step(
        self,
        now: float,
        state: RigState,
        goals: Goals,
        subjects: Mapping[str, SubjectEstimate],
    ) -> Plan:
        """The plan to fly from ``now`` on.

        Args:
            now: s.
            state: the rig's newest state.
            goals: with targets at now + k · step, k = 0..N.
            subjects: the newest estimate of each subject, predicted here over the horizon.

        Returns:
            The solved plan; or the last one, followed on; or a braking one.

        Raises:
            ValueError: the very first state is not finite, so that nothing can be planned.
        """
        started = time.perf_counter()
        self.failure = None
        solved: Plan | None = None
        start = self._start(now, state)
        problem = self.problem(goals, tuple(subjects))
        data = self.data(problem, now, start, goals, subjects)
        self._latest = problem, data
        if not (is_known(state) and data.is_finite()):
            self.failure = "a target, a subject or the vehicle's state is not a number"
        else:
            solved = self._solve(problem, data, now)
        elapsed = time.perf_counter() - started
        if solved is not None:
            self._guess = solved
            if elapsed > self.settings.deadline:
                self.failure = f"the solve took {elapsed * 1e3:.0f} ms"
        if self.failure is None and solved is not None:
            self._plan = solved
            self._good_until = now + self.safety.stale_after
        else:
            self._plan = self._fall_back(now, start)
        self._plan = replace(self._plan, step_ms=elapsed * 1e3)
        return self._plan

    def hover(self, now: float, state: RigState) -> Plan:
        """A plan that brings vehicle and camera to rest and keeps them there, for as long as this
        is called; the next `step` plans afresh from there.

        Args:
            now: s.
            state: the rig's newest state.

        Raises:
            ValueError: as `step`.
        """
        started = time.perf_counter()
        flown = self._continued(now, Origin.HOVERING)
        if flown is None:
            start = self._start(now, state)
            flown = self._braking(now, start, Origin.HOVERING)
        self._plan = replace(flown, step_ms=(time.perf_counter() - started) * 1e3)
        return self._plan

    def search(self, now: float, state: RigState) -> Plan:
        """A plan that looks round from where the vehicle hovers; else as `hover`.

        Args:
            now: s.
            state: the rig's newest state.

        Raises:
            ValueError: as `step`.
        """
        flown = self._continued(now, Origin.SEARCHING)
        if flown is None:
            flown = self._plan = search_plan(
                now,
                self._start(now, state),
                self.settings.horizon.step,
                self.camera,
                self.vehicle,
                self._bounds,
            )
        return flown

    def use(self, camera: Camera) -> None:
        """Plan for another camera from now on: the same one that has lost or regained a degree of
        freedom. What is flown goes on."""
        self.camera = camera
        self._bounds = bounds(camera, self.vehicle, self.safety)
        self._problems.clear()
        self._references.clear()
        self._latest = None

    def problem(self, goals: Goals, subjects: tuple[str, ...]) -> Problem:
        """The code for goals of this structure, built on first use. Calling this before a take
        keeps the building out of its control steps."""
        key = (
            subjects,
            tuple(objective.structure() for objective in goals.objectives),
            tuple(constraint.structure() for constraint in goals.constraints),
        )
        problem = self._problems.get(key)
        if problem is None:
            problem = self._problems[key] = Problem(
                self.settings.horizon,
                self.camera,
                subjects,
                goals.objectives,
                self._constraints(goals, subjects),
            )
        return problem

    def data(
        self,
        problem: Problem,
        now: float,
        start: Start,
        goals: Goals,
        subjects: Mapping[str, SubjectEstimate],
    ) -> Data:
        """The numbers of a solve from a start, with the last solution as the guess."""
        horizon = self.settings.horizon
        return assemble(
            problem,
            now,
            start,
            goals,
            self._constraints(goals, tuple(subjects)),
            subjects,
            self.vehicle,
            self._bounds,
            guess_from(self._guess, now, horizon.nodes, horizon.step),
        )

    def stage_cost(self) -> float:
        """The objectives' cost of the last step's start: of what was reached, no prediction."""
        assert self._latest is not None, "no step was taken yet"
        return sqp.stage_cost(*self._latest)

    def _constraints(self, goals: Goals, subjects: tuple[str, ...]) -> tuple[Constraint, ...]:
        return (*standard(self.vehicle, self.safety, subjects), *goals.constraints)

    def _start(self, now: float, state: RigState) -> Start:
        return start_of(now, state, self._plan, self._bounds, self.safety.tracking_error)

    # --- solving ---

    def _solve(self, problem: Problem, data: Data, now: float) -> Plan | None:
        settings = self.settings
        iterations = settings.iterations
        if self._guess is None:
            first = self._plan is None
            iterations = settings.first_iterations if first else settings.restart_iterations
        if not feasibility.brakes_inside(data.start, self.vehicle, self._bounds):
            feasibility.widen(problem, data, self.vehicle, self.safety.altitude)
        outcome = sqp.solve(problem, data, iterations)
        if outcome.failure is not None:
            feasibility.widen(problem, data, self.vehicle, self.safety.altitude)
            outcome = sqp.solve(problem, data, iterations)
        if settings.solver == "ipopt" and outcome.failure is None:
            outcome = self._reference_for(problem).solve(
                replace(data, guess=outcome.iterate.inputs)
            )
        if outcome.failure is not None:
            self.failure = outcome.failure
            self._guess = None  # it leads nowhere: start afresh
            return None
        solution = outcome.iterate
        return Plan(
            times=settings.horizon.times(now),
            states=np.vstack([data.start, solution.states]),
            inputs=solution.inputs,
            headings=data.headings,
            cost=solution.cost,
            violations=problem.violations(solution.excess),
        )

    def _reference_for(self, problem: Problem) -> Reference:
        key = id(problem)
        if key not in self._references:
            self._references[key] = Reference(problem)
        return self._references[key]

    # --- when there is no solution, or none is asked for ---

    def _fall_back(self, now: float, start: Start) -> Plan:
        flown = self._plan
        if flown is not None and flown.origin is Origin.BRAKING and now < flown.end:
            return flown
        if flown is not None and now < self._good_until and now < flown.end:
            return replace(flown, origin=Origin.SHIFTED)
        return self._braking(now, start, Origin.BRAKING)

    def _continued(self, now: float, origin: Origin) -> Plan | None:
        """The flown plan, if it is of this origin and not about to run out: what is flown has no
        end. The guess is dropped, it leads to where nobody wants to go any more."""
        self.failure = None
        self._guess = None
        flown = self._plan
        if flown is None or flown.origin is not origin or now > flown.end - _RENEW:
            return None
        return flown

    def _braking(self, now: float, start: Start, origin: Origin) -> Plan:
        return braking_plan(now, start, self.settings.horizon.step, self.vehicle, origin)
