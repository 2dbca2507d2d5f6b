"""What a director can ask of a plan: the objectives, a file for each subject, and the goals that
hold them together with the constraints of a shot."""

from cinempc.mpc.constraints.picture import InFrame
from cinempc.mpc.objectives.goals import Goals, Smoothness
from cinempc.mpc.objectives.lens import Aperture, DepthOfField, FocalLength, FocusOn, Sharp, Soft
from cinempc.mpc.objectives.objective import Objective, Value
from cinempc.mpc.objectives.picture import (
    Attitude,
    DollyZoom,
    LookAt,
    Roll,
    ScreenPosition,
    ShotScale,
)
from cinempc.mpc.objectives.place import CameraPosition, Distance, Viewpoint

__all__ = [
    "Aperture",
    "Attitude",
    "CameraPosition",
    "DepthOfField",
    "Distance",
    "DollyZoom",
    "FocalLength",
    "FocusOn",
    "Goals",
    "InFrame",
    "LookAt",
    "Objective",
    "Roll",
    "ScreenPosition",
    "Sharp",
    "ShotScale",
    "Smoothness",
    "Soft",
    "Value",
    "Viewpoint",
]
