"""A controller in closed loop with a plant that is where its plan was."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cinempc.mpc.controller import Controller, Settings
from cinempc.mpc.objectives import Goals
from cinempc.rig import camera as cameras
from cinempc.rig import plan
from cinempc.rig import vehicle as vehicles
from cinempc.rig.camera import Camera
from cinempc.rig.plan import Plan
from cinempc.rig.state import CameraPose, RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.rig.vehicle import Vehicle
from cinempc.safety import limits as safeties
from cinempc.safety.limits import Safety

PERIOD = 0.05
PAGE = Path(__file__).parents[2] / "docs" / "control-problem.md"


def at_rest(
    position: tuple[float, float, float] = (-8.0, 0.0, 2.0),
    yaw: float = 0.0,
    focal_length: float = 35.0,
    focus: float = 8.0,
    f_number: float = 4.0,
) -> np.ndarray:
    x = np.zeros(plan.NX)
    x[plan.POSITION], x[plan.YAW] = position, yaw
    x[plan.LENS] = plan.lens_vector(cameras.LensState(focal_length, focus, f_number))
    return x


class Flight:
    """Steps a controller; ``state`` is the plan's, ``offset`` what the vehicle is off it."""

    def __init__(
        self, camera: Camera, vehicle: Vehicle, safety: Safety, settings: Settings, start: Any
    ) -> None:
        self.camera, self.vehicle, self.safety = camera, vehicle, safety
        self.controller = Controller(camera, vehicle, safety, settings)
        self.now, self.state, self.yaw = 0.0, np.array(start, dtype=float), float(start[plan.YAW])
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
            CameraPose(position, *(float(angle) for angle in x[plan.ANGLES])),
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
        focal = np.exp(x[:, plan.LOG_FOCAL_LENGTH])
        # The first stretch, which is flown: further on the limit is that at the last solution.
        zoom = abs(u[0, plan.ZOOM_RATE]) * math.exp(found.states[0, plan.LOG_FOCAL_LENGTH])
        room = {
            "speed": np.hypot(v[:, 0], v[:, 1]) - limits.speed,
            "climb": v[:, 2] - limits.climb,
            "descent": -v[:, 2] - limits.descent,
            "acceleration": np.hypot(a[:, 0], a[:, 1]) - limits.acceleration,
            "vertical acceleration": np.abs(a[:, 2]) - limits.vertical_acceleration,
            "jerk": np.abs(u[:, plan.JERK]) - limits.jerk,
            "tilt": tilt - limits.tilt,
            # Pressed against the floor with all its weight it may lie 5 cm under it.
            "low": safety.altitude.min - 0.05 - x[:, plan.ALTITUDE],
            "high": x[:, plan.ALTITUDE] - safety.altitude.max,
            "pitch and roll rate": rates[:, 1:] - vehicle.gimbal.rate,
            "yaw rate": rates[:, 0] - vehicle.gimbal.rate,
            "gimbal acceleration": np.abs(u[:, plan.ANGULAR_ACCELERATION])
            - vehicle.gimbal.acceleration,
            "gimbal yaw": np.maximum(
                x[:, plan.YAW] - found.headings[1:] - vehicle.gimbal.yaw.max,
                found.headings[1:] + vehicle.gimbal.yaw.min - x[:, plan.YAW],
            ),
            "yaw of the vehicle": np.abs(np.diff(found.headings)) / np.diff(found.times)
            - vehicle.limits.yaw_rate,
            "wide end": camera.focal_length.min - focal,
            "long end": focal - camera.focal_length.max,
            "closest focus": x[:, plan.FOCUS] - 1 / camera.focus.closest,
            "beyond infinity": -x[:, plan.FOCUS],
            "open": 2 * np.log2(camera.aperture.min) - x[:, plan.STOPS],
            "closed": x[:, plan.STOPS] - 2 * np.log2(camera.aperture.max),
            "zoom rate": (zoom - camera.focal_length.rate) / 10,
            "focus rate": np.abs(u[:, plan.FOCUS_RATE]) - camera.focus.rate,
            "aperture rate": np.abs(u[:, plan.APERTURE_RATE]) - camera.aperture.rate,
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


@pytest.fixture
def example() -> Callable[[str], dict[str, Any]]:
    """What the block of Python under a heading of docs/control-problem.md defines."""

    def run(heading: str) -> dict[str, Any]:
        section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
        (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        names: dict[str, Any] = {"__name__": "example"}
        exec(compile(code, str(PAGE), "exec", dont_inherit=True), names)
        return names

    return run
