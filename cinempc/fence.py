"""The fence: the space around the take-off point that the vehicle never leaves.

Part of a safety file. The pilot refuses plans that lead out of it, and the autopilot, to which it
is uploaded before the flight (`cinempc.flight.preflight`), stops a vehicle that left it all the
same. How it is worked out where something is: horizontal distances in the plane, heights above
the take-off point.
"""

from __future__ import annotations

import math
from enum import StrEnum
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from cinempc import configs
from cinempc.units import Metres

Floats = NDArray[np.float64]
Point = tuple[float, float]

#: Smallest area of a polygon, m²: less is a mistake in the file.
_LEAST_AREA = 4.0
#: Most points of a polygon: PX4 keeps 64 in its smallest builds.
_MOST_POINTS = 60
#: How much further out than the vehicle already is a plan may lead, m: noise of its position.
_SLACK = 0.1


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
        found = np.full(len(points), np.inf)
        if self.radius is not None:
            off = points[:, :2] - home[:2]
            found = np.minimum(found, self.radius - np.hypot(off[:, 0], off[:, 1]))
        if self.height is not None:
            found = np.minimum(found, self.height - (points[:, 2] - home[2]))
        if self.polygon is not None:
            found = np.minimum(found, _polygon_depth(np.array(self.polygon), points[:, :2]))
        return found

    def reason_to_refuse(self, points: Floats, home: Floats, here: Floats) -> str | None:
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
            return f"it leads {-room - self.margin:.1f} m out of the fence"
        return (
            f"it leads to {room + self.margin:.1f} m from the fence, and {self.margin:g} m are kept"
        )


def _polygon_depth(corners: Floats, points: Floats) -> Floats:
    """Distance (n,) of points (n, 2) to a polygon's nearest side, m; negative outside.

    Inside is where a ray crosses the sides an odd number of times.
    """
    a, b = corners, np.roll(corners, -1, axis=0)
    side = b - a
    off = points[:, None] - a
    along = np.clip((off * side).sum(-1) / (side * side).sum(-1), 0.0, 1.0)
    nearest = np.linalg.norm(off - along[..., None] * side, axis=-1).min(-1)
    x, y = points[:, :1], points[:, 1:]
    spans = (a[:, 1] > y) != (b[:, 1] > y)
    rise = np.where(side[:, 1] == 0, 1.0, side[:, 1])  # a level side spans nothing
    crossed = spans & (x < a[:, 0] + (y - a[:, 1]) * side[:, 0] / rise)
    inside = crossed.sum(-1) % 2 == 1
    depth: Floats = np.where(inside, nearest, -nearest)
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
    count = len(corners)
    sides = [(corners[k], corners[(k + 1) % count]) for k in range(count)]
    for i, j in combinations(range(count), 2):
        neighbours = j - i in (1, count - 1)
        if not neighbours and _cross(*sides[i], *sides[j]):
            raise ValueError(
                f"a polygon's sides must not cross: those from {list(sides[i][0])} and from "
                f"{list(sides[j][0])} do; give the points in their order around it"
            )
    area = abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in sides)) / 2
    if area < _LEAST_AREA:
        raise ValueError(f"a polygon of {area:.1f} m² holds no vehicle")


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two straight lines a-b and c-d touch."""

    def turn(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    def within(p: Point, q: Point, r: Point) -> bool:
        return min(p[0], q[0]) <= r[0] <= max(p[0], q[0]) and (
            min(p[1], q[1]) <= r[1] <= max(p[1], q[1])
        )

    turns = turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(t == 0 and within(*end) for t, end in zip(turns, ends, strict=True))
