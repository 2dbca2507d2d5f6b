"""What each move asks over its time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.rig import camera
from cinempc.rig.subject import body_fraction
from cinempc.script.format import ShotConfig
from cinempc.script.framing import easing
from cinempc.script.framing.composition import Composition, distance
from cinempc.script.framing.targets import Start, Targets, blend
from cinempc.script.framing.terms import SCALES, parse_scale

SUPER35 = camera.load("super35_zoom")
PHONE = camera.load("phone")
HEIGHT = 1.72
TIMES = np.linspace(0, 10, 201)


def shot(move: dict, **framing: object) -> ShotConfig:
    lens = framing.pop("lens", {})
    return ShotConfig.model_validate(
        {
            "name": "A",
            "duration": "10 s",
            "move": move,
            "framing": {"subject": "hero", **framing},
            "lens": lens,
        }
    )


def ask(one: ShotConfig, times: np.ndarray = TIMES, body: camera.Camera = SUPER35) -> Targets:
    return one.move.targets(one, body, HEIGHT, times, Start(0.2, 0.1, 40.0))


def opening(one: ShotConfig, body: camera.Camera = SUPER35) -> Composition:
    return one.move.opening(one, body, HEIGHT)


def test_the_dolly_zooms_distance_goes_with_its_focal_length() -> None:
    move = {"kind": "dolly-zoom", "focal_length": {"from": "35 mm", "to": "120 mm"}}
    asked = ask(shot(move, scale="100 %"))
    away = distance(asked.focal_length, asked.stature, HEIGHT, SUPER35)
    assert np.ptp(asked.stature) == 0
    assert away / asked.focal_length == pytest.approx(away[0] / 35)
    assert away[0] == pytest.approx(35 * 1.72 / 14)
    speed = np.gradient(away, TIMES)
    acceleration = np.gradient(speed, TIMES)
    assert speed[[0, -1]] == pytest.approx(0, abs=0.01)
    # Minimum jerk: 15/8 of the mean speed, 10/√3 of the mean over the time.
    assert speed.max() == pytest.approx(15 / 8 * (away[-1] - away[0]) / 10, rel=0.01)
    assert np.abs(acceleration).max() <= 10 / math.sqrt(3) * (away[-1] - away[0]) / 100 * 1.01


@pytest.mark.parametrize(("first", "last"), [("LS", "MLS"), ("ELS", "CU"), ("MS", "MCU")])
def test_a_push_in_begins_and_ends_as_these_scales_are_framed(first: str, last: str) -> None:
    asked = ask(shot({"kind": "push-in", "to": last}, scale=first, lens={"focal_length": "50 mm"}))
    eyes = 1 - body_fraction("eyes")
    for at, scale in ((0, SCALES[first]), (-1, SCALES[last])):
        assert asked.stature[at] == pytest.approx(scale.stature)
        crown = scale.v - (1 - body_fraction(scale.point)) * scale.stature
        assert asked.v[at] == pytest.approx(crown + eyes * scale.stature)
    headroom = asked.v - eyes * asked.stature
    assert headroom.min() > 0  # nobody's head is cut off on the way
    assert np.ptp(asked.focal_length) == 0


def test_a_pull_out_to_a_distance() -> None:
    one = shot({"kind": "pull-out", "to": "12 m"}, scale="MS", lens={"focal_length": "50 mm"})
    asked = ask(one)
    away = distance(asked.focal_length, asked.stature, HEIGHT, SUPER35)
    assert away[-1] == pytest.approx(12)
    assert np.all(np.diff(away) >= -1e-12)


def test_an_orbit_by_an_angle_and_at_a_rate() -> None:
    by_angle = ask(shot({"kind": "orbit", "angle": "-90 deg"}))
    assert by_angle.azimuth[0] == pytest.approx(0.2)
    assert by_angle.azimuth[-1] == pytest.approx(0.2 - math.pi / 2)
    at_rate = np.gradient(ask(shot({"kind": "orbit", "rate": "10 deg/s"})).azimuth, TIMES)
    assert np.degrees(at_rate[60:140]) == pytest.approx(10, rel=1e-6)
    assert np.degrees(at_rate[[0, -1]]) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    "move",
    [
        {"kind": "orbit", "angle": "90 deg"},
        {"kind": "orbit", "rate": "10 deg/s"},
        {"kind": "push-in", "to": "CU"},
        {"kind": "pull-out", "to": "ELS"},
        {"kind": "dolly-zoom", "focal_length": {"from": "35 mm", "to": "120 mm"}},
    ],
)
def test_past_its_end_a_shot_asks_what_it_asks_there(move: dict) -> None:
    after = ask(shot(move), np.array([10.0, 10.5, 14.0]))
    for values in vars(after).values():
        assert np.ptp(values) == pytest.approx(0, abs=1e-9)


def test_two_of_scale_distance_and_focal_length_fix_the_third() -> None:
    follow = {"kind": "follow"}
    zoomed = opening(shot(follow, scale="LS", distance="9 m"))
    assert distance(zoomed.focal_length, 0.78, HEIGHT, SUPER35) == pytest.approx(9)
    sized = opening(shot(follow, distance="9 m", lens={"focal_length": "50 mm"}))
    assert sized.scale.stature == pytest.approx(50 * 1.72 / 14 / 9)
    prime = opening(shot(follow, distance="3 m"), PHONE)
    assert prime.focal_length == 6.86
    assert prime.scale.stature == pytest.approx(6.86 * 1.72 / 5.5125 / 3)
    assert opening(shot(follow)).focal_length is None
    assert opening(shot(follow)).scale == SCALES["MS"]


def test_a_given_height_places_the_scales_own_point() -> None:
    asked = ask(shot({"kind": "follow"}, scale="LS", position={"u": 0.3, "v": 0.6}))
    assert asked.u[0] == 0.3
    assert asked.v[0] == pytest.approx(0.6)


@given(st.floats(-1, 2), st.floats(-1, 2))
def test_easing_rises_from_0_to_1(a: float, b: float) -> None:
    low, high = sorted((a, b))
    first, second = easing.ease(np.array([low, high]))
    assert 0 <= first <= second + 1e-12 <= 1 + 2e-12


def test_easing_starts_and_ends_at_rest() -> None:
    eased = easing.ease(np.array([0.0, 1e-4, 1 - 1e-4, 1.0]))
    assert eased[1] < 1e-10
    assert 1 - eased[2] < 1e-10


@given(st.floats(1, 60), st.floats(0.05, 0.5))
def test_a_cruise_covers_its_way(duration: float, share: float) -> None:
    ramp = share * duration
    way = easing.cruise(np.linspace(-1, duration + 1, 400), duration, ramp)
    assert way[0] == 0
    assert way[-1] == pytest.approx(duration - ramp)
    assert np.all(np.diff(way) >= -1e-12)


@given(st.floats(-20, 20), st.floats(-20, 20), st.floats(0, 1))
def test_a_blend_goes_the_short_way_round(a: float, b: float, part: float) -> None:
    def picture(azimuth: float, focal: float) -> Targets:
        one = ask(shot({"kind": "follow"}), np.zeros(1))
        return Targets(
            **{**vars(one), "azimuth": np.array([azimuth]), "focal_length": np.array([focal])}
        )

    between = blend(picture(a, 30), picture(b, 120), np.array([part]))
    assert abs(between.azimuth[0] - b) <= math.pi + 1e-9
    assert between.focal_length[0] == pytest.approx(30 * 4**part)


def test_a_scale_in_percent_keeps_the_whole_body_in_frame() -> None:
    for percent in (20, 50, 90):
        scale = parse_scale(f"{percent} %")
        assert scale.v + 0.5 * scale.stature <= 1
        assert scale.v - 0.5 * scale.stature >= 0
