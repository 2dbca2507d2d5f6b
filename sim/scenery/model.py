"""Builds a scene as a MuJoCo model: sun and sky, ground, buildings, trees, and people's skins."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.errors import CinempcError
from sim.scenery import props, textures
from sim.scenery.actors import Person
from sim.scenery.bodies import body
from sim.scenery.opengl import mujoco
from sim.scenery.quality import RenderSettings
from sim.scenery.scene import Ground, Outfit, Scene, Sky

Floats = NDArray[np.float64]

NEAR, FAR = 0.25, 2000.0  # m, clipping planes; the depth buffer is reversed-z floating point
SHADOW_REACH = 15.0  # m, half the side of the square in which the sun casts shadows
_GROUND = 700.0  # m, half the side of the ground


def sun(sky: Sky) -> Floats:
    """The direction (3,) in which the sun stands, ENU."""
    azimuth, elevation = sky.sun_azimuth, sky.sun_elevation
    level = np.cos(elevation)
    return np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])


def build(scene: Scene, people: Sequence[Person], settings: RenderSettings, seed: int) -> Any:
    """The MuJoCo model of a scene.

    Each person has two skins, number ``2 k`` and, coarser, ``2 k + 1``; who renders sets their
    vertices.

    Args:
        scene: what there is.
        people: `sim.scenery.actors.people` of it.
        settings: of the renderer.
        seed: of textures and trees.

    Raises:
        CinempcError: MuJoCo cannot build it.
    """
    spec = mujoco.MjSpec()
    to_sun = sun(scene.sky)
    spec.stat.extent = 1.0
    spec.stat.center = [0, 0, 0]
    spec.visual.map.znear = NEAR
    spec.visual.map.zfar = FAR
    spec.visual.map.shadowclip = SHADOW_REACH
    spec.visual.quality.shadowsize = settings.shadow_map
    spec.visual.quality.offsamples = settings.samples
    _add_lights(spec, scene.sky, to_sun)
    _add_sky(spec, scene.sky, seed)
    _add_ground(spec, scene.ground, seed)
    for k, block in enumerate(scene.buildings):
        length, depth, height = block.size
        at = [*block.at, 0.0]
        wall = textures.facade(block.colour, seed * 100 + k)
        tile = textures.leaves(block.roof, seed * 100 + k, 128)
        _add(spec, f"wall{k}", props.walls(length, depth, height), wall, at, block.heading)
        _add(spec, f"roof{k}", props.roof(length, depth, height), tile, at, block.heading)
    bark = textures.bark(seed)
    for k, tree in enumerate(scene.trees):
        at = [*tree.at, 0.0]
        leaf = textures.leaves(tree.colour, seed * 100 + k)
        turn = 2.4 * k
        number = seed * 100 + k
        _add(spec, f"trunk{k}", props.trunk(tree.height, number), bark, at, turn)
        _add(spec, f"crown{k}", props.crown(tree.height, number), leaf, at, turn)
    for k, person in enumerate(people):
        _add_person(spec, k, person)
    try:
        return spec.compile()
    except ValueError as error:
        raise CinempcError(f"scene {scene.name!r} cannot be built: {error}") from error


def _add_lights(spec: Any, sky: Sky, to_sun: Floats) -> None:
    strength = 1 - 0.35 * sky.clouds
    low = np.clip(sky.sun_elevation / 0.6, 0.35, 1.0)
    spec.visual.headlight.active = 1
    spec.visual.headlight.ambient = [0.40, 0.42, 0.46]
    spec.visual.headlight.diffuse = [0.06, 0.06, 0.06]
    spec.visual.headlight.specular = [0, 0, 0]
    spec.worldbody.add_light(
        name="sun",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=(80 * to_sun).tolist(),
        dir=(-to_sun).tolist(),
        castshadow=True,
        diffuse=[0.90 * strength, 0.86 * strength * (0.85 + 0.15 * low),
                 0.77 * strength * (0.65 + 0.35 * low)],
        ambient=[0, 0, 0],
        specular=[0.25, 0.24, 0.22],
    )  # fmt: skip
    spec.worldbody.add_light(  # the open sky: soft light from above, without shadows
        name="sky",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[0, 0, 80],
        dir=[0.25 * to_sun[0], 0.25 * to_sun[1], -1],
        castshadow=False,
        diffuse=[0.13, 0.15, 0.19],
        ambient=[0, 0, 0],
        specular=[0, 0, 0],
    )


def _texture(spec: Any, name: str, image: NDArray[np.uint8], repeat: float = 1.0) -> str:
    texture = spec.add_texture(
        name=name,
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=image.shape[1],
        height=image.shape[0],
        nchannel=3,
    )
    texture.data = image.tobytes()
    material = spec.add_material(name=name, specular=0.06, shininess=0.15)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
    material.texrepeat = [repeat, repeat]
    return name


def _add(
    spec: Any, name: str, prop: props.Prop, image: NDArray[np.uint8], at: list[float],
    heading: float,
) -> None:  # fmt: skip
    mesh = spec.add_mesh(name=name, inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
    mesh.uservert = prop.vertices.ravel().tolist()
    mesh.usernormal = prop.normals.ravel().tolist()
    mesh.usertexcoord = prop.uv.ravel().tolist()
    mesh.userface = prop.faces.ravel().tolist()
    spec.worldbody.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=name,
        material=_texture(spec, name, image),
        pos=at,
        quat=list(frames.quaternion(heading, 0.0, 0.0)),
        contype=0,
        conaffinity=0,
    )


def _add_ground(spec: Any, ground: Ground, seed: int) -> None:
    draw, tile = {
        "paving": (textures.paving, 16 * 0.75),
        "grass": (textures.grass, 9.0),
        "asphalt": (textures.asphalt, 6.0),
    }[ground.kind]
    spec.worldbody.add_geom(
        name="ground",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[_GROUND, _GROUND, 1],
        material=_texture(spec, "ground", draw(seed), 2 * _GROUND / tile),
        contype=0,
        conaffinity=0,
    )
    for k, line in enumerate(ground.paths):
        strip = props.ribbon(line, ground.path_width, 0.008 + 0.002 * k)
        _add(spec, f"path{k}", strip, textures.gravel(seed), [0, 0, 0], 0.0)


_SKY_SIZE = 512  # px, the sides of the six pictures round the world


@lru_cache(maxsize=4)
def _sky_box(sky: Sky, seed: int) -> NDArray[np.uint8]:
    """The six pictures (6 n, n, 3) of a sky, below each other."""
    t = (np.arange(_SKY_SIZE) + 0.5) / _SKY_SIZE * 2 - 1
    x, y = np.meshgrid(t, t)
    one = np.ones_like(x)
    # MuJoCo's order: right, left, up, down, front, back, each as seen from inside (rows
    # downwards), for a cube whose "up" is z.
    faces = [(one, -x, -y), (-one, x, -y), (x, y, one), (x, -y, -one), (x, one, -y),
             (-x, -one, -y)]  # fmt: skip
    directions = np.concatenate([np.stack(face, axis=-1) for face in faces])
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    return textures.sky(directions, sun(sky), sky.clouds, seed)


def _add_sky(spec: Any, sky: Sky, seed: int) -> None:
    texture = spec.add_texture(
        name="sky", type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, width=_SKY_SIZE, height=6 * _SKY_SIZE,
        nchannel=3,
    )  # fmt: skip
    texture.data = _sky_box(sky, seed).tobytes()


@lru_cache(maxsize=16)
def _clothes(name: str, outfit: Outfit, seed: int) -> NDArray[np.uint8]:
    """The texture of a body by its name."""
    return body.load(name).texture(outfit.colours(), seed=seed)


def _add_person(spec: Any, number: int, person: Person) -> None:
    clothes = _clothes(person.figure.name, person.actor.outfit, person.seed)
    material = _texture(spec, f"person{number}", clothes)
    name = f"person{number}"
    spec.worldbody.add_body(name=name, mocap=True)
    for mesh, suffix in ((person.figure.mesh, ""), (person.figure.far, "_far")):
        skinned = spec.add_skin(name=name + suffix, material=material)
        count = len(mesh.vertices)
        skinned.vert = mesh.vertices.ravel().tolist()
        skinned.face = mesh.faces.ravel().tolist()
        skinned.texcoord = mesh.uv.ravel().tolist()
        skinned.bodyname = [name]
        skinned.bindpos = [0, 0, 0]
        skinned.bindquat = [1, 0, 0, 0]
        skinned.vertid = [list(range(count))]
        skinned.vertweight = [[1.0] * count]
