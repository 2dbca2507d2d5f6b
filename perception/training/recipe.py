"""Pictures to weights in one go: data, training, export, figures. Goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from perception.detect import loading
from perception.training.dataset import Plan, make
from perception.training.figures import evaluate

#: Given what is being done, and how far it is: steps done and steps in all.
Progress = Callable[[str, int, int], None]

#: px, the longer side of the pictures in which the shipped weights look for people.
LOOKS_AT = 640


@dataclass(frozen=True)
class Recipe:
    """How weights are made.

    Attributes:
        plan: of the rendered data set; not used with ``data``.
        data: a data set of one's own, its ``data.yaml`` in ultralytics' form; None renders people.
        model: weights or architecture to start from; None is the small one, from scratch.
        epochs: passes over the data.
        size: px, the longer side of the training pictures.
        batch: pictures a step.
        device: as ultralytics names them; None takes the first GPU, or the CPU.
        workers: processes that render; None is one for each core.
    """

    plan: Plan = field(default_factory=Plan)
    data: Path | None = None
    model: str | None = None
    epochs: int = 28
    size: int = 320
    batch: int = 16
    device: str | None = None
    workers: int | None = None


def build(recipe: Recipe, folder: Path, name: str, progress: Progress) -> dict[str, Any]:
    """Make weights.

    Args:
        recipe: how.
        folder: where all of it is kept: ``data/``, ``run/``, the ONNX file and its figures.
        name: of the weights.
        progress: what is being done.

    Returns:
        The figures, which are also in ``NAME.json`` beside ``NAME.onnx``.
    """
    from perception.training.export import export
    from perception.training.train import train

    folder = folder.resolve()  # ultralytics has a place of its own for relative ones
    folder.mkdir(parents=True, exist_ok=True)
    data = recipe.data
    if data is None:
        data = make(folder / "data", recipe.plan, progress, recipe.workers)
    best = train(
        data,
        folder,
        model=recipe.model,
        epochs=recipe.epochs,
        size=recipe.size,
        batch=recipe.batch,
        seed=recipe.plan.seed,
        device=recipe.device,
        progress=lambda done, total: progress("training", done, total),
    )
    progress("exporting", 0, 1)
    target = folder / f"{name}.onnx"
    rendered = recipe.data is None
    about = {
        "description": f"{name}: trained by cinempc",
        "data": "rendered by cinempc's simulator" if rendered else str(data),
        "seed": str(recipe.plan.seed),
        "license": "AGPL-3.0 (trained with ultralytics)",
    }
    export(best, target, size=LOOKS_AT if rendered else recipe.size, about=about)
    progress("exporting", 1, 1)
    figures: dict[str, Any] = {"megabytes": round(target.stat().st_size / 1e6, 2)}
    if rendered:
        found = loading.load(target, confidence=0.01)
        figures |= evaluate(
            found, folder / "data", progress=lambda done, total: progress("evaluating", done, total)
        )
        figures["plan"] = asdict(recipe.plan)
    else:
        figures |= _validated(best, data, recipe)
    figures |= {"epochs": recipe.epochs, "size": recipe.size, "batch": recipe.batch}
    part = folder / f"{name}.json.part"
    part.write_text(json.dumps(figures, indent=2) + "\n")
    os.replace(part, folder / f"{name}.json")
    return figures


def _validated(best: Path, data: Path, recipe: Recipe) -> dict[str, Any]:
    """Figures on somebody's own data set: its test pictures, or else its validation pictures."""
    from ruamel.yaml import YAML
    from ultralytics import YOLO

    split = "test" if "test" in YAML(typ="safe").load(data.read_text()) else "val"
    result = YOLO(str(best)).val(
        data=str(data),
        split=split,
        imgsz=recipe.size,
        device=recipe.device,
        plots=False,
        project=str(best.parents[1]),
        name="val",
        exist_ok=True,
    )
    figures = {"split": split, "box_ap50": round(float(result.box.map50), 4)}
    if hasattr(result, "pose"):
        figures["keypoint_ap50"] = round(float(result.pose.map50), 4)
    return figures
