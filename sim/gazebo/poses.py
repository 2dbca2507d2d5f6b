"""Where Gazebo says that the camera is, between its messages too."""

from __future__ import annotations

import bisect
from collections import deque

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.rig import CameraPose
from sim.gazebo.messages import Placed

Floats = NDArray[np.float64]

#: Poses that are kept, and the longest time between two of them, s, across which is interpolated.
_KEPT, _GAP = 256, 0.5
#: A simulation that is this far back, s, has begun anew.
_RESTART = 0.5


def compose(outer: Placed, inner: Placed) -> Placed:
    """What lies in something that lies somewhere: its place and attitude there."""
    position = outer.position + rotation(outer.quaternion) @ inner.position
    return Placed(position, multiply(outer.quaternion, inner.quaternion))


def multiply(a: Floats, b: Floats) -> Floats:
    """Quaternion product (w, x, y, z)."""
    w, v, x, u = a[0], a[1:], b[0], b[1:]
    return np.array([w * x - v @ u, *(w * u + x * v + np.cross(v, u))])


def rotation(quaternion: Floats) -> Floats:
    """Rotation matrix (3, 3) of a unit quaternion (w, x, y, z)."""
    w, x, y, z = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def camera_pose(placed: Placed) -> CameraPose:
    """A camera of Gazebo's in the world, as a camera pose: it looks along x, y is left, z is up."""
    forward, left, up = rotation(placed.quaternion).T
    yaw, pitch, roll = frames.camera_angles(np.stack([-left, -up, forward], axis=1))
    return CameraPose(placed.position, yaw, pitch, roll)


class Track:
    """Poses over time: the way of one thing."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_KEPT)
        self._poses: deque[Placed] = deque(maxlen=_KEPT)

    @property
    def newest(self) -> float:
        """Time of the newest pose, s; minus infinity before the first."""
        return self._times[-1] if self._times else -np.inf

    def add(self, time: float, pose: Placed) -> bool:
        """Take in a pose; one that is not newer is left out. Whether time began anew."""
        again = time < self.newest - _RESTART
        if again:
            self._times.clear()
            self._poses.clear()
        if time > self.newest:
            self._times.append(time)
            self._poses.append(pose)
        return again

    def at(self, time: float) -> Placed | None:
        """Where it was at a time, s; None where that is not known, or not yet."""
        times = self._times
        if not times or not times[0] <= time <= times[-1]:
            return None
        k = bisect.bisect_left(times, time)
        if times[k] == time:
            return self._poses[k]
        before, after = self._poses[k - 1], self._poses[k]
        span = times[k] - times[k - 1]
        if span > _GAP:
            return None
        share = (time - times[k - 1]) / span
        position = before.position + share * (after.position - before.position)
        return Placed(position, _slerp(before.quaternion, after.quaternion, share))


def _slerp(a: Floats, b: Floats, share: float) -> Floats:
    """Along the great circle, the shorter way (Shoemake, 1985)."""
    cosine = float(a @ b)
    if cosine < 0:
        b, cosine = -b, -cosine
    angle = np.arccos(min(cosine, 1.0))
    if angle < 1e-6:
        mixed = a + share * (b - a)
    else:
        mixed = np.sin((1 - share) * angle) * a + np.sin(share * angle) * b
    return np.asarray(mixed / np.linalg.norm(mixed))
