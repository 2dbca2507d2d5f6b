"""What was found in pictures: as JSON lines, and drawn into pictures or footage."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import cv2
import numpy as np
from numpy.typing import NDArray

from cinempc.files import GrowingFile, WritingError, write_whole
from cinempc.rig.subject import SubjectEstimate
from cinempc.video.footage import Footage
from perception.annotate import GroundMark, draw
from perception.detect.detections import KEYPOINTS
from perception.localise.view import View
from perception.perceive import ViewedFrame
from perception.pipeline import PerceptionResult
from perception.sources.source import Source

Floats = NDArray[np.float64]

#: The files.
_LINES, _FILM = "found.jsonl", "annotated.mp4"
_LIVE_RATE = 15.0  # 1/s, of annotated footage of a source that does not say its own


def as_json(frame: ViewedFrame, result: PerceptionResult) -> dict[str, Any]:
    """One picture's line: numbers in px, m, rad, world frame ENU."""
    subjects = []
    for k, number in enumerate(result.ids):
        subject: dict[str, Any] = {
            "class": result.detections.name(k),
            "id": number,
            "name": result.names.get(number) if number is not None else None,
            "box": _round(result.detections.boxes[k], 1),
            "score": round(float(result.detections.scores[k]), 3),
        }
        if subject["name"] is None:
            del subject["name"]
        if number in result.unsure:
            subject["unsure"] = True
        if result.detections.keypoints is not None:
            points = result.detections.keypoints[k]
            subject["keypoints"] = {
                name: _round(point, 2) for name, point in zip(KEYPOINTS, points, strict=True)
            }
        estimate = None if number is None else result.estimates.get(number)
        if estimate is not None:
            subject |= {
                "position": _round(estimate.position, 3),
                "position_covariance": _round(estimate.covariance[:3, :3], 6),
                "velocity": _round(estimate.velocity, 3),
                "velocity_covariance": _round(estimate.covariance[3:, 3:], 6),
                "heading": round(estimate.heading, 3),
                "heading_variance": round(estimate.heading_variance, 4),
                "height": round(estimate.height, 3),
                "height_variance": round(estimate.height_variance, 6),
            }
        subjects.append(subject)
    return {"time": round(result.time, 4), "frame": frame.picture.name, "subjects": subjects}


def _round(values: Floats, digits: int) -> Any:
    return np.round(np.asarray(values, dtype=float), digits).tolist()


def annotated(frame: ViewedFrame, result: PerceptionResult) -> NDArray[np.uint8]:
    """The picture with boxes, skeletons, who it is, and where."""
    who = [None if n is None else result.names.get(n, n) for n in result.ids]
    estimates = [None if n is None else result.estimates.get(n) for n in result.ids]
    marks = []
    if frame.view is not None:
        for person, estimate in zip(who, estimates, strict=True):
            mark = None if estimate is None else ground_mark(person, estimate, frame.view)
            if mark is not None:
                marks.append(mark)
    return draw(
        frame.picture.image,
        result.detections,
        ids=who,
        unsure=[n in result.unsure for n in result.ids],
        positions=[None if e is None else e.position for e in estimates],
        headings=[None if e is None else e.heading for e in estimates],
        ground=marks,
    )


def ground_mark(who: int | str | None, estimate: SubjectEstimate, view: View) -> GroundMark | None:
    """The 95 % ellipse of a place on the ground and an arrow to where it faces; None behind the
    camera."""
    values, axes = np.linalg.eigh(estimate.covariance[:2, :2])
    size = np.sqrt(5.991 * np.maximum(values, 0))  # χ², 2 degrees of freedom
    turn = np.linspace(0, 2 * math.pi, 32, endpoint=False)
    ring = (axes * size) @ np.stack([np.cos(turn), np.sin(turn)])
    points = np.tile(estimate.position, (34, 1))
    points[:32, :2] += ring.T
    points[33, :2] += 0.8 * np.array([math.cos(estimate.heading), math.sin(estimate.heading)])
    pixels = view.project(points)
    if np.isnan(pixels).any():
        return None
    return GroundMark(who, pixels[:32], pixels[33])


class ResultWriter:
    """Annotated pictures or footage and JSON lines, in a folder; valid however it is left, also by
    a full disk.

    Args:
        folder: made where it is missing.
        source: whose pictures come.
        stills: each picture goes to a file of its own.
        lines: also gets the JSON lines.
        pictures: whether annotated pictures are written.

    Raises:
        CinempcError: the folder cannot be written to.
    """

    def __init__(
        self,
        folder: Path,
        source: Source,
        *,
        stills: bool,
        lines: TextIO | None = None,
        pictures: bool = True,
    ) -> None:
        self.folder = folder
        self.files: list[Path] = []
        self._source, self._stills, self._pictures = source, stills, pictures
        self._lines = lines
        self._error = WritingError(folder)
        self._footage: Footage | None = None
        with self._error.writing(_LINES):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = GrowingFile(folder / _LINES)

    def write(self, frame: ViewedFrame, result: PerceptionResult) -> None:
        """Append one picture.

        Raises:
            WritingError: it cannot be written.
        """
        line = json.dumps(as_json(frame, result))
        with self._error.writing(_LINES):
            self._file.write(line.encode() + b"\n")
            self._file.commit()  # a killed process leaves whole lines
        if self._lines is not None:
            print(line, file=self._lines, flush=True)
        if not self._pictures:
            return
        image = annotated(frame, result)
        if self._stills:
            self._write_still(frame.picture.name, image)
        else:
            with self._error.writing(_FILM):
                self._film(image, result.time)

    def _write_still(self, name: str, image: NDArray[np.uint8]) -> None:
        stem = re.sub(r"[^\w.-]", "_", Path(name).stem) or "picture"
        file = self.folder / f"{stem}.jpg"
        count = 2
        while file in self.files:  # two folders, one name
            file, count = self.folder / f"{stem}-{count}.jpg", count + 1
        done = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        with self._error.writing(file.name):
            write_whole(file, done.tobytes())
        self.files.append(file)

    def _film(self, image: NDArray[np.uint8], time: float) -> None:
        if self._footage is None:
            rate = self._source.frame_rate or _LIVE_RATE
            file = self.folder / _FILM
            high, wide = image.shape[:2]
            self._footage = Footage(file, wide, high, rate, crf=21, varying=True)
            self._shape = image.shape
            self.files.append(file)
        if image.shape != self._shape:  # a stream may change its size
            image = np.asarray(cv2.resize(image, self._shape[1::-1]), dtype=np.uint8)
        self._footage.write(image, time)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._footage is not None:
            with self._error.saving(_FILM):
                self._footage.close()
        with self._error.saving(_LINES):
            self._file.close()
        if kind is None and self._error.causes:
            raise self._error
