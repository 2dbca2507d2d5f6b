"""A scene as a Gazebo world: the same ground, houses, trees and sun, the same people on the same
paths.

Nothing of the world is Gazebo's or PX4's: it has no plugins, as PX4's own worlds have none, for
the server's config names the systems that PX4 needs (`sim.gazebo.launch`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim import props, textures
from sim.bodies.labels import LABELS
from sim.gazebo import collada, obj, sdf
from sim.gazebo.people import Part, Person, moves, part
from sim.gazebo.sdf import add
from sim.mavlink.autopilot import Geodetic
from sim.props import Prop
from sim.scene import Scene

#: PX4's default world's: step of the physics, s, and what Gazebo's systems need to know of the
#: place. Of PX4-gazebo-models, worlds/default.sdf.
STEP = 0.004
_GRAVITY, _MAGNETIC_FIELD = (0.0, 0.0, -9.8), (6e-06, 2.3e-05, -4.2e-05)
#: Counts up when `people` or `collada` write another body for the same actor.
_BODY_FILES = 1
_GROUND = 700.0  # m, half the side of the ground; the embedded simulator's


@dataclass(frozen=True)
class Cast:
    """Somebody of the scene, and the files of that body."""

    person: Person
    part: Part
    skin: Path  # who moves
    figure: Path  # who stands still


def world_name(scene: Scene) -> str:
    """What the scene's world is called in Gazebo, and its file."""
    return sdf.entity(scene.name)


def build(
    scene: Scene,
    folder: Path,
    vehicle: sdf.Element | None = None,
    *,
    action: float | None = None,
    speed: float = 1.0,
    seed: int = 0,
    origin: Geodetic | None = None,
    relative: bool = False,
) -> sdf.Element:
    """The world of a scene; writes the meshes that it names into a folder.

    Args:
        scene: what there is.
        folder: for meshes and textures.
        vehicle: `sim.gazebo.model.vehicle`, if there is one.
        action: simulated time, s, at which the people begin; None: they wait as figures until
            `sim.gazebo.actors` lets them begin.
        speed: simulated seconds a second that Gazebo tries to run at.
        seed: of textures, trees and small movements: the embedded simulator's gives its people.
        origin: where the world's origin is on the earth.
        relative: name the meshes relative to the folder above theirs, for a world that is moved
            about; else by their whole paths.
    """
    files = _Files(folder, relative)
    root = sdf.root()
    world = add(root, "world", name=world_name(scene))
    _physics(world, speed)
    _place(world, origin or Geodetic())
    _light(world, scene)
    _ground(world, scene, files, seed)
    _props(world, scene, files, seed)
    for cast in casting(scene, folder, seed):
        if action is None:
            world.append(figure(cast, files.uri(cast.figure)))
        else:
            world.append(actor(cast, files.uri(cast.skin), action))
    if vehicle is not None:
        world.append(vehicle)
    return root


@dataclass(frozen=True)
class _Files:
    folder: Path
    relative: bool

    def uri(self, path: Path) -> str:
        return f"{self.folder.name}/{path.name}" if self.relative else str(path.resolve())

    def mesh(self, name: str, prop: Prop, texture: np.ndarray) -> str:
        return self.uri(obj.write(self.folder, name, prop, texture))


# --- the place ---


def _physics(world: sdf.Element, speed: float) -> None:
    physics = add(world, "physics", name="steps", type="ode")
    add(physics, "max_step_size", STEP)
    add(physics, "real_time_factor", speed)
    add(physics, "real_time_update_rate", speed / STEP)
    add(world, "gravity", _GRAVITY)
    add(world, "magnetic_field", " ".join(f"{part:g}" for part in _MAGNETIC_FIELD))
    add(world, "atmosphere", type="adiabatic")


def _place(world: sdf.Element, origin: Geodetic) -> None:
    place = add(world, "spherical_coordinates")
    add(place, "surface_model", "EARTH_WGS84")
    add(place, "world_frame_orientation", "ENU")
    add(place, "latitude_deg", origin.latitude)
    add(place, "longitude_deg", origin.longitude)
    add(place, "elevation", origin.altitude)


def _light(world: sdf.Element, scene: Scene) -> None:
    sky = scene.sky
    strength = 1 - 0.35 * sky.clouds
    stage = add(world, "scene")
    add(stage, "grid", False)
    add(stage, "ambient", (0.5, 0.52, 0.56, 1))
    add(stage, "background", (*textures.haze_colour(sky.clouds), 1.0))
    add(stage, "shadows", True)
    add(stage, "sky")
    sun = add(world, "light", name="sun", type="directional")
    add(sun, "pose", (0, 0, 500, 0, 0, 0))
    add(sun, "cast_shadows", True)
    level = math.cos(sky.sun_elevation)
    add(
        sun, "direction",
        (-level * math.cos(sky.sun_azimuth), -level * math.sin(sky.sun_azimuth),
         -math.sin(sky.sun_elevation)),
    )  # fmt: skip
    add(sun, "diffuse", (0.90 * strength, 0.86 * strength, 0.77 * strength, 1))
    add(sun, "specular", (0.25, 0.24, 0.22, 1))


def _ground(world: sdf.Element, scene: Scene, files: _Files, seed: int) -> None:
    draw, tile = {
        "paving": (textures.paving, 16 * 0.75),
        "grass": (textures.grass, 9.0),
        "asphalt": (textures.asphalt, 6.0),
    }[scene.ground.kind]
    half = _GROUND
    corners = np.array([[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]])
    square = Prop(
        corners, np.tile([0, 0, 1.0], (4, 1)), corners[:, :2] / tile,
        np.array([[0, 1, 2], [0, 2, 3]]),
    )  # fmt: skip
    link = _model(world, "ground", (0.0,) * 6)
    plane = add(add(link, "collision", name="plane"), "geometry/plane")
    add(plane, "normal", (0, 0, 1))
    add(plane, "size", (2 * half, 2 * half))
    _visual(link, "ground", files.mesh("ground", square, draw(seed)))
    for k, line in enumerate(scene.ground.paths):
        strip = props.ribbon(line, scene.ground.path_width, 0.008 + 0.002 * k)
        _visual(link, f"path_{k}", files.mesh(f"path_{k}", strip, textures.gravel(seed)))


def _props(world: sdf.Element, scene: Scene, files: _Files, seed: int) -> None:
    for k, block in enumerate(scene.buildings):
        length, depth, height = block.size
        number = seed * 100 + k
        name = f"building_{k}"
        link = _model(world, name, (*block.at, 0.0, 0.0, 0.0, block.heading))
        body = add(link, "collision", name="block")
        add(body, "pose", (0, 0, height / 2, 0, 0, 0))
        add(body, "geometry/box/size", block.size)
        facade, tiles = (
            textures.facade(block.colour, number),
            textures.leaves(block.roof, number, 128),
        )
        for name_of, prop, texture in (
            ("walls", props.walls(length, depth, height), facade),
            ("roof", props.roof(length, depth, height), tiles),
        ):
            _visual(link, name_of, files.mesh(f"{name}_{name_of}", prop, texture))
    for k, tree in enumerate(scene.trees):
        number = seed * 100 + k
        name = f"tree_{k}"
        link = _model(world, name, (*tree.at, 0.0, 0.0, 0.0, 2.4 * k % math.tau))
        body = add(link, "collision", name="post")
        add(body, "pose", (0, 0, tree.height / 2, 0, 0, 0))
        trunk = add(body, "geometry/cylinder")
        add(trunk, "radius", 0.022 * tree.height)
        add(trunk, "length", tree.height)
        for name_of, prop, texture in (
            ("trunk", props.trunk(tree.height, number), textures.bark(seed)),
            ("crown", props.crown(tree.height, number), textures.leaves(tree.colour, number)),
        ):
            _visual(link, name_of, files.mesh(f"{name}_{name_of}", prop, texture))


def _model(world: sdf.Element, name: str, pose: tuple[float, ...]) -> sdf.Element:
    """A thing that never moves; gives its link."""
    model = add(world, "model", name=name)
    add(model, "static", True)
    add(model, "pose", pose)
    return add(model, "link", name="link")


def _visual(link: sdf.Element, name: str, mesh: str) -> None:
    visual = add(link, "visual", name=name)
    add(visual, "geometry/mesh/uri", mesh)


# --- the people ---


def casting(scene: Scene, folder: Path, seed: int = 0) -> list[Cast]:
    """The scene's people, with the files of their bodies in a folder.

    A body's files are written once: those of an earlier start are kept if the actor is the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cast = []
    for number, who in enumerate(scene.actors):
        person = Person.of(who, number, seed)
        name = sdf.entity(who.id)
        one = Cast(person, part(person), folder / f"{name}.dae", folder / f"{name}_waiting.obj")
        note, key = folder / f"{name}.txt", _key(person)
        if not note.is_file() or note.read_text(encoding="utf-8") != key:
            note.unlink(missing_ok=True)
            _write_body(one, name)
            note.write_text(key, encoding="utf-8")
        cast.append(one)
    return cast


def _key(person: Person) -> str:
    """What a body's files depend on."""
    return f"cinempc body {_BODY_FILES} {person.seed} {person.actor.model_dump_json()}\n"


def _write_body(cast: Cast, name: str) -> None:
    person, mesh = cast.person, cast.person.figure.mesh
    moved = moves(person, cast.part)
    texture = person.figure.texture(_colours(person), seed=person.seed)
    obj.save_png(cast.skin.with_suffix(".png"), texture)
    collada.write(
        cast.skin,
        collada.person(
            mesh, person.scale, person.joints, f"{name}.png",
            moved.keys, moved.rotations, moved.positions,
        ),
    )  # fmt: skip
    vertices, normals = mesh.skin(
        person.figure.joints, moved.rotations[0], moved.positions[0], person.scale
    )
    still = Prop(
        vertices.astype(float), normals.astype(float), mesh.uv.astype(float),
        mesh.faces.astype(np.int64),
    )  # fmt: skip
    obj.write(cast.figure.parent, cast.figure.stem, still, texture)


def _colours(person: Person) -> dict[str, tuple[float, float, float]]:
    """Colours of a body's texels, as `sim.world.World` dresses its people."""
    outfit = person.actor.outfit
    red, green, blue = outfit.skin
    colours: dict[str, tuple[float, float, float]] = {
        "lips": (0.82 * red, 0.66 * green, 0.68 * blue),
        "eye": (0.86, 0.85, 0.83),
        "iris": (0.24, 0.17, 0.11),
        "pupil": (0.02, 0.02, 0.02),
        "sole": (0.12, 0.11, 0.10),
    }
    return {name: colours.get(name) or getattr(outfit, name) for name in LABELS}


def figure(cast: Cast, mesh: str) -> sdf.Element:
    """Somebody who waits for the action: a figure that stands where the way begins."""
    holder = sdf.Element("holder")
    east, north, heading = cast.part.way[0]
    link = _model(holder, waiting(cast.person.actor.id), (east, north, 0.0, 0.0, 0.0, heading))
    _visual(link, "figure", mesh)
    return holder[0]


def waiting(actor: str) -> str:
    """The model that stands for an actor before the action."""
    return f"{sdf.entity(actor)}_waiting"


def actor(cast: Cast, skin: str, action: float) -> sdf.Element:
    """Somebody who walks, as Gazebo's ``<actor>``.

    Args:
        skin: the body's file.
        action: simulated time, s, at which the action begins.
    """
    part = cast.part
    who = sdf.Element("actor", name=sdf.entity(cast.person.actor.id))
    add(who, "skin/filename", skin)
    animation = add(who, "animation", name="moves")
    add(animation, "filename", skin)
    script = add(who, "script")
    add(script, "loop", part.loop)
    add(script, "delay_start", _milliseconds(action + part.delay))
    add(script, "auto_start", True)
    trajectory = add(script, "trajectory", id="0", type="moves", tension="0")
    for time, (east, north, heading) in zip(part.times, part.way, strict=True):
        waypoint = add(trajectory, "waypoint")
        add(waypoint, "time", _milliseconds(float(time)))
        add(waypoint, "pose", (east, north, 0.0, 0.0, 0.0, heading))
    return who


def _milliseconds(time: float) -> float:
    # Gazebo cuts times to whole milliseconds: a hundredth more keeps the right one.
    return round(time, 3) + 1e-5
