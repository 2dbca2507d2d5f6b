"""The symbols of one horizon node, and what the picture looks like from there.

The picture depends on nine of the eighteen states only, the *pose* of the camera and its lens:
position, angles, lens. Everything an objective needs of the picture is derived here, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cinempc import frames, lens
from cinempc.rig.subject import body_fraction

#: Smallest depth, m, that a projection divides by: keeps a subject beside or behind the camera
#: finite, with a gradient that turns the camera to it.
MIN_DEPTH = 0.3

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
        position: (3,) of the camera, m.
        angles: (3,) yaw, pitch, roll, rad.
        lens_vector: (3,) ln focal length/mm, focus dioptres, stops.
        subjects: by id.
        sensor_mm: width and height of the sensor.
        coc_mm: circle of confusion.
    """

    def __init__(
        self,
        position: Num,
        angles: Num,
        lens_vector: Num,
        subjects: Mapping[str, SubjectSymbols],
        sensor_mm: tuple[float, float],
        coc_mm: float,
    ) -> None:
        self.position = components(position)
        self.yaw, self.pitch, self.roll = components(angles)
        self.log_focal_length, self.focus, self.stops = components(lens_vector)
        self.axes = frames.camera_axes(self.yaw, self.pitch, self.roll)
        self.focal_length = np.exp(self.log_focal_length)
        self.f_number = lens.f_number_from_stops(self.stops)
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


def components(vector: Num) -> Vec3:
    """The three entries of a vector of symbols or numbers."""
    return vector[0], vector[1], vector[2]


def hinge(value: Num, width: float) -> Num:
    """max(0, value), rounded over about ``width``: the root of a hyperbola."""
    return 0.5 * (value + np.sqrt(value**2 + width**2))
