"""Finds people in pictures of any source: drawn, and as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from cinempc import addresses
from cinempc.app.interrupts import closed_whole
from cinempc.app.options.options import choose
from cinempc.app.options.perception import PerceiveOptions
from cinempc.app.perceive.viewpoint import Viewpoint
from cinempc.app.perception import DETECTOR_CONFIDENCE
from cinempc.app.progress import OnProgress, Progress, ignore
from cinempc.app.script import take_folder
from cinempc.errors import CinempcError
from cinempc.files import write_whole
from cinempc.video.streams import scheme_of
from perception.detect import loading
from perception.detect.detector import Detector
from perception.detect.models import find
from perception.evaluate.measure import measure
from perception.evaluate.plots import plots as draw_plots
from perception.evaluate.report import report as evaluate
from perception.localise.view import View
from perception.perceive import PipelineRunner, RunStatistics, ViewedFrame
from perception.pipeline import PerceptionResult, Pipeline
from perception.results import ResultWriter
from perception.sources.images import Images
from perception.sources.opening import open_source
from perception.sources.source import Source, SourceFrame
from perception.sources.telemetry import Telemetry
from perception.sources.telemetry_files import telemetry_of
from perception.sources.video import Video
from sim.sequences import folder as folders
from sim.sequences.sequence import LabelledFrame

#: Pictures a second of a source that does not say its own.
_FRAME_RATE = 24.0


@dataclass(frozen=True)
class PerceiveResult:
    """What was found.

    Attributes:
        folder: where the files are: ``found.jsonl``, a line for each picture, and ``files``.
        files: annotated pictures or footage.
        source: the name of what was looked at.
        statistics: of the pictures; None of a sequence.
        evaluation: figures against a sequence's truth; None where none was asked.
        plots: of the evaluation.
        stopped: whether Ctrl-C ended it before the source did.
        camera: what a drone's telemetry says of the camera, and what is assumed; None without.
    """

    folder: Path
    files: tuple[Path, ...]
    source: str
    statistics: RunStatistics | None = None
    evaluation: dict[str, Any] | None = None
    plots: tuple[Path, ...] = field(default=())
    stopped: bool = False
    camera: str | None = None

    @property
    def lines(self) -> Path:
        """JSON, a line for each picture."""
        return self.folder / "found.jsonl"


def perceive(
    sources: str | Path | Sequence[str | Path],
    options: PerceiveOptions | None = None,
    *,
    progress: OnProgress = ignore,
    lines: TextIO | None = None,
    **changes: Any,
) -> PerceiveResult:
    """Find people in pictures.

    Example:
        >>> perceive("walk.mp4", weights="yolo11n-pose").lines.read_text()

    Args:
        sources: images, a folder or pattern of them, a video, a camera (0, /dev/video0), an
            rtsp:// address, or the folder of a sequence.
        options: `PerceiveOptions`.
        progress: told the pictures that were looked at.
        lines: also gets the JSON lines, at once.
        **changes: single options by their names in `PerceiveOptions`.

    Raises:
        CinempcError: a source cannot be opened, there are no such weights, or an option is wrong.
    """
    options = choose(PerceiveOptions, options, changes)
    named = [sources] if isinstance(sources, str | Path) else list(sources)
    names = [str(name) for name in named]
    eye = loading.load(
        find(options.weights),
        confidence=DETECTOR_CONFIDENCE,
        classes=options.classes,
        size=options.size,
    )
    folder = options.folder or take_folder(addresses.stem(names[0]), "perceived")
    if is_sequence(names):
        return _sequence(names[0], eye, folder, options, progress, lines)
    if options.ground_truth:
        raise CinempcError(
            f"{', '.join(names)}: --ground-truth needs a sequence with its truth: make one "
            "with `cinempc sequence walk FOLDER`"
        )
    with open_source(names) as source:
        return _source(source, eye, folder, options, progress, lines)


def is_sequence(sources: Sequence[str | Path]) -> bool:
    """Whether what is given is the folder of a sequence, whose length is known."""
    return len(sources) == 1 and folders.is_sequence(Path(sources[0]))


def _source(
    source: Source,
    eye: Detector,
    folder: Path,
    options: PerceiveOptions,
    progress: OnProgress,
    lines: TextIO | None,
) -> PerceiveResult:
    """What is found in the pictures of a source."""
    stills = isinstance(source, Images) and not options.follow
    rate = source.frame_rate or _FRAME_RATE
    viewpoint = Viewpoint(options, _telemetry(source))
    pipeline = Pipeline(eye, frame_rate=rate, categories=options.classes, noise=viewpoint.noise)
    runner = PipelineRunner(pipeline, viewpoint)
    stopped = False
    with closed_whole(
        ResultWriter(folder, source, stills=stills, lines=lines, pictures=options.pictures)
    ) as output:
        progress(Progress(0, None, source.name))
        try:
            for frame, result in runner.run(source, apart=stills, seconds=options.seconds):
                output.write(frame, result)
                viewpoint.see(frame.picture, result.detections)
                statistics = runner.statistics
                progress(Progress(statistics.frames, None, str(statistics)))
        except KeyboardInterrupt:
            stopped = True
    return PerceiveResult(
        folder,
        tuple(output.files),
        source.name,
        runner.statistics,
        stopped=stopped,
        camera=viewpoint.description,
    )


def _telemetry(source: Source) -> Telemetry | None:
    """Of the drone that filmed a video file."""
    if not isinstance(source, Video) or scheme_of(source.name):
        return None
    return telemetry_of(source.name, source.duration)


def _sequence(
    where: str,
    eye: Detector,
    folder: Path,
    options: PerceiveOptions,
    progress: OnProgress,
    lines: TextIO | None,
) -> PerceiveResult:
    """What is found in the pictures of a sequence, and how far that is from the truth."""
    shots = folders.load(Path(where))
    pipeline = Pipeline(eye, frame_rate=shots.frame_rate, categories=options.classes)
    source = Source(where, frame_rate=shots.frame_rate)
    asked = (shot for shot in shots if shot.frame.time < options.seconds)
    total, done = len(shots), 0
    with closed_whole(
        ResultWriter(folder, source, stills=False, lines=lines, pictures=options.pictures)
    ) as output:

        def write(shot: LabelledFrame, result: PerceptionResult) -> None:
            nonlocal done
            picture = SourceFrame(shot.frame.time, shot.frame.image, f"{shot.frame.time:.3f} s")
            output.write(ViewedFrame(picture, View.of(shot.frame)), result)
            done += 1
            progress(Progress(done, total, where))

        measured = measure(pipeline, asked, depth=options.depth, after_each=write)
    if not options.ground_truth:
        return PerceiveResult(folder, tuple(output.files), where)
    report = evaluate(measured.truths, measured.results)
    write_whole(folder / "evaluation.json", json.dumps(report, indent=2) + "\n")
    plots = draw_plots(measured.truths, measured.results, folder / "plots")
    return PerceiveResult(folder, tuple(output.files), where, evaluation=report, plots=tuple(plots))
