"""The meshes and textures that a scene's world names, written for Gazebo.

All of them are the embedded simulator's: its props and textures, and its people, whose bodies are
CC0 (``sim/bodies/README.md``). Nothing of them is kept in the repository; they are written where a
world is started.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.gazebo import collada, obj, sdf
from sim.gazebo.trajectories import animation, trajectory
from sim.scenery import props, textures
from sim.scenery.actors import Person
from sim.scenery.props import Prop
from sim.scenery.scene import Scene

Image = NDArray[np.uint8]

GROUND = 700.0  #: Half the side of the ground, m; the embedded simulator's.
TRUNK = 0.022  #: A trunk's radius over the tree's height, as `sim.scenery.props.trunk` has it.
#: Counts up when people or their files change while the actors in a scene do not.
_BODIES = 1


def write(scene: Scene, folder: Path, people: list[Person], seed: int = 0) -> None:
    """Writes all meshes of a scene into a folder.

    Args:
        people: `sim.scenery.actors.people` of the scene. Their files take a few seconds each, and
            are kept from an earlier time if the actor is the same.
        seed: of textures and trees; the embedded simulator's gives its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_ground(scene, folder, seed)
    _write_props(scene, folder, seed)
    for person in people:
        note = folder / f"{sdf.entity(person.actor.id)}.txt"
        key = f"cinempc body {_BODIES} {person.seed} {person.actor.model_dump_json()}\n"
        if not note.is_file() or note.read_text(encoding="utf-8") != key:
            note.unlink(missing_ok=True)
            write_body(person, folder)
            note.write_text(key, encoding="utf-8")


def _write_ground(scene: Scene, folder: Path, seed: int) -> None:
    draw, tile = {
        "paving": (textures.paving, 16 * 0.75),
        "grass": (textures.grass, 9.0),
        "asphalt": (textures.asphalt, 6.0),
    }[scene.ground.kind]
    corners = GROUND * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=float)
    square = Prop(
        corners,
        np.tile([0, 0, 1.0], (4, 1)),
        corners[:, :2] / tile,
        np.array([[0, 1, 2], [0, 2, 3]]),
    )
    obj.write(folder, "ground", square, draw(seed))
    for k, line in enumerate(scene.ground.paths):
        strip = props.ribbon(line, scene.ground.path_width, 0.008 + 0.002 * k)
        obj.write(folder, f"path_{k}", strip, textures.gravel(seed))


def _write_props(scene: Scene, folder: Path, seed: int) -> None:
    for k, block in enumerate(scene.buildings):
        length, depth, height = block.size
        number, name = seed * 100 + k, f"building_{k}"
        facade = textures.facade(block.colour, number)
        obj.write(folder, f"{name}_walls", props.walls(length, depth, height), facade)
        tiles = textures.leaves(block.roof, number, 128)
        obj.write(folder, f"{name}_roof", props.roof(length, depth, height), tiles)
    bark = textures.bark(seed)
    for k, tree in enumerate(scene.trees):
        number, name = seed * 100 + k, f"tree_{k}"
        obj.write(folder, f"{name}_trunk", props.trunk(tree.height, number), bark)
        leaves = textures.leaves(tree.colour, number)
        obj.write(folder, f"{name}_crown", props.crown(tree.height, number), leaves)


def write_body(person: Person, folder: Path) -> None:
    """Writes a person's body: moving as ``NAME.dae``, waiting as ``NAME_waiting.obj``."""
    name = sdf.entity(person.actor.id)
    figure, moved = person.figure, animation(person, trajectory(person))
    texture = figure.texture(person.actor.outfit.colours(), seed=person.seed)
    obj.save_png(folder / f"{name}.png", texture)
    collada.write(
        folder / f"{name}.dae",
        collada.person(
            figure.mesh,
            person.scale,
            person.joints,
            f"{name}.png",
            moved.keys,
            moved.rotations,
            moved.positions,
        ),
    )
    vertices, normals = figure.mesh.skin(
        figure.joints, moved.rotations[0], moved.positions[0], person.scale
    )
    still = Prop(
        vertices.astype(float),
        normals.astype(float),
        figure.mesh.uv.astype(float),
        figure.mesh.faces.astype(np.int64),
    )
    obj.write(folder, sdf.waiting(person.actor.id), still, texture)
