"""How large, how far and at which focal length a shot opens: two of them fix the third.

The image of a body of height H at depth d covers the fraction s = f H / (h d) of a frame whose
sensor is h high: the thin lens far beyond its focal length.
"""

from __future__ import annotations

from dataclasses import dataclass

from cinempc.lens import Num
from cinempc.rig.camera import Camera
from cinempc.script.framing.terms import SCALES, Scale, scale_of

#: Focal length where nobody asks for one, mm: the normal lens of a Super 35 sensor.
NORMAL_FOCAL_LENGTH = 40.0
#: Aperture where nobody asks for one.
DEFAULT_F_NUMBER = 4.0


@dataclass(frozen=True)
class Composition:
    """A shot's opening: its scale, and its focal length, mm, None where it keeps what is there."""

    scale: Scale
    focal_length: float | None


def compose(
    scale: Scale | None,
    away: float | None,
    focal: float | None,
    camera: Camera,
    height: float,
) -> Composition:
    """How a shot opens; not all three of scale, distance and focal length are given.

    Args:
        scale: that is asked; a medium shot if nothing says the size.
        away: the distance that is asked, m; then a scale or a focal length is given.
        focal: the focal length that is asked, mm.
        camera: its sensor.
        height: of the framing's subject, m.
    """
    if away is None:
        return Composition(scale or SCALES["MS"], focal)
    if scale is not None:
        return Composition(scale, focal_length(scale.stature, away, height, camera))
    assert focal is not None, "rules.mistakes lets no such shot pass"
    return Composition(scale_of(stature(focal, away, height, camera)), focal)


def default_focal_length(camera: Camera) -> float:
    """The normal focal length, or the nearest that the lens has, mm."""
    zoom = camera.focal_length
    return min(max(NORMAL_FOCAL_LENGTH, zoom.min), zoom.max)


def f_number(wish: float | None, camera: Camera) -> float:
    """The aperture that is wished for, or the default, as near as the iris gets."""
    asked = DEFAULT_F_NUMBER if wish is None else wish
    return min(max(asked, camera.aperture.min), camera.aperture.max)


def stature(focal_length_mm: Num, distance: Num, height: Num, camera: Camera) -> Num:
    """Image height of a body over the frame's height: f H / (h d)."""
    return focal_length_mm * height / (camera.sensor.height * distance)


def distance(focal_length_mm: Num, stature: Num, height: Num, camera: Camera) -> Num:
    """Distance, m, at which a body has a size in the picture: f H / (h s)."""
    return focal_length_mm * height / (camera.sensor.height * stature)


def focal_length(stature: Num, distance: Num, height: Num, camera: Camera) -> Num:
    """Focal length, mm, that gives a body a size in the picture at a distance: s h d / H."""
    return stature * camera.sensor.height * distance / height
