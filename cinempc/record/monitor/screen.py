"""A picture to draw on: lines are OpenCV's, anti-aliased; the type is DejaVu Sans, which matplotlib
ships, set by Pillow. All sizes are those of a 540 px high picture and grow with it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

_SHIFT = 4  # fractional bits of OpenCV's drawing coordinates


class Screen:
    """A picture to draw on, in px of a picture 540 px high."""

    def __init__(self, image: Pixels) -> None:
        self.image = image.copy()
        self.zoom: float = image.shape[0] / 540
        self.height = 540.0
        self.width = image.shape[1] / self.zoom

    def bar(
        self, x: float, y: float, width: float, height: float, colour: Colour, alpha: float
    ) -> None:
        """A filled rectangle with an opacity, at least a pixel wide and high."""
        x0, y0 = round(x * self.zoom), round(y * self.zoom)
        x1 = max(x0 + 1, round((x + width) * self.zoom))
        y1 = max(y0 + 1, round((y + height) * self.zoom))
        part = self.image[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)]
        if part.size:
            ink = np.asarray(colour, np.float32)
            part[:] = part + (ink - part) * np.float32(alpha) + np.float32(0.5)

    def shade(self, top: float, bottom: float, start: float, end: float) -> None:
        """Darkens rows by a share that goes from ``start`` to ``end``."""
        y0, y1 = round(top * self.zoom), round(bottom * self.zoom)
        part = self.image[max(0, y0) : y1]
        keep = _gradient(part.shape, start, end)
        cv2.multiply(part, keep, dst=part, scale=1 / 255)

    def line(
        self, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: float
    ) -> None:
        """A line."""
        a, b = self._fixed(start), self._fixed(end)
        thick = max(1, round(width * self.zoom))
        cv2.line(self.image, a, b, colour, thick, cv2.LINE_AA, _SHIFT)

    def ring(self, centre: tuple[float, float], radius: float, colour: Colour) -> None:
        """A circle's outline."""
        self._circle(centre, radius, colour, max(1, round(1.4 * self.zoom)))

    def dot(self, centre: tuple[float, float], radius: float, colour: Colour) -> None:
        """A filled circle."""
        self._circle(centre, radius, colour, cv2.FILLED)

    def triangle(self, tip: tuple[float, float], size: float, colour: Colour) -> None:
        """A filled triangle that points down."""
        x, y = tip
        points = [(x, y), (x - 0.7 * size, y - size), (x + 0.7 * size, y - size)]
        corners = np.array([self._fixed(p) for p in points], np.int32)
        cv2.fillConvexPoly(self.image, corners, colour, cv2.LINE_AA, _SHIFT)

    def text(
        self,
        at: tuple[float, float],
        words: str,
        size: float,
        colour: Colour,
        *,
        bold: bool = False,
        mono: bool = False,
        anchor: str = "ls",
        halo: bool = False,
        spacing: float = 0.0,
    ) -> float:
        """Text with its baseline at a point; returns its width.

        ``anchor`` is Pillow's: left, middle or right, and s for the baseline.
        """
        mask, base, advance = _glyphs(words, size * self.zoom, bold, mono, spacing * self.zoom)
        x, y = at[0] * self.zoom, at[1] * self.zoom
        x -= {"l": 0.0, "m": advance / 2, "r": advance}[anchor[0]]
        if halo:
            self._ink(_halo(words, size * self.zoom, bold, mono, spacing * self.zoom), x, y, base)
        self._ink(mask, x, y, base, colour)
        return advance / self.zoom

    def measure(self, words: str, size: float) -> float:
        """Width of a text."""
        return _glyphs(words, size * self.zoom, False, False, 0.0)[2] / self.zoom

    def _ink(
        self,
        mask: NDArray[np.float32],
        x: float,
        y: float,
        base: int,
        colour: Colour = (0, 0, 0),
    ) -> None:
        """Blend a colour through a mask whose margin is `_MARGIN` and baseline row ``base``."""
        x0, y0 = round(x) - _MARGIN, round(y) - base
        height, width = mask.shape[:2]
        top, left = max(0, -y0), max(0, -x0)
        part = self.image[max(0, y0) : max(0, y0 + height), max(0, x0) : max(0, x0 + width)]
        if part.size:
            cut = mask[top : top + part.shape[0], left : left + part.shape[1]]
            part[:] = part + (np.asarray(colour, np.float32) - part) * cut + np.float32(0.5)

    def _circle(
        self, centre: tuple[float, float], radius: float, colour: Colour, thick: int
    ) -> None:
        size = round(radius * self.zoom * 2**_SHIFT)
        cv2.circle(self.image, self._fixed(centre), size, colour, thick, cv2.LINE_AA, _SHIFT)

    def _fixed(self, point: tuple[float, float]) -> tuple[int, int]:
        scale = self.zoom * 2**_SHIFT
        limit = 2**20  # OpenCV's fixed point overflows far outside the picture
        x, y = (min(max(round(value * scale), -limit), limit) for value in point)
        return x, y


_MARGIN = 6


@lru_cache(maxsize=64)
def _font(size: float, bold: bool, mono: bool) -> ImageFont.FreeTypeFont:
    name = f"DejaVuSans{'Mono' if mono else ''}{'-Bold' if bold else ''}.ttf"
    return ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), max(6.0, size)
    )


@lru_cache(maxsize=2048)
def _glyphs(
    words: str, size: float, bold: bool, mono: bool, spacing: float
) -> tuple[NDArray[np.float32], int, float]:
    """A text's mask (height, width, 1), its baseline's row, and its width in px."""
    font = _font(size, bold, mono)
    ascent, descent = font.getmetrics()
    advance = float(font.getlength(words)) + spacing * max(0, len(words) - 1)
    shape = (math.ceil(advance) + 2 * _MARGIN, ascent + descent + 2 * _MARGIN)
    picture = Image.new("L", shape, 0)
    pen = ImageDraw.Draw(picture)
    if spacing:
        x = float(_MARGIN)
        for letter in words:
            pen.text((x, _MARGIN + ascent), letter, font=font, fill=255, anchor="ls")
            x += float(font.getlength(letter)) + spacing
    else:
        pen.text((_MARGIN, _MARGIN + ascent), words, font=font, fill=255, anchor="ls")
    mask = np.asarray(picture, np.float32)[..., None] / np.float32(255)
    return mask, _MARGIN + ascent, advance


@lru_cache(maxsize=512)
def _halo(words: str, size: float, bold: bool, mono: bool, spacing: float) -> NDArray[np.float32]:
    """A soft dark edge around a text's mask, so that it reads on any picture."""
    mask = _glyphs(words, size, bold, mono, spacing)[0][..., 0]
    wide = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    soft: NDArray[np.float32] = np.minimum(cv2.GaussianBlur(wide, (0, 0), 1.6) * 1.2, 0.75)
    return soft.astype(np.float32)[..., None]


@lru_cache(maxsize=16)
def _gradient(shape: tuple[int, ...], start: float, end: float) -> Pixels:
    """What to multiply rows by, 255 for one, eased so that no edge shows."""
    t = np.linspace(0.0, 1.0, shape[0])
    eased = t * t * (3 - 2 * t)
    keep = 255 * (1 - (start + (end - start) * eased))
    return np.broadcast_to(keep[:, None, None], shape).astype(np.uint8)
