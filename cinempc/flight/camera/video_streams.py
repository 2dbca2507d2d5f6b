"""The video streams that a camera offers: which of them is the picture, which the depth, and at
what address each is read.

Sources: the camera protocol of mavlink.io (VIDEO_STREAM_INFORMATION); the schemes ``udp265`` and
``mpegts`` are QGroundControl's, which some cameras put into their addresses.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cinempc.errors import CinempcError
from cinempc.flight.camera.reasons import StreamFault
from cinempc.flight.camera.reports import says_heat
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.log import Problem, problem

#: Most streams that are taken in: their numbers and names are anybody's.
MOST = 16
#: What a camera may call a stream of depth, among other words.
_DEPTH = "depth"
_THERMAL = (
    mavlink.VIDEO_STREAM_STATUS_FLAGS_THERMAL
    | mavlink.VIDEO_STREAM_STATUS_FLAGS_THERMAL_RANGE_ENABLED
)
#: Schemes that say how a stream is read, whatever its type is declared to be.
_CLEAR = frozenset({"rtsp", "rtsps", "rtmp", "rtmps", "srt", "tcp", "http", "https"})
#: Schemes that say that it is RTP, and that it is MPEG-TS, both by UDP.
_RTP, _TRANSPORT_STREAM = frozenset({"rtp", "udp264", "udp265"}), frozenset({"mpegts"})


class StreamError(CinempcError):
    """A stream that cannot be read; ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True)
class VideoStream:
    """A video stream that the camera offers: its address, VIDEO_STREAM_TYPE, px, 1/s (zeros and NaN
    where it does not say), VIDEO_STREAM_STATUS_FLAGS, and how many streams it says that there
    are."""

    number: int
    name: str
    address: str
    kind: int
    width: int
    height: int
    frame_rate: float
    flags: int = 0
    count: int = 0

    @property
    def is_depth(self) -> bool:
        """Whether it is of depth, by its name."""
        return _DEPTH in self.name.lower()

    @property
    def is_thermal(self) -> bool:
        """Whether it shows heat, by its flags or its name."""
        return bool(self.flags & _THERMAL) or says_heat(self.name)


@dataclass(frozen=True)
class Choice:
    """What is read of a camera's streams.

    Attributes:
        video, depth: addresses of the pictures and of their depth; None where there is none.
        problems: streams that cannot be read, and whether the pictures show heat for want of
            others.
    """

    video: str | None = None
    depth: str | None = None
    problems: tuple[Problem, ...] = ()


def video_stream(message: Any) -> VideoStream:
    """VIDEO_STREAM_INFORMATION."""
    rate = float(message.framerate)
    return VideoStream(
        int(message.stream_id),
        message.name,
        message.uri,
        int(message.type),
        int(message.resolution_h),
        int(message.resolution_v),
        rate if math.isfinite(rate) and rate >= 0 else math.nan,
        int(message.flags),
        int(message.count),
    )


def source(stream: VideoStream) -> str:
    """The address that a stream is read at.

    The scheme of the address goes before the declared type, which is often left at its default
    (RTSP, 0). A stream that is sent by UDP may be offered with the number of the port alone.

    Raises:
        StreamError: there is none, or it is of a kind that is not read.
    """
    address = stream.address.strip()
    if not address:
        raise _fault(StreamFault.NO_ADDRESS, stream)
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "", address
    scheme = scheme.lower()
    if stream.kind == mavlink.VIDEO_STREAM_TYPE_WHEP and scheme in ("", "http", "https"):
        raise _fault(StreamFault.UNREADABLE, stream, kind="WHEP (WebRTC)")
    if scheme in _CLEAR:
        return address
    if scheme in _RTP:
        return _by_udp("rtp", rest, stream)
    if scheme in _TRANSPORT_STREAM:
        return _by_udp("udp", rest, stream)
    if scheme not in ("", "udp"):
        raise _fault(StreamFault.UNREADABLE, stream, kind=f"{scheme[:20]}://")
    match stream.kind:
        case mavlink.VIDEO_STREAM_TYPE_RTPUDP:
            return _by_udp("rtp", rest, stream)
        case mavlink.VIDEO_STREAM_TYPE_MPEG_TS:
            return _by_udp("udp", rest, stream)
        case _ if scheme == "udp":
            return _by_udp("udp", rest, stream)
        case mavlink.VIDEO_STREAM_TYPE_TCP_MPEG if re.fullmatch(r"[^/]+:\d+", rest):
            return f"tcp://{rest}"
        case _ if rest.isdigit():
            return _by_udp("rtp", rest, stream)
        case mavlink.VIDEO_STREAM_TYPE_RTSP if re.fullmatch(r"[^/\s]+(:\d+)?(/\S*)?", rest):
            return f"rtsp://{rest}"
    raise _fault(StreamFault.NO_NETWORK_ADDRESS, stream)


def _by_udp(scheme: str, rest: str, stream: VideoStream) -> str:
    host, _, port = rest.split("/", 1)[0].rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise _fault(StreamFault.NO_PORT, stream)
    return f"{scheme}://{host or '0.0.0.0'}:{int(port)}"


def choose(streams: Iterable[VideoStream]) -> Choice:
    """The pictures and their depth: the first stream in colours that can be read, one of heat only
    where there is none, and the first of depth."""
    found: dict[str, str] = {}  # the first address of each sort
    problems = []
    for stream in streams:
        try:
            address = source(stream)
        except StreamError as error:
            problems.append(error.problem)
            continue
        sort = "depth" if stream.is_depth else "heat" if stream.is_thermal else "colour"
        found.setdefault(sort, address)
    if "heat" in found and "colour" not in found:
        problems.append(problem(StreamFault.ONLY_HEAT))
    return Choice(found.get("colour", found.get("heat")), found.get("depth"), tuple(problems))


def _fault(reason: StreamFault, stream: VideoStream, **data: Any) -> StreamError:
    # Not the address: it may hold a password.
    name = stream.name.strip() or "without a name"
    return StreamError(problem(reason, number=stream.number, name=name, **data))
