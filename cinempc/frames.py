"""World, body, gimbal and image frames; the one place where ENU/FLU meets NED/FRD.

- World: ENU, x east, y north, z up, m.
- Body: FLU, x forward, y left, z up.
- Camera (optical): x right, y down, z forward, as OpenCV has it.
- Camera attitude: ``yaw`` is the heading of the optical axis, rad, anticlockwise from east;
  ``pitch`` is its elevation, positive up; ``roll`` turns the camera about the axis, positive
  clockwise as the camera sees it (its right side goes down).
- MAVLink's gimbal quaternion (w, x, y, z) takes forward-right-down coordinates of the camera to
  its earth frame (north-east-down) or its vehicle frame: the earth frame turned about the
  vertical until its x axis points where the vehicle's nose does. Both are level.
- Image: ``u`` from 0 (left) to 1 (right) of the width, ``v`` from 0 (top) to 1 (bottom) of the
  height.

The formulas take floats, numpy arrays and CasADi symbols alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Num = Any
Angles = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Vec3 = tuple[Num, Num, Num]
Floats = NDArray[np.float64]

#: Cosine of the pitch below which yaw and roll cannot be told apart in single precision.
_STEEP = 1e-3


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
    """Yaw, pitch and roll, rad, of a world-from-camera rotation: undoes `camera_rotation`.

    Straight up or down, where only the sum of yaw and roll is known, the roll is taken as zero.
    """
    forward = rotation[:, 2]
    if np.hypot(forward[0], forward[1]) < _STEEP:
        yaw = float(np.arctan2(rotation[0, 0], -rotation[1, 0]))
        return yaw, float(np.arctan2(forward[2], 0.0)), 0.0
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


def direction(azimuth: Num, elevation: Num) -> Vec3:
    """The unit vector of an azimuth and an elevation, rad: the inverse of `azimuth_elevation`."""
    level = np.cos(elevation)
    return level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)


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


def quaternion(yaw: float, pitch: float, roll: float) -> Quaternion:
    """The unit quaternion (w, x, y, z) of turns about z by the yaw, about the new y by the pitch
    and about the newest x by the roll (aviation's order), rad, in whatever frame they are given."""
    cy, sy = np.cos(yaw / 2), np.sin(yaw / 2)
    cp, sp = np.cos(pitch / 2), np.sin(pitch / 2)
    cr, sr = np.cos(roll / 2), np.sin(roll / 2)
    w, x, y, z = (
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    )
    return float(w), float(x), float(y), float(z)


def gimbal_quaternion(angles: Angles, heading: float | None = None) -> Quaternion:
    """MAVLink's gimbal quaternion of a camera's (or a vehicle's) attitude.

    Args:
        angles: yaw, pitch, roll in the world frame, rad.
        heading: the vehicle's yaw, rad: gives the quaternion in the vehicle frame; None gives it
            in the earth frame.

    Source: MAVLink gimbal protocol v2; the turns are in aviation's order, z-y'-x''.
    """
    yaw, pitch, roll = angles
    ned = np.pi / 2 - yaw if heading is None else heading - yaw
    return quaternion(ned, pitch, roll)


def gimbal_angles(quaternion: Sequence[float], heading: float | None = None) -> Angles:
    """Yaw, pitch and roll, rad, in the world frame of MAVLink's gimbal quaternion: undoes
    `gimbal_quaternion`.

    Of the two answers that every attitude has, the one whose roll is at most a right angle: a
    camera that looks back over its top has a pitch beyond a right angle, it is not rolled over.
    Straight up or down, where only the sum of yaw and roll is known, the roll is taken as zero.

    Raises:
        ValueError: the quaternion is not finite or has no length, or the heading is not finite.
    """
    w, x, y, z = (float(part) for part in quaternion)
    length = float(np.sqrt(w * w + x * x + y * y + z * z))
    if not (0.5 < length < 2.0) or (heading is not None and not np.isfinite(heading)):
        raise ValueError("an attitude that is not one")
    w, x, y, z = w / length, x / length, y / length, z / length
    forward = (1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y))
    level = np.hypot(forward[0], forward[1])
    pitch = np.arctan2(-forward[2], level)
    if level < _STEEP:
        ned, roll = np.arctan2(-2 * (x * y - w * z), 1 - 2 * (x * x + z * z)), 0.0
    else:
        ned = np.arctan2(forward[1], forward[0])
        roll = np.arctan2(2 * (y * z + w * x), 1 - 2 * (x * x + y * y))
    yaw = np.pi / 2 - ned if heading is None else heading - ned
    return upright((yaw, pitch, roll))


def upright(angles: Angles) -> Angles:
    """The same attitude with a roll of at most a right angle: yaw, pitch, roll, rad."""
    yaw, pitch, roll = angles
    if abs(roll) > np.pi / 2:
        yaw, roll = yaw + np.pi, roll - np.copysign(np.pi, roll)
        pitch = np.copysign(np.pi, pitch) - pitch
    return float(wrap_angle(yaw)), float(pitch), float(roll)


def gimbal_rates(rates: Angles, heading_rate: float = 0.0) -> Angles:
    """MAVLink's angular velocity (x, y, z), rad/s, of a camera that turns.

    Args:
        rates: of yaw, pitch and roll in the world frame, rad/s.
        heading_rate: of the vehicle's yaw, rad/s, for the vehicle frame; zero for the earth frame.

    The specification words x, y, z as "rolling to the right", "pitching up", "yawing to the
    right", and PX4 adds each to its own angle (``gimbal/output.cpp``): they are the rates of the
    three angles, not the components of one vector.
    """
    yaw, pitch, roll = rates
    return roll, pitch, heading_rate - yaw


def rates_from_gimbal(velocity: Angles, heading_rate: float = 0.0) -> Angles:
    """Rates of yaw, pitch and roll in the world frame, rad/s: undoes `gimbal_rates`."""
    x, y, z = velocity
    return heading_rate - z, y, x
