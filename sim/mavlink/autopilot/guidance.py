"""Where the automatic modes of the simulated autopilot want the vehicle: as PX4's do."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cinempc.mavlink.px4 import Mode
from sim.mavlink.autopilot.modes import LANDING

Floats = NDArray[np.float64]

_CRUISE, _ACCELERATION, _JERK = 5.0, 3.0, 4.0  # MPC_XY_CRUISE, MPC_ACC_HOR, MPC_JERK_AUTO
_APPROACH = 0.5  # 1/s, MPC_XY_TRAJ_P: speed for the distance that is left
_TAKE_OFF = 1.5  # m/s, MPC_TKO_SPEED
#: Landing: speed m/s at and below a height m (MPC_LAND_SPEED, MPC_LAND_ALT2), to the usual one at
#: MPC_LAND_ALT1; and close to the ground (MPC_LAND_CRWL).
_LAND_SPEED, _LAND_LOW, _LAND_HIGH, _CRAWL, _CRAWL_BELOW = 0.7, 5.0, 10.0, 0.3, 0.7
#: How near home it goes down, m (NAV_ACC_RAD).
NEAR_HOME = 10.0
#: How near the height of its take-off it holds, m (NAV_MC_ALT_RAD).
REACHED = 0.8
#: Where it goes down to, m: below any ground.
_DOWN = -5.0


class MovingSetpoint:
    """The setpoint of the automatic modes: sets out, cruises, brakes, stands; its acceleration and
    jerk are limited.

    Args:
        position, velocity: where it begins, ENU m and m/s.
    """

    def __init__(self, position: Floats, velocity: Floats) -> None:
        self.position, self.velocity = position.copy(), velocity.copy()
        self.acceleration = np.zeros(3)

    def step(self, target: Floats, speed: tuple[float, float, float], dt: float) -> None:
        """Towards a target at up to (horizontal, up, down) m/s."""
        error = target - self.position
        wanted = np.zeros(3)
        far = math.hypot(error[0], error[1])
        if far > 1e-6:
            pace = min(speed[0], _APPROACH * far, _fastest(far))
            wanted[:2] = pace / far * error[:2]
        pace = _fastest(abs(error[2]))
        wanted[2] = min(pace, speed[1]) if error[2] > 0 else -min(pace, speed[2])
        short = wanted - self.velocity
        # As hard as leaves time to let go again.
        hard = np.minimum(np.sqrt(2 * _JERK * np.abs(short)), _ACCELERATION) * np.sign(short)
        turn = np.clip(hard - self.acceleration, -_JERK * dt, _JERK * dt)
        self.acceleration = self.acceleration + turn
        self.velocity = self.velocity + dt * self.acceleration
        self.position = self.position + dt * self.velocity


def _fastest(distance: float) -> float:
    """Speed, m/s, from which it can stop in a distance, m; undoes `_stopping`."""
    b = 2 * _ACCELERATION**2 / _JERK
    return (math.sqrt(b * b + 8 * _ACCELERATION * distance) - b) / 2


def _stopping(speed: float) -> float:
    """Distance, m, in which it stops from a speed, m/s: with PX4's allowance for its jerk."""
    return speed * (speed / (2 * _ACCELERATION) + _ACCELERATION / _JERK)


def stopping_point(position: Floats, velocity: Floats) -> Floats:
    """Where it can stop, ENU m."""
    speed = float(np.linalg.norm(velocity))
    return np.asarray(position + velocity * _stopping(speed) / max(speed, 1e-6))


def distance_from(home: Floats, position: Floats) -> float:
    """Over ground, m."""
    return float(np.linalg.norm(position[:2] - home[:2]))


def destination(
    mode: Mode, goal: Floats, position: Floats, home: Floats, return_height: float
) -> Floats:
    """Where a mode leads, ENU m.

    Args:
        mode: an automatic one.
        goal: where it was to be when the mode began.
        position: of the moving setpoint.
        home: where it returns to.
        return_height: RTL_RETURN_ALT, m.
    """
    if mode in LANDING:
        return np.array([goal[0], goal[1], _DOWN])
    if mode is Mode.RETURN:
        return _homeward(position, home, return_height)
    return goal


def _homeward(here: Floats, home: Floats, return_height: float) -> Floats:
    """PX4's way home: up to RTL_RETURN_ALT (less where home is near: a cone of 45 deg), across, and
    down as soon as it is near."""
    away = distance_from(home, here)
    if away < NEAR_HOME:
        return np.array([home[0], home[1], _DOWN])
    level = max(here[2], min(return_height, away))
    if here[2] < level - 0.5:
        return np.array([here[0], here[1], level])
    return np.array([home[0], home[1], level])


def speeds(
    mode: Mode, towards: Floats, height: float, up: float, down: float
) -> tuple[float, float, float]:
    """How fast it may go, m/s: horizontally, up and down.

    Args:
        mode: an automatic one.
        towards: where it goes, ENU m.
        height: of the moving setpoint, m.
        up, down: MPC_Z_VEL_MAX_UP and MPC_Z_VEL_MAX_DN, m/s.
    """
    if mode is Mode.TAKEOFF:
        up = _TAKE_OFF
    if towards[2] < 0:
        down = _landing_speed(height, down)
    return _CRUISE, up, down


def _landing_speed(height: float, usual: float) -> float:
    """m/s, at a height above the ground, m."""
    if height < _CRAWL_BELOW:
        return _CRAWL
    share = min(max((height - _LAND_LOW) / (_LAND_HIGH - _LAND_LOW), 0.0), 1.0)
    return _LAND_SPEED + share * (usual - _LAND_SPEED)
