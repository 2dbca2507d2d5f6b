"""Where points of a frame lie in its picture, how large subjects are and how blurred."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cinempc import frames, lens
from cinempc.rig.state import CameraPose, Frame
from cinempc.rig.subject import SubjectEstimate

Floats = NDArray[np.float64]

#: The point whose depth says whether a subject is in focus: a focus puller focuses on the eyes.
FOCUS_POINT = "eyes"


def depth_and_image(
    point: Floats, pose: CameraPose, frame: Frame
) -> tuple[float, tuple[float, float] | None]:
    """Depth along the optical axis, m, and image (u, v) of a world point; None from behind."""
    x, y, z = point.tolist()
    px, py, pz = pose.position.tolist()
    seen = frames.world_to_camera((x, y, z), (px, py, pz), pose.yaw, pose.pitch, pose.roll)
    depth = float(seen[2])
    if depth <= 1e-6:
        return depth, None
    u, v = frames.project(seen, frame.lens.focal_length_mm, *frame.sensor_mm)
    return depth, (float(u), float(v))


def image_height(subject: SubjectEstimate, pose: CameraPose, frame: Frame) -> float:
    """Image height of the whole subject over the frame's height: h f / (depth sensor height).

    The depth is that of the body's middle along the optical axis; 0 from behind the camera.
    """
    depth, _ = depth_and_image(subject.point("centre"), pose, frame)
    if depth <= 1e-6:
        return 0.0
    return subject.height * frame.lens.focal_length_mm / (depth * frame.sensor_mm[1])


def blur_mm(depth: float, frame: Frame) -> float:
    """Blur-circle diameter, mm, of a point at a depth; ``inf`` from behind the camera."""
    if depth <= 1e-6:
        return math.inf
    state = frame.lens
    return float(
        lens.blur_circle(depth, state.focus_distance_m, state.focal_length_mm, state.f_number)
    )
