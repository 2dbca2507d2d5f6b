"""Times the control step, and compares it with converged Ipopt."""

from __future__ import annotations

from typing import Any

import numpy as np

from cinempc.app.options.bench import BenchMpcOptions, MpcProblem
from cinempc.app.options.options import choose
from cinempc.app.progress import OnProgress, Progress, ignore
from cinempc.app.script import actors_of, load_scene, load_script, where_actors_are
from cinempc.bench import mpc, published
from cinempc.bench.closed_loop import Case
from cinempc.rig import camera, vehicle
from cinempc.safety import limits as safety
from cinempc.script.direction.director import Director
from sim.sensors.perception import TruthPerception

#: The shipped scripts that are flown.
SCRIPTS = ("dolly_zoom", "orbit", "follow", "rack_focus")


def measure(
    options: BenchMpcOptions | None = None, *, progress: OnProgress = ignore, **changes: Any
) -> dict[str, Any]:
    """Fly a problem in closed loop.

    Args:
        options: `BenchMpcOptions`.
        progress: told the control steps that are done.
        **changes: single options by their names in `BenchMpcOptions`.

    Returns:
        The figures as plain data: times in ms, costs relative to Ipopt's, sizes, the machine.
    """
    options = choose(BenchMpcOptions, options, changes)
    problem, ipopt = options.problem, options.ipopt
    if problem is MpcProblem.scripts:
        cases = [_script_case(name) for name in SCRIPTS]
    elif problem is MpcProblem.growth:
        rig = camera.load("super35_zoom"), vehicle.load("x500_cinema"), safety.load("default")
        cases, ipopt = mpc.growth_cases(*rig), False
    else:
        cases = [mpc.published_case(problem.value)]
    total, done = mpc.steps(cases, ipopt), 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        progress(Progress(done, total, f"bench mpc: {problem.value}"))

    figures = mpc.measure(problem.value, cases, step, ipopt)
    summary = figures.summary()
    if problem is MpcProblem.growth:
        summary["cases"] = [
            {
                "name": run.case.name,
                "step_ms": mpc.percentiles(np.array(run.step_ms)),
                "unusable": run.unusable,
                "sizes": run.sizes,
            }
            for run in figures.runs
        ]
    if problem in (MpcProblem.cinempc_dolly, MpcProblem.cinempc_plane):
        summary["sequences"] = published.sequence_errors(figures.runs[0])
    if problem is MpcProblem.cinempc_dolly:
        summary["published"] = published.DOLLY_PUBLISHED
    return summary


def _script_case(name: str) -> Case:
    """A shipped script, its subjects as they truly are."""
    script = load_script(name)
    truth = TruthPerception(actors_of(script), where_actors_are(load_scene(script)))
    return mpc.script_case(
        name,
        Director(script),
        script.camera,
        script.vehicle,
        script.safety,
        lambda time: {s.id: s for s in truth.subjects(time)},
    )
