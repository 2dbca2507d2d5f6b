"""Depth of field: blur circles have the formula's size, and edges behave as behind a real lens."""

import math

import numpy as np
import pytest

from cinempc import lens
from cinempc.rig import camera
from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose
from sim.scenery.scene import Scene
from sim.scenery.world import World
from sim.sensors.camera import SimCamera, blur_px, defocus

SENSOR_WIDTH = 24.89


def _diameter(image: np.ndarray, cx: int, cy: int, half: int) -> float:
    """Diameter of a blurred point: a disc's variance along an axis is d²/16."""
    patch = image[cy - half : cy + half + 1, cx - half : cx + half + 1, 1].astype(float)
    light = (patch / 255) ** 2
    t = np.arange(-half, half + 1)
    # A 3 x 3 dot has a variance of its own, (3² - 1) / 12.
    variance = (light.sum(0) @ t**2 + light.sum(1) @ t**2) / 2 / light.sum() - 8 / 12
    return 4 * math.sqrt(max(variance, 0.0))


@pytest.mark.parametrize(
    ("state", "depths"),
    [
        (LensState(50.0, 4.0, 2.8), [1.5, 2.2, 3.0, 5.5, 9.0, 40.0]),
        (LensState(120.0, 8.0, 2.8), [5.0, 6.0, 7.0, 9.5, 12.0, 25.0]),
        (LensState(85.0, 6.0, 5.6), [2.5, 4.0, 5.0, 8.0, 15.0, math.inf]),
        (LensState(35.0, math.inf, 2.8), [0.9, 1.5, 3.0, 6.0, 12.0, 30.0]),
    ],
)
def test_a_chart_of_points_blurs_to_the_formulas_diameter(
    state: LensState, depths: list[float]
) -> None:
    cell, width = 160, 960
    for row, depth in enumerate(depths):
        picture = np.zeros((cell, width, 3), np.uint8)
        picture[79:82, 479:482] = 255
        blur = blur_px(np.full((cell, width), depth, np.float32), state, SENSOR_WIDTH)
        mm = lens.blur_circle(depth, state.focus_distance_m, state.focal_length_mm, state.f_number)
        expected = mm / SENSOR_WIDTH * width
        bright = defocus(picture, blur, gain=max(1.0, (expected**2) / 12))
        measured = _diameter(bright, 480, 80, 75)
        if expected < 1.0:
            assert measured < 1.5, (row, depth)
        elif expected < 120:
            assert measured == pytest.approx(expected, abs=max(1.0, 0.1 * expected)), depth


def test_all_in_focus_is_left_alone() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (90, 160, 3), dtype=np.uint8)
    np.testing.assert_array_equal(defocus(picture, np.zeros((90, 160), np.float32)), picture)


def test_an_even_picture_stays_even_across_slices() -> None:
    blur = np.tile(np.linspace(-40, 40, 640, dtype=np.float32), (120, 1))
    out = defocus(np.full((120, 640, 3), 140, np.uint8), blur)
    assert np.abs(out.astype(int) - 140).max() <= 2


def test_a_sharp_edge_stays_sharp_before_a_blurred_background() -> None:
    picture = np.zeros((200, 400, 3), np.uint8)
    picture[:, 200:] = 230
    blur = np.zeros((200, 400), np.float32)
    blur[:, 200:] = -24  # bright and far behind a dark and sharp thing
    out = defocus(picture, blur)[100, :, 0]
    assert out[:199].max() <= 3
    assert out[202:].min() >= 225


def test_a_blurred_foreground_spreads_over_a_sharp_background() -> None:
    picture = np.zeros((200, 400, 3), np.uint8)
    picture[:, :200] = 230
    blur = np.zeros((200, 400), np.float32)
    blur[:, :200] = 24
    out = defocus(picture, blur)[100, :, 0].astype(int)
    assert out[204] > 60
    assert out[216:].max() == 0
    assert out[150] == pytest.approx(230, abs=3)
    inside = out[190:210]
    assert np.all(np.diff(inside) <= 1)
    assert np.diff(inside).min() > -45  # one ramp, no step at the outline


@pytest.mark.slow
def test_exposures_are_repeatable_and_keep_the_pinhole_depth() -> None:
    scene = Scene.model_validate(
        {"name": "t", "actors": [{"id": "a", "waypoints": [[0, 0]], "body": "woman"}]}
    )
    world = World(scene)
    body = camera.load("super35_zoom")
    pose = CameraPose(np.array([6.0, 0.0, 1.4]), math.pi, 0.0, 0.0)
    sharp = LensState(50.0, 6.0, 22.0)
    soft = LensState(50.0, 1.0, 2.8)
    first, second = (SimCamera(world, body, seed=4).expose(1.0, pose, sharp) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    assert first.image.shape == (540, 960, 3)
    blurred = SimCamera(world, body, seed=4).expose(1.0, pose, soft)
    np.testing.assert_array_equal(first.depth, blurred.depth)
    detail = [np.abs(np.diff(f.image[..., 1].astype(int), axis=1)).mean() for f in (first, blurred)]
    assert detail[1] < 0.8 * detail[0]
    world.close()
