"""The two protocols that hide where a take runs, and the values they exchange.

The simulator, PX4 SITL, Gazebo and a real drone each give an `Eye` and a `Rig`; the take loop
does not know which one it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cinempc.camera import LensState
from cinempc.mpc.plan import Plan
from cinempc.subject import SubjectEstimate

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CameraPose:
    """Where the camera is and looks: ENU m, and yaw, pitch, roll as in `cinempc.frames`, rad."""

    position: Floats
    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True)
class Frame:
    """One picture. ``image`` is RGB (height, width, 3) uint8; ``depth`` (height, width) float32,
    m along the optical axis, ``inf`` for the sky; pose and lens are those at exposure."""

    time: float
    image: NDArray[np.uint8]
    pose: CameraPose
    lens: LensState
    sensor_mm: tuple[float, float]
    depth: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Health:
    """Whether the rig can fly on. ``problems`` are sentences for the pilot."""

    ready: bool = True
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class RigState:
    """The rig as its own sensors report it, in the world frame.

    ``attitude`` is the vehicle's yaw, pitch and roll (as the camera's: pitch positive nose up),
    rad; ``camera`` the camera's pose as the gimbal's encoders and the estimator give it.
    """

    time: float
    position: Floats
    velocity: Floats
    attitude: tuple[float, float, float]
    camera: CameraPose
    camera_rates: Floats
    lens: LensState
    health: Health = field(default_factory=Health)


class Eye(Protocol):
    """Gives frames."""

    def frame(self, pixels: bool = True) -> Frame | None:
        """The next frame that was not given yet, or None while there is none.

        Without ``pixels`` nobody will look at the picture: an eye to whom it costs something may
        leave it black.
        """


class Rig(Protocol):
    """Vehicle, gimbal and lens: gives its state, follows plans."""

    def state(self) -> RigState:
        """The newest state."""

    def follow(self, plan: Plan) -> None:
        """From now on, follow this plan; when it runs out, stand still."""

    def wait_until(self, time: float) -> float:
        """Return when the rig's clock shows ``time``, s (a simulator gets there by stepping); what
        it shows then, which in real time is a little later."""


class Perception(Protocol):
    """Turns frames into subject estimates."""

    needs_pixels: bool  #: Whether it looks at the picture itself.

    def observe(self, frame: Frame) -> None:
        """Take in a frame."""

    def subjects(self, time: float) -> Sequence[SubjectEstimate]:
        """The estimates at a time, every subject of the script, seen or predicted."""
