"""Zoom in Gazebo: a row of cameras, each cropped to what the lens sees.

No system of Gazebo changes a camera's field of view while it runs. So the model has several
cameras in one place, each of the field of view of one focal length, a step apart, and each with
as many more pixels as the step is large. The picture at a focal length is cut out of the one of
the nearest shorter focal length: a pinhole picture cut in its middle is exactly that of a longer
lens, and it is never enlarged. Gazebo renders only the cameras that somebody listens to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from cinempc import lens
from cinempc.rig.camera import Camera

#: Largest ratio of one camera's focal length to the next: pictures are rendered so much larger.
MOST = 1.5
#: Narrowest field of view that SDF lets a camera have, rad.
NARROWEST = 0.1
#: A camera is listened to before it is needed: when the lens is nearer than this ratio to it.
AHEAD = 1.15


@dataclass(frozen=True)
class Step:
    """One camera of the row: ``focal_length`` mm, ``width`` and ``height`` px, ``field_of_view``
    across its width, rad."""

    name: str
    focal_length: float
    width: int
    height: int
    field_of_view: float


@dataclass(frozen=True)
class Row:
    """The cameras of a lens, from the shortest focal length on."""

    camera: Camera
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, camera: Camera) -> Row:
        """The row that a lens needs; one camera for a lens that does not zoom."""
        low, high = camera.focal_length.min, camera.focal_length.max
        # Gazebo has no longer lens: its picture is cut further, and has the pixels for it.
        longest = camera.sensor.width / (2 * math.tan(NARROWEST / 2))
        end = min(high, max(low, longest))
        count = max(1, math.ceil(math.log(end / low) / math.log(MOST) - 1e-9))
        ends = [low * (end / low) ** (k / count) for k in range(count + 1)]
        if high > end:
            ends.append(high)
        return cls(
            camera,
            tuple(
                _step(camera, f"lens_{k}", near, far / near)
                for k, (near, far) in enumerate(pairwise(ends))
            ),
        )

    def serving(self, focal_length: float) -> int:
        """The camera whose picture is cut for a focal length, mm: the longest one that is not
        longer, or the first."""
        return max(
            (k for k, s in enumerate(self.steps) if s.focal_length <= focal_length * (1 + 1e-6)),
            default=0,
        )

    def needed(self, focal_length: float) -> set[int]:
        """The cameras to listen to: the serving one, and a neighbour that is about to serve."""
        now = self.serving(focal_length)
        needed = {now}
        if now > 0 and focal_length < self.steps[now].focal_length * AHEAD:
            needed.add(now - 1)
        if now + 1 < len(self.steps) and focal_length * AHEAD > self.steps[now + 1].focal_length:
            needed.add(now + 1)
        return needed

    def shown(self, step: int, focal_length: float) -> float:
        """The focal length, mm, that a camera's picture can be cut to: the wanted one, unless the
        camera's own is longer."""
        return max(focal_length, self.steps[step].focal_length)


def _step(camera: Camera, name: str, focal_length: float, ratio: float) -> Step:
    """A camera with square pixels that sees at least all the sensor does, and serves up to a focal
    length that is ``ratio`` times its own."""
    wide = camera.sensor.width / (2 * focal_length)
    larger = ratio * max(1.0, math.tan(NARROWEST / 2) / wide)
    width = 2 * math.ceil(camera.picture.width * larger / 2)
    height = 2 * math.ceil(camera.picture.height * larger / 2)
    # Gazebo takes the field of view across the width, and the height from the picture's shape.
    side = max(camera.sensor.width, camera.sensor.height * width / height)
    angle = float(lens.field_of_view(side, focal_length))
    return Step(name, focal_length, width, height, max(angle, NARROWEST))


def cut(
    image: NDArray[np.uint8],
    depth: NDArray[np.float32] | None,
    field_of_view: float,
    camera: Camera,
    focal_length: float,
) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
    """The lens's picture out of a wider one.

    Args:
        image, depth: of a pinhole camera with square pixels; (h, w, 3) and (h, w), m.
        field_of_view: across its width, rad.
        camera: gives the sensor and the picture's size.
        focal_length: of the lens, mm.

    Returns:
        Picture and depth of the camera's size. Depth is taken over, not mixed: an edge has no
        depth between the two things that meet there.
    """
    high, wide = image.shape[:2]
    width, height = camera.picture.width, camera.picture.height
    pixels = wide / (2 * math.tan(field_of_view / 2))  # the wide picture's focal length, px
    x = pixels * camera.sensor.width / focal_length / width  # its px per px of the picture
    y = pixels * camera.sensor.height / focal_length / height
    # A pixel's middle lies at half a pixel.
    back = np.array(
        [
            [x, 0, (wide - 1) / 2 - x * (width - 1) / 2],
            [0, y, (high - 1) / 2 - y * (height - 1) / 2],
        ]
    )
    flags = cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REPLICATE
    picture = cv2.warpAffine(
        image, back, (width, height), flags=flags | cv2.INTER_LINEAR, borderMode=border
    )
    if depth is None:
        return np.asarray(picture, np.uint8), None
    distance = cv2.warpAffine(
        depth, back, (width, height), flags=flags | cv2.INTER_NEAREST, borderMode=border
    )
    return np.asarray(picture, np.uint8), np.asarray(distance, np.float32)
