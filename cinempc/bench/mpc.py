"""The control step in figures: how long it takes, and how far it is from a converged solution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import NDArray

from cinempc.bench import closed_loop, published
from cinempc.bench.closed_loop import Case, Run, Subjects
from cinempc.machine import machine
from cinempc.mpc.controller import Settings
from cinempc.mpc.model import Horizon
from cinempc.mpc.objectives import (
    Aperture,
    FocusOn,
    Goals,
    InFrame,
    Objective,
    Roll,
    ScreenPosition,
    Sharp,
    ShotScale,
    Viewpoint,
)
from cinempc.rig import plan
from cinempc.rig.camera import Camera
from cinempc.rig.state import RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.rig.vehicle import Vehicle
from cinempc.safety.limits import Safety
from cinempc.script.direction.director import Director

Floats = NDArray[np.float64]
Progress = Callable[[int], None]

#: Control steps per second, as in a take.
PERIOD = 0.05


@dataclass(frozen=True)
class Figures:
    """What a benchmark came to. Times in ms; ``reference`` is None where Ipopt was not run."""

    name: str
    runs: tuple[Run, ...]
    reference: tuple[Run, ...] | None = None

    def summary(self) -> dict[str, Any]:
        """The figures as plain data."""
        steps = np.concatenate([run.step_ms for run in self.runs])
        figures: dict[str, Any] = {
            "problem": self.name,
            "step_ms": percentiles(steps),
            "steps": len(steps),
            "unusable": sum(run.unusable for run in self.runs),
            "sizes": self.runs[0].sizes,
            "machine": machine() | {"casadi": ca.__version__},
        }
        if self.reference is not None:
            ipopt = np.concatenate([run.step_ms for run in self.reference])
            costs = [run.closed_loop_cost for run in self.runs]
            least = [run.closed_loop_cost for run in self.reference]
            figures["ipopt_step_ms"] = percentiles(ipopt)
            figures["speedup_to_ipopt"] = float(np.median(ipopt) / np.median(steps))
            figures["cost_ratio_to_ipopt"] = sum(costs) / sum(least)
            figures["cost_ratio_by_case"] = {
                run.case.name: cost / best
                for run, cost, best in zip(self.runs, costs, least, strict=True)
            }
        return figures


def percentiles(values: Floats) -> dict[str, float]:
    """Median, 95th and 99th percentile, and the largest."""
    median, p95, p99 = np.percentile(values, [50, 95, 99])
    return {
        "median": float(median),
        "p95": float(p95),
        "p99": float(p99),
        "max": float(np.max(values)),
    }


def measure(name: str, cases: Sequence[Case], progress: Progress, ipopt: bool) -> Figures:
    """Fly cases with the real-time solver, and with Ipopt if asked."""
    runs = tuple(closed_loop.run(case, "hpipm", progress) for case in cases)
    if not ipopt:
        return Figures(name, runs)
    reference = tuple(closed_loop.run(case, "ipopt", progress) for case in cases)
    return Figures(name, runs, reference)


def steps(cases: Sequence[Case], ipopt: bool) -> int:
    """How many control steps that will be."""
    count = sum(round(case.duration / case.period) + 1 for case in cases)
    return count * (2 if ipopt else 1)


# --- the problems ------------------------------------------------------------------------------


def script_case(
    name: str,
    director: Director,
    camera: Camera,
    vehicle: Vehicle,
    safety: Safety,
    subjects: Callable[[float], Subjects],
) -> Case:
    """A script flown from its opening picture, with the vehicle at rest."""
    pose, lens_state = director.opening(subjects(0.0))
    start = np.zeros(plan.NX)
    start[plan.POSITION] = pose.position
    start[plan.ANGLES] = pose.yaw, pose.pitch, pose.roll
    start[plan.LENS] = plan.lens_vector(lens_state)
    return Case(
        name=name,
        camera=camera,
        vehicle=vehicle,
        safety=safety,
        settings=Settings(),
        period=PERIOD,
        duration=director.duration,
        start=start,
        subjects=subjects,
        goals=director.goals,
    )


def group(count: int, horizon: Horizon, camera: Camera, vehicle: Vehicle, safety: Safety) -> Case:
    """A walking group, all kept in their places in the picture, in frame and sharp: how the cost
    of a step grows with the number of subjects and the horizon."""
    spots = np.linspace(-0.5, 0.5, count) if count > 1 else np.zeros(1)

    def subjects(time: float) -> Subjects:
        walk = np.array([1.2, 0.0, 0.0])
        return {
            f"person {i}": SubjectEstimate(
                f"person {i}", time, np.array([0.0, 3.0 * s, 0.0]) + time * walk, walk
            )
            for i, s in enumerate(spots)
        }

    def goals(times: Floats, known: Subjects, state: RigState) -> Goals:
        objectives: list[Objective] = []
        for name, spot in zip(known, spots, strict=True):
            objectives += [
                ScreenPosition(subject=name, u=0.5 + 0.3 * spot, v=0.4, weight=1 / count),
                Sharp(subject=name),
            ]
        first = next(iter(known))
        objectives += [
            ShotScale(subject=first, fraction=0.45),
            Viewpoint(subject=first, azimuth=0.15 * times, elevation=0.1),
            FocusOn(subject=first),
            Aperture(f_number=4.0, weight=0.1),
            Roll(),
        ]
        return Goals(tuple(objectives), tuple(InFrame(subject=name) for name in known))

    start = np.zeros(plan.NX)
    start[plan.POSITION] = (10.0, 0.0, 2.5)
    start[plan.YAW] = np.pi
    start[plan.LENS] = np.log(40.0), 0.1, 4.0
    return Case(
        name=f"{count} subjects, N = {horizon.nodes}, {horizon.step:g} s",
        camera=camera,
        vehicle=vehicle,
        safety=safety,
        settings=Settings(horizon=horizon),
        period=1 / 60 if horizon.nodes > 20 else PERIOD,
        duration=6.0,
        start=start,
        subjects=subjects,
        goals=goals,
    )


def growth_cases(camera: Camera, vehicle: Vehicle, safety: Safety) -> list[Case]:
    """From one subject to the 60 Hz variant: N = 40, 0.05 s, four subjects."""
    sizes = [(1, 20, 0.1), (2, 20, 0.1), (4, 20, 0.1), (2, 40, 0.05), (4, 40, 0.05)]
    return [
        group(count, Horizon(nodes, step), camera, vehicle, safety) for count, nodes, step in sizes
    ]


def published_case(name: str) -> Case:
    """One of the published experiments: "cinempc-dolly" or "cinempc-plane"."""
    return {"cinempc-dolly": published.dolly, "cinempc-plane": published.plane}[name]()
