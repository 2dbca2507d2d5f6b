from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cinempc.record.monitor.monitor import Monitor, timecode
from cinempc.rig.camera import LensState


@pytest.mark.parametrize(
    ("number", "fps", "code"),
    [
        (0, 24, "00:00:00:00"),
        (23, 24, "00:00:00:23"),
        (24, 24, "00:00:01:00"),
        (90000, 25, "01:00:00:00"),
        (24, 23.976, "00:00:01:00"),
    ],
)
def test_timecode(number, fps, code):
    assert timecode(number, fps) == code


@pytest.mark.parametrize("size", [(960, 540), (160, 90), (1920, 1080), (540, 960)])
def test_the_overlay_keeps_size_and_the_original(take, size):
    event = take.frame(0.2)
    image = np.full((size[1], size[0], 3), 120, np.uint8)
    event = replace(event, frame=replace(event.frame, image=image))
    monitor = Monitor(take.camera, 24.0, take.shots)
    drawn = monitor.draw(event, 5, take.cycle(0.2))
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert (image == 120).all()
    assert (drawn != image).any()


def test_the_wanted_point_is_marked_where_it_was_asked(take):
    event = take.frame(0.0)
    image = np.full((540, 960, 3), 60, np.uint8)
    event = replace(event, frame=replace(event.frame, image=image), estimates=())
    drawn = Monitor(take.camera, 24.0).draw(event, 0).astype(int)
    target = event.framing[0]
    x, y = round(target.u * 960), round(target.v * 540)
    blue = drawn[..., 2] - drawn[..., 0]
    around = blue[y - 12 : y + 13, x - 12 : x + 13]
    assert around.max() > 80
    ys, xs = np.nonzero(around > 80)
    assert abs(xs.mean() - 12) < 1
    assert abs(ys.mean() - 12) < 1


def test_a_subject_asked_sharp_is_green_in_focus_and_amber_out(take):
    event = take.frame(0.0, truth=False)
    image = np.full((540, 960, 3), 60, np.uint8)
    monitor = Monitor(take.camera, 24.0)

    def inks(focus: float) -> set[tuple[int, int, int]]:
        lens = LensState(100.0, focus, 2.8)
        shown = replace(event, frame=replace(event.frame, image=image, lens=lens), framing=())
        drawn = monitor.draw(shown, 0)[64:430].reshape(-1, 3).astype(int)
        codes = np.unique(drawn @ [1 << 16, 1 << 8, 1])  # unique rows would take seconds
        return {(code >> 16, code >> 8 & 255, code & 255) for code in codes.tolist()}

    assert (116, 232, 164) in inks(6.05)
    assert (116, 232, 164) not in inks(2.0)
    assert (255, 176, 66) in inks(2.0)


@pytest.mark.parametrize("focus", [0.9, 6.0, 1e9, float("inf")])
def test_every_focus_can_be_shown(take, focus):
    event = take.frame(0.0)
    frame = replace(event.frame, lens=LensState(24.0, focus, 22.0))
    Monitor(take.camera, 24.0).draw(replace(event, frame=frame), 0)


def test_subjects_around_and_inside_the_camera_do_no_harm(take):
    event = take.frame(0.0)
    monitor = Monitor(take.camera, 24.0)
    for place in ((0.0, 0.0, 0.0), (-5.0, 0.0, 0.0), (0.05, 0.0, 0.0), (0.5, 400.0, 0.0)):
        near = tuple(replace(s, position=np.array(place)) for s in event.estimates)
        monitor.draw(replace(event, estimates=near), 0)
