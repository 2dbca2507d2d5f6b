"""What a camera tells of itself, out of its messages: checked, in the project's units."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

#: What a camera or a stream of heat may be called, among other words.
_HEAT = re.compile(r"thermal|infra-?red|(?<![a-z])(ir|flir|lwir|mwir|swir|nir)(?![a-z])", re.I)


@dataclass(frozen=True)
class Capture:
    """What the camera does: whether it records, for how long, s, and what is left, MiB."""

    recording: bool
    recorded: float
    available: float


@dataclass(frozen=True)
class Storage:
    """A card: STORAGE_STATUS, its size and what is left of it, MiB, NaN where that is not told."""

    status: int
    size: float
    available: float


@dataclass(frozen=True)
class Information:
    """What the camera says to be: sensor in mm, CAMERA_CAP_FLAGS."""

    vendor: str
    model: str
    flags: int
    focal_length_mm: float
    sensor_mm: tuple[float, float]
    definition_uri: str

    @property
    def is_thermal(self) -> bool:
        """Whether it is one for heat, by its name."""
        return says_heat(self.model)


def says_heat(name: str) -> bool:
    """Whether a name, of a camera or of a stream, says that it shows heat."""
    return _HEAT.search(name) is not None


def capture(message: Any) -> Capture:
    """CAMERA_CAPTURE_STATUS."""
    return Capture(
        bool(message.video_status & 1),
        message.recording_time_ms / 1e3,
        _size(message.available_capacity),
    )


def storage(message: Any) -> Storage:
    """STORAGE_INFORMATION."""
    return Storage(
        int(message.status), _size(message.total_capacity), _size(message.available_capacity)
    )


def information(message: Any) -> Information:
    """CAMERA_INFORMATION."""
    return Information(
        _text(bytes(message.vendor_name)),
        _text(bytes(message.model_name)),
        int(message.flags),
        _size(message.focal_length),
        (_size(message.sensor_size_h), _size(message.sensor_size_v)),
        message.cam_definition_uri,
    )


def _size(value: float) -> float:
    return float(value) if math.isfinite(value) and value >= 0 else math.nan


def _text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8", "replace")
