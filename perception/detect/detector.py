"""What a detector is: the protocol, its options, its errors, and the registry of backends.

A backend is one file of this folder whose name ends in ``_detector``: a class with the decorator
`register`, which `perception.detect.loading.load` finds by itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from cinempc.errors import CinempcError
from perception.detect.detections import Detections


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


@dataclass(frozen=True)
class DetectorOptions:
    """What a backend is asked for beside its weights.

    Attributes:
        size: px, the longer side of the network's input, or its width and height; the file's own
            if not given.
        confidence: score below which nothing is given.
        iou: of two boxes of a class with more in common than this, the better one is given.
        classes: only these are given; all if not given.
        device: as the backend names them, such as ``cpu``, ``cuda`` or ``0``.
        threads: of the CPU; all if not given. A backend may leave this to its library.
    """

    size: int | tuple[int, int] | None = None
    confidence: float = 0.25
    iou: float = 0.6
    classes: Sequence[str] | None = None
    device: str | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Backend:
    """What runs weights.

    Attributes:
        kind: its name.
        suffixes: of the files it runs unless another backend is asked for, such as ``.onnx``.
        build: the detector of a file.
    """

    kind: str
    suffixes: tuple[str, ...]
    build: Callable[[Path, DetectorOptions], Detector]


#: All that have been registered, by kind.
BACKENDS: dict[str, Backend] = {}

_D = TypeVar("_D", bound=Detector)


def register(kind: str, *, suffixes: Sequence[str]) -> Callable[[type[_D]], type[_D]]:
    """Class decorator: makes a detector a backend. It is built from a path and `DetectorOptions`.

    Example:
        >>> @register("tflite", suffixes=(".tflite",))
        ... class TfliteDetector:
        ...     def __init__(self, file: Path, options: DetectorOptions) -> None: ...
    """

    def add(detector: type[_D]) -> type[_D]:
        build: Callable[[Path, DetectorOptions], Detector] = detector
        BACKENDS[kind] = Backend(kind, tuple(suffixes), build)
        return detector

    return add


def check_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
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
    file: Path, names: Mapping[int, str], classes: Sequence[str] | None
) -> list[int] | None:
    """The numbers of classes by name; None where all are asked for.

    Raises:
        WeightsError: the weights do not know one.
    """
    if classes is None:
        return None
    numbers = {name: number for number, name in names.items()}
    missing = [name for name in classes if name not in numbers]
    if missing:
        close = difflib.get_close_matches(missing[0], numbers, n=3)
        hint = f" (did you mean {' or '.join(close)}?)" if close else ""
        known = ", ".join(list(numbers)[:12]) + (", …" if len(numbers) > 12 else "")
        raise WeightsError(
            f"{file}: these weights do not know {', '.join(missing)}{hint}; they know {known}. "
            "Choose other weights with --weights, or train some with `cinempc models train`"
        )
    return [numbers[name] for name in classes]
