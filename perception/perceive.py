"""What `cinempc perceive` does: pictures of any source in; who is where, drawn and as JSON, out."""

from __future__ import annotations

import json
import math
import re
import time as clock
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import cv2
import numpy as np
from numpy.typing import NDArray

from cinempc.record.footage import Footage
from cinempc.subject import SubjectEstimate
from perception.annotate import GroundMark, draw
from perception.detections import KEYPOINTS
from perception.detector import FrameError
from perception.pipeline import Found, Pipeline
from perception.sources import Picture, Source
from perception.view import View
from perception.worker import NewestFrame

Floats = NDArray[np.float64]

_RECENT = 239  # pictures before the newest that statistics are of
_LIVE_RATE = 15.0  # 1/s, of annotated footage of a source that does not say its own


@dataclass(frozen=True)
class Look:
    """One picture and all that is known of how it was taken."""

    picture: Picture
    view: View | None = None
    depth: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Progress:
    """How it goes.

    Attributes:
        frames: pictures that were looked at.
        people: subjects in the last one.
        rate: pictures a second, over the last ones.
        p50, p95, p99: from the picture to the result, ms.
        dropped: pictures that a newer one replaced before they were looked at.
        skipped: pictures that could not be decoded or were none.
        stages: ms of each stage, the median over the last pictures.
    """

    frames: int
    people: int
    rate: float
    p50: float
    p95: float
    p99: float
    dropped: int
    skipped: int
    stages: Mapping[str, float]

    def __str__(self) -> str:
        drops = f", {self.dropped} dropped" if self.dropped else ""
        bad = f", {self.skipped} skipped" if self.skipped else ""
        return (
            f"{self.frames} frames, {self.people} now, {self.rate:.1f} frames/s, "
            f"latency {self.p50:.0f}/{self.p95:.0f}/{self.p99:.0f} ms{drops}{bad}"
        )


class Watcher:
    """Runs a pipeline over a source.

    Example:
        >>> for found in Watcher(pipeline, source).run(): ...

    Args:
        pipeline: finds, follows and places.
        view: how a picture was taken; None where that is not known.
        told: called after each picture.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        view: Callable[[Picture], View | None] = lambda picture: None,
        told: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self.pipeline = pipeline
        self.progress = Progress(0, 0, math.nan, math.nan, math.nan, math.nan, 0, 0, {})
        self._view = view
        self._told = told
        self._latencies: list[float] = []
        self._stages: list[Mapping[str, float]] = []
        self._ends: list[float] = []
        self._frames = self._bad = self._people = 0

    def run(self, source: Source, *, apart: bool = False) -> Iterator[tuple[Look, Found]]:
        """What is found, picture by picture; a live source's newest ones.

        Args:
            source: gives the pictures.
            apart: the pictures have nothing to do with each other: nobody is followed.
        """
        if source.live:
            yield from self._live(source)
            return
        for picture in source:
            began = clock.perf_counter()
            look = Look(picture, self._view(picture))
            try:
                found = alone(self.pipeline, look) if apart else follow(self.pipeline, look)
            except FrameError:
                self._bad += 1
                continue
            self._note(found, clock.perf_counter() - began, 0, source.skipped)
            yield look, found
        # Pictures after the last good one may have been skipped.
        self._report(0, source.skipped)

    def _live(self, source: Source) -> Iterator[tuple[Look, Found]]:
        def found(look: Look) -> Found:
            return follow(self.pipeline, look)

        with NewestFrame(found) as worker:
            for picture in source:
                worker.submit(Look(picture, self._view(picture)))
                for done in worker.results():
                    statistics = worker.statistics()
                    self._bad = statistics.failed
                    latency = done.ended - done.started
                    self._note(done.result, latency, statistics.dropped, source.skipped)
                    yield done.item, done.result

    def _note(self, found: Found, latency: float, dropped: int, skipped: int) -> None:
        self._frames += 1
        self._people = len(found.detections)
        self._latencies = [*self._latencies[-_RECENT:], latency]
        self._stages = [*self._stages[-_RECENT:], found.milliseconds]
        self._ends = [*self._ends[-_RECENT:], clock.perf_counter()]
        self._report(dropped, skipped)

    def _report(self, dropped: int, skipped: int) -> None:
        if not self._frames:
            return
        span = self._ends[-1] - self._ends[0]
        stages = {
            name: float(np.median([s.get(name, 0.0) for s in self._stages]))
            for name in self._stages[-1]
        }
        self.progress = Progress(
            frames=self._frames,
            people=self._people,
            rate=(len(self._ends) - 1) / span if span > 0 else math.nan,
            p50=1e3 * float(np.percentile(self._latencies, 50)),
            p95=1e3 * float(np.percentile(self._latencies, 95)),
            p99=1e3 * float(np.percentile(self._latencies, 99)),
            dropped=dropped,
            skipped=skipped + self._bad,
            stages=stages,
        )
        self._told(self.progress)


def follow(pipeline: Pipeline, look: Look) -> Found:
    """One picture of a sequence through a pipeline."""
    detections = pipeline.detect(look.picture.image)
    return pipeline.follow(look.picture.time, look.picture.image, detections, look.view, look.depth)


def alone(pipeline: Pipeline, look: Look) -> Found:
    """One picture by itself: numbered from the surest on."""
    detections = pipeline.detect(look.picture.image)
    detections = detections[detections.scores >= pipeline.sure]
    ids: list[int | None] = list(range(1, len(detections) + 1))
    return pipeline.place(look.picture.time, detections, ids, look.view, look.depth)


# --- what comes out ---


def as_json(look: Look, found: Found) -> dict[str, Any]:
    """One picture's line: numbers in px, m, rad, world frame ENU."""
    subjects = []
    for k, number in enumerate(found.ids):
        subject: dict[str, Any] = {
            "class": found.detections.name(k),
            "id": number,
            "name": found.names.get(number) if number is not None else None,
            "box": _round(found.detections.boxes[k], 1),
            "score": round(float(found.detections.scores[k]), 3),
        }
        if subject["name"] is None:
            del subject["name"]
        if found.detections.keypoints is not None:
            points = found.detections.keypoints[k]
            subject["keypoints"] = {
                name: _round(point, 2) for name, point in zip(KEYPOINTS, points, strict=True)
            }
        estimate = None if number is None else found.estimates.get(number)
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
    return {"time": round(found.time, 4), "frame": look.picture.name, "subjects": subjects}


def _round(values: Floats, digits: int) -> Any:
    return np.round(np.asarray(values, dtype=float), digits).tolist()


def annotated(look: Look, found: Found) -> NDArray[np.uint8]:
    """The picture with boxes, skeletons, who it is, and where."""
    who = [None if n is None else found.names.get(n, n) for n in found.ids]
    estimates = [None if n is None else found.estimates.get(n) for n in found.ids]
    marks = []
    if look.view is not None:
        for person, estimate in zip(who, estimates, strict=True):
            mark = None if estimate is None else ground_mark(person, estimate, look.view)
            if mark is not None:
                marks.append(mark)
    return draw(
        look.picture.image,
        found.detections,
        ids=who,
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


class Output:
    """Annotated pictures or footage and JSON lines, in a folder; valid however it is left.

    Args:
        folder: made where it is missing.
        source: whose pictures come.
        stills: each picture goes to a file of its own.
        lines: also gets the JSON lines.
        pictures: whether pictures are wanted.
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
        folder.mkdir(parents=True, exist_ok=True)
        self._source, self._stills, self._pictures = source, stills, pictures
        self._lines = lines
        self._stack = ExitStack()
        self._file = self._stack.enter_context((folder / "found.jsonl").open("w"))
        self._footage: Footage | None = None

    def write(self, look: Look, found: Found) -> None:
        """Append one picture."""
        line = json.dumps(as_json(look, found))
        self._file.write(line + "\n")
        self._file.flush()  # a killed process leaves whole lines
        if self._lines is not None:
            print(line, file=self._lines, flush=True)
        if not self._pictures:
            return
        image = annotated(look, found)
        if self._stills:
            name = re.sub(r"[^\w.-]", "_", Path(look.picture.name).stem) or "picture"
            file = self.folder / f"{name}.jpg"
            count = 2
            while file in self.files:  # two folders, one name
                file, count = self.folder / f"{name}-{count}.jpg", count + 1
            done = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
            file.write_bytes(done.tobytes())
            self.files.append(file)
            return
        if self._footage is None:
            rate = self._source.frame_rate or _LIVE_RATE
            file = self.folder / "annotated.mp4"
            high, wide = image.shape[:2]
            self._footage = self._stack.enter_context(Footage(file, wide, high, rate, crf=21))
            self._shape = image.shape
            self.files.append(file)
        if image.shape != self._shape:  # a stream may change its size
            image = np.asarray(cv2.resize(image, self._shape[1::-1]), dtype=np.uint8)
        self._footage.write(image)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
