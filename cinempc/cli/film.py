"""`cinempc film`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cinempc.app.options.takes import FilmOptions, Solver
from cinempc.app.perception import PerceptionKind
from cinempc.cli.console import progress_bar
from cinempc.cli.options import ScriptPath, defaults, option
from cinempc.cli.takes import show_take
from sim.scenery.quality import Quality

EXAMPLE = "Example: cinempc film configs/scripts/dolly_zoom.yaml --monitor"
_O = defaults(FilmOptions)


def film(
    script: ScriptPath,
    folder: Annotated[Path | None, option(_O, "folder", "--out")] = None,
    perception: Annotated[PerceptionKind | None, option(_O, "perception")] = None,
    weights: Annotated[str, option(_O, "weights")] = _O.weights,
    depth: Annotated[bool, option(_O, "depth")] = _O.depth,
    seed: Annotated[int, option(_O, "seed")] = _O.seed,
    pictures: Annotated[bool, option(_O, "pictures")] = _O.pictures,
    quality: Annotated[Quality, option(_O, "quality")] = _O.quality,
    report: Annotated[bool | None, option(_O, "report", "--report/--no-report")] = None,
    monitor: Annotated[bool, option(_O, "monitor", "--monitor")] = False,
    solver: Annotated[Solver, option(_O, "solver")] = _O.solver,
    standby: Annotated[float, option(_O, "standby")] = _O.standby,
) -> None:
    """Film a script in the embedded simulator: footage, report, log and figures in one folder."""
    from cinempc.app.film.film import film

    options = FilmOptions(
        folder=folder,
        perception=perception,
        weights=weights,
        depth=depth,
        seed=seed,
        pictures=pictures,
        quality=quality,
        report=report,
        monitor=monitor,
        solver=solver,
        standby=standby,
    )
    with progress_bar() as progress:
        result = film(script, options, progress=progress)
    show_take(result)
