"""The edge filter: a slanted outline gets the coverage it has; textures keep theirs."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.scenery import edges

SIZE = 80


def _half_plane(angle: float, samples: int) -> NDArray[np.float64]:
    """The share of each pixel that lies on the near side of a line through the middle."""
    fine = (np.arange(SIZE * samples) + 0.5) / samples - SIZE / 2
    x, y = np.meshgrid(fine, fine)
    near = (x * math.cos(angle) + y * math.sin(angle) > 0.2).astype(float)
    return np.asarray(near.reshape(SIZE, samples, SIZE, samples).mean(axis=(1, 3)))


def _grey(share: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.repeat(np.rint(40 + 160 * share).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("degrees", [3, 8, 20, 70, 86, 100, 200, 275])
def test_a_slanted_outline_comes_near_to_its_true_coverage(degrees: int) -> None:
    angle = math.radians(degrees)
    steps, truth = _half_plane(angle, 1), _grey(_half_plane(angle, 16)).astype(float)
    depth = np.where(steps > 0, 5.0, np.inf).astype(np.float32)
    rough = _grey(steps)
    before = np.sqrt(np.mean((rough - truth) ** 2))
    after = np.sqrt(np.mean((edges.smooth(rough, depth) - truth) ** 2))
    assert after < 0.6 * before


def test_a_soft_texture_on_a_plane_stays_as_it_is() -> None:
    rows = np.arange(SIZE, dtype=np.float32)[:, None]
    depth = np.broadcast_to(1 / (0.02 + 0.001 * rows), (SIZE, SIZE)).astype(np.float32)
    paving = np.where((np.indices((SIZE, SIZE)) // 8).sum(axis=0) % 2, 140, 110).astype(np.uint8)
    picture = np.repeat(paving[..., None], 3, axis=2)
    assert np.array_equal(edges.smooth(picture, depth), picture)


def test_a_shadow_on_a_plane_is_smoothed() -> None:
    angle = math.radians(10)
    rough = _grey(_half_plane(angle, 1))
    truth = _grey(_half_plane(angle, 16)).astype(float)
    smooth = edges.smooth(rough, np.full((SIZE, SIZE), 7.0, np.float32))
    assert np.mean((smooth - truth) ** 2) < 0.4 * np.mean((rough - truth) ** 2)


def test_an_edge_along_the_rim_of_the_picture_stays_within_it() -> None:
    picture = np.zeros((5, 40, 3), np.uint8)
    picture[0] = picture[:, -1] = 255
    depth = np.where(picture[..., 0] > 0, 3.0, 9.0).astype(np.float32)
    smooth = edges.smooth(picture, depth)
    assert smooth.shape == picture.shape
    assert np.array_equal(smooth[0, :20], picture[0, :20])  # straight: nothing to take off


def test_a_picture_without_edges_is_returned_unchanged() -> None:
    picture = np.full((20, 30, 3), 90, np.uint8)
    assert edges.smooth(picture, np.full((20, 30), np.inf, np.float32)) is picture
