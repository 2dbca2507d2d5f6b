"""The video streams that a simulated camera offers: what it says of them, and who stops them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cinempc import lens
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.camera import Camera
from sim.mavlink.camera.behaviour import REGULAR, Behaviour, Lacks

#: What is told of a stream's rate, bit/s: a tenth of the recording's 100 Mbit/s.
_BITRATE = 10_000_000


@dataclass(frozen=True)
class Stream:
    """A video stream that is offered.

    ``kind`` is VIDEO_STREAM_TYPE, ``encoding`` VIDEO_STREAM_ENCODING, ``flags``
    VIDEO_STREAM_STATUS_FLAGS beside "running"; ``size`` the picture's width and height, px, the
    camera's own if not given; ``switch`` is called when somebody starts or stops it.
    """

    uri: str
    name: str = "main"
    kind: int = mavlink.VIDEO_STREAM_TYPE_RTSP
    encoding: int = mavlink.VIDEO_STREAM_ENCODING_H264
    size: tuple[int, int] | None = None
    switch: Callable[[bool], None] = lambda on: None
    flags: int = 0
    bitrate: int = _BITRATE


class Streams:
    """The streams of a simulated camera.

    Args:
        camera: whose pictures they carry.
        streams: all of them.
        focal_length: the lens's now, mm.
        send: carries a message away.
        lacks, behaviour: what it does otherwise than one expects.
    """

    def __init__(
        self,
        camera: Camera,
        streams: tuple[Stream, ...],
        focal_length: Callable[[], float],
        send: Callable[[Any], None],
        lacks: Lacks = Lacks.NOTHING,
        behaviour: Behaviour = REGULAR,
    ) -> None:
        self._camera, self._focal_length, self._send = camera, focal_length, send
        self._lacks, self._behaviour = lacks, behaviour
        self._streams = dict(enumerate(streams, behaviour.first_stream))
        self._running = dict.fromkeys(self._streams, True)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._streams)

    def information(self, number: float) -> Any:
        """VIDEO_STREAM_INFORMATION of a stream; 0 sends all. None for one that there is not."""
        return self._of(number, self._information)

    def status(self, number: float) -> Any:
        """VIDEO_STREAM_STATUS of a stream; 0 sends all. None for one that there is not."""
        if self._lacks & Lacks.STREAM_STATUS:
            return None
        return self._of(number, self._status)

    def switch(self, message: Any, on: bool) -> int:
        """MAV_CMD_VIDEO_START_STREAMING and STOP; its MAV_RESULT."""
        number = message.param1
        if (number != 0 and number not in self._streams) or not self._streams:
            return int(mavlink.MAV_RESULT_DENIED)
        for each, stream in self._streams.items():
            if number in (0, each):
                self._running[each] = on
                stream.switch(on)
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _of(self, number: float, make: Callable[[int], Any]) -> Any:
        if math.isnan(number):  # not given: MAVSDK sends this, and means all
            number = 0.0
        if not self._streams:
            return None
        if number in self._streams and (number or not self._behaviour.all_streams):
            return make(int(number))
        if number or not self._behaviour.all_streams:
            return None
        *others, last = self._streams
        for other in others:
            self._send(make(other))
        return make(last)

    def _information(self, number: int) -> Any:
        stream, status = self._streams[number], self._status(number)
        return mavlink.MAVLink_video_stream_information_message(
            number,
            len(self._streams) if self._behaviour.counts_streams else 0,
            stream.kind,
            status.flags,
            status.framerate,
            status.resolution_h,
            status.resolution_v,
            status.bitrate,
            0,
            status.hfov,
            stream.name.encode(),
            stream.uri.encode(),
            stream.encoding,
        )

    def _status(self, number: int) -> Any:
        picture, stream = self._camera.picture, self._streams[number]
        size = stream.size or (picture.width, picture.height)
        angle = lens.field_of_view(self._camera.sensor.width, self._focal_length())
        running = mavlink.VIDEO_STREAM_STATUS_FLAGS_RUNNING if self._running[number] else 0
        return mavlink.MAVLink_video_stream_status_message(
            number,
            running | stream.flags,
            picture.frame_rate,
            *size,
            stream.bitrate,
            0,
            round(math.degrees(angle)),
        )
