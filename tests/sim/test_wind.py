import math

import numpy as np
import pytest

from sim.body.wind import WindField
from sim.scenery.scene import Wind

GUSTY = Wind(speed="3 m/s", direction="90 deg", gusts="0.8 m/s", gust_time="2 s")


def series(wind, seed, dt=0.02, count=20_000):
    field = WindField(wind, seed)
    return np.array([field.step(dt) for _ in range(count)])


def test_no_wind_by_default():
    assert not series(Wind(), 0, count=10).any()


def test_steady_wind_blows_to_its_direction():
    wind = Wind(speed="3 m/s", direction="90 deg")
    assert series(wind, 0, count=3) == pytest.approx(np.tile([0, 3, 0], (3, 1)), abs=1e-12)


def test_gusts_have_the_deviation_and_time_of_the_scene():
    blown = np.concatenate([series(GUSTY, seed) for seed in range(4)])
    assert blown.mean(axis=0) == pytest.approx([0, 3, 0], abs=0.15)
    assert blown.std(axis=0) == pytest.approx([0.8, 0.8, 0.4], rel=0.12)
    gust = series(GUSTY, 5, count=60_000)[:, 0]
    later = np.corrcoef(gust[:-100], gust[100:])[0, 1]  # 2 s
    assert later == pytest.approx(math.exp(-1), abs=0.12)


def test_deviation_does_not_depend_on_the_step():
    coarse = series(GUSTY, 1, dt=0.5, count=4000)
    assert coarse[:, 0].std() == pytest.approx(0.8, rel=0.12)


def test_same_seed_same_wind():
    assert np.array_equal(series(GUSTY, 3, count=2000), series(GUSTY, 3, count=2000))
    assert not np.array_equal(series(GUSTY, 3, count=50), series(GUSTY, 4, count=50))
