"""Whether a plan can be flown from here: the last look before it becomes setpoints.

The controller keeps all limits itself. This is for the day on which it does not: a fault in it, a
plan that was kept up on the way, a state that was wrong. So the margins are wide: what is outside
them is no matter of degree.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cinempc.course import Rest
from cinempc.mpc.plan import (
    ACCELERATION,
    ANGLES,
    JERK,
    LENS,
    NU,
    NX,
    POSITION,
    RATES,
    VELOCITY,
    Plan,
    PlanPoint,
)
from cinempc.safety import Safety
from cinempc.vehicle import Vehicle

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


def reason_to_refuse(
    plan: Plan,
    now: float,
    wanted: PlanPoint,
    vehicle: Vehicle,
    safety: Safety,
    home: Floats | None = None,
) -> str | None:
    """Why a plan is not flown; None for one that is.

    Args:
        plan: the plan.
        now: the vehicle's time, s.
        wanted: where the vehicle is wanted now by what is flown.
        vehicle: its limits.
        safety: how far from that a plan may be, the band of heights, and the fence.
        home: where the vehicle took off, ENU m in the script's world; without it no plan can be
            told to be inside a fence.
    """
    if (reason := _malformed(plan)) is not None:
        return reason
    if plan.end < now or plan.start > now + _AHEAD:
        return f"it is from {plan.start:.2f} to {plan.end:.2f} s, and now is {now:.2f} s"
    if (reason := _too_much(plan, vehicle)) is not None:
        return reason
    if (reason := _torn(plan)) is not None:
        return reason
    heights = plan.states[:, 2]
    low = min(safety.altitude.min, float(wanted.position[2])) - _OUTSIDE
    high = max(safety.altitude.max, float(wanted.position[2])) + _OUTSIDE
    if heights.min() < low or heights.max() > high:
        return f"it flies at heights from {heights.min():.1f} to {heights.max():.1f} m"
    if safety.fence is not None:
        if home is None:
            return "the autopilot has not told yet where home is, and the fence is around it"
        path = _to_come(plan, now, vehicle)
        if (reason := safety.fence.reason_to_refuse(path, home, wanted.position)) is not None:
            return reason
    off = float(np.linalg.norm(plan.sample(max(now, plan.start)).position - wanted.position))
    if off > _OFF * safety.tracking_error:
        return f"it is {off:.1f} m from what is flown"
    return None


def _to_come(plan: Plan, now: float, vehicle: Vehicle) -> Floats:
    """Positions (n, 3) of a plan from now on, and of the way on which the vehicle comes to rest if
    no other follows."""
    rest = Rest.after(plan.end, plan.sample(plan.end), plan.heading(plan.end), vehicle.limits)
    after = [rest.sample(plan.end + t).position for t in _REST]
    return np.vstack((plan.states[plan.times >= now, POSITION], *after))


def _malformed(plan: Plan) -> str | None:
    arrays = (plan.times, plan.states, plan.inputs, plan.headings)
    count = len(plan.times)
    shapes = ((count,), (count, NX), (count - 1, NU), (count,))
    if count < 2 or any(np.shape(a) != s for a, s in zip(arrays, shapes, strict=True)):
        return "it has not one state for every time"
    if not all(np.isfinite(a).all() for a in arrays):
        return "it is not all numbers"
    steps = np.diff(plan.times)
    if (steps <= 0).any():
        return "its times do not rise"
    if steps.max() > _APART:
        return f"its nodes are {steps.max():.3g} s apart"
    for what, values, (low, high) in (
        ("looks", plan.states[:, ANGLES], _TURNED),
        ("turns", plan.states[:, RATES], _TURNING),
        ("pulls", plan.states[:, LENS], _LENSES),
        ("changes", plan.inputs, _INPUTS),
    ):
        if (values < low).any() or (values > high).any():
            return f"it {what} as no camera does"
    return None


def _too_much(plan: Plan, vehicle: Vehicle) -> str | None:
    limits = vehicle.limits
    speed = float(np.linalg.norm(plan.states[:, VELOCITY], axis=1).max())
    if speed > _FASTER * math.hypot(limits.speed, max(limits.climb, limits.descent)) + _FASTER_BY:
        return f"it flies at {speed:.1f} m/s"
    pull = float(np.linalg.norm(plan.states[:, ACCELERATION], axis=1).max())
    most = math.hypot(limits.acceleration, limits.vertical_acceleration)
    if pull > _HARDER * most + _HARDER_BY:
        return f"it accelerates by {pull:.1f} m/s²"
    turn = float(np.abs(np.diff(plan.headings) / np.diff(plan.times)).max())
    if turn > _QUICKER * limits.yaw_rate + _QUICKER_BY:
        return f"it turns the nose by {math.degrees(turn):.0f} deg/s"
    return None


def _torn(plan: Plan) -> str | None:
    """Whether its nodes lead to each other: where position and velocity come to in each interval,
    against the next node."""
    here, dt = plan.states[:-1], np.diff(plan.times)[:, None]
    p, v, a, j = here[:, POSITION], here[:, VELOCITY], here[:, ACCELERATION], plan.inputs[:, JERK]
    gap = p + dt * v + dt**2 / 2 * a + dt**3 / 6 * j - plan.states[1:, POSITION]
    gap_speed = v + dt * a + dt**2 / 2 * j - plan.states[1:, VELOCITY]
    far, fast = np.linalg.norm(gap, axis=1), np.linalg.norm(gap_speed, axis=1)
    if far.max() > _GAP or fast.max() > _GAP_SPEED:
        return f"it is torn by {far.max():.1f} m and {fast.max():.1f} m/s between two nodes"
    return None
