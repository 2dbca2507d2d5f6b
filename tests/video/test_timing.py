"""Times go on whatever a stream's stamps do, and the rate is that of the stamps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.video.timing import FILE_LEAP, STREAM_LEAP, Timeline, believable, typical_rate


def placed(stamps, period=0.1, leap=STREAM_LEAP):
    times = Timeline(period, leap)
    return [times.at(stamp) for stamp in stamps]


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([5.0, 5.1, 5.2], [0, 0.1, 0.2]),
        ([0.0, 0.1, 0.9, 1.0], [0, 0.1, 0.9, 1.0]),  # a pause is one
        ([0.0, 0.1, 0.2, 0.0, 0.1, 0.2], [0, 0.1, 0.2, 0.3, 0.4, 0.5]),  # joined
        ([0.0, 0.1, 95443.7, 95443.8], [0, 0.1, 0.2, 0.3]),  # a counter that ran over
        ([3.0, None, None, 3.3], [0, 0.1, 0.2, 0.3]),
        ([None, 3.0, 3.1], [0, 0.1, 0.2]),
        ([None, None, None], [0, 0.1, 0.2]),
        ([0.0, 0.1, 0.05, 0.3, 0.4], [0, 0.1, 0.2, 0.3, 0.4]),  # one that is damaged
        ([0.0, 0.1, 500.0, 0.3, 0.4], [0, 0.1, 0.2, 0.3, 0.4]),
        ([0.0, 0.1, 0.1, 0.3, 0.4], [0, 0.1, 0.2, 0.3, 0.4]),  # twice the same
        ([0.0, math.nan, math.inf, 0.3], [0, 0.1, 0.2, 0.3]),
    ],
)
def test_times_go_on(stamps, expected):
    assert placed(stamps) == pytest.approx(expected, abs=2e-3)


def test_an_hour_without_a_picture_is_one_in_a_file():
    assert placed([0.0, 3600.0], leap=FILE_LEAP) == [0.0, 3600.0]
    assert placed([0.0, 3600.0, 3600.1]) == pytest.approx([0.0, 0.1, 0.2])


@given(
    st.lists(st.one_of(st.none(), st.floats(), st.floats(-10, 100)), max_size=60),
    st.floats(1 / 240, 1.0),
)
def test_whatever_the_stamps_times_rise(stamps, period):
    times = placed(stamps, period)
    assert all(math.isfinite(time) for time in times)
    assert times[:1] in ([], [0.0])
    assert all(np.diff(times) > 0)


@given(
    st.lists(st.floats(0.004, 5.0), min_size=1, max_size=40),
    st.floats(-1e5, 1e5),
    st.floats(-1e5, -1.0),
)
def test_good_stamps_are_kept_and_joined_parts_are_as_long_as_they_are_apart(steps, began, back):
    stamps = began + np.concatenate([[0.0], np.cumsum(steps)])
    assert placed(stamps) == pytest.approx(list(stamps - began), abs=1e-6)
    # The same again: it begins before the first ended.
    again = stamps - (stamps[-1] - stamps[0]) + back
    times = placed([*stamps, *again])
    length = stamps[-1] - stamps[0]
    assert times[-1] == pytest.approx(2 * length + 0.1, abs=1e-6)


@pytest.mark.parametrize(
    ("stamps", "rate"),
    [
        (np.arange(50) / 25, 25.0),
        (np.round(np.arange(50) / 59.94, 3), 58.824),  # in ms: 17, 17, 16
        ([0.0, 0.1, 0.2, 7.0, 7.1, 0.0, 0.1, 0.2], 10.0),
        ([0.0, 0.001, 0.04, 0.041, 0.08, 0.081], 25.641),  # every picture twice
        ([0.0, None, 0.1, None, 0.2], 10.0),
        (np.arange(5) * 3600.0, 1 / 3600),
        (np.arange(10) / 90000, None),
        ([1.0], None),
        ([], None),
        ([math.nan, math.nan, math.nan], None),
        ([3.0, 3.0, 3.0], None),
    ],
)
def test_the_rate_is_that_of_the_stamps(stamps, rate):
    assert typical_rate(stamps) == (None if rate is None else pytest.approx(rate, rel=1e-4))


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=30))
def test_whatever_the_stamps_the_rate_is_one_or_none(stamps):
    rate = typical_rate(stamps)
    assert rate is None or 0 < rate <= 500


def test_claims_are_believed_where_a_camera_may_have_them():
    assert believable([1000.0, 30.0]) == 30.0
    assert believable([None, math.nan, 0.0, 90000.0, math.inf]) is None
