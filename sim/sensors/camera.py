"""The simulator's camera: pictures of the world through a lens with real depth of field.

The world gives a pinhole picture with depth. Each pixel's blur circle follows from its depth by
`cinempc.lens.blur_circle_signed`; the picture is cut into slices of like blur, each is blurred by
a disc of its diameter together with its coverage, and the slices are laid over each other from
far to near. So a blurred background cannot spill over a sharp edge in front of it, and a blurred
foreground spreads over what lies behind. After B. A. Barsky and T. J. Kosloff, *Algorithms for
rendering depth of field effects in computer graphics* (2008), section on layered methods. Light is
added up in linear light, so highlights stay bright.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cinempc import frames, lens
from cinempc.rig.camera import Camera, LensState
from cinempc.rig.state import CameraPose, Frame
from sim.scenery.world import World

Floats = NDArray[np.float32]

_SHARP = 1.0  # px: smaller blur circles are left alone
_FINE = 10.0  # px: below, slices are 1 px wide; above, 12 %: within 0.5 px or 6 % of the truth
_GROWTH = 1.12
_GAMMA = 2.0  # of the picture; near enough to sRGB's 2.2, and its inverse is a square root


class SimCamera:
    """A camera in the simulator's world.

    Args:
        world: what it films.
        camera: its sensor and picture size.
        noise: standard deviation of the sensor's noise, in levels of 255.
        exposure: stops of over- (above 0) or underexposure.
        seed: of the noise; the same seed gives the same pictures.
    """

    def __init__(
        self,
        world: World,
        camera: Camera,
        *,
        noise: float = 1.2,
        exposure: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.world = world
        self.camera = camera
        self.noise = noise
        self.exposure = exposure
        self.seed = seed
        width, height = camera.picture.width, camera.picture.height
        grain = np.random.default_rng(seed).normal(0, noise, (height + 61, width + 67, 1))
        self._grain = np.repeat(grain, 3, axis=2).astype(np.int8)

    def expose(self, time: float, pose: CameraPose, state: LensState) -> Frame:
        """A picture.

        Args:
            time: s.
            pose: where the camera is and looks, world frame.
            state: how the lens stands. It may lie outside the camera's ranges.

        Returns:
            A frame whose depth is the pinhole picture's, without blur.
        """
        sensor = (self.camera.sensor.width, self.camera.sensor.height)
        size = (self.camera.picture.width, self.camera.picture.height)
        rotation = frames.camera_rotation(pose.yaw, pose.pitch, pose.roll)
        rgb, depth = self.world.render(
            time, pose.position, rotation, state.focal_length_mm, sensor, size
        )
        image = defocus(rgb, blur_px(depth, state, sensor[0]), gain=2.0**self.exposure)
        if self.noise > 0:
            # One field of grain, laid at another place for each time.
            place = np.random.default_rng([self.seed, round(time * 1e6) & 0xFFFFFFFF])
            y, x = place.integers(0, 61), place.integers(0, 67)
            grain = self._grain[y : y + size[1], x : x + size[0]]
            image = np.asarray(cv2.add(image, grain, dtype=cv2.CV_8U), np.uint8)
        return Frame(time, image, pose, state, sensor, depth)


def blur_px(depth: Floats, state: LensState, sensor_width_mm: float) -> Floats:
    """Blur-circle diameters, px, of a depth picture (h, w), m: above zero in front of the focus,
    below zero behind it."""
    mm = lens.blur_circle_signed(
        1.0 / depth, 1.0 / state.focus_distance_m, state.focal_length_mm, state.f_number
    )
    return np.asarray(mm * (depth.shape[1] / sensor_width_mm), dtype=np.float32)


def defocus(rgb: NDArray[np.uint8], blur: Floats, gain: float = 1.0) -> NDArray[np.uint8]:
    """A picture (h, w, 3) blurred by signed blur-circle diameters (h, w), px.

    Args:
        rgb: the sharp picture.
        blur: as `blur_px` gives it.
        gain: factor on the light.
    """
    if gain == 1.0 and float(np.max(np.abs(blur))) < _SHARP:
        return rgb
    table = (gain * (np.arange(256) / 255.0) ** _GAMMA).astype(np.float32)
    # Colour and a fourth channel of ones: cut out by a mask, it is the slice's coverage.
    light = np.asarray(cv2.cvtColor(cv2.LUT(rgb, table), cv2.COLOR_RGB2RGBA), np.float32)
    number = _slices(_own_edges(blur))
    total = np.zeros_like(light)  # colour times coverage, and coverage
    filled = False
    for k in np.flatnonzero(np.bincount(number.ravel(), minlength=256)):  # from far to near
        mask = (number == int(k)).view(np.uint8)
        x, y, w, h = cv2.boundingRect(mask)
        slice_ = int(k) - _MIDDLE
        diameter = _diameter(abs(slice_))
        reach = int(np.ceil(diameter / 2)) + 9
        top, bottom = max(0, y - reach), min(mask.shape[0], y + h + reach)
        left, right = max(0, x - reach), min(mask.shape[1], x + w + reach)
        area = np.s_[top:bottom, left:right]
        if slice_ > 1 and not filled:
            total = _fill(total, reach)
            filled = True
        if slice_ == 0:
            cv2.copyTo(light[area], mask[area], total[area])
            continue
        cut = np.asarray(cv2.copyTo(light[area], mask[area]), np.float32)
        layer = _disc_blur(cut, diameter)
        below = total[area]
        below *= 1 - layer[..., 3:]
        below += layer
    coverage = np.maximum(total[..., 3], 1e-4)
    colour = cv2.divide(cv2.cvtColor(total, cv2.COLOR_RGBA2RGB), cv2.merge([coverage] * 3))
    encoded = cv2.sqrt(np.maximum(colour, 0))
    return np.asarray(cv2.convertScaleAbs(encoded, alpha=255.0), np.uint8)


_MIDDLE = 127  # the number of the sharp slice; lower is farther
_STEPS = 8  # slices begin at eighths of a px


def _own_edges(blur: Floats) -> Floats:
    """Gives the half-covered pixels round a sharp thing to that thing, not to the blur behind."""
    near = cv2.dilate(blur, np.ones((3, 3), np.uint8))
    mine = (np.abs(near) < 1.5) & (near - blur > 2.0)
    return np.asarray(np.where(mine, near, blur), np.float32)


def _slices(blur: Floats) -> NDArray[np.uint8]:
    """The slice of each pixel: 127 sharp, below behind the focus, above in front of it."""
    limit = len(_slice_table()) // 2
    index = np.clip(blur * _STEPS + (limit + 0.5), 0, 2 * limit).astype(np.int32)
    return np.asarray(_slice_table()[index])


@lru_cache(maxsize=1)
def _slice_table() -> NDArray[np.uint8]:
    limit = 2000 * _STEPS
    blur = np.arange(-limit, limit + 1) / _STEPS
    size = np.maximum(np.abs(blur), 1e-3)
    first = _FINE - _SHARP + 1
    coarse = np.floor(np.log(size / _FINE) / np.log(_GROWTH) + 1e-9) + first
    fine = np.where(size < _FINE, np.floor(size - _SHARP) + 1, coarse)
    number = np.where(size < _SHARP, 0, np.minimum(fine, _MIDDLE))
    return np.asarray(_MIDDLE + np.copysign(number, blur), dtype=np.uint8)


def _diameter(number: int) -> float:
    """The middle diameter of a slice, px."""
    first = int(_FINE - _SHARP + 1)
    if number < first:
        return _SHARP + number - 0.5
    return float(_FINE * _GROWTH ** (number - first + 0.5))


def _disc_blur(layer: Floats, diameter: float) -> Floats:
    """A layer blurred by a disc; large discs on a smaller picture."""
    shrink = 1
    while diameter / shrink >= 12 and min(layer.shape[:2]) > 8 * shrink:
        shrink *= 2
    if shrink == 1:
        return np.asarray(cv2.filter2D(layer, -1, _disc(diameter), borderType=cv2.BORDER_REFLECT))
    h, w = layer.shape[:2]
    rows, columns = -h % shrink, -w % shrink
    padded = cv2.copyMakeBorder(layer, 0, rows, 0, columns, cv2.BORDER_REFLECT)
    small = cv2.resize(padded, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    # Shrinking and enlarging blur too: their variance comes off the disc's, which is d²/16.
    extra = (shrink**2 - 1) / 12 + shrink**2 / 6
    kernel = _disc(float(np.sqrt(diameter**2 - 16 * extra)) / shrink)
    small = cv2.filter2D(small, -1, kernel, borderType=cv2.BORDER_REFLECT)
    big = cv2.resize(small, (w + columns, h + rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(big[:h, :w])


@lru_cache(maxsize=256)
def _disc(diameter: float) -> Floats:
    """A disc of a diameter, px, with a soft rim, that sums to 1."""
    half = int(np.ceil(diameter / 2))
    t = np.arange(-half, half + 1)
    fine = (t[:, None] + (np.arange(8) + 0.5) / 8 - 0.5).ravel()
    inside = (fine[:, None] ** 2 + fine[None, :] ** 2 <= (diameter / 2) ** 2).astype(np.float32)
    n = len(t)
    kernel = inside.reshape(n, 8, n, 8).mean(axis=(1, 3))
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def _fill(total: Floats, reach: int) -> Floats:
    """What lies behind the foreground, guessed from around it, so that coverage is 1."""
    out = total
    steps = max(1, int(np.ceil(np.log2(max(2, reach)))) + 1)
    pyramid = [total]
    for _ in range(steps):
        pyramid.append(np.asarray(cv2.pyrDown(pyramid[-1]), np.float32))
    guess = pyramid[-1] / np.maximum(pyramid[-1][..., 3:], 1e-4)
    for level in reversed(pyramid[:-1]):
        larger = cv2.resize(guess, (level.shape[1], level.shape[0]))
        out = np.asarray(level + (1 - np.minimum(level[..., 3:], 1)) * larger, np.float32)
        guess = out / np.maximum(out[..., 3:], 1e-4)
    return np.asarray(guess)
