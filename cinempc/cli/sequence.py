"""`cinempc sequence`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cinempc.app.options.perception import SequenceOptions
from cinempc.cli.console import out, progress_bar
from cinempc.cli.options import defaults, option
from sim.scenery.quality import Quality

EXAMPLE = "Example: cinempc sequence walk sequences/walk-0 --seed 0"
_O = defaults(SequenceOptions)


def sequence(
    name: Annotated[str, typer.Argument(help="walk, crossing or wall.")],
    folder: Annotated[Path, typer.Argument(help="Folder of the sequence.")],
    seed: Annotated[int, option(_O, "seed")] = _O.seed,
    seconds: Annotated[float | None, option(_O, "seconds")] = None,
    quality: Annotated[Quality, option(_O, "quality")] = _O.quality,
) -> None:
    """Film people together with the truth about them, for `perceive --ground-truth`."""
    from cinempc.app.sequence import sequence

    options = SequenceOptions(seed=seed, seconds=seconds, quality=quality)
    with progress_bar() as progress:
        written = sequence(name, folder, options, progress=progress)
    out.print(f"[bold]{written}[/]: sequence.json, images, depth")
