"""The fence: the space around the take-off point that the vehicle never leaves.

Part of a safety file. The pilot refuses plans that lead out of it, and the autopilot, to which it
is uploaded before the flight (by `cinempc.flight`), stops a vehicle that left it all the same. How
it is worked out where something is: horizontal distances in the plane, heights above the take-off
point.
"""

from __future__ import annotations

import math
from enum import StrEnum, unique
from functools import lru_cache
from itertools import combinations, pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import Field, model_validator

from cinempc import configs
from cinempc.rig.log import Problem, Reason, problem
from cinempc.units import Metres

Floats = NDArray[np.float64]
Point = tuple[float, float]

#: Smallest area of a polygon, m²: less is a mistake in the file.
_LEAST_AREA = 4.0
#: Most points of a polygon: PX4 keeps 64 in its smallest builds.
_MOST_POINTS = 60
#: How much further out than the vehicle already is a plan may lead, m: noise of its position.
_SLACK = 0.1


@unique
class FenceReason(Reason):
    """Why a path must not be flown."""

    OUTSIDE = "it leads {by:.1f} m out of the fence"
    TOO_NEAR = "it leads to {room:.1f} m from the fence, and {margin:g} m are kept"


class FenceAction(StrEnum):
    """What the autopilot does with a vehicle that has left the fence."""

    hold = "hold"
    return_ = "return"
    land = "land"


class Fence(configs.Config):
    """Where the vehicle may be; see ``docs/safety.md``."""

    radius: Metres | None = Field(
        default=None, description="Horizontal distance from the take-off point."
    )
    height: Metres | None = Field(default=None, description="Above the take-off point.")
    polygon: tuple[Point, ...] | None = Field(
        default=None, description="[east, north] in the script's world, m: corners in their order."
    )
    margin: Metres = Field(
        default=2.0,
        validate_default=False,
        description="How far inside the fence plans stay, so that gusts do not carry the vehicle "
        "over it.",
    )
    action: FenceAction = Field(
        default=FenceAction.hold, description="What the autopilot does with who left it."
    )

    @model_validator(mode="after")
    def _sound(self) -> Fence:
        if self.radius is None and self.polygon is None:
            raise ValueError("a fence needs a radius, a polygon or both")
        if not 0 <= self.margin < math.inf:
            raise ValueError(f"margin must be zero or more and finite, it is {self.margin:g} m")
        for name in ("radius", "height"):
            value = getattr(self, name)
            if value is not None and not self.margin < value < math.inf:
                raise ValueError(
                    f"{name} must be finite and above the margin of {self.margin:g} m, "
                    f"it is {value:g} m"
                )
        if self.polygon is not None:
            _check(self.polygon)
        return self

    def depth(self, points: Floats, home: Floats) -> Floats:
        """How far inside the fence points are.

        Args:
            points: (n, 3), ENU m in the script's world.
            home: (3,), where the vehicle took off, likewise.

        Returns:
            (n,), m to the nearest side of the fence; negative outside.
        """
        points = np.atleast_2d(np.asarray(points, dtype=float))
        depth = np.full(len(points), np.inf)
        if self.radius is not None:
            off = points[:, :2] - home[:2]
            depth = np.minimum(depth, self.radius - np.hypot(off[:, 0], off[:, 1]))
        if self.height is not None:
            depth = np.minimum(depth, self.height - (points[:, 2] - home[2]))
        if self.polygon is not None:
            depth = np.minimum(depth, _polygon_depth(self.polygon, points[:, :2]))
        return depth

    def reason_to_refuse(self, points: Floats, home: Floats, here: Floats) -> Problem | None:
        """Why a path must not be flown; None where it may.

        A vehicle that is outside already may be led back, but not further out.

        Args:
            points: (n, 3), of the path, ENU m in the script's world.
            home: (3,), where the vehicle took off.
            here: (3,), where the vehicle is.
        """
        room = float(self.depth(points, home).min()) - self.margin
        allowed = min(0.0, float(self.depth(here, home)[0]) - self.margin - _SLACK)
        if room >= allowed:
            return None
        if room + self.margin < 0:
            return problem(FenceReason.OUTSIDE, by=-room - self.margin)
        return problem(FenceReason.TOO_NEAR, room=room + self.margin, margin=self.margin)


@lru_cache(maxsize=16)
def _prepared(corners: tuple[Point, ...]) -> shapely.Polygon:
    """A polygon of corners, prepared for many questions."""
    polygon = shapely.Polygon(corners)
    shapely.prepare((polygon, polygon.exterior))
    return polygon


def _polygon_depth(corners: tuple[Point, ...], points: Floats) -> Floats:
    """Distance (n,) of points (n, 2) to a polygon's nearest side, m; negative outside, where
    a point that is nowhere (NaN) is too, infinitely far."""
    polygon = _prepared(corners)
    depth = np.full(len(points), -np.inf)
    somewhere = np.isfinite(points).all(axis=-1)
    points = points[somewhere]
    distance = shapely.distance(polygon.exterior, shapely.points(points))
    inside = shapely.contains_xy(polygon, points[:, 0], points[:, 1])
    depth[somewhere] = np.where(inside, distance, -distance)
    return depth


def _check(corners: tuple[Point, ...]) -> None:
    """That corners make a simple polygon.

    Raises:
        ValueError: with what is wrong.
    """
    if len(corners) < 3:
        raise ValueError(f"a polygon needs three points or more, it has {len(corners)}")
    if len(corners) > _MOST_POINTS:
        raise ValueError(
            f"a polygon has {_MOST_POINTS} points at most, this one {len(corners)}: autopilots "
            "have no room for more"
        )
    if not all(math.isfinite(x) for corner in corners for x in corner):
        raise ValueError("a polygon's points must be finite")
    if len(set(corners)) < len(corners):
        raise ValueError("a polygon names each point once: it closes by itself")
    polygon = shapely.Polygon(corners)
    ring = [*corners, corners[0]]
    sides = shapely.linestrings(list(pairwise(ring)))
    for i, j in combinations(range(len(sides)), 2):
        neighbours = j - i in (1, len(sides) - 1)
        if not neighbours and shapely.intersects(sides[i], sides[j]):
            raise ValueError(
                f"a polygon's sides must not cross: those from {list(corners[i])} and from "
                f"{list(corners[j])} do; give the points in their order around it"
            )
    if polygon.area < _LEAST_AREA:
        raise ValueError(f"a polygon of {polygon.area:.1f} m² holds no vehicle")
