"""Colours under unknown light: casts, exposures and shade change no name."""

import numpy as np
import pytest

from perception.detect.detections import Detections
from perception.identify.appearance import match, measure_appearances
from perception.identify.light import cast_of, encoded, estimate_light, linear
from perception.identify.query import AppearanceQuery
from tests.perception.test_appearance import CLOTH

ORANGE = (196, 120, 10)


def ground(random) -> np.ndarray:
    """A street: sky, a house of plaster, grass, pavement; (180, 320, 3)."""
    image = np.empty((180, 320, 3))
    image[:50], image[50:90], image[90:110], image[110:] = (
        (165, 190, 215), (180, 172, 160), (70, 95, 45), (128, 126, 122),
    )  # fmt: skip
    image += np.kron(random.normal(0, 14, (45, 80)), np.ones((4, 4)))[..., None]
    return linear(np.clip(image, 0, 255).astype(np.uint8))


def shot(cloths, kelvin=6500.0, stops=0.0, shades=(0.0, 0.0, 0.0), seed=0):
    """People in a street, each so many stops in the shade, in a light: picture and looks."""
    random = np.random.default_rng(seed)
    light = ground(random)
    boxes = []
    for k, (cloth, shade) in enumerate(zip(cloths, shades, strict=False)):
        left = 30 + 90 * k
        boxes.append([left, 30, left + 40, 150])
        torso = np.clip(np.array(cloth) + random.normal(0, 6, (45, 24, 3)), 0, 255)
        light[50:95, left + 8 : left + 32] = linear(torso.astype(np.uint8)) * 2.0**shade
        light[95:150, left + 10 : left + 30] = linear(np.uint8([55, 56, 62])) * 2.0**shade
    light = light * cast_of(round(1e6 / kelvin)) * 2.0**stops
    image = np.clip(255 * encoded(light) + random.normal(0, 2, light.shape), 0, 255)
    image = image.astype(np.uint8)
    n = len(boxes)
    found = Detections(
        np.array(boxes, float).reshape(-1, 4), np.ones(n), np.zeros(n, int), {0: "person"}
    )
    return image, measure_appearances(image, found)


def fit(word, look) -> float:
    return match(AppearanceQuery("person", (word,)), look)


@pytest.mark.parametrize("kelvin", [2700, 3500, 5000, 6500, 10000])
@pytest.mark.parametrize("stops", [-2.0, -1.0, 0.0, 0.7])
def test_a_word_finds_its_cloth_among_others_in_any_light(kelvin, stops):
    random = np.random.default_rng(int(kelvin + 10 * stops))
    names = list(CLOTH)
    right = asked = 0
    for seed in range(8):
        three = [names[k] for k in random.choice(len(names), 3, replace=False)]
        cloths = [CLOTH[name][random.integers(len(CLOTH[name]))] for name in three]
        _, looks = shot(cloths, kelvin, stops, random.uniform(-1, 0, 3), seed)
        for k, name in enumerate(three):
            fits = [fit(name, look) for look in looks]
            right += int(np.argmax(fits)) == k and fits[k] > 0.08
            asked += 1
    assert right >= asked - 2


@pytest.mark.parametrize("kelvin", [2700, 4000, 6500, 10000])
@pytest.mark.parametrize("shade", [0.0, -1.0, -1.5])
def test_an_orange_jacket_in_the_shade_is_the_orange_one(kelvin, shade):
    """Before a brown coat in the sun, and a red one."""
    _, looks = shot([ORANGE, (110, 70, 40), (190, 25, 30)], kelvin, shades=(shade, 0, 0))
    orange, brown, red = (fit("orange", look) for look in looks)
    assert orange > 0.08
    assert orange > 2 * max(brown, red)
    if shade == 0:
        assert orange > 0.35


def test_white_grey_and_black_are_told_apart_by_what_is_about_them():
    for stops in (-2.5, -1.0, 0.0, 1.0):
        cloths = [CLOTH[name][0] for name in ("white", "grey", "black")]
        _, looks = shot(cloths, stops=stops)
        for k, name in enumerate(("white", "grey", "black")):
            assert int(np.argmax([fit(name, look) for look in looks])) == k, (stops, name)


@pytest.mark.parametrize("kelvin", [2700, 4000, 6500, 10000])
def test_the_cast_of_a_street_is_found(kelvin):
    image, _ = shot([], kelvin)
    truth = cast_of(round(1e6 / kelvin))
    left = estimate_light(image).cast / truth
    # The warm-cold balance that is left is less than half of what there was, or small.
    assert abs(np.log(left[0] / left[2])) < max(0.5 * abs(np.log(truth[0] / truth[2])), 0.25)


def test_the_darker_the_picture_the_less_it_is_trusted():
    lights = [estimate_light(shot([], stops=stops)[0]) for stops in (0, -2, -4, -6)]
    trusts = [light.trust for light in lights]
    assert trusts == sorted(trusts, reverse=True)
    assert trusts[0] > 0.8
    assert trusts[-1] == 0
    exposures = [light.exposure for light in lights]
    assert exposures == sorted(exposures)


def test_a_picture_without_colours_says_so():
    image, _ = shot([(200, 30, 30)])
    grey = np.repeat(image.mean(2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert estimate_light(image).colourful > 0.9
    light = estimate_light(grey)
    assert light.colourful == 0
    np.testing.assert_allclose(light.cast, 1)


def test_noise_is_measured():
    random = np.random.default_rng(0)
    for spread in (0, 4, 12):
        flat = 120 + random.normal(0, spread, (180, 320, 3))
        noise = 255 * estimate_light(np.clip(flat, 0, 255).astype(np.uint8)).noise
        assert noise == pytest.approx(spread, abs=1 + 0.15 * spread)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 400, 3), (90, 2, 3)])
@pytest.mark.parametrize("level", [0, 255])
def test_no_picture_makes_it_fail(shape, level):
    light = estimate_light(np.full(shape, level, np.uint8), np.array([[0, 0, 1e4, 1e4]]))
    assert np.isfinite([*light.cast, light.exposure, light.level, light.noise, light.trust]).all()


@pytest.mark.parametrize("share", [1.0, 0.2, 0.1])
def test_grey_and_black_do_not_agree_in_a_dark_picture_without_noise(share):
    """Its values, not its light: both are all but black."""
    looks = []
    for torso in ((125, 126, 128), (24, 24, 26)):
        image = np.full((180, 320, 3), (125, 140, 115), float)
        image[60:] = (110, 108, 100)
        image[30:95, 60:100], image[95:170, 60:100] = torso, (30, 30, 40)
        found = Detections(
            np.array([[60, 10, 100, 172.0]]), np.ones(1), np.zeros(1, int), {0: "person"}
        )
        looks += measure_appearances((share * image).astype(np.uint8), found)
    grey, black = looks
    assert grey.agreement(black) > 0.4
