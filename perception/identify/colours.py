"""The colour table: what each RGB value adds to a histogram, and which colour words could name it.

A table over RGB of 5 bits a channel, built once: a patch costs a look-up and a mean. Histograms are
over hue and saturation, which a change of exposure leaves nearly alone, and over lightness only
where there is no hue to speak of. Colour words are fuzzy sets over hue, saturation and lightness,
and overlap on purpose: a white shirt in the shade is as dark as a grey one in the sun, and so is an
orange one as a brown one. Their borders are our own, set on cloth that everybody names alike.

Sources: the eleven terms, B. Berlin and P. Kay, *Basic Color Terms* (1969); colour words as fuzzy
sets, R. Benavente, M. Vanrell and R. Baldrich, "Parametric fuzzy sets for automatic color naming",
J. Optical Society of America A 25(10), 2008; brown as an orange darker than what is about it,
C. J. Bartleson, "Brown", Color Research and Application 1(4), 1976.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from perception.identify.light import linear

Floats = NDArray[np.float64]

#: The words, in the order of the table's columns.
COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "grey", "white",
)  # fmt: skip

BITS = 5  #: Of each channel of the colours in the table.
_HUES, _GREYS = 12, 4
#: Columns of the histogram.
BINS = 2 * _HUES + _GREYS


def _ramp(x: Floats, low: float, high: float) -> Floats:
    """0 below ``low``, 1 above ``high``, straight between."""
    return np.clip((x - low) / (high - low), 0.0, 1.0)


def _hue_in(hue: Floats, low: float, high: float, soft: float = 8.0) -> Floats:
    """1 for hues (deg) from ``low`` to ``high`` around the circle, soft at both ends."""
    middle, half = (low + high) / 2, (high - low) / 2
    off = np.abs((hue - middle + 180) % 360 - 180)
    return 1 - _ramp(off, half - soft / 2, half + soft / 2)


@cache
def colour_table() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of each colour, the histogram's bins, which sum to 1, and what it could be called."""
    level = (np.arange(1 << BITS) + 0.5) / (1 << BITS)
    rgb = np.stack(np.meshgrid(level, level, level, indexing="ij"), axis=-1).reshape(-1, 3)
    value, low = rgb.max(1), rgb.min(1)
    chroma = value - low
    saturation = chroma / value
    r, g, b = rgb.T
    safe = np.maximum(chroma, 1e-9)
    hue = 60 * np.select(
        [chroma < 1e-9, value == r, value == g],
        [np.zeros_like(r), ((g - b) / safe) % 6, (b - r) / safe + 2],
        (r - g) / safe + 4,
    )
    # Dark pixels have any saturation by noise alone: chroma itself must be there too.
    vivid = _ramp(saturation, 0.14, 0.3) * _ramp(chroma, 0.04, 0.11)

    bins = np.zeros((len(rgb), BINS))
    place = hue / 360 * _HUES
    first = np.floor(place).astype(int)
    part = place - first
    strong = _ramp(saturation, 0.35, 0.65)
    rows = np.arange(len(rgb))
    for offset, near in ((0, 1 - part), (1, part)):
        column = (first + offset) % _HUES
        bins[rows, column] += vivid * near * strong
        bins[rows, _HUES + column] += vivid * near * (1 - strong)
    grey = np.clip(value * _GREYS - 0.5, 0, _GREYS - 1)
    first = np.minimum(grey.astype(int), _GREYS - 2)
    bins[rows, 2 * _HUES + first] += (1 - vivid) * (1 - (grey - first))
    bins[rows, 2 * _HUES + first + 1] += (1 - vivid) * (grey - first)

    shares = named_shares(linear(np.round(255 * rgb).astype(np.uint8)))
    return bins.astype(np.float32), shares.astype(np.float32)


def oklab(light: Floats) -> Floats:
    """Lightness, green-red and blue-yellow (n, 3) of linear sRGB (n, 3).

    Half the light has 0.79 of all three: hue and saturation do not know the exposure. Source:
    B. Ottosson, *A perceptual color space for image processing* (2020).
    """
    cones = np.cbrt(light @ _TO_CONES.T)
    return np.asarray(cones @ _TO_LAB.T)


_TO_CONES: Floats = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB: Floats = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def named_shares(light: Floats) -> Floats:
    """How far (n, 11) each of `COLOURS` may be what a cloth is called, 0 to 1.

    Args:
        light: (n, 3) linear sRGB, 0 to 1, under daylight, where white is 1.
    """
    lightness, a, b = oklab(np.maximum(light, 1e-5)).T
    chroma = np.hypot(a, b)
    saturation = chroma / np.maximum(lightness, 1e-3)
    hue = np.degrees(np.arctan2(b, a)) % 360
    # Dark pixels have any saturation by noise alone: chroma itself must be there too.
    coloured = _ramp(saturation, 0.05, 0.1) * _ramp(chroma, 0.015, 0.04)
    # A black that a lamp makes brown is still black; a dark blue is black to many.
    dark = 1 - _ramp(lightness, 0.24, 0.42)
    strong = coloured * _ramp(saturation, 0.17, 0.22)
    rosy = _ramp(saturation, 0.03, 0.07) * (1 - _ramp(saturation, 0.2, 0.27))
    pale = coloured * (1 - _ramp(saturation, 0.15, 0.21))
    # The more colour, the more light it takes for there to be none of its brown left.
    glow = _rise(lightness + 0.8 * (saturation - 0.2), 0.56, 0.06)
    warm = coloured * _ramp(saturation, 0.12, 0.18)
    shares = {
        "red": strong * _hue_in(hue, 0, 41, 14),
        "orange": warm * _hue_in(hue, 39, 82, 14) * glow,
        "yellow": coloured * _ramp(saturation, 0.08, 0.14) * _hue_in(hue, 78, 119, 12)
        * _rise(lightness, 0.6, 0.06),
        "green": coloured * _hue_in(hue, 112, 184, 16),
        "blue": coloured * _hue_in(hue, 176, 292, 16),
        "purple": coloured * _hue_in(hue, 286, 340, 16),
        "pink": np.maximum(
            coloured * _hue_in(hue, 336, 368, 14) * _rise(lightness, 0.5, 0.05),
            # A light pink bleaches early.
            rosy * _hue_in(hue, 325, 395, 14) * _rise(lightness, 0.66, 0.05),
        ),
        "brown": coloured * np.maximum(
            _hue_in(hue, 30, 100, 16) * (1 - glow),
            0.7 * pale * _hue_in(hue, 30, 95, 16) * (1 - _ramp(lightness, 0.7, 0.95)),
        ),
        "black": dark * (1 - 0.7 * coloured * _ramp(saturation, 0.15, 0.3)),
        "grey": (1 - coloured) * _ramp(lightness, 0.28, 0.42) * (1 - _ramp(lightness, 0.72, 0.88)),
        "white": (1 - coloured) * _rise(lightness, 0.76, 0.06),
    }  # fmt: skip
    return np.column_stack([np.clip(shares[name], 0, 1) for name in COLOURS])


def _rise(x: Floats, middle: float, wide: float) -> Floats:
    """From 0 to 1 about ``middle``, never quite: an exposure is known within a stop."""
    return np.asarray(1 / (1 + np.exp(-(x - middle) / wide)))
