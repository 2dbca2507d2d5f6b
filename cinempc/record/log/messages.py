"""Foxglove's messages from the take's values: poses, calibration, the scene."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from foxglove.messages import (
    ArrowPrimitive,
    CameraCalibration,
    Color,
    CylinderPrimitive,
    Duration,
    FrameTransform,
    LinePrimitive,
    LinePrimitiveLineType,
    Point3,
    Pose,
    Quaternion,
    SceneEntity,
    SceneEntityDeletion,
    SceneEntityDeletionType,
    SceneUpdate,
    TextPrimitive,
    Timestamp,
    Vector3,
)
from numpy.typing import NDArray

from cinempc import frames
from cinempc.rig.events import CycleEvent
from cinempc.rig.plan import Origin
from cinempc.rig.state import CameraPose, Frame
from cinempc.rig.subject import SubjectEstimate

Floats = NDArray[np.float64]
Quat = tuple[float, float, float, float]


def calibration(frame: Frame, at: Timestamp) -> CameraCalibration:
    """The pinhole that made the picture; the principal point is its middle."""
    height, width = frame.image.shape[:2]
    fx = frame.lens.focal_length_mm / frame.sensor_mm[0] * width
    fy = frame.lens.focal_length_mm / frame.sensor_mm[1] * height
    cx, cy = width / 2, height / 2
    return CameraCalibration(
        timestamp=at,
        frame_id="camera",
        width=width,
        height=height,
        K=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        R=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        P=[fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def body_quaternion(yaw: float, pitch: float, roll: float) -> Quat:
    """World from body (FLU) as (x, y, z, w), for angles of `cinempc.frames`' camera convention:
    Rz(yaw) Ry(-pitch) Rx(roll), for pitch is positive nose up."""
    w, x, y, z = frames.quaternion(yaw, -pitch, roll)
    return x, y, z, w


def optical_quaternion(yaw: float, pitch: float, roll: float) -> Quat:
    """World from camera (optical) as (x, y, z, w)."""
    x, y, z, w = body_quaternion(yaw, pitch, roll)
    # Times FLU from optical, which is (-1/2, 1/2, -1/2, 1/2).
    return (
        (x - y - z - w) / 2,
        (x + y - z + w) / 2,
        (x + y + z - w) / 2,
        (x - y + z + w) / 2,
    )


def optical(pose: CameraPose) -> Quaternion:
    """World from camera (optical)."""
    return _quaternion(optical_quaternion(pose.yaw, pose.pitch, pose.roll))


def body(yaw: float, pitch: float, roll: float) -> Quaternion:
    """World from body (FLU), of angles in the camera convention of `cinempc.frames`."""
    return _quaternion(body_quaternion(yaw, pitch, roll))


def _quaternion(q: Quat) -> Quaternion:
    return Quaternion(x=q[0], y=q[1], z=q[2], w=q[3])


def optical_pose(pose: CameraPose) -> Pose:
    """A camera's pose in the world, of its optical frame."""
    return Pose(position=vector3(pose.position), orientation=optical(pose))


def vector3(values: Iterable[float]) -> Vector3:
    """Three numbers."""
    x, y, z = (float(value) for value in values)
    return Vector3(x=x, y=y, z=z)


def transform(child: str, position: Floats, rotation: Quaternion, at: Timestamp) -> FrameTransform:
    """A frame's place in the world."""
    return FrameTransform(
        timestamp=at,
        parent_frame_id="world",
        child_frame_id=child,
        translation=vector3(position),
        rotation=rotation,
    )


def plan_line(event: CycleEvent, at: Timestamp) -> SceneEntity:
    """A plan's way through the world: green as solved, red otherwise."""
    points = [Point3(x=float(x[0]), y=float(x[1]), z=float(x[2])) for x in event.plan.states]
    solved = event.plan.origin is Origin.SOLVED
    line = LinePrimitive(
        type=LinePrimitiveLineType.LineStrip,
        pose=Pose(
            position=Vector3(x=0.0, y=0.0, z=0.0),
            orientation=Quaternion(x=0.0, y=0.0, z=0.0, w=1.0),
        ),
        thickness=3.0,
        scale_invariant=True,
        points=points,
        color=Color(r=0.3, g=0.9, b=0.5, a=1.0) if solved else Color(r=0.95, g=0.3, b=0.2, a=1.0),
    )
    return SceneEntity(
        timestamp=at,
        frame_id="world",
        id="plan",
        lifetime=Duration(sec=0, nsec=500_000_000),
        lines=[line],
    )


def update(entities: list[SceneEntity], at: Timestamp) -> SceneUpdate:
    """A scene of these entities and no others."""
    # Old ones go first: a subject that is no longer estimated must not stay in the picture.
    gone = SceneEntityDeletion(timestamp=at, type=SceneEntityDeletionType.All, id="")
    return SceneUpdate(deletions=[gone], entities=entities)


def subject_entity(
    s: SubjectEstimate, at: Timestamp, colour: tuple[float, float, float], alpha: float = 0.6
) -> SceneEntity:
    """A subject as a cylinder with its name, and an arrow where it looks."""
    red, green, blue = colour
    middle = s.position + np.array([0.0, 0.0, s.height / 2])
    upright = Quaternion(x=0.0, y=0.0, z=0.0, w=1.0)
    facing = body(s.heading, 0.0, 0.0)
    cylinder = CylinderPrimitive(
        pose=Pose(position=vector3(middle), orientation=upright),
        size=Vector3(x=s.width, y=s.width, z=s.height),
        bottom_scale=1.0,
        top_scale=1.0,
        color=Color(r=red, g=green, b=blue, a=alpha),
    )
    arrow = ArrowPrimitive(
        pose=Pose(position=vector3(s.point("chest")), orientation=facing),
        shaft_length=0.6,
        shaft_diameter=0.06,
        head_length=0.2,
        head_diameter=0.16,
        color=Color(r=red, g=green, b=blue, a=min(1.0, alpha + 0.3)),
    )
    label = TextPrimitive(
        pose=Pose(
            position=vector3(s.point("top") + np.array([0.0, 0.0, 0.25])),
            orientation=upright,
        ),
        billboard=True,
        font_size=14.0,
        scale_invariant=True,
        color=Color(r=red, g=green, b=blue, a=1.0),
        text=s.id,
    )
    return SceneEntity(
        timestamp=at,
        frame_id="world",
        id=s.id,
        lifetime=Duration(sec=0, nsec=500_000_000),
        cylinders=[cylinder],
        arrows=[arrow],
        texts=[label],
    )


def nanoseconds(time: float) -> int:
    """Log time; a clock that starts a little below zero is cut off there, MCAP has no sign."""
    return max(0, round(time * 1e9)) if math.isfinite(time) else 0


def timestamp(time: float) -> Timestamp:
    """A time of the take, s."""
    whole, part = divmod(nanoseconds(time), 1_000_000_000)
    return Timestamp(sec=whole, nsec=part)
