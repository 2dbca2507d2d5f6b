"""The take's perception through a detector: in step with a simulator, or beside a live loop.

Both take frames and give subjects (`cinempc.rig.protocols.Perception`). In a simulator time stands
still while a picture is looked at, so what a real detector needs is modelled: its result comes a
fixed delay later, and a take stays the same for its seed. Live, a thread looks at the newest frame,
and the control loop never waits for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cinempc.rig.state import Frame
from cinempc.rig.subject import SubjectEstimate
from perception.detect.detections import Detections
from perception.detect.detector import FrameError
from perception.localise.view import View
from perception.pipeline import PerceptionResult, Pipeline
from perception.worker import NewestFrame, Statistics

#: Lens distortion (5,), OpenCV's k1, k2, p1, p2, k3, at a focal length, mm; None where there is
#: none.
Distortion = Callable[[float], NDArray[np.float64] | None]


def _none(focal_length_mm: float) -> None:
    return None


class YoloPerception:
    """In step with a rig whose clock waits, such as the embedded simulator.

    Args:
        pipeline: finds, follows and places.
        delay: from exposure to result, s.
        depth: whether the frames' depth is used; without it, the colour camera must do.
        distortion: of the lens.
    """

    needs_pixels = True

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        delay: float = 0.08,
        depth: bool = True,
        distortion: Distortion = _none,
    ) -> None:
        self.pipeline = pipeline
        self.delay = delay
        self.skipped = 0  #: Frames that were no pictures.
        self.newest: PerceptionResult | None = None  #: The newest result.
        self._depth = depth
        self._distortion = distortion
        self._coming: deque[tuple[Frame, Detections]] = deque()

    def observe(self, frame: Frame) -> None:
        """Detect in a frame; the results are there ``delay`` later."""
        try:
            self._coming.append((frame, self.pipeline.detect(frame.image)))
        except FrameError:
            self.skipped += 1

    def subjects(self, time: float) -> Sequence[SubjectEstimate]:
        """Every subject of the script that was found, predicted to a time."""
        while self._coming and self._coming[0][0].time + self.delay <= time + 1e-9:
            self.newest = self._follow(*self._coming.popleft())
        return self.pipeline.subjects(time)

    def explain(self, name: str) -> str:
        """Why a subject is not found; empty for one that is."""
        return self.pipeline.explain(name)

    def _follow(self, frame: Frame, detections: Detections) -> PerceptionResult:
        return self.pipeline.follow(
            frame.time,
            frame.image,
            detections,
            View.of(frame, self._distortion(frame.lens.focal_length_mm)),
            frame.depth if self._depth else None,
        )


class LivePerception:
    """Beside a live loop: a thread takes the newest frame, the loop never waits.

    A context manager; leaving it ends the thread.

    Args:
        pipeline: finds, follows and places.
        depth: whether the frames' depth is used.
        distortion: of the lens.
    """

    needs_pixels = True

    def __init__(
        self, pipeline: Pipeline, *, depth: bool = True, distortion: Distortion = _none
    ) -> None:
        self.pipeline = pipeline
        self.newest: PerceptionResult | None = None  #: The newest result.
        self._depth = depth
        self._distortion = distortion
        # Held while tracks and filters change, some ms, and never while the network runs.
        self._lock = threading.Lock()
        self._worker: NewestFrame[Frame, PerceptionResult] = NewestFrame(self._look, keep=1)

    def observe(self, frame: Frame) -> None:
        """Hand over a frame; one that still waits is dropped."""
        self._worker.submit(frame)

    def subjects(self, time: float) -> Sequence[SubjectEstimate]:
        """Every subject of the script that was found, predicted to a time."""
        with self._lock:
            return self.pipeline.subjects(time)

    def explain(self, name: str) -> str:
        """Why a subject is not found; empty for one that is."""
        with self._lock:
            return self.pipeline.explain(name)

    def statistics(self) -> Statistics:
        """Rate, latency and drops; frames that were no pictures are among the failed."""
        return self._worker.statistics()

    def close(self) -> None:
        """End the thread."""
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _look(self, frame: Frame) -> PerceptionResult:
        detections = self.pipeline.detect(frame.image)
        view = View.of(frame, self._distortion(frame.lens.focal_length_mm))
        with self._lock:
            self.newest = self.pipeline.follow(
                frame.time, frame.image, detections, view, frame.depth if self._depth else None
            )
        return self.newest
