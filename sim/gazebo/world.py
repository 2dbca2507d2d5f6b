"""A scene as a Gazebo world: the same ground, houses, trees and sun, the same people on the same
paths.

Here is the world's SDF; the meshes that it names are `sim.gazebo.assets`. It has no plugins, as
PX4's own worlds have none: the server's config names the systems that PX4 needs
(`sim.gazebo.launch`).
"""

from __future__ import annotations

import math

from cinempc.errors import CinempcError
from sim.gazebo import assets, sdf
from sim.gazebo.sdf import add
from sim.gazebo.trajectories import ActorTrajectory, trajectory
from sim.mavlink.autopilot.reference import Geodetic
from sim.scenery import actors, textures
from sim.scenery.actors import Person
from sim.scenery.scene import Scene

#: PX4's default world's: step of the physics, s, and what Gazebo's systems need to know of the
#: place. Of PX4-gazebo-models, worlds/default.sdf.
STEP = 0.004
_GRAVITY, _MAGNETIC_FIELD = (0.0, 0.0, -9.8), (6e-06, 2.3e-05, -4.2e-05)


def world_name(scene: Scene) -> str:
    """What the scene's world is called in Gazebo, and its file."""
    return sdf.entity(scene.name)


def build(
    scene: Scene,
    meshes: str,
    vehicle: sdf.Element | None = None,
    *,
    action: float | None = None,
    speed: float = 1.0,
    origin: Geodetic | None = None,
) -> sdf.Element:
    """The world of a scene.

    Args:
        scene: what there is.
        meshes: the folder of `sim.gazebo.assets`, as the world shall name it: a whole path, or
            one that is relative to the world's file.
        vehicle: `sim.gazebo.model.vehicle`, if there is one.
        action: simulated time, s, at which the people begin; None: they wait as figures until
            `sim.gazebo.actor_start` lets them begin.
        speed: simulated seconds a second that Gazebo tries to run at.
        origin: where the world's origin is on the earth; the simulated vehicle's if not given.

    Raises:
        CinempcError: two things of the scene have one name in Gazebo.
    """
    root = sdf.root()
    world = add(root, "world", name=world_name(scene))
    _physics(world, speed)
    _place(world, origin or Geodetic())
    _light(world, scene)
    _ground(world, scene, meshes)
    _props(world, scene, meshes)
    for person in actors.people(scene):
        if action is None:
            world.append(figure(person, trajectory(person), meshes))
        else:
            world.append(actor(person, trajectory(person), meshes, action))
    if vehicle is not None:
        world.append(vehicle)
    names = [thing.get("name") for thing in world if thing.tag in ("model", "actor", "light")]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise CinempcError(
            f"scene {scene.name!r}: several things would be called {', '.join(twice)} in Gazebo, "
            "where names are small letters, digits and underscores: give its actors other ids"
        )
    return root


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


def _ground(world: sdf.Element, scene: Scene, meshes: str) -> None:
    link = _model(world, "ground", (0.0,) * 6)
    plane = add(add(link, "collision", name="plane"), "geometry/plane")
    add(plane, "normal", (0, 0, 1))
    add(plane, "size", (2 * assets.GROUND, 2 * assets.GROUND))
    _visual(link, "ground", f"{meshes}/ground.obj")
    for k in range(len(scene.ground.paths)):
        _visual(link, f"path_{k}", f"{meshes}/path_{k}.obj")


def _props(world: sdf.Element, scene: Scene, meshes: str) -> None:
    for k, block in enumerate(scene.buildings):
        link = _model(world, f"building_{k}", (*block.at, 0.0, 0.0, 0.0, block.heading))
        body = add(link, "collision", name="block")
        add(body, "pose", (0, 0, block.size[2] / 2, 0, 0, 0))
        add(body, "geometry/box/size", block.size)
        for name in ("walls", "roof"):
            _visual(link, name, f"{meshes}/building_{k}_{name}.obj")
    for k, tree in enumerate(scene.trees):
        # Each is turned its own way, as in the embedded simulator.
        link = _model(world, f"tree_{k}", (*tree.at, 0.0, 0.0, 0.0, 2.4 * k % math.tau))
        body = add(link, "collision", name="post")
        add(body, "pose", (0, 0, tree.height / 2, 0, 0, 0))
        trunk = add(body, "geometry/cylinder")
        add(trunk, "radius", assets.TRUNK * tree.height)
        add(trunk, "length", tree.height)
        for name in ("trunk", "crown"):
            _visual(link, name, f"{meshes}/tree_{k}_{name}.obj")


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


def figure(person: Person, way: ActorTrajectory, meshes: str) -> sdf.Element:
    """Somebody who waits for the action: a figure that stands where the way begins."""
    holder = sdf.Element("holder")
    east, north, heading = way.way[0]
    name = sdf.waiting(person.actor.id)
    link = _model(holder, name, (east, north, 0.0, 0.0, 0.0, heading))
    _visual(link, "figure", f"{meshes}/{name}.obj")
    return holder[0]


def actor(person: Person, way: ActorTrajectory, meshes: str, action: float) -> sdf.Element:
    """Somebody who walks, as Gazebo's ``<actor>``.

    Args:
        meshes: the folder of the body's file.
        action: simulated time, s, at which the action begins.
    """
    name = sdf.entity(person.actor.id)
    skin = f"{meshes}/{name}.dae"
    who = sdf.Element("actor", name=name)
    add(who, "skin/filename", skin)
    animation = add(who, "animation", name="moves")
    add(animation, "filename", skin)
    script = add(who, "script")
    add(script, "loop", way.loop)
    add(script, "delay_start", sdf.milliseconds(action + way.delay))
    add(script, "auto_start", True)
    waypoints = add(script, "trajectory", id="0", type="moves", tension="0")
    for time, (east, north, heading) in zip(way.times, way.way, strict=True):
        waypoint = add(waypoints, "waypoint")
        add(waypoint, "time", sdf.milliseconds(float(time)))
        add(waypoint, "pose", (round(east, 4), round(north, 4), 0, 0, 0, round(heading, 5)))
    return who


def action_of(world: sdf.Element, scene: Scene) -> float | None:
    """The simulated time, s, at which the people of a written world begin by themselves; None if
    they wait, or there are none."""
    for person in actors.people(scene):
        name = sdf.entity(person.actor.id)
        begins = world.findtext(f"world/actor[@name='{name}']/script/delay_start")
        if begins is not None:
            return float(begins) - trajectory(person).delay
    return None
