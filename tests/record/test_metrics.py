from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.record import metrics, optics
from cinempc.record.goals import Goal
from cinempc.record.records import (
    CycleRecord,
    FrameRecord,
    SubjectRecord,
    TargetRecord,
    head_asked,
    measure_cycle,
    measure_frame,
    measure_target,
)
from cinempc.rig.camera import LensState
from cinempc.rig.events import FramingTarget, Shot
from cinempc.rig.plan import ANGULAR_ACCELERATION, JERK, Plan
from cinempc.rig.state import CameraPose, Frame
from cinempc.rig.subject import BODY_POINTS, SubjectEstimate

SENSOR = (32.0, 18.0)
LEVEL = CameraPose(np.array([0.0, 0.0, 1.0]), 0.0, 0.0, 0.0)


def frame(focal=32.0, focus=8.0, f_number=2.0) -> Frame:
    return Frame(
        0.0, np.zeros((9, 16, 3), np.uint8), LEVEL, LensState(focal, focus, f_number), SENSOR
    )


def subject(x=8.0, y=0.0, height=2.0) -> SubjectEstimate:
    return SubjectEstimate("hero", 0.0, np.array([x, y, 0.0]), height=height)


def test_framing_error_is_in_frame_widths():
    # The body's middle is 1 m up, as the camera: its image is the picture's middle.
    target = FramingTarget("hero", "centre", 0.5 + 0.03, 0.5 + 0.04 * 16 / 9)
    got = measure_target(target, subject(), LEVEL, frame())
    assert got.framing_error_pct == pytest.approx(math.hypot(3, 4))
    assert got.in_frame


def test_framing_follows_the_projection():
    # 1 m to the left at 8 m through a 32 mm lens on a 32 mm sensor: 1/8 of the width.
    target = FramingTarget("hero", "centre", 0.5, 0.5)
    got = measure_target(target, subject(y=1.0), LEVEL, frame())
    assert got.framing_error_pct == pytest.approx(12.5)


def test_scale_is_the_image_height_over_the_frames():
    # 2 m at 8 m through 32 mm is 8 mm on the sensor, of 18 mm.
    target = FramingTarget("hero", "centre", 0.5, 0.5, scale=0.4)
    got = measure_target(target, subject(), LEVEL, frame())
    assert got.scale == pytest.approx(8 / 18)
    assert got.scale_error_pct == pytest.approx((8 / 18 / 0.4 - 1) * 100)


def test_behind_the_camera_is_the_worst():
    target = FramingTarget("hero", "centre", 0.5, 0.5, scale=0.4)
    got = measure_target(target, subject(x=-8.0), LEVEL, frame())
    assert got.framing_error_pct == 100.0
    assert got.scale_error_pct == -100.0
    assert not got.in_frame
    assert optics.blur_mm(-8.0, frame()) == math.inf


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        (FramingTarget("hero", "eyes", 0.5, 0.33), True),
        (FramingTarget("hero", "eyes", 0.5, 0.33, scale=0.6), True),
        # A close-up, four times as tall as the frame, whose head is cut off on purpose.
        (FramingTarget("hero", "eyes", 0.5, 0.2, scale=4.0), False),
    ],
)
def test_the_head_is_asked_for_where_the_picture_holds_it(target, asked):
    assert head_asked(target) is asked


def test_a_head_out_of_the_frame_is_not_in_frame():
    # At 2 m the frame is 1.125 m high: the chest is in it, the top of the head, 1 m up, not.
    near = subject(x=2.0)
    chest = FramingTarget("hero", "chest", 0.5, 0.11)
    assert not measure_target(chest, near, LEVEL, frame()).in_frame
    cut = replace(chest, scale=32 * 2 / (2 * 18))  # asked as big as it is: the head is cut off
    assert measure_target(cut, near, LEVEL, frame()).in_frame


def test_blur_is_that_of_the_lens_at_the_eyes_depth(take):
    event = take.frame(0.0)
    record = measure_frame(event, 0.03)
    hero, friend = record.subjects
    assert (hero.depth, friend.depth) == (6.0, 14.0)
    assert hero.blur_mm == 0.0  # focus is on 6 m
    f, n, near, far = 0.035, 4.0, 6.0, 14.0
    assert friend.blur_mm == pytest.approx(1e3 * f**2 / n * (far - near) / (far * (near - f)))
    assert hero.estimate_error_m == pytest.approx(0.05)
    assert record.against_truth


def test_without_truth_the_estimates_count(take):
    record = measure_frame(take.frame(0.0, truth=False), 0.03)
    assert not record.against_truth
    assert record.subjects[0].depth == pytest.approx(6.05)
    assert math.isnan(record.subjects[0].estimate_error_m)


def records(errors, shot_index=0, dt=0.1, wanted=0.5, blur=0.01):
    return [
        FrameRecord(
            time=i * dt,
            shot_index=shot_index,
            camera=(0.0, 0.0, 1.0),
            yaw=0.0,
            pitch=0.0,
            roll=0.0,
            focal_length_mm=35.0 + i,
            focus_distance_m=math.inf,
            f_number=4.0,
            near_m=10.0,
            far_m=math.inf,
            targets=(TargetRecord("hero", "eyes", error, error < 50, 0.5 + error / 1000, wanted),),
            subjects=(SubjectRecord("hero", 8.0, blur * i, (8.0, 0.0, 0.0)),),
            sharp=("hero",),
            against_truth=True,
        )
        for i, error in enumerate(errors)
    ]


def step(time, jerk=0.0, alpha=0.0, ms=1.0, late=False, violations=None, shot=0):
    zero = (0.0, 0.0, 0.0)
    return CycleRecord(
        time,
        shot,
        ms,
        late,
        zero,
        zero,
        zero,
        (jerk, 0.0, 0.0),
        (alpha, 0.0, 0.0),
        violations=violations or {},
    )


def test_figures_by_hand():
    shots = (Shot(0, "one", "hold", 0.0, 0.4),)
    cycles = [
        step(0.0, jerk=3.0, ms=1.0),
        step(0.1, jerk=4.0, alpha=1.0, ms=2.0, violations={"speed": 0.5, "altitude": 1e-6}),
        step(0.2, jerk=0.0, alpha=1.0, ms=9.0, late=True, violations={"speed": 0.25}),
    ]
    found = metrics.summarise(
        shots, records([0.0, 3.0, 4.0, 60.0]), cycles, coc_mm=0.02, wall_s=0.8
    )
    overall = found["overall"]
    assert overall["frames"] == 4
    assert overall["duration_s"] == pytest.approx(0.4)
    assert overall["realtime_factor"] == pytest.approx(0.5)
    assert overall["framing_error_pct"]["rms"] == pytest.approx(math.sqrt((9 + 16 + 3600) / 4))
    # Linear between order statistics: 0.95 · 3 = 2.85 of the way from the first to the last.
    assert overall["framing_error_pct"]["p95"] == pytest.approx(4 + 0.85 * 56)
    assert overall["scale_error_pct"]["p95"] == pytest.approx(0.8 + 0.85 * 11.2)
    assert overall["in_focus_pct"] == 75.0  # blur 0, 0.01, 0.02, 0.03 of 0.02
    assert overall["out_of_focus_pct"] is None
    assert overall["in_frame_pct"] == 75.0
    assert overall["focal_length_mm"] == {"min": 35.0, "max": 38.0}
    assert overall["f_number"] == {"min": 4.0, "max": 4.0}
    assert overall["jerk_rms"] == pytest.approx(math.sqrt(25 / 3))
    assert overall["camera_jerk_rms"] == pytest.approx(math.sqrt(100 / 2))
    assert overall["step_ms"] == {
        "median": 2.0,
        "p99": pytest.approx(2 + 0.98 * 7),
        "max": 9.0,
    }
    assert overall["deadline_misses"] == 1
    assert overall["constraint_violations"] == {"cycles": 2, "worst": {"speed": 0.5}}
    assert overall["subjects"]["hero"]["in_frame_pct"] == 75.0
    assert found["measured_against"] == "truth"
    assert found["shots"][0]["name"] == "one"
    assert found["shots"][0]["framing_error_pct"] == overall["framing_error_pct"]


def test_the_settling_allowance_does_not_count_in_the_picture():
    shots = (Shot(0, "one", "hold", 0.0, 0.4, settle=0.2),)
    found = metrics.summarise(shots, records([99.0, 99.0, 1.0, 1.0]), [], coc_mm=0.02)
    assert found["overall"]["framing_error_pct"]["rms"] == pytest.approx(1.0)
    assert found["overall"]["in_frame_pct"] == 100.0
    assert found["overall"]["frames"] == 4
    assert found["overall"]["focal_length_mm"]["min"] == 35.0
    assert found["shots"][0]["settle_s"] == 0.2


def test_two_subjects_are_in_focus_only_together():
    record = replace(
        records([0.0])[0],
        subjects=(
            SubjectRecord("hero", 8.0, 0.01, (0.0, 0.0, 0.0)),
            SubjectRecord("friend", 9.0, 0.05, (0.0, 0.0, 0.0)),
        ),
        sharp=("hero", "friend"),
    )
    figures = metrics.figures([record], [], 0.02)
    assert figures["in_focus_pct"] == 0.0
    assert figures["subjects"]["hero"]["in_focus_pct"] == 100.0
    assert figures["subjects"]["friend"]["in_focus_pct"] == 0.0


def test_an_empty_take_has_figures_of_none():
    found = metrics.summarise((Shot(0, "one", "hold", 0.0, math.inf),), [], [], coc_mm=0.02)
    assert found["overall"]["framing_error_pct"] == {"rms": None, "p95": None}
    assert found["shots"][0]["end_s"] is None
    assert found["measured_against"] is None
    json.dumps(found, allow_nan=False)


def test_the_jerk_is_that_of_the_plan_at_the_steps_time(take):
    event = take.cycle(1.0)
    inputs = np.zeros((5, 9))
    inputs[0, JERK], inputs[1, JERK] = (9.0, 0.0, 0.0), (1.0, 2.0, 2.0)
    inputs[1, ANGULAR_ACCELERATION] = (0.0, 0.5, 0.0)
    plan = Plan(event.plan.times - 0.1, event.plan.states, inputs, event.plan.headings)
    record = measure_cycle(replace(event, plan=plan))
    assert record.jerk == (1.0, 2.0, 2.0)
    assert record.angular_acceleration == (0.0, 0.5, 0.0)


def test_a_plan_that_starts_after_the_step_is_read_at_its_start(take):
    event = take.cycle(1.0)
    assert measure_cycle(replace(event, time=0.9)).jerk == (0.0, 0.0, 0.0)


def test_goals():
    figures = {"a": {"p95": 2.0}, "b": None}
    assert Goal("a.p95", at_most=2.0).met(figures) is True
    assert Goal("a.p95", at_least=3.0).met(figures) is False
    assert Goal("b", at_most=1.0).met(figures) is None
    assert Goal("c.d", at_most=1.0).met(figures) is None
    assert str(Goal("a", at_most=2.5)) == "≤ 2.5"


finite = st.floats(0, 1e6)


@given(st.lists(finite, max_size=40), st.one_of(st.none(), st.floats(0.01, 10)))
def test_figures_are_always_valid_json(errors, wanted):
    cycles = [step(0.05 * i, jerk=error) for i, error in enumerate(errors)]
    found = metrics.summarise(
        (Shot(0, "one", "hold", 0.0, 1.0),), records(errors, wanted=wanted), cycles, coc_mm=0.02
    )
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    rms = found["overall"]["framing_error_pct"]["rms"]
    if errors:
        assert min(errors) - 1e-6 <= rms <= max(errors) * (1 + 1e-9) + 1e-6
    else:
        assert rms is None


@given(
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.floats(0.5, 60.0),
    st.floats(-3, 3),
    st.sampled_from(sorted(BODY_POINTS)),
)
def test_framing_error_is_a_distance(u, v, x, y, point):
    """Not negative, and zero exactly where the wanted place is the got one."""
    person = subject(x=x, y=y)
    _, image = optics.depth_and_image(person.point(point), LEVEL, frame())
    assert image is not None
    there = FramingTarget("hero", point, *image)
    assert measure_target(there, person, LEVEL, frame()).framing_error_pct < 1e-9
    away = measure_target(FramingTarget("hero", point, u, v), person, LEVEL, frame())
    expected = 100 * math.hypot(image[0] - u, (image[1] - v) * 9 / 16)
    assert away.framing_error_pct == pytest.approx(expected)


@given(st.recursive(st.floats() | st.none() | st.text(), lambda x: st.lists(x), max_leaves=20))
def test_plain_values_can_be_json(value):
    json.dumps(metrics.plain({"value": value, "array": np.float64(1.5)}), allow_nan=False)
