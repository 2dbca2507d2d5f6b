"""Detection through ultralytics: whatever weights it loads, on CPU or GPU."""

from __future__ import annotations

import importlib
import sys
import time as clock
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.detect.detections import KEYPOINTS, Detections
from perception.detect.detector import (
    DetectorOptions,
    WeightsError,
    check_image,
    class_numbers,
    register,
)


@register("ultralytics", suffixes=(".pt", ".engine"))
class UltralyticsDetector:
    """Runs weights on ultralytics.

    Raises:
        WeightsError: the weights cannot be used, or do not know a class.
    """

    def __init__(self, file: Path, options: DetectorOptions) -> None:
        self.file = file
        self.milliseconds: dict[str, float] = {}
        self._model = _model(file)
        task = getattr(self._model, "task", None)
        if task not in ("detect", "pose"):
            raise WeightsError(
                f"{file}: this is a model for '{task}'; only 'detect' and 'pose' models tell "
                "where people are: choose one of those"
            )
        size = options.size
        arguments: dict[str, Any] = {
            "conf": options.confidence,
            "iou": options.iou,
            "verbose": False,
        }
        if size is not None:
            arguments["imgsz"] = size if isinstance(size, int) else [size[1], size[0]]
        if options.device is not None:
            arguments["device"] = options.device
        self._arguments = arguments
        try:
            self.names: Mapping[int, str] = dict(self._model.names)
            first = self._run(np.full((64, 64, 3), 114, np.uint8))
            # Exported files of dynamic size tell theirs, which ultralytics would not ask for.
            own = getattr(self._model.predictor.model, "imgsz", None)
            if size is None and own:
                arguments["imgsz"] = list(own)
        except Exception as error:
            raise WeightsError(f"{file}: these weights do not run ({error})") from error
        self.has_keypoints = task == "pose"
        if first.keypoints is not None and first.keypoints.data.shape[1:2] not in ((17,), (0,)):
            raise WeightsError(
                f"{file}: its keypoints are {tuple(first.keypoints.data.shape[1:])}, not the 17 "
                "of COCO: use a COCO pose model, or a detect model"
            )
        numbers = class_numbers(file, self.names, options.classes)
        if numbers is not None:
            arguments["classes"] = numbers

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """What a picture (h, w, 3) RGB uint8 shows, best first, in its own px."""
        began = clock.perf_counter()
        result = self._run(check_image(image))
        spent = result.speed
        boxes = result.boxes.cpu().numpy()
        order = np.argsort(-boxes.conf, kind="stable")
        order = order[np.isfinite(boxes.xyxy[order]).all(axis=1)]
        keypoints = None
        if self.has_keypoints:
            raw = result.keypoints.data.cpu().numpy().astype(float)
            keypoints = np.ones((len(order), len(KEYPOINTS), 3))
            if len(order):
                keypoints[:, :, : raw.shape[2]] = raw[order]
        network = float(spent.get("inference") or 0.0)
        self.milliseconds = {
            "prepare": float(spent.get("preprocess") or 0.0),
            "network": network,
            "decode": 1e3 * (clock.perf_counter() - began) - network,
        }
        return Detections(
            boxes=boxes.xyxy[order].astype(float),
            scores=boxes.conf[order].astype(float),
            classes=boxes.cls[order].astype(np.int64),
            names=self.names,
            keypoints=keypoints,
        )

    def _run(self, image: NDArray[np.uint8]) -> Any:
        # It takes arrays as OpenCV reads them, blue first.
        return self._model.predict(np.ascontiguousarray(image[:, :, ::-1]), **self._arguments)[0]


def ultralytics() -> Any:
    """The module, imported so that it lives with a renderer in one process.

    Triton, which torchvision loads, and Mesa, which renders without a GPU, each bring an LLVM of
    their own: the second one loaded crashes the process. Nothing here compiles with Triton.

    Raises:
        ImportError: ultralytics is not installed.
    """
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    module = importlib.import_module("ultralytics")
    importlib.import_module("ultralytics.utils.downloads")
    return module


def _model(file: Path) -> Any:
    try:
        yolo = ultralytics().YOLO
    except ImportError as error:
        raise WeightsError(
            f"{file}: only ONNX files run without ultralytics: pip install 'cinempc[yolo]', or "
            "get an ONNX file with `cinempc models pull NAME` on a machine that has it"
        ) from error
    if not file.is_file() and file.parent != Path():
        raise WeightsError(f"{file}: there is no such file")
    try:
        return yolo(str(file))
    except Exception as error:
        text = " ".join(str(error).split())[:160]
        raise WeightsError(
            f"{file}: ultralytics cannot load these weights ({text}); copy or download them again"
        ) from error
