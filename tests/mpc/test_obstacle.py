"""A constraint from outside the package: an obstacle that is kept clear.

The class is the example of docs/control-problem.md. Nothing of problem, solver or controller knows
of it: its kind, slack, price, limit and own parameters are all in the class.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cinempc.mpc import sqp
from cinempc.mpc.constraints.constraint import OBSTACLE, PEOPLE, PICTURE
from cinempc.mpc.controller import Controller, Settings
from cinempc.mpc.model import Horizon
from cinempc.mpc.objectives import CameraPosition, FocusOn, Goals, Roll, ScreenPosition
from cinempc.mpc.reference import Reference
from cinempc.mpc.start import Start
from cinempc.rig import plan
from cinempc.rig.plan import Origin
from cinempc.rig.subject import SubjectEstimate

HERO = SubjectEstimate("hero", 0.0, np.zeros(3))
RADIUS = 2.0


def goals(*constraints, y=-8.0):
    """To the hero's other side; the camera starts at y = 0, x = -8."""
    return Goals(
        (
            CameraPosition(x=-8.0, y=y, z=2.0),
            ScreenPosition(subject="hero", u=0.5, v=0.4),
            FocusOn(subject="hero"),
            Roll(),
        ),
        constraints,
    )


@pytest.fixture
def tree(example):
    """A cylinder a little off the straight way from the start to the goal."""
    KeepClear = example("A constraint of your own")["KeepClear"]
    return KeepClear(name="tree", x=-8.3, y=-4.0, radius=RADIUS)


def clearance(states, tree, times=0.0):
    """Of states from the cylinder's surface, m."""
    axis = np.array([tree.x, tree.y]) + np.multiply.outer(times, tree.velocity)
    return np.linalg.norm(states[:, plan.POSITION][:, :2] - axis, axis=1) - RADIUS


@pytest.mark.slow
def test_it_is_flown_round(flight, tree):
    free, kept = flight(), flight()
    straight = np.array([free.step(goals(), HERO).states[1] for _ in range(200)])
    assert clearance(straight, tree).min() < -1.5, "nothing in the way"
    states = []
    for _ in range(200):
        found = kept.step(goals(tree), HERO)
        assert found.origin is Origin.SOLVED
        assert "distance to tree" not in found.violations
        states.append(found.states[1])
    assert clearance(np.array(states), tree).min() > -0.02
    np.testing.assert_allclose(kept.state[plan.POSITION], (-8.0, -8.0, 2.0), atol=0.15)


def test_one_that_comes_nearer_is_made_room_for(flight, tree):
    """Its place is a parameter of each node: the plan knows where it will be."""
    fly = flight()
    for _ in range(100):
        moved = replace(tree, x=-8.3, y=-5.0 + 1.2 * fly.now, velocity=(0.0, 1.2))
        found = fly.step(goals(moved, y=0.0), HERO)
        assert found.origin is Origin.SOLVED
        ahead = found.times[1:] - found.times[0]
        assert clearance(found.states[1:], moved, ahead).min() > -0.05


def test_its_place_and_size_are_data(camera, vehicle, safety, tree):
    controller = Controller(camera, vehicle, safety)
    problem = controller.problem(goals(tree), ("hero",))
    assert controller.problem(goals(replace(tree, x=3.0, radius=1.0)), ("hero",)) is problem
    assert controller.problem(goals(tree, tree), ("hero",)) is not problem


def test_it_has_a_slack_of_its_own(camera, vehicle, safety, tree):
    problem = Controller(camera, vehicle, safety).problem(goals(tree), ("hero",))
    assert problem.slacks == (PEOPLE, OBSTACLE, PICTURE)
    (row,) = (i for i, row in enumerate(problem.rows) if row.name == "distance to tree")
    assert problem.row_slack[row] == 1
    assert (problem.row_slack == 1).sum() == 1
    assert problem.slack_linear[1] == OBSTACLE.slack.linear


def test_what_cannot_be_kept_is_named(flight, tree):
    """Right inside, no plan is clear of it at once: it backs out, and says by how much."""
    fly = flight()
    inside = replace(tree, x=-8.0, y=0.3)
    first = fly.step(goals(inside), HERO)
    assert first.origin is Origin.SOLVED
    assert first.violations["distance to tree"] > 1.0
    found = fly.steps(120, goals(inside), HERO)[-1]
    assert "distance to tree" not in found.violations
    assert clearance(found.states, inside).min() > -0.05


def test_converged_it_costs_what_ipopt_finds(camera, vehicle, safety, start, tree):
    controller = Controller(camera, vehicle, safety, Settings(horizon=Horizon(15, 0.12)))
    problem = controller.problem(goals(tree), ("hero",))
    reference = Reference(problem)
    for y, speed in ((-1.0, -2.0), (-1.8, -1.0), (-3.0, 0.0)):
        begin = start(position=(-8.0, y, 2.0))
        begin[plan.VELOCITY] = 0.0, speed, 0.0
        here = Start(begin, np.zeros(3), 0.0)
        data = controller.data(problem, 0.0, here, goals(tree), {"hero": HERO})
        ours = sqp.solve(problem, data, 60)
        best = reference.solve(replace(data, guess=ours.iterate.inputs))
        assert ours.failure is None
        assert best.failure is None
        assert ours.iterate.excess.any() == best.iterate.excess.any()
        assert ours.iterate.merit == pytest.approx(best.iterate.merit, rel=2e-3)
