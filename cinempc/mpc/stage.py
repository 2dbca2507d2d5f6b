"""The symbols of one horizon node, and what the picture looks like from there.

The picture depends on nine of the eighteen states only, the *pose* of the camera and its lens:
position, angles, lens. Everything an objective needs of the picture is derived here, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import casadi as ca
import numpy as np

from cinempc import frames, lens
from cinempc.subject import body_fraction

#: Smallest depth, m, that a projection divides by: keeps a subject beside or behind the camera
#: finite, with a gradient that turns the camera to it.
MIN_DEPTH = 0.3

#: Pose coordinates (position 3, angles 3, lens 3) and the parameters of one subject
#: (ground position 3, cos and sin of its heading, height).
NQ = 9
SUBJECT_PARAMETERS = 6

Num = Any
Vec3 = tuple[Num, Num, Num]


@dataclass(frozen=True)
class SubjectSymbols:
    """A subject's predicted state at a node."""

    position: Vec3
    cos_heading: Num
    sin_heading: Num
    height: Num

    def point(self, point: str | float) -> Vec3:
        """A body point in the world frame, m."""
        x, y, z = self.position
        return x, y, z + body_fraction(point) * self.height


class Stage:
    """One node: pose symbols (or numbers), subjects, and the camera's constants.

    Args:
        pose: (9,) position m, yaw, pitch, roll rad, ln focal length/mm, focus dioptres, stops.
        subjects: by id.
        sensor_mm: width and height of the sensor.
        coc_mm: circle of confusion.
    """

    def __init__(
        self,
        pose: Num,
        subjects: dict[str, SubjectSymbols],
        sensor_mm: tuple[float, float],
        coc_mm: float,
    ) -> None:
        self.position: Vec3 = (pose[0], pose[1], pose[2])
        self.yaw, self.pitch, self.roll = pose[3], pose[4], pose[5]
        self.log_focal_length, self.focus, self.stops = pose[6], pose[7], pose[8]
        self.axes = frames.camera_axes(pose[3], pose[4], pose[5])
        self.focal_length = np.exp(pose[6])
        self.f_number = lens.f_number_from_stops(pose[8])
        self.subjects = subjects
        self.sensor_mm = sensor_mm
        self.coc_mm = coc_mm

    def ahead(self, subject: str, point: str | float) -> Vec3:
        """A body point in camera coordinates, m, wherever it is."""
        return frames.world_to_camera(
            self.subjects[subject].point(point), self.position, self.yaw, self.pitch, self.roll
        )

    def camera_point(self, subject: str, point: str | float) -> Vec3:
        """A body point in camera coordinates, m; its depth is kept above `MIN_DEPTH`."""
        x, y, z = self.ahead(subject, point)
        return x, y, np.fmax(z, MIN_DEPTH)

    def image(self, subject: str, point: str | float) -> tuple[Num, Num]:
        """Where a body point is in the picture: u, v as fractions of width and height."""
        return frames.project(self.camera_point(subject, point), self.focal_length, *self.sensor_mm)

    def depth(self, subject: str, point: str | float) -> Num:
        """Depth of a body point along the optical axis, m."""
        return self.camera_point(subject, point)[2]

    def offset(self, subject: str, point: str | float) -> Vec3:
        """From a body point to the camera, world frame, m."""
        x, y, z = self.subjects[subject].point(point)
        return self.position[0] - x, self.position[1] - y, self.position[2] - z

    def blur(self, subject: str, point: str | float) -> Num:
        """Blur circle of a body point in circles of confusion, positive in front of the focus."""
        blur = lens.blur_circle_signed(
            1 / self.depth(subject, point), self.focus, self.focal_length, self.f_number
        )
        return blur / self.coc_mm

    def near_limit(self) -> Num:
        """Near limit of depth of field, dioptres."""
        return lens.near_limit_dioptres(self.focus, self.focal_length, self.f_number, self.coc_mm)

    def far_limit(self) -> Num:
        """Far limit of depth of field, dioptres; negative beyond infinity."""
        return lens.far_limit_dioptres(self.focus, self.focal_length, self.f_number, self.coc_mm)


def subject_symbols(parameters: Num) -> SubjectSymbols:
    """One subject from its six parameters."""
    p = parameters
    return SubjectSymbols((p[0], p[1], p[2]), p[3], p[4], p[5])


def stage_symbols(
    ids: Sequence[str], sensor_mm: tuple[float, float], coc_mm: float
) -> tuple[Stage, Any, Any]:
    """A symbolic stage with its pose and subject-parameter symbols."""
    pose = ca.SX.sym("pose", NQ)
    parameters = ca.SX.sym("subjects", SUBJECT_PARAMETERS * len(ids))
    width = SUBJECT_PARAMETERS
    subjects = {
        name: subject_symbols(parameters[width * i : width * (i + 1)]) for i, name in enumerate(ids)
    }
    return Stage(pose, subjects, sensor_mm, coc_mm), pose, parameters
