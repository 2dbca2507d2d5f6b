"""Training with ultralytics, on a GPU or on a few cores, and export to ONNX.

On a CPU with bfloat16 units the network runs in bfloat16 and with channels last, two to three
times as fast as otherwise; losses and weights stay in float32.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ruamel.yaml import YAML
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.models.yolo.pose import PoseTrainer
from ultralytics.nn.tasks import DetectionModel, PoseModel
from ultralytics.utils.torch_utils import unwrap_model

#: YOLO11's nano pose model with half the channels in its deepest layers: 1.7 M parameters, which
#: is plenty for one class.
ARCHITECTURE = Path(__file__).with_name("yolo11n-512.yaml")


def train(
    data: Path,
    folder: Path,
    *,
    model: str | None = None,
    epochs: int = 25,
    size: int = 320,
    batch: int = 16,
    seed: int = 0,
    device: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Train a detector, or go on where an interrupted training stopped.

    Args:
        data: a data set's ``data.yaml``; with ``kpt_shape`` a pose model is trained.
        folder: where the run is kept.
        model: weights to start from (``yolo11n.pt``) or a model's description; if not given, the
            small architecture that the shipped weights have, from scratch.
        epochs: passes over the data.
        size: px, the longer side of the pictures.
        batch: pictures a step.
        seed: of weights, order and augmentation.
        device: as ultralytics names them (``cpu``, ``0``); the first GPU if not given.
        progress: called with epochs done and epochs in all.

    Returns:
        The best weights (``.pt``), by the mean average precision on the validation pictures.
    """
    description = YAML(typ="safe").load(data.read_text())
    poses = "kpt_shape" in description
    trainer: type[DetectionTrainer] = _Pose if poses else _Detect
    run = folder / "run"
    last = run / "weights" / "last.pt"
    best = run / "weights" / "best.pt"
    if best.is_file() and _finished(best):
        return best
    settings: dict[str, Any] = {
        "task": "pose" if poses else "detect",
        "data": str(data),
        "model": model or str(_architecture(folder, description)),
        "epochs": epochs,
        "imgsz": size,
        "batch": batch,
        "nbs": batch,
        "seed": seed,
        "device": device,
        "project": str(folder),
        "name": "run",
        "exist_ok": True,
        "optimizer": "AdamW",
        "lr0": 0.002,
        "lrf": 0.02,
        "cos_lr": True,
        "warmup_epochs": 1,
        "close_mosaic": max(1, epochs // 5),
        "mosaic": 0.5,
        "scale": 0.4,
        "translate": 0.1,
        "degrees": 3.0,
        "hsv_h": 0.03,
        "erasing": 0.0,
        "cache": "ram",
        "amp": False,
        "plots": False,
        "verbose": False,
    }
    if last.is_file():
        settings |= {"resume": str(last), "model": str(last)}
    running = trainer(overrides=settings)
    running.args.workers = 2  # ultralytics would load pictures between the steps on a CPU
    running.add_callback("on_fit_epoch_end", lambda t: progress(t.epoch + 1, t.epochs))
    running.train()
    return best


def _finished(weights: Path) -> bool:
    """A run strips the optimiser from its weights when it is done."""
    return bool(torch.load(weights, map_location="cpu", weights_only=False)["epoch"] == -1)


def _architecture(folder: Path, description: dict[str, Any]) -> Path:
    """The small architecture with a data set's classes and keypoints."""
    yaml = YAML(typ="safe")
    layers = yaml.load(ARCHITECTURE.read_text())
    layers["nc"] = len(description["names"])
    if "kpt_shape" in description:
        layers["kpt_shape"] = description["kpt_shape"]
    else:
        *rest, (sources, count, _, _) = layers["head"]
        layers["head"] = [*rest, [sources, count, "Detect", ["nc"]]]
    folder.mkdir(parents=True, exist_ok=True)
    # ultralytics reads the model's size from the name: yolo11n.
    path = folder / "yolo11n-512.yaml"
    with path.open("w") as file:
        yaml.dump(layers, file)
    return path


# --- the fast path on a CPU ---


def _float32(value: Any) -> Any:
    if torch.is_tensor(value):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: _float32(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_float32(part) for part in value)
    return value


class _Bfloat16:
    """A model that runs in bfloat16 and answers in float32."""

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            out = super().predict(x, *args, **kwargs)  # type: ignore[misc]
        return _float32(out)


class _FastDetectionModel(_Bfloat16, DetectionModel):  # type: ignore[misc]
    pass


class _FastPoseModel(_Bfloat16, PoseModel):  # type: ignore[misc]
    pass


_FAST = {DetectionModel: _FastDetectionModel, PoseModel: _FastPoseModel}


def _fast() -> bool:
    """Whether this CPU multiplies in bfloat16."""
    capabilities = torch.backends.cpu.get_cpu_capability()
    flags = Path("/proc/cpuinfo")
    return "AVX512" in capabilities and flags.is_file() and "bf16" in flags.read_text()


class _OnCpu:
    """A trainer that takes the fast path where there is one."""

    model: Any
    ema: Any
    device: Any

    def _setup_train(self, *args: Any) -> None:
        super()._setup_train(*args)  # type: ignore[misc]
        model = unwrap_model(self.model)
        torch.set_num_threads(os.cpu_count() or 1)  # ultralytics leaves one out
        if self.device.type == "cpu" and _fast():
            # The average of the weights, which is what is saved, stays a plain model.
            self.model = model.to(memory_format=torch.channels_last)
            self.model.__class__ = _FAST[type(model)]

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        batch = super().preprocess_batch(batch)  # type: ignore[misc]
        if self.device.type == "cpu":
            batch["img"] = batch["img"].contiguous(memory_format=torch.channels_last)
        return batch


class _Detect(_OnCpu, DetectionTrainer):  # type: ignore[misc]
    pass


class _Pose(_OnCpu, PoseTrainer):  # type: ignore[misc]
    pass
