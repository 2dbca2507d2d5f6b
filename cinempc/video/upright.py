"""Decoded frames as pictures that can be measured: RGB, upright, and with square pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from av import VideoFrame, VideoStream
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

Image = NDArray[np.uint8]

#: Shapes of pixels that are believed: anamorphic lenses squeeze by 2, old tapes by less.
_SHAPES = (Fraction(1, 4), Fraction(4))


def pixel_aspect(stream: VideoStream) -> Fraction | None:
    """Width of a stream's pixels by their height: the container's word goes before the codec's,
    as in FFmpeg's ``av_guess_sample_aspect_ratio``; None where neither says it."""
    return stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio


def square_size(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height, px, of a picture with square pixels: the side is stretched that is short
    of pixels, so that nothing is lost."""
    if aspect is None or aspect == 1 or not _SHAPES[0] <= aspect <= _SHAPES[1]:
        return width, height
    if aspect > 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def to_rgb(frame: VideoFrame, aspect: Fraction | None = None) -> Image:
    """A frame as it is meant to be seen, RGB (height, width, 3).

    Args:
        frame: as decoded, of any pixel format.
        aspect: width of its pixels by their height.

    Raises:
        av.error.FFmpegError, ValueError: it cannot be converted.
    """
    width, height = square_size(frame.width, frame.height, aspect)
    image = frame.to_ndarray(format="rgb24", width=width, height=height)
    return displayed(np.asarray(image, np.uint8), display_matrix(frame))


def display_matrix(frame: VideoFrame) -> NDArray[np.int32] | None:
    """The display matrix (3, 3) that came with a frame, in FFmpeg's layout (libavutil/display.h):
    a point (x, y) of the picture is shown at (x, y, 1) @ matrix, in 16.16 fixed point. None where
    there is none."""
    pieces: Any = frame.side_data  # PyAV's stubs take it for a mapping
    for data in pieces:
        if data.type is Type.DISPLAYMATRIX and len(bytes(data)) == 36:
            return np.frombuffer(bytes(data), np.int32).reshape(3, 3)
    return None


def displayed(image: Image, matrix: NDArray[np.int32] | None) -> Image:
    """A picture turned and mirrored as a display matrix says, to the nearest quarter turn.

    Scales in the matrix are those of pixels that are not square, and are left to `square_size`.
    """
    if matrix is None:
        return image
    (a, b), (c, d) = matrix[:2, :2].astype(float)
    if abs(a) + abs(d) < abs(b) + abs(c):
        image, across, down = image.transpose(1, 0, 2), c, b
    else:
        across, down = a, d
    image = image[:, ::-1] if across < 0 else image
    image = image[::-1] if down < 0 else image
    return np.ascontiguousarray(image)
