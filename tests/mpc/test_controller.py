"""The controller never gives a bad plan, and makes up for what it is shown."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cinempc.frames import project, world_to_camera, wrap_angle
from cinempc.mpc.controller import Controller, Settings
from cinempc.mpc.data import shift
from cinempc.mpc.model import slew
from cinempc.mpc.objectives import (
    FocalLength,
    FocusOn,
    Goals,
    InFrame,
    Roll,
    ScreenPosition,
    ShotScale,
    Viewpoint,
)
from cinempc.mpc.qp import Solver
from cinempc.rig import plan
from cinempc.rig.camera import Aperture, Camera, Focus, Zoom
from cinempc.rig.plan import Origin
from cinempc.rig.subject import SubjectEstimate

HERO = SubjectEstimate("hero", 0.0, np.zeros(3), np.array([0.0, 1.2, 0.0]), heading=math.pi / 2)


#: Velocity and acceleration.
MOVING = np.r_[plan.VELOCITY, plan.ACCELERATION]


def goals(**changes):
    return Goals(
        (
            ScreenPosition(subject="hero", u=changes.get("u", 0.5), v=0.4),
            ShotScale(subject="hero", fraction=changes.get("fraction", 0.5)),
            Viewpoint(subject="hero", azimuth=changes.get("azimuth", 2.2), elevation=0.05),
            Roll(),
            FocusOn(subject="hero"),
            FocalLength(mm=changes.get("mm", 50.0)),
        ),
        (InFrame(subject="hero"),),
    )


FAULTS = ("solver", "late", "target", "weight", "subject", "doubt", "state", "lens", "yaw")


class Fault:
    """One thing that goes wrong, for as long as it is asked to."""

    def __init__(self, kind, monkeypatch):
        self.kind, self.monkeypatch = kind, monkeypatch

    def step(self, flight):
        wish, hero, seen = goals(), HERO, lambda rig: rig
        with self.monkeypatch.context() as patch:
            if self.kind == "solver":
                patch.setattr(Solver, "__call__", lambda self: False)
            elif self.kind == "late":
                patch.setattr(
                    flight.controller, "settings", replace(flight.controller.settings, deadline=0.0)
                )
            elif self.kind == "target":
                wish = goals(u=np.nan)
            elif self.kind == "weight":
                first = replace(wish.objectives[0], weight=np.nan)
                wish = replace(wish, objectives=(first, *wish.objectives[1:]))
            elif self.kind == "subject":
                hero = replace(HERO, position=np.array([np.nan, 0.0, 0.0]))
            elif self.kind == "doubt":
                hero = replace(HERO, covariance=np.full((6, 6), np.nan))
            elif self.kind == "state":

                def seen(rig):
                    return replace(rig, camera=replace(rig.camera, position=np.full(3, np.nan)))

            elif self.kind == "lens":

                def seen(rig):
                    return replace(rig, lens=replace(rig.lens, focal_length_mm=np.nan))

            elif self.kind == "yaw":

                def seen(rig):
                    return replace(rig, attitude=(np.nan, 0.0, 0.0))

            return flight.step(wish, hero, seen=seen)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_flown_over_then_braked_and_recovered_from(
    kind, flight, monkeypatch, finite, broken
):
    fly = flight()
    good = fly.steps(40, goals(azimuth=2.8), HERO)[-1]
    assert good.origin is Origin.SOLVED
    assert np.linalg.norm(fly.state[plan.VELOCITY]) > 0.3, "nothing to brake from"
    fault = Fault(kind, monkeypatch)
    origins = []
    began = fly.now
    while fly.now < began + 6.0:
        found = fault.step(fly)
        assert finite(found)
        assert fly.controller.failure
        assert not broken(found, fly.camera, fly.vehicle, fly.safety)
        origins.append(found.origin)
        if found.origin is Origin.SHIFTED:
            # The last good plan itself: nothing else is known.
            np.testing.assert_allclose(found.states, good.states)
        elif np.abs(fly.state[MOVING]).max() < 0.02:
            break
    followed = origins.count(Origin.SHIFTED)
    assert origins == [Origin.SHIFTED] * followed + [Origin.BRAKING] * (len(origins) - followed)
    # stale_after counts from the last good step, one period before the fault.
    assert followed == pytest.approx(fly.safety.stale_after / 0.05 - 1, abs=1)
    assert np.abs(fly.state[MOVING]).max() < 0.05, "not at rest"

    fresh = fly.step(goals(), HERO)
    assert fresh.origin is Origin.SOLVED
    assert fly.controller.failure is None
    fly.steps(100, goals(), HERO)
    assert picture(fly, fly.state) == pytest.approx((0.5, 0.4), abs=0.02)


@pytest.mark.parametrize("kind", ["solver", "late", "target", "subject", "doubt"])
def test_a_fault_at_the_first_step_is_a_hover(kind, flight, monkeypatch, finite):
    fly = flight()
    found = Fault(kind, monkeypatch).step(fly)
    assert found.origin is Origin.BRAKING
    assert finite(found)
    np.testing.assert_allclose(found.states[-1][plan.MOTION], found.states[0][plan.MOTION])
    assert fly.step(goals(), HERO).origin is Origin.SOLVED


@pytest.mark.parametrize("kind", ["state", "lens", "yaw"])
def test_with_no_state_and_no_plan_nothing_is_planned(kind, flight, monkeypatch):
    with pytest.raises(ValueError, match="not a number"):
        Fault(kind, monkeypatch).step(flight())


def test_braking_goes_on_past_its_end(flight, monkeypatch, finite):
    fly = flight()
    fly.steps(20, goals(), HERO)
    fault = Fault("solver", monkeypatch)
    for _ in range(200):
        found = fault.step(fly)
        assert finite(found)
        assert fly.now - 0.05 <= found.end + 1e-9, "a plan of the past"
    assert found.origin is Origin.BRAKING
    assert np.abs(fly.state[MOVING]).max() < 1e-3


def test_a_single_failure_goes_unseen(flight, monkeypatch):
    fly, twin = flight(), flight()
    fly.steps(20, goals(), HERO)
    twin.steps(20, goals(), HERO)
    Fault("solver", monkeypatch).step(fly)
    twin.step(goals(), HERO)
    np.testing.assert_allclose(fly.state[plan.POSITION], twin.state[plan.POSITION], atol=0.005)
    assert fly.step(goals(), HERO).origin is Origin.SOLVED


def picture(fly, state, offset=(0.0, 0.0, 0.0), time=None):
    hero = HERO.predict(fly.now if time is None else time)
    point = world_to_camera(hero.point("eyes"), state[plan.POSITION] + offset, *state[plan.ANGLES])
    sensor = fly.camera.sensor
    return project(point, math.exp(state[plan.LOG_FOCAL_LENGTH]), sensor.width, sensor.height)


def test_off_its_path_the_gimbal_makes_up_for_it(flight):
    fly, twin = flight(), flight()
    fly.steps(120, goals(), HERO)
    twin.steps(130, goals(), HERO)
    fly.offset = np.array([0.35, -0.25, 0.15])
    planned = [fly.step(goals(), HERO) for _ in range(10)]
    # Half a second on, the picture is right for the place where the vehicle really is...
    u, v = picture(fly, fly.state, fly.offset)
    assert u == pytest.approx(0.5, abs=0.01)
    assert v == pytest.approx(0.4, abs=0.015)
    # ...which without the turn of the gimbal it is not...
    u, _ = picture(fly, fly.state)
    assert abs(u - 0.5) > 0.03
    # ...and the path goes on from the reference, with no jump to the measured place.
    assert all(p.origin is Origin.SOLVED for p in planned)
    np.testing.assert_allclose(fly.state[plan.POSITION], twin.state[plan.POSITION], atol=0.15)


def test_a_state_of_a_moment_ago_is_no_offset(flight):
    """What was measured 40 ms ago is compared with the plan of then, not of now."""
    fly, twin = flight(), flight()
    fly.steps(60, goals(), HERO)
    twin.steps(60, goals(), HERO)
    before = fly.plan.state(fly.now - 0.04)

    def seen(rig):
        position = before[plan.POSITION]
        return replace(
            rig,
            time=rig.time - 0.04,
            position=position,
            camera=replace(rig.camera, position=position),
        )

    moved = np.linalg.norm(fly.state[plan.POSITION] - before[plan.POSITION])
    assert moved > 0.03, "nothing to tell apart"
    late, fresh = fly.step(goals(), HERO, seen=seen), twin.step(goals(), HERO)
    np.testing.assert_allclose(late.states, fresh.states, atol=1e-6)


def test_far_off_its_path_the_plan_starts_where_the_vehicle_is(flight, safety):
    fly = flight()
    fly.steps(20, goals(), HERO)
    fly.offset = np.array([-safety.tracking_error - 0.1, 0.0, 0.0])
    there = fly.state[plan.POSITION] + fly.offset
    found = fly.step(goals(), HERO)
    np.testing.assert_allclose(found.states[0, plan.POSITION], there)


def test_yaw_passes_half_a_turn_without_a_jump(flight):
    # The camera looks west, at a subject that walks across the branch cut of atan2.
    hero = SubjectEstimate("hero", 0.0, np.array([-8.0, 1.5, 0.0]), np.array([0.0, -1.0, 0.0]))
    wish = Goals((ScreenPosition(subject="hero", u=0.5, v=0.45), Roll(), FocusOn(subject="hero")))
    fly = flight(position=(0.0, 0.0, 2.0), yaw=math.pi - 0.15)
    yaws = []
    for _ in range(70):
        # The estimator's angles come wrapped, whatever the plan's are.
        found = fly.step(
            wish,
            hero,
            seen=lambda rig: replace(
                rig,
                attitude=(float(wrap_angle(rig.attitude[0])), 0.0, 0.0),
                camera=replace(rig.camera, yaw=float(wrap_angle(rig.camera.yaw))),
            ),
        )
        assert found.origin is Origin.SOLVED
        assert np.abs(np.diff(found.states[:, plan.YAW])).max() < 0.1
        assert np.abs(np.diff(found.headings)).max() < 0.2
        yaws.append(fly.state[plan.YAW])
    assert np.abs(np.diff(yaws)).max() < 0.05
    assert yaws[0] < math.pi < yaws[-1]


def test_a_lens_that_sticks_is_planned_from_where_it_is(flight):
    fly = flight()
    stuck = fly.rig().lens
    for _ in range(40):
        found = fly.step(goals(mm=90.0), HERO, seen=lambda rig: replace(rig, lens=stuck))
    assert found.origin is Origin.SOLVED
    drift = abs(found.states[0, plan.LOG_FOCAL_LENGTH] - math.log(stuck.focal_length_mm))
    assert drift < 0.1, "the plan went on with a focal length that the lens does not have"


def test_a_gimbal_that_is_knocked_is_planned_from_where_it_is(flight):
    fly = flight()
    fly.steps(40, goals(), HERO)
    yaw = fly.state[plan.YAW] + 0.3
    found = fly.step(
        goals(), HERO, seen=lambda rig: replace(rig, camera=replace(rig.camera, yaw=yaw))
    )
    assert found.origin is Origin.SOLVED
    assert found.states[0, plan.YAW] == pytest.approx(yaw, abs=0.01)


def test_a_two_axis_gimbal_turns_with_the_vehicle(flight, vehicle, broken):
    gimbal = vehicle.gimbal
    fixed = gimbal.yaw.model_copy(update={"min": 0.0, "max": 0.0})
    two = vehicle.model_copy(update={"gimbal": gimbal.model_copy(update={"yaw": fixed})})
    fly = flight(vehicle=two)
    for found in fly.steps(160, goals(), HERO):
        assert found.origin is Origin.SOLVED
        assert not broken(found, fly.camera, two, fly.safety)
        assert np.abs(found.states[:, plan.YAW_RATE]).max() <= two.limits.yaw_rate + 0.02
        assert abs(fly.state[plan.YAW] - fly.yaw) < 0.05
    assert picture(fly, fly.state) == pytest.approx((0.5, 0.4), abs=0.02)


def test_a_fixed_aperture_prime_works(flight, camera):
    phone = Camera.model_construct(
        **{
            **dict(camera),
            "focal_length": Zoom.model_construct(min=28.0, max=28.0, rate=0.0),
            "focus": Focus.model_construct(closest=0.3, rate=0.8),
            "aperture": Aperture.model_construct(min=1.8, max=1.8, rate=0.0),
        }
    )
    fly = flight(camera=phone, focal_length=28.0, f_number=1.8)
    for found in fly.steps(200, goals(mm=28.0), HERO):
        assert found.origin is Origin.SOLVED
        np.testing.assert_allclose(
            found.states[:, plan.LOG_FOCAL_LENGTH], math.log(28.0), atol=1e-9
        )
        np.testing.assert_allclose(found.states[:, plan.STOPS], 2 * math.log2(1.8), atol=1e-9)
    assert picture(fly, fly.state) == pytest.approx((0.5, 0.4), abs=0.03)
    size = 28.0 * HERO.height / fly.camera.sensor.height
    depth = world_to_camera(
        HERO.predict(fly.now).point("centre"), fly.state[plan.POSITION], *fly.state[plan.ANGLES]
    )[2]
    assert size / depth == pytest.approx(0.5, rel=0.05)


def test_an_encoder_a_hair_out_of_range_is_no_fault(flight):
    fly = flight(focal_length=24.0)
    found = fly.step(
        goals(), HERO, seen=lambda rig: replace(rig, lens=replace(rig.lens, focal_length_mm=23.98))
    )
    assert found.origin is Origin.SOLVED


def test_with_a_deadline_of_zero_every_step_is_late(camera, vehicle, safety, flight):
    fly = flight(settings=Settings(deadline=0.0))
    for found in fly.steps(10, goals(), HERO):
        assert found.origin is Origin.BRAKING
        assert "took" in (fly.controller.failure or "")
    assert isinstance(fly.controller, Controller)
    np.testing.assert_allclose(fly.state[plan.MOTION], [-8, 0, 2, 0, 0, 0, 0, 0, 0], atol=1e-6)


def test_shifted_inputs_start_later():
    inputs = np.arange(5.0)[:, None] * np.ones(9)
    np.testing.assert_allclose(shift(inputs, 0.0), inputs)
    np.testing.assert_allclose(shift(inputs, 1.0)[:, 0], [1, 2, 3, 4, 0])
    np.testing.assert_allclose(shift(inputs, 0.5)[:, 0], [0.5, 1.5, 2.5, 3.5, 2.0])
    np.testing.assert_allclose(shift(inputs, 9.0), 0.0)


def test_a_heading_follows_no_faster_than_it_may():
    found = slew(0.0, np.array([0.0, 1.0, 1.0, -1.0]), 0.4)
    np.testing.assert_allclose(found, [0.0, 0.4, 0.8, 0.4])
