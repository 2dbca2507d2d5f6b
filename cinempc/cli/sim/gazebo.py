"""`cinempc sim world` and `cinempc sim gazebo`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from cinempc.app.options.simulation import BridgeOptions, WorldOptions
from cinempc.cli.console import out
from cinempc.cli.options import defaults, option

BRIDGE_EXAMPLE = "Example: cinempc sim gazebo --script dolly_zoom --world /tmp/plaza"
WORLD_EXAMPLE = "Example: cinempc sim world --script dolly_zoom --to /tmp/plaza"
_B, _W = defaults(BridgeOptions), defaults(WorldOptions)

ScriptOption = Annotated[
    str, typer.Option("--script", help="Script whose scene, camera and mark are used.")
]


def sim_world(
    script: ScriptOption,
    to: Annotated[Path, typer.Option("--to", help="The folder; made if it is not there.")],
    px4: Annotated[Path | None, option(_W, "px4", envvar="PX4_BUILD")] = None,
    instance: Annotated[int, option(_W, "instance")] = _W.instance,
    action: Annotated[float | None, option(_W, "action")] = None,
    speed: Annotated[float, option(_W, "speed")] = _W.speed,
    seed: Annotated[int, option(_W, "seed")] = _W.seed,
) -> None:
    """Write a script's scene as a world for Gazebo, and say how to start it.

    `cinempc launch px4-gazebo` does all of it.
    """
    from cinempc.app.sim.gazebo import write_world

    options = WorldOptions(px4=px4, instance=instance, action=action, speed=speed, seed=seed)
    world = write_world(script, to, options)
    for title, command in world.commands:
        out.print(f"[bold]{title}[/]")
        out.print(f"  {command}", soft_wrap=True, highlight=False, markup=False)
    if px4 is None:
        logging.getLogger(__name__).warning(
            "without --px4 or PX4_BUILD, GZ_SIM_RESOURCE_PATH has to name PX4's Gazebo models "
            "(Tools/simulation/gz/models in its source)"
        )


def sim_gazebo(
    script: ScriptOption,
    world: Annotated[
        Path,
        typer.Option(help="The folder that `cinempc sim world` or `launch` wrote.", exists=True),
    ],
    instance: Annotated[int, option(_B, "instance")] = _B.instance,
    seed: Annotated[int, option(_B, "seed")] = _B.seed,
    pictures: Annotated[bool, option(_B, "pictures", "--pictures/--no-pictures")] = _B.pictures,
    stream_to: Annotated[
        str | None, option(_B, "stream_to", "--stream-to", metavar="HOST:PORT")
    ] = None,
) -> None:
    """The camera on the x500 in Gazebo: behind PX4 for MAVLink, its pictures from Gazebo.

    Gazebo and PX4 run already, or come later. The people of the scene wait until the camera
    records.
    """
    from cinempc.app.sim.gazebo import bridge

    options = BridgeOptions(instance=instance, seed=seed, pictures=pictures, stream_to=stream_to)
    bridge(script, world, options, progress=lambda progress: out.print(progress.what))
