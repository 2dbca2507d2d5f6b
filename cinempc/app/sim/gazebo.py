"""Gazebo: a script's scene written as its world, and the camera on the vehicle in it."""

from __future__ import annotations

import math
import os
import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from cinempc.app.options.options import choose
from cinempc.app.options.simulation import BridgeOptions, WorldOptions
from cinempc.app.progress import OnProgress, Progress, ignore
from cinempc.app.script import load_scene, load_script, mark
from cinempc.app.sim.events import LOG, SimEvent
from cinempc.app.sim.setting import picture_address
from cinempc.errors import CinempcError
from sim.gazebo import launch
from sim.gazebo.actor_start import ActorStarter
from sim.gazebo.payload import GazeboPayload
from sim.gazebo.transport import GazeboTransport
from sim.gazebo.world import action_of, world_name

#: Time without a word from Gazebo that is told, s.
_SILENCE = 20.0


@dataclass(frozen=True)
class WorldResult:
    """A world in a folder, and how it is started: pairs of what a command starts and the command,
    as in a shell."""

    folder: Path
    commands: tuple[tuple[str, str], ...]


def write_world(
    script: str, folder: Path, options: WorldOptions | None = None, **changes: Any
) -> WorldResult:
    """Write a script's scene as a world for Gazebo.

    Args:
        script: a file, or the name of a shipped one: its scene, camera and mark.
        folder: made if it is not there.
        options: `WorldOptions`.
        **changes: single options by their names in `WorldOptions`.

    Raises:
        CinempcError: the script has no scene, or PX4's models are not where they should be.
    """
    options = choose(WorldOptions, options, changes)
    loaded = load_script(script)
    scene = load_scene(loaded, "Gazebo")
    (x, y, _), heading = mark(loaded, scene)
    setup = launch.prepare(
        folder,
        scene,
        loaded.camera,
        px4=None if options.px4 is None else launch.Px4Files.of(options.px4),
        place=(float(x), float(y)),
        heading=heading,
        instance=options.instance,
        action=options.action,
        speed=options.speed,
        seed=options.seed,
    )
    instance, build = options.instance, options.px4 or Path("PX4_BUILD")
    bridge_words = f"cinempc sim gazebo --script {script} --world {folder} --instance {instance}"
    autopilot = f"{build}/bin/px4 -i {instance} -d {build}/etc -s etc/init.d-posix/rcS"
    flight = f"cinempc fly {script} --vehicle x500_gazebo --origin={x:.2f},{y:.2f}"
    return WorldResult(
        folder,
        tuple(
            (title, _shell(variables, words))
            for title, variables, words in (
                ("Gazebo", setup.environment, shlex.join(setup.gazebo)),
                ("its window, to look at it", setup.environment, shlex.join(setup.gui)),
                ("PX4", setup.px4_environment, f"PX4_SYS_AUTOSTART=4019 {autopilot}"),
                ("the bridge", setup.environment, bridge_words),
                ("the flight", {}, flight),
            )
        ),
    )


def _shell(variables: Mapping[str, str], words: str) -> str:
    exports = " ".join(f"{key}={shlex.quote(value)}" for key, value in variables.items())
    return f"{exports} {words}".strip()


def bridge(
    script: str,
    world: Path,
    options: BridgeOptions | None = None,
    *,
    progress: OnProgress = ignore,
    **changes: Any,
) -> None:
    """Run the camera on the vehicle in Gazebo until Ctrl-C: behind PX4 for MAVLink, its pictures
    from Gazebo.

    Args:
        script: a file, or the name of a shipped one: its scene, camera and mark.
        world: the folder that `write_world` wrote.
        options: `BridgeOptions`.
        progress: told when it runs, and when it films.
        **changes: single options by their names in `BridgeOptions`.

    Raises:
        CinempcError: there is no such world, or Gazebo's Python bindings are missing.
    """
    from sim.mavlink import video

    options = choose(BridgeOptions, options, changes)
    instance = options.instance
    for key, value in launch.network(instance).items():
        os.environ.setdefault(key, value)
    loaded = load_script(script)
    scene = load_scene(loaded, "Gazebo")
    name = world_name(scene)
    file = world / f"{name}.sdf"
    if not file.is_file():
        raise CinempcError(
            f"{world} holds no world of {scene.name!r}: write it with "
            f"'cinempc sim world --script {script} --to {world}'"
        )
    host, port = picture_address(options.stream_to, video.VIDEO_PORT + instance)
    with ExitStack() as ends:
        transport = GazeboTransport()
        streams = None
        if options.pictures:
            streams = video.PictureStreams(
                loaded.camera,
                seed=options.seed,
                host=host,
                port=port,
                depth_port=video.DEPTH_PORT + instance,
            )
            ends.callback(streams.close)
        starter = ActorStarter(name, world, _report_error)
        ends.callback(starter.close)
        payload = GazeboPayload(
            transport,
            name,
            scene,
            loaded.camera,
            pictures=streams,
            begin=starter.begin,
            action=action_of(ElementTree.parse(file).getroot(), scene),
            instance=instance,
            seed=options.seed,
        )
        ends.callback(payload.close)
        sent = f", pictures by RTP to {host}:{port}" if options.pictures else ""
        what = f"camera for Gazebo's world {name!r}, PX4 instance {instance}{sent}"
        progress(Progress(0, None, what))
        payload.run(_report(payload, name, progress))


def _report_error(error: str) -> None:
    LOG.log(SimEvent.NO_PEOPLE, error=error)


def _report(payload: GazeboPayload, name: str, progress: OnProgress) -> Callable[[], bool]:
    """Tells once when it films, and once when nothing is heard for long."""
    begin, reported = time.monotonic(), set[str]()

    def each() -> bool:
        if "films" not in reported and payload.ready:
            reported.add("films")
            progress(Progress(0, None, f"filming Gazebo's world {name!r}; Ctrl-C ends it"))
        elif not reported and time.monotonic() - begin > _SILENCE:
            reported.add("silent")
            if math.isfinite(payload.eye.time):
                LOG.log(SimEvent.NO_PX4)
            else:
                partition = os.environ["GZ_PARTITION"]
                LOG.log(SimEvent.NO_GAZEBO, world=name, partition=partition)
        return False

    return each
