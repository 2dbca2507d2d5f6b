"""The rig's state between two reports."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.rig.between import between
from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose, RigState

LEAPS = st.floats(3.0, 500.0)


def state(time: float, east: float, speed: float = 0.0, yaw: float = 0.0) -> RigState:
    place = np.array([east, 2.0, 8.0])
    return RigState(
        time=time,
        position=place,
        velocity=np.array([speed, 0.0, 0.0]),
        attitude=(yaw, 0.0, 0.0),
        camera=CameraPose(place, yaw, -0.2, 0.0),
        camera_rates=np.zeros(3),
        lens=LensState(35.0, 5.0, 4.0),
    )


def test_what_was_flown_is_mixed() -> None:
    found = between(state(1.0, 0.0, 8.0), state(1.02, 0.16, 8.0), 1.01)
    assert found.position[0] == pytest.approx(0.08)
    assert found.camera.position[0] == pytest.approx(0.08)
    # A whole second without a report, and full braking in it.
    found = between(state(1.0, 0.0, 8.0), state(2.0, 4.0, 0.0), 1.5)
    assert found.position[0] == pytest.approx(2.0)


@given(LEAPS, st.sampled_from([-1.0, 1.0]), st.floats(0.0, 8.0), st.floats(0.0, 1.0))
def test_no_pose_lies_between_those_before_and_after_a_leap(
    size: float, way: float, speed: float, part: float
) -> None:
    early = state(1.0, 0.0, speed)
    late = state(1.02, 0.02 * speed + way * size, speed)
    found = between(early, late, 1.0 + 0.02 * part)
    assert found is early or found is late
    if abs(part - 0.5) > 0.01:
        assert found is (early if part < 0.5 else late)


@pytest.mark.parametrize("yaw", [0.5, -0.5, 3.0])
def test_a_heading_that_leaps_is_not_mixed_either(yaw: float) -> None:
    early, late = state(1.0, 0.0, yaw=3.0), state(1.02, 0.0, yaw=3.0 + yaw)
    assert between(early, late, 1.001) is early
    assert between(early, late, 1.019) is late


def test_a_turn_across_the_back_of_the_compass_is_no_leap() -> None:
    found = between(state(1.0, 0.0, yaw=3.13), state(1.02, 0.0, yaw=-3.13), 1.01)
    assert abs(found.camera.yaw) == pytest.approx(np.pi, abs=0.01)
