"""What a camera body and its lens can do, loaded from ``configs/cameras/``."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, model_validator

from cinempc import configs, lens
from cinempc.units import (
    DioptresPerSecond,
    FNumber,
    FramesPerSecond,
    Metres,
    Millimetres,
    MillimetresPerSecond,
    Seconds,
    StopsPerSecond,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LensState:
    """Where the lens stands: focal length mm, focus distance m (``inf`` allowed), f-number."""

    focal_length_mm: float
    focus_distance_m: float
    f_number: float

    def depth_of_field(self, coc_mm: float) -> tuple[float, float]:
        """Near and far limits of depth of field, m."""
        near, far = lens.depth_of_field(
            self.focus_distance_m, self.focal_length_mm, self.f_number, coc_mm
        )
        return float(near), float(far)


class Sensor(configs.Config):
    """The part of the sensor that the picture uses."""

    width: Millimetres
    height: Millimetres
    circle_of_confusion: Millimetres = Field(
        description="Largest blur-circle diameter on the sensor that still counts as sharp."
    )


class Zoom(configs.Config):
    """Focal-length range. A prime lens has ``min`` equal to ``max``."""

    min: Millimetres
    max: Millimetres
    rate: MillimetresPerSecond = Field(default=0.0, validate_default=False)


class Focus(configs.Config):
    """Focus range from the closest distance to infinity, and the motor's rate."""

    closest: Metres
    rate: DioptresPerSecond


class Aperture(configs.Config):
    """f-number range. A fixed aperture has ``min`` equal to ``max``."""

    min: FNumber
    max: FNumber
    rate: StopsPerSecond = Field(default=0.0, validate_default=False)


class Distortion(configs.Config):
    """Lens distortion at one focal length, by Brown and Conrady's model as OpenCV has it.

    Source: D. C. Brown, "Close-range camera calibration", Photogrammetric Engineering 37(8), 1971.
    """

    focal_length: Millimetres
    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0


class Dof(StrEnum):
    """A degree of freedom of the lens."""

    zoom = "zoom"
    focus = "focus"
    aperture = "aperture"


def _pairs(table: object) -> Any:
    """A mapping of the file as pairs: a model that holds them stays hashable."""
    return tuple(table.items()) if isinstance(table, Mapping) else table


ParameterName = Annotated[str, Field(min_length=1, max_length=16)]
ParameterType = Literal[
    "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float", "double"
]


class _ByParameter(configs.Config):
    parameter: ParameterName = Field(description="Name of the extended parameter.")
    type: ParameterType | None = Field(
        default=None, description="What the camera itself says if not given."
    )


class ApertureBy(_ByParameter):
    """The extended parameter that sets the aperture.

    ``values`` are the parameter's values by f-number; what the camera definition offers if empty.
    """

    parameter: ParameterName = "CAM_APERTURE"
    values: Annotated[tuple[tuple[FNumber, float], ...], BeforeValidator(_pairs)] = ()


class Mavlink(configs.Config):
    """How the camera is spoken to by MAVLink's camera protocol; see ``docs/cameras.md``."""

    component: int | None = Field(
        default=None, ge=1, le=255, description="Component id; the first camera heard if not given."
    )
    system: int | None = Field(
        default=None,
        ge=1,
        le=255,
        description="System id; the vehicle's if not given, and else one without an autopilot.",
    )
    zoom: Literal["focal_length", "range", "none"] = "focal_length"
    zoom_scale: Literal["linear", "logarithmic"] = Field(
        default="linear", description="What per cent of the zoom's range are, in focal length."
    )
    zoom_full: Millimetres | None = Field(
        default=None,
        description="Focal length at 100 %, where that is not the lens's longest: "
        "many go on into a crop of the picture.",
    )
    focus: Literal["metres", "range", "none"] = "metres"
    farthest: Metres = Field(
        default=10000.0, validate_default=False, description="Focus distance sent for infinity."
    )
    levels: Literal["percent", "native"] = Field(
        default="percent",
        description="What CAMERA_SETTINGS carries: per cent of the range, or mm and m.",
    )
    aperture: ApertureBy | Literal["none"] = ApertureBy()
    prepare: Annotated[tuple[tuple[ParameterName, float], ...], BeforeValidator(_pairs)] = Field(
        default=(), description="Extended parameters set once, such as manual exposure."
    )
    definition: str | None = Field(
        default=None, description="Camera definition: a file or URI in place of the camera's own."
    )
    trust: tuple[Dof, ...] = Field(
        default=(Dof.zoom, Dof.focus, Dof.aperture),
        description="What the camera reports of these is believed; the others are predicted.",
    )
    latency: Seconds = Field(
        default=0.0,
        validate_default=False,
        description="From a command until the lens begins to move.",
    )
    tried: bool = Field(default=False, description="Whether somebody did so on the hardware.")
    note: str = ""

    @model_validator(mode="after")
    def _sound(self) -> Mavlink:
        if not 0 <= self.latency <= 5:
            raise ValueError(f"latency must be between 0 s and 5 s, it is {self.latency:g} s")
        if self.zoom_full is not None and not 0 < self.zoom_full < math.inf:
            raise ValueError("zoom_full must be above zero and finite")
        if not (self.farthest > 1 and math.isfinite(self.farthest)):
            raise ValueError("farthest must be a finite distance beyond 1 m")
        return self


class PictureFormat(configs.Config):
    """What the camera records."""

    width: int = Field(default=960, ge=16, le=8192, description="px")
    height: int = Field(default=540, ge=16, le=8192, description="px")
    frame_rate: FramesPerSecond = Field(default=24.0, validate_default=False)
    shutter: Seconds = Field(default=1 / 48, validate_default=False)


class Camera(configs.Config):
    """A camera body with its lens.

    Focal lengths in mm, focus distances in m, apertures as f-numbers; see ``docs/cameras.md``.
    """

    name: str
    sensor: Sensor
    focal_length: Zoom
    focus: Focus
    aperture: Aperture
    picture: PictureFormat = PictureFormat()
    distortion: tuple[Distortion, ...] = Field(
        default=(), description="As calibrated at one focal length or more, the shortest first."
    )
    lens_lag: Seconds = Field(
        default=0.0, validate_default=False, description="Time constant of the lens motors."
    )
    protocol: Literal["mavlink", "none"] = Field(
        default="mavlink", description="By which a real one is spoken to; none for not at all."
    )
    mavlink: Mavlink = Field(
        default=Mavlink(), description="How it is spoken to, where it is a real one."
    )

    @model_validator(mode="after")
    def _is_a_camera(self) -> Camera:
        positive = {
            "sensor.width": self.sensor.width,
            "sensor.height": self.sensor.height,
            "sensor.circle_of_confusion": self.sensor.circle_of_confusion,
            "focal_length.min": self.focal_length.min,
            "focus.closest": self.focus.closest,
            "picture.frame_rate": self.picture.frame_rate,
        }
        for name, value in positive.items():
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be above zero and finite, it is {value:g}")
        for name, part in (("focal_length", self.focal_length), ("aperture", self.aperture)):
            if part.max < part.min:
                raise ValueError(f"{name}.max ({part.max:g}) is below {name}.min ({part.min:g})")
            if part.max > part.min and part.rate <= 0:
                raise ValueError(f"{name}.rate must be above zero for a lens that can change it")
        measured = [entry.focal_length for entry in self.distortion]
        if any(later <= earlier for earlier, later in pairwise(measured)):
            raise ValueError("distortion: focal lengths must rise from entry to entry")
        sensor_ratio = self.sensor.width / self.sensor.height
        picture_ratio = self.picture.width / self.picture.height
        if abs(sensor_ratio / picture_ratio - 1) > 0.01:
            raise ValueError(
                f"the sensor is {sensor_ratio:.3f}:1 and the picture {picture_ratio:.3f}:1: "
                "give the sensor's active area for this picture shape"
            )
        return self

    @property
    def aspect(self) -> float:
        """Height over width of the picture."""
        return self.sensor.height / self.sensor.width

    def distortion_at(self, focal_length_mm: float) -> Floats | None:
        """k1, k2, p1, p2, k3 (5,) at a focal length, between the calibrated ones by straight
        lines; None for a lens without."""
        if not self.distortion:
            return None
        measured = [entry.focal_length for entry in self.distortion]
        values = [[e.k1, e.k2, e.p1, e.p2, e.k3] for e in self.distortion]
        return np.array([np.interp(focal_length_mm, measured, c) for c in np.transpose(values)])

    def holding(self, held: Collection[Dof], state: LensState) -> Camera:
        """This camera with some degrees of freedom held where they stand: min equal to max; for
        the focus, which has a rate only, the rate is zero."""
        changes: dict[str, Any] = {}
        still = self.clamp(state)
        if Dof.zoom in held:
            focal = still.focal_length_mm
            changes["focal_length"] = self.focal_length.model_copy(
                update={"min": focal, "max": focal}
            )
        if Dof.focus in held:
            changes["focus"] = self.focus.model_copy(update={"rate": 0.0})
        if Dof.aperture in held:
            f = still.f_number
            changes["aperture"] = self.aperture.model_copy(update={"min": f, "max": f})
        return self.model_copy(update=changes)

    def clamp(self, state: LensState) -> LensState:
        """The nearest state that the lens can reach."""
        return LensState(
            min(max(state.focal_length_mm, self.focal_length.min), self.focal_length.max),
            max(state.focus_distance_m, self.focus.closest),
            min(max(state.f_number, self.aperture.min), self.aperture.max),
        )


def load(name: str, near: Path | None = None) -> Camera:
    """A camera by its short name in ``configs/cameras/`` or by path.

    Raises:
        ConfigError: no such camera, or a mistake in its file.
    """
    return configs.load(configs.find("cameras", name, near), Camera)
