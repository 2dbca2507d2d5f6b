"""What lens and gimbal can reach, and how a mistake says so."""

from __future__ import annotations

import math
from collections.abc import Iterator

from cinempc.rig.camera import Camera
from cinempc.rig.vehicle import Vehicle
from cinempc.script.framing.fields import FieldPath, Mistake
from cinempc.script.framing.terms import STEEPEST

_MM = 1e-6  # rounding that a focal length is allowed


def lens_reaches(camera: Camera, focal_length: float) -> bool:
    """Whether a lens has a focal length, mm."""
    zoom = camera.focal_length
    return zoom.min - _MM <= focal_length <= zoom.max + _MM


def lens_range(camera: Camera) -> str:
    """What a lens has, in words."""
    zoom = camera.focal_length
    if zoom.max > zoom.min:
        return f"the lens reaches {zoom.min:g} to {zoom.max:g} mm"
    return f"the lens is a prime of {zoom.min:g} mm"


def focal_length_mistakes(
    focal_length: float | None, camera: Camera, where: FieldPath
) -> Iterator[Mistake]:
    """A focal length, mm, that the lens does not have."""
    if focal_length is not None and not lens_reaches(camera, focal_length):
        yield f"{focal_length:g} mm is out of reach: {lens_range(camera)}", where


def elevation_mistakes(elevation: float, vehicle: Vehicle, where: FieldPath) -> Iterator[Mistake]:
    """A camera angle, rad above the subject's eyes, from which the gimbal cannot see it."""
    pitch, angle = vehicle.gimbal.pitch, math.degrees(elevation)
    low = max(-math.degrees(pitch.max), -STEEPEST)
    high = min(-math.degrees(pitch.min), STEEPEST)
    if not low <= angle <= high:
        yield (
            f"{angle:.0f} deg is out of reach: the gimbal sees a subject from {low:.0f} to "
            f"{high:.0f} deg",
            where,
        )
