"""The solver against Ipopt on the same problems, and what is built anew and what is not."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace

import numpy as np
import pytest

from cinempc.mpc import sqp
from cinempc.mpc.controller import Controller, Settings
from cinempc.mpc.model import Horizon, dynamics
from cinempc.mpc.objectives import (
    Aperture,
    DepthOfField,
    FocalLength,
    FocusOn,
    Goals,
    InFrame,
    Roll,
    ScreenPosition,
    Sharp,
    ShotScale,
    Soft,
    Viewpoint,
)
from cinempc.mpc.problem import Problem
from cinempc.mpc.reference import Reference
from cinempc.mpc.start import Start
from cinempc.rig import plan
from cinempc.rig.plan import Origin
from cinempc.rig.subject import SubjectEstimate


def person(name, x, y, vx=0.0, vy=0.0, heading=0.0):
    return SubjectEstimate(
        name, 0.0, np.array([x, y, 0.0]), np.array([vx, vy, 0.0]), heading=heading
    )


ONE = (person("hero", 0, 0, 0.0, 1.0, math.pi / 2),)
FOUR = (
    *ONE,
    person("second", 4, 2, 0.0, 1.2, math.pi / 2),
    person("third", 6, -3, -1.0, 0.5, 2.5),
    person("fourth", 3, 5, 0.5, -1.0, -1.0),
)

PICTURE = (
    ScreenPosition(subject="hero", u=0.4, v=0.4),
    ShotScale(subject="hero", fraction=0.5),
    Viewpoint(subject="hero", azimuth=2.0, elevation=0.1),
    Roll(),
    FocusOn(subject="hero"),
    FocalLength(mm=50.0),
    Aperture(f_number=4.0),
)
GROUP = (
    *PICTURE,
    ScreenPosition(subject="second", u=0.7),
    ScreenPosition(subject="third", u=0.9, weight=0.3),
    Sharp(subject="second"),
    Soft(subject="fourth", least=2.0, weight=0.3),
)
LIMITS = (
    ScreenPosition(subject="hero", u=0.5, v=0.4),
    DepthOfField(near=5.0, far=14.0),
    FocalLength(mm=70.0),
    Roll(angle=0.1),
)

CASES = {
    "picture": (Goals(PICTURE, (InFrame(subject="hero"),)), ONE),
    "limits of depth of field": (Goals(LIMITS), ONE),
    "four who move": (Goals(GROUP, (InFrame(subject="hero"),)), FOUR),
}


def numbers(problem, controller, wish, subjects, begin):
    here = Start(begin, np.zeros(3), float(begin[plan.YAW]))
    return controller.data(problem, 0.0, here, wish, {s.id: s for s in subjects})


@pytest.mark.parametrize("case", CASES, ids=lambda name: name.replace(" ", "-"))
def test_converged_it_costs_what_ipopt_finds(case, camera, vehicle, safety, start):
    wish, subjects = CASES[case]
    controller = Controller(camera, vehicle, safety, Settings(horizon=Horizon(15, 0.12)))
    problem = controller.problem(wish, tuple(s.id for s in subjects))
    reference = Reference(problem)
    random = np.random.default_rng(11)
    for trial in range(4):
        begin = start(focus=7.0)
        if trial:
            begin[plan.POSITION] += random.normal(0.0, [0.8, 0.8, 0.4])
            begin[plan.VELOCITY] = random.normal(0.0, [1.0, 1.0, 0.3])
            begin[plan.ACCELERATION] = random.normal(0.0, 0.4, 3)
            begin[plan.ANGLES] += random.normal(0.0, 0.08, 3)
            begin[plan.RATES] = random.normal(0.0, 0.1, 3)
            begin[plan.LENS] += random.normal(0.0, [0.1, 0.01, 0.3])
        data = numbers(problem, controller, wish, subjects, begin)
        ours = sqp.solve(problem, data, 60)
        best = reference.solve(replace(data, guess=ours.iterate.inputs))
        assert ours.failure is None
        assert best.failure is None
        # From the first guess by itself, Ipopt finds nothing better.
        alone = reference.solve(data)
        assert alone.failure is not None or ours.iterate.merit < 1.001 * alone.iterate.merit
        assert ours.iterate.merit == pytest.approx(best.iterate.merit, rel=1e-3)


def test_what_changes_from_step_to_step_builds_nothing(monkeypatch, flight):
    built = []
    real = Problem.__init__

    def count(self, *arguments):
        built.append(self)
        real(self, *arguments)

    monkeypatch.setattr(Problem, "__init__", count)
    fly = flight()
    for k in range(10):
        wish = Goals(
            (
                ScreenPosition(subject="hero", u=0.4 + 0.01 * k, v=0.4, weight=1.0 + k),
                ShotScale(subject="hero", fraction=np.linspace(0.4, 0.5, 21)),
                FocalLength(mm=40.0 + k),
            )
        )
        assert fly.step(wish, *ONE).origin is Origin.SOLVED
    assert len(built) == 1, "targets and weights are data"
    fly.step(Goals((*wish.objectives, Roll())), *ONE)
    assert len(built) == 2
    fly.step(Goals((*wish.objectives, Roll()), (InFrame(subject="hero"),)), *ONE)
    assert len(built) == 3
    fly.step(wish, *FOUR)
    assert len(built) == 4
    fly.step(wish, *ONE)
    assert len(built) == 4, "known structures are kept"


def test_a_new_set_of_objectives_takes_less_than_a_control_step(camera, vehicle, safety):
    controller = Controller(camera, vehicle, safety)
    took = []
    for k in range(3):
        wish = Goals(tuple(o for o in GROUP if o is not GROUP[k]), (InFrame(subject="hero"),))
        began = time.process_time()  # of this process alone, whatever else the machine does
        controller.problem(wish, tuple(s.id for s in FOUR))
        took.append(time.process_time() - began)
    # Asked for: 50 ms. The margin is for a machine that does something else as well.
    assert min(took) < 0.1


def test_more_iterations_cost_no_more(camera, vehicle, safety, start):
    wish, subjects = CASES["picture"]
    controller = Controller(camera, vehicle, safety)
    problem = controller.problem(wish, ("hero",))
    merits = []
    for count in (1, 2, 4, 8, 16):
        data = numbers(problem, controller, wish, subjects, start())
        merits.append(sqp.solve(problem, data, count).iterate.merit)
    assert all(b <= a * 1.001 + 1e-3 for a, b in itertools.pairwise(merits))


def test_an_iterate_obeys_the_dynamics(camera, vehicle, safety, start):
    wish, subjects = CASES["picture"]
    controller = Controller(camera, vehicle, safety)
    problem = controller.problem(wish, ("hero",))
    data = numbers(problem, controller, wish, subjects, start())
    found = sqp.solve(problem, data, 3).iterate
    x = data.start
    for k in range(controller.settings.horizon.nodes):
        x = plan.propagate(x, found.inputs[k], controller.settings.horizon.step)
        np.testing.assert_allclose(found.states[k], x, atol=1e-9)


def test_dynamics_are_the_exact_polynomials():
    A, B = dynamics(0.13, (True, True, True))
    random = np.random.default_rng(5)
    x, u = random.normal(size=plan.NX), random.normal(size=plan.NU)
    np.testing.assert_allclose(A @ x + B @ u, plan.propagate(x, u, 0.13), atol=1e-12)
    # Two steps are one twice as long: nothing is lost to discretisation.
    A2, B2 = dynamics(0.26, (True, True, True))
    np.testing.assert_allclose(A @ A, A2, atol=1e-12)
    np.testing.assert_allclose(A @ B + B, B2, atol=1e-12)
    assert not dynamics(0.1, (False, True, False))[1][[plan.LOG_FOCAL_LENGTH, plan.STOPS]].any()


def test_the_prediction_enters_over_the_horizon(camera, vehicle, safety, start):
    wish, subjects = CASES["four who move"]
    controller = Controller(camera, vehicle, safety)
    problem = controller.problem(wish, tuple(s.id for s in subjects))
    data = numbers(problem, controller, wish, subjects, start())
    times = controller.settings.horizon.times(0.0)
    for subject in subjects:
        expected = subject.position + times[:, None] * subject.velocity
        place = problem.layout.subjects[subject.id].position
        np.testing.assert_allclose(data.parameters[:, place], expected)


def test_ipopt_flies_too_where_asked_to(flight):
    wish, subjects = CASES["picture"]
    fly = flight(settings=Settings(horizon=Horizon(10, 0.15), deadline=np.inf, solver="ipopt"))
    twin = flight(settings=Settings(horizon=Horizon(10, 0.15), deadline=np.inf))
    for _ in range(3):
        best, ours = fly.step(wish, *subjects), twin.step(wish, *subjects)
        assert best.origin is Origin.SOLVED
    assert ours.cost == pytest.approx(best.cost, rel=0.05)
