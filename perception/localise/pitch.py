"""The camera's pitch by how tall people appear, where nothing else tells it.

A person who stands on level ground spans an angle that fixes the distance, the distance and the
camera's height fix the depression of the feet, and their row in the picture does the rest. Seen
from above the same span belongs to two distances, one nearer and one farther than the camera is
high; which is right shows in what the sightings have in common: the pitch.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from perception.detect.detections import Detections

Floats = NDArray[np.float64]

#: Height of a silhouette that is taken for anybody's, m: an adult's, up to the hair.
_TALL = 1.72
#: Boxes that tell: at least so tall, and so far from the picture's edges, px.
_LEAST, _EDGE = 12.0, 3.0
#: Sightings that are remembered.
_KEPT = 150
#: Within this of the most common pitch, rad, sightings are of it.
_NEAR = math.radians(4.0)
#: Weight of the nearer distance against the farther one: less footage looks down so steeply.
_STEEP = 0.9


def pitches(top: Floats, bottom: Floats, height: float) -> Floats:
    """Both pitches (n, 2), rad, up is positive, that a standing person's rows allow: the one of the
    farther distance, and of the nearer one; nan where there is none.

    Args:
        top, bottom: (n,) slopes of head and feet below the optical axis.
        height: of the camera above the ground, m.
    """
    span = np.tan(np.arctan(bottom) - np.arctan(top))
    # tan(span) = tall d / (d² + height (height - tall)), solved for the forward distance d. Nobody
    # spans more than that allows; who seems to is noise about the place where both are the same.
    root = np.sqrt(np.maximum(_TALL**2 - 4 * span**2 * height * (height - _TALL), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.stack([_TALL + root, _TALL - root], axis=1) / (2 * span[:, None])
        distances = np.where(distances > 0, distances, np.nan)
        return np.asarray(np.arctan(bottom)[:, None] - np.arctan(height / distances))


class PitchByPeople:
    """The pitch that the sightings of the last pictures have in common.

    Example:
        >>> pitch = PitchByPeople()
        >>> pitch.see(detections, focal_px=1280.0, size=(1920, 1080), height=20.0)
        >>> pitch.value  # None until somebody has been seen
    """

    def __init__(self) -> None:
        self._seen: Floats = np.zeros((0, 2))
        self.value: float | None = None  #: rad, up is positive.

    def see(
        self, detections: Detections, focal_px: float, size: tuple[int, int], height: float
    ) -> None:
        """Take in the people found in a picture.

        Args:
            detections: of which persons count that are whole.
            focal_px: focal length, px.
            size: width and height of the picture, px.
            height: of the camera above the ground, m.
        """
        people = detections.of_class("person")
        left, top, right, bottom = people.boxes.reshape(-1, 4).T
        whole = (top > _EDGE) & (left > _EDGE) & (right < size[0] - _EDGE)
        whole &= (bottom < size[1] - _EDGE) & (bottom - top > _LEAST)
        middle = size[1] / 2
        found = pitches(
            (top[whole] - middle) / focal_px, (bottom[whole] - middle) / focal_px, height
        )
        if not len(found):
            return
        self._seen = np.concatenate([self._seen, found])[-_KEPT:]
        # From the first on: tracks that have begun without a pitch do not outlast its coming.
        self.value = self._common()

    def _common(self) -> float:
        every = self._seen.ravel()
        weights = np.tile([1.0, _STEEP], len(self._seen))[np.isfinite(every)]
        every = every[np.isfinite(every)]
        votes = (np.abs(every[:, None] - every) < _NEAR) @ weights
        near = np.abs(every - every[np.argmax(votes)]) < _NEAR
        return float(np.clip(np.median(every[near]), -math.pi / 2, math.pi / 2))
