"""The optics against a textbook's formulas in metres, worked values, and themselves."""

from __future__ import annotations

import math

import casadi as ca
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import cinempc.mpc  # noqa: F401 - numpy functions of CasADi symbols, silently
from cinempc import lens
from cinempc.rig.camera import LensState

FOCAL = st.floats(10.0, 600.0)  # mm
STOP = st.floats(1.0, 32.0)
COC = st.floats(0.004, 0.05)  # mm
FOCUS = st.floats(1.0, 500.0)  # m
FOOT = 0.3048  # m


# The pair in metres, S. F. Ray, Applied Photographic Optics, 3rd ed. (2002), chapter 22:
# near = F (H - f) / (H + F - 2f), far = F (H - f) / (H - F) for F < H.
def textbook(focus, focal_mm, n, coc_mm):
    f = focal_mm / 1000
    h = focal_mm**2 / (n * coc_mm) / 1000 + f
    near = focus * (h - f) / (h + focus - 2 * f)
    far = focus * (h - f) / (h - focus) if focus < h else math.inf
    return h, near, far


@pytest.mark.parametrize(
    ("focal", "n", "coc", "hyperfocal"),
    [
        # H = f²/(N c) + f worked by hand: 50²/(8 · 0.03) = 10416.7 mm, and 50 mm.
        (50.0, 8.0, 0.03, 10.467),
        (50.0, 2.8, 0.03, 29.812),
        (35.0, 5.6, 0.025, 8.785),
        (100.0, 5.6, 0.03, 59.624),
        (24.0, 11.0, 0.03, 1.769),
    ],
)
def test_hyperfocal_distance(focal, n, coc, hyperfocal):
    assert lens.hyperfocal_distance(focal, n, coc) == pytest.approx(hyperfocal, abs=0.001)


# Published figures. Each page was looked up and says what stands here; where it speaks for a book,
# the page is what was read.


@pytest.mark.parametrize(
    ("focal", "n", "hyperfocal"), [(50, 8, 10467), (50, 16, 5258), (25, 8, 2629)]
)
def test_wikipedias_example(focal, n, hyperfocal):
    """*Hyperfocal distance*, section Example: c 0.03 mm, in mm. Focused at H/k it is sharp from
    H/(k+1) to H/(k-1), where the article leaves the focal length out."""
    found = lens.hyperfocal_distance(focal, n, 0.03)
    assert found * 1000 == pytest.approx(hyperfocal, abs=0.6)
    near, far = lens.depth_of_field(math.inf, focal, n, 0.03)
    assert near * 1000 == pytest.approx(hyperfocal - focal, abs=0.6)
    assert math.isinf(far)
    for k in (2, 3, 4):
        near, far = lens.depth_of_field(found / k, focal, n, 0.03)
        assert near == pytest.approx(found / (k + 1), rel=0.012)
        assert far == pytest.approx(found / (k - 1), rel=0.03)


@pytest.mark.parametrize(
    ("coc", "near", "far"), [(0.03, 8 + 9 / 12, 11 + 8 / 12), (0.019, 9 + 2 / 12, 11.0)]
)
def test_fifty_millimetres_at_ten_feet(coc, near, far):
    """R. R. Harrison, insyncpubs.com/articles/?id=11: 50 mm, f/4, 10 ft; 8'9" to 11'8" on full
    frame, 9'2" to 11' with the circle of confusion of an APS-C camera."""
    found = lens.depth_of_field(10 * FOOT, 50.0, 4.0, coc)
    assert found[0] / FOOT == pytest.approx(near, abs=0.5 / 12)
    assert found[1] / FOOT == pytest.approx(far, abs=0.5 / 12)


@pytest.mark.parametrize(
    ("focal", "n", "focus", "near", "far", "hyperfocal"),
    [
        (12, 8, 2, 1.2, 5.95, 2.99),
        (12, 8 * math.sqrt(2), 2, 1.03, 32.8, 2.13),
        (12, 16, 1.5, 0.75, 140.6, 1.52),
        (12, 16 * math.sqrt(2), 1, 0.52, 12.5, 1.08),
        (13, 8 * math.sqrt(2), 2, 1.11, 9.94, 2.49),
    ],
)
def test_a_wide_angle_chart_close_to_the_pole(focal, n, focus, near, far, hyperfocal):
    """*Subject Distance/Near Focus/Hyperfocal Distance Chart*, naturelyrics.com: c 0.02 mm, in
    feet; its f/11 and f/22 are the exact stops. The far limit is touchy there."""
    found = lens.hyperfocal_distance(focal, n, 0.02)
    assert found / FOOT == pytest.approx(hyperfocal, abs=0.006)
    limits = lens.depth_of_field(focus * FOOT, focal, n, 0.02)
    assert limits[0] / FOOT == pytest.approx(near, abs=0.006)
    assert limits[1] / FOOT == pytest.approx(far, rel=0.004)


def test_the_barnet_book():
    """*The Barnet Book of Photography*, on depth (bookdome.com): a six-inch lens at f/8 with a
    limit of 1/100 in, focused on infinity, is sharp from 450 in on, 37 1/2 feet."""
    near, far = lens.depth_of_field(math.inf, 152.4, 8.0, 0.254)
    assert near / FOOT == pytest.approx(37.5)
    assert math.isinf(far)


@given(FOCUS, FOCAL, STOP, COC)
def test_dioptres_say_what_the_textbook_says_in_metres(focus, focal, n, coc):
    h, near, far = textbook(focus, focal, n, coc)
    assume(abs(focus - h) > 1e-6 * h)
    got_near, got_far = lens.depth_of_field(focus, focal, n, coc)
    assert got_near == pytest.approx(near, rel=1e-9)
    assert 1 / got_far == pytest.approx(1 / far, rel=1e-6, abs=1e-12)


@given(FOCUS, FOCAL, STOP, COC)
def test_near_focus_far(focus, focal, n, coc):
    near, far = lens.depth_of_field(focus, focal, n, coc)
    assert 0 < near < focus < far


@given(FOCUS, FOCAL, st.floats(1.0, 16.0), st.floats(1.01, 2.0), COC)
def test_stopping_down_deepens(focus, focal, n, factor, coc):
    near, far = lens.depth_of_field(focus, focal, n, coc)
    deeper_near, deeper_far = lens.depth_of_field(focus, focal, n * factor, coc)
    assert deeper_near < near
    assert deeper_far > far or math.isinf(far)
    wide, narrow = (lens.hyperfocal_distance(focal, k, coc) for k in (n, n * factor))
    assert narrow < wide


@given(FOCUS, st.floats(10.0, 300.0), STOP, st.floats(1.01, 2.0), COC)
def test_a_longer_lens_is_shallower(focus, focal, n, factor, coc):
    near, far = lens.depth_of_field(focus, focal, n, coc)
    tight_near, tight_far = lens.depth_of_field(focus, focal * factor, n, coc)
    assert tight_near > near
    assert tight_far < far or math.isinf(tight_far)
    short, long = (lens.hyperfocal_distance(f, n, coc) for f in (focal, focal * factor))
    assert long > short


@given(FOCAL, STOP, COC)
def test_through_the_pole_the_far_limit_is_a_straight_line(focal, n, coc):
    """Where the metres jump from one branch to the other."""
    pole = 1 / lens.hyperfocal_distance(focal, n, coc)
    far = lens.far_limit_dioptres(np.linspace(0, 2 * pole, 21), focal, n, coc)
    steps = np.diff(far)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
    assert far[0] < 0 < far[-1]


@given(FOCUS, FOCAL, STOP, st.floats(1.0, 1000.0))
def test_blur_is_the_cone_on_the_sensor(focus, focal, n, distance):
    """From the lens equation 1/f = 1/D + 1/v alone: the sensor stands where the focus distance's
    image is, the point's cone of light has its tip elsewhere."""
    f = focal / 1000
    sensor, tip = 1 / (1 / f - 1 / focus), 1 / (1 / f - 1 / distance)
    expected = f / n * abs(sensor - tip) / tip * 1000
    assert lens.blur_circle(distance, focus, focal, n) == pytest.approx(
        expected, rel=1e-6, abs=1e-9
    )


@given(FOCUS, FOCAL, STOP, COC)
def test_at_the_limits_the_blur_is_the_circle_of_confusion(focus, focal, n, coc):
    near, far = lens.depth_of_field(focus, focal, n, coc)
    assert lens.blur_circle(near, focus, focal, n) == pytest.approx(coc, rel=1e-6)
    if math.isfinite(far) and far < 1e6:
        assert lens.blur_circle(far, focus, focal, n) == pytest.approx(coc, rel=1e-5)
    else:
        assert lens.blur_circle(math.inf, focus, focal, n) <= coc * (1 + 1e-4)


@given(FOCUS, FOCAL, STOP, st.floats(0.5, 1000.0))
def test_blur_is_the_formula_in_metres(focus, focal, n, distance):
    f = focal / 1000
    expected = f**2 / n * abs(distance - focus) / (distance * (focus - f)) * 1000
    got = lens.blur_circle(distance, focus, focal, n)
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-9)
    sign = lens.blur_circle_signed(1 / distance, 1 / focus, focal, n)
    assert sign * (focus - distance) >= -1e-12


@given(FOCAL, STOP, COC)
def test_at_the_hyperfocal_distance_it_reaches_from_half_of_it_to_infinity(focal, n, coc):
    h = lens.hyperfocal_distance(focal, n, coc)
    near, far = lens.depth_of_field(h, focal, n, coc)
    assert near == pytest.approx(h / 2, rel=1e-9)
    assert far > 1e9
    assert lens.far_limit_dioptres(1 / h, focal, n, coc) == pytest.approx(0.0, abs=1e-12)


@given(FOCAL, STOP, COC)
def test_focused_at_infinity(focal, n, coc):
    near, far = lens.depth_of_field(math.inf, focal, n, coc)
    assert math.isinf(far)
    # H - f from the lens: the term that the textbook pair tends to.
    assert near == pytest.approx(focal**2 / (n * coc) / 1000, rel=1e-9)
    assert lens.blur_circle(math.inf, math.inf, focal, n) == 0.0


def test_floats_arrays_and_symbols_agree():
    focus, focal, n, coc = 6.0, 65.0, 4.0, 0.025
    symbols = [ca.SX.sym(name) for name in ("d", "f", "n", "c")]
    cases = {
        lens.dof_half_width: (1 / focus, focal, n, coc),
        lens.near_limit_dioptres: (1 / focus, focal, n, coc),
        lens.far_limit_dioptres: (1 / focus, focal, n, coc),
        lens.hyperfocal_distance: (focal, n, coc),
        lens.blur_circle_signed: (0.1, 1 / focus, focal, n),
        lens.blur_circle: (9.0, focus, focal, n),
        lens.field_of_view: (24.89, focal),
        lens.focal_length_for_field_of_view: (24.89, 0.5),
        lens.pixels_per_metre: (8.0, focal, 24.89, 960),
        lens.stops_from_f_number: (n,),
        lens.f_number_from_stops: (4.0,),
        lens.inverse: (4.0,),
    }
    public = {f for f in vars(lens).values() if getattr(f, "__module__", "") == lens.__name__}
    assert public - set(cases) == {lens.depth_of_field}, "for numbers only"
    for function, values in cases.items():
        number = function(*values)
        array = function(*[np.array([v, v]) for v in values])
        used = symbols[: len(values)]
        symbol = ca.Function("f", used, [function(*used)])(*values)
        np.testing.assert_allclose(array, [number, number], rtol=1e-12)
        assert float(symbol) == pytest.approx(float(number), rel=1e-12)


def test_arrays_hold_infinity():
    near, far = lens.depth_of_field(np.array([2.0, 50.0, math.inf]), 35.0, 4.0, 0.03)
    np.testing.assert_array_equal(np.isinf(far), [False, True, True])
    assert np.isfinite(near).all()
    blur = lens.blur_circle(np.array([3.0, math.inf]), 3.0, 35.0, 4.0)
    assert blur[0] == 0.0
    assert np.isfinite(blur[1])


@pytest.mark.parametrize(
    ("focal", "degrees"),
    # Full frame, 36 mm across, as manufacturers' tables give the horizontal angle of view.
    [(24.0, 73.7), (35.0, 54.4), (50.0, 39.6), (85.0, 23.9), (135.0, 15.2)],
)
def test_field_of_view(focal, degrees):
    angle = lens.field_of_view(36.0, focal)
    assert math.degrees(angle) == pytest.approx(degrees, abs=0.05)
    assert lens.focal_length_for_field_of_view(36.0, angle) == pytest.approx(focal)


@given(st.floats(0.5, 128))
def test_stops_there_and_back(n):
    stops = lens.stops_from_f_number(n)
    assert lens.f_number_from_stops(stops) == pytest.approx(n)
    assert lens.stops_from_f_number(n * math.sqrt(2)) == pytest.approx(stops + 1)


def test_pixels_per_metre():
    # 50 mm on 25 mm of sensor: 2 frame widths per unit of distance; 960 px of it, at 8 m.
    assert lens.pixels_per_metre(8.0, 50.0, 25.0, 960) == pytest.approx(2 * 960 / 8)


def test_inverse():
    assert lens.inverse(math.inf) == 0.0
    assert lens.inverse(0.0) == math.inf
    np.testing.assert_array_equal(lens.inverse(np.array([0.0, 2.0, np.inf])), [np.inf, 0.5, 0.0])


def test_a_lens_state_knows_its_depth_of_field():
    assert LensState(50.0, 5.0, 8.0).depth_of_field(0.03) == lens.depth_of_field(5, 50, 8, 0.03)
