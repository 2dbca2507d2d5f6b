"""What a rig and its camera report: the frame, the camera's pose, the rig's state and health."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cinempc.rig.camera import LensState
from cinempc.rig.log import Problem

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
    """Whether the rig can fly on. ``problems`` say why not; as strings they are sentences."""

    ready: bool = True
    problems: tuple[Problem, ...] = ()


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
