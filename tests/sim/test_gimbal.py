import math

import numpy as np
import pytest

from cinempc import frames
from cinempc.rig import vehicle
from sim.body.gimbal import SimGimbal, StabilisationError

CONFIG = vehicle.load("x500_cinema").gimbal
LEVEL = (0.0, 0.0, 0.0)
DT = 1 / 250


def run(gimbal, seconds, attitude=LEVEL):
    angles, rates = [], []
    for _ in range(round(seconds / DT)):
        gimbal.step(DT, attitude)
        angles.append(gimbal.angles)
        rates.append(gimbal.rates)
    return np.array(angles), np.array(rates)


def test_a_large_turn_keeps_to_rate_and_acceleration_and_does_not_overshoot():
    gimbal = SimGimbal(CONFIG, LEVEL)
    gimbal.command((math.radians(90), 0, 0), (0, 0, 0))
    angles, rates = run(gimbal, 2)
    assert np.abs(rates).max() == pytest.approx(CONFIG.rate, rel=1e-6)
    assert np.abs(np.diff(rates, axis=0)).max() <= CONFIG.acceleration * DT * (1 + 1e-9)
    assert angles[-1, 0] == pytest.approx(math.radians(90), abs=1e-3)
    assert angles[:, 0].max() < math.radians(90.1)


def test_a_steady_turn_lags_by_the_lag():
    gimbal = SimGimbal(CONFIG, LEVEL)
    gimbal.command(LEVEL, (0.5, 0, 0))  # goes on turning until the next command
    angles, _ = run(gimbal, 2)
    assert 0.5 * 2 - angles[-1, 0] == pytest.approx(0.5 * CONFIG.lag, rel=0.1)


def test_range_is_relative_to_the_vehicle():
    gimbal = SimGimbal(CONFIG, (1.0, 0, 0))
    gimbal.command((1.0 + math.radians(175), math.radians(80), 0), (0, 0, 0))
    angles, _ = run(gimbal, 4, attitude=(1.0, 0.1, 0.0))
    assert angles[-1, 0] == pytest.approx(1.0 + CONFIG.yaw.max, abs=1e-6)
    # Nose up by 0.1 rad: looking back (160 deg), the airframe is lower there.
    assert angles[-1, 1] == pytest.approx(
        CONFIG.pitch.max + 0.1 * math.cos(CONFIG.yaw.max), abs=1e-6
    )


def test_tilt_shifts_the_range_as_the_airframe_leans():
    """Against the exact rotation, for small angles."""
    attitude = (0.4, 0.05, -0.04)
    for side in (0.0, 0.9, -2.0):
        gimbal = SimGimbal(CONFIG, (attitude[0] + side, 0, 0))
        low, high = gimbal._range(attitude)
        base = frames.camera_rotation(*attitude) @ frames.camera_rotation(0, 0, 0).T
        joint = base @ frames.camera_rotation(side, 0, 0)
        _, pitch, roll = frames.camera_angles(joint)
        assert (low[1] + high[1]) / 2 - (CONFIG.pitch.min + CONFIG.pitch.max) / 2 == pytest.approx(
            pitch, abs=0.004
        )
        assert (low[2] + high[2]) / 2 == pytest.approx(roll, abs=0.004)


def test_takes_the_nearest_turn():
    gimbal = SimGimbal(CONFIG, (3.0, 0, 0))
    gimbal.command((-3.0, 0, 0), (0, 0, 0))
    angles, _ = run(gimbal, 2, attitude=(3.0, 0, 0))
    assert angles[-1, 0] == pytest.approx(2 * math.pi - 3.0, abs=1e-3)


def test_a_two_axis_gimbal_turns_with_the_vehicle():
    fixed = CONFIG.model_copy(update={"yaw": CONFIG.yaw.model_copy(update={"min": 0, "max": 0})})
    gimbal = SimGimbal(fixed, LEVEL)
    gimbal.command((0.0, 0, 0), (0, 0, 0))
    angles, _ = run(gimbal, 0.1, attitude=(0.3, 0, 0))
    assert angles[-1, 0] == pytest.approx(0.3)


def test_what_stabilisation_leaves_over_is_small_and_seeded():
    shaken = [
        run(SimGimbal(CONFIG, LEVEL, StabilisationError(), seed), 20)[0] for seed in (1, 1, 2)
    ]
    assert np.array_equal(shaken[0], shaken[1])
    assert not np.array_equal(shaken[0], shaken[2])
    assert shaken[0].std(axis=0) == pytest.approx([StabilisationError().deviation] * 3, rel=0.25)
