"""`cinempc perceive`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cinempc.app.options.perception import PerceiveOptions
from cinempc.cli.console import err, out, progress_bar, spinner
from cinempc.cli.options import defaults, option

if TYPE_CHECKING:
    from cinempc.app.perceive.perceive import PerceiveResult

EXAMPLE = "Example: cinempc perceive walk.mp4 --weights yolo11n-pose --json"
_O = defaults(PerceiveOptions)


def perceive(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Images, a folder or pattern of them, a video, a camera (0, /dev/video0), an "
            "rtsp:// address, or a sequence of `cinempc sequence`.",
        ),
    ],
    weights: Annotated[str, option(_O, "weights")] = _O.weights,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, a line for each picture.")
    ] = False,
    folder: Annotated[Path | None, option(_O, "folder", "--out")] = None,
    pictures: Annotated[bool, option(_O, "pictures")] = _O.pictures,
    ground_truth: Annotated[bool, option(_O, "ground_truth", "--ground-truth")] = False,
    depth: Annotated[bool, option(_O, "depth")] = _O.depth,
    classes: Annotated[list[str] | None, option(_O, "classes", "--class")] = None,
    follow: Annotated[bool | None, option(_O, "follow")] = None,
    fov: Annotated[float | None, option(_O, "fov")] = None,
    camera_height: Annotated[float | None, option(_O, "camera_height")] = None,
    camera_pitch: Annotated[float | None, option(_O, "camera_pitch")] = None,
    camera_heading: Annotated[float | None, option(_O, "camera_heading")] = None,
    size: Annotated[int | None, option(_O, "size")] = None,
    seconds: Annotated[float, option(_O, "seconds")] = _O.seconds,
) -> None:
    """Find people in pictures: drawn, and as JSON lines; live statistics on the way."""
    from cinempc.app.perceive import perceive as app

    options = PerceiveOptions(
        weights=weights,
        folder=folder,
        pictures=pictures,
        ground_truth=ground_truth,
        depth=depth,
        classes=tuple(classes or _O.classes),
        follow=follow,
        fov=fov,
        camera_height=camera_height,
        camera_pitch=camera_pitch,
        camera_heading=camera_heading,
        size=size,
        seconds=seconds,
    )
    lines = sys.stdout if as_json else None
    with progress_bar() if app.is_sequence(sources) else spinner() as progress:
        result = app.perceive(sources, options, progress=progress, lines=lines)
    _show(result, err if as_json else out)


def _show(result: PerceiveResult, console: Any) -> None:
    if result.stopped:
        err.print("stopped; what was found until then is kept")
    if result.camera is not None:
        err.print(result.camera)
    names = [file.name for file in result.files]
    if (statistics := result.statistics) is not None:
        err.print(f"{result.source}: {statistics}")
        if statistics.stages:
            stages = ", ".join(f"{name} {ms:.1f}" for name, ms in statistics.stages.items())
            err.print(f"median ms of a frame: {stages}")
        names = names[:3] + (["…"] if len(names) > 3 else [])
    err.print(f"[bold]{result.folder}[/]: {', '.join([*names, result.lines.name])}")
    if result.evaluation is not None:
        console.print(_table(result.evaluation))
        plots = ", ".join(plot.name for plot in result.plots)
        err.print(f"[bold]{result.folder / 'plots'}[/]: {plots}")


def _table(report: dict[str, Any]) -> Table:
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
