"""Messages as values, and what is no value."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinempc.mavlink import telemetry
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.local_frame import LocalFrame
from cinempc.mavlink.px4 import Mode, mode_of
from cinempc.rig.vehicle import Setpoint
from tests.fakes.peer import heartbeat, place

ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)
ODD = [math.nan, math.inf, -math.inf, 1e30]


def test_north_east_down_becomes_east_north_up() -> None:
    found = telemetry.local_position(place(1500, 1.0, 2.0, -3.0, 4.0, 5.0, -6.0))
    assert found is not None
    assert found.time == 1.5
    assert found.position.tolist() == [2.0, 1.0, 3.0]
    assert found.velocity.tolist() == [5.0, 4.0, 6.0]


@pytest.mark.parametrize("odd", [*ODD, 60e3])
@pytest.mark.parametrize("index", range(6))
def test_places_that_there_are_not(odd: float, index: int) -> None:
    values = [0.0] * 6
    values[index] = odd
    assert telemetry.local_position(place(1, *values)) is None


def test_an_attitude() -> None:
    message = mavlink.MAVLink_attitude_message(2000, 0.1, 0.2, 0.3, 0.01, 0.02, 0.03)
    found = telemetry.attitude(message)
    assert found is not None
    yaw, pitch, roll = found.angles
    assert (pitch, roll) == (0.2, 0.1)
    assert yaw == pytest.approx(math.pi / 2 - 0.3)
    assert found.rates == (-0.03, 0.02, 0.01)


@given(st.tuples(*[ANY] * 6), st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_what_comes_of_any_message_is_finite_and_possible(values, stamp) -> None:
    found = telemetry.local_position(place(stamp, *values))
    if found is not None:
        assert np.isfinite(found.position).all()
        assert np.isfinite(found.velocity).all()
        assert np.abs(found.position).max() <= 50e3
        assert np.abs(found.velocity).max() <= 100.0
    attitude = telemetry.attitude(mavlink.MAVLink_attitude_message(stamp, *values))
    if attitude is not None:
        assert all(map(math.isfinite, (*attitude.angles, *attitude.rates)))
        assert abs(attitude.angles[1]) <= 2


@given(st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_any_mode_is_one_or_unknown(custom: int, base: int) -> None:
    message = heartbeat(mode=custom)
    message.base_mode = base
    status = telemetry.status(message)
    assert isinstance(status.mode, Mode)
    assert status.armed == bool(base & 128)


def test_modes_there_and_back() -> None:
    for mode in Mode:
        assert mode_of(mode.custom) is mode


@given(st.binary(max_size=50))
def test_any_text_is_printable(raw: bytes) -> None:
    words = telemetry.text(mavlink.MAVLink_statustext_message(2, raw))
    assert len(words) <= 50
    assert all(c.isprintable() for c in words)


def test_a_position_needs_its_flags() -> None:
    good = (
        mavlink.ESTIMATOR_ATTITUDE
        | mavlink.ESTIMATOR_VELOCITY_HORIZ
        | mavlink.ESTIMATOR_VELOCITY_VERT
        | mavlink.ESTIMATOR_POS_HORIZ_REL
    )

    def message(flags: int):
        return mavlink.MAVLink_estimator_status_message(0, flags, *[0.0] * 8)

    assert telemetry.has_position(message(good))
    assert telemetry.has_position(message(0xFFFF))
    for bit in range(16):
        if good >> bit & 1:
            assert not telemetry.has_position(message(good & ~(1 << bit)))


SETPOINT = Setpoint(np.array([1.0, 2.0, 3.0]), np.ones(3), np.zeros(3), 0.5, 0.1)


def test_a_setpoint_relative_to_the_vehicles_origin() -> None:
    frame = LocalFrame(np.array([1.0, 1.0, 1.0]))
    message = telemetry.setpoint_message(1234, 1, 1, frame.local_setpoint(SETPOINT))
    assert (message.x, message.y, message.z) == (1.0, 0.0, -2.0)
    assert message.yaw == pytest.approx(math.pi / 2 - 0.5)
    assert message.yaw_rate == pytest.approx(-0.1)
    assert message.type_mask == 0
    assert message.coordinate_frame == mavlink.MAV_FRAME_LOCAL_NED
    assert message.time_boot_ms == 1234


@pytest.mark.parametrize("odd", ODD[:3])
@pytest.mark.parametrize("field", ["position", "velocity", "acceleration", "yaw", "yaw_rate"])
def test_what_is_no_number_is_never_sent(odd: float, field: str) -> None:
    value = getattr(SETPOINT, field)
    bad = np.array([0.0, odd, 0.0]) if isinstance(value, np.ndarray) else odd
    with pytest.raises(ValueError, match="not a number"):
        telemetry.setpoint_message(1, 1, 1, replace(SETPOINT, **{field: bad}))
