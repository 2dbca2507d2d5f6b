"""A director's words become numbers, and what has no unit is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from cinempc import units


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("35 mm", "mm", 35.0),
        ("35mm", "mm", 35.0),
        ("3.5 cm", "mm", 35.0),
        ("12 s", "s", 12.0),
        ("40 ms", "s", 0.04),
        ("30 deg", "radian", math.pi / 6),
        ("0.5 rad", "radian", 0.5),
        ("400 deg/s^2", "radian/s**2", math.radians(400)),
        ("36 km/h", "m/s", 10.0),
        ("6 ft", "m", 1.8288),
        ("3 stop/s", "stop/s", 3.0),
        ("3 stops/s", "stop/s", 3.0),
        ("0.6 dioptre/s", "dioptre/s", 0.6),
        ("24 fps", "fps", 24.0),
        ("-160 deg", "radian", math.radians(-160)),
        ("infinity", "m", math.inf),
        ("inf", "m", math.inf),
    ],
)
def test_quantities(text, unit, value):
    assert units.parse(text, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        (35, "mm", "no unit"),
        (3.5, "m", "no unit"),
        (True, "m", "not a quantity"),
        (None, "m", "not a quantity"),
        ([1], "m", "not a quantity"),
        ("", "m", ""),
        ("35", "mm", "cannot be turned into mm"),
        ("35 s", "mm", "cannot be turned into mm"),
        ("fast", "m/s", "not a quantity"),
        ("35 parsnips", "mm", "not a quantity"),
        ("nan m", "m", "not a"),
        ("infinity", "s", "cannot be turned into s"),
        ("__import__('os')", "m", "not a quantity"),
    ],
)
def test_what_is_refused_says_what_is_right(text, unit, words):
    with pytest.raises(ValueError, match="such as") as caught:
        units.parse(text, unit)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["f/2.8", "f2.8", "F/2.8", "T2.8", " f / 2.8 ", 2.8])
def test_f_numbers(text):
    assert units.parse_f_number(text) == pytest.approx(2.8)


@pytest.mark.parametrize("text", ["2.8", "f/0", "f/1000", "f/-2", True, None, math.nan, 0.1, "f/x"])
def test_what_is_no_f_number(text):
    with pytest.raises(ValueError, match="f-number"):
        units.parse_f_number(text)


class Model(BaseModel):
    length: units.Millimetres
    angle: units.Radians
    aperture: units.FNumber


@given(st.floats(1e-3, 1e5), st.floats(-6, 6), st.floats(0.5, 128))
def test_models_are_written_as_they_are_read(length, angle, aperture):
    model = Model(length=f"{length!r} mm", angle=f"{angle!r} rad", aperture=aperture)
    again = Model.model_validate_json(model.model_dump_json())
    assert again.length == pytest.approx(length)
    assert again.angle == pytest.approx(angle, abs=1e-9)
    assert again.aperture == pytest.approx(aperture, rel=1e-4)


def test_a_model_refuses_bare_numbers():
    with pytest.raises(ValidationError, match="no unit"):
        Model(length=35, angle="1 rad", aperture="f/4")
