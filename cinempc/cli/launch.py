"""`cinempc launch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cinempc.app.options.simulation import LaunchOptions
from cinempc.cli.console import err, out
from cinempc.cli.options import ScriptPath, defaults, option, picture_size
from cinempc.cli.simulation import FrameRate, Instance, PictureQuality, Size

EXAMPLE = "Example: cinempc launch embedded dolly_zoom --speed 0.5 -- --monitor"
_O = defaults(LaunchOptions)


def launch(
    name: Annotated[
        str,
        typer.Argument(
            metavar="SETUP", help="embedded, px4-sih, px4-gazebo, or a file (docs/launch.md)."
        ),
    ],
    script: ScriptPath,
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- OPTION", help=LaunchOptions.model_fields["more"].description),
    ] = None,
    folder: Annotated[Path | None, option(_O, "folder", "--out")] = None,
    speed: Annotated[float, option(_O, "speed")] = _O.speed,
    instance: Instance = _O.instance,
    fly: Annotated[bool, option(_O, "fly", "--fly/--no-fly")] = _O.fly,
    size: Size = None,
    frame_rate: FrameRate = None,
    quality: PictureQuality = _O.quality,
    seed: Annotated[int, option(_O, "seed")] = _O.seed,
    gui: Annotated[bool, option(_O, "gui", "--gui")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the commands instead of running them.")
    ] = False,
) -> None:
    """Bring a whole set-up up, fly a script in it, and take all of it down again.

    The autopilot, the simulator, the camera and `cinempc fly` start in order, each when the one
    before is ready. Ctrl-C ends all of them. Every part's output is in OUT/logs.
    """
    from cinempc.app.launch.launch import launch, prepare
    from cinempc.launch.table import StatusTable

    options = LaunchOptions(
        folder=folder,
        speed=speed,
        instance=instance,
        fly=fly,
        size=picture_size(size),
        frame_rate=frame_rate,
        quality=quality,
        seed=seed,
        gui=gui,
        more=tuple(more or ()),
    )
    prepared = prepare(name, script, options)
    if dry_run:
        for command in prepared.commands:
            out.print(command, soft_wrap=True, highlight=False, markup=False)
        return
    if prepared.fly is not None:
        out.print(f"To fly, when all is ready: {prepared.fly}", markup=False, soft_wrap=True)
    with StatusTable(err, f"{prepared.name}: logs in {prepared.logs}") as table:
        result = launch(prepared, progress=table.show)
    for line in result.lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(result.status)
