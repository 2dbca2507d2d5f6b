"""`cinempc models`: list, pull, train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cinempc.app.options.perception import PullOptions, TrainOptions
from cinempc.app.perception import WEIGHTS
from cinempc.cli.console import out, progress_bar
from cinempc.cli.options import defaults, option

app = typer.Typer(no_args_is_help=True, help="Detector weights: what there is, get, train.")
_P, _T = defaults(PullOptions), defaults(TrainOptions)


@app.command("list", epilog="Example: cinempc models list")
def models_list() -> None:
    """Weights that are there: shipped, pulled, and those in $CINEMPC_MODELS."""
    from cinempc.app.models import available

    table = Table(box=None)
    for heading in ("name", "size", "from", "file"):
        table.add_column(heading, overflow="fold")
    for model in available():
        table.add_row(model.name, f"{model.megabytes:.1f} MB", model.origin, str(model.path))
    out.print(table)


@app.command("pull", epilog="Example: cinempc models pull yolo11n-pose")
def models_pull(
    name: Annotated[
        str, typer.Argument(help="Name of ultralytics' weights (yolo11n-pose), or a .pt file.")
    ],
    size: Annotated[int, option(_P, "size")] = _P.size,
    half: Annotated[bool, option(_P, "half", "--half")] = False,
    folder: Annotated[Path | None, option(_P, "folder", "--into")] = None,
) -> None:
    """Get weights for real footage, trained on COCO, and export them to ONNX."""
    from cinempc.app.models import pull

    file = pull(name, PullOptions(size=size, half=half, folder=folder))
    out.print(f"[bold]{file}[/]: use it with --weights {file.stem}")


@app.command("train", epilog="Example: cinempc models train people --out training")
def models_train(
    name: Annotated[str, typer.Argument(help="Name of the weights to make.")] = WEIGHTS,
    folder: Annotated[Path, option(_T, "folder", "--out")] = _T.folder,
    data: Annotated[Path | None, option(_T, "data")] = None,
    model: Annotated[str | None, option(_T, "model")] = None,
    epochs: Annotated[int, option(_T, "epochs")] = _T.epochs,
    size: Annotated[int, option(_T, "size")] = _T.size,
    batch: Annotated[int, option(_T, "batch")] = _T.batch,
    scenes: Annotated[int, option(_T, "scenes")] = _T.scenes,
    test_scenes: Annotated[int, option(_T, "test_scenes")] = _T.test_scenes,
    pictures: Annotated[int, option(_T, "pictures")] = _T.pictures,
    seed: Annotated[int, option(_T, "seed")] = _T.seed,
    device: Annotated[str | None, option(_T, "device")] = None,
) -> None:
    """Render a data set, train on it, export to ONNX, measure. Goes on where it was stopped."""
    from cinempc.app.models import train

    options = TrainOptions(
        folder=folder,
        data=data,
        model=model,
        epochs=epochs,
        size=size,
        batch=batch,
        scenes=scenes,
        test_scenes=test_scenes,
        pictures=pictures,
        seed=seed,
        device=device,
    )
    with progress_bar(each=True) as progress:
        result = train(name, options, progress=progress)
    out.print_json(json.dumps(result.figures))
    out.print(f"[bold]{result.weights}[/]: use it with --weights {result.weights}")
