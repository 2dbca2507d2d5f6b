"""How large, how far and at which focal length a shot opens: two of them fix the third.

The image of a body of height H at depth d covers the fraction s = f H / (h d) of a frame whose
sensor is h high: the thin lens far beyond its focal length.
"""

from __future__ import annotations

from dataclasses import dataclass

from cinempc.camera import Camera
from cinempc.lens import Num
from cinempc.script.fields import DollyZoomMove, PullOut, PushIn, ShotConfig
from cinempc.script.framing import SCALES, Scale, scale_of

#: Focal length where nobody asks for one, mm: the normal lens of a Super 35 sensor.
NORMAL_FOCAL_LENGTH = 40.0
#: Aperture where nobody asks for one.
DEFAULT_F_NUMBER = 4.0


@dataclass(frozen=True)
class Composition:
    """A shot's opening: its scale, and its focal length, mm, None where it keeps what is there.

    ``point`` is the body point that the framing places, throughout the shot.
    """

    scale: Scale
    focal_length: float | None
    point: str


def composition(shot: ShotConfig, camera: Camera, height: float) -> Composition:
    """How a shot that breaks no rule opens.

    Args:
        shot: its wishes.
        camera: its sensor and lens.
        height: of the framing's subject, m.
    """
    framing, focal = shot.framing, asked_focal_length(shot, camera)
    if framing.distance is None:
        scale = framing.scale or SCALES["MS"]
    elif framing.scale is not None:
        scale = framing.scale
        focal = focal_length(scale.stature, framing.distance, height, camera)
    else:
        assert focal is not None, "rules.mistakes lets no such shot pass"
        scale = scale_of(stature(focal, framing.distance, height, camera))
    # The picture's size changes in a push-in: what it pushes in on is the face.
    pushes = isinstance(shot.move, PushIn | PullOut)
    return Composition(scale, focal, "eyes" if pushes else scale.point)


def asked_focal_length(shot: ShotConfig, camera: Camera) -> float | None:
    """The focal length, mm, that the shot opens with by its words or for want of a zoom."""
    if isinstance(shot.move, DollyZoomMove):
        return shot.move.focal_length.from_
    if camera.focal_length.max <= camera.focal_length.min:
        return camera.focal_length.min
    return shot.lens.focal_length


def default_focal_length(camera: Camera) -> float:
    """The normal focal length, or the nearest that the lens has, mm."""
    zoom = camera.focal_length
    return min(max(NORMAL_FOCAL_LENGTH, zoom.min), zoom.max)


def f_number(shot: ShotConfig, camera: Camera) -> float:
    """The aperture that a shot wishes, or the default, as near as the iris gets."""
    wish = DEFAULT_F_NUMBER if shot.focus.f_number is None else shot.focus.f_number
    return min(max(wish, camera.aperture.min), camera.aperture.max)


def stature(focal_length_mm: Num, distance: Num, height: Num, camera: Camera) -> Num:
    """Image height of a body over the frame's height: f H / (h d)."""
    return focal_length_mm * height / (camera.sensor.height * distance)


def distance(focal_length_mm: Num, stature: Num, height: Num, camera: Camera) -> Num:
    """Distance, m, at which a body has a size in the picture: f H / (h s)."""
    return focal_length_mm * height / (camera.sensor.height * stature)


def focal_length(stature: Num, distance: Num, height: Num, camera: Camera) -> Num:
    """Focal length, mm, that gives a body a size in the picture at a distance: s h d / H."""
    return stature * camera.sensor.height * distance / height
