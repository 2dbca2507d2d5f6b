"""What is no plan to fly."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinempc.mpc.brake import brake
from cinempc.rig import vehicle as vehicles
from cinempc.rig.camera import LensState
from cinempc.rig.log import Problem, problem
from cinempc.rig.plan import LENS, NX, POSITION, VELOCITY, Plan, lens_vector
from cinempc.safety import limits as safety
from cinempc.safety.plan_check import PlanFault, reason_to_refuse

VEHICLE = vehicles.load("x500_cinema")
SAFETY = safety.load("default")
NOW = 100.0


def straight(speed: float = 2.0, height: float = 8.0, nodes: int = 20, dt: float = 0.1) -> Plan:
    """Straight on, level."""
    states = np.zeros((nodes + 1, NX))
    times = NOW + dt * np.arange(nodes + 1)
    states[:, 0] = speed * (times - NOW)
    states[:, 2] = height
    states[:, 3] = speed
    states[:, LENS] = lens_vector(LensState(35.0, 5.0, 4.0))
    return Plan(times, states, np.zeros((nodes, 9)), np.zeros(nodes + 1))


def reason(plan: Plan, now: float = NOW, wanted=None) -> Problem | None:
    wanted = straight().sample(NOW) if wanted is None else wanted
    return reason_to_refuse(plan, now, wanted, VEHICLE, SAFETY)


def changed(where, value: float, field: str = "states") -> Plan:
    plan = straight()
    array = getattr(plan, field).copy()
    array[where] = value
    return replace(plan, **{field: array})


def test_a_good_plan() -> None:
    assert reason(straight()) is None


def test_a_brake_from_full_speed_is_one() -> None:
    state = np.zeros(NX)
    state[POSITION], state[VELOCITY] = (0.0, 0.0, 8.0), (7.9, 0.0, 0.0)
    state[LENS] = lens_vector(LensState(35.0, 5.0, 4.0))
    states, inputs = brake(state, 40, 0.1, VEHICLE.limits, VEHICLE.gimbal.acceleration)
    plan = Plan(NOW + 0.1 * np.arange(41), states, inputs, np.zeros(41))
    assert reason(plan) is None


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("field", "where"),
    [("times", 3), ("inputs", (0, 8)), ("headings", -1)]
    + [("states", (5, column)) for column in range(NX)],
)
def test_not_all_numbers(field: str, where, odd: float) -> None:
    assert reason(changed(where, odd, field)) == problem(PlanFault.NOT_NUMBERS)


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        (replace(straight(), times=straight().times[::-1]), PlanFault.TIMES),
        (changed(4, NOW, "times"), PlanFault.TIMES),
        (replace(straight(), headings=np.zeros(3)), PlanFault.SHAPE),
        (replace(straight(), states=np.zeros((21, 17))), PlanFault.SHAPE),
        (replace(straight(), inputs=np.zeros((21, 9))), PlanFault.SHAPE),
        (replace(straight(), times=straight().times[:1]), PlanFault.SHAPE),
        (straight(speed=14.0), PlanFault.SPEED),
        (changed((slice(None), 6), 30.0), PlanFault.ACCELERATION),
        (changed(7, 3.0, "headings"), PlanFault.YAW_RATE),
        (changed((7, 0), 30.0), PlanFault.TORN),
        (changed((7, 4), 3.0), PlanFault.TORN),
        (straight(height=40.0), PlanFault.HEIGHT),
        (straight(height=-1.0), PlanFault.HEIGHT),
        (changed((3, 9), 1e4), PlanFault.ANGLES),
        (changed((3, 12), 60.0), PlanFault.RATES),
        (changed((3, 15), 20.0), PlanFault.LENS),
        (changed((3, 17), 1e300), PlanFault.LENS),
        (changed((3, 8), 1e5, "inputs"), PlanFault.INPUTS),
        (changed((slice(None), 1), 6.0), PlanFault.FAR),
    ],
)
def test_plans_that_are_not_flown(plan: Plan, fault: PlanFault) -> None:
    found = reason(plan)
    assert found is not None
    assert found.reason is fault


def test_each_is_said_with_its_figures() -> None:
    assert str(reason(straight(speed=14.0))) == "it flies at 14.0 m/s"
    assert str(reason(straight(height=40.0))) == "it flies at heights from 40.0 to 40.0 m"
    assert str(reason(changed((slice(None), 1), 6.0))) == "it is 6.0 m from what is flown"


def test_plans_of_another_time() -> None:
    assert reason(straight(), NOW + 3.0).reason is PlanFault.ANOTHER_TIME
    assert reason(straight(), NOW - 2.0).reason is PlanFault.ANOTHER_TIME
    assert reason(straight(), NOW - 0.3) is None
    late = straight().sample(NOW + 1.5)
    assert reason(straight(), NOW + 1.5, late) is None


def test_outside_the_band_of_heights_is_where_the_vehicle_is_already() -> None:
    """Who stands too high may come down, and who climbs out of it may not."""
    high = straight(height=34.0)
    assert reason(high, wanted=high.sample(NOW)) is None
    assert reason(straight(height=36.5), wanted=high.sample(NOW)) is not None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["times", "states", "inputs", "headings"]),
            st.integers(0, 400),
            st.one_of(
                st.floats(allow_nan=True, allow_infinity=True),
                st.floats(-20, 20),
                st.floats(90, 110),
            ),
        ),
        max_size=4,
    )
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_flown_is_finite_bounded_and_one_path(spoils) -> None:
    """Any numbers anywhere: the plan is refused, or sampled within it gives no more than the
    vehicle can do, and no leap."""
    plan = straight()
    for field, place, value in spoils:
        array = getattr(plan, field).copy()
        array.flat[place % array.size] = value
        plan = replace(plan, **{field: array})
    if reason(plan) is not None:
        return
    points = [plan.sample(t) for t in np.linspace(max(plan.start, NOW), plan.end, 50)]
    place = np.array([p.position for p in points])
    assert np.isfinite(place).all()
    assert np.isfinite([p.angles for p in points]).all()
    assert max(np.linalg.norm(p.velocity) for p in points) < 30.0
    for point in points:
        assert math.isfinite(point.lens.focal_length_mm)
        assert math.isfinite(point.lens.f_number)
        assert point.lens.focus_distance_m > 0
    assert SAFETY.altitude.min - 1.1 <= plan.states[:, 2].min()
