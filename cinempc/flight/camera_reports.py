"""What a camera tells of itself, out of its messages: checked, in the project's units."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cinempc.flight.dialect import mavlink

#: What a camera may call a stream of depth, among other words.
_DEPTH = "depth"


@dataclass(frozen=True)
class Storage:
    """What the camera records on: MiB, NaN where not told; ``status`` is STORAGE_STATUS."""

    status: int
    total: float
    used: float
    available: float


@dataclass(frozen=True)
class Capture:
    """What the camera does: whether it records, for how long, s, and what is left, MiB."""

    recording: bool
    recorded: float
    available: float


@dataclass(frozen=True)
class VideoStream:
    """A video stream that the camera offers: its address, VIDEO_STREAM_TYPE, px, 1/s."""

    number: int
    name: str
    address: str
    kind: int
    width: int
    height: int
    frame_rate: float


@dataclass(frozen=True)
class Information:
    """What the camera says to be: sensor in mm, CAMERA_CAP_FLAGS."""

    vendor: str
    model: str
    flags: int
    focal_length_mm: float
    sensor_mm: tuple[float, float]
    definition_uri: str


def storage(message: Any) -> Storage:
    """STORAGE_INFORMATION."""
    return Storage(
        int(message.status),
        _size(message.total_capacity),
        _size(message.used_capacity),
        _size(message.available_capacity),
    )


def capture(message: Any) -> Capture:
    """CAMERA_CAPTURE_STATUS."""
    return Capture(
        bool(message.video_status & 1),
        message.recording_time_ms / 1e3,
        _size(message.available_capacity),
    )


def video_stream(message: Any) -> VideoStream:
    """VIDEO_STREAM_INFORMATION."""
    return VideoStream(
        int(message.stream_id),
        message.name,
        message.uri,
        int(message.type),
        int(message.resolution_h),
        int(message.resolution_v),
        _size(message.framerate),
    )


def source(stream: VideoStream) -> str:
    """The address that a stream is read at.

    A stream that is sent by UDP is offered with the number of the port that it is sent to.
    """
    schemes = {
        mavlink.VIDEO_STREAM_TYPE_RTPUDP: "rtp",
        mavlink.VIDEO_STREAM_TYPE_MPEG_TS: "udp",
    }
    scheme, address = schemes.get(stream.kind), stream.address.strip()
    if scheme is None:
        return address
    # Some send an address all the same: of their own kinds (udp://, mpegts://), or without one.
    host, _, port = address.split("://", 1)[-1].rpartition(":")
    return f"{scheme}://{host or '0.0.0.0'}:{port}"


def sources(streams: Iterable[VideoStream]) -> tuple[str | None, str | None]:
    """Addresses of the pictures and of their depth: of the first stream that is no depth, and of
    the first that is by its name; None where there is none."""
    video = depth = None
    for stream in streams:
        if not stream.address:
            continue
        if _DEPTH in stream.name.lower():
            depth = depth or source(stream)
        else:
            video = video or source(stream)
    return video, depth


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
