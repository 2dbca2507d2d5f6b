"""Films people together with the truth about them, to measure perception against."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from cinempc.app.options.options import choose
from cinempc.app.options.perception import SequenceOptions
from cinempc.app.progress import OnProgress, Progress, Stopped, ignore
from sim.sequences import folder as folders
from sim.sequences import sequence as sequences


def sequence(
    name: str,
    folder: str | Path,
    options: SequenceOptions | None = None,
    *,
    progress: OnProgress = ignore,
    **changes: Any,
) -> Path:
    """Film a sequence.

    Args:
        name: walk, crossing or wall.
        folder: where it goes; it holds no sequence yet.
        options: `SequenceOptions`.
        progress: told the pictures that are done.
        **changes: single options by their names in `SequenceOptions`.

    Returns:
        The folder: ``sequence.json``, images, depth.

    Raises:
        SequenceError: there is no such sequence, or it cannot be written.
        Stopped: Ctrl-C; the sequence is whole as far as it goes.
    """
    options = choose(SequenceOptions, options, changes)
    folder = Path(folder)
    shots = sequences.shoot(
        name,
        options.seed,
        end=math.inf if options.seconds is None else options.seconds,
        quality=options.quality,
    )
    what = f"{name}, seed {options.seed}"
    try:
        folders.save(shots, folder, lambda done, total: progress(Progress(done, total, what)))
    except KeyboardInterrupt:
        raise Stopped(f"what was filmed until then is in {folder}") from None
    return folder
