"""Detection with ONNX Runtime alone: YOLO models as ultralytics exports them, and YOLOX.

Layouts, as measured on exported files: detect and pose models give (1, 4 + classes + 51, n):
centre, size, class scores and 17 keypoints (u, v, confidence) in px of the input; with NMS
inside, or of the models that need none, (1, n, 6 + 51): corners, score, class, keypoints. YOLOX
gives (1, n, 5 + classes) relative to its grid.
"""

from __future__ import annotations

import ast
import math
import time as clock
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from perception.detections import KEYPOINTS, Detections
from perception.detector import WeightsError, checked, class_numbers
from perception.letterbox import Letterbox

Floats = NDArray[np.float64]

_POINTS = len(KEYPOINTS)
_MOST = 300  # boxes of a picture, as YOLO's own programs have it
_CANDIDATES = 3000  # before NMS

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


class OnnxDetector:
    """See `perception.detector.load` for the arguments."""

    def __init__(
        self,
        file: Path,
        *,
        size: int | tuple[int, int] | None = None,
        confidence: float = 0.25,
        iou: float = 0.6,
        classes: Sequence[str] | None = None,
        device: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.file = file
        self.confidence, self.iou = confidence, iou
        self.milliseconds: dict[str, float] = {}
        self._session = _session(file, device, threads)
        about = _metadata(file, self._session)
        feed = self._session.get_inputs()[0]
        if len(self._session.get_inputs()) != 1 or len(feed.shape) != 4:
            raise WeightsError(_not_yolo(file, self._session))
        self._feed = feed.name
        self._half = feed.type == "tensor(float16)"
        self._stride = int(about.get("stride", 32))
        self._dynamic = not all(isinstance(side, int) for side in feed.shape[2:])
        self._size = self._input_size(feed.shape, about, size)
        self._layout = _layout(file, self._session, about, self._probe())
        count = self._layout.classes
        self.names: Mapping[int, str] = about.get("names") or dict(
            enumerate(COCO if count == len(COCO) else ("person",) if count == 1 else ())
        )
        self.has_keypoints = self._layout.points > 0
        self._wanted = class_numbers(file, self.names, classes)

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """What a picture (h, w, 3) RGB uint8 shows, best first, in its own px."""
        began = clock.perf_counter()
        image = checked(image)
        box = self._letterbox((image.shape[1], image.shape[0]))
        blob = self._blob(box.apply(image))
        prepared = clock.perf_counter()
        out = np.asarray(self._session.run(None, {self._feed: blob})[0][0], dtype=np.float32)
        ran = clock.perf_counter()
        found = self._decode(out, box)
        ended = clock.perf_counter()
        self.milliseconds = {
            "prepare": 1e3 * (prepared - began),
            "network": 1e3 * (ran - prepared),
            "decode": 1e3 * (ended - ran),
        }
        return found

    # --- in ---

    def _input_size(
        self, shape: Sequence[Any], about: Mapping[str, Any], size: int | tuple[int, int] | None
    ) -> tuple[int, int]:
        """Width and height of the input, px."""
        if not self._dynamic:
            fixed = (int(shape[3]), int(shape[2]))
            asked = (size, size) if isinstance(size, int) else size
            if asked is not None and asked != fixed:
                raise WeightsError(
                    f"{self.file}: the input is fixed at {fixed[0]} x {fixed[1]} px; leave --size "
                    "out, or export the model with a dynamic size"
                )
            return fixed
        if size is None:
            high, wide = _pair(about.get("imgsz", 640))
            size = (wide, high)
        wide, high = (size, size) if isinstance(size, int) else size
        up = self._stride
        return math.ceil(wide / up) * up, math.ceil(high / up) * up

    def _letterbox(self, picture: tuple[int, int]) -> Letterbox:
        if self._layout.kind == "yolox":
            return Letterbox.fit(picture, self._size, corner=True)
        return Letterbox.fit(picture, self._size, stride=self._stride if self._dynamic else 0)

    def _blob(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        if self._layout.kind == "yolox":  # blue first, 0 to 255
            return np.asarray(cv2.dnn.blobFromImage(image, swapRB=True))
        blob = np.asarray(cv2.dnn.blobFromImage(image, 1 / 255.0))
        return blob.astype(np.float16) if self._half else blob

    def _probe(self) -> tuple[int, ...]:
        """Shape of what comes out, by trying: a dynamic file does not say."""
        try:
            blank = np.zeros((1, 3, self._size[1], self._size[0]), np.float32)
            fed = blank.astype(np.float16) if self._half else blank
            return tuple(self._session.run(None, {self._feed: fed})[0].shape)
        except Exception as error:
            raise WeightsError(
                f"{_not_yolo(self.file, self._session)} ({_first(error)})"
            ) from error

    # --- out ---

    def _decode(self, out: NDArray[np.float32], box: Letterbox) -> Detections:
        layout = self._layout
        if layout.kind == "raw":
            scores = out[4 : 4 + layout.classes]
            best = scores.max(axis=0)
            some = _strongest(best, self.confidence)
            part = out[:, some].T
            classes = scores[:, some].argmax(axis=0)
            boxes, points = _corners(part[:, :4]), part[:, 4 + layout.classes :]
            best = best[some]
        elif layout.kind == "done":
            part = out[_strongest(out[:, 4], self.confidence)]
            boxes, best, classes = part[:, :4], part[:, 4], part[:, 5].astype(np.int64)
            points = part[:, 6:]
        else:
            scores = out[:, 5:] * out[:, 4:5]
            best = scores.max(axis=1)
            some = _strongest(best, self.confidence)
            centre, stride = _grid(self._size)
            part = out[some]
            whole = np.hstack(
                [
                    (part[:, :2] + centre[some]) * stride[some],
                    np.exp(np.minimum(part[:, 2:4], 20)) * stride[some],
                ]
            )
            boxes, points = _corners(whole), np.zeros((len(some), 0), np.float32)
            classes, best = scores[some].argmax(axis=1), best[some]
        good = np.isfinite(boxes).all(axis=1) & np.isfinite(best)
        if self._wanted is not None:
            good &= np.isin(classes, self._wanted)
        boxes, best, classes, points = boxes[good], best[good], classes[good], points[good]
        if layout.kind != "done" and len(best):
            keep = np.asarray(
                cv2.dnn.NMSBoxesBatched(
                    np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).tolist(),
                    best.tolist(), classes.tolist(), self.confidence, self.iou,
                ),
                dtype=np.int64,
            ).ravel()  # fmt: skip
        else:
            keep = np.arange(len(best))
        keep = keep[np.argsort(-best[keep], kind="stable")][:_MOST]
        return self._detections(boxes[keep], best[keep], classes[keep], points[keep], box)

    def _detections(
        self, boxes: NDArray[Any], scores: NDArray[Any], classes: NDArray[Any],
        points: NDArray[Any], box: Letterbox,
    ) -> Detections:  # fmt: skip
        wide, high = box.picture
        corners = box.points(boxes.reshape(-1, 2, 2).astype(float)).reshape(-1, 4)
        keypoints = None
        if self.has_keypoints:
            raw = np.nan_to_num(points.astype(float)).reshape(
                len(boxes), _POINTS, self._layout.points // _POINTS
            )
            keypoints = np.ones((len(boxes), _POINTS, 3))
            keypoints[:, :, :2] = np.clip(box.points(raw[:, :, :2]), 0, [wide, high])
            if raw.shape[2] == 3:
                keypoints[:, :, 2] = np.clip(raw[:, :, 2], 0, 1)
        return Detections(
            boxes=np.clip(corners, 0, [wide, high, wide, high]),
            scores=np.clip(scores.astype(float), 0, 1),
            classes=classes.astype(np.int64),
            names=self.names,
            keypoints=keypoints,
        )


# --- what a file is ---


class _Layout:
    """``kind``: ``raw`` (1, c, n), ``done`` (1, n, c) after NMS, ``yolox``."""

    def __init__(self, kind: str, classes: int, points: int) -> None:
        self.kind, self.classes, self.points = kind, classes, points


def _layout(
    file: Path,
    session: onnxruntime.InferenceSession,
    about: Mapping[str, Any],
    shape: tuple[int, ...],
) -> _Layout:
    task = about.get("task")
    if task not in (None, "detect", "pose"):
        raise WeightsError(
            f"{file}: this is a model for '{task}'; only 'detect' and 'pose' models tell where "
            "people are: choose one of those"
        )
    points = 0
    if task == "pose":
        kind = _pair(about.get("kpt_shape", (0, 0)))
        if kind[0] != _POINTS or kind[1] not in (2, 3):
            raise WeightsError(
                f"{file}: its keypoints are {kind[0]} x {kind[1]}, not the 17 of COCO: export a "
                "COCO pose model, or a detect model"
            )
        points = kind[0] * kind[1]
    if len(shape) != 3 or shape[0] != 1:
        raise WeightsError(_not_yolo(file, session))
    names = about.get("names")
    _, rows, columns = shape
    if task is not None or names:
        classes = len(names or {}) or rows - 4 - points
        if rows == 4 + classes + points:
            return _Layout("raw", classes, points)
        if columns == 6 + points:
            return _Layout("done", classes, points)
    else:
        if columns in (57,) and rows <= _MOST:
            return _Layout("done", 1, 51)
        if rows == 56:
            return _Layout("raw", 1, 51)
        if columns > 5 and rows > 20 * columns / 17 and rows == _cells(session, rows):
            return _Layout("yolox", columns - 5, 0)
        if 5 <= rows < columns:
            return _Layout("raw", rows - 4, 0)
        if columns == 6:
            return _Layout("done", 0, 0)
    raise WeightsError(_not_yolo(file, session))


def _cells(session: onnxruntime.InferenceSession, rows: int) -> int:
    """Cells of YOLOX's grids of strides 8, 16 and 32, if the input's size is fixed."""
    sides = session.get_inputs()[0].shape[2:]
    if not all(isinstance(side, int) for side in sides):
        return rows
    return sum((sides[0] // s) * (sides[1] // s) for s in (8, 16, 32))


def _session(file: Path, device: str | None, threads: int | None) -> onnxruntime.InferenceSession:
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
            f"{file}: this is no ONNX model, or not all of one ({_first(error)}); copy or export "
            "it again"
        ) from error


def _metadata(file: Path, session: onnxruntime.InferenceSession) -> dict[str, Any]:
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


def _not_yolo(file: Path, session: onnxruntime.InferenceSession) -> str:
    ends = ", ".join(f"{end.name} {end.shape}" for end in session.get_outputs())
    return (
        f"{file}: this is not a YOLO detect or pose model as ultralytics or YOLOX exports them "
        f"(it gives {ends})"
    )


def _first(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:120] + ("…" if len(text) > 120 else "")


def _pair(value: Any) -> tuple[int, int]:
    one, other = value if isinstance(value, (list, tuple)) else (value, value)
    return int(one), int(other)


# --- numbers ---


def _strongest(scores: NDArray[np.float32], least: float) -> NDArray[np.int64]:
    """Indices of the scores above the least, no more than NMS can take."""
    some = np.flatnonzero(scores > least)
    if len(some) > _CANDIDATES:
        some = some[np.argsort(-scores[some])[:_CANDIDATES]]
    return some


def _corners(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    half = boxes[:, 2:] / 2
    return np.hstack([boxes[:, :2] - half, boxes[:, :2] + half])


def _grid(size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cells (n, 2) of YOLOX's three grids, and their strides (n, 1)."""
    cells, strides = [], []
    for stride in (8, 16, 32):
        x, y = np.meshgrid(np.arange(size[0] // stride), np.arange(size[1] // stride))
        cells.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full((x.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)
