"""Finds out how a vehicle answers: a short flight, a model of PX4's position controller fitted to
it, and the response that goes into the vehicle's file.

The model of one horizontal axis (``PositionControl.cpp`` of PX4, its gains read from the vehicle,
around `cinempc.rig.vehicle`'s airframe):

    v_sp = v_ff + P (p_sp - p)
    a_sp = a_ff + K_p (v_sp - v) + K_i ∫ (v_sp - v) dt - K_d LP(v̇)
    τ ȧ_T = a_sp(t - δ) - a_T,    v̇ = a_T - k v

Free are the drag k, the lag τ and the time δ that setpoints travel. The closed loop is simulated
over the whole flight from the setpoints that were sent, and fitted to the positions that were
flown (output error, least squares with a robust loss). A steady wind shows only in the integrator,
whose start is free.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.optimize import least_squares
from scipy.signal import lfilter

from cinempc.errors import CinempcError
from cinempc.rig import plan
from cinempc.rig.plan import Plan
from cinempc.rig.state import RigState
from cinempc.rig.vehicle import FlightLimits, Response, acceleration_command

Floats = NDArray[np.float64]

#: The autopilot's parameters that the model needs, by its own names.
GAINS = {
    "position_p": "MPC_XY_P",
    "velocity_p": "MPC_XY_VEL_P_ACC",
    "velocity_i": "MPC_XY_VEL_I_ACC",
    "velocity_d": "MPC_XY_VEL_D_ACC",
    "cutoff": "MPC_VELD_LP",
}
_STEP = 0.01  # s, of the model
_NODE = 0.05  # s, of the flown plan
_SKIP, _SCALE = 2, 0.05  # steps between two samples that are fitted; m, where the loss turns linear
_LASTS = 4.0  # s, for which a gust or an error of the position goes on
_SETTLED = 2.0  # s of the recording that are not fitted: the take-over from a hover


@dataclass(frozen=True)
class Gains:
    """PX4's horizontal position and velocity controller (`GAINS` names the parameters)."""

    position_p: float
    velocity_p: float
    velocity_i: float
    velocity_d: float
    cutoff: float


@dataclass(frozen=True)
class Recording:
    """A flight to learn from.

    Attributes:
        times: (n,) vehicle s, evenly `_STEP` apart.
        flown: (n, 2) horizontal position, ENU m.
        position, velocity, acceleration: (n, 2) of the setpoints as sent.
    """

    times: Floats
    flown: Floats
    position: Floats
    velocity: Floats
    acceleration: Floats

    @property
    def error(self) -> float:
        """Distance from the setpoints, rms m, settled."""
        e = (self.flown - self.position)[self.times > self.times[0] + _SETTLED]
        return float(np.sqrt((e**2).sum(axis=1).mean()))


@dataclass(frozen=True)
class Identified:
    """What was found.

    Attributes:
        response: for the vehicle's file.
        error_before: distance from the setpoints in the flight, rms m.
        misfit: distance of the fitted model from the flight, rms m.
        deviations: of drag 1/s, lag s and latency s: how sure the fit is of them.
    """

    response: Response
    error_before: float
    misfit: float
    deviations: tuple[float, float, float]


def manoeuvre(
    start: RigState, limits: FlightLimits, time: float, speed: float = 3.0, duration: float = 26.0
) -> Plan:
    """A figure of eight of changing pace from where the vehicle hovers, that begins and ends at
    rest; it stays within 6 m of there.

    Args:
        start: the hover; heading, gimbal and lens stay as they are.
        limits: of the vehicle; the flight keeps well inside its acceleration.
        time: when it begins, vehicle s.
        speed: fastest, m/s.
        duration: s.
    """
    fast = min(speed, 0.6 * limits.speed)
    t = np.linspace(0.0, duration, 10 * round(duration / _NODE) + 1)
    # The pace rises and falls twice, so that slow and fast turns are both in it.
    swell = np.sin(np.pi * t / duration) ** 2
    phase = 0.6 * _sum(swell * (0.55 + 0.45 * np.cos(4 * np.pi * t / duration) ** 2), t)
    path = np.stack([5.0 * np.sin(phase), 3.0 * np.sin(2 * phase)], axis=1)
    velocity = np.gradient(path, t, axis=0)
    acceleration = np.gradient(velocity, t, axis=0)
    scale = min(
        1.0,
        fast / float(np.linalg.norm(velocity, axis=1).max()),
        0.6 * limits.acceleration / float(np.linalg.norm(acceleration, axis=1).max()),
    )
    return _along(scale * path, t, start, limits, time)


def circle(
    start: RigState,
    limits: FlightLimits,
    time: float,
    radius: float = 5.0,
    speed: float = 3.0,
    laps: float = 2.0,
) -> Plan:
    """A circle from where the vehicle hovers, that begins and ends at rest: how well it is followed
    is what the figures speak of.

    Args:
        start, limits, time: as for `manoeuvre`.
        radius: m.
        speed: once it is reached, m/s.
        laps: at that speed.
    """
    speed = min(speed, limits.speed, math.sqrt(0.8 * limits.acceleration * radius))
    rate = speed / radius
    ramp = max(4.0, 3.0 * speed / limits.acceleration)  # s; half of the acceleration at its middle
    duration = 2 * ramp + 2 * np.pi * laps / rate
    duration = _NODE * round(duration / _NODE)
    t = np.linspace(0.0, duration, 10 * round(duration / _NODE) + 1)
    rise = np.clip(np.minimum(t, duration - t) / ramp, 0.0, 1.0)
    angle = rate * _sum(rise * rise * (3 - 2 * rise), t)
    path = radius * np.stack([np.sin(angle), 1 - np.cos(angle)], axis=1)
    return _along(path, t, start, limits, time)


def _sum(values: Floats, t: Floats) -> Floats:
    """The integral from the start, trapezoids."""
    return np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2 * np.diff(t))])


def _along(path: Floats, t: Floats, start: RigState, limits: FlightLimits, time: float) -> Plan:
    """A plan along a path (10 n + 1, 2) from the start, m, at times t, ten to each of its nodes."""
    velocity = np.gradient(path, t, axis=0)
    shape = np.gradient(velocity, t, axis=0)[::10]
    count = (len(t) - 1) // 10
    states, inputs = np.zeros((count + 1, plan.NX)), np.zeros((count, plan.NU))
    camera = start.camera
    states[0, plan.POSITION] = start.position
    states[0, plan.ANGLES] = camera.yaw, camera.pitch, 0.0
    states[0, plan.LENS] = plan.lens_vector(start.lens)
    for k in range(count):
        # What the acceleration does to the next node, less a pull back onto the path: the sum of
        # rounding must not carry it away.
        here = states[k]
        off_p = path[10 * k] + start.position[:2] - here[plan.POSITION][:2]
        off_v = velocity[10 * k] - here[plan.VELOCITY][:2]
        wanted = shape[k + 1] + 0.8 * off_p + 1.6 * off_v
        jerk = (wanted - here[plan.ACCELERATION][:2]) / _NODE
        inputs[k, plan.JERK][:2] = np.clip(jerk, -limits.jerk, limits.jerk)
        states[k + 1] = plan.propagate(here, inputs[k], _NODE)
    return Plan(
        times=time + _NODE * np.arange(count + 1, dtype=float),
        states=states,
        inputs=inputs,
        headings=np.full(count + 1, start.attitude[0]),
    )


def record(flown: Plan, states: list[RigState], response: Response) -> Recording:
    """Puts together what was sent and what came of it.

    Args:
        flown: the plan.
        states: as they were reported on the way.
        response: what the setpoints were made with.

    Raises:
        CinempcError: too little was reported.
    """
    inside = [s for s in states if flown.start <= s.time <= flown.end]
    if len(inside) < 10 * (flown.end - flown.start):
        raise CinempcError(
            f"only {len(inside)} positions were heard in {flown.end - flown.start:.0f} s: the "
            "link is too poor to learn from; identify over a better one"
        )
    when = np.array([s.time for s in inside])
    places = np.array([s.position[:2] for s in inside])
    times = np.arange(when[0], when[-1], _STEP)
    here = np.stack([np.interp(times, when, places[:, i]) for i in range(2)], axis=1)
    ahead = np.clip(times + response.latency, flown.start, flown.end)
    points = [flown.sample(float(t)) for t in ahead]
    return Recording(
        times,
        here,
        np.array([p.position[:2] for p in points]),
        np.array([p.velocity[:2] for p in points]),
        np.array(
            [acceleration_command(p.velocity, p.acceleration, p.jerk, response)[:2] for p in points]
        ),
    )


def simulate(
    recording: Recording, gains: Gains, drag: float, lag: float, delay: float, integral: Floats
) -> Floats:
    """Positions (n, 2) that the model flies on a recording's setpoints, from where it began.

    ``integral`` (2,) is what the integrator holds at the start more than it needs, m/s². What it
    needs against a steady wind cancels out.
    """
    n = len(recording.times)
    behind = np.arange(n) - delay / _STEP

    def delayed(values: Floats) -> Floats:
        return np.asarray(np.interp(behind, np.arange(n), values))

    step, drive = _discrete(gains, drag, lag)
    # By its modes, each of which is a filter of first order: a loop over the samples takes 200
    # times as long.
    poles, modes = np.linalg.eig(step)
    back = np.linalg.inv(modes)
    found: Floats = np.empty((n, 2))
    for axis in range(2):
        start = float(recording.flown[0, axis])
        v = float(np.polyfit(recording.times[:20], recording.flown[:20, axis], 1)[0])
        inputs = np.stack(
            [
                delayed(recording.position[:, axis]) - start,
                delayed(recording.velocity[:, axis]),
                delayed(recording.acceleration[:, axis]),
            ]
        )
        state = np.array([0.0, v, drag * v, float(integral[axis]), 0.0])
        driven = np.column_stack([back @ state, back @ drive @ inputs[:, :-1]])
        out = np.zeros(n)
        for pole, part, seen in zip(poles, driven, modes[0], strict=True):
            out += (seen * lfilter([1.0], [1.0, -pole], part)).real
        found[:, axis] = start + out
    return found


def _discrete(gains: Gains, drag: float, lag: float) -> tuple[Floats, Floats]:
    """The closed loop over one step: x' = A x + B u with x = (position, velocity, thrust
    acceleration, integrator, filtered acceleration) and u = (position, velocity, acceleration) of
    the setpoint, held over the step (exact: Van Loan 1978)."""
    corner = 2 * math.pi * gains.cutoff
    error = np.array([-gains.position_p, -1.0, 0.0, 0.0, 0.0])  # of the velocity, by the state
    given = np.array([gains.position_p, 1.0, 0.0])  # and by the setpoint
    a, b = np.zeros((5, 5)), np.zeros((5, 3))
    a[0, 1] = 1.0
    a[1, 1:3] = -drag, 1.0
    a[2] = (gains.velocity_p * error + [0, 0, -1, 1, -gains.velocity_d]) / lag
    b[2] = (gains.velocity_p * given + [0, 0, 1]) / lag
    a[3], b[3] = gains.velocity_i * error, gains.velocity_i * given
    a[4, 1:] = -corner * drag, corner, 0.0, -corner
    whole = expm(_STEP * np.block([[a, b], [np.zeros((3, 8))]]))
    return whole[:5, :5], whole[:5, 5:]


def _covariance(jacobian: Floats, residuals: Floats) -> Floats:
    """Of what a least-squares fit finds, where what is left over lasts, as gusts and a wandering
    position do: with autocovariances up to `_LASTS` (Newey and West 1987).

    Args:
        jacobian: (2 n, m), two rows for each time.
        residuals: (2 n,).
    """
    scores = (jacobian * residuals[:, None]).reshape(-1, 2, jacobian.shape[1]).sum(axis=1)
    middle = scores.T @ scores
    lags = round(_LASTS / (_SKIP * _STEP))
    for lag in range(1, min(lags, len(scores) - 1) + 1):
        late = scores[lag:].T @ scores[:-lag]
        middle += (1 - lag / (lags + 1)) * (late + late.T)
    inverse = np.linalg.pinv(jacobian.T @ jacobian)
    found: Floats = inverse @ middle @ inverse
    return found


def fit(recording: Recording, gains: Gains) -> Identified:
    """The response that explains a flight.

    Raises:
        CinempcError: the model does not explain it: gusts, or a vehicle of another kind.
    """
    settled = recording.times > recording.times[0] + _SETTLED

    def residual(x: Floats) -> Floats:
        model = simulate(recording, gains, x[0], x[1], x[2], x[3:5])
        off: Floats = (model - recording.flown)[settled][::_SKIP] / _SCALE
        return off.ravel()

    found = least_squares(
        residual,
        x0=[0.5, 0.15, 0.03, 0.0, 0.0],
        bounds=([0.0, 0.01, 0.0, -3.0, -3.0], [5.0, 0.8, 0.3, 3.0, 3.0]),
        x_scale=[0.3, 0.1, 0.03, 0.3, 0.3],
        loss="soft_l1",
    )
    drag, lag, delay = (float(x) for x in found.x[:3])
    model = simulate(recording, gains, drag, lag, delay, found.x[3:5])
    off = (model - recording.flown)[settled]
    misfit = float(np.sqrt((off**2).sum(axis=1).mean()))
    error = recording.error
    if misfit > max(0.15, 0.5 * error):
        raise CinempcError(
            f"the flight cannot be explained (the fitted model is {misfit:.2f} m rms from it): "
            "strong gusts, a bad position, or an autopilot that is not PX4's multicopter; "
            "identify again in calm air"
        )
    sure = np.sqrt(np.maximum(np.diag(_covariance(found.jac, found.fun)), 0.0))[:3]
    return Identified(
        Response.model_validate(
            {
                "drag": f"{drag:.4g} 1/s",
                "thrust_lag": f"{lag:.4g} s",
                "position_lag": f"{1 / gains.position_p:.4g} s",
                "damping": round(gains.velocity_d, 4),
                "latency": f"{delay:.4g} s",
            }
        ),
        error,
        misfit,
        (float(sure[0]), float(sure[1]), float(sure[2])),
    )
