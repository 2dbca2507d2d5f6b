"""Where Gazebo says that the camera is, between its messages too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from cinempc import frames
from cinempc.rig.history import History, share
from cinempc.rig.state import CameraPose
from sim.gazebo.messages import Placed

Floats = NDArray[np.float64]

#: Time for which poses are kept, s, and the longest between two of them across which is
#: interpolated.
_KEPT, _GAP = 5.0, 0.5
#: A simulation that is this far back, s, has begun anew.
_RESTART = 0.5


def compose(outer: Placed, inner: Placed) -> Placed:
    """What lies in something that lies somewhere: its place and attitude there."""
    turn = rotation(outer.quaternion)
    whole = turn * rotation(inner.quaternion)
    return Placed(
        outer.position + turn.apply(inner.position),
        whole.as_quat(scalar_first=True),
    )


def rotation(quaternion: Floats) -> Rotation:
    """The rotation of a quaternion (w, x, y, z), or of several (n, 4)."""
    return Rotation.from_quat(quaternion, scalar_first=True)


def camera_pose(placed: Placed) -> CameraPose:
    """A camera of Gazebo's in the world, as a camera pose: it looks along x, y is left, z is up."""
    forward, left, up = rotation(placed.quaternion).as_matrix().T
    yaw, pitch, roll = frames.camera_angles(np.stack([-left, -up, forward], axis=1))
    return CameraPose(placed.position, yaw, pitch, roll)


class Track:
    """Poses over time: the way of one thing."""

    def __init__(self) -> None:
        self._past = History[Placed](kept=_KEPT, restart=_RESTART)

    @property
    def newest(self) -> float:
        """Time of the newest pose, s; minus infinity before the first."""
        return self._past.newest if len(self._past) else -np.inf

    def add(self, time: float, pose: Placed) -> bool:
        """Take in a pose. Whether time began anew."""
        return self._past.add(time, pose)

    def at(self, time: float) -> Placed | None:
        """Where it was at a time, s; None where that is not known, or not yet."""
        before, after = self._past.around(time)
        if before is None:
            return None
        if before.time == time:
            return before.value
        if after is None or after.time - before.time > _GAP:
            return None
        part = share(before.time, after.time, time)
        position = before.value.position + part * (after.value.position - before.value.position)
        ends = rotation(np.stack([before.value.quaternion, after.value.quaternion]))
        turned = Slerp([0.0, 1.0], ends)(part)
        return Placed(position, turned.as_quat(scalar_first=True))
