"""What an ONNX file is: its session, its metadata, and the layout of what its network gives.

Layouts, as measured on exported files: detect and pose models give (1, 4 + classes + 51, n):
centre, size, class scores and 17 keypoints (u, v, confidence) in px of the input; with NMS
inside, or of the models that need none, (1, n, 6 + 51): corners, score, class, keypoints. YOLOX
gives (1, n, 5 + classes) relative to its grid.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import onnxruntime

from perception.detect.detections import KEYPOINTS
from perception.detect.detector import WeightsError

_POINTS = len(KEYPOINTS)
#: Boxes of a picture, as YOLO's own programs have it.
MOST_BOXES = 300

#: The classes of COCO, for files that do not say theirs.
COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How a network's output is laid out.

    Attributes:
        kind: ``raw`` (1, c, n), ``done`` (1, n, c) after NMS, or ``yolox``.
        classes: number of class scores.
        points: number of keypoint values of a box.
    """

    kind: Literal["raw", "done", "yolox"]
    classes: int
    points: int


def layout(
    file: Path,
    session: onnxruntime.InferenceSession,
    about: Mapping[str, Any],
    shape: tuple[int, ...],
) -> Layout:
    """How the output lies, from the file's metadata and the shape that a run has given.

    Raises:
        WeightsError: it is no detect or pose model, or its layout is not known.
    """
    task = about.get("task")
    if task not in (None, "detect", "pose"):
        raise WeightsError(
            f"{file}: this is a model for '{task}'; only 'detect' and 'pose' models tell where "
            "people are: choose one of those"
        )
    points = 0
    if task == "pose":
        kind = pair(about.get("kpt_shape", (0, 0)))
        if kind[0] != _POINTS or kind[1] not in (2, 3):
            raise WeightsError(
                f"{file}: its keypoints are {kind[0]} x {kind[1]}, not the 17 of COCO: export a "
                "COCO pose model, or a detect model"
            )
        points = kind[0] * kind[1]
    if len(shape) != 3 or shape[0] != 1:
        raise WeightsError(not_yolo(file, session))
    names = about.get("names")
    _, rows, columns = shape
    if task is not None or names:
        classes = len(names or {}) or rows - 4 - points
        if rows == 4 + classes + points:
            return Layout("raw", classes, points)
        if columns == 6 + points:
            return Layout("done", classes, points)
    else:
        if columns in (57,) and rows <= MOST_BOXES:
            return Layout("done", 1, 51)
        if rows == 56:
            return Layout("raw", 1, 51)
        if columns > 5 and rows > 20 * columns / 17 and rows == _cells(session, rows):
            return Layout("yolox", columns - 5, 0)
        if 5 <= rows < columns:
            return Layout("raw", rows - 4, 0)
        if columns == 6:
            return Layout("done", 0, 0)
    raise WeightsError(not_yolo(file, session))


def _cells(session: onnxruntime.InferenceSession, rows: int) -> int:
    """Cells of YOLOX's grids of strides 8, 16 and 32, if the input's size is fixed."""
    sides = session.get_inputs()[0].shape[2:]
    if not all(isinstance(side, int) for side in sides):
        return rows
    return sum((sides[0] // s) * (sides[1] // s) for s in (8, 16, 32))


def open_session(
    file: Path, device: str | None, threads: int | None
) -> onnxruntime.InferenceSession:
    """The file, ready to run on ``device`` (``cpu`` or ``cuda``).

    Raises:
        WeightsError: it is missing or no ONNX file, or the device is not there.
    """
    if file.suffix.lower() != ".onnx":
        raise WeightsError(
            f"{file}: ONNX Runtime needs an .onnx file: write one with `cinempc models pull NAME`"
        )
    if not file.is_file():
        raise WeightsError(
            f"{file}: there is no such file; `cinempc models list` shows what there is, `cinempc "
            "models pull NAME` gets more"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if threads:
        options.intra_op_num_threads = threads
    # A spinning pool would take the cores from the controller between two pictures.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = ["CPUExecutionProvider"]
    if device is not None and device != "cpu":
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise WeightsError(
                f"{file}: device {device!r} needs onnxruntime-gpu (pip install onnxruntime-gpu), "
                "which is not installed; leave the device out to run on the CPU"
            )
        providers.insert(0, "CUDAExecutionProvider")
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=providers)
    except Exception as error:  # the runtime's own exceptions share no base class
        raise WeightsError(
            f"{file}: this is no ONNX model, or not all of one ({first_line(error)}); copy or "
            "export it again"
        ) from error


def metadata(file: Path, session: onnxruntime.InferenceSession) -> dict[str, Any]:
    """What ultralytics writes into a file; empty for others."""
    found: dict[str, Any] = {}
    for key, text in session.get_modelmeta().custom_metadata_map.items():
        if key in ("names", "imgsz", "kpt_shape", "stride"):
            try:
                found[key] = ast.literal_eval(text)
            except (ValueError, SyntaxError) as error:
                raise WeightsError(
                    f"{file}: its metadata has {key} = {text[:40]!r}, which cannot be read; "
                    "export it again"
                ) from error
        elif key == "task":
            found[key] = text
    names = found.get("names")
    if isinstance(names, (list, tuple)):
        found["names"] = dict(enumerate(names))
    elif names is not None and not isinstance(names, dict):
        raise WeightsError(f"{file}: its metadata has no class names; export it again")
    return found


def not_yolo(file: Path, session: onnxruntime.InferenceSession) -> str:
    """The complaint about a file that gives something else."""
    ends = ", ".join(f"{end.name} {end.shape}" for end in session.get_outputs())
    return (
        f"{file}: this is not a YOLO detect or pose model as ultralytics or YOLOX exports them "
        f"(it gives {ends})"
    )


def first_line(error: Exception) -> str:
    """An error's text on one line, cut to what a message can hold."""
    text = " ".join(str(error).split())
    return text[:120] + ("…" if len(text) > 120 else "")


def pair(value: Any) -> tuple[int, int]:
    """Two whole numbers from two, or one number twice."""
    one, other = value if isinstance(value, (list, tuple)) else (value, value)
    return int(one), int(other)
