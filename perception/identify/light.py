"""In what light a picture was taken: its cast, its exposure, its noise, and whether it has colours.

Nobody says what a camera's white balance and exposure are, and a colour word is about the cloth:
what is called orange in the sun is the brown of the shade. The picture itself tells the light, as
far as it can: its cast, where that lies on the way from lamp light to blue shade, from how far
its borders are off grey; its exposure from its mean and its brightest parts. A camera that
exposes rightly is the likeliest, so small corrections are not made.

Sources: J. van de Weijer, T. Gevers and A. Gijsenij, "Edge-based color constancy", IEEE Trans.
Image Processing 16(9), 2007; J. Immerkær, "Fast noise variance estimation", Computer Vision and
Image Understanding 64(2), 1996; Planckian white points: B. Kang et al., "Design of advanced color
temperature control system for HDTV applications", J. Korean Physical Society 41(6), 2002.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Luminance of linear sRGB, ITU-R BT.709.
LUMINANCE: Floats = np.array([0.2126, 0.7152, 0.0722])

_WIDE = 72  # px across, of the small picture that is looked at
_MEAN = 0.16  # luminance of the mean of a scene, where white is 1
_RIGHT = 0.7  # stops, up to which an exposure passes for right
_FURTHEST = 4.0  # stops, beyond which nothing is left to make brighter
_DAYLIGHT = 154.0  # mired, of D65, for which a picture's white is white
_CASTS: Floats = np.arange(85.0, 401.0, 15.0)  # mired: 11800 to 2500 K
_CAST_SPREAD = 90.0  # mired, of the casts that cameras leave
_FIT = 0.25, 1.0  # of logarithms of ratios of channels, how well warmth and green tell a cast


@dataclass(frozen=True)
class Light:
    """The light of a picture.

    Attributes:
        cast: (3,) linear RGB of a white thing over that in daylight; luminance 1.
        exposure: how much brighter the picture should be, as a factor of its linear values.
        level: luminance, 0 to 1, of a white thing in the picture as it is.
        noise: standard deviation of a pixel, 0 to 1.
        colourful: whether the picture has colours at all: 0 in black and white, 1 where it does.
    """

    cast: Floats
    exposure: float
    level: float
    noise: float
    colourful: float

    @property
    def trust(self) -> float:
        """How far dark and bright can be told apart in it, 0 to 1: by exposure and noise."""
        bright = np.clip((np.log2(max(self.level, 1e-4)) + 4.0) / 2.5, 0, 1)
        clean = np.clip(1.5 - self.noise / max(self.level, 1e-4) ** (1 / 2.2) / 0.06, 0, 1)
        return float(bright * clean)


#: As a picture should be.
DAYLIGHT = Light(np.ones(3), 1.0, 1.0, 0.0, 1.0)


@cache
def _linear_levels() -> Floats:
    level = np.arange(256) / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def linear(values: NDArray[np.uint8]) -> Floats:
    """Linear light, 0 to 1, of sRGB values. Source: IEC 61966-2-1."""
    return np.asarray(_linear_levels()[values])


def encoded(light: Floats) -> Floats:
    """sRGB, 0 to 1, of linear light, which is clipped."""
    light = np.clip(light, 0.0, 1.0)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@cache
def cast_of(mired: float) -> Floats:
    """Linear sRGB (3,) of white in a black body's light over that in daylight; luminance 1."""
    ours, daylight = _white(mired), _white(_DAYLIGHT)
    cast = np.clip(ours / daylight, 0.02, None)
    return np.asarray(cast / (LUMINANCE @ cast))


@cache
def _cast_ratios() -> Floats:
    """Logarithms (n, 2) of red and blue over green of `_CASTS`."""
    casts = np.array([cast_of(mired) for mired in _CASTS.tolist()])
    return np.asarray(np.log(casts[:, [0, 2]] / casts[:, 1:2]))


def _white(mired: float) -> Floats:
    t = 1e6 / mired
    if t < 4000:
        x = -0.2661239e9 / t**3 - 0.2343589e6 / t**2 + 0.8776956e3 / t + 0.179910
    else:
        x = -3.0258469e9 / t**3 + 2.1070379e6 / t**2 + 0.2226347e3 / t + 0.240390
    if t < 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif t < 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    to_rgb = np.array(
        [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
    )
    return np.asarray(to_rgb @ np.array([x / y, 1.0, (1 - x - y) / y]))


def estimate_light(image: NDArray[np.uint8], boxes: Floats | None = None) -> Light:
    """The light of a picture.

    Args:
        image: RGB (height, width, 3).
        boxes: (n, 4) px of those whose clothes are not to be taken for the light.
    """
    step = max(1, image.shape[1] // _WIDE)
    small = np.ascontiguousarray(image[step // 2 :: step, step // 2 :: step])
    light = linear(small)
    around = _around(small.shape[:2], boxes, step)
    luminance = light @ LUMINANCE
    some = luminance[around]
    mean = float(np.exp(np.log(np.maximum(some, 1e-4)).mean()))
    level = float(np.sqrt(mean / _MEAN * max(float(np.percentile(some, 98)), 1e-4)))
    stops = -np.log2(max(level, 1e-4))
    stops = float(np.sign(stops) * min(max(abs(stops) - _RIGHT, 0.0), _FURTHEST))
    spread = small[around].astype(np.int16)
    spread = (spread.max(1) - spread.min(1)) / np.maximum(spread.max(1), 24)
    colourful = float(np.clip((np.percentile(spread, 90) - 0.05) / 0.1, 0, 1))
    cast = np.ones(3) if colourful == 0 else _cast(light, around, small)
    return Light(cast, 2.0**stops, min(level, 1.0), _noise(image), colourful)


def _around(shape: tuple[int, ...], boxes: Floats | None, step: int) -> NDArray[np.bool_]:
    """Where in the small picture nobody is; all of it where they fill it."""
    around = np.ones(shape[:2], bool)
    for box in np.zeros((0, 4)) if boxes is None else boxes:
        left, top, right, bottom = np.nan_to_num(np.clip(box, 0, 1e5) / step).astype(int)
        around[top : bottom + 1, left : right + 1] = False
    return around if around.mean() > 0.2 else np.ones(shape[:2], bool)


def _cast(light: Floats, around: NDArray[np.bool_], small: NDArray[np.uint8]) -> Floats:
    """Of all casts, the one in which the picture's borders and greys are likeliest grey."""
    clipped = (small.max(2) >= 250) | (small.max(2) <= 8)
    good = around & ~clipped
    if good.mean() < 0.05:
        return np.ones(3)
    across = np.abs(light[:-1, 1:] - light[:-1, :-1]) + np.abs(light[1:, :-1] - light[:-1, :-1])
    whole = good[:-1, :-1] & good[:-1, 1:] & good[1:, :-1]
    edges = np.sqrt((across[whole] ** 2).mean(0)) if whole.any() else np.zeros(3)
    means = light[good].mean(0)
    votes = [np.log(v[[0, 2]] / v[1]) for v in (edges, means) if v.min() > 1e-4]
    if not votes:
        return np.ones(3)
    vote = np.mean(votes, axis=0)
    off = _cast_ratios() - vote
    # Meadows and trees are green, and no light is: red against blue alone tells of the light.
    warm = (off[:, 0] - off[:, 1]) / np.sqrt(2)
    green = (off[:, 0] + off[:, 1]) / np.sqrt(2)
    misfit = (
        (warm / _FIT[0]) ** 2 + (green / _FIT[1]) ** 2 + ((_CASTS - _DAYLIGHT) / _CAST_SPREAD) ** 2
    )
    weight = np.exp(-0.5 * (misfit - misfit.min()))
    return cast_of(float(np.round(weight @ _CASTS / weight.sum())))


def _noise(image: NDArray[np.uint8]) -> float:
    """Standard deviation of a pixel in the middle of the picture, 0 to 1."""
    height, width = image.shape[:2]
    top, left = max(0, height // 2 - 120), max(0, width // 2 - 160)
    green = image[top : top + 240, left : left + 320, 1].astype(np.float32)
    if min(green.shape) < 8:
        return 0.0
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    rough = np.abs(cv2.filter2D(green, -1, mask)[1:-1, 1:-1])
    # The median: grass and brick are rough, but seldom all there is.
    return float(np.median(rough) / 0.6745 / 6 / 255)
