"""A picture fitted into a network's input, and what the network finds fitted back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_GREY = 114  # of the borders, on which YOLO models are trained


@dataclass(frozen=True)
class Letterbox:
    """How a picture lies in the input.

    Attributes:
        picture: width and height of the picture, px.
        input: width and height of the input, px.
        scaled: width and height of the picture in the input, px.
        left, top: where it begins there, px.
    """

    picture: tuple[int, int]
    input: tuple[int, int]
    scaled: tuple[int, int]
    left: int
    top: int

    @classmethod
    def fit(
        cls,
        picture: tuple[int, int],
        into: tuple[int, int],
        *,
        stride: int = 0,
        corner: bool = False,
    ) -> Letterbox:
        """The largest fit that keeps the picture's shape.

        Args:
            picture: width and height, px.
            into: width and height of the input, px.
            stride: where the input may have any size: borders are cut down to what makes whole
                strides. 0: the input stays as it is.
            corner: the picture lies at the top left instead of the middle.
        """
        (wide, high), (across, down) = picture, into
        scale = min(across / wide, down / high)
        scaled = (max(1, round(wide * scale)), max(1, round(high * scale)))
        border = (max(0, across - scaled[0]), max(0, down - scaled[1]))
        if stride:
            border = (border[0] % stride, border[1] % stride)
        size = (scaled[0] + border[0], scaled[1] + border[1])
        # Half a border each; of an odd one, the smaller half comes first.
        left, top = (0, 0) if corner else (round(border[0] / 2 - 0.1), round(border[1] / 2 - 0.1))
        return cls(picture, size, scaled, left, top)

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The input (h, w, 3) of a picture."""
        if self.scaled != self.picture:
            image = np.asarray(
                cv2.resize(image, self.scaled, interpolation=cv2.INTER_LINEAR), dtype=np.uint8
            )
        right = self.input[0] - self.scaled[0] - self.left
        bottom = self.input[1] - self.scaled[1] - self.top
        if not (self.left or self.top or right or bottom):
            return image
        border = cv2.copyMakeBorder(
            image, self.top, bottom, self.left, right, cv2.BORDER_CONSTANT, value=(_GREY,) * 3
        )
        return np.asarray(border, dtype=np.uint8)

    def points(self, points: Floats) -> Floats:
        """Points (..., 2) of the input, px, as points of the picture, px."""
        return np.asarray((points - [self.left, self.top]) / self.scale)

    @property
    def scale(self) -> float:
        """px of the input per px of the picture: from the longer side, which is rounded less."""
        (wide, high), (across, down) = self.picture, self.scaled
        return across / wide if wide >= high else down / high
