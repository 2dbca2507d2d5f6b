"""The command line, and the one place where all parts are put together."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.markup import escape
from rich.table import Table

from cinempc import cli_bench, cli_flight, cli_fly, cli_gazebo, cli_launch, cli_perception, configs
from cinempc.console import err, out, progress_bar
from cinempc.errors import CinempcError

if TYPE_CHECKING:
    from cinempc.bench.mpc import Figures
    from cinempc.script.script import Script
    from cinempc.take import Set
    from perception.pipeline import Part, Pipeline
    from perception.yolo import YoloPerception

#: Score from which a detection counts for anything: the tracker carries tracks on with the unsure.
DETECTOR_CONFIDENCE = 0.1

# What a command needs is imported where it is used: `cinempc --help` answers at once.

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="An autonomous camera operator for drones: one nonlinear MPC flies the drone, points the "
    "gimbal and pulls the lens.",
)
bench = typer.Typer(no_args_is_help=True, help="Measure cinempc on this machine.")
app.add_typer(bench, name="bench")
app.command("perceive", epilog=cli_perception.PERCEIVE_EXAMPLE)(cli_perception.perceive)
app.command("sequence", epilog=cli_perception.SEQUENCE_EXAMPLE)(cli_perception.sequence)
app.add_typer(cli_perception.models, name="models")
app.command("fly", epilog=cli_fly.FLY_EXAMPLE)(cli_fly.fly)
app.command("identify", epilog=cli_flight.IDENTIFY_EXAMPLE)(cli_flight.identify)
app.add_typer(cli_flight.simulated, name="sim")
cli_flight.simulated.command("gazebo", epilog=cli_gazebo.BRIDGE_EXAMPLE)(cli_gazebo.gazebo)
cli_flight.simulated.command("world", epilog=cli_gazebo.WORLD_EXAMPLE)(cli_gazebo.write_world)
app.command("launch", epilog=cli_launch.LAUNCH_EXAMPLE)(cli_launch.launch)
bench.command("perception", epilog=cli_perception.BENCH_EXAMPLE)(cli_perception.bench_perception)
bench.command("stream", epilog=cli_bench.STREAM_EXAMPLE)(cli_bench.bench_stream)


class PerceptionKind(StrEnum):
    """Where the subject estimates come from."""

    yolo = "yolo"
    simulated = "simulated"
    truth = "truth"


class SolverKind(StrEnum):
    """What solves the control problem."""

    hpipm = "hpipm"
    ipopt = "ipopt"


class ProblemKind(StrEnum):
    """What `bench mpc` solves."""

    scripts = "scripts"
    growth = "growth"
    cinempc_dolly = "cinempc-dolly"
    cinempc_plane = "cinempc-plane"


ScriptPath = Annotated[
    str, typer.Argument(metavar="SCRIPT", help="A script file, or the name of a shipped one.")
]


def main() -> None:
    """Run the command line; a user's mistake ends it with a message and status 2."""
    try:
        status = app(standalone_mode=False)
    except CinempcError as error:
        err.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        err.print("stopped")
        sys.exit(130)
    except Exception as error:
        # A usage error of click's: it knows how to show itself.
        if not (hasattr(error, "show") and hasattr(error, "exit_code")):
            raise
        error.show()
        sys.exit(error.exit_code)
    sys.exit(status if isinstance(status, int) else 0)  # Ctrl-C comes back as 130


# --- check -------------------------------------------------------------------------------------


@app.command(epilog="Example: cinempc check configs/scripts/dolly_zoom.yaml")
def check(script: ScriptPath) -> None:
    """Validate a script without flying it, and show what it will ask of the rig."""
    from cinempc.script import check as checks

    loaded = load_script(script)
    result = checks.check(loaded)
    table = Table(title=f"{loaded.config.name}: {loaded.camera.name} on {loaded.vehicle.name}")
    for heading in ("shot", "move", "time", "focal length", "distance", "height", "move speed",
                    "depth of field at the start"):  # fmt: skip
        table.add_column(heading)
    for shot in result.shots:
        table.add_row(
            shot.name,
            shot.move,
            f"{shot.start:g}-{shot.end:g} s",
            _span(shot.focal_length, "mm", 0),
            _span(shot.distance, "m"),
            _span(shot.height, "m"),
            f"{shot.speed:.1f} m/s",
            _span(shot.depth_of_field, "m"),
        )
    out.print(table)
    for warning in result.warnings:
        out.print(f"[yellow]warning:[/] {escape(warning)}", highlight=False)
    out.print(f"{loaded.path}: fine")


def load_script(name: str) -> Script:
    """A script by path or by the name of a shipped one."""
    from cinempc.script import script as scripts

    path = Path(name)
    return scripts.load(path if path.is_file() else configs.find("scripts", name))


def _span(values: tuple[float, float], unit: str, decimals: int = 1) -> str:
    low, high = (f"{v:.{decimals}f}" if math.isfinite(v) else "∞" for v in values)
    return f"{low} {unit}" if low == high else f"{low}-{high} {unit}"


# --- film --------------------------------------------------------------------------------------


@app.command(epilog="Example: cinempc film configs/scripts/dolly_zoom.yaml --monitor")
def film(
    script: ScriptPath,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where the take goes. [takes/NAME-TIME]")
    ] = None,
    perception: Annotated[
        PerceptionKind,
        typer.Option(
            help="Where the subject estimates come from: a detector in the pictures, a simulated "
            "one, or the truth."
        ),
    ] = PerceptionKind.yolo,
    weights: Annotated[
        str, typer.Option(help="Of the detector: a file, or a name of `cinempc models list`.")
    ] = "people",
    depth: Annotated[
        bool, typer.Option(help="Whether the camera has depth; without, its colours must do.")
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of wind, noise and detector.")] = 0,
    monitor: Annotated[
        bool, typer.Option("--monitor", help="Also film the director's monitor.")
    ] = False,
    solver: Annotated[
        SolverKind, typer.Option(help="ipopt converges every step: slow, for reference.")
    ] = SolverKind.hpipm,
    standby: Annotated[
        float, typer.Option(min=0.5, max=60, help="Time to get on the mark before rolling, s.")
    ] = 3.0,
) -> None:
    """Film a script in the embedded simulator: footage, report, log and figures in one folder."""
    from cinempc.record.recorder import Recorder
    from cinempc.take import CONTROL_RATE, Take

    loaded = load_script(script)
    if folder is None:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        folder = Path("takes") / f"{loaded.path.stem}-{stamp}"
    with (
        simulated_set(loaded, perception, seed, solver.value, standby, weights, depth) as stage,
        progress_bar() as bar,
    ):
        task = bar.add_task(loaded.config.name, total=standby + stage.director.duration)
        take = Take(stage, lambda seconds: bar.update(task, completed=seconds))
        recorder = Recorder(
            folder,
            loaded.camera,
            stage.frame_rate,
            stage.director.shots,
            monitor=monitor,
            script_text=loaded.text,
            seed=seed,
            name=loaded.config.name,
            about={
                "vehicle": loaded.vehicle.name,
                "perception": perception.value,
                "solver": solver.value,
            },
            goals=picture_goals(),
            deadline_ms=1e3 / CONTROL_RATE,
        )
        try:
            with recorder:
                take.run(recorder)
        except KeyboardInterrupt:
            bar.stop()
            err.print(f"stopped; what was filmed until then is in {folder}")
            raise
    show_metrics(recorder.summary, folder)


@contextmanager
def simulated_set(
    script: Script,
    perception: PerceptionKind,
    seed: int,
    solver: Any,
    standby: float,
    weights: str = "people",
    depth: bool = True,
) -> Iterator[Set]:
    """A script's set in the embedded simulator, the vehicle hovering on its mark."""
    from cinempc.mpc.controller import Controller, Settings
    from cinempc.rig import Perception
    from cinempc.script.director import Director
    from cinempc.take import Set, Truth
    from sim import scene as scenes
    from sim.camera import SimCamera
    from sim.depth import DepthCamera
    from sim.embedded import EmbeddedEye, EmbeddedRig
    from sim.perception import SimulatedPerception, TruthPerception
    from sim.world import World

    if script.scene_path is None:
        raise CinempcError(
            f"{script.path}: the embedded simulator needs a scene: add 'scene: plaza'"
        )
    scene = scenes.load(str(script.scene_path))
    world = World(scene, seed)
    director = Director(script)
    actors = {name: subject.actor or name for name, subject in script.config.subjects.items()}
    truth = TruthPerception(actors, world.subject)
    pose, lens_state = director.entry({s.id: s for s in truth.subjects(0.0)})
    rig = EmbeddedRig(script.vehicle, script.camera, pose, lens_state, wind=scene.wind, seed=seed)
    found: Perception = truth
    if perception is PerceptionKind.simulated:
        heights = {name: subject.height for name, subject in script.config.subjects.items()}
        found = SimulatedPerception(
            actors, world.subject, lambda time: rig.true_pose(), heights, seed=seed
        )
    elif perception is PerceptionKind.yolo:
        found = yolo_perception(script, weights, depth)
    try:
        yield Set(
            rig=rig,
            eye=EmbeddedEye(
                rig, SimCamera(world, script.camera, seed=seed), DepthCamera(seed=seed)
            ),
            perception=found,
            # The simulator waits for the controller: a slow machine shows in the figures, it does
            # not change the take.
            controller=Controller(
                script.camera,
                script.vehicle,
                script.safety,
                Settings(solver=solver, deadline=math.inf),
            ),
            director=director,
            frame_rate=script.camera.picture.frame_rate,
            standby=standby,
            truth=Truth(
                subjects=lambda time: tuple(truth.subjects(time)),
                camera=lambda time: rig.true_pose(),
            ),
        )
    finally:
        world.close()


def yolo_perception(script: Script, weights: str, depth: bool) -> YoloPerception:
    """The detector's perception for a script, in step with the simulator."""
    from perception.yolo import YoloPerception

    return YoloPerception(
        pipeline(script, weights), depth=depth, distortion=script.camera.distortion_at
    )


def pipeline(script: Script, weights: str) -> Pipeline:
    """What finds, follows and places the subjects of a script."""
    from perception import detector, models
    from perception.pipeline import Pipeline

    return Pipeline(
        detector.load(models.find(weights), confidence=DETECTOR_CONFIDENCE),
        frame_rate=script.camera.picture.frame_rate,
        parts=parts(script),
    )


def parts(script: Script) -> dict[str, Part]:
    """The subjects of a script as perception must know them.

    Raises:
        LookError: a look that names neither a thing nor a colour.
    """
    from perception.appearance import Look, parse_look
    from perception.identity import Wanted
    from perception.pipeline import Part

    found = {}
    for name, subject in script.config.subjects.items():
        look = Look(subject.category) if subject.look is None else parse_look(subject.look)
        if "category" in subject.model_fields_set:
            look = replace(look, category=subject.category)
        region, near = subject.region, subject.near
        found[name] = Part(
            Wanted(
                look,
                None if region is None else astuple(region),
                None if near is None else np.array(near),
            ),
            subject.height if "height" in subject.model_fields_set else None,
        )
    return found


def picture_goals() -> tuple[Any, ...]:
    """What a good take reaches, for the report."""
    from cinempc.record.metrics import Goal

    return (
        Goal("framing_error_pct.rms", at_most=2.0),
        Goal("scale_error_pct.p95", at_most=3.0),
        Goal("in_focus_pct", at_least=99.0),
        Goal("in_frame_pct", at_least=100.0),
        Goal("constraint_violations.cycles", at_most=0),
        Goal("deadline_misses", at_most=0),
    )


def show_metrics(summary: dict[str, Any], folder: Path) -> None:
    """The figures of a take, as a table."""
    overall = summary["overall"]
    table = Table(show_header=False, box=None)

    def row(name: str, *path: str, unit: str = "", decimals: int = 2) -> None:
        value: Any = overall
        for key in path:
            value = None if value is None else value.get(key)
        text = "-" if value is None else f"{value:.{decimals}f}{unit}"
        table.add_row(name, text)

    row("framing error, rms", "framing_error_pct", "rms", unit=" % of the width")
    row("framing error, p95", "framing_error_pct", "p95", unit=" % of the width")
    row("scale error, p95", "scale_error_pct", "p95", unit=" %")
    row("in focus", "in_focus_pct", unit=" %", decimals=1)
    row("in frame", "in_frame_pct", unit=" %", decimals=1)
    row("control step, median", "step_ms", "median", unit=" ms")
    row("control step, p99", "step_ms", "p99", unit=" ms")
    row("deadlines missed", "deadline_misses", decimals=0)
    row("steps with a violation", "constraint_violations", "cycles", decimals=0)
    row("real-time factor", "realtime_factor", decimals=2)
    out.print(table)
    out.print(f"[bold]{folder}[/]: footage.mp4, report.html, take.mcap, metrics.json")


# --- bench -------------------------------------------------------------------------------------


@bench.command("mpc", epilog="Example: cinempc bench mpc --problem cinempc-dolly")
def bench_mpc(
    problem: Annotated[
        ProblemKind,
        typer.Option(
            help="scripts: the shipped scripts in closed loop against converged Ipopt; growth: "
            "from 1 subject to the 60 Hz variant with 4; cinempc-*: the published experiments."
        ),
    ] = ProblemKind.scripts,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ipopt: Annotated[
        bool, typer.Option("--ipopt/--no-ipopt", help="Also fly with converged Ipopt.")
    ] = True,
) -> None:
    """Time the control step and compare it with converged Ipopt."""
    import numpy as np

    from cinempc.bench import mpc, published

    cases: list[Any]
    if problem is ProblemKind.scripts:
        cases = [_script_case(name) for name in ("dolly_zoom", "orbit", "follow", "rack_focus")]
    elif problem is ProblemKind.growth:
        cases, ipopt = mpc.growth_cases(*_default_rig()), False
    else:
        cases = [mpc.published_case(problem.value)]
    with progress_bar() as bar:
        task = bar.add_task(f"bench mpc: {problem.value}", total=mpc.steps(cases, ipopt))
        figures = mpc.measure(problem.value, cases, lambda n: bar.advance(task, n), ipopt)
    summary = figures.summary()
    if problem is ProblemKind.growth:
        summary["cases"] = [
            {
                "name": run.case.name,
                "step_ms": mpc.percentiles(np.array(run.step_ms)),
                "unusable": run.unusable,
                "sizes": run.sizes,
            }
            for run in figures.runs
        ]
    if problem in (ProblemKind.cinempc_dolly, ProblemKind.cinempc_plane):
        summary["sequences"] = published.sequence_errors(figures.runs[0])
        if problem is ProblemKind.cinempc_dolly:
            summary["published"] = published.DOLLY_PUBLISHED
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        _show_bench(summary, figures)


def _script_case(name: str) -> Any:
    from cinempc.bench import mpc
    from cinempc.script.director import Director
    from sim import scene as scenes
    from sim.perception import TruthPerception
    from sim.world import World

    script = load_script(name)
    world = World(scenes.load(str(script.scene_path)))
    actors = {key: subject.actor or key for key, subject in script.config.subjects.items()}
    truth = TruthPerception(actors, world.subject)
    return mpc.script_case(
        name,
        Director(script),
        script.camera,
        script.vehicle,
        script.safety,
        lambda time: {s.id: s for s in truth.subjects(time)},
    )


def _default_rig() -> tuple[Any, Any, Any]:
    from cinempc import camera, safety, vehicle

    return camera.load("super35_zoom"), vehicle.load("x500_cinema"), safety.load("default")


def _show_bench(summary: dict[str, Any], figures: Figures) -> None:
    table = Table(title=f"control step, {summary['problem']}")
    for heading in ("", "median", "p95", "p99", "max"):
        table.add_column(heading, justify="left" if not heading else "right")

    def times(name: str, values: dict[str, float]) -> None:
        table.add_row(name, *(f"{values[k]:.2f} ms" for k in ("median", "p95", "p99", "max")))

    for case in summary.get("cases", []):
        times(case["name"], case["step_ms"])
    times("all" if "cases" in summary else "this controller", summary["step_ms"])
    if "ipopt_step_ms" in summary:
        times("Ipopt, converged", summary["ipopt_step_ms"])
    out.print(table)
    if "cost_ratio_to_ipopt" in summary:
        out.print(
            f"cost paid in closed loop, against Ipopt's: {summary['cost_ratio_to_ipopt']:.4f} x; "
            f"{summary['speedup_to_ipopt']:.0f} x faster"
        )
        for name, ratio in summary["cost_ratio_by_case"].items():
            out.print(f"  {name}: {ratio:.4f} x")
    out.print(f"unusable solves: {summary['unusable']} of {summary['steps']}")
    if "sequences" in summary:
        errors = Table(title="median errors of each sequence")
        names = list(summary["sequences"][-1])
        for heading in ("sequence", *names):
            errors.add_column(heading, justify="right")
        for i, sequence in enumerate(summary["sequences"], 1):
            errors.add_row(str(i), *(_figure(sequence.get(n)) for n in names))
        if "published" in summary:
            errors.add_row("published, best", *(_figure(summary["published"][n]) for n in names))
        out.print(errors)
    sizes = ", ".join(
        f"{value} {name.replace('_', ' ')}" for name, value in summary["sizes"].items()
    )
    out.print(f"sizes: {sizes}")
    machine = summary["machine"]
    out.print(f"machine: {machine['processor']}, {machine['cores']} cores, load {machine['load']}")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


if __name__ == "__main__":
    main()
