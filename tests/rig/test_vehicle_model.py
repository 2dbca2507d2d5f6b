"""The feed-forward against a simulation of the vehicle's answer, and what its file may say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cinempc.rig import vehicle as vehicles
from cinempc.rig.mount import Range
from cinempc.rig.vehicle import FlightLimits, Response, acceleration_command


def response(drag, lag):
    return Response.model_construct(drag=drag, thrust_lag=lag, position_lag=1.0, latency=0.0)


def circle(radius, speed):
    """Position, velocity, acceleration and jerk of a circle at a time."""
    turn = speed / radius

    def at(time):
        c, s = np.cos(turn * time), np.sin(turn * time)
        return (
            radius * np.array([c, s, 0.0]),
            radius * turn * np.array([-s, c, 0.0]),
            radius * turn**2 * np.array([-c, -s, 0.0]),
            radius * turn**3 * np.array([s, -c, 0.0]),
        )

    return at


def dash(length, duration):
    """From rest to rest on a minimum-jerk polynomial (Flash and Hogan 1985)."""
    shape = np.polynomial.Polynomial([0, 0, 0, 10, -15, 6])

    def at(time):
        s = min(time / duration, 1.0)
        along = np.array([1.0, -0.5, 0.2]) * length
        moving = [1.0, *[float(s < 1.0)] * 3]
        return tuple(along * shape.deriv(k)(s) / duration**k * moving[k] for k in range(4))

    return at


def fly(path, command, answer, duration=6.0, dt=5e-4):
    """Largest distance, m, of a vehicle with drag and lag from the path, with no feedback."""
    position, velocity, acceleration, _ = (x.copy() for x in path(0.0))
    thrust = acceleration + answer.drag * velocity
    worst = 0.0
    for k in range(round(duration / dt)):
        _, v, a, j = path((k + 0.5) * dt)
        wanted = command(v, a, j)
        # Midpoint rule: second order, so that the test measures the model and not itself.
        mid_velocity = velocity + dt / 2 * (thrust - answer.drag * velocity)
        mid_thrust = thrust + dt / 2 * (wanted - thrust) / answer.thrust_lag
        position = position + dt * mid_velocity
        velocity = velocity + dt * (mid_thrust - answer.drag * mid_velocity)
        thrust = thrust + dt * (wanted - mid_thrust) / answer.thrust_lag
        worst = max(worst, float(np.linalg.norm(position - path((k + 1) * dt)[0])))
    return worst


@pytest.mark.slow
@pytest.mark.parametrize("path", [circle(5.0, 3.0), dash(12.0, 5.0)], ids=["circle", "dash"])
@pytest.mark.parametrize(("drag", "lag"), [(1.0, 0.18), (0.3, 0.4), (0.0, 0.1)])
def test_the_command_flies_the_path(drag, lag, path):
    answer = response(drag, lag)

    def command(v, a, j):
        return acceleration_command(v, a, j, answer)

    assert fly(path, command, answer) < 0.001


def test_without_drag_or_lag_in_it_it_does_not():
    answer = response(1.0, 0.18)
    path = circle(5.0, 3.0)
    assert fly(path, lambda v, a, j: a, answer) > 1.0
    assert fly(path, lambda v, a, j: a + answer.drag * v, answer) > 0.2


VECTOR = st.lists(st.floats(-8, 8), min_size=3, max_size=3).map(np.array)


@given(VECTOR, VECTOR, VECTOR, st.floats(0, 2), st.floats(0, 1))
def test_the_formula(v, a, j, drag, lag):
    answer = response(drag, lag)
    np.testing.assert_allclose(
        acceleration_command(v, a, j, answer), a + drag * v + lag * (j + drag * a), atol=1e-9
    )


def test_at_constant_speed_the_command_is_the_drag():
    answer = response(0.8, 0.3)
    v, zero = np.array([3.0, 0.0, 0.0]), np.zeros(3)
    np.testing.assert_allclose(acceleration_command(v, zero, zero, answer), [2.4, 0, 0])


def test_limits_are_above_zero():
    limits = vehicles.load("x500_cinema").limits
    data = {name: f"{value} {unit}" for (name, value), unit in zip(limits, UNITS, strict=True)}
    assert FlightLimits.model_validate(data) == limits
    for name, unit in zip(data, UNITS, strict=True):
        for wrong in ("0", "-1"):
            with pytest.raises(ValidationError, match=f"{name} must be above zero"):
                FlightLimits.model_validate({**data, name: f"{wrong} {unit}"})


UNITS = ("m/s", "m/s", "m/s", "m/s^2", "m/s^2", "m/s^3", "rad", "rad/s")


def test_a_range_has_its_ends_in_order():
    assert Range.model_validate({"min": "0 deg", "max": "0 deg"}).max == 0.0
    with pytest.raises(ValidationError, match="below min"):
        Range.model_validate({"min": "10 deg", "max": "-10 deg"})
