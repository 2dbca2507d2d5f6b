"""The depth camera is as wrong as it says, and always in the same way."""

import numpy as np

from sim.sensors.depth import DepthCamera, DepthNoise

FLAT = np.full((90, 160), 10.0, np.float32)


def test_errors_are_of_the_size_that_is_told() -> None:
    camera = DepthCamera(DepthNoise(frame=0.02, pixel=0.015), seed=3)
    pictures = np.array([camera.measure(k / 24, FLAT) for k in range(300)]) / 10 - 1
    assert abs(pictures.mean()) < 0.004
    assert abs(pictures.mean(axis=(1, 2)).std() - 0.02) < 0.003  # of whole pictures
    assert abs(pictures.std(axis=(1, 2)).mean() - 0.015) < 0.001  # of single pixels


def test_far_away_is_nothing() -> None:
    depth = FLAT.copy()
    depth[:, 80:] = 60.0
    depth[0] = np.inf
    seen = DepthCamera(DepthNoise(reach=45)).measure(0.0, depth)
    assert np.isinf(seen[:, 80:]).all()
    assert np.isinf(seen[0]).all()
    assert np.isfinite(seen[1:, :80]).all()


def test_the_same_seed_and_time_give_the_same_depth() -> None:
    one, other = DepthCamera(seed=1), DepthCamera(seed=1)
    other.measure(5.0, FLAT)  # what was asked before does not matter
    np.testing.assert_array_equal(one.measure(0.5, FLAT), other.measure(0.5, FLAT))
    assert (one.measure(0.5, FLAT) != one.measure(0.6, FLAT)).any()
    assert (one.measure(0.5, FLAT) != DepthCamera(seed=2).measure(0.5, FLAT)).any()
