"""Whether a plan can be flown from here: the last look before it becomes setpoints.

The controller keeps all limits itself. This is for the day on which it does not: a fault in it, a
plan that was kept up on the way, a state that was wrong. So the margins are wide: what is outside
them is no matter of degree.
"""

from __future__ import annotations

import math
from enum import unique

import numpy as np
from numpy.typing import NDArray

from cinempc.rig.log import Problem, Reason, problem
from cinempc.rig.plan import (
    ACCELERATION,
    ALTITUDE,
    ANGLES,
    LENS,
    NU,
    NX,
    POSITION,
    RATES,
    VELOCITY,
    Plan,
    PlanPoint,
    propagate,
)
from cinempc.rig.trajectory import Stop
from cinempc.rig.vehicle import Vehicle
from cinempc.safety.limits import Safety

Floats = NDArray[np.float64]

#: How much faster than the vehicle's limits a plan may be: a share, and m/s (rounding; gusts that
#: it starts from). The same for the acceleration, m/s², where a brake takes more than a shot, and
#: for the turning of the nose, rad/s.
_FASTER, _FASTER_BY = 1.25, 1.0
_HARDER, _HARDER_BY = 2.0, 1.0
_QUICKER, _QUICKER_BY = 1.5, 0.2
#: How far from what is flown it may begin, in terms of the allowed tracking error.
_OFF = 2.0
#: How far a node may be from where the node before it leads, m and m/s: an iterate that the
#: solver has not brought together is no path.
_GAP, _GAP_SPEED = 0.3, 0.6
#: How far outside the band of heights it may lead, m.
_OUTSIDE = 1.0
#: Times after the end of a plan, s, at which its coming to rest is looked at.
_REST = (0.5, 1.0, 2.0, 5.0)
#: What there is of camera angles, rad (yaw in any turn), their rates, rad/s, lenses (ln of the
#: focal length in mm, dioptres, stops), and of the inputs: beyond it, sums and powers are no
#: numbers.
_TURNED, _TURNING, _INPUTS = (-1e3, 1e3), (-50.0, 50.0), (-1e4, 1e4)
_LENSES = np.array([0.0, -0.1, -4.0]), np.array([9.0, 100.0, 20.0])
#: Longest time between two nodes, s: the motion between them is a polynomial, and grows.
_APART = 1.0
#: How far in the future it may begin, s.
_AHEAD = 0.5


@unique
class PlanFault(Reason):
    """What is wrong with a plan."""

    SHAPE = "it has not one state for every time"
    NOT_NUMBERS = "it is not all numbers"
    TIMES = "its times do not rise"
    APART = "its nodes are {apart:.3g} s apart"
    ANGLES = "it looks as no camera does"
    RATES = "it turns as no camera does"
    LENS = "it pulls as no camera does"
    INPUTS = "it changes as no camera does"
    ANOTHER_TIME = "it is from {start:.2f} to {end:.2f} s, and now is {now:.2f} s"
    SPEED = "it flies at {speed:.1f} m/s"
    ACCELERATION = "it accelerates by {acceleration:.1f} m/s²"
    YAW_RATE = "it turns the nose by {rate:.0f} deg/s"
    TORN = "it is torn by {gap:.1f} m and {gap_speed:.1f} m/s between two nodes"
    HEIGHT = "it flies at heights from {low:.1f} to {high:.1f} m"
    NO_HOME = "the autopilot has not said yet where home is, and the fence is around it"
    FAR = "it is {distance:.1f} m from what is flown"


def reason_to_refuse(
    plan: Plan,
    now: float,
    setpoint: PlanPoint,
    vehicle: Vehicle,
    safety: Safety,
    home: Floats | None = None,
    drift: Floats | None = None,
) -> Problem | None:
    """Why a plan is not flown; None for one that is.

    Args:
        plan: the plan.
        now: the vehicle's time, s.
        setpoint: where the vehicle is to be now by what is flown.
        vehicle: its limits.
        safety: how far from that a plan may be, the band of heights, and the fence.
        home: where the vehicle took off, ENU m in the script's world; without it no plan can be
            known to be inside a fence.
        drift: how far the script's world has moved over the earth since the take-off, ENU m: the
            fence stands on the earth, the subjects in the world.
    """
    if (reason := _malformed(plan)) is not None:
        return reason
    if plan.end < now or plan.start > now + _AHEAD:
        return problem(PlanFault.ANOTHER_TIME, start=plan.start, end=plan.end, now=now)
    if (reason := _too_much(plan, vehicle)) is not None:
        return reason
    if (reason := _torn(plan)) is not None:
        return reason
    heights = plan.states[:, ALTITUDE]
    low = min(safety.altitude.min, float(setpoint.position[2])) - _OUTSIDE
    high = max(safety.altitude.max, float(setpoint.position[2])) + _OUTSIDE
    if heights.min() < low or heights.max() > high:
        return problem(PlanFault.HEIGHT, low=float(heights.min()), high=float(heights.max()))
    if safety.fence is not None:
        if home is None:
            return problem(PlanFault.NO_HOME)
        moved = np.zeros(3) if drift is None else drift
        path = _to_come(plan, now, vehicle) - moved
        here = setpoint.position - moved
        if (reason := safety.fence.reason_to_refuse(path, home - moved, here)) is not None:
            return reason
    off = float(np.linalg.norm(plan.sample(max(now, plan.start)).position - setpoint.position))
    if off > _OFF * safety.tracking_error:
        return problem(PlanFault.FAR, distance=off)
    return None


def _to_come(plan: Plan, now: float, vehicle: Vehicle) -> Floats:
    """Positions (n, 3) of a plan from now on, and of the way on which the vehicle comes to rest if
    no other follows."""
    stop = Stop.after(plan.end, plan.sample(plan.end), plan.heading(plan.end), vehicle.limits)
    after = [stop.sample(plan.end + t).position for t in _REST]
    return np.vstack((plan.states[plan.times >= now, POSITION], *after))


def _malformed(plan: Plan) -> Problem | None:
    arrays = (plan.times, plan.states, plan.inputs, plan.headings)
    count = len(plan.times)
    shapes = ((count,), (count, NX), (count - 1, NU), (count,))
    if count < 2 or any(np.shape(a) != s for a, s in zip(arrays, shapes, strict=True)):
        return problem(PlanFault.SHAPE)
    if not all(np.isfinite(a).all() for a in arrays):
        return problem(PlanFault.NOT_NUMBERS)
    steps = np.diff(plan.times)
    if (steps <= 0).any():
        return problem(PlanFault.TIMES)
    if steps.max() > _APART:
        return problem(PlanFault.APART, apart=float(steps.max()))
    for fault, values, (low, high) in (
        (PlanFault.ANGLES, plan.states[:, ANGLES], _TURNED),
        (PlanFault.RATES, plan.states[:, RATES], _TURNING),
        (PlanFault.LENS, plan.states[:, LENS], _LENSES),
        (PlanFault.INPUTS, plan.inputs, _INPUTS),
    ):
        if (values < low).any() or (values > high).any():
            return problem(fault)
    return None


def _too_much(plan: Plan, vehicle: Vehicle) -> Problem | None:
    limits = vehicle.limits
    speed = float(np.linalg.norm(plan.states[:, VELOCITY], axis=1).max())
    if speed > _FASTER * math.hypot(limits.speed, max(limits.climb, limits.descent)) + _FASTER_BY:
        return problem(PlanFault.SPEED, speed=speed)
    pull = float(np.linalg.norm(plan.states[:, ACCELERATION], axis=1).max())
    most = math.hypot(limits.acceleration, limits.vertical_acceleration)
    if pull > _HARDER * most + _HARDER_BY:
        return problem(PlanFault.ACCELERATION, acceleration=pull)
    turn = float(np.abs(np.diff(plan.headings) / np.diff(plan.times)).max())
    if turn > _QUICKER * limits.yaw_rate + _QUICKER_BY:
        return problem(PlanFault.YAW_RATE, rate=math.degrees(turn))
    return None


def _torn(plan: Plan) -> Problem | None:
    """Whether its nodes lead to each other: where position and velocity come to in each interval,
    against the next node."""
    dt = np.diff(plan.times)[:, None]
    gap = propagate(plan.states[:-1], plan.inputs, dt) - plan.states[1:]
    far = np.linalg.norm(gap[:, POSITION], axis=1)
    fast = np.linalg.norm(gap[:, VELOCITY], axis=1)
    if far.max() > _GAP or fast.max() > _GAP_SPEED:
        return problem(PlanFault.TORN, gap=float(far.max()), gap_speed=float(fast.max()))
    return None
