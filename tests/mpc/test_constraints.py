"""Whatever is wished for, a plan stays in the envelope; people come before the picture."""

from __future__ import annotations

import itertools
import math
from dataclasses import fields, replace

import numpy as np
import pytest

from cinempc.mpc.constraints import standard
from cinempc.mpc.constraints.constraint import (
    ENVELOPE,
    OBSTACLE,
    PEOPLE,
    PICTURE,
    SOFT,
    Constraint,
)
from cinempc.mpc.constraints.envelope import OCTAGON, bounds
from cinempc.mpc.controller import Controller, Settings
from cinempc.mpc.data import row_limits
from cinempc.mpc.model import Horizon
from cinempc.mpc.objectives import (
    Aperture,
    CameraPosition,
    Distance,
    FocalLength,
    FocusOn,
    Goals,
    InFrame,
    Roll,
    ScreenPosition,
    ShotScale,
    Smoothness,
    Viewpoint,
)
from cinempc.mpc.problem import Problem
from cinempc.rig import plan
from cinempc.rig.plan import Origin
from cinempc.rig.subject import SubjectEstimate

HERO = SubjectEstimate("hero", 0.0, np.zeros(3), heading=math.pi / 2)

#: As free as it goes: nothing but the constraints holds the plan back.
WILD = Smoothness(weight=0.1)

AGGRESSIVE = {
    "far away": Goals((CameraPosition(x=80.0, y=-60.0, z=20.0),), (), WILD),
    "up, out of the band": Goals((CameraPosition(z=60.0),), (), WILD),
    "into the ground": Goals((CameraPosition(z=-5.0),), (), WILD),
    "round and round": Goals(
        (
            Viewpoint(subject="hero", azimuth=-2.5),
            Distance(subject="hero", metres=9.0),
            ScreenPosition(subject="hero", u=0.5, v=0.4),
        ),
        (),
        WILD,
    ),
    "lens beyond its ends": Goals(
        (
            FocalLength(mm=600.0),
            Aperture(f_number=1.0),
            FocusOn(subject="hero"),
        ),
        (),
        WILD,
    ),
    "wide, stopped down": Goals((FocalLength(mm=8.0), Aperture(f_number=64.0)), (), WILD),
    "on its side": Goals((Roll(angle=1.5),), (), WILD),
    "huge": Goals((ShotScale(subject="hero", fraction=8.0), FocalLength(mm=24.0)), (), WILD),
}


@pytest.mark.slow
@pytest.mark.parametrize("wish", AGGRESSIVE, ids=lambda name: name.replace(" ", "-"))
def test_no_goal_breaks_the_envelope(wish, flight, broken):
    fly = flight()
    solved = 0
    for k in range(80):
        found = fly.step(AGGRESSIVE[wish], HERO)
        # What leaves the envelope is not flown: the step before goes on instead.
        solved += found.origin is Origin.SOLVED
        assert not broken(found, fly.camera, fly.vehicle, fly.safety), f"step {k}"
        hard = {"speed", "acceleration", "tilt"}
        assert not hard & set(found.violations)
    assert solved >= 75, f"{solved} of 80 solved"


@pytest.mark.parametrize("seed", range(3))
def test_nor_do_goals_that_jump(seed, flight, broken):
    """Every half second another wish, none of them with any regard for the last."""
    random = np.random.default_rng(seed)
    fly = flight()
    for _ in range(12):
        wish = Goals(
            (
                CameraPosition(
                    x=random.uniform(-30, 30), y=random.uniform(-30, 30), z=random.uniform(0, 40)
                ),
                ScreenPosition(subject="hero", u=random.uniform(0.1, 0.9), v=0.5, weight=5.0),
                FocalLength(mm=random.uniform(10, 200)),
                Aperture(f_number=random.uniform(1, 32)),
                FocusOn(subject="hero", weight=random.uniform(0, 10)),
                Roll(angle=random.uniform(-0.5, 0.5)),
            ),
            (),
            WILD,
        )
        for found in fly.steps(10, wish, HERO):
            assert not broken(found, fly.camera, fly.vehicle, fly.safety)


def distance(found, subject):
    """Of the plan's nodes from a subject's body, m."""
    offset = found.states[1:, plan.POSITION] - subject.position
    above = np.maximum(offset[:, 2] - subject.height, 0.0)
    return np.sqrt(offset[:, 0] ** 2 + offset[:, 1] ** 2 + above**2)


def test_people_come_before_the_picture(flight, safety):
    """A close-up at the wide end is a metre away; and the face has to be in the picture."""
    wish = Goals(
        (
            ShotScale(subject="hero", fraction=4.0),
            FocalLength(mm=24.0),
            ScreenPosition(subject="hero", u=0.5, v=0.4),
        ),
        (InFrame(subject="hero"), InFrame(subject="hero", point="feet")),
    )
    fly = flight(focal_length=24.0)
    for found in fly.steps(160, wish, HERO):
        assert distance(found, HERO).min() > safety.subject_distance - 0.1
        assert found.violations.get("distance to hero", 0.0) < 0.1


def test_what_the_picture_loses_is_said_by_name(flight, safety):
    """Head and feet cannot both stay in a picture at the long end from three metres."""
    wish = Goals(
        (FocalLength(mm=120.0), Distance(subject="hero", metres=3.5)),
        (InFrame(subject="hero", point="top"), InFrame(subject="hero", point="feet")),
    )
    fly = flight(position=(-4.0, 0.0, 1.5), focal_length=120.0)
    found = fly.steps(30, wish, HERO)[-1]
    named = {name for name in found.violations if "in frame, upright" in name}
    assert named
    assert all(found.violations[name] > 0.005 for name in named)
    assert not any("distance" in name or name in ("speed", "tilt") for name in found.violations)


def test_someone_who_walks_at_the_vehicle_is_flown_away_from(flight, safety):
    runner = replace(HERO, position=np.array([0.0, 0.0, 0.0]), velocity=np.array([-2.0, 0.0, 0.0]))
    wish = Goals((ScreenPosition(subject="hero", u=0.5, v=0.4), FocalLength(mm=35.0)))
    fly = flight()
    for _ in range(120):
        found = fly.step(wish, runner)
        assert found.origin is Origin.SOLVED
        gap = distance(replace_states(found, fly.state), runner.predict(fly.now)).min()
        assert gap > safety.subject_distance - 0.1


def replace_states(found, state):
    return replace(found, states=np.vstack([state, state]))


def test_doubt_about_a_subject_keeps_the_vehicle_further_away(camera, vehicle, safety):
    sure, unsure = HERO, replace(HERO, covariance=np.diag([0.25, 0.04, 0, 0, 0, 0]))
    known = standard(vehicle, safety, ("hero",))
    problem = Problem(Horizon(), camera, ("hero",), (), known)
    low = [row_limits(problem, known, {"hero": subject})[0] for subject in (sure, unsure)]
    changed = np.unique(np.argwhere(low[0] != low[1])[:, 1])
    assert [problem.rows[row].name for row in changed] == ["distance to hero"]
    assert low[0][:, changed] == pytest.approx(safety.subject_distance)
    assert low[1][:, changed] == pytest.approx(safety.subject_distance + 2 * 0.5)


OUTSIDE = {
    "too fast": (plan.VELOCITY, (11.0, 2.0, 0.0)),
    "sinking": (plan.VELOCITY, (0.0, 0.0, -3.5)),
    "climbing": (plan.VELOCITY, (0.0, 0.0, 5.0)),
    "too low": (plan.ALTITUDE, 0.2),
    "too high": (plan.ALTITUDE, 36.0),
    "near the ground and sinking": ([plan.ALTITUDE, plan.CLIMB], (1.2, -1.5)),
    "accelerating": (plan.ACCELERATION, (5.0, -3.0, 2.0)),
    "spinning": (plan.RATES, (3.0, 0.0, -2.5)),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", OUTSIDE, ids=lambda name: name.replace(" ", "-"))
def test_from_outside_the_envelope_it_comes_back(how, flight, broken, finite, start):
    where, values = OUTSIDE[how]
    state = start(position=(-30.0, 0.0, 8.0))
    state[where] = values
    fly = flight(start=state)
    wish = Goals((ScreenPosition(subject="hero", u=0.5, v=0.5), FocusOn(subject="hero")))
    first = fly.step(wish, HERO)
    assert first.origin is Origin.SOLVED, fly.controller.failure
    assert finite(first)
    for _ in range(200):
        found = fly.step(wish, HERO)
        assert found.origin is Origin.SOLVED, fly.controller.failure
    assert not broken(found, fly.camera, fly.vehicle, fly.safety)


def test_inside_a_subjects_distance_it_backs_off(flight, safety):
    fly = flight(position=(-1.5, 0.0, 1.6))
    wish = Goals((ScreenPosition(subject="hero", u=0.5, v=0.4),))
    first = fly.step(wish, HERO)
    assert first.origin is Origin.SOLVED
    assert first.violations["distance to hero"] > 0.5
    found = fly.steps(120, wish, HERO)[-1]
    assert "distance to hero" not in found.violations
    assert distance(found, HERO).min() > safety.subject_distance - 0.02


def test_gimbal_limits_move_with_the_airframe(flight, vehicle):
    """Leaning into its flight takes the gimbal's pitch range with it."""
    gimbal = vehicle.gimbal
    tight = gimbal.pitch.model_copy(update={"min": -0.3, "max": 0.1})
    limited = vehicle.model_copy(update={"gimbal": gimbal.model_copy(update={"pitch": tight})})
    fly = flight(vehicle=limited)
    wish = Goals((CameraPosition(x=20.0, weight=5.0), ScreenPosition(subject="hero", v=0.95)))
    for found in fly.steps(60, wish, HERO):
        x = found.states[1:]
        thrust = x[:, plan.ACCELERATION] + vehicle.response.drag * x[:, plan.VELOCITY]
        ahead = thrust[:, 0] * np.cos(found.headings[1:]) + thrust[:, 1] * np.sin(
            found.headings[1:]
        )
        relative = x[:, plan.PITCH] + ahead / (9.80665 + thrust[:, 2])
        over = max(relative.max() - 0.1, -0.3 - relative.min())
        assert over < 0.03 or "gimbal pitch" in found.violations


def test_the_envelope_is_linear(camera, vehicle, safety):
    """So the quadratic program knows it exactly, and a full step cannot leave it."""
    problem = Controller(camera, vehicle, safety, Settings()).problem(Goals((Roll(),)), ("hero",))
    hard = problem.row_slack < 0
    random = np.random.default_rng(4)
    slopes = []
    for _ in range(2):
        function = problem.linear
        function.x[:] = random.normal(0.0, 3.0, function.x.shape)
        function.p[:] = random.normal(0.0, 3.0, function.p.shape)
        slopes.append(function()[3].reshape(-1, problem.n_rows, plan.NX)[:, hard].copy())
    np.testing.assert_allclose(slopes[0], slopes[1], atol=1e-12)


@pytest.mark.parametrize("limit", ["speed", "acceleration", "tilt"])
def test_an_octagon_lies_inside_its_circle_and_touches_it(limit, camera, vehicle, safety):
    problem = Controller(camera, vehicle, safety, Settings()).problem(Goals((Roll(),)), ())
    low, high = (limit[0] for limit in row_limits(problem, standard(vehicle, safety, ()), {}))
    box = bounds(camera, vehicle, safety)
    limits = vehicle.limits
    most = {
        "speed": limits.speed,
        "acceleration": limits.acceleration,
        "tilt": 9.80665 * math.tan(limits.tilt),
    }[limit]

    def inside(direction, size):
        x = np.zeros(plan.NX)
        push = size * np.array([math.cos(direction), math.sin(direction), 0.0])
        if limit == "speed":
            x[plan.VELOCITY] = push
        elif limit == "acceleration":
            x[plan.ACCELERATION] = push
        else:  # all of the lean is the drag's
            x[plan.VELOCITY] = push / vehicle.response.drag
        function = problem.value
        function.x[:], function.p[:] = x, 0.0
        rows = function()[1][0]
        mine = [i for i, row in enumerate(problem.rows) if row.name == limit]
        part = plan.ACCELERATION if limit == "acceleration" else plan.VELOCITY
        boxed = limit == "tilt" or (
            (x[part] <= box.upper[part] + 1e-9).all() and (x[part] >= box.lower[part] - 1e-9).all()
        )
        kept = (rows[mine] <= high[mine] + 1e-9).all() and (rows[mine] >= low[mine] - 1e-9).all()
        return boxed and kept

    for direction in np.arange(16) * math.pi / 8:
        assert not inside(direction, 1.001 * most)
        assert inside(direction, 0.999 * math.cos(math.pi / 8) * most)
    corner = math.pi / 8
    assert inside(corner, 0.999 * most)


def test_of_rows_of_one_name_the_worst_is_reported(camera, vehicle, safety):
    problem = Controller(camera, vehicle, safety, Settings()).problem(Goals((Roll(),)), ())
    excess = np.zeros((20, problem.n_rows))
    tilt = [i for i, row in enumerate(problem.rows) if row.name == "tilt"]
    excess[3, tilt[1]], excess[5, tilt[4]] = 0.9, 0.4
    assert problem.violations(excess) == {"tilt": 0.9}


def test_bounds_are_those_of_the_files(camera, vehicle, safety):
    box = bounds(camera, vehicle, safety)
    low, high = box.lower, box.upper
    assert (low[plan.ALTITUDE], high[plan.ALTITUDE]) == (safety.altitude.min, safety.altitude.max)
    assert np.exp(low[plan.LOG_FOCAL_LENGTH]) == pytest.approx(camera.focal_length.min)
    assert np.exp(high[plan.LOG_FOCAL_LENGTH]) == pytest.approx(camera.focal_length.max)
    assert (low[plan.FOCUS], high[plan.FOCUS]) == (0.0, pytest.approx(1 / camera.focus.closest))
    assert 2 ** (high[plan.STOPS] / 2) == pytest.approx(camera.aperture.max)
    assert (low < high).all()
    # Each axis by itself, and any direction between them, stays within the limit's circle.
    corner = high[plan.VELOCITY][0]
    assert corner <= vehicle.limits.speed
    assert np.isinf(low[[0, 1, plan.YAW, plan.ROLL]]).all()


def test_every_row_has_its_name_and_limits(camera, vehicle, safety):
    controller = Controller(camera, vehicle, safety, Settings())
    wish = Goals((Roll(),), (InFrame(subject="hero", point="eyes"),))
    problem = controller.problem(wish, ("hero", "friend"))
    friend = replace(HERO, id="friend")
    kept = (*standard(vehicle, safety, ("hero", "friend")), *wish.constraints)
    low, high = row_limits(problem, kept, {"hero": HERO, "friend": friend})
    names = [row.name for row in problem.rows]
    assert len(names) == low.shape[1] == high.shape[1] == problem.n_rows
    for name in ("distance to hero", "distance to friend", "hero eyes in frame, sideways"):
        assert name in names
    people = [i for i, name in enumerate(names) if name.startswith("distance")]
    assert (problem.row_slack[people] == problem.slacks.index(PEOPLE)).all()
    # A few limits as they stand in the files.
    assert high[0, names.index("speed")] == pytest.approx(OCTAGON * vehicle.limits.speed)
    assert low[0, names.index("gimbal pitch")] == vehicle.gimbal.pitch.min
    assert high[0, names.index("hero eyes in frame, sideways")] == 0.5 - 0.02


def test_the_dearer_kind_comes_first_by_far():
    assert SOFT == (PEOPLE, OBSTACLE, PICTURE)
    for dear, cheap in itertools.pairwise(SOFT):
        assert dear.slack.linear >= 3 * cheap.slack.linear
        assert dear.slack.quadratic >= 3 * cheap.slack.quadratic
    assert PEOPLE.slack.linear >= 100 * PICTURE.slack.linear


def test_a_problem_has_the_slacks_of_its_rows_only(camera, vehicle, safety):
    controller = Controller(camera, vehicle, safety)
    assert controller.problem(Goals((Roll(),)), ("hero",)).slacks == (PEOPLE, PICTURE)
    assert controller.problem(Goals((Roll(),)), ()).slacks == (PICTURE,)


def test_limits_that_change_build_nothing(camera, vehicle, safety):
    controller = Controller(camera, vehicle, safety)
    problems = [
        controller.problem(Goals((Roll(),), (InFrame(subject="hero", margin=margin),)), ("hero",))
        for margin in (0.02, 0.1)
    ]
    assert problems[0] is problems[1]
    other = controller.problem(
        Goals((Roll(),), (InFrame(subject="hero", point="feet"),)), ("hero",)
    )
    assert other is not problems[0]


def test_every_shipped_constraint_is_rows_limits_and_a_kind(camera, vehicle, safety):
    """And what only `limits` reads is declared as data, so that it never makes new code."""

    def all_of(kind):
        return {kind, *(c for child in kind.__subclasses__() for c in all_of(child))}

    shipped = {k for k in all_of(Constraint) if k.__module__.startswith("cinempc.")} - {Constraint}
    kept = (*standard(vehicle, safety, ("hero",)), InFrame(subject="hero"))
    assert {type(c) for c in kept} == shipped
    problem = Problem(Horizon(), camera, ("hero",), (), kept)
    for i, constraint in enumerate(kept):
        rows = [
            row for row, owner in zip(problem.rows, problem.row_owners, strict=True) if owner == i
        ]
        assert rows
        low, high = constraint.limits({"hero": HERO})
        assert low < high
        assert constraint.kind in (ENVELOPE, *SOFT)
        hash(constraint.structure())
        names = {f.name for f in fields(constraint)}
        assert set(constraint.data) <= names
