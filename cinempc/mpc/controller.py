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

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cinempc.camera import Camera, LensState
from cinempc.frames import wrap_angle
from cinempc.lens import hyperfocal_distance
from cinempc.mpc import constraints, plan, sqp
from cinempc.mpc.brake import brake
from cinempc.mpc.constraints import TOLERANCE
from cinempc.mpc.objectives import Goals, Objective
from cinempc.mpc.plan import NU, NX, Origin, Plan
from cinempc.mpc.problem import Horizon, Problem
from cinempc.mpc.reference import Reference
from cinempc.mpc.scan import scan
from cinempc.mpc.stage import SUBJECT_PARAMETERS
from cinempc.rig import RigState
from cinempc.safety import Safety
from cinempc.subject import SubjectEstimate
from cinempc.vehicle import Vehicle

Floats = NDArray[np.float64]

#: How far the lens or the camera may be from the plan before the plan starts again from where
#: they are: ln focal length, dioptres, stops; rad. Beyond lag and noise, a fault.
_LENS_DRIFT = np.array([0.08, 0.05, 0.7])
_ANGLE_DRIFT = np.deg2rad(6.0)
_HEADING_DRIFT = np.deg2rad(30.0)
#: Time before the end of a hover's plan, s, at which it gets a new one.
_RENEW = 0.5
#: Length of a plan that looks round, s.
_SCAN = 4.0


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
        self._references: dict[Any, Reference] = {}
        self._bounds = constraints.state_bounds(camera, vehicle, safety)
        self._input_bounds = constraints.input_bounds(camera, vehicle)
        self._plan: Plan | None = None  # what is flown
        self._guess: Plan | None = None  # what the next solve starts from
        self._good_until = -np.inf
        self._latest: tuple[Problem, sqp.Data] | None = None
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
        start, offset, heading = self._start(now, state)
        problem = self.problem(goals, tuple(subjects))
        data, headings = self._data(problem, now, start, offset, heading, goals, subjects)
        self._latest = problem, data
        if not (is_known(state) and data.is_finite()):
            self.failure = "a target, a subject or the vehicle's state is not a number"
        else:
            solved = self._solve(problem, data, now, headings, goals)
        elapsed = time.perf_counter() - started
        if solved is not None:
            self._guess = solved
            if elapsed > self.settings.deadline:
                self.failure = f"the solve took {elapsed * 1e3:.0f} ms"
        if self.failure is None and solved is not None:
            self._plan = solved
            self._good_until = now + self.safety.stale_after
        else:
            self._plan = self._fall_back(now, start, heading)
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
        self.failure = None
        self._guess = None  # it leads to where nobody wants to go any more
        flown = self._plan
        # A fresh one before the last runs out: what is flown has no end.
        if flown is None or flown.origin is not Origin.HOVERING or now > flown.end - _RENEW:
            start, _, heading = self._start(now, state)
            self._plan = flown = self._braking(now, start, heading, Origin.HOVERING)
        self._plan = replace(flown, step_ms=(time.perf_counter() - started) * 1e3)
        return self._plan

    def scan(self, now: float, state: RigState) -> Plan:
        """A plan that looks round from where the vehicle hovers; else as `hover`.

        Args:
            now: s.
            state: the rig's newest state.

        Raises:
            ValueError: as `step`.
        """
        self.failure = None
        self._guess = None
        flown = self._plan
        if flown is None or flown.origin is not Origin.SEARCHING or now > flown.end - _RENEW:
            start, _, heading = self._start(now, state)
            horizon, camera = self.settings.horizon, self.camera
            count = int(np.ceil(_SCAN / horizon.step))
            wide, stop = camera.focal_length.min, min(max(5.6, camera.aperture.min), 8.0)
            sharp = hyperfocal_distance(wide, stop, camera.sensor.circle_of_confusion)
            rates = self._input_bounds[plan.LENS_RATES].copy()
            rates[0] /= np.exp(start[15])  # mm/s to ln f per s
            lens = camera.clamp(LensState(wide, float(sharp), stop))
            states, inputs = scan(
                start, count, horizon.step, self.vehicle, plan.lens_vector(lens), rates
            )
            self._plan = Plan(
                times=node_times(now, Horizon(count, horizon.step)),
                states=states,
                inputs=inputs,
                headings=slew(heading, states[:, 9], self.vehicle.limits.yaw_rate * horizon.step),
                origin=Origin.SEARCHING,
            )
            return self._plan
        return flown

    def use(self, camera: Camera) -> None:
        """Plan for another camera from now on: the same one that has lost or regained a degree of
        freedom. What is flown goes on."""
        self.camera = camera
        self._bounds = constraints.state_bounds(camera, self.vehicle, self.safety)
        self._input_bounds = constraints.input_bounds(camera, self.vehicle)
        self._problems.clear()
        self._references.clear()
        self._latest = None

    def problem(self, goals: Goals, subjects: tuple[str, ...]) -> Problem:
        """The code for goals of this structure, built on first use. Calling this before a take
        keeps the building out of its control steps."""
        key = (subjects, tuple(o.structure() for o in goals.objectives), goals.in_frame)
        found = self._problems.get(key)
        if found is None:
            found = Problem(
                self.settings.horizon,
                self.camera,
                self.vehicle,
                subjects,
                goals.objectives,
                goals.in_frame,
            )
            self._problems[key] = found
        return found

    def paid(self) -> float:
        """The objectives' cost of the last step's start: what was really paid, no prediction."""
        assert self._latest is not None, "no step was taken yet"
        return sqp.paid(*self._latest)

    # --- where the plan starts ---

    def _start(self, now: float, state: RigState) -> tuple[Floats, Floats, float]:
        """First state, offset of the vehicle from it (3,), and the vehicle's yaw."""
        measured = measured_state(state)
        if not is_known(state):
            if self._plan is None:
                raise ValueError("the vehicle's state is not a number: nothing can be planned")
            known = self._reference(now, None)
            return known, np.zeros(3), float(self._plan.heading(min(now, self._plan.end)))
        yaw = state.attitude[0]
        if self._plan is None:
            return self._reachable(measured), np.zeros(3), near_turn(yaw, measured[9])
        start = self._reference(now, measured)
        # A measurement belongs to the plan of its own time: 50 ms are 0.4 m at 8 m/s.
        then = self._reference(state.time, measured)
        offset = measured[plan.POSITION] - then[plan.POSITION]
        if np.linalg.norm(offset) > self.safety.tracking_error:
            start[0:9] = measured[0:9]
            offset = np.zeros(3)
        turn = wrap_angle(measured[plan.ANGLES] - start[plan.ANGLES])
        if np.abs(turn).max() > _ANGLE_DRIFT + 0.1 * np.abs(start[plan.RATES]).max():
            start[plan.ANGLES] += turn
            start[plan.RATES] = measured[plan.RATES]
        if (np.abs(measured[plan.LENS] - start[plan.LENS]) > _LENS_DRIFT).any():
            start[plan.LENS] = measured[plan.LENS]
        heading = self._plan.heading(min(now, self._plan.end))
        drift = float(wrap_angle(yaw - heading))
        if abs(drift) > _HEADING_DRIFT:
            heading += drift
        return self._reachable(start), offset, near_turn(heading, start[9])

    def _reference(self, now: float, measured: Floats | None) -> Floats:
        """The flown plan's state now; past its end, what was measured, or else its end at rest."""
        assert self._plan is not None
        if now <= self._plan.end:
            return self._plan.state(max(now, self._plan.start))
        if measured is not None:
            return measured.copy()
        end: Floats = self._plan.states[-1].copy()
        end[plan.VELOCITY] = end[plan.ACCELERATION] = end[plan.RATES] = 0.0
        return end

    def _reachable(self, start: Floats) -> Floats:
        """The state with its lens inside the lens's range: an encoder may read a hair outside."""
        low, high = self._bounds
        start[plan.LENS] = np.clip(start[plan.LENS], low[plan.LENS], high[plan.LENS])
        return start

    # --- the numbers of a solve ---

    def _data(
        self,
        problem: Problem,
        now: float,
        start: Floats,
        offset: Floats,
        heading: float,
        goals: Goals,
        subjects: Mapping[str, SubjectEstimate],
    ) -> tuple[sqp.Data, Floats]:
        N, step = self.settings.horizon.nodes, self.settings.horizon.step
        times = node_times(now, self.settings.horizon)
        found = list(subjects.values())
        guess = self._guess_inputs(now)
        guess_states = problem.rollout(start, guess)
        headings = slew(
            heading,
            np.concatenate([[start[9]], guess_states[:, 9]]),
            self.vehicle.limits.yaw_rate * step,
        )
        parameters = np.empty((N + 1, problem.n_parameters))
        column = 0
        for subject in found:
            parameters[:, column : column + 3] = subject.positions(times)
            parameters[:, column + 3] = math.cos(subject.heading)
            parameters[:, column + 4] = math.sin(subject.heading)
            parameters[:, column + 5] = subject.height
            column += SUBJECT_PARAMETERS
        for owner, name in problem.target_names:
            parameters[:, column] = goals.objectives[owner].aim(name)
            column += 1
        fading = np.exp(-(times - now) / self.vehicle.response.position_lag)
        parameters[:, -4:-1] = fading[:, None] * offset
        parameters[:, -1] = headings

        weights = weight_matrix(goals.objectives, N + 1)[:, problem.owners]
        state_cost, input_cost = goals.smoothness.diagonals()
        lower, upper = repeat(self._bounds[0], N), repeat(self._bounds[1], N)
        yaw = self.vehicle.gimbal.yaw
        if yaw.max - yaw.min > np.deg2rad(1):
            lower[:, 9], upper[:, 9] = headings[1:] + yaw.min, headings[1:] + yaw.max
        # What cannot move needs no bounds, and bounds with nothing between them have no interior.
        fixed = np.flatnonzero(~problem.movable)
        lower[:, 15 + fixed], upper[:, 15 + fixed] = -np.inf, np.inf
        limit = repeat(self._input_bounds, N)
        zoom = np.concatenate([start[15:16], guess_states[:, 15]])
        limit[:, 6] /= np.exp(np.maximum(zoom[1:], zoom[:-1]))  # mm/s to ln f per s
        limit[:, 6 + fixed] = 1.0
        # Short steps from inputs that are out of bounds would stay out.
        guess = np.clip(guess, -limit, limit)
        row_lower, row_upper = constraints.row_limits(
            found, goals.in_frame, self.vehicle, self.safety
        )
        data = sqp.Data(
            start,
            parameters,
            weights,
            state_cost,
            input_cost,
            lower,
            upper,
            limit,
            repeat(row_lower, N),
            repeat(row_upper, N),
            guess,
        )
        return data, headings

    def _guess_inputs(self, now: float) -> Floats:
        """The last solution's inputs, (N, 9), moved to start now."""
        N, step = self.settings.horizon.nodes, self.settings.horizon.step
        if self._guess is None:
            return np.zeros((N, NU))
        return shift(self._guess.inputs, (now - self._guess.start) / step)

    # --- solving ---

    def _solve(
        self, problem: Problem, data: sqp.Data, now: float, headings: Floats, goals: Goals
    ) -> Plan | None:
        settings = self.settings
        iterations = settings.iterations
        if self._guess is None:
            first = self._plan is None
            iterations = settings.first_iterations if first else settings.restart_iterations
        if not self._inside(data.start):
            self._widen(problem, data)
        outcome = sqp.solve(problem, data, iterations)
        if outcome.failure is not None:
            self._widen(problem, data)
            outcome = sqp.solve(problem, data, iterations)
        if settings.solver == "ipopt" and outcome.failure is None:
            outcome = self._reference_for(problem).solve(
                replace(data, guess=outcome.iterate.inputs)
            )
        if outcome.failure is not None:
            self.failure = outcome.failure
            self._guess = None  # it leads nowhere: start afresh
            return None
        found = outcome.iterate
        return Plan(
            times=node_times(now, settings.horizon),
            states=np.vstack([data.start, found.states]),
            inputs=found.inputs,
            headings=headings,
            cost=found.cost,
            violations=violations(problem, found.excess),
        )

    def _reference_for(self, problem: Problem) -> Reference:
        key = id(problem)
        if key not in self._references:
            self._references[key] = Reference(problem)
        return self._references[key]

    def _inside(self, start: Floats) -> bool:
        """Whether braking from this state stays inside all bounds, with a little room."""
        limits = self.vehicle.limits
        low, high = self._bounds
        v, a = start[plan.VELOCITY], start[plan.ACCELERATION]
        settled = v + a * np.abs(a) / (2 * limits.jerk)
        stop = start[2] + settled[2] * abs(settled[2]) / limits.vertical_acceleration
        rates = start[plan.RATES]
        inside = (
            np.hypot(v[0], v[1]) <= constraints.OCTAGON * limits.speed
            and np.hypot(settled[0], settled[1]) <= constraints.OCTAGON * limits.speed
            and np.hypot(a[0], a[1]) <= constraints.OCTAGON * limits.acceleration
            and low[5] <= min(v[2], settled[2])
            and max(v[2], settled[2]) <= high[5]
            and abs(a[2]) <= limits.vertical_acceleration
            and low[2] <= min(start[2], stop)
            and max(start[2], stop) <= high[2]
            and (np.abs(rates) <= high[plan.RATES]).all()
            and low[10] <= start[10] <= high[10]
        )
        return bool(inside)

    def _widen(self, problem: Problem, data: sqp.Data) -> None:
        """Open the bounds as far as braking needs: then the program has a solution."""
        horizon = self.settings.horizon
        states, inputs = brake(
            data.start,
            horizon.nodes,
            horizon.step,
            self.vehicle.limits,
            self.vehicle.gimbal.acceleration,
            (self.safety.altitude.min, self.safety.altitude.max),
        )
        room = 1e-3
        data.lower = np.minimum(data.lower, states[1:] - room)
        data.upper = np.maximum(data.upper, states[1:] + room)
        witness = sqp.evaluate(problem, data, states[1:], inputs)
        hard = problem.row_slack < 0
        opening = witness.excess[:, hard] * (1 + room) + room
        data.row_lower[:, hard] -= opening
        data.row_upper[:, hard] += opening

    # --- when there is no solution ---

    def _fall_back(self, now: float, start: Floats, heading: float) -> Plan:
        flown = self._plan
        if flown is not None and flown.origin is Origin.BRAKING and now < flown.end:
            return flown
        if flown is not None and now < self._good_until and now < flown.end:
            return replace(flown, origin=Origin.SHIFTED)
        return self._braking(now, start, heading, Origin.BRAKING)

    def _braking(self, now: float, start: Floats, heading: float, origin: Origin) -> Plan:
        """A plan to rest, as long as that takes and a little longer."""
        horizon, limits = self.settings.horizon, self.vehicle.limits
        speed = float(np.linalg.norm(start[plan.VELOCITY]))
        slowest = min(0.65 * limits.acceleration, limits.vertical_acceleration)
        length = 2.0 + speed / slowest + 2 * slowest / limits.jerk
        count = int(np.ceil(length / horizon.step))
        states, inputs = brake(start, count, horizon.step, limits, self.vehicle.gimbal.acceleration)
        return Plan(
            times=node_times(now, Horizon(count, horizon.step)),
            states=states,
            inputs=inputs,
            headings=np.full(count + 1, heading),
            origin=origin,
        )


def node_times(now: float, horizon: Horizon) -> Floats:
    """Times of the nodes 0..N, s."""
    times: Floats = now + horizon.step * np.arange(horizon.nodes + 1, dtype=float)
    return times


def measured_state(state: RigState) -> Floats:
    """The state vector (18,) that a rig's state shows; the acceleration is not measured."""
    x = np.zeros(NX)
    x[plan.POSITION], x[plan.VELOCITY] = state.camera.position, state.velocity
    x[plan.ANGLES] = state.camera.yaw, state.camera.pitch, state.camera.roll
    x[plan.RATES] = state.camera_rates
    x[plan.LENS] = plan.lens_vector(state.lens)
    return x


def is_known(state: RigState) -> bool:
    """Whether a rig's state is all numbers."""
    return bool(np.isfinite(measured_state(state)).all()) and math.isfinite(state.attitude[0])


def weight_matrix(objectives: tuple[Objective, ...], count: int) -> Floats:
    """Weights of the objectives at ``count`` nodes, (count, objectives)."""
    weights = np.empty((count, len(objectives)))
    for i, objective in enumerate(objectives):
        weights[:, i] = objective.weight
    return weights


def repeat(row: Floats, count: int) -> Floats:
    """A row, ``count`` times, as an array of its own."""
    rows = np.empty((count, len(row)))
    rows[:] = row
    return rows


def shift(inputs: Floats, steps: float) -> Floats:
    """Piecewise-constant inputs (N, 9), ``steps`` (a real number) later, with zeros behind."""
    whole = int(np.floor(steps))
    part = steps - whole
    moved = np.zeros((len(inputs) + 1, inputs.shape[1]))
    if 0 <= whole < len(inputs):
        moved[: len(inputs) - whole] = inputs[whole:]
    return (1 - part) * moved[:-1] + part * moved[1:]


def near_turn(angle: float, other: float) -> float:
    """The same angle, in the turn nearest to another: bounds relate the two as plain numbers."""
    return float(other + wrap_angle(angle - other))


def slew(heading: float, wanted: Floats, most: float) -> Floats:
    """A heading that follows wanted ones, (N+1), turning by at most ``most`` between nodes."""
    headings = np.empty(len(wanted))
    headings[0] = current = heading
    for k, goal in enumerate(wanted[1:].tolist(), 1):
        current += min(max(goal - current, -most), most)
        headings[k] = current
    return headings


def violations(problem: Problem, excess: Floats) -> dict[str, float]:
    """The rows that a trajectory breaks by more than rounding, with the worst amount."""
    worst = excess.max(axis=0)
    found: dict[str, float] = {}
    for name, slack, amount in zip(problem.row_names, problem.row_slack, worst, strict=True):
        kind = "envelope" if slack < 0 else constraints.SLACKS[slack]
        if amount > TOLERANCE[kind]:
            found[name] = max(float(amount), found.get(name, 0.0))
    return found
