"""A baked body: its mesh, how it follows its joints, and how it is dressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.scenery.bodies.labels import JOINTS, LABELS

Floats = NDArray[np.float32]

#: The bodies there are, by name.
NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.npz")))


@dataclass(frozen=True, eq=False)
class Mesh:
    """A skinned mesh: ``vertices`` (n, 3) m in the neutral pose (x forward, y left, z up, ground
    at 0), unit ``normals`` (n, 3), ``faces`` (m, 3), ``uv`` (n, 2) from the texture's top left,
    ``weights`` (n, 21) of the joints."""

    vertices: Floats
    normals: Floats
    faces: NDArray[np.int32]
    uv: Floats
    weights: Floats

    def skin(
        self, joints: NDArray[np.float64], rotations: NDArray[np.float64],
        positions: NDArray[np.float64], scale: float,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """Vertices and normals (n, 3) in the world, by linear blend skinning.

        Args:
            joints: neutral joint positions (21, 3), m, before scaling.
            rotations: (21, 3, 3) from the neutral pose to the world.
            positions: joint positions (21, 3) in the world, m.
            scale: the actor's size over the body's.
        """
        shift = positions - np.einsum("jab,jb->ja", rotations, scale * joints)
        moves = np.concatenate([rotations.reshape(-1, 9), shift], axis=1).astype(np.float32)
        blend = self.weights @ moves
        turn = blend[:, :9].reshape(-1, 3, 3)
        vertices = np.matmul(turn, (scale * self.vertices)[:, :, None])[:, :, 0] + blend[:, 9:]
        normals = np.matmul(turn, self.normals[:, :, None])[:, :, 0]
        return vertices, normals


@dataclass(frozen=True, eq=False)
class Body:
    """One baked body.

    ``mesh`` is for people near the camera, ``far`` a coarse one for those who are small in the
    picture. ``joints`` (21, 3) m; ``face`` (5, 3) m: nose, left and right eye, left and right ear;
    ``height`` its standing height, m, shoes and hair included; ``labels`` and ``shade``
    (1024, 1024) say what a texel shows and how dark it is.
    """

    name: str
    mesh: Mesh
    far: Mesh
    joints: NDArray[np.float64]
    face: NDArray[np.float64]
    height: float
    labels: NDArray[np.uint8]
    shade: NDArray[np.uint8]

    def texture(
        self, colours: Mapping[str, tuple[float, float, float]], size: int = 1024, seed: int = 0
    ) -> NDArray[np.uint8]:
        """The body's texture (size, size, 3) in given colours, 0..1 by label."""
        table = np.array([colours[name] for name in LABELS])
        stride = self.labels.shape[0] // size
        labels = self.labels[::stride, ::stride]
        shade = self.shade[::stride, ::stride].astype(float) / 255
        grain = np.random.default_rng(seed).normal(0, 0.025, labels.shape)
        grain[np.isin(labels, [LABELS.index(n) for n in ("eye", "iris", "pupil")])] = 0
        colour = table[labels] * (shade + grain)[..., None]
        return np.asarray(np.clip(colour * 255, 0, 255).astype(np.uint8))


@cache
def load(name: str) -> Body:
    """A body of `NAMES`."""
    with np.load(Path(__file__).parent / f"{name}.npz") as data:
        vertices = data["vertices"].astype(np.float32) * np.float32(1e-4)
        weights = np.zeros((len(vertices), len(JOINTS)), np.float32)
        share = data["weights"].astype(np.float32)
        share /= share.sum(axis=1, keepdims=True)
        np.add.at(weights, (np.arange(len(vertices))[:, None], data["weight_joints"]), share)
        normals = data["normals"].astype(np.float32)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        uv = data["uv"].astype(np.float32) / 65535

        def mesh(name: str) -> Mesh:
            used, faces = np.unique(data[name].astype(np.int32), return_inverse=True)
            triangles = faces.reshape(-1, 3).astype(np.int32)
            return Mesh(vertices[used], normals[used], triangles, uv[used], weights[used])

        near = mesh("faces")
        return Body(
            name,
            near,
            mesh("faces_far"),
            data["joints"].astype(float),
            _face(near, data["labels"]),
            float(vertices[:, 2].max()),
            data["labels"],
            data["shade"],
        )


def _face(mesh: Mesh, labels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Nose, eyes and ears (5, 3), m, found on the mesh by what its texels show."""
    size = np.array(labels.shape[::-1])
    column, row = np.clip((mesh.uv * size).astype(int), 0, size - 1).T
    shown = labels[row, column]
    head = mesh.weights[:, JOINTS.index("head")] > 0.5
    eyes = mesh.vertices[head & np.isin(shown, [LABELS.index(n) for n in ("eye", "iris", "pupil")])]
    left, right = (eyes[sign * eyes[:, 1] > 0].mean(axis=0) for sign in (1, -1))
    skin = mesh.vertices[head & (shown == LABELS.index("skin"))]
    below = left[2] - skin[:, 2]
    nose = skin[(np.abs(skin[:, 1]) < 0.02) & (below > 0) & (below < 0.08)]
    ears = skin[(below > -0.03) & (below < 0.06)]
    return np.array(
        [
            nose[nose[:, 0].argmax()],
            left,
            right,
            ears[ears[:, 1].argmax()],
            ears[ears[:, 1].argmin()],
        ],
        dtype=float,
    )
