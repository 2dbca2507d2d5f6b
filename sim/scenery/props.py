"""Meshes of the things that do not move: buildings, trees, paths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Prop:
    """A mesh: ``vertices`` (n, 3) m, ``normals`` (n, 3), ``uv`` (n, 2), ``faces`` (m, 3)."""

    vertices: Floats
    normals: Floats
    uv: Floats
    faces: Ints

    @staticmethod
    def join(parts: list[Prop]) -> Prop:
        """One mesh of several."""
        starts = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
        return Prop(
            np.concatenate([part.vertices for part in parts]),
            np.concatenate([part.normals for part in parts]),
            np.concatenate([part.uv for part in parts]),
            np.concatenate([p.faces + start for p, start in zip(parts, starts, strict=True)]),
        )


def walls(length: float, depth: float, height: float, tile: float = 6.0) -> Prop:
    """A building's four walls about the origin; the texture repeats in whole half tiles."""
    x, y = length / 2, depth / 2
    corners = np.array([[-x, -y], [x, -y], [x, y], [-x, y]])
    parts = []
    for k in range(4):
        a, b = corners[k], corners[(k + 1) % 4]
        wide = float(np.linalg.norm(b - a))
        u = max(0.5, round(wide / tile * 2) / 2)
        v = max(0.5, round(height / tile * 2) / 2)
        along = (b - a) / wide
        vertices = np.array([[*a, 0], [*b, 0], [*b, height], [*a, height]])
        normal = np.tile([along[1], -along[0], 0.0], (4, 1))
        uv = np.array([[0, v], [u, v], [u, 0], [0, 0]])
        parts.append(Prop(vertices, normal, uv, np.array([[0, 1, 2], [0, 2, 3]])))
    return Prop.join(parts)


def roof(length: float, depth: float, height: float) -> Prop:
    """A building's hipped roof over its walls, with eaves."""
    x, y = length / 2 + 0.4, depth / 2 + 0.4
    rise = 0.32 * min(x, y)
    ridge = max(x - y, 0.0), max(y - x, 0.0)
    base = np.array([[-x, -y], [x, -y], [x, y], [-x, y]])
    top = np.array([[-ridge[0], -ridge[1]], [ridge[0], -ridge[1]], [ridge[0], ridge[1]],
                    [-ridge[0], ridge[1]]])  # fmt: skip
    parts = []
    for k in range(4):
        j = (k + 1) % 4
        vertices = np.array(
            [[*base[k], height], [*base[j], height], [*top[j], height + rise],
             [*top[k], height + rise]]
        )  # fmt: skip
        normal = np.cross(vertices[1] - vertices[0], (vertices[2] + vertices[3]) / 2 - vertices[0])
        normal /= np.linalg.norm(normal)
        uv = vertices[:, :2] / 4
        faces = np.array([[0, 1, 2], [0, 2, 3]])
        parts.append(Prop(vertices, np.tile(normal, (4, 1)), uv, faces))
        low = np.array([[*base[k], height - 0.3], [*base[j], height - 0.3],
                        [*base[j], height], [*base[k], height]])  # fmt: skip
        along = (base[j] - base[k]) / np.linalg.norm(base[j] - base[k])
        out = np.tile([along[1], -along[0], 0.0], (4, 1))
        parts.append(Prop(low, out, uv, faces))
    under = np.array([[*corner, height - 0.3] for corner in base])
    parts.append(
        Prop(
            under, np.tile([0, 0, -1.0], (4, 1)), under[:, :2] / 4, np.array([[0, 2, 1], [0, 3, 2]])
        )
    )
    return Prop.join(parts)


def trunk(height: float, seed: int) -> Prop:
    """A tree's trunk with a few limbs into the crown."""
    rng = np.random.default_rng(seed)
    radius = 0.022 * height
    parts = [_limb(np.zeros(3), np.array([0, 0, 0.55 * height]), radius, 0.6 * radius)]
    for k in range(5):
        turn = 2 * np.pi * (k / 5) + rng.uniform(-0.3, 0.3)
        start = np.array([0, 0, height * rng.uniform(0.30, 0.48)])
        reach = height * rng.uniform(0.16, 0.24)
        tip = start + np.array([reach * np.cos(turn), reach * np.sin(turn), reach * 1.1])
        parts.append(_limb(start, tip, 0.4 * radius, 0.15 * radius))
    return Prop.join(parts)


def _limb(start: Floats, end: Floats, thick: float, thin: float, sides: int = 9) -> Prop:
    axis = (end - start) / np.linalg.norm(end - start)
    e1 = np.cross(axis, [0.31, 0.95, 0.1])
    e1 /= np.linalg.norm(e1)
    e2 = np.cross(axis, e1)
    turn = np.linspace(0, 2 * np.pi, sides + 1)
    ring = np.cos(turn)[:, None] * e1 + np.sin(turn)[:, None] * e2
    vertices = np.concatenate([start + thick * ring, end + thin * ring])
    u = turn / (2 * np.pi)
    v = float(np.linalg.norm(end - start)) / 1.5
    uv = np.concatenate([np.stack([u, np.full_like(u, v)], 1), np.stack([u, np.zeros_like(u)], 1)])
    a = np.arange(sides)
    b = a + sides + 1
    faces = np.concatenate([np.stack([a, a + 1, b], 1), np.stack([a + 1, b + 1, b], 1)])
    return Prop(vertices, np.concatenate([ring, ring]), uv, faces)


def crown(height: float, seed: int, tufts: int = 1000) -> Prop:
    """A tree's leaves: dark lumps inside, tufts of leaves all over them."""
    rng = np.random.default_rng(seed)
    middle = np.array([0, 0, 0.66 * height])
    spread = np.array([0.30, 0.30, 0.27]) * height
    lumps, sizes = [], []
    for _ in range(16):
        d = rng.normal(size=3)
        d /= np.linalg.norm(d)
        lumps.append(middle + spread * d * rng.uniform(0.35, 0.75) * [1, 1, 0.95])
        sizes.append(height * rng.uniform(0.10, 0.155))
    lumps.append(middle)
    sizes.append(0.2 * height)
    parts = []
    for place, size in zip(lumps, sizes, strict=True):
        points, faces = _sphere(1)
        bumps = 1 + 0.12 * np.sin(7 * points @ rng.normal(size=3)) * np.sin(
            6 * points @ rng.normal(size=3)
        )
        vertices = place + points * (size * bumps)[:, None]
        outward = vertices - middle
        normal = 0.55 * points + 0.45 * outward / np.linalg.norm(outward, axis=1, keepdims=True)
        uv = np.stack([points[:, 0] + points[:, 1], points[:, 2] + points[:, 1]], 1) * 0.9
        parts.append(Prop(vertices, _unit(normal), uv + rng.random(2), faces))
    # Tufts: small triangles that break up the outline.
    which = rng.choice(len(lumps), tufts, p=np.square(sizes) / np.sum(np.square(sizes)))
    d = _unit(rng.normal(size=(tufts, 3)))
    centre = (
        np.array(lumps)[which]
        + d * (np.array(sizes)[which] * rng.uniform(0.92, 1.16, tufts))[:, None]
    )
    across = height * rng.uniform(0.010, 0.022, tufts)[:, None, None]
    corner = centre[:, None] + across * rng.normal(size=(tufts, 3, 3))
    outward = _unit(0.6 * d + 0.4 * _unit(centre - middle) + 0.35 * rng.normal(size=d.shape))
    uv = rng.random((tufts, 1, 2)) + 0.15 * rng.random((tufts, 3, 2))
    faces = np.arange(3 * tufts).reshape(-1, 3)
    both = np.concatenate([faces, faces[:, ::-1]])
    parts.append(Prop(corner.reshape(-1, 3), np.repeat(outward, 3, 0), uv.reshape(-1, 2), both))
    return Prop.join(parts)


def ribbon(line: ArrayLike, width: float, height: float = 0.012, tile: float = 2.0) -> Prop:
    """A flat path along a line (n, 2), m, a little above the ground, its bends smoothed."""
    points = np.asarray(line, float)
    for _ in range(4):  # corner cutting (Chaikin, 1974)
        a, b = points[:-1], points[1:]
        inner = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], 1).reshape(-1, 2)
        points = np.concatenate([points[:1], inner[1:-1], points[-1:]])
    tangent = _unit(np.gradient(points, axis=0))
    left = np.stack([-tangent[:, 1], tangent[:, 0]], 1) * width / 2
    flat = np.concatenate([points + left, points - left])
    vertices = np.column_stack([flat, np.full(len(flat), height)])
    n = len(points)
    a = np.arange(n - 1)
    faces = np.concatenate([np.stack([a, a + n, a + 1], 1), np.stack([a + 1, a + n, a + n + 1], 1)])
    return Prop(vertices, np.tile([0, 0, 1.0], (len(flat), 1)), flat / tile, faces)


def _unit(v: Floats) -> Floats:
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12))


def _sphere(rounds: int) -> tuple[Floats, Ints]:
    """An icosphere's points (n, 3) and faces (m, 3)."""
    g = (1 + 5**0.5) / 2
    points = [
        [-1, g, 0], [1, g, 0], [-1, -g, 0], [1, -g, 0], [0, -1, g], [0, 1, g],
        [0, -1, -g], [0, 1, -g], [g, 0, -1], [g, 0, 1], [-g, 0, -1], [-g, 0, 1],
    ]  # fmt: skip
    faces = [
        [0, 11, 5], [0, 5, 1], [0, 1, 7], [0, 7, 10], [0, 10, 11], [1, 5, 9], [5, 11, 4],
        [11, 10, 2], [10, 7, 6], [7, 1, 8], [3, 9, 4], [3, 4, 2], [3, 2, 6], [3, 6, 8],
        [3, 8, 9], [4, 9, 5], [2, 4, 11], [6, 2, 10], [8, 6, 7], [9, 8, 1],
    ]  # fmt: skip
    v = [np.array(p) / np.linalg.norm(p) for p in points]
    for _ in range(rounds):
        seen: dict[tuple[int, int], int] = {}

        def middle(a: int, b: int, seen: dict[tuple[int, int], int] = seen) -> int:
            key = (min(a, b), max(a, b))
            if key not in seen:
                m = v[a] + v[b]
                v.append(m / np.linalg.norm(m))
                seen[key] = len(v) - 1
            return seen[key]

        split = []
        for a, b, c in faces:
            ab, bc, ca = middle(a, b), middle(b, c), middle(c, a)
            split += [[a, ab, ca], [b, bc, ab], [c, ca, bc], [ab, bc, ca]]
        faces = split
    return np.array(v), np.array(faces)
