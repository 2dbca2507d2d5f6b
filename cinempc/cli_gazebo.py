"""Commands for Gazebo: writing a scene's world, and the bridge; part of the composition root."""

from __future__ import annotations

import math
import os
import shlex
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from xml.etree import ElementTree

import typer

from cinempc.cli_flight import (
    InstanceOption,
    PicturesOption,
    StreamOption,
    mark,
    picture_address,
    tell,
)
from cinempc.console import out
from cinempc.errors import CinempcError

if TYPE_CHECKING:
    from cinempc.script.script import Script
    from sim.gazebo.payload import GazeboPayload
    from sim.scene import Scene

BRIDGE_EXAMPLE = "Example: cinempc sim gazebo --script dolly_zoom --world /tmp/plaza"
WORLD_EXAMPLE = "Example: cinempc sim world --script dolly_zoom --to /tmp/plaza"
#: Time without a word from Gazebo that is told, s.
_SILENCE = 20.0

ScriptOption = Annotated[str, typer.Option("--script", help="Its scene, camera and mark.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of textures and small movements.")]


def write_world(
    script: ScriptOption,
    to: Annotated[Path, typer.Option("--to", help="The folder; made if it is not there.")],
    px4: Annotated[
        Path | None,
        typer.Option(
            envvar="PX4_BUILD",
            help="PX4's build, or /opt/px4-gazebo: whose models the vehicle is made of.",
        ),
    ] = None,
    instance: InstanceOption = 0,
    action: Annotated[
        float | None,
        typer.Option(
            min=0, help="Simulated time at which the people begin, s. [when the camera records]"
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.05, max=10, help="Simulated seconds a second, if it can.")
    ] = 1.0,
    seed: SeedOption = 0,
) -> None:
    """Write a script's scene as a world for Gazebo, and say how to start it.

    `cinempc launch px4-gazebo` does all of it.
    """
    from sim.gazebo import launch

    loaded, scene = _set(script)
    (x, y, _), heading = mark(loaded, scene)
    setup = launch.prepare(
        to,
        scene,
        loaded.camera,
        px4=None if px4 is None else launch.Px4Files.of(px4),
        place=(float(x), float(y)),
        heading=heading,
        instance=instance,
        action=action,
        speed=speed,
        seed=seed,
    )
    bridge = f"cinempc sim gazebo --script {script} --world {to} --instance {instance}"
    build = px4 or Path("PX4_BUILD")
    autopilot = f"{build}/bin/px4 -i {instance} -d {build}/etc -s etc/init.d-posix/rcS"
    for title, variables, words in (
        ("Gazebo", setup.environment, shlex.join(setup.gazebo)),
        ("its window, to look at it", setup.environment, shlex.join(setup.gui)),
        ("PX4", setup.px4_environment, f"PX4_SYS_AUTOSTART=4019 {autopilot}"),
        ("the bridge", setup.environment, bridge),
        ("the flight", {}, f"cinempc fly {script} --vehicle x500_gazebo --origin={x:.2f},{y:.2f}"),
    ):
        exports = " ".join(f"{key}={shlex.quote(value)}" for key, value in variables.items())
        out.print(f"[bold]{title}[/]")
        out.print(
            f"  {f'{exports} {words}'.strip()}", soft_wrap=True, highlight=False, markup=False
        )
    if px4 is None:
        tell(
            "warning",
            "without --px4 or PX4_BUILD, GZ_SIM_RESOURCE_PATH has to name PX4's Gazebo models "
            "(Tools/simulation/gz/models in its source)",
        )


def gazebo(
    script: ScriptOption,
    world: Annotated[
        Path,
        typer.Option(help="The folder that `cinempc sim world` or `launch` wrote.", exists=True),
    ],
    instance: InstanceOption = 0,
    seed: SeedOption = 0,
    pictures: PicturesOption = True,
    stream_to: StreamOption = None,
) -> None:
    """The camera on the x500 in Gazebo: behind PX4 for MAVLink, its pictures from Gazebo.

    Gazebo and PX4 run already, or come later. The people of the scene wait until the camera
    records.
    """
    from sim.gazebo import launch
    from sim.gazebo.payload import GazeboPayload
    from sim.gazebo.transport import GazeboTransport
    from sim.gazebo.usher import Usher
    from sim.gazebo.world import action_of, world_name
    from sim.mavlink import video

    for key, value in launch.network(instance).items():
        os.environ.setdefault(key, value)
    loaded, scene = _set(script)
    name = world_name(scene)
    file = world / f"{name}.sdf"
    if not file.is_file():
        raise CinempcError(
            f"{world} holds no world of {scene.name!r}: write it with "
            f"'cinempc sim world --script {script} --to {world}'"
        )
    host, port = picture_address(stream_to, video.VIDEO_PORT + instance)
    with ExitStack() as ends:
        transport = GazeboTransport()
        streams = None
        if pictures:
            streams = video.PictureStreams(
                loaded.camera,
                seed=seed,
                host=host,
                port=port,
                depth_port=video.DEPTH_PORT + instance,
            )
            ends.callback(streams.close)
        usher = Usher(name, world, lambda sentence: tell("error", sentence))
        ends.callback(usher.close)
        payload = GazeboPayload(
            transport,
            name,
            scene,
            loaded.camera,
            pictures=streams,
            begin=usher.begin,
            action=action_of(ElementTree.parse(file).getroot(), scene),
            instance=instance,
            seed=seed,
        )
        ends.callback(payload.close)
        sent = f", pictures by RTP to {host}:{port}" if pictures else ""
        out.print(f"camera for Gazebo's world {name!r}, PX4 instance {instance}{sent}")
        payload.run(_telling(payload, name))


def _telling(payload: GazeboPayload, name: str) -> Callable[[], bool]:
    """Says once when it films, and when nothing is heard for long."""
    begin, said = time.monotonic(), set[str]()

    def each() -> bool:
        if "films" not in said and payload.ready:
            said.add("films")
            out.print(f"filming Gazebo's world {name!r}; Ctrl-C ends it")
        elif not said and time.monotonic() - begin > _SILENCE:
            said.add("silent")
            missing = (
                "from PX4 (SYSTEM_TIME on its camera link)"
                if math.isfinite(payload.eye.time)
                else f"of the vehicle in Gazebo's world {name!r} (partition "
                f"{os.environ['GZ_PARTITION']}): does it run, with the same GZ_PARTITION and GZ_IP?"
            )
            tell("warning", f"nothing is heard {missing}")
        return False

    return each


def _set(script: str) -> tuple[Script, Scene]:
    from cinempc.cli import load_script
    from sim import scene as scenes

    loaded = load_script(script)
    if loaded.scene_path is None:
        raise CinempcError(f"{loaded.path}: Gazebo needs a scene: add 'scene: plaza'")
    return loaded, scenes.load(str(loaded.scene_path))
