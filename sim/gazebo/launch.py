"""What it takes to start Gazebo with a scene and PX4 in it: files, environments, commands.

Nothing is started here. `prepare` writes the world and says how Gazebo, PX4 and the bridge are
started with it, in this order; whoever starts them waits for each.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cinempc.errors import CinempcError
from cinempc.rig.camera import Camera
from sim.gazebo import actor_start, assets, model, sdf, world
from sim.gazebo.sdf import add
from sim.gazebo.trajectories import trajectory
from sim.scenery import actors
from sim.scenery.actors import Person
from sim.scenery.scene import Scene

#: The systems that PX4 needs in the world, as its own ``server.config`` names them, without those
#: that PX4 builds itself: (file, name).
SYSTEMS = (
    ("gz-sim-physics-system", "Physics"),
    ("gz-sim-user-commands-system", "UserCommands"),
    ("gz-sim-scene-broadcaster-system", "SceneBroadcaster"),
    ("gz-sim-contact-system", "Contact"),
    ("gz-sim-imu-system", "Imu"),
    ("gz-sim-air-pressure-system", "AirPressure"),
    ("gz-sim-air-speed-system", "AirSpeed"),
    ("gz-sim-apply-link-wrench-system", "ApplyLinkWrench"),
    ("gz-sim-navsat-system", "NavSat"),
    ("gz-sim-magnetometer-system", "Magnetometer"),
    ("gz-sim-sensors-system", "Sensors"),
)


class NoGazeboError(CinempcError):
    """No Gazebo was found."""


def find_gazebo(path: str | None = None) -> Path:
    """The ``gz`` program, from ``PATH`` or another search path.

    Raises:
        NoGazeboError: there is none, with how to get it.
    """
    program = shutil.which("gz", path=path)
    if program is None:
        raise NoGazeboError(
            "Gazebo was not found: there is no program 'gz'. Install Gazebo Harmonic or newer "
            "(gz-harmonic, from packages.osrfoundation.org; PX4's Tools/setup/ubuntu.sh does it "
            "too), or run PX4's container px4io/px4-sitl-gazebo, which has one"
        )
    return Path(program)


@dataclass(frozen=True)
class Px4Files:
    """What PX4 brings for Gazebo: its models, its worlds, the plugins that it builds, and the
    server's config that names the systems it needs."""

    models: Path
    worlds: Path
    plugins: Path
    server_config: Path

    @classmethod
    def of(cls, folder: Path) -> Px4Files:
        """Of a PX4 by its folder: a build's (``PX4_BUILD``, such as
        ``PX4-Autopilot/build/px4_sitl_default``), or its package's (``/opt/px4-gazebo``).

        Raises:
            CinempcError: there are none.
        """
        source = folder.resolve().parent.parent
        installed = cls(
            folder / "share/gz/models",
            folder / "share/gz/worlds",
            folder / "lib/gz/plugins",
            folder / "share/gz/server.config",
        )
        built = cls(
            source / "Tools/simulation/gz/models",
            source / "Tools/simulation/gz/worlds",
            folder.resolve() / "src/modules/simulation/gz_plugins",
            source / "src/modules/simulation/gz_bridge/server.config",
        )
        for files in (installed, built):
            if (files.models / model.BASE / "model.sdf").is_file():
                return files
        raise CinempcError(
            f"{folder} has no Gazebo models: looked for {model.BASE}/model.sdf in "
            f"{installed.models} and {built.models}. In PX4's source they are a submodule: "
            "git submodule update --init Tools/simulation/gz"
        )


@dataclass(frozen=True)
class GazeboSetup:
    """How a scene is started in Gazebo with PX4.

    Attributes:
        world: the world's name; `file` holds it.
        file: the world's SDF.
        folder: all that was written: what a container has to see, under the same path.
        gazebo: the command of Gazebo's server, and ``gui`` of its window, for who wants to look.
        ready: a command that prints `READY` once the world is up.
        environment: for Gazebo, its window, the ready command and the bridge.
        px4_environment: for PX4, beside its instance and airframe (4019, ``gz_x500_gimbal``).
    """

    world: str
    file: Path
    folder: Path
    gazebo: tuple[str, ...]
    gui: tuple[str, ...]
    ready: tuple[str, ...]
    environment: Mapping[str, str]
    px4_environment: Mapping[str, str]


#: What `GazeboSetup.ready` prints when the world is up.
READY = "Service providers"


def prepare(
    folder: Path,
    scene: Scene,
    camera: Camera,
    *,
    px4: Px4Files | None = None,
    place: tuple[float, float] = (0.0, 0.0),
    heading: float = 0.0,
    instance: int = 0,
    action: float | None = None,
    speed: float = 1.0,
    seed: int = 0,
) -> GazeboSetup:
    """Writes a scene's world into a folder, with a vehicle that carries a camera.

    Args:
        folder: made if need be; what it holds of an earlier world is overwritten.
        scene: gives the place and the people.
        camera: on the vehicle's gimbal.
        px4: what PX4 brings; None where Gazebo runs in PX4's container, which knows its own.
        place: where the vehicle stands: east, north, m.
        heading: of its nose, rad anticlockwise from east.
        instance: of PX4; also keeps two Gazebos on one machine apart.
        action: simulated time at which the people begin, s; None: when the camera records.
        speed: simulated seconds a second, if the machine can.
        seed: of the scene's textures and people.
    """
    if not (speed > 0 and math.isfinite(speed)):
        raise CinempcError(f"a speed of {speed:g} is none: give simulated seconds a second")
    folder = folder.resolve()
    mount = model.GIMBAL_CAMERA if px4 is None else model.mount(px4.models)
    vehicle = model.vehicle(camera, (*place, 0.0, 0.0, 0.0, heading), mount)
    name, people = world.world_name(scene), actors.people(scene, seed)
    file, meshes = folder / f"{name}.sdf", folder / "meshes"
    assets.write(scene, meshes, people, seed)
    built = world.build(scene, str(meshes), vehicle, action=action, speed=speed)
    sdf.write(file, built, f"{scene.name}, written by cinempc: overwritten at every start.")
    _write_actors(folder / actor_start.ACTORS, people if action is None else [], str(meshes))
    sdf.write(folder / "server.config", server_config())
    words = ("gz", "sim", "--verbose=1")
    return GazeboSetup(
        world=name,
        file=file,
        folder=folder,
        gazebo=(*words, "-r", "-s", "--headless-rendering", str(file)),
        gui=(*words, "-g"),
        ready=("gz", "service", "-i", "--service", f"/world/{name}/scene/info"),
        environment=environment(folder, px4, instance),
        px4_environment=px4_environment(name, instance),
    )


def example() -> str:
    """The plaza's world as it is kept beside this file, to be looked at: its people begin at once,
    and the meshes that it names are not there."""
    from cinempc.rig import camera
    from sim.scenery import scene

    vehicle = model.vehicle(camera.load("super35_zoom"), (8.0, 0.0, 0.0, 0.0, 0.0, math.pi))
    built = world.build(scene.load("plaza"), "meshes", vehicle, action=0.0)
    note = "An example: what sim/gazebo/world.py writes of configs/scenes/plaza.yaml."
    return sdf.to_text(built, note)


def _write_actors(folder: Path, people: list[Person], meshes: str) -> None:
    """Writes those who wait for the action: `sim.gazebo.actor_start` puts them into the world."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.sdf"):
        old.unlink()
    for person in people:
        alone = sdf.root()
        alone.append(world.actor(person, trajectory(person), meshes, 0.0))
        sdf.write(folder / f"{sdf.entity(person.actor.id)}.sdf", alone)


def environment(folder: Path, px4: Px4Files | None, instance: int = 0) -> dict[str, str]:
    """What Gazebo needs to know: where models, plugins and systems are, and with whom it talks."""
    variables = {**network(instance), "GZ_SIM_SERVER_CONFIG_PATH": str(folder / "server.config")}
    if px4 is not None:
        variables |= {
            "GZ_SIM_RESOURCE_PATH": f"{px4.models}:{px4.worlds}",
            "GZ_SIM_SYSTEM_PLUGIN_PATH": str(px4.plugins),
        }
        if px4.server_config.is_file():
            # PX4's own: which way its magnetometer points changed from one version to the next.
            variables["GZ_SIM_SERVER_CONFIG_PATH"] = str(px4.server_config)
    return variables


def px4_environment(world: str, instance: int = 0) -> dict[str, str]:
    """What PX4 needs to know: that Gazebo is started by somebody else, and which vehicle in which
    world it flies. It waits half a minute for the world."""
    return {
        **network(instance),
        "PX4_SIMULATOR": "gz",
        "PX4_GZ_STANDALONE": "1",
        "PX4_GZ_WORLD": world,
        "PX4_GZ_MODEL_NAME": model.NAME,
    }


def network(instance: int) -> dict[str, str]:
    """Gazebo's messages stay on this machine, and among those of one instance."""
    return {"GZ_PARTITION": f"cinempc-{instance}", "GZ_IP": "127.0.0.1"}


def server_config() -> sdf.Element:
    """The systems that PX4 needs, where PX4's own config cannot be had."""
    config = sdf.Element("server_config")
    plugins = add(config, "plugins")
    for file, name in SYSTEMS:
        plugin = add(
            plugins, "plugin",
            entity_name="*", entity_type="world", filename=file, name=f"gz::sim::systems::{name}",
        )  # fmt: skip
        if name == "Sensors":
            add(plugin, "render_engine", "ogre2")
    return config
