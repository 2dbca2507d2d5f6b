"""A video file or a network stream."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import cv2
import numpy as np
from av import VideoFrame, VideoStream
from av.container import InputContainer
from numpy.typing import NDArray

from cinempc import addresses
from cinempc.rig.log import EventLogger
from cinempc.video import streams, upright
from cinempc.video.timing import ASSUMED_RATE, Timeline, believable, typical_rate
from perception.sources.reasons import SourceEvent
from perception.sources.source import Source, SourceError, SourceFrame

_LOG = EventLogger("cinempc.perception.sources")
#: Packets whose time stamps the frame rate of a file is measured by.
_MEASURED = 1000
#: Pictures of a stream that are taken in before the first is given, and the time for that, s: its
#: frame rate is measured by them.
_AHEAD, _AHEAD_TIME = 9, 1.0


class Video(Source):
    """A video file or a network stream, by FFmpeg: pictures upright and with square pixels, at the
    times of their stamps.

    Every picture has the size of the first; one that comes in another is fitted into it.

    Attributes:
        duration: s, as the container says; None where it does not.
    """

    _container: InputContainer | None = None

    def __init__(self, address: str, timeout: float | None = None) -> None:
        self._address, self._timeout = address, timeout
        self.name = name = addresses.shown(address)
        #: A stream, or a pipe, is read once and from one end to the other.
        self._again = not streams.scheme_of(address) and Path(address).is_file()
        self._open()
        stream = self._streams[0]
        self.duration = self._duration(stream)
        scheme = streams.scheme_of(address)
        live = bool(scheme) and (scheme in streams.LIVE_SCHEMES or not self.duration)
        super().__init__(name, live=live)
        self._running: Iterator[SourceFrame] | None = None
        self._ahead: list[SourceFrame] = []
        self._ahead_skipped = 0
        self._stamped = True
        self.frame_rate = self._measured_rate(stream)
        if not live:
            count = self.duration and self.frame_rate and round(self.duration * self.frame_rate)
            self.length = stream.frames or count or None

    def _open(self) -> None:
        name = self.name
        try:
            self._container = streams.open_video(self._address, self._timeout)
            self._streams = streams.videos(self._container)
        except streams.NoVideoError as error:
            self.close()
            raise SourceError(f"{name}: {error}; name a file that holds a video") from error
        except (av.error.FFmpegError, OSError) as error:
            if "://" in name:
                raise SourceError(
                    f"{name}: the stream does not open ({streams.reason(error)}); check the "
                    "address, the network and the password, for instance with `ffplay`"
                ) from error
            what = (
                "the file is empty"
                if Path(name).is_file() and not Path(name).stat().st_size
                else f"neither a picture nor a video that can be read ({streams.reason(error)})"
            )
            raise SourceError(
                f"{name}: {what}; it is damaged, cut short or of another kind: try a "
                "player, or record it again"
            ) from error

    def _duration(self, stream: VideoStream) -> float | None:
        assert self._container is not None
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        return self._container.duration / av.time_base if self._container.duration else None

    def _measured_rate(self, stream: VideoStream) -> float | None:
        """The frame rate by time stamps; what the container claims where there are none."""
        rates = (stream.average_rate, stream.guessed_rate)
        claimed = believable([None if rate is None else float(rate) for rate in rates])
        if self._again:
            stamps = list(self._stamps(stream.index))
            measured = typical_rate(stamps)
            told = {stamp for stamp in stamps if stamp is not None}
            if measured is None and len(told) > 1:
                self._stamped = False
                rate = claimed or ASSUMED_RATE
                _LOG.log(SourceEvent.NO_TIMES, file=self.name, rate=rate)
                return rate
            return measured or claimed
        self.frame_rate = claimed
        began = time.monotonic()
        self._running = self._decoded()
        for picture in self._running:
            self._ahead.append(picture)
            if len(self._ahead) >= _AHEAD or time.monotonic() - began > _AHEAD_TIME:
                break
        self._ahead_skipped = self.skipped
        return typical_rate(picture.time for picture in self._ahead) or claimed

    def _stamps(self, index: int) -> Iterator[float | None]:
        """Time stamps of a file's first packets, s, in the order of decoding."""
        try:
            with streams.open_video(self._address, self._timeout) as container:
                packets = container.demux(container.streams[index])
                for packet in itertools.islice(packets, _MEASURED):
                    stamp = packet.pts if packet.dts is None else packet.dts
                    yield None if stamp is None else float(stamp * packet.time_base)
        except (av.error.FFmpegError, OSError):
            return  # what came before the damage tells the rate as well

    def _pictures(self) -> Iterator[SourceFrame]:
        if self._container is None:
            self._open()
        self.skipped += self._ahead_skipped
        ahead, self._ahead, self._ahead_skipped = self._ahead, [], 0
        yield from ahead
        self._running = self._running or self._decoded()
        yield from self._running

    def _decoded(self) -> Iterator[SourceFrame]:
        """The pictures of the best stream that gives any."""
        # Some streams have no key picture at all, and renew the picture bit by bit.
        attempts = itertools.product((True, False), range(len(self._streams)))
        for attempt, (from_key, number) in enumerate(attempts):
            if attempt:
                self.close()
                self.skipped = 0
                self._open()
            given = False
            for picture in self._upright(self._streams[number], from_key):
                given = True
                yield picture
            if given or not self._again:
                return

    def _upright(self, stream: VideoStream, from_key: bool) -> Iterator[SourceFrame]:
        assert self._container is not None
        times = Timeline(1 / (self.frame_rate or ASSUMED_RATE), streams.leap_of(self._container))
        stream.thread_type = "AUTO"
        aspect = upright.pixel_aspect(stream)
        began = not from_key
        for number, frame in enumerate(self._frames(stream)):
            # Before the first key picture the picture is grey, or what was left of another.
            began = began or (frame is not None and frame.key_frame)
            if frame is None or frame.is_corrupt or not began:
                self.skipped += 1
                continue
            try:
                image = self._fitted(upright.to_rgb(frame, aspect))
            except (av.error.FFmpegError, ValueError):
                self.skipped += 1
                continue
            yield SourceFrame(times.at(self._stamp(frame)), image, str(number))

    def _stamp(self, frame: VideoFrame) -> float | None:
        """A frame's time, s: a live stream's that tells none is its arrival."""
        stamp = frame.dts if frame.pts is None else frame.pts
        if self._stamped and stamp is not None and frame.time_base is not None:
            return float(stamp * frame.time_base)
        return time.monotonic() if self.live else None

    def _fitted(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture in the size of the first one, with black bars where it is of another shape."""
        size = (image.shape[1], image.shape[0])
        if self.size is None:
            self.size = size
        if size == self.size:
            return image
        wide, high = self.size
        scale = min(wide / size[0], high / size[1])
        inner = (min(round(size[0] * scale), wide), min(round(size[1] * scale), high))
        whole = np.zeros((high, wide, 3), np.uint8)
        left, top = (wide - inner[0]) // 2, (high - inner[1]) // 2
        inner = (max(inner[0], 1), max(inner[1], 1))
        whole[top : top + inner[1], left : left + inner[0]] = cv2.resize(
            image, inner, interpolation=cv2.INTER_AREA
        )
        return whole

    def _frames(self, stream: VideoStream) -> Iterator[VideoFrame | None]:
        """Frames as they decode, None for each packet that does not."""
        assert self._container is not None
        packets = self._container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.error.FFmpegError, OSError) as error:
                if self.live:
                    raise SourceError(
                        f"{self.name}: the stream broke off ({streams.reason(error)}); check the "
                        "link and start again"
                    ) from error
                yield None  # what is left of a damaged file cannot even be taken apart
                return
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                yield None
                continue
            for frame in frames:
                assert isinstance(frame, VideoFrame)
                yield frame

    def close(self) -> None:
        """Let go of it; a second call does nothing."""
        self._running = None
        if self._container is not None:
            self._container.close()
            self._container = None
