"""Each objective alone is brought to zero, and its derivatives are those of finite differences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import casadi as ca
import numpy as np
import pytest

from cinempc import lens
from cinempc.mpc import sqp
from cinempc.mpc.controller import Controller, Settings
from cinempc.mpc.model import POSE, Horizon
from cinempc.mpc.objectives import (
    Aperture,
    Attitude,
    CameraPosition,
    DepthOfField,
    Distance,
    DollyZoom,
    FocalLength,
    FocusOn,
    Goals,
    LookAt,
    Objective,
    Roll,
    ScreenPosition,
    Sharp,
    ShotScale,
    Smoothness,
    Soft,
    Value,
    Viewpoint,
)
from cinempc.mpc.parameters import Layout
from cinempc.mpc.stage import Stage, hinge
from cinempc.mpc.start import Start
from cinempc.rig import plan
from cinempc.rig.plan import Origin
from cinempc.rig.subject import SubjectEstimate

HERO = SubjectEstimate("hero", 0.0, np.array([0.0, 0.0, 0.0]), heading=2.0)
FRIEND = SubjectEstimate("friend", 0.0, np.array([6.0, 3.0, 0.0]), heading=-1.0, height=1.6)

ALONE = [
    ScreenPosition(subject="hero", u=0.33, v=0.4),
    ScreenPosition(subject="hero", u=0.7),
    ScreenPosition(subject="hero", point="feet", v=0.9),
    ShotScale(subject="hero", fraction=0.6),
    DollyZoom(subject="hero", magnification=6.0),
    Roll(angle=0.2),
    Attitude(yaw=0.5, pitch=-0.2, roll=0.1),
    Attitude(subject="hero", yaw=-1.5, pitch=-0.1),
    Distance(subject="hero", metres=6.0),
    Distance(subject="hero", metres=7.0, planar=True),
    Viewpoint(subject="hero", azimuth=1.4),
    Viewpoint(subject="hero", azimuth=-2.7, relative=False),
    Viewpoint(subject="hero", elevation=0.3),
    CameraPosition(x=-7.0, y=2.0, z=3.0),
    CameraPosition(z=4.0),
    LookAt(x=3.0, y=-4.0, z=1.0),
    FocalLength(mm=70.0),
    Aperture(f_number=8.0),
    FocusOn(subject="hero", point="centre"),
    FocusOn(subject="hero", other="friend", share=0.7),
    DepthOfField(near=6.0, far=11.0),
    DepthOfField(near=4.0, far=math.inf),
    DepthOfField(far=20.0),
    Sharp(subject="friend", most=0.5),
    Soft(subject="friend", least=4.0, side=-1.0),
    Soft(subject="hero", least=2.0, side=1.0),
]
NAMES = [f"{type(o).__name__}-{i}" for i, o in enumerate(ALONE)]

#: Nothing else is wished for, but for what keeps the problem convex.
FREE = Smoothness(weight=1e-4)


@pytest.fixture
def controller(camera, vehicle, safety):
    return Controller(camera, vehicle, safety, Settings(horizon=Horizon(40, 0.15)))


def stage_symbols():
    """A stage with both subjects, and the symbols of its pose and of their parameters."""
    layout = Layout(("hero", "friend"), (), ())
    pose, parameters = ca.SX.sym("pose", len(POSE)), ca.SX.sym("p", layout.size)
    x = ca.SX.zeros(plan.NX)
    x[POSE.tolist()] = pose
    parts = x[plan.POSITION], x[plan.ANGLES], x[plan.LENS]
    subjects = layout.symbols(parameters).subjects
    return Stage(*parts, subjects, (24.89, 14.0), 0.025), pose, parameters


def standing(state):
    """A start at this state, with nothing off it."""
    return Start(state, np.zeros(3), float(state[plan.YAW]))


def residuals(objective, state, node=0):
    """What is left of an objective at a state, in scales."""
    stage, pose, parameters = stage_symbols()
    target = {name: value_at(getattr(objective, name), node) for name in objective.given()}
    function = ca.Function(
        "r", [pose, parameters], [ca.vertcat(*objective.residuals(stage, target))]
    )
    return np.array(function(state[POSE], numbers(HERO, FRIEND))).ravel() / objective.scale


def value_at(value, node):
    return value[node] if isinstance(value, np.ndarray) else value


def numbers(*subjects):
    """The subjects' parameters, (size,)."""
    known = {s.id: s for s in subjects}
    layout = Layout(tuple(known), (), ())
    return layout.pack(np.zeros(1), known, (), (), np.zeros(3), np.zeros(1))[0]


def converge(controller, objective, begin):
    """The last state of the converged plan, with the objective its only wish."""
    wish = Goals((objective,), smoothness=FREE)
    subjects = {"hero": HERO, "friend": FRIEND}
    problem = controller.problem(wish, tuple(subjects))
    data = controller.data(problem, 0.0, standing(begin), wish, subjects)
    outcome = sqp.solve(problem, data, 80)
    assert outcome.failure is None
    return outcome.iterate.states


@pytest.mark.slow
@pytest.mark.parametrize("objective", ALONE, ids=NAMES)
def test_alone_it_is_brought_to_zero(objective, flight):
    fly = flight(focal_length=40.0, focus=9.0)
    first = np.abs(residuals(objective, fly.state)).max()
    found = fly.steps(160, Goals((objective,)), HERO, FRIEND)
    assert all(p.origin is Origin.SOLVED for p in found)
    # In scales: a tenth is a tenth of a percent of the frame, a third of a degree. The hinges of
    # `Sharp` and `Soft` are rounded: they leave a little, inside what is allowed.
    rounded = isinstance(objective, Sharp | Soft)
    last = np.abs(residuals(objective, fly.state)).max()
    assert last < (0.2 if rounded else 0.1)
    assert last < first


def test_every_class_is_tried():
    def all_of(kind):
        return {kind, *(c for child in kind.__subclasses__() for c in all_of(child))}

    shipped = {k for k in all_of(Objective) if k.__module__.startswith("cinempc.mpc.objectives")}
    assert shipped - {Objective} == {type(o) for o in ALONE}


@pytest.mark.parametrize("objective", ALONE, ids=NAMES)
def test_derivatives(objective):
    stage, pose, parameters = stage_symbols()
    target = {name: getattr(objective, name) for name in objective.given()}
    r = ca.vertcat(*objective.residuals(stage, target))
    value = ca.Function("r", [pose, parameters], [r])
    slope = ca.Function("J", [pose, parameters], [ca.jacobian(r, pose)])
    subjects = numbers(HERO, FRIEND)
    random = np.random.default_rng(3)
    for _ in range(5):
        at = np.array([-8.0, 0.5, 2.0, 0.1, -0.05, 0.02, math.log(45), 0.12, 4.5])
        at = at + random.normal(0.0, [1, 1, 0.3, 0.1, 0.1, 0.1, 0.2, 0.02, 0.5])
        found = np.array(slope(at, subjects))
        step = 1e-6
        for i in range(9):
            ahead, behind = at.copy(), at.copy()
            ahead[i] += step
            behind[i] -= step
            difference = np.array(value(ahead, subjects) - value(behind, subjects)) / (2 * step)
            np.testing.assert_allclose(found[:, i], difference.ravel(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("objective", ALONE, ids=NAMES)
def test_it_gives_one_finite_number_or_more_anywhere(objective, start):
    for yaw in np.linspace(-3, 3, 7):
        # Also with the subject behind the camera, and right above it.
        for position in ((-8.0, 0.0, 2.0), (0.0, 0.0, 6.0), (1.0, -4.0, 1.2)):
            found = residuals(objective, start(position=position, yaw=yaw))
            assert found.size >= 1
            assert np.isfinite(found).all()


def test_targets_and_weights_for_each_node(controller, start):
    nodes = controller.settings.horizon.nodes + 1
    ramp = np.linspace(40.0, 60.0, nodes)
    found = converge(controller, FocalLength(mm=ramp), start(focal_length=40.0))
    np.testing.assert_allclose(np.exp(found[:, plan.LOG_FOCAL_LENGTH]), ramp[1:], rtol=0.003)
    # A weight that is zero until half-time: nothing happens before it must.
    late = np.where(np.arange(nodes) < nodes // 2, 0.0, 1.0)
    found = converge(controller, Roll(angle=0.3, weight=late), start())
    assert found[-1, plan.ROLL] == pytest.approx(0.3, abs=1e-3)
    assert abs(found[3, plan.ROLL]) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("focus", [3.0, 12.0, 20.5, 21.5, 40.0, math.inf])
@pytest.mark.parametrize("far", [12.0, 60.0, math.inf])
def test_no_pole_at_the_hyperfocal_distance(focus, far, controller, camera, start):
    """Hyperfocal is 21 m at 50 mm and f/4.8: the starts lie on both sides of it."""
    wish = DepthOfField(near=5.0 if far > 12 else 7.0, far=far)
    begin = start(focal_length=50.0, focus=focus, f_number=4.8)
    found = converge(controller, wish, begin)[-1]
    got = plan.lens_state(found[plan.LENS])
    near, limit = got.depth_of_field(camera.sensor.circle_of_confusion)
    assert near == pytest.approx(wish.near, rel=0.01)
    assert lens.inverse(limit) == pytest.approx(lens.inverse(far), abs=0.002)


@pytest.fixture
def long_zoom(camera):
    """The published problem's range, 30-500 mm, on motors that cross it within the horizon."""
    return camera.model_copy(
        update={
            "focal_length": camera.focal_length.model_copy(
                update={"min": 30.0, "max": 500.0, "rate": 200.0}
            ),
            "focus": camera.focus.model_copy(update={"closest": 1.0}),
            "aperture": camera.aperture.model_copy(update={"min": 1.4}),
        }
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class FarInMetres(Objective):
    """The far limit as the textbook writes it, with its pole at the hyperfocal distance."""

    metres: Value

    unit: ClassVar[str] = "m"
    scale: ClassVar[float] = 1.0
    targets: ClassVar[tuple[str, ...]] = ("metres",)

    def residuals(self, stage, target):
        H = lens.hyperfocal_distance(stage.focal_length, stage.f_number, stage.coc_mm)
        F, f = 1 / stage.focus, stage.focal_length / 1000
        return [F * (H - f) / (H - F) - target["metres"]]


#: Focal lengths with focus distances before and beyond the hyperfocal distance at f/5.6: 6.5 m at
#: 30 mm, 71 m at 100, 447 m at 250 and 1786 m at 500.
POLES = [
    (30.0, 3.0),
    (30.0, 20.0),
    (100.0, 30.0),
    (100.0, 300.0),
    (250.0, 60.0),
    (250.0, 2000.0),
    (500.0, 100.0),
    (500.0, math.inf),
]


@pytest.mark.slow
@pytest.mark.parametrize(("focal", "focus"), POLES)
def test_long_lenses_find_their_limits_from_both_sides(
    focal, focus, long_zoom, vehicle, safety, start
):
    controller = Controller(long_zoom, vehicle, safety, Settings(horizon=Horizon(40, 0.15)))
    begin = start(focal_length=focal, focus=focus, f_number=5.6)
    for near, far in ((18.0, 26.0), (12.0, 60.0), (8.0, math.inf)):
        found = converge(controller, DepthOfField(near=near, far=far), begin)[-1]
        got = plan.lens_state(found[plan.LENS]).depth_of_field(long_zoom.sensor.circle_of_confusion)
        assert lens.inverse(got[0]) == pytest.approx(1 / near, abs=0.001)
        assert lens.inverse(got[1]) == pytest.approx(lens.inverse(far), abs=0.001)


def test_in_metres_it_gets_stuck_beyond_the_pole(long_zoom, vehicle, safety, start):
    """What the dioptres are for: from the far side the metres lead on to the far side."""
    controller = Controller(long_zoom, vehicle, safety, Settings(horizon=Horizon(40, 0.15)))
    begin = start(focal_length=100.0, focus=200.0, f_number=5.6)
    wish = Goals((FarInMetres(metres=40.0),), smoothness=FREE)
    problem = controller.problem(wish, ())
    data = controller.data(problem, 0.0, standing(begin), wish, {})
    x = sqp.solve(problem, data, 80).iterate.states[-1]
    coc = long_zoom.sensor.circle_of_confusion
    stuck = plan.lens_state(x[plan.LENS]).depth_of_field(coc)[1]
    assert abs(stuck - 40.0) > 20.0
    x = converge(controller, DepthOfField(far=40.0), begin)[-1]
    assert plan.lens_state(x[plan.LENS]).depth_of_field(coc)[1] == pytest.approx(40.0, rel=0.01)


def test_classes_of_one_name_do_not_share_their_code():
    mine = dataclass(frozen=True, kw_only=True, eq=False)(type("Roll", (Roll,), {}))
    assert mine().structure() != Roll().structure()


def test_structure_is_about_what_it_is_not_how_much():
    one = ScreenPosition(subject="hero", u=0.3, v=0.4, weight=2.0)
    assert one.structure() == ScreenPosition(subject="hero", u=0.6, v=0.5).structure()
    assert one.structure() != ScreenPosition(subject="hero", u=0.3).structure()
    assert one.structure() != ScreenPosition(subject="friend", u=0.3, v=0.4).structure()
    assert one.structure() != ScreenPosition(subject="hero", point="feet", u=0.3, v=0.4).structure()
    assert Distance(subject="a", metres=1).structure() != (
        Distance(subject="a", metres=1, planar=True).structure()
    )


def test_screen_position_is_the_projection_near_the_wanted_place(start):
    """To first order, in frame widths: off by a percent of the frame's width is 1."""
    state = start(position=(-8.0, 0.0, 1.638))  # level with the eyes
    for u in (0.49, 0.51):
        off = residuals(ScreenPosition(subject="hero", u=u), state)
        assert off == pytest.approx((0.5 - u) / 0.01, rel=1e-3)
    v = residuals(ScreenPosition(subject="hero", v=0.52), state)
    assert v == pytest.approx(-0.02 * 14.0 / 24.89 / 0.01, rel=1e-2)


@pytest.mark.slow
def test_dolly_zoom_keeps_the_subject_as_large(flight):
    """With the focal length on its way, the distance has to follow."""
    fly = flight(focal_length=35.0)
    size = 35.0 / 8.0
    ahead = np.arange(21) * 0.1
    for k in range(200):
        wish = Goals(
            (
                DollyZoom(subject="hero", magnification=size, weight=4.0),
                FocalLength(mm=np.minimum(35.0 + 2.0 * (k * 0.05 + ahead), 50.0)),
                ScreenPosition(subject="hero", u=0.5, v=0.5),
            )
        )
        fly.step(wish, HERO)
        if k > 20:
            error = residuals(wish.objectives[0], fly.state) * DollyZoom.scale
            assert np.abs(error).max() < 0.02, "the size changed by two percent"
    assert math.exp(fly.state[plan.LOG_FOCAL_LENGTH]) == pytest.approx(50.0, rel=0.005)
    reached = np.linalg.norm(fly.state[plan.POSITION] - HERO.point("centre"))
    assert reached == pytest.approx(50.0 / size, rel=0.02)


def test_hinge_is_the_rounded_maximum():
    values = np.linspace(-3, 3, 61)
    found = hinge(values, 0.1)
    assert (found >= np.maximum(values, 0)).all()
    assert found[30] == pytest.approx(0.05)
    np.testing.assert_allclose(found, np.maximum(values, 0), atol=0.05 + 1e-12)
    np.testing.assert_allclose(hinge(np.array([-50.0, 50.0]), 0.1), [0.0, 50.0], atol=1e-3)


def test_smoothness_counts_as_one_at_its_scales():
    x, u = Smoothness(jerk=5.0, camera_rate=0.5, weight=3.0).diagonals()
    assert u[plan.JERK] * 25 == pytest.approx(3.0)
    assert x[plan.RATES] * 0.25 == pytest.approx(3.0)
    assert not x[plan.POSITION].any()
    assert not x[plan.LENS].any()
