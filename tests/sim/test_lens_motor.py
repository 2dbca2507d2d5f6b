import math

import pytest

from cinempc.rig import camera
from cinempc.rig.camera import LensState
from sim.body.lens_motor import LensMotors

SUPER35 = camera.load("super35_zoom")
DT = 1 / 250


def run(motors, seconds):
    states = []
    for _ in range(round(seconds / DT)):
        motors.step(DT)
        states.append(motors.state)
    return states


def test_starts_inside_the_ranges():
    state = LensMotors(SUPER35, LensState(300, 0.1, 1.0)).state
    assert state.focal_length_mm == 120
    assert state.focus_distance_m == pytest.approx(0.9)
    assert state.f_number == pytest.approx(2.8)


def test_zoom_moves_at_its_rate_in_mm():
    motors = LensMotors(SUPER35, LensState(24, 5, 4))
    motors.command(LensState(120, 5, 4))
    assert run(motors, 1)[-1].focal_length_mm == pytest.approx(24 + 40, abs=0.2)
    assert run(motors, 2)[-1].focal_length_mm == pytest.approx(120, abs=0.01)


def test_focus_moves_at_its_rate_in_dioptres_and_reaches_infinity():
    motors = LensMotors(SUPER35, LensState(50, 1, 4))
    motors.command(LensState(50, math.inf, 4))
    assert 1 / run(motors, 1)[-1].focus_distance_m == pytest.approx(1 - 0.6, abs=0.01)
    assert run(motors, 3)[-1].focus_distance_m > 1e5


def test_starts_at_infinity():
    assert LensMotors(SUPER35, LensState(50, math.inf, 4)).state.focus_distance_m == math.inf


def test_iris_moves_at_its_rate_in_stops():
    motors = LensMotors(SUPER35, LensState(50, 5, 2.8))
    motors.command(LensState(50, 5, 22))
    assert run(motors, 1)[-1].f_number == pytest.approx(2.8 * 2 ** (3 / 2), rel=0.01)


def test_small_moves_take_the_lag():
    motors = LensMotors(SUPER35, LensState(50, 5, 4))
    motors.command(LensState(51, 5, 4))
    after = run(motors, SUPER35.lens_lag)[-1].focal_length_mm
    assert after == pytest.approx(50 + 1 - math.exp(-1), abs=0.02)


def test_a_fixed_aperture_stays():
    aperture = SUPER35.aperture.model_copy(update={"min": 2.0, "max": 2.0, "rate": 0.0})
    phone = SUPER35.model_copy(update={"aperture": aperture})
    motors = LensMotors(phone, LensState(50, 5, 2))
    motors.command(LensState(50, 5, 8))
    assert run(motors, 1)[-1].f_number == pytest.approx(2.0)
