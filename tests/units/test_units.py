"""A director's words become numbers, and what is no quantity is refused with what is meant."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from cinempc import configs, units
from cinempc.units import grammar, table
from tests.units.spellings import REFUSED, TAKEN


def suggestions(message: str) -> tuple[str, ...]:
    """What a message offers in place of what was written."""
    _, _, offered = message.partition("did you mean ")
    return tuple(re.findall(r"(?<!\w)['\"](.+?)['\"](?= or |\?$)", offered))


@pytest.mark.parametrize(("text", "unit", "value"), TAKEN)
def test_what_is_taken(text, unit, value):
    assert units.parse(text, unit) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(("text", "unit", "words", "meant"), REFUSED)
def test_what_is_refused_says_what_is_meant(text, unit, words, meant):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        units.parse(text, unit)
    message = str(caught.value)
    if isinstance(text, str):
        assert suggestions(message) == meant
    elif meant:
        assert f"such as '{meant[0]}'" in message
    assert meant or "such as '" in message
    assert len(message) < 250


def test_every_offer_is_taken_itself():
    for _, unit, _, meant in REFUSED:
        for text in meant:
            assert math.isfinite(units.parse(text, unit))


def test_a_value_is_that_of_its_own_unit_to_the_last_digit():
    for text, value in {"0.1 m": 0.1, "0.3 m": 0.3, "1.1 m": 1.1}.items():
        assert units.parse(text, "m") == value


# --- of texts that nobody thought of ---

_NUMBERS = st.one_of(
    st.decimals(-9999, 9999, places=3, allow_nan=False).map(str),
    st.floats(-1e6, 1e6, allow_nan=False).map(repr),
    st.integers(-9999, 9999).map(str),
)
_UNITS = st.sampled_from([*table.WORDS, "m/s", "deg/s^2", "km/h", "°/s", "stop/s", "ft/min"])


@given(_NUMBERS, st.sampled_from(["", " ", "\u00a0"]), _UNITS)
def test_a_number_and_a_unit_is_a_quantity(number, blank, spelling):
    unit = table.find(spelling)
    own = {"number": "1/s", "angle": "rad", "length": "m", "time": "s", "mass": "kg"}
    base = own.get(unit.kind, {"share": "%"}.get(unit.kind, unit.kind))
    if unit.kind != "number" and unit.per_time:
        base += f"/s^{unit.per_time}" if unit.per_time > 1 else "/s"
    value = units.parse(f"{number}{blank}{spelling}", base)
    assert value == pytest.approx(float(number) * unit.size, rel=1e-12)


@given(_NUMBERS)
def test_a_minus_sign_is_one_however_it_is_printed(number):
    printed = number.replace("-", "−")
    assert units.parse(f"{printed} m", "m") == units.parse(f"{number} m", "m")


@given(st.integers(0, 300), st.integers(0, 11), st.booleans())
def test_feet_and_inches(feet, inches, minus):
    sign = -1 if minus else 1
    text = f"{'-' * minus}{feet}'{inches}\""
    assert units.parse(text, "m") == pytest.approx(sign * (feet * 12 + inches) * 0.0254)


@given(st.integers(0, 300), st.decimals(0, 59, places=1))
def test_minutes_and_seconds(minutes, seconds):
    text = f"{minutes} min {seconds} s"
    assert units.parse(text, "s") == pytest.approx(minutes * 60 + float(seconds))


@given(st.integers(0, 999), st.integers(0, 99), st.sampled_from(["m", "mm", "ft"]))
def test_a_decimal_comma_is_never_a_number(whole, part, unit):
    with pytest.raises(ValueError, match="comma") as caught:
        units.parse(f"{whole},{part:02d} {unit}", "m")
    assert suggestions(str(caught.value)) == (f"{whole}.{part:02d} {unit}",)


@given(st.text("0123456789.,:+-−–*/^() '\"°emftsindgr½%x", max_size=20), st.sampled_from("ms"))
def test_what_is_taken_has_one_number_in_front_or_is_a_compound(text, unit):
    """Whatever is taken is what a reader of the grammar finds, and nothing else gets through."""
    try:
        value = units.parse(text, unit)
    except ValueError as error:
        for offer in suggestions(str(error)):
            units.parse(offer, unit)
        return
    words = text.strip().replace("−", "-")
    numbers = re.findall(r"[0-9.]+", words)
    if len(numbers) == 1:
        assert value == pytest.approx(
            float(re.match(r"[+-]?[0-9.]+", words)[0])
            * table.find(re.sub(r"^[+-]?[0-9.]+ ?", "", words)).size
        )
    else:
        compound = r"1/\d+ ?s|[+-]?\d+ ?(ft|') ?[\d.]+ ?(in|\"|'')"
        assert re.fullmatch(compound, words) or re.match(r"[+-]?[\d.]+e[+-]?\d", words)


@given(st.text(max_size=80), st.sampled_from(["m", "s", "radian", "m/s", "%"]))
def test_any_text_is_a_value_or_a_mistake(text, unit):
    try:
        assert math.isfinite(units.parse(text, unit)) or text.strip().lower() in {
            "inf",
            "infinity",
            "∞",
        }
    except ValueError as error:
        assert len(str(error)) < 400  # noqa: PT017 - of any text


@given(st.text("0123456789.- ", min_size=40, max_size=60))
def test_a_long_text_takes_no_time(text):
    assert grammar.read(text * 1000) is None
    with pytest.raises(ValueError, match=r"such as|did you mean"):
        units.parse(text, "m")


# --- f-numbers, bare numbers, models ---


@pytest.mark.parametrize("text", ["f/2.8", "f2.8", "F/2.8", "T2.8", " f / 2.8 ", "ƒ/2.8", 2.8])
def test_f_numbers(text):
    assert units.parse_f_number(text) == pytest.approx(2.8)


@pytest.mark.parametrize(
    "text",
    [
        *("2.8", "f/0", "f/1000", "f/-2", True, None, math.nan, 0.1, "f/x", "f/2..8", "f/1/2"),
        *("f" + " " * 10**6 + "x", 10**400, "f/1e1", [2.8]),
    ],
    ids=range(15),
)
def test_what_is_no_f_number(text):
    with pytest.raises(ValueError, match="f-number"):
        units.parse_f_number(text)


@pytest.mark.parametrize("text", ["2.8", "f/2,8", "1:2.8", "2,8", "/2.8"])
def test_what_f_number_is_meant(text):
    with pytest.raises(ValueError, match=r"write it as 'f/2\.8'"):
        units.parse_f_number(text)


@pytest.mark.parametrize("text", ["1_0", "٣", "nan", "inf", "1,5", "", "1 2", "0x1", "1e400", "½"])
def test_what_is_no_bare_number(text):
    with pytest.raises(ValueError, match="number"):
        units.number(text)


def test_a_bare_number_has_the_same_grammar():
    assert units.number(" −2.5 ") == -2.5


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


class Every(BaseModel):
    """One field of each kind."""

    metres: units.Metres
    seconds: units.Seconds
    speed: units.MetresPerSecond
    acceleration: units.MetresPerSecond2
    jerk: units.MetresPerSecond3
    turning: units.RadiansPerSecond
    spinning: units.RadiansPerSecond2
    zoom: units.MillimetresPerSecond
    focus: units.DioptresPerSecond
    iris: units.StopsPerSecond
    rate: units.PerSecond
    mass: units.Kilograms
    frames: units.FramesPerSecond


def test_every_kind_is_read_as_it_is_written():
    model = Every.model_construct(**dict.fromkeys(Every.model_fields, 2.5))
    again = Every.model_validate_json(model.model_dump_json())
    assert all(value == pytest.approx(2.5) for value in again.model_dump().values())
    far = Every.model_construct(**dict.fromkeys(Every.model_fields, 1.0) | {"metres": math.inf})
    assert Every.model_validate_json(far.model_dump_json()).metres == math.inf


@pytest.mark.parametrize("kind", Every.model_fields)
def test_every_kind_refuses_bare_numbers(kind):
    for bare in (2.5, 2, "2.5"):
        with pytest.raises(ValidationError, match="has no unit"):
            Every.model_validate({kind: bare})


def test_what_is_shown_of_a_value_is_short():
    bomb = ["ha"] * 9
    for _ in range(40):
        bomb = [bomb] * 9
    for value in (bomb, {"a": bomb}, "x" * 10**6, 10**5000, [["x"]], dict.fromkeys(range(99))):
        assert len(units.shown(value)) < 100
    assert units.shown([1, "a"]) == "[1, 'a']"


def test_a_config_says_where_and_what_is_meant(tmp_path):
    class Fence(configs.Config):
        radius: units.Metres

    path = tmp_path / "fence.yaml"
    path.write_text("# mine\nradius: 12,5 m\n")
    with pytest.raises(configs.ConfigError) as caught:
        configs.load(path, Fence)
    assert (caught.value.line, caught.value.field) == (2, "radius")
    assert "did you mean '12.5 m'?" in str(caught.value)
