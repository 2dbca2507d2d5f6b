"""Records a take: footage, monitor, log, figures and report, in one folder.

The take loop calls `Recorder.frame` for each picture and `Recorder.cycle` for each control step.
However its block is left, by its end, an error or Ctrl-C, all files are finished and valid. What
cannot be written, on a full disk or for whatever reason, ends the take with one `WritingError` and
costs none of the other files; room is kept on the disk to finish them. What stays in memory is a
few hundred bytes for each picture and step, and some tens of stills.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import unique
from importlib import metadata
from logging import WARNING
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cinempc
from cinempc.errors import CinempcError
from cinempc.files import FULL, Reserve, WritingError, why, write_whole
from cinempc.record import metrics, report
from cinempc.record.goals import Goal
from cinempc.record.log.writer import TakeLog
from cinempc.record.monitor.monitor import Monitor
from cinempc.record.plots.data import TakeData
from cinempc.record.records import CycleRecord, FrameRecord, measure_cycle, measure_frame
from cinempc.record.stills import JPEG_QUALITY, StillKeeper
from cinempc.rig.camera import Camera
from cinempc.rig.events import CycleEvent, FrameEvent, Shot
from cinempc.rig.log import EventLogger, Kind
from cinempc.video.footage import Footage

#: Room that is kept on the disk for the ends of the films and the log, the figures and the report,
#: bytes: what a second of film takes at 100 Mbit/s, and the report's stills and plots.
_ROOM = 16 << 20

_LOG = EventLogger("cinempc.record")


@unique
class RecordingEvent(Kind):
    """What is reported."""

    NOT_WRITTEN = WARNING, "{what} could not be written to its end: {reason}"


@dataclass(frozen=True)
class TakeFiles:
    """What a take left behind; None for what was not asked."""

    folder: Path
    footage: Path | None
    monitor: Path | None
    log: Path
    metrics: Path
    report: Path | None

    @property
    def written(self) -> tuple[Path, ...]:
        """All that are there, the footage first."""
        files = (self.footage, self.monitor, self.report, self.log, self.metrics)
        return tuple(file for file in files if file is not None and file.exists())


class Recorder:
    """A context manager that records a take.

    Entering it raises `CinempcError` where nothing can be recorded.

    Args:
        folder: where the files go; made if need be, older files of a take there are replaced.
        camera: the camera that films.
        fps: pictures per second of the footage.
        shots: of the take, in order.
        pictures: whether there are any: without, there is no footage and there are no stills.
        monitor: whether to film the monitor too; not without pictures.
        report: whether to write the report, with its plots.
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
        pictures: bool = True,
        monitor: bool = False,
        report: bool = True,
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
            footage=folder / "footage.mp4" if pictures else None,
            monitor=folder / "monitor.mp4" if monitor and pictures else None,
            log=folder / "take.mcap",
            metrics=folder / "metrics.json",
            report=folder / "report.html" if report else None,
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
        self._stills = StillKeeper(stills if pictures and report else 0)
        self._frames: list[FrameRecord] = []
        self._cycles: list[CycleRecord] = []
        self._last_cycle: CycleEvent | None = None
        self._began: float | None = None
        self._ended = 0.0
        self._reserve: Reserve | None = None
        self._open: list[tuple[Path, Footage | TakeLog]] = []
        self._error = WritingError(folder)

    def __enter__(self) -> Self:
        try:
            self._make_files()
        except BaseException as error:
            self._finish_files()
            if not isinstance(error, OSError):
                raise
            raise _no_room(self.files.folder, error) from error
        return self

    def _make_files(self) -> None:
        self.files.folder.mkdir(parents=True, exist_ok=True)
        for leftover in ("metrics.json", "report.html", "footage.mp4", "monitor.mp4"):
            (self.files.folder / leftover).unlink(missing_ok=True)
        self._reserve = Reserve(self.files.folder, _ROOM)
        picture = self._camera.picture
        self._footage: Footage | None = None
        if self.files.footage is not None:
            self._footage = Footage(self.files.footage, picture.width, picture.height, self._fps)
            self._open.append((self.files.footage, self._footage))
        self._screen: tuple[Monitor, Footage] | None = None
        if self.files.monitor is not None:
            film = Footage(self.files.monitor, picture.width, picture.height, self._fps, crf=20)
            self._screen = Monitor(self._camera, self._fps, self._shots), film
            self._open.append((self.files.monitor, film))
        facts = {k: v for k, v in self._about.items() if k != "versions" and v is not None}
        self._log = TakeLog(
            self.files.log,
            self._camera,
            self._shots,
            script=self._script,
            about={**facts, "cinempc": cinempc.__version__},
            jpeg_quality=None if self._footage is None else JPEG_QUALITY,
        )
        self._open.append((self.files.log, self._log))

    def frame(self, event: FrameEvent) -> None:
        """Record a picture.

        Raises:
            WritingError: it cannot be recorded.
        """
        self._tick()
        image = event.frame.image
        with self._error.writing("figures"):
            record = measure_frame(event, self._camera.sensor.circle_of_confusion)
        if self._footage is not None:
            with self._error.writing(self._footage.path.name):
                self._footage.write(image, event.frame.time)
        number = len(self._frames)
        self._frames.append(record)
        with self._error.writing(self.files.log.name):
            self._log.frame(event, record)
        with self._error.writing("stills"):
            self._stills.offer(image, record)
        if self._screen is not None:
            monitor, film = self._screen
            with self._error.writing(film.path.name):
                film.write(monitor.draw(event, number, self._last_cycle), event.frame.time)
        self._ended = time.perf_counter()

    def cycle(self, event: CycleEvent) -> None:
        """Record a control step.

        Raises:
            WritingError: it cannot be recorded.
        """
        self._tick()
        with self._error.writing("figures"):
            self._cycles.append(measure_cycle(event))
        with self._error.writing(self.files.log.name):
            self._log.cycle(event)
        self._last_cycle = event
        self._ended = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish all files.

        Raises:
            WritingError: one of them cannot be finished; not where another error is on its way.
        """
        early = kind is not None or bool(self._error.causes)
        self._finish_files()
        with self._error.saving(self.files.metrics.name):
            self._sum_up(interrupted=early)
        if self.files.report is not None and self.summary:
            with self._error.saving(self.files.report.name):
                self._report(self.files.report)
        if kind is None and self._error.causes:
            raise self._error
        if error is not self._error:
            for what, cause in self._error.causes.items():
                _LOG.log(RecordingEvent.NOT_WRITTEN, what=what, reason=why(cause))

    def _finish_files(self) -> None:
        """Finish what grew, each whatever becomes of the others."""
        if self._reserve is not None:
            self._reserve.release()
        for path, file in self._open:
            with self._error.saving(path.name):
                file.close()
        self._open.clear()

    def _tick(self) -> None:
        if self._began is None:
            self._began = time.perf_counter()

    def _sum_up(self, interrupted: bool) -> None:
        """The figures, and their file."""
        wall = None if self._began is None else self._ended - self._began
        self.summary = metrics.summarise(
            self._shots,
            self._frames,
            self._cycles,
            coc_mm=self._camera.sensor.circle_of_confusion,
            frame_rate=self._fps,
            wall_s=wall,
            interrupted=interrupted,
            about=self._about,
        )
        text = json.dumps(self.summary, indent=2, ensure_ascii=False, allow_nan=False)
        write_whole(self.files.metrics, text + "\n")

    def _report(self, path: Path) -> None:
        report.write(
            path,
            self.summary,
            TakeData(
                self._shots,
                self._frames,
                self._cycles,
                self._camera.sensor.circle_of_confusion,
                self._deadline_ms,
            ),
            self._stills.chosen(),
            goals=self._goals,
            script=self._script,
        )


def ensure_room(folder: Path) -> None:
    """Look whether a take can be recorded in a folder, before anything flies for it.

    Args:
        folder: of the take; made if need be.

    Raises:
        CinempcError: it cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        Reserve(folder, _ROOM).release()
    except OSError as error:
        raise _no_room(folder, error) from error


def _no_room(folder: Path, error: OSError) -> CinempcError:
    advice = "record elsewhere with --out"
    if error.errno in FULL:
        advice = f"a take needs {_ROOM >> 20} MiB at least. Free some, or {advice}"
    return CinempcError(f"nothing can be recorded in {folder} ({why(error)}): {advice}")


def versions() -> dict[str, str]:
    """Versions of what made the take."""
    found = {"cinempc": cinempc.__version__, "Python": platform.python_version()}
    for package in ("numpy", "casadi", "mujoco", "av"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
