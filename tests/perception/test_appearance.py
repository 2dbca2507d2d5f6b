"""Appearance: colour words, people told apart by their clothes, and no box that it trips over."""

import contextlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from cinempc.errors import CinempcError
from perception.detect.detections import KEYPOINTS, Detections
from perception.identify.appearance import match, measure_appearances
from perception.identify.colours import COLOURS, named_shares
from perception.identify.light import linear
from perception.identify.query import AppearanceError, AppearanceQuery, parse_appearance

#: Several cloths for each word, sRGB.
CLOTH = {
    "red": [(190, 25, 30), (160, 20, 20), (200, 40, 45)],
    "orange": [(230, 120, 20), (240, 140, 40)],
    "yellow": [(225, 200, 40), (240, 215, 90)],
    "green": [(30, 130, 50), (90, 150, 60), (50, 90, 55)],
    "blue": [(30, 60, 170), (20, 30, 85), (90, 150, 210)],
    "purple": [(110, 50, 150), (90, 40, 110)],
    "pink": [(235, 150, 175), (225, 70, 140)],
    "brown": [(110, 70, 40), (90, 55, 30), (130, 90, 60)],
    "black": [(22, 22, 24), (35, 34, 36)],
    "grey": [(125, 126, 128), (100, 100, 104)],
    "white": [(240, 240, 238), (225, 228, 230)],
}


def exposed(image, stops: float):
    """The picture with so many stops more light."""
    linear = (np.asarray(image) / 255.0) ** 2.2 * 2.0**stops
    return np.uint8(255 * np.clip(linear, 0, 1) ** (1 / 2.2) + 0.5)


def person_at(image, left, top, height, torso, legs, seed=0):
    """Draw a person; give the box and the keypoints."""
    random = np.random.default_rng(seed)
    s = height / 180

    def p(x, y):
        return int(left + 30 * s + x * s), int(top + y * s)

    cv2.circle(image, p(0, 15), int(12 * s), (205, 165, 140), -1)
    cv2.fillPoly(image, [np.array([p(-20, 33), p(20, 33), p(15, 92), p(-15, 92)])], torso)
    for side in (-1, 1):
        cv2.line(image, p(9 * side, 92), p(13 * side, 172), legs, max(int(13 * s), 1))
    noise = random.normal(0, 5, image.shape)
    image[:] = np.clip(image + noise, 0, 255).astype(np.uint8)
    points = {
        "nose": (0, 15), "left_shoulder": (17, 36), "right_shoulder": (-17, 36),
        "left_hip": (10, 92), "right_hip": (-10, 92), "left_knee": (11, 132),
        "right_knee": (-11, 132), "left_ankle": (13, 170), "right_ankle": (-13, 170),
    }  # fmt: skip
    keypoints = np.zeros((17, 3))
    for name, place in points.items():
        keypoints[KEYPOINTS.index(name)] = [*p(*place), 0.9]
    return [left, top, left + 60 * s, top + height], keypoints


def look_of(torso, legs, stops=0.0, keypoints=True, height=180, seed=0):
    image = np.full((240, 160, 3), (120, 140, 110), np.uint8)
    box, points = person_at(image, 40, 30, height, torso, legs, seed)
    found = Detections(
        np.array([box], float),
        np.array([0.9]),
        np.array([0]),
        {0: "person"},
        points[None] if keypoints else None,
    )
    return measure_appearances(exposed(image, stops), found)[0]


SAMPLES = [(name, rgb) for name, cloths in CLOTH.items() for rgb in cloths]


@pytest.mark.parametrize("stops", [-1, 0, 1])
@pytest.mark.parametrize(("name", "rgb"), SAMPLES)
def test_cloth_is_called_by_its_colour_within_a_stop_of_light(name, rgb, stops):
    seen = look_of(rgb, (60, 60, 60), stops)
    assert match(AppearanceQuery("person", (name,)), seen) > 0.35


@pytest.mark.parametrize(("name", "rgb"), SAMPLES)
def test_in_good_light_no_other_word_fits_better(name, rgb):
    seen = look_of(rgb, (60, 60, 60))
    fit = {word: match(AppearanceQuery("person", (word,)), seen) for word in COLOURS}
    assert max(fit, key=fit.get) == name, fit
    assert fit[name] > 0.6


@pytest.mark.parametrize("stops", [-1, 0, 1])
@pytest.mark.parametrize(
    ("asked", "rgb"),
    [
        ("red", CLOTH["blue"][0]),
        ("red", CLOTH["green"][0]),
        ("red", CLOTH["white"][0]),
        ("blue", CLOTH["red"][0]),
        ("blue", CLOTH["black"][0]),
        ("white", CLOTH["black"][0]),
        ("black", CLOTH["white"][0]),
        ("yellow", CLOTH["purple"][0]),
        ("green", CLOTH["brown"][0]),
    ],
)
def test_wrong_words_do_not_fit(asked, rgb, stops):
    assert match(AppearanceQuery("person", (asked,)), look_of(rgb, (60, 60, 60), stops)) < 0.15


@pytest.mark.parametrize("keypoints", [True, False])
def test_torso_and_legs_are_told_apart(keypoints):
    seen = look_of(CLOTH["white"][0], CLOTH["black"][0], keypoints=keypoints)
    right = parse_appearance("man in white shirt and black trousers")
    wrong = parse_appearance("man in black shirt and white trousers")
    assert match(right, seen) > (0.7 if keypoints else 0.4)
    assert match(wrong, seen) < 0.15


def test_the_same_clothes_stay_near_in_other_light_and_other_clothes_far():
    home = look_of((190, 25, 30), (30, 40, 90))
    for stops in (-1, -0.5, 0.5, 1):
        assert home.distance(look_of((190, 25, 30), (30, 40, 90), stops, seed=3)) < 0.35
    for torso, legs in (((30, 60, 170), (30, 40, 90)), ((40, 130, 60), (200, 200, 200))):
        assert home.distance(look_of(torso, legs)) > 0.45
    assert home.distance(home) == pytest.approx(0, abs=5e-3)


def test_blend_goes_from_one_look_to_another():
    red, blue = look_of((190, 25, 30), (30, 30, 30)), look_of((30, 60, 170), (30, 30, 30))
    steps = [red.blend(blue, rate).distance(blue) for rate in (0.0, 0.3, 0.6, 1.0)]
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] < 5e-3


def test_a_person_in_profile_is_still_sampled_on_the_torso():
    image = np.full((240, 160, 3), (30, 160, 40), np.uint8)
    cv2.rectangle(image, (62, 60), (84, 130), (190, 25, 30), -1)
    points = np.zeros((17, 3))
    for name, place in {
        "left_shoulder": (73, 64), "right_shoulder": (74, 64), "left_hip": (73, 124),
        "right_hip": (72, 124),
    }.items():  # fmt: skip
        points[KEYPOINTS.index(name)] = [*place, 0.9]
    found = Detections(
        np.array([[40, 30, 110, 210.0]]),
        np.ones(1),
        np.zeros(1, int),
        {0: "person"},
        points[None],
    )
    assert match(parse_appearance("person in red"), measure_appearances(image, found)[0]) > 0.9


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("person", AppearanceQuery("person")),
        ("person in red", AppearanceQuery("person", ("red",))),
        ("woman in a blue jacket", AppearanceQuery("person", ("blue",))),
        (
            "man in white shirt and black trousers",
            AppearanceQuery("person", ("white",), ("black",)),
        ),
        ("Man in a T-shirt in navy", AppearanceQuery("person", ("blue",))),
        ("red and white striped shirt", AppearanceQuery("person", ("red", "white"))),
        ("girl in jeans", AppearanceQuery("person", (), ("blue",))),
        ("woman in a green dress", AppearanceQuery("person", ("green",), ("green",))),
        ("the red dancer", AppearanceQuery("person", ("red",))),
        ("white woman in a beige coat", AppearanceQuery("person", ("brown", "white"))),
        ("woman in teal", AppearanceQuery("person", ("blue", "green"))),
        (
            "man in a turquoise shirt and olive trousers",
            AppearanceQuery("person", ("blue", "green"), ("green", "yellow", "brown")),
        ),
        ("woman in red beside a teal car", AppearanceQuery("person", ("red",))),
        ("man with a black hat and a gray hoodie", AppearanceQuery("person", ("grey",))),
        ("person in yellow next to the red car", AppearanceQuery("person", ("yellow",))),
        ("man in red with black shoes", AppearanceQuery("person", ("red",))),
        (
            "woman in a white shirt, in black trousers",
            AppearanceQuery("person", ("white",), ("black",)),
        ),
        ("person left of the red bus", AppearanceQuery("person")),
        ("red car", AppearanceQuery("car", ("red",))),
        ("the two women", AppearanceQuery("person")),
        ("black dog", AppearanceQuery("dog", ("black",))),
        ("somebody gloomy by the fountain in purple", AppearanceQuery("person", ("purple",))),
    ],
)
def test_words_become_a_query(words, query):
    assert parse_appearance(words) == query


@pytest.mark.parametrize("words", ["", "the fountain", "persn in rde", "42"])
def test_words_that_say_nothing_are_refused_with_a_way_out(words):
    with pytest.raises(AppearanceError, match="person in red") as caught:
        parse_appearance(words)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, CinempcError)


def test_the_refusal_guesses_what_was_meant():
    with pytest.raises(AppearanceError, match="did you mean 'person'"):
        parse_appearance("persn")


@given(st.text())
def test_any_text_is_a_look_or_refused(words):
    with contextlib.suppress(AppearanceError):
        assert set(parse_appearance(words).torso) <= set(COLOURS)


coordinates = st.floats(-1e4, 1e4) | st.sampled_from([0.0, 50.0, np.nan, np.inf, -np.inf])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(*[coordinates] * 4), max_size=4),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_no_box_and_no_keypoints_make_it_fail(boxes, seed, keypoints):
    random = np.random.default_rng(seed)
    n = len(boxes)
    points = random.uniform(-100, 200, (n, 17, 3))
    points[:, :, 2] = random.uniform(0, 1.5, (n, 17))
    found = Detections(
        np.array(boxes, float).reshape(-1, 4),
        np.ones(n),
        np.zeros(n, int),
        {0: "person"},
        points if keypoints else None,
    )
    seen = measure_appearances(random.integers(0, 256, (60, 80, 3), dtype=np.uint8), found)
    assert len(seen) == n
    for a in seen:
        assert np.isfinite(a.bins).all()
        assert 0 <= a.distance(seen[0]) <= 1
        assert 0 <= match(AppearanceQuery("person", ("red",), ("blue",)), a) <= 1
        a.blend(seen[0], 0.5)


#: What most of 222,500 people call them (the xkcd colour survey, 2010), as matplotlib has it.
SURVEYED = [
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown",
    "black", "grey", "white", "silver", "charcoal", "navy", "azure", "cyan",
    "aqua", "turquoise", "teal", "denim", "olive", "khaki", "lime", "emerald",
    "beige", "tan", "cream", "ivory", "maroon", "crimson", "scarlet", "burgundy",
    "violet", "lilac", "lavender", "magenta", "rose", "gold", "golden", "mustard",
    "amber",
]  # fmt: skip


@pytest.mark.parametrize("word", SURVEYED)
def test_a_word_for_a_colour_finds_what_people_call_so(word):
    """Far enough to be taken at once."""
    query = parse_appearance(f"person in {word}")
    light = linear(np.rint(255 * np.array(to_rgb(f"xkcd:{word}"))).astype(np.uint8))
    shares = named_shares(light[None])[0]
    assert sum(shares[COLOURS.index(name)] for name in query.torso) >= 0.35
