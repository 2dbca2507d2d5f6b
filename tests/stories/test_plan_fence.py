"""Plans that lead out of the fence are not flown."""

from __future__ import annotations

import asyncio
import dataclasses

import numpy as np

from cinempc.mavlink import telemetry
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.camera import LensState
from cinempc.rig.log import Problem, problem
from cinempc.rig.plan import LENS, NU, NX, POSITION, VELOCITY, Plan, PlanPoint, lens_vector
from cinempc.safety import limits as safety
from cinempc.safety.fence import Fence, FenceReason
from cinempc.safety.plan_check import PlanFault, reason_to_refuse
from tests.fakes.vehicle import VEHICLE, VirtualVehicle
from tests.fakes.virtual import VirtualTime
from tests.stories.flown import flight

SAFETY = safety.load("default")
LENS_STATE = LensState(35.0, 10.0, 4.0)
HOME = np.array([2.0, -1.0, 0.5])


def straight(start: np.ndarray, velocity: np.ndarray, time: float = 10.0) -> Plan:
    """Two seconds straight on."""
    times = time + np.arange(21) * 0.1
    states = np.zeros((21, NX))
    states[:, POSITION] = start + np.outer(times - time, velocity)
    states[:, VELOCITY] = velocity
    states[:, LENS] = lens_vector(LENS_STATE)
    return Plan(times, states, np.zeros((20, NU)), np.zeros(21))


def reason(
    fence: Fence | None, start, velocity, now: float = 10.0, home: np.ndarray | None = HOME
) -> Problem | None:
    start, velocity = np.array(start, dtype=float), np.array(velocity, dtype=float)
    plan = straight(start, velocity)
    wanted: PlanPoint = plan.sample(now)
    limits = SAFETY.model_copy(update={"fence": fence})
    return reason_to_refuse(plan, now, wanted, VEHICLE, limits, home)


def test_inside_and_out():
    fence = Fence(radius="20 m", height="40 m")
    assert reason(None, (0, 0, 8), (4, 0, 0)) is None
    assert reason(fence, (0, 0, 8), (4, 0, 0)) is None
    # The fence is around home, which is 2 m east of the origin.
    assert reason(fence, (16, -1, 8), (4, 0, 0)).reason is FenceReason.OUTSIDE
    assert reason(fence, (14, -1, 8), (2.3, 0, 0)).reason is FenceReason.TOO_NEAR


def test_it_comes_to_rest_inside():
    # Both plans end 7 m from the fence: at 1 m/s it stops there, at 6 m/s it would not.
    fence = Fence(radius="40 m")
    assert reason(fence, (2 + 33 - 2, -1, 8), (1, 0, 0)) is None
    assert reason(fence, (2 + 33 - 12, -1, 8), (6, 0, 0)).reason in FenceReason


def test_what_has_been_flown_already_does_not_count():
    fence = Fence(radius="20 m")
    # Inwards from outside: half of it lies behind.
    assert reason(fence, (26, -1, 8), (-4, 0, 0), now=11.0) is None
    assert reason(fence, (26, -1, 8), (4, 0, 0), now=11.0).reason is FenceReason.OUTSIDE


def test_without_a_home_no_plan_is_flown_inside_a_fence():
    found = reason(Fence(radius="20 m"), (0, 0, 8), (0, 0, 0), home=None)
    assert found == problem(PlanFault.NO_HOME)
    assert reason(None, (0, 0, 8), (0, 0, 0), home=None) is None


def test_home_as_it_is_told():
    message = mavlink.MAVLink_home_position_message(0, 0, 0, 1.0, 2.0, -3.0, [1, 0, 0, 0], 0, 0, 0)
    assert np.allclose(telemetry.home(message), (2.0, 1.0, 3.0))
    for wrong in (float("nan"), 1e9):
        message.x = wrong
        assert telemetry.home(message) is None


def test_a_plan_that_leads_out_of_the_fence_ends_inside(
    virtual: VirtualTime, vehicle: VirtualVehicle
) -> None:
    async def whole() -> None:
        async with flight(vehicle) as flown:
            pilot = flown.pilot
            fence = Fence(radius="12 m", polygon=[[-30, -30], [8, -30], [8, 30], [-30, 30]])
            pilot.safety = pilot.safety.model_copy(update={"fence": fence})
            await flown.until(lambda: pilot.autopilot.home is not None, "no home")
            await pilot.fly()
            await flown.sleep(0.5)
            reasons: list[Problem | None] = []
            ask = pilot._reason_to_refuse
            pilot._reason_to_refuse = lambda plan: reasons.append(ask(plan)) or reasons[-1]
            begun = pilot.state()
            start = pilot.clock.now() + 0.3
            # Faster and faster to the east, planned again and again, as a controller does.
            for _ in range(60):
                now = pilot.clock.now()
                plan = accelerating(begun.position, start, max(now, start), begun.camera.yaw)
                plan = dataclasses.replace(
                    plan, headings=np.full(len(plan.times), begun.attitude[0])
                )
                pilot.follow(plan)
                await asyncio.sleep(0.1)
            await flown.rests()
            assert sum(isinstance(r.reason, FenceReason) for r in reasons if r) > 5, reasons
            east = pilot.state().position[0]
            assert 2.0 < east < 8.0
            assert pilot.over is None  # it is still ours

    virtual.run(whole())


def accelerating(place: np.ndarray, began: float, now: float, yaw: float) -> Plan:
    """Two seconds from now of a run to the east: 1 m/s² up to 2 m/s."""
    times = now + np.arange(21) * 0.1
    passed = times - began
    states = np.zeros((21, NX))
    speed = np.minimum(passed, 2.0)
    gone = np.where(passed < 2.0, passed**2 / 2, 2.0 + 2.0 * (passed - 2.0))
    states[:, POSITION] = place
    states[:, POSITION.start] += gone
    states[:, VELOCITY.start] = speed
    states[:, VELOCITY.start + 3] = passed < 2.0
    states[:, VELOCITY.start + 6] = yaw
    states[:, LENS] = lens_vector(LENS_STATE)
    return Plan(times, states, np.zeros((20, NU)), np.zeros(21))
