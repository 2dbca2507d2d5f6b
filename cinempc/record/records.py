"""What remains of a take's pictures and control steps: small numeric records.

`measure_frame` and `measure_cycle` boil an event down to a record. All are pure functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cinempc.record.optics import FOCUS_POINT, blur_mm, depth_and_image, image_height
from cinempc.rig.events import CycleEvent, FrameEvent, FramingTarget, Loss
from cinempc.rig.plan import ANGULAR_ACCELERATION
from cinempc.rig.state import CameraPose, Frame
from cinempc.rig.subject import BODY_POINTS, SubjectEstimate
from cinempc.safety.subject_loss import last_seen

Vector = tuple[float, float, float]

#: Error, percent, of a point that has no image because it is behind the camera.
BEHIND_PCT = 100.0


@dataclass(frozen=True)
class TargetRecord:
    """How well one framing target was met. ``scale`` and ``wanted_scale`` are fractions of the
    frame's height; None where no scale was asked."""

    subject: str
    point: str
    framing_error_pct: float
    in_frame: bool
    scale: float
    wanted_scale: float | None

    @property
    def scale_error_pct(self) -> float | None:
        """Got over wanted size, less one, percent."""
        if self.wanted_scale is None:
            return None
        return (self.scale / self.wanted_scale - 1) * 100


@dataclass(frozen=True)
class SubjectRecord:
    """A subject as the camera sees it: depth of the eyes along the optical axis, m (not positive
    behind the camera), their blur circle, mm, its place on the ground, and by how much the
    estimate of that was wrong, m (NaN unknown)."""

    id: str
    depth: float
    blur_mm: float
    ground: Vector
    estimate_error_m: float = math.nan


@dataclass(frozen=True)
class FrameRecord:
    """What remains of a picture: numbers."""

    time: float
    shot_index: int
    camera: Vector
    yaw: float
    pitch: float
    roll: float
    focal_length_mm: float
    focus_distance_m: float
    f_number: float
    near_m: float
    far_m: float
    targets: tuple[TargetRecord, ...] = ()
    subjects: tuple[SubjectRecord, ...] = ()
    sharp: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()
    against_truth: bool = False


@dataclass(frozen=True)
class CycleRecord:
    """What remains of a control step: numbers. Acceleration, jerk and the camera's angular
    acceleration are those of the plan that was flown, at the step's time."""

    time: float
    shot_index: int
    step_ms: float
    deadline_missed: bool
    position: Vector
    velocity: Vector
    acceleration: Vector
    jerk: Vector
    angular_acceleration: Vector
    origin: str = "solved"
    violations: Mapping[str, float] = field(default_factory=dict)
    losses: Mapping[str, Loss] = field(default_factory=dict)
    last_seen: Mapping[str, float] = field(default_factory=dict)


def head_asked(target: FramingTarget) -> bool:
    """Whether the asked picture holds the top of the head: a close-up may cut it off."""
    if target.scale is None:
        return True
    return target.v - (BODY_POINTS["top"] - BODY_POINTS[target.point]) * target.scale >= 0.0


def measure_target(
    target: FramingTarget, subject: SubjectEstimate, pose: CameraPose, frame: Frame
) -> TargetRecord:
    """How well a framing target was met by a subject that is where it is said to be."""
    _, image = depth_and_image(subject.point(target.point), pose, frame)
    error, inside = BEHIND_PCT, False
    if image is not None:
        aspect = frame.sensor_mm[1] / frame.sensor_mm[0]
        error = 100 * math.hypot(image[0] - target.u, (image[1] - target.v) * aspect)
        inside = _in_picture(image)
        if inside and head_asked(target):
            inside = _in_picture(depth_and_image(subject.point("top"), pose, frame)[1])
    scale = image_height(subject, pose, frame)
    return TargetRecord(target.subject, target.point, error, inside, scale, target.scale)


def measure_frame(event: FrameEvent, coc_mm: float) -> FrameRecord:
    """The numbers of a picture.

    Against the ground truth where there is one, else against the estimates and the pose that the
    rig reported.
    """
    frame = event.frame
    known = bool(event.truth)
    pose = frame.pose if event.true_pose is None else event.true_pose
    subjects = {s.id: s for s in (event.truth if known else event.estimates)}
    believed = {s.id: s for s in event.estimates}
    near, far = frame.lens.depth_of_field(coc_mm)
    seen = []
    for name, subject in subjects.items():
        depth, _ = depth_and_image(subject.point(FOCUS_POINT), pose, frame)
        error = math.nan
        if known and name in believed:
            error = float(np.linalg.norm(believed[name].position - subject.position))
        ground = _vector(subject.position)
        seen.append(SubjectRecord(name, depth, blur_mm(depth, frame), ground, error))
    return FrameRecord(
        time=frame.time,
        shot_index=event.shot_index,
        camera=_vector(pose.position),
        yaw=pose.yaw,
        pitch=pose.pitch,
        roll=pose.roll,
        focal_length_mm=frame.lens.focal_length_mm,
        focus_distance_m=frame.lens.focus_distance_m,
        f_number=frame.lens.f_number,
        near_m=near,
        far_m=far,
        targets=tuple(
            measure_target(target, subjects[target.subject], pose, frame)
            for target in event.framing
            if target.subject in subjects
        ),
        subjects=tuple(seen),
        sharp=event.sharp,
        soft=event.soft,
        against_truth=known,
    )


def measure_cycle(event: CycleEvent) -> CycleRecord:
    """The numbers of a control step."""
    plan = event.plan
    flown = plan.sample(min(max(event.time, plan.start), plan.end))
    k = int(np.searchsorted(plan.times, flown.time, side="right")) - 1
    inputs = plan.inputs[min(max(k, 0), len(plan.inputs) - 1)]
    return CycleRecord(
        time=event.time,
        shot_index=event.shot_index,
        step_ms=event.step_ms,
        deadline_missed=event.deadline_missed,
        position=_vector(event.state.position),
        velocity=_vector(event.state.velocity),
        acceleration=_vector(flown.acceleration),
        jerk=_vector(flown.jerk),
        angular_acceleration=_vector(inputs[ANGULAR_ACCELERATION]),
        origin=plan.origin.value,
        violations=dict(event.violations),
        losses=dict(event.losses),
        last_seen={subject.id: last_seen(subject) for subject in event.estimates},
    )


def _in_picture(image: tuple[float, float] | None) -> bool:
    return image is not None and 0 <= image[0] <= 1 and 0 <= image[1] <= 1


def _vector(values: Any) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
