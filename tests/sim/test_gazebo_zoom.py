"""The row of cameras that zooms in Gazebo: it covers the lens, its cuts are what a lens sees."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc import configs, lens
from cinempc.rig import camera as cameras
from sim.gazebo import zoom
from sim.gazebo.zoom import Row
from tests.sim.gazebo_parts import camera

CAMERAS = sorted(path.stem for path in (configs.root() / "cameras").glob("*.yaml"))


@pytest.mark.parametrize("name", CAMERAS)
def test_row_covers_the_lens_and_never_enlarges(name: str) -> None:
    model = cameras.load(name)
    row = Row.of(model)
    width, height = model.picture.width, model.picture.height
    for focal in np.geomspace(model.focal_length.min, model.focal_length.max, 200):
        step = row.steps[row.serving(focal)]
        pixels = step.width / (2 * math.tan(step.field_of_view / 2))
        across = pixels * model.sensor.width / focal
        down = pixels * model.sensor.height / focal
        assert width * 0.99 <= across <= step.width * 1.0001
        assert height * 0.99 <= down <= step.height * 1.0001
        assert step.field_of_view >= 0.1  # SDF's narrowest
        assert row.shown(row.serving(focal), focal) == pytest.approx(focal)


def test_prime_lens_needs_one_camera() -> None:
    row = Row.of(cameras.load("drone_variable"))
    assert len(row.steps) == 1
    model = row.camera
    assert row.steps[0].field_of_view == pytest.approx(
        lens.field_of_view(model.sensor.width, model.focal_length.min), rel=1e-6
    )
    assert row.needed(model.focal_length.min) == {0}


def test_next_camera_is_heard_before_it_is_needed() -> None:
    row = Row.of(cameras.load("super35_zoom"))
    border = row.steps[2].focal_length
    assert row.needed(border * 1.3) == {2}
    assert row.needed(border * 1.1) == {1, 2}
    assert row.needed(border * 0.9) == {1, 2}
    assert row.needed(row.steps[1].focal_length * 1.2) == {1}


def dots(width: int, height: int, pixels: float, points: np.ndarray) -> np.ndarray:
    """A pinhole picture of soft white dots at points (n, 3): right, down, ahead."""
    column = (width - 1) / 2 + pixels * points[:, 0] / points[:, 2]
    row = (height - 1) / 2 + pixels * points[:, 1] / points[:, 2]
    x, y = np.arange(width)[None, None, :], np.arange(height)[None, :, None]
    size = pixels * 0.02
    near = np.exp(-((x - column[:, None, None]) ** 2 + (y - row[:, None, None]) ** 2) / size**2)
    return np.repeat(np.clip(near.sum(0), 0, 1)[..., None] * 255, 3, axis=2).astype(np.uint8)


@given(focal=st.floats(24.0, 48.0))
def test_cut_is_the_picture_of_the_longer_lens(focal: float) -> None:
    model = camera()
    step = Row.of(model).steps[Row.of(model).serving(focal)]
    points = np.array([[0.0, 0.0, 5.0], [0.6, -0.3, 4.0], [-1.1, 0.5, 6.0], [0.2, 0.4, 3.0]])
    wide = step.width / (2 * math.tan(step.field_of_view / 2))
    picture, _ = zoom.cut(
        dots(step.width, step.height, wide, points), None, step.field_of_view, model, focal
    )
    size = model.picture.width, model.picture.height
    truth = dots(*size, focal / model.sensor.width * size[0], points)
    assert picture.shape == (size[1], size[0], 3)
    assert np.abs(picture.astype(int) - truth).max() < 40  # soft dots: a shift of 1 px is 100
    assert np.abs(picture.astype(int) - truth).mean() < 1.0


def test_cut_depth_is_taken_over_not_mixed() -> None:
    model = camera()
    step = Row.of(model).steps[0]
    depth = np.full((step.height, step.width), np.inf, np.float32)
    depth[:, : step.width // 2] = 3.0
    image = np.zeros((step.height, step.width, 3), np.uint8)
    _, cut = zoom.cut(image, depth, step.field_of_view, model, 30.0)
    assert cut is not None
    assert set(np.unique(cut)) == {np.float32(3.0), np.float32(np.inf)}
    assert np.all(cut[:, : model.picture.width // 2 - 1] == 3.0)
    assert np.all(np.isinf(cut[:, model.picture.width // 2 + 1 :]))
