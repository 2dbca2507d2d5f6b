"""What is drawn is where it was found, in colours that stay, and the picture given is kept."""

import itertools
import math

import numpy as np
import pytest

from perception.annotate import GroundMark, colour, draw
from perception.detect.detections import KEYPOINTS, Detections

GREY = (90, 90, 90)


def blank(width=640):
    return np.full((width * 9 // 16, width, 3), GREY, np.uint8)


def people(*boxes, keypoints=None):
    n = len(boxes)
    return Detections(
        np.array(boxes, float).reshape(n, 4),
        np.linspace(0.9, 0.5, n),
        np.zeros(n, np.int64),
        {0: "person"},
        keypoints,
    )


def changed(image, other):
    """Left, top, right, bottom of what differs."""
    rows, columns = np.nonzero((image != other).any(axis=2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def has(image, ink):
    return (image == np.array(ink, np.uint8)).all(axis=2)


def test_the_first_21_colours_differ_and_stay():
    colours = [colour(k) for k in range(21)]
    apart = [math.dist(a, b) for a, b in itertools.combinations(colours, 2)]
    assert min(apart) > 25
    assert colours == [colour(k) for k in range(21)]
    assert colour(3) == colour(24) == colour(np.int64(3))
    assert colour("hero") == colour("hero") != colour("friend")
    assert colour(None) == colour(-1) not in colours


def test_nothing_found_is_the_same_picture():
    image = blank()
    drawn = draw(image, Detections.none())
    assert (drawn == image).all()
    assert drawn is not image


@pytest.mark.parametrize("width", [640, 1280, 1920])
def test_a_box_is_where_it_was_found_and_its_line_follows_the_width(width):
    image, s = blank(width), width // 640
    drawn = draw(image, people((100 * s, 120 * s, 200 * s, 300 * s)), labels=[""], ids=[0])
    assert (image == GREY).all()
    room = s + 2
    left, top, right, bottom = changed(image, drawn)
    assert (
        np.abs(np.array([left, top, right, bottom]) - np.array([100, 120, 200, 300]) * s).max()
        <= room
    )
    # In its own colour exactly, not smeared over neighbours.
    assert has(drawn[:, 90 * s : 110 * s], colour(0))[200 * s].sum() == s
    assert (drawn[150 * s : 290 * s, 110 * s : 190 * s] == GREY).all()


def test_the_label_lies_above_the_box_and_inside_the_picture_at_its_top():
    image = blank()
    above = changed(image, draw(image, people((100, 120, 200, 300)), labels=["hero"]))
    bare = changed(image, draw(image, people((100, 120, 200, 300)), labels=[""]))
    assert above[1] < bare[1] - 10
    assert above[3] == bare[3]
    inside = draw(image, people((600, 0, 640, 300)), labels=["a long name that needs room"])
    assert has(inside, colour(None))[:20, :590].any()


def test_labels_do_not_hide_each_other():
    image = blank()
    two = people((100, 120, 200, 300), (105, 121, 205, 300))
    drawn = draw(image, two, ids=[0, 1])
    alone = [has(draw(image, two[np.array([k])], ids=[k])[:125], colour(k)).sum() for k in (0, 1)]
    whole = [has(drawn[:160], colour(k)).sum() for k in (0, 1)]
    assert whole[0] >= 0.9 * alone[0]
    assert whole[1] >= 0.9 * alone[1]


def test_place_and_heading_make_a_second_line_only_where_known():
    image, one = blank(), people((100, 120, 200, 300))
    plain = draw(image, one)
    told = draw(image, one, positions=[np.array([1.0, 2.0, 0.0])], headings=[1.0])
    unknown = draw(image, one, positions=[np.full(3, np.nan)], headings=[None])
    assert changed(image, told)[1] < changed(image, plain)[1] - 8
    assert (unknown == plain).all()


def test_only_sure_keypoints_are_drawn():
    points = np.zeros((1, len(KEYPOINTS), 3))
    points[0, 5] = 300, 100, 0.9
    points[0, 7] = 340, 100, 0.9  # upper arm
    points[0, 9] = 340, 160, 0.1  # a guessed wrist
    box = (290, 80, 360, 200)
    image = blank()
    bare = draw(image, people(box), labels=[""])
    drawn = draw(image, people(box, keypoints=points), labels=[""])
    left, top, right, bottom = changed(bare, drawn)
    assert (left, right) == pytest.approx((300, 340), abs=4)
    assert (top, bottom) == pytest.approx((100, 100), abs=4)


def test_ground_marks_are_in_their_owners_colour():
    image = blank()
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ring = np.stack([300 + 40 * np.cos(turn), 200 + 15 * np.sin(turn)], axis=1)
    drawn = draw(image, Detections.none(), ground=[GroundMark(2, ring, np.array([400.0, 200.0]))])
    assert changed(image, drawn) == pytest.approx((260, 185, 400, 215), abs=5)
    assert has(drawn, colour(2)).any()
    lost = GroundMark(2, np.full((4, 2), np.nan))
    assert (draw(image, Detections.none(), ground=[lost]) == image).all()


def test_boxes_outside_and_without_place_do_no_harm():
    odd = people((-500, -500, -400, -400), (np.nan,) * 4, (-50, 300, 9000, 9000))
    assert draw(blank(), odd).shape == (360, 640, 3)


def test_lists_of_another_length_are_refused():
    with pytest.raises(ValueError, match="ids"):
        draw(blank(), people((1, 2, 3, 4)), ids=[1, 2])
