"""Metres and degrees."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.mavlink import geodesy


@given(
    latitude=st.floats(-85, 85),
    longitude=st.floats(-180, 180),
    east=st.floats(-5e3, 5e3),
    north=st.floats(-5e3, 5e3),
)
def test_there_and_back(latitude, longitude, east, north):
    place = geodesy.at(latitude, longitude, east, north)
    assert geodesy.offset(latitude, longitude, *place) == pytest.approx((east, north), abs=1e-5)


def test_north_and_east_and_across_the_date_line():
    degree = math.radians(1) * geodesy.RADIUS
    assert geodesy.at(10.0, 20.0, 0.0, degree) == pytest.approx((11.0, 20.0))
    assert geodesy.at(0.0, 20.0, degree, 0.0) == pytest.approx((0.0, 21.0))
    latitude, longitude = geodesy.at(0.0, 179.9, degree, 0.0)
    assert longitude == pytest.approx(-179.1)
    assert geodesy.offset(0.0, 179.9, latitude, longitude) == pytest.approx((degree, 0.0), abs=1e-6)
    # A degree of longitude is shorter where the earth is narrower.
    east, _ = geodesy.offset(60.0, 20.0, 60.0, 20.001)
    assert east == pytest.approx(degree / 1000 / 2, rel=1e-4)


def test_the_same_place():
    assert geodesy.at(47.3, 8.5, 0.0, 0.0) == (47.3, 8.5)
    assert geodesy.offset(47.3, 8.5, 47.3, 8.5) == (0.0, 0.0)
