"""From a weights file to a detector: the backend is chosen by the file's suffix or by name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path

import perception.detect
from perception.detect.detector import (
    BACKENDS,
    Backend,
    Detector,
    DetectorOptions,
    WeightsError,
)

#: Runs what no other backend claims: ultralytics loads many formats by itself.
_OTHERWISE = "ultralytics"


def load(
    weights: str | Path,
    *,
    size: int | tuple[int, int] | None = None,
    confidence: float = 0.25,
    iou: float = 0.6,
    classes: Sequence[str] | None = None,
    backend: str = "auto",
    device: str | None = None,
    threads: int | None = None,
) -> Detector:
    """A detector from a weights file.

    Example:
        >>> people = load("yolo11n-pose.onnx").detect(image).of_class("person")

    Args:
        weights: ``.onnx``, what another backend claims, or whatever ultralytics loads (``.pt``,
            ``.engine``; needs ``pip install 'cinempc[yolo]'``).
        backend: what runs it, such as ``onnxruntime`` or ``ultralytics``; ``auto`` goes by the
            file's suffix.
        size, confidence, iou, classes, device, threads: see `DetectorOptions`.

    Raises:
        WeightsError: the weights cannot be used, or do not know a class.
    """
    file = Path(weights)
    options = DetectorOptions(size, confidence, iou, classes, device, threads)
    return _choose(file, backend).build(file, options)


def backends() -> dict[str, Backend]:
    """All backends by kind: those of the modules of this folder that end in ``_detector``."""
    for module in pkgutil.iter_modules(perception.detect.__path__):
        if module.name.endswith("_detector"):
            importlib.import_module(f"{perception.detect.__name__}.{module.name}")
    return BACKENDS


def suffixes() -> list[str]:
    """Suffixes of all weights that some backend claims."""
    return [suffix for backend in backends().values() for suffix in backend.suffixes]


def _choose(file: Path, kind: str) -> Backend:
    known = backends()
    if kind == "auto":
        claims = [one for one in known.values() if file.suffix.lower() in one.suffixes]
        return claims[0] if claims else known[_OTHERWISE]
    if kind not in known:
        raise WeightsError(f"{file}: there is no backend {kind!r}; there are {', '.join(known)}")
    return known[kind]
