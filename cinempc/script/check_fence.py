"""Holds the camera's way, as a script asks for it, against the fence: before anything flies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.rig.subject import SubjectEstimate, body_fraction
from cinempc.safety.fence import Fence
from cinempc.script.format import ShotConfig
from cinempc.script.framing.targets import Targets
from cinempc.script.framing.track import CameraStart

Floats = NDArray[np.float64]
#: Where a subject is, by its name, at a time of the take, s.
Whereabouts = Callable[[str, float], SubjectEstimate]


def viewpoints(asked: Targets, away: Floats) -> Floats:
    """Where a camera is for what is asked, (times, 3) m from the subject's eyes.

    Args:
        asked: of the picture.
        away: distance from the eyes, (times,) m.
    """
    direction = frames.direction(asked.azimuth, asked.elevation)
    return np.asarray(away[:, None] * np.stack(direction, axis=1))


@dataclass(frozen=True)
class ShotGeometry:
    """A shot, and what it asks of the camera beside its subject.

    Attributes:
        shot: of the script.
        begins: s on the take's clock.
        times: s in the shot, (times,).
        asked: of the picture, for a subject that faces east; eased in.
        away: distance of the camera from the subject's eyes, (times,) m.
        height: of the subject, m.
    """

    shot: ShotConfig
    begins: float
    times: Floats
    asked: Targets
    away: Floats
    height: float


class FenceCheck:
    """Follows the camera from shot to shot. The take-off point is under the opening picture.

    Args:
        fence: of the safety limits.
        where: the subjects of the script's scene; without one they stand, and nobody knows where
            in the world.
    """

    def __init__(self, fence: Fence, where: Whereabouts | None = None) -> None:
        self._fence, self._where = fence, where
        self._home: Floats | None = None
        self._first: str | None = None  # the subject by which home is known
        self._last: Floats | None = None  # where the camera was
        self._turned = 0.0  # the direction from which azimuths counted there, rad

    def warning(self, geometry: ShotGeometry) -> str | None:
        """What is wrong with the way of the next shot; None where nothing is, or nothing is known.

        Heights and distances of a subject that stands are known without a scene, places in the
        world are not: then neither a polygon nor another subject's shot can be checked.
        """
        way = self._way(geometry)
        subject = geometry.shot.framing.subject
        if self._home is None:
            self._home, self._first = way[0] * np.array([1.0, 1.0, 0.0]), subject
            if self._where is not None:
                self._home[2] = self._where(subject, geometry.begins).position[2]
        fence = self._fence
        if self._where is None:
            if subject != self._first:
                way = np.column_stack([np.tile(self._home[:2], (len(way), 1)), way[:, 2]])
            # A fence without its polygon, which is somewhere in the world.
            radius = math.inf if fence.radius is None else fence.radius
            fence = fence.model_copy(update={"polygon": None, "radius": radius})
        depth = fence.depth(way, self._home)
        worst = int(np.argmin(depth))
        if depth[worst] >= fence.margin - 1e-6:
            return None
        time = geometry.begins + geometry.times[worst]
        how_far = (
            f"{-depth[worst]:.1f} m out of the fence"
            if depth[worst] < 0
            else f"to {depth[worst]:.1f} m from the fence, and {fence.margin:g} m are kept"
        )
        stands = "" if self._where else " even if the subject stands"
        return (
            f"at {time:.0f} s of the take its camera comes {how_far}{stands} (take-off under the "
            "opening picture): plans that lead there are refused, and the picture will be missed"
        )

    def _way(self, geometry: ShotGeometry) -> Floats:
        """Where the camera is, (times, 3) ENU m: in the world, or without a scene around a subject
        that stands at its origin."""
        shot, times = geometry.shot, geometry.times
        ground, headings = self._subject(geometry)
        if shot.move.stays and self._last is not None:
            return np.tile(self._last, (len(times), 1))
        side = shot.framing.side
        if side is None and self._last is not None:
            turned = np.full(len(times), self._turned)  # the side that is there
        elif side is not None and side.in_world:
            turned = np.zeros(len(times))
        elif shot.move.turns_with_subject:
            turned = headings
        else:
            turned = np.full(len(times), headings[0])
        self._turned = float(turned[-1])
        asked = replace(geometry.asked, azimuth=geometry.asked.azimuth + turned)
        eyes = ground + np.array([0.0, 0.0, body_fraction("eyes") * geometry.height])
        way = eyes + viewpoints(asked, geometry.away)
        if shot.move.stays:
            way = np.tile(way[0], (len(times), 1))
        else:
            track = shot.move.track(shot, times, CameraStart(way[0], np.zeros(3), times))
            if track is not None and track.position is not None:
                way = np.asarray(track.position, dtype=float)
        self._last = way[-1]
        return np.asarray(way)

    def _subject(self, geometry: ShotGeometry) -> tuple[Floats, Floats]:
        """The subject's place on the ground, (times, 3) m, and its heading, (times,) rad."""
        count = len(geometry.times)
        if self._where is None:
            return np.zeros((count, 3)), np.zeros(count)
        name = geometry.shot.framing.subject
        there = [self._where(name, float(geometry.begins + time)) for time in geometry.times]
        places = np.array([subject.position for subject in there])
        return places, np.unwrap([subject.heading for subject in there])
