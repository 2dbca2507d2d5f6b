"""The trade's words for the picture, and what they mean in figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.rig.subject import body_fraction
from cinempc.script.framing import terms as framing
from cinempc.script.framing.terms import Position, Side


def test_scales_are_in_order() -> None:
    statures = [framing.SCALES[n].stature for n in ("ECU", "CU", "MCU", "MS", "MLS", "LS", "ELS")]
    assert statures == sorted(statures, reverse=True)


@pytest.mark.parametrize(
    ("name", "above", "below"),
    [
        ("CU", "chest", "chin"),
        ("MCU", "waist", "shoulders"),
        ("MS", "hips", "waist"),
        ("MLS", "knees", "thigh"),
    ],
)
def test_a_scale_is_cut_where_the_textbook_cuts_it(name: str, above: str, below: str) -> None:
    scale = framing.SCALES[name]
    foot = body_fraction(scale.point) - (1 - scale.v) / scale.stature
    assert body_fraction(above) < foot < body_fraction(below)


@pytest.mark.parametrize("name", ["CU", "MCU", "MS", "MLS", "LS", "ELS"])
def test_a_named_scale_leaves_headroom_and_shows_the_framed_point(name: str) -> None:
    scale = framing.SCALES[name]
    crown = scale.v - (1 - body_fraction(scale.point)) * scale.stature
    assert 0.03 < crown < 0.5
    assert crown < scale.v < 1


@given(st.integers(2, 1200))
def test_a_percentage_is_the_bodys_share(percent: int) -> None:
    scale = framing.parse_scale(f"{percent} %")
    assert scale.stature == pytest.approx(percent / 100)
    assert 0 < scale.v < 1


@pytest.mark.parametrize("text", ["1 %", "1300 %", "60", 60, 0.6, "HUGE", None, True])
def test_no_scale(text: object) -> None:
    with pytest.raises(ValueError, match="%"):
        framing.parse_scale(text)


def test_positions() -> None:
    assert framing.parse_position("upper-third-left") == Position(1 / 3, 1 / 3)
    assert framing.parse_position({"u": 0.25}) == Position(0.25)
    assert framing.parse_position("lead-room") == Position(None)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_position_in_fractions(u: float, v: float) -> None:
    assert framing.parse_position({"u": u, "v": v}) == Position(u, v)


@pytest.mark.parametrize(
    "text",
    [{"u": 1.25}, {"u": "left"}, {"v": 0.5}, {"u": math.nan}, {"u": True}, [0.3, 0.4], "middle"],
)
def test_no_position(text: object) -> None:
    with pytest.raises(ValueError, match=r"0 to 1|is not a position"):
        framing.parse_position(text)


@given(st.floats(-85, 85))
def test_an_angle_in_degrees(degrees: float) -> None:
    text = f"{degrees:.6f} deg"
    assert math.degrees(framing.parse_angle(text)) == pytest.approx(degrees, abs=1e-5)


@pytest.mark.parametrize("number", [12, 12.5, "12.5 m", "sideways", True])
def test_a_bare_number_is_no_angle_and_no_side(number: object) -> None:
    with pytest.raises(ValueError, match="deg"):
        framing.parse_angle(number)
    with pytest.raises(ValueError, match="deg"):
        framing.parse_side(number)


def test_an_angle_is_not_straight_down() -> None:
    with pytest.raises(ValueError, match="too steep"):
        framing.parse_angle("90 deg")


def test_sides() -> None:
    assert framing.parse_side("profile-left").world(1.0) == pytest.approx(1.0 + math.pi / 2)
    assert framing.parse_side({"world": "30 deg"}).world(1.0) == pytest.approx(math.radians(30))
    assert framing.parse_side("-30 deg") == Side(math.radians(-30))


def test_a_scale_or_a_distance() -> None:
    assert framing.parse_scale_or_distance("MS") == framing.SCALES["MS"]
    assert framing.parse_scale_or_distance("60 %") == framing.parse_scale("60 %")
    assert framing.parse_scale_or_distance("450 cm") == pytest.approx(4.5)
    for text in ("-4 m", "4 s", "near", 4):
        with pytest.raises(ValueError, match=r"distance|cannot be turned into m"):
            framing.parse_scale_or_distance(text)


@given(st.floats(-7, 7), st.floats(-7, 7))
def test_lead_room_is_within_the_thirds(heading: float, azimuth: float) -> None:
    assert 1 / 3 - 1e-9 <= framing.lead_room(heading, azimuth) <= 2 / 3 + 1e-9
