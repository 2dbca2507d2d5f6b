"""The ground path of an actor: waypoints with rounded corners, walked at one speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_SPACING = 0.02  # m between samples of the path
_CORNER = 0.9  # m, how far before a waypoint a turn begins
RAMP = 0.8  #: s to get from standing to walking speed and back


def _corner(before: Floats, at: Floats, after: Floats) -> Floats:
    """Points of a turn (a quadratic Bézier, which a walker's feet can follow)."""
    sides = float(np.linalg.norm(at - before)), float(np.linalg.norm(after - at))
    cut = min(_CORNER, sides[0] * 0.45, sides[1] * 0.45)
    start = at + cut * (before - at) / np.linalg.norm(before - at)
    end = at + cut * (after - at) / np.linalg.norm(after - at)
    t = np.linspace(0, 1, max(3, int(2 * cut / _SPACING)))[:, None]
    return np.asarray((1 - t) ** 2 * start + 2 * t * (1 - t) * at + t**2 * end)


@dataclass(frozen=True)
class Path:
    """A walk on the ground. ``points`` (n, 2) m, ``arc`` (n,) m from the start; east, north."""

    points: Floats
    arc: Floats
    heading: Floats
    speed: float
    start: float
    loop: bool

    @classmethod
    def through(
        cls,
        waypoints: ArrayLike,
        speed: float = 0.0,
        *,
        start: float = 0.0,
        loop: bool = False,
        heading: float = 0.0,
    ) -> Path:
        """The path through waypoints (n, 2).

        Args:
            waypoints: m, east and north; one of them means standing there.
            speed: m/s.
            start: s, when the walk begins.
            loop: walk back to the first waypoint and round again, for ever.
            heading: rad, where an actor with one waypoint looks.
        """
        corners = np.asarray(waypoints, dtype=float).reshape(-1, 2)
        if len(corners) == 1 or speed <= 0:
            return cls(corners[:1], np.zeros(1), np.array([heading]), 0.0, start, False)
        count = len(corners)
        pieces: list[Floats] = []
        if loop:
            for k in range(count):
                pieces.append(_corner(corners[k - 1], corners[k], corners[(k + 1) % count]))
            pieces.append(pieces[0][:1])
        else:
            pieces.append(corners[:1])
            for k in range(1, count - 1):
                pieces.append(_corner(corners[k - 1], corners[k], corners[k + 1]))
            pieces.append(corners[-1:])
        rough = np.concatenate(pieces)
        steps = np.linalg.norm(np.diff(rough, axis=0), axis=1)
        rough = rough[np.concatenate([[True], steps > 1e-9])]
        arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(rough, axis=0), axis=1))])
        even = np.linspace(0, arc[-1], max(2, int(arc[-1] / _SPACING) + 1))
        points = np.stack([np.interp(even, arc, rough[:, k]) for k in range(2)], axis=1)
        tangent = np.gradient(points, even, axis=0)
        if loop:
            tangent[[0, -1]] = (points[1] - points[-2]) / (even[1] * 2)
        angle = np.unwrap(np.arctan2(tangent[:, 1], tangent[:, 0]))
        return cls(points, even, angle, speed, start, loop)

    @property
    def length(self) -> float:
        """Length, m; 0 for someone who stands."""
        return float(self.arc[-1])

    def walked(self, time: float) -> tuple[float, float]:
        """Distance walked, m, and speed, m/s, at a time, s."""
        t = time - self.start
        if t <= 0 or self.length == 0:
            return 0.0, 0.0
        v, ramp = self.speed, min(RAMP, self.length / self.speed)
        if t < ramp:
            return v * t**2 / (2 * ramp), v * t / ramp
        distance = v * (t - ramp / 2)
        if self.loop:
            return distance, v
        left = self.length / v + ramp - t
        if left <= 0:
            return self.length, 0.0
        if left < ramp:
            return self.length - v * left**2 / (2 * ramp), v * left / ramp
        return distance, v

    def at(self, distance: float) -> tuple[Floats, float]:
        """Point (2,), m, and heading, rad, at a distance along the path."""
        if self.length == 0:
            return self.points[0], float(self.heading[0])
        turns = 0.0
        if self.loop:
            laps, distance = divmod(distance, self.length)
            turns = laps * float(self.heading[-1] - self.heading[0])
        distance = min(max(distance, 0.0), self.length)
        point = np.array([np.interp(distance, self.arc, self.points[:, k]) for k in range(2)])
        return point, turns + float(np.interp(distance, self.arc, self.heading))
