"""A controller in closed loop with a plant that is where its plan was."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cinempc import camera as cameras
from cinempc import safety as safeties
from cinempc import vehicle as vehicles
from cinempc.camera import Camera
from cinempc.mpc import plan
from cinempc.mpc.controller import Controller, Settings
from cinempc.mpc.objectives import Goals
from cinempc.mpc.plan import Plan
from cinempc.rig import CameraPose, RigState
from cinempc.safety import Safety
from cinempc.subject import SubjectEstimate
from cinempc.vehicle import Vehicle

PERIOD = 0.05


def at_rest(
    position: tuple[float, float, float] = (-8.0, 0.0, 2.0),
    yaw: float = 0.0,
    focal_length: float = 35.0,
    focus: float = 8.0,
    f_number: float = 4.0,
) -> np.ndarray:
    x = np.zeros(plan.NX)
    x[plan.POSITION], x[9] = position, yaw
    x[plan.LENS] = plan.lens_vector(cameras.LensState(focal_length, focus, f_number))
    return x


class Flight:
    """Steps a controller; ``state`` is the plan's, ``offset`` what the vehicle is off it."""

    def __init__(
        self, camera: Camera, vehicle: Vehicle, safety: Safety, settings: Settings, start: Any
    ) -> None:
        self.camera, self.vehicle, self.safety = camera, vehicle, safety
        self.controller = Controller(camera, vehicle, safety, settings)
        self.now, self.state, self.yaw = 0.0, np.array(start, dtype=float), float(start[9])
        self.offset = np.zeros(3)
        self.plan: Plan | None = None

    def rig(self) -> RigState:
        x = self.state
        position = x[plan.POSITION] + self.offset
        return RigState(
            self.now,
            position,
            x[plan.VELOCITY],
            (self.yaw, 0.0, 0.0),
            CameraPose(position, float(x[9]), float(x[10]), float(x[11])),
            x[plan.RATES],
            plan.lens_state(x[plan.LENS]),
        )

    def step(
        self,
        goals: Goals,
        *subjects: SubjectEstimate,
        seen: Callable[[RigState], RigState] = lambda rig: rig,
    ) -> Plan:
        """One step, and the plant goes on; ``seen`` falsifies what the controller is shown."""
        # Seen just now: the doubt does not grow with the time since the subject's own.
        found = {
            s.id: replace(s.predict(self.now), covariance=s.covariance, age=0.0) for s in subjects
        }
        result = self.controller.step(self.now, seen(self.rig()), goals, found)
        self.now += PERIOD
        over = self.now > result.end  # a rig stands still when its plan runs out
        self.state = result.states[-1].copy() if over else result.state(self.now)
        self.yaw = result.heading(min(self.now, result.end))
        self.plan = result
        return result

    def steps(self, count: int, goals: Goals, *subjects: SubjectEstimate) -> list[Plan]:
        return [self.step(goals, *subjects) for _ in range(count)]


@pytest.fixture
def camera() -> Camera:
    return cameras.load("super35_zoom")


@pytest.fixture
def vehicle() -> Vehicle:
    return vehicles.load("x500_cinema")


@pytest.fixture
def safety() -> Safety:
    return safeties.load("default")


@pytest.fixture
def start() -> Callable[..., np.ndarray]:
    return at_rest


@pytest.fixture
def flight(camera: Camera, vehicle: Vehicle, safety: Safety) -> Callable[..., Flight]:
    def make(**changes: Any) -> Flight:
        settings = changes.pop("settings", None) or Settings(deadline=np.inf)
        return Flight(
            changes.pop("camera", camera),
            changes.pop("vehicle", vehicle),
            changes.pop("safety", safety),
            settings,
            changes.pop("start", None) if "start" in changes else at_rest(**changes),
        )

    return make


@pytest.fixture
def broken() -> Callable[..., dict[str, float]]:
    """What a trajectory breaks of the hard limits at its nodes, by name and amount."""

    def check(found: Plan, camera: Camera, vehicle: Vehicle, safety: Safety) -> dict[str, float]:
        x, u, limits = found.states[1:], found.inputs, vehicle.limits
        v, a = x[:, plan.VELOCITY], x[:, plan.ACCELERATION]
        thrust = a + vehicle.response.drag * v
        tilt = np.arctan2(np.hypot(thrust[:, 0], thrust[:, 1]), 9.80665 + thrust[:, 2])
        rates = np.abs(x[:, plan.RATES])
        focal = np.exp(x[:, 15])
        # The first stretch, which is flown: further on the limit is that at the last solution.
        zoom = abs(u[0, 6]) * math.exp(found.states[0, 15])
        room = {
            "speed": np.hypot(v[:, 0], v[:, 1]) - limits.speed,
            "climb": v[:, 2] - limits.climb,
            "descent": -v[:, 2] - limits.descent,
            "acceleration": np.hypot(a[:, 0], a[:, 1]) - limits.acceleration,
            "vertical acceleration": np.abs(a[:, 2]) - limits.vertical_acceleration,
            "jerk": np.abs(u[:, plan.JERK]) - limits.jerk,
            "tilt": tilt - limits.tilt,
            # Pressed against the floor with all its weight it may lie 5 cm under it.
            "low": safety.altitude.min - 0.05 - x[:, 2],
            "high": x[:, 2] - safety.altitude.max,
            "pitch and roll rate": rates[:, 1:] - vehicle.gimbal.rate,
            "yaw rate": rates[:, 0] - vehicle.gimbal.rate,
            "gimbal acceleration": np.abs(u[:, plan.ANGULAR_ACCELERATION])
            - vehicle.gimbal.acceleration,
            "gimbal yaw": np.maximum(
                x[:, 9] - found.headings[1:] - vehicle.gimbal.yaw.max,
                found.headings[1:] + vehicle.gimbal.yaw.min - x[:, 9],
            ),
            "yaw of the vehicle": np.abs(np.diff(found.headings)) / np.diff(found.times)
            - vehicle.limits.yaw_rate,
            "wide end": camera.focal_length.min - focal,
            "long end": focal - camera.focal_length.max,
            "closest focus": x[:, 16] - 1 / camera.focus.closest,
            "beyond infinity": -x[:, 16],
            "open": 2 * np.log2(camera.aperture.min) - x[:, 17],
            "closed": x[:, 17] - 2 * np.log2(camera.aperture.max),
            "zoom rate": (zoom - camera.focal_length.rate) / 10,
            "focus rate": np.abs(u[:, 7]) - camera.focus.rate,
            "aperture rate": np.abs(u[:, 8]) - camera.aperture.rate,
        }
        if vehicle.gimbal.yaw.max == vehicle.gimbal.yaw.min:
            del room["gimbal yaw"]
        return {
            name: float(np.max(amount))
            for name, amount in room.items()
            # The solver promises two hundredths of a unit at its nodes and a percent of the
            # inputs; the next step's nodes lie between those.
            if np.max(amount)
            > 0.04
            + (0.01 * limits.jerk if name == "jerk" else 0.0)
            + (0.01 * vehicle.gimbal.acceleration if name == "gimbal acceleration" else 0.0)
        }

    return check


@pytest.fixture
def finite() -> Callable[[Plan], bool]:
    def check(found: Plan) -> bool:
        parts = (found.times, found.states, found.inputs, found.headings)
        return all(bool(np.isfinite(part).all()) for part in parts)

    return check


@pytest.fixture
def blind() -> Callable[[RigState], RigState]:
    """The rig's state with a position that is not a number."""
    return lambda rig: replace(rig, camera=replace(rig.camera, position=np.array([np.nan, 0, 2])))
