"""Detection with ONNX Runtime alone: YOLO models as ultralytics exports them, and YOLOX."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.detect import onnx_file
from perception.detect.detections import KEYPOINTS, Detections
from perception.detect.detector import (
    DetectorOptions,
    WeightsError,
    check_image,
    class_numbers,
    register,
)
from perception.detect.letterbox import Letterbox

_POINTS = len(KEYPOINTS)
_CANDIDATES = 3000  # boxes before NMS


@register("onnxruntime", suffixes=(".onnx",))
class OnnxDetector:
    """Runs an ONNX file on ONNX Runtime.

    Raises:
        WeightsError: the weights cannot be used, or do not know a class.
    """

    def __init__(self, file: Path, options: DetectorOptions) -> None:
        self.file = file
        self.confidence, self.iou = options.confidence, options.iou
        self.milliseconds: dict[str, float] = {}
        self._session = onnx_file.open_session(file, options.device, options.threads)
        about = onnx_file.metadata(file, self._session)
        feed = self._session.get_inputs()[0]
        if len(self._session.get_inputs()) != 1 or len(feed.shape) != 4:
            raise WeightsError(onnx_file.not_yolo(file, self._session))
        self._feed = feed.name
        self._half = feed.type == "tensor(float16)"
        self._stride = int(about.get("stride", 32))
        self._dynamic = not all(isinstance(side, int) for side in feed.shape[2:])
        self._size = self._input_size(feed.shape, about, options.size)
        self._layout = onnx_file.layout(file, self._session, about, self._probe())
        count = self._layout.classes
        self.names: Mapping[int, str] = about.get("names") or dict(
            enumerate(
                onnx_file.COCO
                if count == len(onnx_file.COCO)
                else ("person",)
                if count == 1
                else ()
            )
        )
        self.has_keypoints = self._layout.points > 0
        self._classes = class_numbers(file, self.names, options.classes)

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """What a picture (h, w, 3) RGB uint8 shows, best first, in its own px."""
        began = clock.perf_counter()
        image = check_image(image)
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
            high, wide = onnx_file.pair(about.get("imgsz", 640))
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
                f"{onnx_file.not_yolo(self.file, self._session)} ({onnx_file.first_line(error)})"
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
        if self._classes is not None:
            good &= np.isin(classes, self._classes)
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
        keep = keep[np.argsort(-best[keep], kind="stable")][: onnx_file.MOST_BOXES]
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
