"""World, body, gimbal and image frames; the one place where ENU/FLU meets NED/FRD.

- World: ENU, x east, y north, z up, m.
- Body: FLU, x forward, y left, z up.
- Camera (optical): x right, y down, z forward, as OpenCV has it.
- Camera attitude: ``yaw`` is the heading of the optical axis, rad, anticlockwise from east;
  ``pitch`` is its elevation, positive up; ``roll`` turns the camera about the axis, positive
  clockwise as the camera sees it (its right side goes down).
- Image: ``u`` from 0 (left) to 1 (right) of the width, ``v`` from 0 (top) to 1 (bottom) of the
  height.

The formulas take floats, numpy arrays and CasADi symbols alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Num = Any
Vec3 = tuple[Num, Num, Num]
Floats = NDArray[np.float64]


def camera_axes(yaw: Num, pitch: Num, roll: Num) -> tuple[Vec3, Vec3, Vec3]:
    """The camera's right, down and forward axes in world coordinates."""
    cy, sy = np.cos(yaw), np.sin(yaw)
    cp, sp = np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    forward = (cp * cy, cp * sy, sp)
    right = (sy, -cy, 0.0)
    down = (sp * cy, sp * sy, -cp)  # forward x right
    rolled_right = tuple(cr * r + sr * d for r, d in zip(right, down, strict=True))
    rolled_down = tuple(cr * d - sr * r for r, d in zip(right, down, strict=True))
    return rolled_right, rolled_down, forward


def camera_rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Rotation matrix (3, 3) that takes camera coordinates to world coordinates."""
    return np.array(camera_axes(yaw, pitch, roll), dtype=float).T


def camera_angles(rotation: Floats) -> tuple[float, float, float]:
    """Yaw, pitch and roll, rad, of a world-from-camera rotation: undoes `camera_rotation`."""
    forward = rotation[:, 2]
    yaw = float(np.arctan2(forward[1], forward[0]))
    pitch = float(np.arcsin(np.clip(forward[2], -1.0, 1.0)))
    level_right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    level_down = np.cross(forward, level_right)
    right = rotation[:, 0]
    return yaw, pitch, float(np.arctan2(right @ level_down, right @ level_right))


def world_to_camera(
    point: Vec3, position: Vec3, yaw: Num, pitch: Num, roll: Num
) -> tuple[Num, Num, Num]:
    """A world point in camera coordinates: m to the right, down, and along the optical axis."""
    offset = tuple(p - c for p, c in zip(point, position, strict=True))
    right, down, forward = camera_axes(yaw, pitch, roll)
    x, y, z = (
        axis[0] * offset[0] + axis[1] * offset[1] + axis[2] * offset[2]
        for axis in (right, down, forward)
    )
    return x, y, z


def project(
    camera_point: tuple[Num, Num, Num],
    focal_length_mm: Num,
    sensor_width_mm: Num,
    sensor_height_mm: Num,
) -> tuple[Num, Num]:
    """Pinhole image (u, v) of a point in camera coordinates, as fractions of width and height.

    Nothing is clipped: a point outside the frame has u or v outside 0..1. The caller sees to it
    that the depth is positive.
    """
    x, y, z = camera_point
    u = 0.5 + focal_length_mm / sensor_width_mm * x / z
    v = 0.5 + focal_length_mm / sensor_height_mm * y / z
    return u, v


def bearing(
    u: Num, v: Num, focal_length_mm: Num, sensor_width_mm: Num, sensor_height_mm: Num
) -> tuple[Num, Num, Num]:
    """Ray through an image point, camera coordinates, scaled to depth 1: undoes `project`."""
    x = (u - 0.5) * sensor_width_mm / focal_length_mm
    y = (v - 0.5) * sensor_height_mm / focal_length_mm
    return x, y, 1.0


def azimuth_elevation(offset: Vec3) -> tuple[Num, Num]:
    """Azimuth (anticlockwise from east) and elevation, rad, of a world vector."""
    horizontal = np.sqrt(offset[0] ** 2 + offset[1] ** 2)
    return np.arctan2(offset[1], offset[0]), np.arctan2(offset[2], horizontal)


def wrap_angle(angle: Num) -> Num:
    """The same angle in [-pi, pi), for floats and numpy arrays."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def enu_from_ned(vector: Floats) -> Floats:
    """A vector (..., 3) from north-east-down to east-north-up; the change is its own inverse."""
    vector = np.asarray(vector, dtype=float)
    return np.stack([vector[..., 1], vector[..., 0], -vector[..., 2]], axis=-1)


ned_from_enu = enu_from_ned


def yaw_enu_from_ned(yaw: Num) -> Num:
    """A heading, rad, from clockwise-from-north to anticlockwise-from-east; its own inverse."""
    return wrap_angle(np.pi / 2 - yaw)


yaw_ned_from_enu = yaw_enu_from_ned
