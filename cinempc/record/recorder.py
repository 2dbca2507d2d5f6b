"""Records a take: footage, monitor, log, figures and report, in one folder.

The take loop calls `Recorder.frame` for each picture and `Recorder.cycle` for each control step.
However its block is left, by its end, an error or Ctrl-C, all files are finished and valid. What
stays in memory is a few hundred bytes for each picture and step, and some tens of stills.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

import cinempc
from cinempc.camera import Camera
from cinempc.record import metrics, report
from cinempc.record.events import CycleEvent, FrameEvent, Shot
from cinempc.record.footage import Footage
from cinempc.record.log import TakeLog, jpeg
from cinempc.record.metrics import CycleRecord, FrameRecord, Goal
from cinempc.record.monitor import Monitor
from cinempc.record.plots import Plots
from cinempc.record.report import Still


@dataclass(frozen=True)
class TakeFiles:
    """What a take left behind; ``monitor`` is None where none was asked."""

    folder: Path
    footage: Path
    monitor: Path | None
    log: Path
    metrics: Path
    report: Path


class Recorder:
    """A context manager that records a take.

    Args:
        folder: where the files go; made if need be, older files of a take there are replaced.
        camera: the camera that films.
        fps: pictures per second of the footage.
        shots: of the take, in order.
        monitor: whether to film the monitor too.
        script_text: the script, for the report and the log.
        seed: of the take, for the report; None where nothing was random.
        name: the take's name; the folder's if None.
        about: further facts for the report, such as the vehicle's name.
        goals: that the figures shall reach, named in the report.
        deadline_ms: of a control step, for the report.
        stills: how many stills the report shows.
    """

    def __init__(
        self,
        folder: Path,
        camera: Camera,
        fps: float,
        shots: Sequence[Shot],
        *,
        monitor: bool = False,
        script_text: str = "",
        seed: int | None = None,
        name: str | None = None,
        about: Mapping[str, Any] | None = None,
        goals: Sequence[Goal] = (),
        deadline_ms: float | None = None,
        stills: int = 8,
    ) -> None:
        self.files = TakeFiles(
            folder=folder,
            footage=folder / "footage.mp4",
            monitor=folder / "monitor.mp4" if monitor else None,
            log=folder / "take.mcap",
            metrics=folder / "metrics.json",
            report=folder / "report.html",
        )
        #: What ``metrics.json`` holds, once the block is left.
        self.summary: dict[str, Any] = {}
        self._camera = camera
        self._fps = fps
        self._shots = tuple(shots)
        self._script = script_text
        self._about = {
            "name": folder.name if name is None else name,
            "camera": camera.name,
            "seed": seed,
            **(about or {}),
            "versions": versions(),
        }
        self._goals = tuple(goals)
        self._deadline_ms = deadline_ms
        self._stills = StillKeeper(stills)
        self._frames: list[FrameRecord] = []
        self._cycles: list[CycleRecord] = []
        self._last_cycle: CycleEvent | None = None
        self._began: float | None = None
        self._ended = 0.0
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.files.folder.mkdir(parents=True, exist_ok=True)
        for leftover in (self.files.metrics, self.files.report, self.files.folder / "monitor.mp4"):
            leftover.unlink(missing_ok=True)
        picture = self._camera.picture
        with ExitStack() as opened:
            self._footage = opened.enter_context(
                Footage(self.files.footage, picture.width, picture.height, self._fps)
            )
            self._screen: tuple[Monitor, Footage] | None = None
            if self.files.monitor is not None:
                film = Footage(self.files.monitor, picture.width, picture.height, self._fps, crf=20)
                self._screen = (
                    Monitor(self._camera, self._fps, self._shots),
                    opened.enter_context(film),
                )
            facts = {k: v for k, v in self._about.items() if k != "versions" and v is not None}
            self._log = opened.enter_context(
                TakeLog(
                    self.files.log,
                    self._camera,
                    self._shots,
                    script=self._script,
                    about={**facts, "cinempc": cinempc.__version__},
                )
            )
            self._open = opened.pop_all()
        return self

    def frame(self, event: FrameEvent) -> None:
        """Record a picture."""
        self._tick()
        record = metrics.measure_frame(event, self._camera.sensor.circle_of_confusion)
        image = event.frame.image
        self._footage.write(image, event.frame.time)
        self._log.frame(event, record)
        self._stills.offer(image, record)
        if self._screen is not None:
            monitor, film = self._screen
            picture = monitor.draw(event, len(self._frames), self._last_cycle)
            film.write(picture, event.frame.time)
        self._frames.append(record)
        self._ended = time.perf_counter()

    def cycle(self, event: CycleEvent) -> None:
        """Record a control step."""
        self._tick()
        self._cycles.append(metrics.measure_cycle(event))
        self._log.cycle(event)
        self._last_cycle = event
        self._ended = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            # A film that cannot be finished must not cost the others, nor the figures.
            self._open.close()
        finally:
            self._finish(interrupted=kind is not None)

    def _tick(self) -> None:
        if self._began is None:
            self._began = time.perf_counter()

    def _finish(self, interrupted: bool) -> None:
        coc_mm = self._camera.sensor.circle_of_confusion
        wall = None if self._began is None else self._ended - self._began
        self.summary = metrics.summarise(
            self._shots,
            self._frames,
            self._cycles,
            coc_mm=coc_mm,
            wall_s=wall,
            interrupted=interrupted,
            about=self._about,
        )
        text = json.dumps(self.summary, indent=2, ensure_ascii=False, allow_nan=False)
        self.files.metrics.write_text(text + "\n", encoding="utf-8")
        report.write(
            self.files.report,
            self.summary,
            Plots(self._shots, self._frames, self._cycles, coc_mm, self._deadline_ms),
            self._stills.chosen(),
            goals=self._goals,
            script=self._script,
        )


class StillKeeper:
    """Keeps pictures spread evenly over a take of unknown length.

    It takes a picture every so often, and when it holds too many it drops every other one and
    takes half as often: never more than ``8 count``, and every kept one is within an interval of
    where it should be.
    """

    def __init__(self, count: int, width: int = 640, quality: int = 84) -> None:
        self._count = count
        self._width = width
        self._quality = quality
        self._step = 1
        self._seen = 0
        self._kept: list[Still] = []

    def offer(self, image: NDArray[np.uint8], record: FrameRecord) -> None:
        """Show the keeper a picture."""
        if self._count > 0 and self._seen % self._step == 0:
            self._kept.append(Still(jpeg(self._small(image), self._quality), record))
            if len(self._kept) > 8 * self._count:
                self._kept = self._kept[::2]
                self._step *= 2
        self._seen += 1

    def chosen(self) -> list[Still]:
        """The pictures for the report, the first and the last among them."""
        if len(self._kept) <= self._count:
            return list(self._kept)
        pick = np.linspace(0, len(self._kept) - 1, self._count).round().astype(int)
        return [self._kept[i] for i in pick]

    def _small(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        if width <= self._width:
            return image
        size = (self._width, max(1, round(height * self._width / width)))
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def versions() -> dict[str, str]:
    """Versions of what made the take."""
    found = {"cinempc": cinempc.__version__, "Python": platform.python_version()}
    for package in ("numpy", "casadi", "mujoco", "av"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
