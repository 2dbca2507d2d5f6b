"""A quadrotor under an autopilot that answers setpoints as PX4 does.

The autopilot is the cascade of PX4's ``mc_pos_control`` (``PositionControl.cpp``): a proportional
position controller gives a velocity, a PID velocity controller gives an acceleration, and the
setpoint's own velocity and acceleration are added where they are given:

    v_sp = v_ff + P (p_sp - p)
    a_sp = a_ff + K_p (v_sp - v) + ∫ K_i (v_sp - v) dt - K_d v̇

The thrust vector is limited in tilt and size. What it asks of the airframe is an axis n_sp and a
collective T_sp. The axis follows as PX4's attitude controller makes it (an angle gives a rate, the
rate follows with a lag, both in the airframe, which turns), the collective as the motors spin up.
The airframe is a point mass with linear drag against the air:

    ω_sp = P_att (n_sp - n),  τ_ω ω̇ = ω_sp - ω,  ṅ = ω,  τ_T Ṫ = T_sp - T,  v̇ = T n - g - k (v - w)

Everything is in the ENU world frame, SI units. ``docs/vehicles.md`` compares the outcome with
measurements on PX4. The loop is in plain floats: vectors of three are slower in numpy.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.rig.vehicle import GRAVITY, Setpoint, Vehicle

Floats = NDArray[np.float64]

_Target = tuple[list[float], list[float], list[float], float, float]

#: Length of a physics step, s; PX4's position controller runs at 50 to 100 Hz, its simulator at
#: 250 Hz.
STEP = 1 / 250


@dataclass(frozen=True)
class Autopilot:
    """The autopilot's parameters. All are PX4's defaults, by their names there."""

    position_p: float = 0.95  # 1/s, MPC_XY_P
    height_p: float = 1.0  # 1/s, MPC_Z_P
    velocity_p: float = 1.8  # 1/s, MPC_XY_VEL_P_ACC
    velocity_i: float = 0.4  # 1/s², MPC_XY_VEL_I_ACC
    velocity_d: float = 0.2  # -, MPC_XY_VEL_D_ACC
    climb_p: float = 4.0  # 1/s, MPC_Z_VEL_P_ACC
    climb_i: float = 2.0  # 1/s², MPC_Z_VEL_I_ACC
    climb_d: float = 0.0  # -, MPC_Z_VEL_D_ACC
    derivative_cutoff: float = 5.0  # Hz, MPC_VELD_LP: low-pass filter of v̇
    thrust_margin: float = 0.3  # of full thrust, MPC_THR_XY_MARG: kept for going sideways
    speed: float = 12.0  # m/s, MPC_XY_VEL_MAX
    climb: float = 3.0  # m/s, MPC_Z_VEL_MAX_UP
    descent: float = 1.5  # m/s, MPC_Z_VEL_MAX_DN
    tilt: float = math.radians(45)  # rad, MPC_TILTMAX_AIR
    attitude_p: float = 4.0  # 1/s, MC_ROLL_P, MC_PITCH_P
    yaw_p: float = 2.8  # 1/s, MC_YAW_P
    yaw_rate: float = math.radians(200)  # rad/s, MC_YAWRATE_MAX
    yaw_torque_cutoff: float = 2.0  # Hz, MC_YAW_TQ_CUTOFF


@dataclass(frozen=True)
class Airframe:
    """How the airframe answers the autopilot; its drag is ``response.drag`` of the config."""

    latency: float = 0.012  # s, from sending a setpoint until the controller uses it
    rate_lag: float = 0.12  # s, of the rate at which it leans: rate controller and rotors
    yaw_rate_lag: float = 0.41  # s: a quadrotor has little torque about its axis
    thrust_lag: float = 0.05  # s, SIH_T_TAU: the motors
    max_thrust: float = 2.0  # of the weight: PX4's hover throttle is half (MPC_THR_HOVER 0.5)
    min_thrust: float = 0.12  # of full thrust, MPC_THR_MIN


class Quadrotor:
    """The vehicle's true motion.

    Attributes:
        drag: deceleration per speed through the air, 1/s.

    Args:
        vehicle: gives the drag.
        position: ENU, m.
        velocity: m/s.
        yaw: rad.
        wind: the air's velocity, m/s, that the autopilot's integrator has settled to.
        autopilot: its parameters.
        airframe: its lags and limits.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        position: Sequence[float] | Floats,
        velocity: Sequence[float] | Floats = (0.0, 0.0, 0.0),
        yaw: float = 0.0,
        wind: Sequence[float] | Floats = (0.0, 0.0, 0.0),
        autopilot: Autopilot | None = None,
        airframe: Airframe | None = None,
    ) -> None:
        self.autopilot = autopilot or Autopilot()
        self.airframe = airframe or Airframe()
        self.drag = vehicle.response.drag
        self._p = [float(x) for x in position]
        self._v = [float(x) for x in velocity]
        air = [float(x) for x in wind]
        # In trim: thrust carries the drag, and the integrator the wind's part of it.
        x, y, z = (self.drag * (v - w) for v, w in zip(self._v, air, strict=True))
        z += GRAVITY
        self._thrust = math.sqrt(x * x + y * y + z * z)  # the collective, m/s²
        self._axis = [x / self._thrust, y / self._thrust, z / self._thrust]
        self._lean_rate = [0.0, 0.0]  # of the axis, along the nose and to the left, 1/s
        self._integral = [-self.drag * w for w in air]
        self._a = [0.0, 0.0, 0.0]
        self._derivative = [0.0, 0.0, 0.0]
        self._yaw, self._yaw_rate, self._yaw_torque = float(yaw), 0.0, 0.0
        self._pending: deque[tuple[float, _Target]] = deque()
        self._clock = 0.0
        self._target: _Target = (self._p.copy(), self._v.copy(), [0.0, 0.0, 0.0], self._yaw, 0.0)

    @property
    def position(self) -> Floats:
        """ENU, m."""
        return np.array(self._p)

    @property
    def velocity(self) -> Floats:
        """ENU, m/s."""
        return np.array(self._v)

    @property
    def acceleration(self) -> Floats:
        """ENU, m/s²."""
        return np.array(self._a)

    @property
    def yaw(self) -> float:
        """Heading, rad, not wrapped."""
        return self._yaw

    @property
    def yaw_rate(self) -> float:
        """Rate of the heading, rad/s."""
        return self._yaw_rate

    @property
    def attitude(self) -> tuple[float, float, float]:
        """Yaw, pitch (positive nose up) and roll (positive right side down), rad."""
        x, y, z = self._axis
        c, s = math.cos(self._yaw), math.sin(self._yaw)
        forward, left = c * x + s * y, c * y - s * x
        return self._yaw, -math.atan2(forward, z), -math.atan2(left, math.hypot(forward, z))

    @property
    def tilt(self) -> float:
        """Angle of the thrust from the vertical, rad."""
        x, y, z = self._axis
        return math.atan2(math.hypot(x, y), z)

    def command(self, setpoint: Setpoint) -> None:
        """Fly to this setpoint from now on. NaN in velocity or acceleration: not given, as on
        PX4; the position must be given."""
        target: _Target = (
            [float(x) for x in setpoint.position],
            [0.0 if math.isnan(x) else float(x) for x in setpoint.velocity],
            [0.0 if math.isnan(x) else float(x) for x in setpoint.acceleration],
            float(setpoint.yaw),
            0.0 if math.isnan(setpoint.yaw_rate) else float(setpoint.yaw_rate),
        )
        self._pending.append((self._clock + self.airframe.latency - 1e-9, target))

    def step(
        self,
        dt: float = STEP,
        wind: Sequence[float] = (0.0, 0.0, 0.0),
        offset: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> None:
        """Go on by ``dt`` s.

        Args:
            dt: at most a few ms.
            wind: velocity of the air, m/s.
            offset: error of the autopilot's own position estimate, m.
        """
        ap = self.autopilot
        p, v = self._p, self._v
        while self._pending and self._pending[0][0] <= self._clock:
            self._target = self._pending.popleft()[1]
        self._clock += dt
        goal, v_ff, a_ff, _, _ = self._target
        # Position controller. The correction gives way to the feed-forward at the speed limit.
        cx = ap.position_p * (goal[0] - p[0] - offset[0])
        cy = ap.position_p * (goal[1] - p[1] - offset[1])
        vx, vy = _within(v_ff[0], v_ff[1], cx, cy, ap.speed)
        vz = v_ff[2] + ap.height_p * (goal[2] - p[2] - offset[2])
        vz = min(max(vz, -ap.descent), ap.climb)
        # Velocity controller.
        d, integral = self._derivative, self._integral
        blend = min(1.0, 2 * math.pi * ap.derivative_cutoff * dt)
        for i in range(3):
            d[i] += blend * (self._a[i] - d[i])
        ex, ey, ez = vx - v[0], vy - v[1], vz - v[2]
        ax = a_ff[0] + ap.velocity_p * ex + integral[0] - ap.velocity_d * d[0]
        ay = a_ff[1] + ap.velocity_p * ey + integral[1] - ap.velocity_d * d[1]
        az = a_ff[2] + ap.climb_p * ez + integral[2] - ap.climb_d * d[2]
        # The airframe's axis: along what is asked for beside gravity, within the allowed tilt.
        size, slope = math.hypot(ax, ay), math.tan(ap.tilt)
        lx, ly = ax, ay
        if size > slope * GRAVITY:
            lx, ly = ax * slope * GRAVITY / size, ay * slope * GRAVITY / size
        # Thrust along it for the height; that goes before, but for a margin.
        top = self.airframe.max_thrust * GRAVITY
        level = GRAVITY / math.sqrt(lx * lx + ly * ly + GRAVITY * GRAVITY)  # cosine of its tilt
        thrust = max((az + GRAVITY) / level, self.airframe.min_thrust * top)
        tx, ty, up = thrust * level * lx / GRAVITY, thrust * level * ly / GRAVITY, thrust * level
        low = thrust > (az + GRAVITY) / level
        if (low and ez < 0) or (up >= top and ez > 0):
            ez = 0.0
        across = math.hypot(tx, ty)
        margin = min(across, ap.thrust_margin * top)
        up = min(up, math.sqrt(top * top - margin * margin))
        most = math.sqrt(max(top * top - up * up, 0.0))
        if across > most:
            tx, ty = tx * most / across, ty * most / across
        if ax * ax + ay * ay > tx * tx + ty * ty:
            # PX4's tracking anti-windup.
            ex -= 2 / ap.velocity_p * (ax - tx)
            ey -= 2 / ap.velocity_p * (ay - ty)
        integral[0] += ap.velocity_i * ex * dt
        integral[1] += ap.velocity_i * ey * dt
        integral[2] += ap.climb_i * ez * dt
        integral[2] = min(max(integral[2], -GRAVITY), GRAVITY)
        # Airframe.
        collective = math.sqrt(tx * tx + ty * ty + up * up)
        self._lean(tx / collective, ty / collective, dt)
        self._thrust += dt / (self.airframe.thrust_lag + dt) * (collective - self._thrust)
        for i in range(3):
            a = self._thrust * self._axis[i] - self.drag * (v[i] - wind[i])
            if i == 2:
                a -= GRAVITY
            self._a[i] = a
            v[i] += a * dt
            p[i] += v[i] * dt
        self._turn(dt)

    def _lean(self, x: float, y: float, dt: float) -> None:
        """Turn the axis towards one with these horizontal components. What lags is the airframe's
        lean, which turns with it."""
        axis, rate = self._axis, self._lean_rate
        c, s = math.cos(self._yaw), math.sin(self._yaw)
        dx, dy = x - axis[0], y - axis[1]
        turn, gain = dt / (self.airframe.rate_lag + dt), self.autopilot.attitude_p
        rate[0] += turn * (gain * (c * dx + s * dy) - rate[0])
        rate[1] += turn * (gain * (c * dy - s * dx) - rate[1])
        swing = self._yaw_rate * dt
        nx = axis[0] - swing * axis[1] + (c * rate[0] - s * rate[1]) * dt
        ny = axis[1] + swing * axis[0] + (s * rate[0] + c * rate[1]) * dt
        axis[0], axis[1] = nx, ny
        axis[2] = math.sqrt(max(1 - nx * nx - ny * ny, 0.01))  # never on its side

    def _turn(self, dt: float) -> None:
        ap = self.autopilot
        error = (self._target[3] - self._yaw + math.pi) % (2 * math.pi) - math.pi
        rate = min(max(self._target[4] + ap.yaw_p * error, -ap.yaw_rate), ap.yaw_rate)
        blend = min(1.0, 2 * math.pi * ap.yaw_torque_cutoff * dt)
        self._yaw_torque += blend * (rate - self._yaw_rate - self._yaw_torque)
        self._yaw_rate += dt / self.airframe.yaw_rate_lag * self._yaw_torque
        self._yaw += self._yaw_rate * dt


def _within(x: float, y: float, dx: float, dy: float, limit: float) -> tuple[float, float]:
    """(x + dx, y + dy), of which only as much of (dx, dy) is taken as the limit leaves; as
    ``ControlMath::constrainXY`` does, less its special cases."""
    if math.hypot(x + dx, y + dy) <= limit:
        return x + dx, y + dy
    size = math.hypot(x, y)
    if size >= limit:
        return x * limit / size, y * limit / size
    a = dx * dx + dy * dy
    b = x * dx + y * dy
    k = (-b + math.sqrt(b * b + a * (limit * limit - size * size))) / a
    return x + k * dx, y + k * dy
