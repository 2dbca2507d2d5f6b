"""Detector weights: those that are there, getting others, and training one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cinempc.app.options.options import choose
from cinempc.app.options.perception import PullOptions, TrainOptions
from cinempc.app.perception import WEIGHTS
from cinempc.app.progress import OnProgress, Progress, Stopped, ignore
from cinempc.errors import CinempcError
from perception.detect import models
from perception.detect.detector import WeightsError
from perception.detect.models import Model


@dataclass(frozen=True)
class TrainResult:
    """New weights, and their figures, which are also in a file beside them."""

    weights: Path
    figures: dict[str, Any]


def available() -> list[Model]:
    """Weights that are there: shipped, pulled, and those in ``$CINEMPC_MODELS``."""
    return models.available()


def pull(name: str, options: PullOptions | None = None, **changes: Any) -> Path:
    """Get weights for real footage, trained on COCO, and export them to ONNX.

    Args:
        name: of ultralytics' weights (yolo11n-pose), or a .pt file.
        options: `PullOptions`.
        **changes: single options by their names in `PullOptions`.

    Returns:
        The ONNX file.

    Raises:
        WeightsError: ultralytics is not installed, knows no such name, or cannot download.
    """
    options = choose(PullOptions, options, changes)
    return models.pull(name, size=options.size, half=options.half, into=options.folder)


def train(
    name: str = WEIGHTS,
    options: TrainOptions | None = None,
    *,
    progress: OnProgress = ignore,
    **changes: Any,
) -> TrainResult:
    """Render a data set, train on it, export to ONNX, measure. Goes on where it was stopped.

    Args:
        name: of the weights to make.
        options: `TrainOptions`.
        progress: told the step, and how far it is.
        **changes: single options by their names in `TrainOptions`.

    Raises:
        WeightsError: ultralytics is not installed.
        CinempcError: there is no such data set.
        Stopped: Ctrl-C.
    """
    options = choose(TrainOptions, options, changes)
    try:
        import ultralytics  # noqa: F401
    except ImportError as error:
        raise WeightsError("training needs ultralytics: pip install 'cinempc[yolo]'") from error
    from perception.training.dataset import Plan
    from perception.training.recipe import Recipe, build

    if options.data is not None and not options.data.is_file():
        raise CinempcError(f"{options.data}: there is no such data set description")
    scenes = options.scenes
    recipe = Recipe(
        plan=Plan(
            scenes, max(1, scenes // 25), options.test_scenes, options.pictures, seed=options.seed
        ),
        data=options.data,
        model=options.model,
        epochs=options.epochs,
        size=options.size,
        batch=options.batch,
        device=options.device,
    )
    try:
        figures = build(
            recipe,
            options.folder,
            name,
            lambda step, done, total: progress(Progress(done, total, step)),
        )
    except KeyboardInterrupt:
        raise Stopped("the same command goes on from here") from None
    return TrainResult(options.folder / f"{name}.onnx", figures)
