"""Takes the steps off the edges of a rendered picture, at a small part of multisampling's cost.

The method is T. Lottes, *FXAA* (NVIDIA white paper, 2009), in its version 3.11: where brightness
jumps, the edge is followed in both directions to where it steps aside, and each pixel on it gets
as much of its neighbour across the edge as a straight edge between the two ends would cover. It
works on the few pixels that lie on edges, here as arrays of them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

#: Second difference of the inverse depth that is no surface's bend, as a share of it: 2 cm at 10 m.
_BEND = 0.002
_LEAST = 8  # of 255: contrast below which nothing needs smoothing
#: Contrast, as a share of the brightest neighbour, that a shadow has and few textures.
_SHADOW = 0.4
_SUBPIXEL = 0.5  # how much of a lone pixel's contrast is taken off: 0 none, 1 all
#: px, how far each step of the search goes: fine near the pixel, coarse far from it.
_STRIDES = (1, 1, 1, 1, 1, 2, 2, 4, 8)
_BORDER = sum(_STRIDES) + 2  # px: the search leaves the picture by no more

Indices = NDArray[np.int32]
Floats = NDArray[np.float32]


def smooth(rgb: NDArray[np.uint8], depth: Floats) -> NDArray[np.uint8]:
    """A picture without steps on outlines and on the edges of shadows.

    Outlines are where one thing ends before another, as multisampling has it; textures stay as
    sharp as they are but where their contrast is a shadow's.

    Args:
        rgb: the picture (h, w, 3).
        depth: m along the optical axis (h, w), ``inf`` for the sky.
    """
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    brightest = cv2.dilate(grey, cross)
    contrast = np.asarray(cv2.subtract(brightest, cv2.erode(grey, cross)), np.uint8)
    edge = _outlines(depth) | (contrast > cv2.convertScaleAbs(brightest, alpha=_SHADOW))
    place = np.flatnonzero(edge & (contrast > _LEAST)).astype(np.int32)
    if not len(place):
        return rgb
    height, width = grey.shape
    rows, columns = np.divmod(place, width)
    padded = np.pad(grey, _BORDER, mode="edge")
    wide = padded.shape[1]
    at = (rows + _BORDER) * wide + columns + _BORDER
    share, (down, right) = _blend(padded.ravel(), wide, at, contrast.ravel()[place])
    # The neighbour across the edge; a pixel on the picture's rim may be its own.
    row = np.clip(rows + down, 0, height - 1)
    column = np.clip(columns + right, 0, width - 1)
    own = rgb[rows, columns].astype(np.float32)
    out = rgb.copy()
    out[rows, columns] = np.rint(own + share[:, None] * (rgb[row, column] - own))
    return out


def _outlines(depth: Floats) -> NDArray[np.bool_]:
    """Where one thing ends before another: the inverse depth of a plane is linear in the picture,
    so its second difference is zero but there."""
    inverse = 1 / depth
    bend = cv2.Laplacian(inverse, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE)
    np.abs(bend, out=bend)
    bend[[0, -1]] = 0  # what lies beyond the rim is not known
    bend[:, [0, -1]] = 0
    inverse *= _BEND
    return np.asarray(bend > inverse)


def _blend(
    light: NDArray[np.uint8], wide: int, at: Indices, contrast: NDArray[np.uint8]
) -> tuple[Floats, tuple[Indices, Indices]]:
    """For edge pixels: the share of the neighbour across the edge, and where that lies.

    Args:
        light: brightness of the picture with its border, flat.
        wide: px of one of its rows.
        at: the pixels, as places in it (n,).
        contrast: of each with its four neighbours (n,).

    Returns:
        Shares (n,) from 0 to 1, and steps to the neighbour in rows and columns (n,), one of which
        is zero.
    """

    def near(rows: int, columns: int) -> Floats:
        return np.asarray(light[at + np.int32(rows * wide + columns)], np.float32)

    middle = near(0, 0)
    north, south, west, east = near(-1, 0), near(1, 0), near(0, -1), near(0, 1)
    nw, ne, sw, se = near(-1, -1), near(-1, 1), near(1, -1), near(1, 1)
    upright = (
        np.abs(nw + ne - 2 * north)
        + 2 * np.abs(west + east - 2 * middle)
        + np.abs(sw + se - 2 * south)
    )
    level = (
        np.abs(nw + sw - 2 * west)
        + 2 * np.abs(north + south - 2 * middle)
        + np.abs(ne + se - 2 * east)
    )
    flat = level >= upright  # the edge runs along the row
    first, second = np.where(flat, north, west), np.where(flat, south, east)
    back = np.abs(first - middle) >= np.abs(second - middle)
    other = np.where(back, first, second)
    side = np.where(back, np.int32(-1), np.int32(1))
    over = np.where(flat, np.int32(wide), np.int32(1)) * side
    along = np.where(flat, np.int32(1), np.int32(wide))
    total, jump = other + middle, np.abs(other - middle)
    before, after = (_walk(light, at, at + over, way, total, jump) for way in (-along, along))
    length = before[0] + after[0]
    distance = np.minimum(before[0], after[0])
    # Only the pixel on the side that the edge steps towards is partly covered by the other.
    step = np.where(before[0] < after[0], before[1], after[1])
    covered = (step < 0) != (2 * middle < total)
    edge = np.where(covered, 0.5 - distance / length, np.float32(0))
    around = (2 * (north + south + west + east) + nw + ne + sw + se) / 12
    # Beside a straight edge it is a third.
    lone = np.clip(1.5 * np.abs(around - middle) / contrast - 0.5, 0, 1)
    lone = ((3 - 2 * lone) * lone * lone) ** 2 * _SUBPIXEL
    share = np.maximum(edge, lone).astype(np.float32)
    zero = np.int32(0)
    return share, (np.where(flat, side, zero), np.where(flat, zero, side))


def _walk(
    light: NDArray[np.uint8], at: Indices, beyond: Indices, way: Indices, total: Floats,
    jump: Floats,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Follow edges in one direction to their ends.

    Args:
        light: brightness, flat.
        at, beyond: pixels on this and the other side of the edges (n,).
        way: the step along the edges (n,).
        total, jump: the sum and the difference of brightness of the two sides (n,).

    Returns:
        How far the ends are, px (n,), and by how much the sum there lies over ``total``.
    """
    distance = np.zeros(len(at), np.float32)
    over = np.zeros(len(at), np.float32)
    going = np.arange(len(at), dtype=np.int32)
    limit = jump / 2
    for stride in _STRIDES:
        at, beyond = at + stride * way, beyond + stride * way
        off = light[at].astype(np.float32) + light[beyond] - total
        distance[going] += stride
        over[going] = off
        on = np.flatnonzero(np.abs(off) < limit)
        if not len(on):
            break
        going, at, beyond, way = going[on], at[on], beyond[on], way[on]
        total, limit = total[on], limit[on]
    return distance, over
