"""How a picture was taken: pose, focal length and distortion at its exposure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cinempc.frames import camera_rotation
from cinempc.rig.state import CameraPose, Frame

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """How the camera looked at one picture.

    Attributes:
        pose: the camera's at exposure, as in `cinempc.frames`.
        focal_px: focal length, px of the picture.
        size: width and height, px.
        distortion: (5,) OpenCV's k1, k2, p1, p2, k3 at this focal length, or None.
    """

    pose: CameraPose
    focal_px: float
    size: tuple[int, int]
    distortion: Floats | None = None

    @classmethod
    def of(cls, frame: Frame, distortion: Floats | None = None) -> View:
        """Of a frame, with the focal length that the lens had then."""
        height, width = frame.image.shape[:2]
        focal = frame.lens.focal_length_mm / frame.sensor_mm[0] * width
        return cls(frame.pose, focal, (width, height), distortion)

    def slopes(self, pixels: Floats) -> Floats:
        """Rays (n, 2) of pixels (n, 2) as slopes X/Z and Y/Z in the camera's frame."""
        pixels = np.asarray(pixels, dtype=float).reshape(-1, 2)
        middle = np.array(self.size) / 2
        if self.distortion is None or not len(pixels):
            return np.asarray((pixels - middle) / self.focal_px)
        matrix = np.array(
            [[self.focal_px, 0, middle[0]], [0, self.focal_px, middle[1]], [0, 0, 1.0]]
        )
        done = cv2.undistortPoints(pixels[:, None], matrix, self.distortion)
        return np.asarray(done[:, 0], dtype=float)

    def project(self, points: Floats) -> Floats:
        """Pixels (n, 2) of points (n, 3), world frame; nan behind the camera. Pinhole: without
        the distortion."""
        pose = self.pose
        turn = camera_rotation(pose.yaw, pose.pitch, pose.roll)
        x, y, z = ((np.asarray(points, dtype=float) - pose.position) @ turn).T
        z = np.where(z > 0.1, z, np.nan)
        slopes = np.column_stack([x / z, y / z])
        return np.asarray(slopes * self.focal_px + np.array(self.size) / 2)
