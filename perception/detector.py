"""Detection: a picture in, `Detections` out, through whatever runs the weights.

`load` chooses the back end by the weights' file and by what is installed: ONNX files run on ONNX
Runtime alone; all else needs ultralytics (``pip install 'cinempc[yolo]'``).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cinempc.errors import CinempcError
from perception.detections import Detections

Backend = Literal["auto", "onnxruntime", "ultralytics"]


class FrameError(ValueError):
    """Not a picture: empty, or of the wrong shape or type."""


class WeightsError(CinempcError):
    """Weights that cannot be used, with the file, what is wrong with it and what to do."""


class Detector(Protocol):
    """Finds things in pictures.

    Attributes:
        names: class names by number.
        has_keypoints: whether it finds the 17 of COCO.
        milliseconds: what the last picture took: ``prepare``, ``network``, ``decode``.
    """

    names: Mapping[int, str]
    has_keypoints: bool
    milliseconds: dict[str, float]

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """What a picture (h, w, 3) RGB uint8 shows, best first, in its own px.

        Raises:
            FrameError: it is no picture.
        """


def load(
    weights: str | Path,
    *,
    size: int | tuple[int, int] | None = None,
    confidence: float = 0.25,
    iou: float = 0.6,
    classes: Sequence[str] | None = None,
    backend: Backend = "auto",
    device: str | None = None,
    threads: int | None = None,
) -> Detector:
    """A detector from a weights file.

    Example:
        >>> people = load("yolo11n-pose.onnx").detect(image).of_class("person")

    Args:
        weights: ``.onnx``, or whatever ultralytics loads (``.pt``, ``.engine``).
        size: px, the longer side of the network's input, or its width and height; the file's own
            if not given.
        confidence: score below which nothing is given.
        iou: of two boxes of a class with more in common than this, the better one is given.
        classes: only these are given; all if not given.
        backend: what runs it; ``auto`` is ONNX Runtime for ``.onnx``.
        device: as ultralytics names them, such as ``cpu`` or ``0``; for ONNX Runtime ``cpu`` or
            ``cuda``.
        threads: of the CPU; all if not given.

    Raises:
        WeightsError: the weights cannot be used, or do not know a class.
    """
    file = Path(weights)
    onnx = file.suffix.lower() == ".onnx"
    detector: Detector
    if backend == "onnxruntime" and not onnx:
        raise WeightsError(f"{file}: ONNX Runtime needs an .onnx file: {_EXPORT}")
    if backend == "ultralytics" or not onnx:
        from perception.ultralytics_detector import UltralyticsDetector

        detector = UltralyticsDetector(
            file, size=size, confidence=confidence, iou=iou, classes=classes, device=device
        )
    else:
        from perception.onnx_detector import OnnxDetector

        detector = OnnxDetector(
            file, size=size, confidence=confidence, iou=iou, classes=classes, device=device,
            threads=threads,
        )  # fmt: skip
    return detector


_EXPORT = "write one with `cinempc models pull NAME`"


def checked(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image, if it is one.

    Raises:
        FrameError: it is none.
    """
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
        shape = getattr(image, "shape", type(image).__name__)
        raise FrameError(f"a picture is (height, width, 3), this is {shape}: convert it to RGB")
    if image.dtype != np.uint8:
        raise FrameError(f"a picture is of uint8, 0 to 255, this is of {image.dtype}: scale it")
    if min(image.shape[:2]) < 2:
        raise FrameError(f"a picture of {image.shape[1]} x {image.shape[0]} px is empty")
    return image


def class_numbers(
    file: Path, names: Mapping[int, str], wanted: Sequence[str] | None
) -> list[int] | None:
    """The numbers of wanted classes; None where all are.

    Raises:
        WeightsError: the weights do not know one.
    """
    if wanted is None:
        return None
    numbers = {name: number for number, name in names.items()}
    missing = [name for name in wanted if name not in numbers]
    if missing:
        close = difflib.get_close_matches(missing[0], numbers, n=3)
        hint = f" (did you mean {' or '.join(close)}?)" if close else ""
        known = ", ".join(list(numbers)[:12]) + (", …" if len(numbers) > 12 else "")
        raise WeightsError(
            f"{file}: these weights do not know {', '.join(missing)}{hint}; they know {known}. "
            "Choose other weights with --weights, or train some with `cinempc models train`"
        )
    return [numbers[name] for name in wanted]
