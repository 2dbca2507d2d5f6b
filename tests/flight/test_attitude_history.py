"""How a gimbal looked at past times."""

from __future__ import annotations

import math

import pytest

from cinempc import frames
from cinempc.flight.gimbal.history import AttitudeHistory
from tests.fakes.gimbal import ZERO, near


def test_the_history_goes_the_short_way_round():
    history = AttitudeHistory()
    for step in range(100):
        yaw = 3.0 + 0.05 * step
        history.add(0.1 * step, (float(frames.wrap_angle(yaw)), 0.0, 0.0), None)
    for time_ in (5.02, 5.55, 9.31):
        found = history.at(time_)
        assert near(found.angles, (3.0 + 0.5 * time_, 0, 0), 1e-6)
        assert found.rates[0] == pytest.approx(0.5)
        assert -math.pi <= found.angles[0] <= math.pi
    assert history.at(1.0) is None, "no longer kept"


def test_the_history_takes_reports_in_any_order():
    history = AttitudeHistory()
    for moment in (0.0, 0.2, 0.1, 0.2, 0.3):
        history.add(moment, (moment, 0.0, 0.0), ZERO)
    assert history.at(0.15).angles[0] == pytest.approx(0.15)
    assert len(history) == 4


def test_beyond_the_newest_by_its_rates_for_a_moment():
    history = AttitudeHistory()
    history.add(1.0, (0.0, 0.0, 0.0), (1.0, -0.5, 0.0))
    assert history.at(1.1).angles == pytest.approx((0.1, -0.05, 0.0))
    late = history.at(60.0)
    assert late.angles == pytest.approx((0.25, -0.125, 0.0))
    assert late.rates == ZERO


@pytest.mark.parametrize("rates", [ZERO, None])
def test_no_attitude_lies_between_those_before_and_after_a_leap(rates):
    """The autopilot has corrected its sense of north, and with it the gimbal's."""
    history = AttitudeHistory()
    for step, yaw in enumerate((0.1, 0.1, 0.7, 0.7)):
        history.add(1.0 + 0.02 * step, (yaw, -0.2, 0.0), rates)
    for time in (1.021, 1.025, 1.029):
        assert history.at(time).angles[0] == pytest.approx(0.1)
    for time in (1.031, 1.035, 1.04, 1.05):
        assert history.at(time).angles[0] == pytest.approx(0.7)
