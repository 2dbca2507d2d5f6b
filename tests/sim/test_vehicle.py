"""The simulated vehicle against what PX4 did on the same commands (docs/vehicles.md)."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from cinempc.rig import vehicle
from cinempc.rig.vehicle import Setpoint, acceleration_command
from sim.body.vehicle import STEP, Airframe, Quadrotor

X500 = vehicle.load("x500_cinema")
NOT_GIVEN = np.full(3, np.nan)
RADIUS, RATE = 5.0, 0.6  # m, rad/s: 3 m/s


@dataclass
class Flown:
    rms: float
    lag: float
    radius: float


def point(t):
    c, s = math.cos(RATE * t), math.sin(RATE * t)
    position = np.array([RADIUS * c, RADIUS * s, 10.0])
    velocity = RADIUS * RATE * np.array([-s, c, 0.0])
    return position, velocity, -(RATE**2) * (position - [0, 0, 10]), -(RATE**2) * velocity


def circle(send, *, period=0.02, drag=None, duration=40.0, lead=0.0, turning=True):
    config = X500
    if drag is not None:
        response = X500.response.model_copy(update={"drag": drag})
        config = X500.model_copy(update={"response": response})
    heading = math.pi if turning else 0.0
    quad = Quadrotor(config, [RADIUS, 0, 10], [0, RADIUS * RATE, 0], heading)
    every = round(period / STEP)
    offsets, radii, phases = [], [], []
    for i in range(round(duration / STEP)):
        if i % every == 0:
            wanted = send(*point(i * STEP + lead))
            if turning:  # the nose to the centre, as it was measured
                heading = RATE * (i * STEP + lead) + math.pi
                wanted = replace(wanted, yaw=heading, yaw_rate=RATE)
            quad.command(wanted)
        quad.step()
        t = (i + 1) * STEP
        if t > duration - 2 * math.pi / RATE:  # the last turn
            x, y, _ = quad.position
            offsets.append(np.linalg.norm(quad.position - point(t)[0]))
            radii.append(math.hypot(x, y))
            phases.append((RATE * t - math.atan2(y, x) + math.pi) % (2 * math.pi) - math.pi)
    return Flown(
        float(np.sqrt(np.mean(np.square(offsets)))),
        float(np.mean(phases)) / RATE,
        float(np.mean(radii)),
    )


def with_drag(drag):
    return lambda p, v, a, j: Setpoint(p, v, a + drag * v, 0.0)


def all_given(p, v, a, j):
    return Setpoint(p, v, a, 0.0)


def position_and_velocity(p, v, a, j):
    return Setpoint(p, v, NOT_GIVEN, 0.0)


def position_only(p, v, a, j):
    return Setpoint(p, NOT_GIVEN, NOT_GIVEN, 0.0)


def test_circle_with_acceleration():
    flown = circle(all_given)
    assert flown.rms == pytest.approx(1.65, rel=0.1)
    assert flown.lag == pytest.approx(0.55, abs=0.03)
    assert 4.55 <= flown.radius <= 4.8


def test_circle_with_position_and_velocity():
    flown = circle(position_and_velocity)
    assert 1.9 <= flown.rms <= 2.2
    assert flown.lag == pytest.approx(0.63, abs=0.03)


def test_circle_with_position_only():
    flown = circle(position_only)
    assert flown.rms == pytest.approx(4.4, rel=0.1)
    assert flown.lag == pytest.approx(1.57, abs=0.05)
    assert 4.6 <= flown.radius <= 4.9


def test_circle_with_drag_fed_forward():
    flown = circle(with_drag(1.0))
    assert flown.rms == pytest.approx(0.26, abs=0.1)
    assert flown.lag == pytest.approx(0.07, abs=0.02)
    assert flown.radius == pytest.approx(5.14, abs=0.1)


def test_circle_with_a_fixed_heading():
    # Measured with the nose held: the lean has to turn in the airframe, and lags.
    flown = circle(with_drag(1.0), turning=False)
    assert flown.rms == pytest.approx(0.51, abs=0.1)
    assert flown.radius == pytest.approx(5.49, abs=0.1)
    assert flown.lag == pytest.approx(0.04, abs=0.03)


@pytest.mark.parametrize(("send", "rms"), [(all_given, 0.35), (with_drag(0.1), 0.26)])
def test_circle_at_low_drag(send, rms):
    assert circle(send, drag=0.1).rms == pytest.approx(rms, abs=0.1)


@pytest.mark.parametrize(("period", "rms"), [(0.048, 1.69), (0.1, 1.75)])
def test_circle_with_slower_setpoints(period, rms):
    assert circle(all_given, period=period).rms == pytest.approx(rms, rel=0.1)


@pytest.mark.parametrize("turning", [True, False])
def test_the_models_own_feed_forward_flies_the_circle(turning):
    rate = RATE if turning else 0.0

    def send(p, v, a, j):
        return Setpoint(p, v, acceleration_command(v, a, j, X500.response, rate), 0.0)

    flown = circle(send, lead=X500.response.latency, turning=turning)
    assert flown.rms < 0.05


def step_response(distance):
    quad = Quadrotor(X500, [0, 0, 10])
    quad.command(Setpoint(np.array([distance, 0.0, 10.0]), NOT_GIVEN, NOT_GIVEN, 0.0))
    path, speeds, tilts = [], [], []
    for _ in range(round(10 / STEP)):
        quad.step()
        path.append(quad.position)
        speeds.append(quad.velocity[0])
        tilts.append(quad.tilt)
    return np.array(path), np.array(speeds), np.array(tilts)


def test_position_step():
    path, speeds, _ = step_response(10.0)
    along = path[:, 0]
    assert speeds.max() == pytest.approx(5.1, abs=0.2)
    assert along.max() - 10 == pytest.approx(0.32, abs=0.06)
    assert np.argmax(along > 9) * STEP == pytest.approx(2.87, abs=0.1)
    assert np.flatnonzero(abs(along - 10) > 0.3)[-1] * STEP == pytest.approx(5.8, abs=0.7)
    # The collective is there before the lean is: it rises at first, and sinks when it brakes.
    assert path[:, 2].max() - 10 == pytest.approx(0.15, abs=0.04)
    assert path[:, 2].min() - 10 == pytest.approx(-0.09, abs=0.04)


def test_tilt_is_limited():
    _, _, tilts = step_response(100.0)
    assert 44 < math.degrees(tilts.max()) < 48


def test_a_step_of_the_heading():
    quad = Quadrotor(X500, [0, 0, 10])
    quad.command(Setpoint(np.array([0, 0, 10.0]), NOT_GIVEN, NOT_GIVEN, math.radians(30)))
    yaws = []
    for _ in range(round(4 / STEP)):
        quad.step()
        yaws.append(math.degrees(quad.yaw))
    assert max(yaws) == pytest.approx(37.8, abs=1.5)
    assert np.argmax(yaws) * STEP == pytest.approx(1.25, abs=0.15)
    assert yaws[-1] == pytest.approx(30, abs=1)


def test_climb_and_descent_are_limited():
    quad = Quadrotor(X500, [0, 0, 10])
    climbs = []
    for height in (40.0, 0.0):
        quad.command(Setpoint(np.array([0, 0, height]), NOT_GIVEN, NOT_GIVEN, 0.0))
        for _ in range(round(5 / STEP)):
            quad.step()
        climbs.append(quad.velocity[2])
    assert climbs == pytest.approx([3.0, -1.5], abs=0.12)


def test_holds_its_place_in_a_steady_wind():
    quad = Quadrotor(X500, [0, 0, 10], wind=[3, 0, 0])
    for _ in range(round(5 / STEP)):
        quad.step(STEP, (3.0, 0.0, 0.0))
    assert np.linalg.norm(quad.position - [0, 0, 10]) < 0.01
    yaw, pitch, roll = quad.attitude
    assert pitch == pytest.approx(math.atan2(3, vehicle.GRAVITY), abs=0.01)  # leans against it
    assert (yaw, roll) == pytest.approx((0, 0), abs=1e-6)


def test_integrator_takes_up_a_new_wind():
    quad = Quadrotor(X500, [0, 0, 10])
    for _ in range(round(60 / STEP)):
        quad.step(STEP, (0.0, 3.0, 0.0))
    assert np.linalg.norm(quad.position - [0, 0, 10]) < 0.02


def test_turns_the_short_way():
    quad = Quadrotor(X500, [0, 0, 10], yaw=3.0)
    quad.command(Setpoint(np.array([0, 0, 10.0]), np.zeros(3), np.zeros(3), -3.0))
    for _ in range(round(6 / STEP)):
        quad.step()
    assert quad.yaw == pytest.approx(2 * math.pi - 3.0, abs=0.01)


def test_a_slow_airframe_turns_wider():
    def flown(lag):
        quad = Quadrotor(X500, [0, 0, 10], airframe=Airframe(rate_lag=lag))
        quad.command(Setpoint(np.array([5.0, 0, 10]), NOT_GIVEN, NOT_GIVEN, 0.0))
        for _ in range(round(0.5 / STEP)):
            quad.step()
        return quad.position[0]

    assert flown(0.2) < flown(0.04)
