"""The model: the horizon, the discrete dynamics, and the states of the whole horizon at once.

State, input and the exact motion between two nodes are `cinempc.rig.plan`'s; here they are
matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.rig import plan
from cinempc.rig.camera import Camera
from cinempc.rig.plan import NU, NX

Floats = NDArray[np.float64]

#: Where the nine pose coordinates (position, angles, lens) stand in the state: all that the
#: picture depends on.
POSE = np.r_[plan.POSITION, plan.ANGLES, plan.LENS]
#: How many there are.
NQ = len(POSE)


@dataclass(frozen=True)
class Horizon:
    """N nodes, ``step`` seconds apart."""

    nodes: int = 20
    step: float = 0.1

    @property
    def length(self) -> float:
        """Length, s."""
        return self.nodes * self.step

    def times(self, now: float) -> Floats:
        """Times of the nodes 0..N, s, (N + 1,), the first of which is ``now``."""
        times: Floats = now + self.step * np.arange(self.nodes + 1, dtype=float)
        return times


def movable(camera: Camera) -> tuple[bool, bool, bool]:
    """Whether focal length, focus and aperture can move; one that cannot has no input."""
    return (
        camera.focal_length.max > camera.focal_length.min,
        camera.focus.rate > 0,
        camera.aperture.max > camera.aperture.min,
    )


def dynamics(step: float, movable: Sequence[bool] | NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Exact discrete dynamics x+ = A x + B u.

    The motion is linear, so the columns of A (18, 18) and B (18, 9) are what unit states and unit
    inputs come to after a step (`cinempc.rig.plan.propagate`).

    Args:
        step: s.
        movable: whether focal length, focus and aperture can move.
    """
    A = plan.propagate(np.eye(NX), np.zeros((NX, NU)), step).T
    B = plan.propagate(np.zeros((NU, NX)), np.eye(NU), step).T
    B[:, plan.LENS_RATES] *= np.array(movable, dtype=float)
    return np.ascontiguousarray(A), np.ascontiguousarray(B)


def prediction(A: Floats, B: Floats, nodes: int) -> tuple[Floats, Floats]:
    """The whole horizon from its first state and all inputs: X = free x0 + forced u.

    Returns:
        free (N · 18, 18) and forced (N · 18, N · 9), for the states at the nodes 1..N.
    """
    free = np.empty((nodes * NX, NX))
    forced = np.zeros((nodes * NX, nodes * NU))
    power, response = np.eye(NX), B
    columns = [response]
    for k in range(nodes):
        power = A @ power
        free[k * NX : (k + 1) * NX] = power
        if k:
            response = A @ response
            columns.append(response)
    for k in range(nodes):
        for j in range(k + 1):
            forced[k * NX : (k + 1) * NX, j * NU : (j + 1) * NU] = columns[k - j]
    return free, forced


def slew(heading: float, yaw: Floats, most: float) -> Floats:
    """The vehicle's yaw, which follows the camera's as far as it can.

    Args:
        heading: of the vehicle at the first node, rad.
        yaw: of the camera at the nodes, (N + 1,), rad.
        most: largest turn between two nodes, rad.

    Returns:
        (N + 1,), rad.
    """
    headings = np.empty(len(yaw))
    headings[0] = current = heading
    for k, target in enumerate(yaw[1:].tolist(), 1):
        current += min(max(target - current, -most), most)
        headings[k] = current
    return headings
