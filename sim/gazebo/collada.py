"""A skinned and animated person as a COLLADA file, as Gazebo's loader reads it.

Of the format (COLLADA 1.4.1, Khronos) this uses what gz-common's ``ColladaLoader`` takes:
matrices with a ``sid``, one animation for the whole skeleton, a picture for the material. The
skeleton's root is on the ground and never moves: Gazebo puts the root of an actor that follows a
way to the way's place, and forgets its own translation; the pelvis below it sways and rises.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.gazebo import sdf
from sim.gazebo.sdf import add
from sim.scenery.bodies.body import Mesh
from sim.scenery.bodies.labels import JOINTS, PARENTS

Floats = NDArray[np.float64]

_ROOT = "root"
_XMLNS = "http://www.collada.org/2005/11/COLLADASchema"


def person(
    mesh: Mesh,
    scale: float,
    joints: Floats,
    texture: str,
    keys: Floats,
    rotations: Floats,
    positions: Floats,
) -> sdf.Element:
    """The ``<COLLADA>`` of a person who moves.

    Args:
        mesh: in the neutral pose, before scaling.
        scale: the actor's size over the body's.
        joints: neutral joint positions, at the actor's size, (21, 3) m.
        texture: file name of the picture.
        keys: times of the key frames, (n,) s.
        rotations, positions: of the joints from the neutral pose to the actor's frame, at each key
            frame: (n, 21, 3, 3), and (n, 21, 3) m.
    """
    root = sdf.Element("COLLADA", xmlns=_XMLNS, version="1.4.1")
    add(root, "asset/unit", name="metre", meter="1")
    add(root, "asset/up_axis", "Z_UP")
    add(add(root, "library_images/image", id="skin-image", name="skin"), "init_from", texture)
    _material(root)
    _geometry(root, mesh, scale)
    _controller(root, mesh, joints)
    _animation(root, keys, _local(joints, rotations, positions))
    _scene(root, joints)
    add(root, "scene/instance_visual_scene", url="#scene")
    return root


def _local(joints: Floats, rotations: Floats, positions: Floats) -> Floats:
    """Each joint's matrix from its own frame to its parent's, at each key frame (n, 21, 4, 4).

    A joint's frame lies in the joint and, in the neutral pose, along the actor's axes.
    """
    count = len(rotations)
    local = np.tile(np.eye(4), (count, len(JOINTS), 1, 1))
    for k, parent in enumerate(PARENTS):
        if parent is None:
            local[:, k, :3, :3], local[:, k, :3, 3] = rotations[:, k], positions[:, k]
            continue
        p = JOINTS.index(parent)
        back = rotations[:, p].transpose(0, 2, 1)
        local[:, k, :3, :3] = back @ rotations[:, k]
        offset = positions[:, k] - positions[:, p]
        local[:, k, :3, 3] = (back @ offset[:, :, None])[:, :, 0]
    return local


def _material(root: sdf.Element) -> None:
    effect = add(root, "library_effects/effect", id="skin-effect")
    common = add(effect, "profile_COMMON")
    surface = add(common, "newparam", sid="skin-surface")
    add(add(surface, "surface", type="2D"), "init_from", "skin-image")
    add(add(common, "newparam", sid="skin-sampler"), "sampler2D/source", "skin-surface")
    lambert = add(add(common, "technique", sid="common"), "lambert")
    add(lambert, "emission/color", (0, 0, 0, 1))
    add(lambert, "ambient/color", (1, 1, 1, 1))
    add(lambert, "diffuse/texture", texture="skin-sampler", texcoord="UVMap")
    material = add(root, "library_materials/material", id="skin-material", name="skin")
    add(material, "instance_effect", url="#skin-effect")


def _source(parent: sdf.Element, id: str, values: NDArray[np.floating], names: str) -> None:
    """A table of floats (n, k), its columns named."""
    source = add(parent, "source", id=id)
    text = " ".join(f"{value:.6g}" for value in values.ravel())
    add(source, "float_array", text, id=f"{id}-array", count=str(values.size))
    accessor = add(
        source, "technique_common/accessor",
        source=f"#{id}-array", count=str(len(values)), stride=str(values.size // len(values)),
    )  # fmt: skip
    if names == "TRANSFORM":
        add(accessor, "param", name=names, type="float4x4")
    else:
        for name in names.split():
            add(accessor, "param", name=name, type="float")


def _names(parent: sdf.Element, id: str, names: tuple[str, ...], parameter: str) -> None:
    source = add(parent, "source", id=id)
    add(source, "Name_array", " ".join(names), id=f"{id}-array", count=str(len(names)))
    accessor = add(
        source, "technique_common/accessor",
        source=f"#{id}-array", count=str(len(names)), stride="1",
    )  # fmt: skip
    add(accessor, "param", name=parameter, type="name")


def _geometry(root: sdf.Element, mesh: Mesh, scale: float) -> None:
    geometry = add(root, "library_geometries/geometry", id="body-mesh", name="body")
    shape = add(geometry, "mesh")
    _source(shape, "body-positions", scale * mesh.vertices, "X Y Z")
    _source(shape, "body-normals", mesh.normals, "X Y Z")
    upright = np.column_stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]])
    _source(shape, "body-uv", upright, "S T")
    vertices = add(shape, "vertices", id="body-vertices")
    add(vertices, "input", semantic="POSITION", source="#body-positions")
    triangles = add(shape, "triangles", material="skin", count=str(len(mesh.faces)))
    for offset, (semantic, source) in enumerate(
        (("VERTEX", "body-vertices"), ("NORMAL", "body-normals"), ("TEXCOORD", "body-uv"))
    ):
        more = {"set": "0"} if semantic == "TEXCOORD" else {}
        add(
            triangles, "input",
            semantic=semantic, source=f"#{source}", offset=str(offset), **more,
        )  # fmt: skip
    corners = np.repeat(mesh.faces.ravel(), 3)
    add(triangles, "p", " ".join(map(str, corners)))


def _controller(root: sdf.Element, mesh: Mesh, joints: Floats) -> None:
    controller = add(root, "library_controllers/controller", id="body-skin", name="skeleton")
    skin = add(controller, "skin", source="#body-mesh")
    add(skin, "bind_shape_matrix", np.eye(4).ravel())
    _names(skin, "body-joints", JOINTS, "JOINT")
    binding = np.tile(np.eye(4), (len(JOINTS), 1, 1))
    binding[:, :3, 3] = -joints
    _source(skin, "body-bind", binding.reshape(len(JOINTS), 16), "TRANSFORM")
    vertex, joint = np.nonzero(mesh.weights > 1e-4)
    weights = mesh.weights[vertex, joint]
    totals = np.bincount(vertex, weights, minlength=len(mesh.vertices))
    _source(skin, "body-weights", (weights / totals[vertex])[:, None], "WEIGHT")
    table = add(skin, "joints")
    add(table, "input", semantic="JOINT", source="#body-joints")
    add(table, "input", semantic="INV_BIND_MATRIX", source="#body-bind")
    count = np.bincount(vertex, minlength=len(mesh.vertices))
    listed = add(skin, "vertex_weights", count=str(len(count)))
    add(listed, "input", semantic="JOINT", source="#body-joints", offset="0")
    add(listed, "input", semantic="WEIGHT", source="#body-weights", offset="1")
    add(listed, "vcount", " ".join(map(str, count)))
    pairs = np.column_stack([joint, np.arange(len(joint))])
    add(listed, "v", " ".join(map(str, pairs.ravel())))


def _animation(root: sdf.Element, keys: Floats, local: Floats) -> None:
    whole = add(root, "library_animations/animation", id="whole", name="whole")
    still = np.tile(np.eye(4), (2, 1, 1))
    tracks = [(_ROOT, keys[[0, -1]], still)]
    tracks += [(name, keys, local[:, k]) for k, name in enumerate(JOINTS)]
    for name, times, matrices in tracks:
        track = add(whole, "animation", id=f"{name}-moves")
        _source(track, f"{name}-times", times[:, None], "TIME")
        _source(track, f"{name}-matrices", matrices.reshape(len(times), 16), "TRANSFORM")
        _names(track, f"{name}-between", ("LINEAR",) * len(times), "INTERPOLATION")
        sampler = add(track, "sampler", id=f"{name}-sampler")
        add(sampler, "input", semantic="INPUT", source=f"#{name}-times")
        add(sampler, "input", semantic="OUTPUT", source=f"#{name}-matrices")
        add(sampler, "input", semantic="INTERPOLATION", source=f"#{name}-between")
        add(track, "channel", source=f"#{name}-sampler", target=f"{name}/transform")


def _scene(root: sdf.Element, joints: Floats) -> None:
    scene = add(root, "library_visual_scenes/visual_scene", id="scene", name="scene")
    nodes: dict[str | None, sdf.Element] = {None: _node(scene, _ROOT, np.zeros(3))}
    for k, (name, parent) in enumerate(zip(JOINTS, PARENTS, strict=True)):
        above = np.zeros(3) if parent is None else joints[JOINTS.index(parent)]
        nodes[name] = _node(nodes[parent], name, joints[k] - above)
    body = add(scene, "node", id="body", name="body", type="NODE")
    worn = add(body, "instance_controller", url="#body-skin")
    add(worn, "skeleton", f"#{_ROOT}")
    add(
        worn, "bind_material/technique_common/instance_material",
        symbol="skin", target="#skin-material",
    )  # fmt: skip


def _node(parent: sdf.Element, name: str, offset: Floats) -> sdf.Element:
    node = add(parent, "node", id=name, name=name, sid=name, type="JOINT")
    matrix = np.eye(4)
    matrix[:3, 3] = offset
    add(node, "matrix", matrix.ravel(), sid="transform")
    return node


def write(path: Path, element: sdf.Element) -> None:
    """Writes the file."""
    sdf.write(path, element)
