"""Pictures come as they are meant to be seen: turned, mirrored, with square pixels."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.video.upright import displayed, square_size

ONE = 65536


def matrix(a, b, c, d):
    return np.array([[a, b, 0], [c, d, 0], [0, 0, 1 << 30]], np.int32)


@pytest.mark.parametrize(
    "turn", [(a, b, c, d) for a, b, c, d in itertools.product((-1, 0, 1), repeat=4)
             if abs(a * d - b * c) == 1 and abs(a) + abs(b) == abs(c) + abs(d) == 1]
)  # fmt: skip
def test_every_corner_goes_where_the_matrix_says(turn):
    """libavutil/display.h: (x', y') = (a x + c y, b x + d y), then moved into the picture."""
    a, b, c, d = turn
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    shown = displayed(image, matrix(a * ONE, b * ONE, c * ONE, d * ONE))
    x, y = np.meshgrid(np.arange(6), np.arange(4))
    across, down = a * x + c * y, b * x + d * y
    across, down = across - across.min(), down - down.min()
    assert shown.shape == (down.max() + 1, across.max() + 1, 3)
    assert (shown[down, across] == image[y, x]).all()


def test_odd_angles_go_to_the_nearest_quarter_and_nonsense_changes_nothing():
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    angle = np.radians(100)
    cos, sin = round(ONE * np.cos(angle)), round(ONE * np.sin(angle))
    quarter = displayed(image, matrix(0, -ONE, ONE, 0))
    assert (displayed(image, matrix(cos, -sin, sin, cos)) == quarter).all()
    for nothing in (None, matrix(0, 0, 0, 0), matrix(ONE, 0, 0, ONE), matrix(3 * ONE, 0, 0, ONE)):
        assert (displayed(image, nothing) == image).all()


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=4, max_size=4))
def test_whatever_the_matrix_no_pixel_is_lost(numbers):
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    shown = displayed(image, matrix(*numbers))
    assert sorted(shown.reshape(-1, 3).tolist()) == sorted(image.reshape(-1, 3).tolist())


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (None, (720, 576)),
        (Fraction(1), (720, 576)),
        (Fraction(16, 15), (768, 576)),  # PAL, 4:3
        (Fraction(64, 45), (1024, 576)),  # PAL, 16:9
        (Fraction(1, 2), (720, 1152)),
        (Fraction(0), (720, 576)),
        (Fraction(1000), (720, 576)),
    ],
)
def test_pixels_become_square(aspect, size):
    assert square_size(720, 576, aspect) == size
