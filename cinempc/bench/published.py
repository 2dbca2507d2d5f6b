"""The published CineMPC experiments as problems of ours, so that both are measured on one work.

Horizon, bounds, targets and weights are those of the authors' released experiments (P. Pueyo,
J. Dendarieta, E. Montijano, A. C. Murillo, M. Schwager, *CineMPC: A Fully Autonomous Drone
Cinematography System*, IEEE T-RO 2024, and its released code). Two things are ours: the rotation
norm is squared (as released it is not smooth at its optimum), and the depth-of-field limits are
compared in dioptres with the weight that equals the published one at the target, because in metres
they have a pole at the hyperfocal distance. Aperture and focal length enter them truly.

A weight there is per px², m² or mm². Here a residual is divided by its class's scale, so
weight = published weight x (scale in the published unit)².

What the sources leave open is stated: the person stands still; the aircraft is two metres tall in
the picture and flies straight at 10 m/s (its size and speed are not in the published figures).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import frames, lens
from cinempc.bench.closed_loop import Case, Run, Subjects
from cinempc.mpc.constraints.envelope import OCTAGON
from cinempc.mpc.controller import Controller, Settings
from cinempc.mpc.data import Data
from cinempc.mpc.model import Horizon
from cinempc.mpc.objectives import (
    Attitude,
    DepthOfField,
    Distance,
    FocalLength,
    Goals,
    Objective,
    ScreenPosition,
    Smoothness,
)
from cinempc.mpc.problem import Problem
from cinempc.rig import plan
from cinempc.rig.camera import Aperture, Camera, Focus, PictureFormat, Sensor, Zoom
from cinempc.rig.mount import Range
from cinempc.rig.state import RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.rig.vehicle import FlightLimits, Gimbal, Response, Vehicle
from cinempc.safety.limits import Altitude, Safety

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 960, 540  # px
STEP = 0.4  # s, of the horizon and of the control loop

#: The published cost has no term on effort: this little keeps the problem well posed.
_EFFORT = Smoothness(
    velocity=1e3,
    acceleration=50.0,
    jerk=50.0,
    camera_rate=50.0,
    camera_acceleration=50.0,
    zoom_rate=50.0,
    focus_rate=50.0,
    aperture_rate=50.0,
)


class PublishedController(Controller):
    """The controller with the two published bounds that a camera or vehicle does not have: the
    focus rate is in m/s, and the camera turns by no more than ``turn`` rad within a horizon."""

    turn = 0.01
    focus_rate = 15.0  # m/s

    def data(self, problem: Problem, *arguments: Any) -> Data:
        """The controller's own numbers, with these bounds."""
        data = super().data(problem, *arguments)
        focus = data.start[plan.FOCUS]
        data.input_limit[:, plan.FOCUS_RATE] = self.focus_rate * focus**2
        start = data.start[plan.ANGLES]
        data.lower[:, plan.ANGLES] = np.maximum(data.lower[:, plan.ANGLES], start - self.turn)
        data.upper[:, plan.ANGLES] = np.minimum(data.upper[:, plan.ANGLES], start + self.turn)
        return data


class PlaneController(PublishedController):
    """The plane experiment's bounds."""

    turn = 1.0
    focus_rate = 30.0


def _camera(
    focal: tuple[float, float],
    focus: float,
    aperture: tuple[float, float],
    zoom_rate: float,
    aperture_rate: float,
) -> Camera:
    return Camera(
        name="CineMPC's simulated camera",
        sensor=Sensor.model_construct(width=23.76, height=13.365, circle_of_confusion=0.05),
        focal_length=Zoom.model_construct(min=focal[0], max=focal[1], rate=zoom_rate),
        focus=Focus.model_construct(closest=focus, rate=1.0),
        aperture=Aperture.model_construct(min=aperture[0], max=aperture[1], rate=aperture_rate),
        picture=PictureFormat.model_construct(
            width=WIDTH, height=HEIGHT, frame_rate=24.0, shutter=1 / 48
        ),
    )


def _vehicle(speed: float, acceleration: float, rate: float) -> Vehicle:
    free = Range.model_construct(min=-np.pi, max=np.pi)
    return Vehicle.model_construct(
        name="CineMPC's simulated drone",
        limits=FlightLimits.model_construct(
            # Published per axis; here each axis reaches the same, and the corners are cut.
            speed=speed / OCTAGON,
            climb=speed,
            descent=speed,
            acceleration=acceleration / OCTAGON,
            vertical_acceleration=acceleration,
            jerk=100.0,
            tilt=1.2,
            yaw_rate=10.0,
        ),
        response=Response.model_construct(drag=0.0, thrust_lag=0.0, position_lag=1.0),
        gimbal=Gimbal.model_construct(
            yaw=free, pitch=free, roll=free, rate=rate, acceleration=100.0, lag=0.0
        ),
    )


def _safety() -> Safety:
    return Safety.model_construct(
        name="CineMPC",
        subject_distance=2.0,
        altitude=Altitude.model_construct(min=0.0, max=200.0),
        stale_after=1.0,
        tracking_error=2.0,
    )


def _settings() -> Settings:
    return Settings(horizon=Horizon(5, STEP))


def _screen(
    subject: str, point: str | float, wu: float | None, u: float, wv: float, v: float
) -> list[Objective]:
    """Published screen terms in px: one objective for each, their weights differ."""
    unit = (ScreenPosition.scale * WIDTH) ** 2
    objectives: list[Objective] = [
        ScreenPosition(subject=subject, point=point, v=v / HEIGHT, weight=wv * unit)
    ]
    if wu is not None:
        objectives.append(
            ScreenPosition(subject=subject, point=point, u=u / WIDTH, weight=wu * unit)
        )
    return objectives


def _limit(weight: float, distance: Floats) -> Floats:
    """Weight of a depth-of-field limit: w per m² at the target is w D⁴ per dioptre²."""
    return weight * DepthOfField.scale**2 * distance**4


# --- the dolly zoom: one person, 1.62 m --------------------------------------------------------

_PERSON = 1.62
_BELOW = (_PERSON - 0.5) / _PERSON  # half a metre below the top of the head
#: Start and end, s from the first sequence's start, of the three sequences.
DOLLY_SEQUENCES = ((0.0, 23.0), (23.0, 28.0), (28.0, 92.0))
#: What the published run reached: the smaller end of each median's range over its sequences.
DOLLY_PUBLISHED = {
    "u_px": 3.7,
    "v_top_px": 12.0,
    "v_centre_px": 5.0,
    "near_m": 0.9,
    "far_m": 1.4,
    "focal_length_mm": 17.0,
}


def _dolly_far(time: Floats) -> Floats:
    """k of the far limit's target, distance + k, in the third sequence: a metre more each step up
    to 55, then two less each step."""
    steps = np.floor((time - 28.0) / STEP + 1e-6)
    return np.maximum(np.where(steps <= 55, steps, 55 - 2 * (steps - 55)), 0.0)


def _dolly_focal(time: Floats) -> Floats:
    """35 mm, then five more each step, to 500."""
    steps = np.maximum(np.floor((time - 23.0) / STEP + 1e-6), 0.0)
    return np.minimum(35.0 + 5.0 * steps, 500.0)


def _dolly_goals(times: Floats, subjects: Subjects, state: RigState) -> Goals:
    person = subjects["person"].position
    camera = state.camera.position
    distance = np.full(len(times), float(np.hypot(*(camera - person)[:2])))
    first, second = times < 23.0, (times >= 23.0) & (times < 28.0)
    third = ~first & ~second
    near = distance - 3.0
    far = distance + np.maximum(_dolly_far(times), 1.0)
    wv = np.where(first, 0.5, 0.75)
    focal = _dolly_focal(times)
    px = (ScreenPosition.scale * WIDTH) ** 2
    objectives: list[Objective] = [
        ScreenPosition(subject="person", point="top", u=480 / WIDTH, weight=0.5 * px),
        ScreenPosition(subject="person", point="top", v=180 / HEIGHT, weight=wv * px),
        ScreenPosition(subject="person", point=_BELOW, v=360 / HEIGHT, weight=wv * px),
        Attitude(subject="person", yaw=np.pi, weight=500.0 * Attitude.scale**2),
        DepthOfField(near=near, weight=_limit(1.0, near) * np.where(first, 10.0, 15.0)),
        DepthOfField(far=far, weight=_limit(1.0, far) * np.where(third, 10.0, 0.0)),
        FocalLength(
            mm=focal, weight=np.where(first, 10.0, 0.75) * (focal * FocalLength.scale) ** 2
        ),
    ]
    return Goals(tuple(objectives), smoothness=_EFFORT)


def dolly() -> Case:
    """The dolly zoom, its whole timeline."""
    start = np.zeros(plan.NX)
    start[plan.POSITION] = (10.0, 0.0, 1.3)
    start[plan.YAW] = np.pi
    start[plan.LENS] = np.log(35.0), 1 / 10.0, lens.stops_from_f_number(2.8)
    person = SubjectEstimate("person", 0.0, np.zeros(3), heading=0.0, height=_PERSON)
    return Case(
        name="cinempc-dolly",
        camera=_camera((30.0, 500.0), 4.0, (1.0, 22.0), 20.0, 3.0),
        vehicle=_vehicle(2.0, 1.2, 0.01),
        safety=_safety(),
        settings=_settings(),
        period=STEP,
        duration=92.0,
        start=start,
        subjects=lambda time: {"person": person},
        goals=_dolly_goals,
        controller=PublishedController,
    )


# --- the plane ---------------------------------------------------------------------------------

_PLANE_SIZE = 2.0  # m between the two screen points
_PLANE_SPEED = 10.0  # m/s


@dataclass(frozen=True)
class _PlaneSequence:
    start: float
    distance: float
    w_attitude: float
    w_u: float
    w_v: float
    v_top: float
    v_bottom: float
    yaw: float
    pitch: float = 0.0


#: Times from the first sequence's start.
_PLANE = (
    _PlaneSequence(0.0, 30.0, 100.0, 1.25, 0.25, 180, 360, -np.pi / 4),
    _PlaneSequence(25.0, 20.0, 2000.0, 2.0, 0.25, 180, 360, np.pi / 2),
    _PlaneSequence(58.0, 27.0, 200.0, 1.5, 0.5, 240, 300, np.pi / 2, -0.2),
    _PlaneSequence(88.0, 30.0, 500.0, 1.5, 0.25, 155, 385, np.pi / 2 + np.pi / 7, 0.3),
)
_PLANE_END = 125.0
PLANE_SEQUENCES = tuple(
    (s.start, e) for s, e in zip(_PLANE, [*(x.start for x in _PLANE[1:]), _PLANE_END], strict=True)
)


def _plane_goals(times: Floats, subjects: Subjects, state: RigState) -> Goals:
    index = np.searchsorted([s.start for s in _PLANE], times, side="right") - 1

    def per_node(name: str) -> Floats:
        return np.array([getattr(_PLANE[i], name) for i in index], dtype=float)

    px = (ScreenPosition.scale * WIDTH) ** 2
    objectives: list[Objective] = [
        ScreenPosition(subject="plane", point=0.5, u=480 / WIDTH, weight=per_node("w_u") * px),
        ScreenPosition(
            subject="plane", point=1.0, v=per_node("v_top") / HEIGHT, weight=per_node("w_v") * px
        ),
        ScreenPosition(
            subject="plane",
            point=0.0,
            v=per_node("v_bottom") / HEIGHT,
            weight=per_node("w_v") * px,
        ),
        Attitude(
            subject="plane",
            yaw=per_node("yaw"),
            pitch=per_node("pitch"),
            weight=per_node("w_attitude") * Attitude.scale**2,
        ),
        Distance(
            subject="plane",
            point=0.5,
            planar=True,
            metres=per_node("distance"),
            weight=20.0 * Distance.scale**2,
        ),
    ]
    return Goals(tuple(objectives), smoothness=_EFFORT)


def _plane_at(time: float) -> SubjectEstimate:
    velocity = np.array([_PLANE_SPEED, 0.0, 0.0])
    position = np.array([0.0, 0.0, 40.0]) + velocity * time
    return SubjectEstimate(
        "plane", time, position, velocity, heading=0.0, height=_PLANE_SIZE, category="airplane"
    )


def plane() -> Case:
    """The plane, all four sequences."""
    start = np.zeros(plan.NX)
    start[plan.POSITION] = (-21.0, 21.0, 41.0)
    start[plan.VELOCITY] = _PLANE_SPEED, 0.0, 0.0
    start[plan.YAW] = -np.pi / 4
    start[plan.LENS] = np.log(60.0), 1 / 30.0, lens.stops_from_f_number(8.0)
    return Case(
        name="cinempc-plane",
        camera=_camera((20.0, 500.0), 25.0, (8.0, 22.0), 14.0, 6.0),
        vehicle=_vehicle(80.0, 3.6, 1.0),
        safety=_safety(),
        settings=_settings(),
        period=STEP,
        duration=_PLANE_END,
        start=start,
        subjects=lambda time: {"plane": _plane_at(time)},
        goals=_plane_goals,
        controller=PlaneController,
    )


# --- errors, in the published units ------------------------------------------------------------


def sequence_errors(run: Run) -> list[dict[str, float]]:
    """Median absolute errors of each sequence: px, m, mm."""
    measure, sequences = {
        "cinempc-dolly": (_dolly_errors, DOLLY_SEQUENCES),
        "cinempc-plane": (_plane_errors, PLANE_SEQUENCES),
    }[run.case.name]
    errors = []
    for start, end in sequences:
        rows = [
            measure(time, state, run.case.subjects(time))
            for time, state in zip(run.times, run.states, strict=True)
            if start <= time < end
        ]
        names = list(dict.fromkeys(name for row in rows for name in row))
        errors.append({n: float(np.median([row[n] for row in rows if n in row])) for n in names})
    return errors


def _pixels(state: Floats, subject: SubjectEstimate, point: str | float) -> tuple[float, float]:
    x, y, z = frames.world_to_camera(
        tuple(subject.point(point)), tuple(state[plan.POSITION]), *state[plan.ANGLES]
    )
    u, v = frames.project((x, y, z), np.exp(state[plan.LOG_FOCAL_LENGTH]), 23.76, 13.365)
    return float(u) * WIDTH, float(v) * HEIGHT


def _dolly_errors(time: float, state: Floats, subjects: Subjects) -> Mapping[str, float]:
    person = subjects["person"]
    top, centre = _pixels(state, person, "top"), _pixels(state, person, _BELOW)
    distance = float(np.hypot(*(state[plan.POSITION][:2] - person.position[:2])))
    now = np.array([time])
    focal = float(np.exp(state[plan.LOG_FOCAL_LENGTH]))
    near, far = plan.lens_state(state[plan.LENS]).depth_of_field(0.05)
    errors = {
        "u_px": abs(top[0] - 480),
        "v_top_px": abs(top[1] - 180),
        "v_centre_px": abs(centre[1] - 360),
        "near_m": abs(near - (distance - 3.0)),
        "focal_length_mm": abs(focal - float(_dolly_focal(now)[0])),
    }
    if time >= 28.0:
        errors["far_m"] = abs(far - (distance + max(float(_dolly_far(now)[0]), 1.0)))
    return errors


def _plane_errors(time: float, state: Floats, subjects: Subjects) -> Mapping[str, float]:
    aircraft = subjects["plane"]
    index = int(np.searchsorted([s.start for s in _PLANE], time, side="right")) - 1
    sequence = _PLANE[index]
    distance = float(np.hypot(*(state[plan.POSITION][:2] - aircraft.position[:2])))
    return {
        "u_px": abs(_pixels(state, aircraft, 0.5)[0] - 480),
        "v_top_px": abs(_pixels(state, aircraft, 1.0)[1] - sequence.v_top),
        "v_bottom_px": abs(_pixels(state, aircraft, 0.0)[1] - sequence.v_bottom),
        "distance_m": abs(distance - sequence.distance),
        "yaw_rad": abs(float(frames.wrap_angle(state[plan.YAW] - aircraft.heading - sequence.yaw))),
    }
