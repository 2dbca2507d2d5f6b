"""Detector weights by name: those that ship, those that were pulled, and where they lie."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from perception.detect.detector import WeightsError
from perception.detect.loading import suffixes
from perception.detect.ultralytics_detector import ultralytics

#: The weights that ship: people with keypoints, trained on the simulator's pictures.
SHIPPED = "people"
_HERE = Path(__file__).parents[1] / "weights"


@dataclass(frozen=True)
class Model:
    """Weights that are there: ``origin`` says from where: ``shipped``, ``pulled`` or a folder."""

    name: str
    path: Path
    origin: str

    @property
    def megabytes(self) -> float:
        """Size of the file."""
        return self.path.stat().st_size / 1e6


def folder() -> Path:
    """Where pulled weights are kept."""
    return Path(user_data_path("cinempc")) / "models"


def available() -> list[Model]:
    """All weights that have a name: shipped, pulled, and those of ``$CINEMPC_MODELS``."""
    places = [(_HERE, "shipped"), (folder(), "pulled")]
    extra = os.environ.get("CINEMPC_MODELS")
    if extra:
        places.append((Path(extra), extra))
    known = suffixes()
    return [
        Model(file.stem, file, origin)
        for place, origin in places
        for file in sorted(place.glob("*"))
        if file.suffix in known
    ]


def find(name: str | Path) -> Path:
    """Weights by path or by name.

    Raises:
        WeightsError: there are none, with the names that there are.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    known = {model.name: model.path for model in reversed(available())}
    if str(name) in known:
        return known[str(name)]
    if path.suffix in suffixes() and path.parent != Path():
        raise WeightsError(f"{path}: there is no such file")
    close = difflib.get_close_matches(path.stem, known, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    raise WeightsError(
        f"{name}: there are no such weights{hint}; there are {', '.join(sorted(known)) or 'none'}. "
        f"`cinempc models pull {path.stem}` gets them where the network allows"
    )


def pull(name: str, *, size: int = 640, half: bool = False, into: Path | None = None) -> Path:
    """Get weights by ultralytics' name, such as ``yolo11n-pose``, as ONNX; or convert a ``.pt``.

    Args:
        name: of weights that ultralytics publishes, or a ``.pt`` file.
        size: px, the longer side of the pictures it will look at; others work too.
        half: half precision, for GPUs.
        into: folder; `folder()` if not given.

    Returns:
        The ONNX file.

    Raises:
        WeightsError: ultralytics is not installed, knows no such name, or cannot download.
    """
    try:
        module = ultralytics()
    except ImportError as error:
        raise WeightsError(
            f"{name}: getting weights needs ultralytics: pip install 'cinempc[yolo]'"
        ) from error
    given = Path(name).expanduser()
    target = (into or folder()) / f"{given.stem}.onnx"
    if not given.is_file():
        if given.suffix not in ("", ".pt") or given.parent != Path():
            raise WeightsError(f"{name}: there is no such file, and only .pt files are converted")
        known = sorted(
            n
            for n in module.utils.downloads.GITHUB_ASSETS_NAMES
            if n.startswith("yolo") and n.endswith(".pt")
        )
        if f"{given.stem}.pt" not in known:
            close = difflib.get_close_matches(given.stem, [n[:-3] for n in known], n=3)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            raise WeightsError(
                f"{name}: ultralytics publishes no such weights.{hint} For people with keypoints "
                "take yolo11n-pose (small) or yolo11s-pose"
            )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        # Downloads and exports land beside the weights: nowhere but in this folder.
        weights = Path(work) / f"{given.stem}.pt"
        if given.is_file():
            shutil.copyfile(given, weights)
        try:
            model = module.YOLO(str(weights))
        except Exception as error:
            raise WeightsError(
                f"{name}: the weights cannot be had ({_first(error)}). Is the network there? On a "
                f"machine that has it, `cinempc models pull {given.stem}` makes an ONNX file to "
                f"copy into {target.parent}"
            ) from error
        os.replace(_export(name, model, size, half), target)
    return target


def _export(name: str, model: Any, size: int, half: bool) -> Path:
    if model.task not in ("detect", "pose"):
        raise WeightsError(f"{name}: a model for '{model.task}'; take one for detect or pose")
    try:
        return Path(model.export(format="onnx", imgsz=size, half=half, dynamic=not half))
    except Exception as error:
        raise WeightsError(
            f"{name}: it cannot be exported to ONNX ({_first(error)}); pip install 'cinempc[yolo]' "
            "has what that needs"
        ) from error


def _first(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:160] + ("…" if len(text) > 160 else "")
