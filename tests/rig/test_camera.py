"""What a camera file may say."""

from __future__ import annotations

import copy
import math

import pytest
from pydantic import ValidationError

from cinempc.rig.camera import Camera, LensState

DATA = {
    "name": "test",
    "sensor": {"width": "24.89 mm", "height": "14 mm", "circle_of_confusion": "0.025 mm"},
    "focal_length": {"min": "24 mm", "max": "120 mm", "rate": "40 mm/s"},
    "focus": {"closest": "0.9 m", "rate": "0.6 dioptre/s"},
    "aperture": {"min": "f/2.8", "max": "f/22", "rate": "3 stop/s"},
}


def make(**changes):
    data = copy.deepcopy(DATA)
    for path, value in changes.items():
        part, _, field = path.partition("__")
        if field:
            data[part] = {**data.get(part, {}), field: value}
        else:
            data[part] = value
    return Camera.model_validate(data)


def test_a_whole_camera():
    camera = make()
    assert camera.aspect == pytest.approx(14 / 24.89)
    assert (camera.picture.width, camera.picture.height) == (960, 540)


def test_a_phone():
    phone = make(
        focal_length={"min": "6.9 mm", "max": "6.9 mm"}, aperture={"min": "f/1.8", "max": "f/1.8"}
    )
    assert phone.focal_length.rate == 0.0
    assert phone.clamp(LensState(50, 0.1, 8)) == LensState(6.9, 0.9, 1.8)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"focal_length__max": "12 mm"}, "focal_length.max"),
        ({"aperture__max": "f/2"}, "aperture.max"),
        ({"focal_length__rate": "0 mm/s"}, "focal_length.rate must be above zero"),
        ({"aperture__rate": "0 stop/s"}, "aperture.rate must be above zero"),
        ({"sensor__width": "0 mm"}, "sensor.width must be above zero"),
        ({"sensor__circle_of_confusion": "-1 mm"}, "circle_of_confusion"),
        ({"focus__closest": "infinity"}, "focus.closest must be above zero and finite"),
        ({"sensor__height": "18 mm"}, "active area"),
        ({"picture": {"width": 0}}, "picture"),
        ({"focal_lenght": {}}, "focal_lenght"),
    ],
)
def test_what_is_no_camera(changes, words):
    with pytest.raises(ValidationError, match=words):
        make(**changes)


def test_clamping():
    camera = make()
    assert camera.clamp(LensState(10, 0.2, 1.4)) == LensState(24, 0.9, 2.8)
    assert camera.clamp(LensState(500, math.inf, 64)) == LensState(120, math.inf, 22)
    inside = LensState(50, 5, 4)
    assert camera.clamp(inside) == inside


def test_distortion_follows_the_zoom():
    camera = make(
        distortion=[
            {"focal_length": "24 mm", "k1": -0.2, "p1": 0.002},
            {"focal_length": "60 mm", "k1": 0.1, "k3": 0.4},
        ]
    )
    assert camera.distortion_at(24) == pytest.approx([-0.2, 0, 0.002, 0, 0])
    assert camera.distortion_at(42) == pytest.approx([-0.05, 0, 0.001, 0, 0.2])
    assert camera.distortion_at(120) == pytest.approx([0.1, 0, 0, 0, 0.4])  # as at the last one
    assert make().distortion_at(50) is None
