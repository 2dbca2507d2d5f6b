"""A pipeline over a source of pictures: what is found in each, and how fast."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.detect.detector import FrameError
from perception.localise.view import View
from perception.pipeline import PerceptionResult, Pipeline
from perception.sources.source import Source, SourceFrame
from perception.worker import NewestFrame

Floats = NDArray[np.float64]

_RECENT = 239  # pictures before the newest that statistics are of


@dataclass(frozen=True)
class ViewedFrame:
    """One picture and all that is known of how it was taken."""

    picture: SourceFrame
    view: View | None = None
    depth: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class RunStatistics:
    """How a run goes.

    Attributes:
        frames: pictures that were looked at.
        seconds: of the source, from the first of them to the end of the last, s; None of pictures
            that have nothing to do with each other.
        people: subjects in the last one.
        rate: pictures a second, over the last ones.
        p50, p95, p99: from the picture to the result, ms.
        dropped: pictures that a newer one replaced before they were looked at.
        skipped: pictures that could not be decoded or were none.
        stages: ms of each stage, the median over the last pictures.
    """

    frames: int
    seconds: float | None
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
        span = "" if self.seconds is None else f" of {self.seconds:.1f} s"
        return (
            f"{self.frames} frames{span}, {self.people} now, {self.rate:.1f} frames/s, "
            f"latency {self.p50:.0f}/{self.p95:.0f}/{self.p99:.0f} ms{drops}{bad}"
        )


class PipelineRunner:
    """Runs a pipeline over a source.

    Example:
        >>> for frame, result in PipelineRunner(pipeline).run(source): ...

    Args:
        pipeline: finds, follows and places.
        view: how a picture was taken; None where that is not known.
        progress: called after each picture.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        view: Callable[[SourceFrame], View | None] = lambda picture: None,
        progress: Callable[[RunStatistics], None] = lambda statistics: None,
    ) -> None:
        self.pipeline = pipeline
        self.statistics = RunStatistics(
            0, None, 0, math.nan, math.nan, math.nan, math.nan, 0, 0, {}
        )
        self._view = view
        self._progress = progress
        self._latencies: list[float] = []
        self._stages: list[Mapping[str, float]] = []
        self._ends: list[float] = []
        self._frames = self._bad = self._people = 0
        self._first: float | None = None
        self._seconds: float | None = None

    def run(
        self, source: Source, *, apart: bool = False, seconds: float = math.inf
    ) -> Iterator[tuple[ViewedFrame, PerceptionResult]]:
        """What is result, picture by picture; a live source's newest ones.

        Args:
            source: gives the pictures.
            apart: the pictures have nothing to do with each other: nobody is followed.
            seconds: how much of the source is looked at, s.
        """
        period = None if apart else 1 / source.frame_rate if source.frame_rate else 0.0
        if source.live:
            yield from self._live(source, seconds, period)
            return
        for picture in _begin_of(source, seconds):
            began = clock.perf_counter()
            frame = ViewedFrame(picture, self._view(picture))
            try:
                result = (
                    place_alone(self.pipeline, frame) if apart else follow(self.pipeline, frame)
                )
            except FrameError:
                self._bad += 1
                continue
            self._note(result, period, clock.perf_counter() - began, 0, source.skipped)
            yield frame, result
        # Pictures after the last good one may have been skipped.
        self._report(0, source.skipped)

    def _live(
        self, source: Source, seconds: float, period: float | None
    ) -> Iterator[tuple[ViewedFrame, PerceptionResult]]:
        def process(frame: ViewedFrame) -> PerceptionResult:
            return follow(self.pipeline, frame)

        with NewestFrame(process) as worker:
            for picture in _begin_of(source, seconds):
                worker.submit(ViewedFrame(picture, self._view(picture)))
                for done in worker.results():
                    statistics = worker.statistics()
                    self._bad = statistics.failed
                    latency = done.ended - done.started
                    self._note(done.result, period, latency, statistics.dropped, source.skipped)
                    yield done.item, done.result

    def _note(
        self,
        result: PerceptionResult,
        period: float | None,
        latency: float,
        dropped: int,
        skipped: int,
    ) -> None:
        self._frames += 1
        self._first = result.time if self._first is None else self._first
        self._seconds = None if period is None else result.time - self._first + period
        self._people = len(result.detections)
        self._latencies = [*self._latencies[-_RECENT:], latency]
        self._stages = [*self._stages[-_RECENT:], result.milliseconds]
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
        self.statistics = RunStatistics(
            frames=self._frames,
            seconds=self._seconds,
            people=self._people,
            rate=(len(self._ends) - 1) / span if span > 0 else math.nan,
            p50=1e3 * float(np.percentile(self._latencies, 50)),
            p95=1e3 * float(np.percentile(self._latencies, 95)),
            p99=1e3 * float(np.percentile(self._latencies, 99)),
            dropped=dropped,
            skipped=skipped + self._bad,
            stages=stages,
        )
        self._progress(self.statistics)


def _begin_of(source: Source, seconds: float) -> Iterator[SourceFrame]:
    """The pictures of a source's first seconds."""
    first: float | None = None
    for picture in source:
        first = picture.time if first is None else first
        if picture.time - first >= seconds:
            return
        yield picture


def follow(pipeline: Pipeline, frame: ViewedFrame) -> PerceptionResult:
    """One picture of a sequence through a pipeline."""
    detections = pipeline.detect(frame.picture.image)
    return pipeline.follow(
        frame.picture.time, frame.picture.image, detections, frame.view, frame.depth
    )


def place_alone(pipeline: Pipeline, frame: ViewedFrame) -> PerceptionResult:
    """One picture by itself: numbered from the surest on."""
    detections = pipeline.detect(frame.picture.image)
    detections = detections[detections.scores >= pipeline.new_track_score]
    ids: list[int | None] = list(range(1, len(detections) + 1))
    return pipeline.place(frame.picture.time, detections, ids, frame.view, frame.depth)
