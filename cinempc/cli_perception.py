"""The commands about perception: perceive, sequence, models, and its bench."""

from __future__ import annotations

import json
import math
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from cinempc.console import err, out, progress_bar
from cinempc.errors import CinempcError

if TYPE_CHECKING:
    from perception.pipeline import Found, Pipeline
    from perception.sources import Picture, Source
    from perception.view import View
    from sim.sequence import Shot, Shots

models = typer.Typer(no_args_is_help=True, help="Detector weights: what there is, get, train.")

PERCEIVE_EXAMPLE = "Example: cinempc perceive walk.mp4 --weights yolo11n-pose --json"
SEQUENCE_EXAMPLE = "Example: cinempc sequence walk sequences/walk-0 --seed 0"
BENCH_EXAMPLE = "Example: cinempc bench perception --seeds 1 --seconds 5"

#: Score from which a detection counts for anything: the tracker carries tracks on with the unsure.
CONFIDENCE = 0.1

Weights = Annotated[
    str, typer.Option(help="Of the detector: a file, or a name of `cinempc models list`.")
]


def perceive(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Images, a folder or pattern of them, a video, a camera (0, /dev/video0), an "
            "rtsp:// address, or a sequence of `cinempc sequence`.",
        ),
    ],
    weights: Weights = "people",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, a line for each picture.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where results go. [perceived/NAME-TIME]")
    ] = None,
    pictures: Annotated[
        bool, typer.Option(help="Whether annotated pictures or footage are written.")
    ] = True,
    ground_truth: Annotated[
        bool, typer.Option("--ground-truth", help="Compare with a sequence's truth; with plots.")
    ] = False,
    depth: Annotated[bool, typer.Option(help="Whether a sequence's depth is used.")] = True,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", help="What to look for; more than once for more. [person]"),
    ] = None,
    follow: Annotated[
        bool | None,
        typer.Option(
            help="Whether pictures are frames of one video. [of images no, otherwise yes]"
        ),
    ] = None,
    fov: Annotated[
        float | None,
        typer.Option(min=1, max=170, help="Horizontal field of view, degrees: gives positions."),
    ] = None,
    camera_height: Annotated[
        float, typer.Option(min=0, max=500, help="With --fov: of the camera above ground, m.")
    ] = 1.6,
    camera_pitch: Annotated[
        float, typer.Option(min=-90, max=90, help="With --fov: elevation of its view, degrees.")
    ] = 0.0,
    size: Annotated[
        int | None, typer.Option(min=64, max=4096, help="Of the network's input, px.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="Stop after so much of the source.")
    ] = math.inf,
) -> None:
    """Find people in pictures: drawn, and as JSON lines; live statistics on the way."""
    from perception import detector
    from perception import sources as kinds
    from perception.models import find
    from perception.perceive import Output, Watcher
    from perception.pipeline import Pipeline
    from sim import sequence as sequences

    wanted = tuple(classes or ("person",))
    found = detector.load(find(weights), confidence=CONFIDENCE, classes=wanted, size=size)
    target = folder or _out_folder("perceived", sources)
    is_sequence = len(sources) == 1 and sequences.is_sequence(Path(sources[0]))
    if ground_truth or is_sequence:
        if not is_sequence:
            raise CinempcError(
                f"{', '.join(sources)}: --ground-truth needs a sequence with its truth: make one "
                "with `cinempc sequence walk FOLDER`"
            )
        shots = sequences.load(Path(sources[0]))
        pipeline = Pipeline(found, frame_rate=shots.frame_rate, categories=wanted)
        _perceive_sequence(sources[0], shots, pipeline, target, depth, as_json, pictures,
                           ground_truth, seconds)  # fmt: skip
        return
    with kinds.open_source(sources) as source:
        stills = isinstance(source, kinds.Images) and not follow
        pipeline = Pipeline(found, frame_rate=source.frame_rate or 24.0, categories=wanted)
        watcher = Watcher(pipeline, _fixed_view(fov, camera_height, camera_pitch))
        lines = sys.stdout if as_json else None
        with (
            Output(target, source, stills=stills, lines=lines, pictures=pictures) as output,
            _spinner() as bar,
        ):
            task = bar.add_task(source.name, total=None)
            began: float | None = None
            try:
                for look, result in watcher.run(source, apart=stills):
                    began = result.time if began is None else began
                    output.write(look, result)
                    bar.update(task, description=str(watcher.progress))
                    if result.time - began >= seconds:
                        break
            except KeyboardInterrupt:
                bar.stop()
                err.print("stopped; what was found until then is kept")
    _summary(watcher.progress, source, target, output.files)


def _perceive_sequence(
    where: str, shots: Shots, pipeline: Pipeline, target: Path, depth: bool, as_json: bool,
    pictures: bool, ground_truth: bool, seconds: float,
) -> None:  # fmt: skip
    from perception import evaluation
    from perception.measure import measure
    from perception.perceive import Look, Output
    from perception.sources import Picture, Source
    from perception.view import View

    source = Source(where, frame_rate=shots.frame_rate)
    lines = sys.stdout if as_json else None
    wanted = (shot for shot in shots if shot.frame.time < seconds)
    with (
        Output(target, source, stills=False, lines=lines, pictures=pictures) as output,
        progress_bar() as bar,
    ):
        task = bar.add_task(where, total=len(shots))

        def told(shot: Shot, found: Found) -> None:
            picture = Picture(shot.frame.time, shot.frame.image, f"{shot.frame.time:.3f} s")
            output.write(Look(picture, View.of(shot.frame)), found)
            bar.advance(task)

        measured = measure(pipeline, wanted, depth=depth, told=told)
    err.print(f"[bold]{target}[/]: {', '.join(f.name for f in output.files)}, found.jsonl")
    if not ground_truth:
        return
    report = evaluation.report(measured.truths, measured.results)
    (target / "evaluation.json").write_text(json.dumps(report, indent=2) + "\n")
    plots = evaluation.plots(measured.truths, measured.results, target / "plots")
    (err if as_json else out).print(_evaluation_table(report))
    err.print(f"[bold]{target / 'plots'}[/]: {', '.join(p.name for p in plots)}")


def _fixed_view(fov: float | None, height: float, pitch: float) -> Any:
    """A camera that stands still at the world's origin and looks east; None without ``fov``."""
    import numpy as np

    from cinempc.rig import CameraPose
    from perception.view import View

    def view(picture: Picture) -> View | None:
        if fov is None:
            return None
        high, wide = picture.image.shape[:2]
        focal = wide / 2 / math.tan(math.radians(fov) / 2)
        pose = CameraPose(np.array([0.0, 0.0, height]), 0.0, math.radians(pitch), 0.0)
        return View(pose, focal, (wide, high))

    return view


def _summary(progress: Any, source: Source, target: Path, files: list[Path]) -> None:
    err.print(f"{source.name}: {progress}")
    if progress.stages:
        err.print(
            "median ms of a frame: "
            + ", ".join(f"{name} {ms:.1f}" for name, ms in progress.stages.items())
        )
    names = [f.name for f in files[:3]] + (["…"] if len(files) > 3 else [])
    err.print(f"[bold]{target}[/]: {', '.join([*names, 'found.jsonl'])}")


def _out_folder(kind: str, sources: list[str]) -> Path:
    stem = Path(sources[0].rstrip("/")).stem or "source"
    stem = "".join(c if c.isalnum() or c in "-_" else "_" for c in stem)
    return Path(kind) / f"{stem}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"


def _spinner() -> Progress:
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err, transient=True)


def _evaluation_table(report: dict[str, Any]) -> Table:
    """The report's figures, the same for every sequence."""
    table = Table(show_header=False, box=None)

    def row(name: str, value: float | None, unit: str = "", digits: int = 2) -> None:
        table.add_row(name, "-" if value is None else f"{value:.{digits}f}{unit}")

    identity, gaps = report["identity"], report["gaps"]
    row("persons, AP50", report["boxes"]["ap50"], digits=3)
    row("keypoints, AP50 by OKS", report["keypoints"]["ap50"], digits=3)
    for key, name in (("hota", "HOTA"), ("idf1", "IDF1")):
        row(name, identity.get(key), digits=3)
    row("identity switches", identity.get("switches"), digits=0)
    row("position error, p95", report["position"]["p95_pct_of_range"], " % of the range")
    row("heading error, p90", report["heading"]["p90_deg"], "°", 1)
    inside = report["nees"]["inside_95"]
    row("NEES in its 95 % band", None if inside is None else 100 * inside, " % of the frames", 1)
    if gaps["count"]:
        row("known again after a gap, worst", gaps["known_worst_s"], " s")
    row("latency, p50", report["latency"]["p50_ms"], " ms", 1)
    row("latency, p95", report["latency"]["p95_ms"], " ms", 1)
    return table


# --- sequence ---


def sequence(
    name: Annotated[str, typer.Argument(help="walk, crossing or wall.")],
    folder: Annotated[Path, typer.Argument(help="Where it goes.")],
    seed: Annotated[int, typer.Option(min=0, help="Of people, clothes, paths and noise.")] = 0,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Of it; all of it if left out.")
    ] = None,
) -> None:
    """Film people together with the truth about them, for `perceive --ground-truth`."""
    from sim import sequence as sequences

    shots = sequences.shoot(name, seed, end=math.inf if seconds is None else seconds)
    with progress_bar() as bar:
        task = bar.add_task(f"{name}, seed {seed}", total=len(shots))
        try:
            sequences.save(
                shots, folder, lambda done, total: bar.update(task, completed=done, total=total)
            )
        except KeyboardInterrupt:
            bar.stop()
            err.print(f"stopped; what was filmed until then is in {folder}")
            raise
    out.print(f"[bold]{folder}[/]: sequence.json, images, depth")


# --- models ---


@models.command("list", epilog="Example: cinempc models list")
def models_list() -> None:
    """Weights that are there: shipped, pulled, and those in $CINEMPC_MODELS."""
    from perception.models import available

    table = Table(box=None)
    for heading in ("name", "size", "from", "file"):
        table.add_column(heading, overflow="fold")
    for model in available():
        table.add_row(model.name, f"{model.megabytes:.1f} MB", model.origin, str(model.path))
    out.print(table)


@models.command("pull", epilog="Example: cinempc models pull yolo11n-pose")
def models_pull(
    name: Annotated[
        str, typer.Argument(help="Of ultralytics' weights (yolo11n-pose), or a .pt file.")
    ],
    size: Annotated[
        int, typer.Option(min=64, max=4096, help="Of the pictures it will look at, px.")
    ] = 640,
    half: Annotated[bool, typer.Option("--half", help="Half precision, for GPUs.")] = False,
    folder: Annotated[Path | None, typer.Option("--into", help="Folder. [the user's]")] = None,
) -> None:
    """Get weights for real footage, trained on COCO, and export them to ONNX."""
    from perception.models import pull

    file = pull(name, size=size, half=half, into=folder)
    out.print(f"[bold]{file}[/]: use it with --weights {file.stem}")


@models.command("train", epilog="Example: cinempc models train people --out training")
def models_train(
    name: Annotated[str, typer.Argument(help="Of the weights to make.")] = "people",
    folder: Annotated[Path, typer.Option("--out", help="Where all of it goes.")] = Path("training"),
    data: Annotated[
        Path | None,
        typer.Option(help="A data.yaml of your own, in ultralytics' form; else people, rendered."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Weights to start from, such as yolo11n-pose.pt.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 28,
    size: Annotated[int, typer.Option(min=64, help="Of the training pictures, px.")] = 320,
    batch: Annotated[int, typer.Option(min=1, help="Pictures a step.")] = 16,
    scenes: Annotated[int, typer.Option(min=1, help="Rendered for training.")] = 200,
    test_scenes: Annotated[int, typer.Option(min=1, help="Rendered for the figures.")] = 20,
    pictures: Annotated[int, typer.Option(min=1, help="Of each scene.")] = 25,
    seed: Annotated[int, typer.Option(min=0, help="Of data and training.")] = 0,
    device: Annotated[
        str | None, typer.Option(help="cpu, or a GPU's number. [the first GPU, or the CPU]")
    ] = None,
) -> None:
    """Render a data set, train on it, export to ONNX, measure. Goes on where it was stopped."""
    from perception.detector import WeightsError
    from perception.training.dataset import Plan
    from perception.training.recipe import Recipe, build

    try:
        import ultralytics  # noqa: F401
    except ImportError as error:
        raise WeightsError("training needs ultralytics: pip install 'cinempc[yolo]'") from error
    if data is not None and not data.is_file():
        raise CinempcError(f"{data}: there is no such data set description")
    recipe = Recipe(
        plan=Plan(scenes, max(1, scenes // 25), test_scenes, pictures, seed=seed),
        data=data, model=model, epochs=epochs, size=size, batch=batch, device=device,
    )  # fmt: skip
    with progress_bar() as bar:
        tasks: dict[str, Any] = {}

        def told(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done, total=total)

        try:
            figures = build(recipe, folder, name, told)
        except KeyboardInterrupt:
            bar.stop()
            err.print("stopped; the same command goes on from here")
            raise
    out.print_json(json.dumps(figures))
    out.print(f"[bold]{folder / name}.onnx[/]: use it with --weights {folder / name}.onnx")


# --- bench ---


def bench_perception(
    weights: Weights = "people",
    seeds: Annotated[int, typer.Option(min=1, help="How many sequences of each kind.")] = 5,
    seconds: Annotated[
        float | None, typer.Option(min=0.5, help="Of each sequence; all of it if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure perception on sequences whose truth is known: errors, identities, ms per stage."""
    from perception import bench as measured

    with progress_bar() as bar:
        task = bar.add_task("bench perception", total=None)

        def told(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        summary = measured.measure(weights, seeds, seconds, told)
    if as_json:
        print(json.dumps(summary, indent=2))
        return
    table = Table(title=f"perception, {weights}, {seeds} seeds")
    for heading in ("", "measured", "target"):
        table.add_column(heading, justify="left" if not heading else "right")
    for line in summary["figures"]:
        table.add_row(line["name"], line["text"], line["target"])
    out.print(table)
    times = Table(title="ms of a picture")
    for heading in ("stage", "median", "p95"):
        times.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage, values in summary["stages_ms"].items():
        times.add_row(stage, f"{values['median']:.2f}", f"{values['p95']:.2f}")
    out.print(times)
    out.print(f"outside the network: {100 * summary['outside_network']:.0f} % of it (target 20 %)")
    machine = summary["machine"]
    out.print(f"machine: {machine['processor']}, {machine['cores']} cores, load {machine['load']}")
