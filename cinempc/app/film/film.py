"""Films a script in the embedded simulator: footage, report, log and figures in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cinempc.app.film import simulated
from cinempc.app.interrupts import between_steps
from cinempc.app.metrics import GOALS, TakeMetrics, Verdict
from cinempc.app.options.options import choose
from cinempc.app.options.takes import FilmOptions
from cinempc.app.progress import OnProgress, Progress, Stopped, ignore
from cinempc.app.script import ScriptLike, load_script, take_folder
from cinempc.record.recorder import Recorder, TakeFiles
from cinempc.take.loop import CONTROL_RATE, Take


@dataclass(frozen=True)
class TakeResult:
    """A take: its files, and its figures.

    Attributes:
        files: what it left behind.
        metrics: the figures, typed.
        summary: the same as plain data, as in ``metrics.json``.
    """

    files: TakeFiles
    metrics: TakeMetrics
    summary: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self.files.folder

    @property
    def verdict(self) -> Verdict:
        """What became of the goals: whether the picture was had."""
        return Verdict.of(self.summary)


def film(
    script: ScriptLike,
    options: FilmOptions | None = None,
    *,
    progress: OnProgress = ignore,
    **changes: Any,
) -> TakeResult:
    """Film a script in the embedded simulator; the same seed gives the same take.

    Example:
        >>> take = film("dolly_zoom", seed=3, pictures=False)
        >>> take.metrics.overall.framing_error_pct.rms

    Args:
        script: a file, the name of a shipped one, or one that is loaded.
        options: `FilmOptions`.
        progress: told the time that was simulated, s.
        **changes: single options by their names in `FilmOptions`.

    Raises:
        CinempcError: the script or an option is wrong, or this machine cannot do it.
        Stopped: Ctrl-C; the files of what was filmed are whole.
    """
    options = choose(FilmOptions, options, changes)
    loaded = load_script(script)
    folder = options.folder or take_folder(loaded.path.stem)
    name = loaded.config.name
    with simulated.production(loaded, options) as production, between_steps() as interrupt:
        total = options.standby + production.director.duration

        def step(seconds: float) -> None:
            progress(Progress(seconds, total, name))
            interrupt()

        take = Take(production, step)
        recorder = Recorder(
            folder,
            loaded.camera,
            production.frame_rate,
            production.director.shots,
            pictures=options.pictures,
            monitor=options.monitor,
            report=options.pictures if options.report is None else options.report,
            script_text=loaded.text,
            seed=options.seed,
            name=name,
            about={
                "vehicle": loaded.vehicle.name,
                "perception": options.kind.value,
                "solver": options.solver.value,
            },
            goals=GOALS,
            deadline_ms=1e3 / CONTROL_RATE,
        )
        try:
            with recorder:
                take.run(recorder)
        except KeyboardInterrupt:
            raise Stopped(f"what was filmed until then is in {folder}") from None
    return TakeResult(recorder.files, TakeMetrics.of(recorder.summary), recorder.summary)
