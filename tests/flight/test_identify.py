"""Identification: against a vehicle of known response, and over MAVLink against the simulated
one, in virtual time. (Against real PX4:
``tests/live/test_identify.py``.)"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cinempc import configs
from cinempc.app import identify as app
from cinempc.app.identify import with_response
from cinempc.cli.identify import identify as command
from cinempc.errors import CinempcError
from cinempc.flight import identify
from cinempc.flight.config import Flight
from cinempc.flight.identify import Gains, Identified
from cinempc.flight.pilot.pilot import Pilot, Report
from cinempc.rig import vehicle as vehicles
from cinempc.rig.camera import LensState
from cinempc.rig.plan import Plan, PlanPoint
from cinempc.rig.state import CameraPose, RigState
from cinempc.rig.trajectory import Trajectory
from cinempc.rig.vehicle import FlightLimits, Response
from cinempc.safety import limits as safety
from sim.body.vehicle import STEP, Quadrotor
from tests.fakes.vehicle import CAMERA, VirtualVehicle
from tests.fakes.virtual import VirtualTime

Floats = NDArray[np.float64]

X500 = vehicles.load("x500_cinema")
GAINS = Gains(position_p=0.95, velocity_p=1.8, velocity_i=0.4, velocity_d=0.2, cutoff=5.0)
SITL = Flight(name="test", connection="onboard")
#: A vehicle's file as nobody has it: far from everything that is flown here.
WRONG = {"drag": 0.4, "thrust_lag": 0.1, "latency": 0.0, "damping": 0.0}


def response(**values: float) -> Response:
    return X500.response.model_copy(update=values)


def state(time: float, position: Floats, heading: float = math.pi / 2) -> RigState:
    return RigState(
        time=time,
        position=position,
        velocity=np.zeros(3),
        attitude=(heading, 0.0, 0.0),
        camera=CameraPose(position, heading, 0.0, 0.0),
        camera_rates=np.zeros(3),
        lens=LensState(35.0, 10.0, 4.0),
    )


def course(plan: Plan, sent_with: Response) -> Trajectory:
    place = plan.sample(plan.start).position
    zero = np.zeros(3)
    at_rest = PlanPoint(0.0, place, zero, zero, zero, zero, zero, LensState(35.0, 10.0, 4.0))
    found = Trajectory(
        X500.model_copy(update={"response": sent_with}), at_rest, float(plan.headings[0])
    )
    found.follow(plan)
    return found


class Truth:
    """A vehicle that is what the fit assumes, written down as a loop: PX4's controller, thrust with
    a lag, drag against moving air; setpoints that arrive late; an estimate that wanders."""

    def __init__(
        self, drag: float, lag: float, latency: float, wind: tuple[float, float], noise: float
    ) -> None:
        self.drag, self.lag, self.latency, self.noise = drag, lag, latency, noise
        self.wind = np.array(wind)

    def fly(self, plan: Plan, sent_with: Response, seed: int = 0) -> list[RigState]:
        random = np.random.default_rng(seed)
        flown, dt = course(plan, sent_with), 0.004
        begin = plan.start - 1.0
        p, v, slope = plan.sample(plan.start).position[:2].copy(), np.zeros(2), np.zeros(2)
        thrust = -self.drag * self.wind
        held, a, wander = thrust.copy(), np.zeros(2), np.zeros(2)
        setpoints: list[tuple[float, tuple[Floats, Floats, Floats]]] = []
        states, arrived = [], 0
        blend = 1 - math.exp(-2 * math.pi * GAINS.cutoff * dt)
        for k in range(round((plan.end + 0.5 - begin) / dt)):
            now = begin + k * dt
            if k % 5 == 0:
                sent = flown.setpoint(now + sent_with.latency, 0.02)
                parts = (sent.position[:2], sent.velocity[:2], sent.acceleration[:2])
                setpoints.append((now + self.latency, parts))
                place = np.array([*(p + wander), 8.0])
                states.append(state(now, place))
                wander = 0.995 * wander + 0.1 * self.noise * random.standard_normal(2)
            while arrived + 1 < len(setpoints) and setpoints[arrived + 1][0] <= now:
                arrived += 1
            goal, forward, ahead = setpoints[arrived][1]
            error = forward + GAINS.position_p * (goal - p - wander) - v
            slope = slope + blend * (a - slope)
            asked = ahead + GAINS.velocity_p * error + held - GAINS.velocity_d * slope
            held = held + GAINS.velocity_i * error * dt
            thrust = thrust + (1 - math.exp(-dt / self.lag)) * (asked - thrust)
            a = thrust - self.drag * (v - self.wind)
            v = v + a * dt
            p = p + v * dt
        return states


def learn(states: list[RigState], plan: Plan, sent_with: Response) -> Identified:
    return identify.fit(identify.record(plan, states, sent_with), GAINS)


def hover(time: float = 0.0) -> RigState:
    return state(time, np.array([3.0, -2.0, 8.0]))


# --- what is flown ---

LIMITS = st.builds(
    lambda speed, acceleration: X500.limits.model_copy(
        update={"speed": speed, "acceleration": acceleration}
    ),
    st.floats(2.0, 15.0),
    st.floats(1.0, 8.0),
)


@pytest.mark.parametrize("make", [identify.manoeuvre, identify.circle])
@settings(max_examples=8, deadline=None)
@given(limits=LIMITS, speed=st.floats(1.0, 8.0), heading=st.floats(-math.pi, math.pi))
def test_what_is_flown_is_inside_the_limits(
    make: Callable[..., Plan], limits: FlightLimits, speed: float, heading: float
) -> None:
    place = np.array([3.0, -2.0, 8.0])
    plan = make(state(5.0, place, heading), limits, 6.0, speed=speed)
    assert plan.start == 6.0
    points = [plan.sample(t) for t in np.linspace(plan.start, plan.end, 700)]
    velocities = np.array([point.velocity for point in points])
    accelerations = np.array([point.acceleration for point in points])
    assert np.linalg.norm(velocities, axis=1).max() < 1.03 * min(speed, limits.speed)
    assert np.linalg.norm(accelerations, axis=1).max() < 1.03 * limits.acceleration
    assert np.abs(plan.inputs[:, :3]).max() <= limits.jerk + 1e-9
    off = np.array([point.position - place for point in points])
    assert np.abs(off[:, 2]).max() < 1e-6
    assert np.linalg.norm(off, axis=1).max() < 10.3
    np.testing.assert_allclose(points[0].position, place, atol=1e-9)
    for end in (points[0], points[-1]):
        np.testing.assert_allclose(end.velocity, 0.0, atol=0.05)
    np.testing.assert_array_equal(plan.headings, heading)


# --- the fit ---


@pytest.mark.slow
@pytest.mark.parametrize(
    ("drag", "lag", "latency", "wind"),
    [
        (1.0, 0.27, 0.02, (0.0, 0.0)),
        (0.1, 0.27, 0.05, (0.0, 0.0)),
        (0.3, 0.12, 0.1, (3.0, -2.0)),
        (1.8, 0.4, 0.0, (-2.0, 4.0)),
    ],
)
def test_the_fit_finds_what_is_true(drag, lag, latency, wind) -> None:
    sent_with = response(**WRONG)
    plan = identify.manoeuvre(hover(), X500.limits, 0.5)
    found = learn(Truth(drag, lag, latency, wind, 0.02).fly(plan, sent_with), plan, sent_with)
    assert found.response.drag == pytest.approx(drag, abs=0.06)
    # The two trade a little: a setpoint that is held for 20 ms is one that is 10 ms late.
    assert found.response.thrust_lag == pytest.approx(lag, abs=0.04)
    assert found.response.latency == pytest.approx(latency + 0.01, abs=0.03)
    assert found.response.thrust_lag + found.response.latency == pytest.approx(
        lag + latency + 0.01, abs=0.025
    )
    assert found.response.damping == GAINS.velocity_d
    assert found.response.position_lag == pytest.approx(1 / GAINS.position_p, rel=1e-3)
    assert found.misfit < 0.05
    # It knows how sure it is.
    assert abs(found.response.drag - drag) < 4 * found.deviations[0] + 0.02
    assert found.deviations[0] < 0.05


def test_the_model_is_the_loop() -> None:
    """Without noise what the fit simulates is what the loop flies, to millimetres."""
    sent_with = response(**WRONG)
    plan = identify.manoeuvre(hover(), X500.limits, 0.5)
    states = Truth(0.7, 0.2, 0.05, (2.0, 1.0), 0.0).fly(plan, sent_with)
    recording = identify.record(plan, states, sent_with)
    model = identify.simulate(recording, GAINS, 0.7, 0.2, 0.06, np.zeros(2))
    assert np.abs(model - recording.flown).max() < 0.02


@pytest.mark.slow
def test_what_cannot_be_explained_is_refused() -> None:
    sent_with = response(**WRONG)
    plan = identify.manoeuvre(hover(), X500.limits, 0.5)
    states = Truth(1.0, 0.27, 0.02, (0.0, 0.0), 0.0).fly(plan, sent_with)
    random = np.random.default_rng(1)
    gusts = np.cumsum(0.03 * random.standard_normal((len(states), 3)), axis=0)
    blown = [replace(s, position=s.position + g) for s, g in zip(states, gusts, strict=True)]
    with pytest.raises(CinempcError, match=r"cannot be explained.*calm air"):
        learn(blown, plan, sent_with)
    stays = [replace(s, position=states[0].position) for s in states]
    with pytest.raises(CinempcError, match="cannot be explained"):
        learn(stays, plan, sent_with)


def test_a_link_that_loses_most_is_refused() -> None:
    sent_with = response(**WRONG)
    plan = identify.manoeuvre(hover(), X500.limits, 0.5)
    states = Truth(1.0, 0.27, 0.02, (0.0, 0.0), 0.0).fly(plan, sent_with)
    with pytest.raises(CinempcError, match=r"only \d+ positions were heard.*better"):
        learn(states[::20], plan, sent_with)


# --- the embedded simulator's vehicle ---


def fly(plan: Plan, sent_with: Response, drag: float, inward: bool = False) -> list[RigState]:
    """What the simulator's vehicle reports; with its nose to the centre of a circle."""
    if inward:
        centre = plan.sample(plan.start).position[:2] + np.array([0.0, 5.0])
        to = centre - plan.states[:, :2]
        plan = replace(plan, headings=np.unwrap(np.arctan2(to[:, 1], to[:, 0])))
    flown = course(plan, sent_with)
    config = X500.model_copy(update={"response": response(drag=drag)})
    quad = Quadrotor(config, plan.sample(plan.start).position, yaw=math.pi / 2)
    states = []
    for k in range(round((plan.end + 0.5) / STEP)):
        if k % 5 == 0:
            quad.command(flown.setpoint(k * STEP + sent_with.latency, 0.02))
            states.append(state(k * STEP, quad.position))
        quad.step()
    return states


@pytest.mark.slow
@pytest.mark.parametrize("drag", [1.0, 0.1])
def test_what_is_found_flies_the_simulators_vehicle(drag: float) -> None:
    """A vehicle that is richer than the model: its lean has two lags, and its limits."""
    wrong = response(**WRONG)
    plan = identify.manoeuvre(hover(), X500.limits, 0.5)
    found = learn(fly(plan, wrong, drag), plan, wrong)
    lap = identify.circle(hover(), X500.limits, 0.5)
    before = identify.record(lap, fly(lap, wrong, drag), wrong).error
    assert before > 0.4
    for inward in (False, True):
        flown = fly(lap, found.response, drag, inward)
        assert identify.record(lap, flown, found.response).error < 0.1


# --- the vehicle's file ---


def test_the_vehicles_file_keeps_all_but_the_response(tmp_path: Path) -> None:
    text = configs.find("vehicles", "x500_cinema").read_text(encoding="utf-8")
    found = Identified(
        response(drag=0.513, thrust_lag=0.204, latency=0.031, damping=0.2, position_lag=1.053),
        0.5, 0.02, (0.01, 0.01, 0.01),
    )  # fmt: skip
    path = tmp_path / "mine.yaml"
    path.write_text(with_response(text, found.response), encoding="utf-8")
    written = vehicles.load(str(path))
    assert written.response == found.response
    assert (written.limits, written.gimbal) == (X500.limits, X500.gimbal)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert [line for line in path.read_text().splitlines() if line.startswith("#")] == comments


# --- over MAVLink ---


class VirtualRig:
    """A `FlightRig` whose pilot and whose vehicle live in virtual time, which goes on while it is
    waited for."""

    def __init__(self, time: VirtualTime, vehicle: VirtualVehicle, *setting: Any) -> None:
        self._time = time
        config, model, camera, limits = setting
        self._pilot = Pilot(
            config, model, camera, limits, wall=vehicle.clock, connect=vehicle.connect
        )
        time.run(self._pilot.open())

    def __enter__(self) -> VirtualRig:
        return self

    def __exit__(self, *_: object) -> None:
        self._time.run(self._pilot.close())

    def parameter(self, name: str, value: float | None = None) -> float:
        return float(self._time.run(self._pilot.autopilot.parameter(name, value)))

    def fly(self) -> None:
        self._time.run(self._pilot.fly())

    def hold(self) -> None:
        self._time.run(self._pilot.hold())

    def state(self) -> RigState:
        return self._pilot.state()

    def follow(self, plan: Plan) -> None:
        self._pilot.follow(plan)

    def now(self) -> float:
        return self._pilot.clock.now()

    def wait_until(self, when: float) -> None:
        while self.now() < when:
            self.sleep(0.02)

    def sleep(self, seconds: float) -> None:
        self._time.run(asyncio.sleep(seconds))

    @property
    def report(self) -> Report:
        return self._pilot.report()


def test_a_file_that_cannot_be_written_is_told_before_the_flight(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def open_rig(*setting: Any) -> None:
        raise AssertionError("it flies")

    monkeypatch.setattr(app, "FlightRig", open_rig)
    with pytest.raises(CinempcError, match="cannot be written"):
        app.identify(write=tmp_path / "missing" / "mine.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("drag", [1.0, 0.1])
def test_identify_from_a_wrong_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, drag: float, capsys
) -> None:
    """The command itself: from a wrong file it writes one that flies the circle to 0.1 m."""
    wrong, right = tmp_path / "wrong.yaml", tmp_path / "right.yaml"
    text = configs.find("vehicles", "x500_cinema").read_text(encoding="utf-8")
    wrong.write_text(with_response(text, response(**WRONG)), encoding="utf-8")
    rigs: list[VirtualRig] = []

    def open_rig(*setting: Any) -> VirtualRig:
        rigs.append(VirtualRig(time, vehicle, *setting))
        return rigs[-1]

    async def begin() -> None:
        vehicle.start()

    monkeypatch.setattr(app, "FlightRig", open_rig)
    # As often as positions come.
    monkeypatch.setattr(app, "time", SimpleNamespace(sleep=lambda _: rigs[-1].sleep(0.02)))
    with VirtualTime() as time:
        vehicle = VirtualVehicle(time.clock, height=8.0)
        time.run(begin())
        with VirtualRig(time, vehicle, SITL, X500, CAMERA, safety.load("default")) as rig:
            rig.parameter("SIH_KDV", drag)
        command(vehicle=str(wrong), write=right, flight="sitl", speed=3.0, in_air=True)
        vehicle.close()
    said = " ".join(capsys.readouterr().out.split())  # it is wrapped to the terminal
    error = float(said.split("m rms on the circle")[0].split()[-1])
    assert error <= 0.1, said
    found = vehicles.load(str(right)).response
    assert found.drag == pytest.approx(drag, abs=0.06)
    assert 0.1 < found.thrust_lag + found.latency < 0.5
    before = float(said.split("m rms in the manoeuvre")[0].split()[-1])
    assert before > 1.5 * error
