"""Procedural textures of the simulator's world: (height, width, 3) uint8, seeded, read-only.

The last ones are kept: they take seconds, and scenes that are built one after the other share them.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
RGB = tuple[float, float, float]


def _image(colour: Floats) -> Image:
    image = np.ascontiguousarray(np.clip(colour * 255 + 0.5, 0, 255).astype(np.uint8))
    image.setflags(write=False)
    return image


def noise(size: int, cells: int, rng: np.random.Generator, octaves: int = 4) -> Floats:
    """Tileable fractal noise (size, size), about -1..1, with ``cells`` lumps across."""
    total = np.zeros((size, size))
    weight = 0.0
    for octave in range(octaves):
        n = min(cells * 2**octave, size)
        grid = rng.uniform(-1, 1, (n, n))
        grid = np.pad(grid, 2, mode="wrap")
        scale = size / n
        index = (np.arange(size) + 0.5) / scale - 0.5 + 2
        x, y = np.meshgrid(index.astype(np.float32), index.astype(np.float32))
        layer = cv2.remap(grid.astype(np.float32), x, y, cv2.INTER_CUBIC)
        total += layer * 0.55**octave
        weight += 0.55**octave
    return np.asarray(total / weight)


@lru_cache(maxsize=2)
def paving(seed: int = 0, size: int = 2048, tiles: int = 16) -> Image:
    """Square stone slabs with joints, ``tiles`` across, each of its own tone."""
    rng = np.random.default_rng(seed)
    cell = size // tiles
    tone = rng.normal(0, 0.028, (tiles, tiles, 1)) + rng.normal(0, 0.008, (tiles, tiles, 3))
    tone = np.repeat(np.repeat(tone, cell, axis=0), cell, axis=1)
    base = np.array([0.56, 0.535, 0.50])
    stain = noise(size, 4, rng)[..., None] * 0.07 + noise(size, 64, rng, 3)[..., None] * 0.035
    colour = base + tone + stain + rng.normal(0, 0.02, (size, size, 1))
    inside = np.arange(size) % cell
    edge = np.minimum(inside, cell - 1 - inside)
    joint = np.minimum(edge[:, None], edge[None, :]).astype(float)
    colour *= np.where(joint < 2, 0.62, np.where(joint < 4, 0.93, 1.0))[..., None]
    return _image(colour)


@lru_cache(maxsize=2)
def asphalt(seed: int = 0, size: int = 1024) -> Image:
    """Worn asphalt."""
    rng = np.random.default_rng(seed)
    speck = rng.normal(0, 0.05, (size, size, 1))
    return _image(np.array([0.33, 0.33, 0.34]) + speck + noise(size, 5, rng)[..., None] * 0.06)


@lru_cache(maxsize=2)
def grass(seed: int = 0, size: int = 2048) -> Image:
    """A mown lawn with drier patches."""
    rng = np.random.default_rng(seed)
    blur = cv2.GaussianBlur(rng.normal(0, 1, (size, size)), (0, 0), sigmaX=0.7, sigmaY=2.2)
    blades = np.asarray(blur, float)
    blades /= blades.std()
    patch = noise(size, 5, rng)
    fine = noise(size, 60, rng, 3)
    dry = np.clip(0.5 + 0.9 * patch + 0.3 * fine, 0, 1)[..., None]
    colour = (1 - dry) * np.array([0.235, 0.36, 0.125]) + dry * np.array([0.37, 0.44, 0.19])
    return _image(colour * (1 + 0.13 * blades + 0.14 * fine)[..., None])


@lru_cache(maxsize=2)
def gravel(seed: int = 0, size: int = 512) -> Image:
    """Fine light gravel."""
    rng = np.random.default_rng(seed)
    stones = cv2.GaussianBlur(rng.normal(0, 1, (size, size)), (0, 0), 1.1)
    colour = np.array([0.66, 0.59, 0.47]) + (stones / stones.std() * 0.055)[..., None]
    return _image(colour + noise(size, 4, rng)[..., None] * 0.05)


@lru_cache(maxsize=32)
def facade(colour: RGB, seed: int = 0, size: int = 512) -> Image:
    """Two storeys by two windows of a plastered wall; one tile is 6 m by 6 m."""
    rng = np.random.default_rng(seed)
    wall = np.array(colour) + noise(size, 3, rng)[..., None] * 0.03
    wall = wall + rng.normal(0, 0.008, (size, size, 1))
    cell = size // 2
    for row in range(2):
        for column in range(2):
            top, left = row * cell, column * cell
            y0, y1 = top + int(0.20 * cell), top + int(0.78 * cell)
            x0, x1 = left + int(0.29 * cell), left + int(0.71 * cell)
            frame = cell // 26
            wall[y0 - frame : y1 + frame, x0 - frame : x1 + frame] = np.array(colour) * 1.13
            sky = np.linspace(0.62, 0.30, y1 - y0)[:, None, None]
            glass = np.array([0.42, 0.50, 0.58]) * (sky + rng.uniform(-0.1, 0.1))
            wall[y0:y1, x0:x1] = glass
            if rng.random() < 0.6:  # a curtain
                half = int((x1 - x0) * rng.uniform(0.15, 0.4))
                wall[y0:y1, x0 : x0 + half] = 0.55 * np.array([0.8, 0.78, 0.72]) + 0.1
            bar = max(1, cell // 60)
            middle = (x0 + x1) // 2
            wall[y0:y1, middle - bar : middle + bar] = np.array(colour) * 1.1
            third = y0 + (y1 - y0) // 3
            wall[third - bar : third + bar, x0:x1] = np.array(colour) * 1.1
            wall[y0 : y0 + 2 * bar, x0:x1] *= 0.6  # the lintel's shadow
            sill = y1 + frame
            wall[sill : sill + frame, x0 - 2 * frame : x1 + 2 * frame] = np.array(colour) * 1.2
            wall[sill + frame : sill + 2 * frame, x0 - 2 * frame : x1 + 2 * frame] *= 0.72
        line = top + cell - cell // 18
        wall[line : line + cell // 30] = np.array(colour) * 1.1
        wall[line + cell // 30 : line + cell // 20] *= 0.8
    return _image(wall)


@lru_cache(maxsize=64)
def leaves(colour: RGB, seed: int = 0, size: int = 256) -> Image:
    """Mottled foliage."""
    rng = np.random.default_rng(seed)
    spots = cv2.GaussianBlur(rng.normal(0, 1, (size, size)), (0, 0), 2.0)
    lump = noise(size, 10, rng, 4)
    tone = 1 + 0.22 * spots / spots.std() + 0.45 * lump
    warm = (1 + 0.25 * noise(size, 6, rng))[..., None] * np.array([1.0, 0.55, 0.4]) + np.array(
        [0.0, 0.45, 0.6]
    )
    return _image(np.array(colour) * tone[..., None] * warm)


@lru_cache(maxsize=2)
def bark(seed: int = 0, size: int = 128) -> Image:
    """Furrowed bark."""
    rng = np.random.default_rng(seed)
    furrow = cv2.GaussianBlur(rng.normal(0, 1, (size, size)), (0, 0), sigmaX=1.2, sigmaY=7)
    return _image(np.array([0.30, 0.24, 0.18]) * (1 + 0.3 * furrow / furrow.std())[..., None])


def haze_colour(clouds: float) -> Floats:
    """The horizon's colour (3,), 0..1."""
    return (1 - clouds) * np.array([0.74, 0.82, 0.90]) + clouds * np.array([0.80, 0.83, 0.86])


def sky(directions: Floats, sun: Floats, clouds: float, seed: int = 0) -> Image:
    """The sky's colour along directions (h, w, 3), world frame, with the sun's glow.

    Args:
        directions: unit vectors.
        sun: unit vector towards the sun.
        clouds: cover, 0 to 1.
        seed: of the clouds.
    """
    rng = np.random.default_rng(seed)
    up = np.clip(directions[..., 2], 0, 1)
    zenith = np.array([0.25, 0.45, 0.76])
    horizon = haze_colour(clouds)
    blend = np.exp(-up * 4.5)[..., None]
    colour = blend * horizon + (1 - blend) * zenith
    glow = np.clip(directions @ sun, 0, 1)
    colour = colour + (0.16 * glow**8 + 0.5 * glow**400)[..., None] * np.array([1.0, 0.93, 0.8])
    if clouds > 0:
        size = 1024
        field = noise(size, 5, rng, 7).astype(np.float32)
        flat = directions[..., :2] / (up + 0.14)[..., None]
        where = [((flat[..., k] * 0.11 + 0.5) % 1 * size).astype(np.float32) for k in range(2)]
        value = cv2.remap(field, where[0], where[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        spread = np.quantile(field, [0.02, 0.98])
        threshold = spread[1] - clouds * (spread[1] - spread[0])
        amount = np.clip((value - threshold) / 0.35, 0, 1) * np.clip(up * 9 - 0.35, 0, 1)
        amount = amount * amount * (3 - 2 * amount)
        white = 0.97 - 0.22 * np.clip((value - threshold) / 0.8, 0, 1)
        colour = colour + 0.92 * amount[..., None] * (white[..., None] - colour)
    return _image(colour)
