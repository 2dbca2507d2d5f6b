"""Reads a camera's streams: decodes pictures, finds their time in them, and joins depth to them.

`cinempc.flight.video.process` runs it in a process of its own: decoding waits for nobody there, and
a stream that brings the decoder down takes nothing with it.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import math
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
from av.codec.context import Flags
from av.sidedata.sidedata import Type as SideData

from cinempc import addresses
from cinempc.errors import CinempcError
from cinempc.flight.video import rtp
from cinempc.flight.video.access_units import AccessUnit, Coding
from cinempc.flight.video.depth_join import Depth, DepthJoin, Taken
from cinempc.flight.video.reasons import VideoEvent
from cinempc.rig.log import EventLogger
from cinempc.video import sei, streams, upright
from cinempc.video.timing import ASSUMED_RATE, Timeline, believable

#: Time for a stream to open, and for its next packet, s.
_OPEN, _NEXT = 5.0, 5.0
#: Time between two tries to open a stream, s, and what it grows to.
_AGAIN, _AT_MOST = 0.3, 3.0
#: Time without a picture, wall s, that is told.
SILENT = 2.0
#: Stream time, s, after which decoding begins without a key picture: some cameras send none, and
#: renew the picture bit by bit.
_PATIENCE = 5.0
_CLOCK = 90_000  # RTP's for video, 1/s
#: Longest truth, bytes, and largest picture, px, that are believed: 5.3K is.
_LONGEST, _LARGEST = 1 << 16, 1 << 24

#: A decoded frame, and the width of its pixels by their height where that is known.
Decoded = tuple[Any, Fraction | None]


class AddressError(CinempcError):
    """An address of a stream that cannot be one."""


@dataclass(frozen=True)
class RtpAddress:
    """Where RTP is listened for."""

    host: str
    port: int


def rtp_address(address: str) -> RtpAddress | None:
    """Host and port of ``rtp://HOST:PORT`` or of a port alone; None for another kind of address.

    Raises:
        AddressError: RTP without a port that can be.
    """
    if not address.isdigit() and streams.scheme_of(address) != "rtp":
        return None
    where = re.fullmatch(r"(?:rtp://@?([^:/@]*):)?(\d{1,5})", address, re.IGNORECASE)
    if where is None or not 0 < int(where[2]) < 65536:
        raise AddressError(
            f"{address}: RTP is listened for at a port of this machine: write rtp://0.0.0.0:5600"
        )
    return RtpAddress(where[1] or "0.0.0.0", int(where[2]))


class Feed:
    """Reads the pictures' stream and the depth's, for ever, in threads of its own.

    Args:
        address: ``rtp://HOST:PORT`` (listens there), or what FFmpeg opens: rtsp://, tcp://,
            udp:// (MPEG-TS), a file, which is played at its own pace and once.
        depth: of the depth stream: 16 bits of grey, mm, 0 for none, its times µs since 1970.
        rate: pictures a second.
        give: takes each picture and its depth; see `DepthJoin`.

    Attributes:
        counts: "corrupt" pictures, those "skipped" until the next key picture, "undepthed" ones;
            and what `rtp.Receiver` counts.
    """

    def __init__(
        self,
        address: str,
        depth: str | None,
        rate: float,
        give: Callable[[Taken, Depth | None], None],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._address, self._depth_address = address, depth
        self._shown = addresses.shown(address)
        self._join = DepthJoin(rate, give)
        self._log = EventLogger("cinempc.flight.video")
        self._stop = threading.Event()
        self._came = time.monotonic()
        self._silent = False
        self._threads = [threading.Thread(target=self._pictures, name="pictures", daemon=True)]
        if depth is not None:
            self._threads.append(threading.Thread(target=self._depth, name="depth", daemon=True))
        for thread in self._threads:
            thread.start()

    def close(self, timeout: float) -> None:
        """Stop reading, and take leave of the camera, which takes ``timeout`` s at most; threads
        that wait for what does not come are left behind."""
        self._stop.set()
        self._threads[0].join(timeout)

    def settle(self) -> None:
        """Give what has waited long enough, and tell of silence. To be called often."""
        self._join.settle()
        self.counts["undepthed"] = self._join.alone
        silence = time.monotonic() - self._came
        if silence > SILENT and not self._silent:
            self._silent = True
            self._log.log(VideoEvent.NO_PICTURE, address=self._shown, silence=SILENT)

    # --- pictures ---

    def _pictures(self) -> None:
        where = rtp_address(self._address)

        def opened() -> Iterator[tuple[Decoded, float]]:
            if where is not None:
                return _rtp_frames(where, self._stop, self.counts)
            return _frames(self._address, self._stop, self.counts)

        self._read(opened, self._take, self._address, "the video")

    def _take(self, decoded: Decoded, arrived: float) -> None:
        frame, aspect = decoded
        if math.prod(upright.square_size(frame.width, frame.height, aspect)) > _LARGEST:
            self.counts["corrupt"] += 1
            return
        utc, truth = _about(frame)
        picture = Taken(upright.to_rgb(frame, aspect), utc, arrived, truth)
        self._came = arrived
        if self._silent:
            self._silent = False
            self._log.log(VideoEvent.PICTURES, address=self._shown)
        self._join.picture(picture)

    def _read(
        self,
        opened: Callable[[], Iterator[tuple[Decoded, float]]],
        use: Callable[[Decoded, float], None],
        address: str,
        what: str,
    ) -> None:
        """Use what a stream gives; it is opened anew whenever it breaks off."""
        pause, told = _AGAIN, False
        while not self._stop.is_set():
            problem = "it ended"
            try:
                for frame, arrived in opened():
                    use(frame, arrived)
                    pause, told = _AGAIN, False
            except av.error.ExitError:  # of the time-outs
                problem = f"nothing came for {_NEXT:g} s"
            except (av.error.FFmpegError, OSError) as error:
                problem = streams.reason(error)
            except Exception as error:  # there is nothing that hostile bytes cannot bring about
                problem = str(error) or repr(error)
            if self._stop.is_set():
                return
            if problem == "it ended" and not streams.scheme_of(address) and not address.isdigit():
                return  # a file
            if not told:
                told = True
                shown = addresses.shown(address)
                self._log.log(VideoEvent.UNAVAILABLE, stream=what, address=shown, error=problem)
            self._stop.wait(pause)
            pause = min(2 * pause, _AT_MOST)

    # --- depth ---

    def _depth(self) -> None:
        assert self._depth_address is not None
        address = self._depth_address

        def opened() -> Iterator[tuple[Decoded, float]]:
            return _frames(address, self._stop, Counter())

        self._read(opened, self._take_depth, address, "the depth")

    def _take_depth(self, decoded: Decoded, arrived: float) -> None:
        frame, _ = decoded
        if frame.format.name != "gray16le" or frame.pts is None or frame.time_base is None:
            raise ValueError(f"it is {frame.format.name}, not 16 bits of grey with times")
        utc = round(frame.pts * frame.time_base * 1_000_000)
        self._join.depth(utc, frame.to_ndarray(format="gray16le"))


def _about(frame: Any) -> tuple[int | None, bytes | None]:
    """Time and truth that a frame carries."""
    utc = truth = None
    for data in frame.side_data:
        if data.type is not SideData.SEI_UNREGISTERED:
            continue
        told = bytes(data)
        utc = sei.utc_of(told) if utc is None else utc
        if told[:16] == sei.TRUTH and len(told) < _LONGEST:
            truth = told
    return utc, truth


# --- streams that FFmpeg opens ---


def _frames(
    address: str, stop: threading.Event, counts: Counter[str]
) -> Iterator[tuple[Decoded, float]]:
    """Frames of a stream or file, and when they arrived."""
    with streams.open_video(address, (_OPEN, _NEXT), at_once=True) as container:
        stream = streams.videos(container)[0]
        claimed = [None if rate is None else float(rate)
                   for rate in (stream.average_rate, stream.guessed_rate)]  # fmt: skip
        times = Timeline(1 / (believable(claimed) or ASSUMED_RATE), streams.leap_of(container))
        aspect = upright.pixel_aspect(stream)
        stream.thread_type = "SLICE"  # threads by frame would hold frames back
        stream.codec_context.flags |= Flags.low_delay
        live = bool(streams.scheme_of(address))
        began: float | None = None
        waiting = False
        for packet in container.demux(stream):
            if stop.is_set():
                return
            arrived = time.monotonic()
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                counts["corrupt"] += 1
                waiting = True
                continue
            for frame in frames:
                if frame.is_corrupt or packet.is_corrupt:
                    counts["corrupt"] += 1
                    waiting = True
                elif waiting and not frame.key_frame:
                    counts["skipped"] += 1
                else:
                    waiting = False
                    if not live:
                        began = arrived if began is None else began
                        due = began + times.at(frame.time)
                        stop.wait(max(0.0, due - time.monotonic()))
                        arrived = time.monotonic()
                    yield (frame, aspect), arrived


# --- RTP ---


def _rtp_frames(
    where: RtpAddress, stop: threading.Event, counts: Counter[str]
) -> Iterator[tuple[Decoded, float]]:
    """Frames of H.264 or H.265 over RTP, and when they arrived."""
    receiver, decoder = rtp.Receiver(counts), _Decoder(counts)
    with contextlib.closing(_listen(where)) as port:
        port.settimeout(0.05)
        while not stop.is_set():
            try:
                datagram, sender = port.recvfrom(1 << 16)
            except TimeoutError:
                pictures = receiver.wait(time.monotonic())
            else:
                pictures = receiver.take(datagram, sender, time.monotonic())
            for picture in pictures:
                arrived = time.monotonic()
                for frame in decoder.decode(picture):
                    yield (frame, decoder.aspect), arrived


def _listen(where: RtpAddress) -> socket.socket:
    port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        # A key picture comes in a burst.
        port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        with contextlib.suppress(ValueError):
            if ipaddress.ip_address(where.host).is_multicast:
                port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                group = struct.pack("4s4s", socket.inet_aton(where.host), bytes(4))
                port.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        _bind(port, where)
    except OSError:
        port.close()
        raise
    return port


def _bind(port: socket.socket, where: RtpAddress) -> None:
    try:
        port.bind((where.host, where.port))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        # The address is no machine's name of this one: some cameras offer their own.
        port.bind(("0.0.0.0", where.port))


class _Decoder:
    """Decodes H.264 and H.265 pictures, and none that rests on one that was lost."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._begin("h264")

    def _begin(self, coding: Coding) -> None:
        self._coding: Coding = coding
        self._codec = av.CodecContext.create(coding, "r")
        self._codec.thread_type = "SLICE"  # threads by frame would hold frames back
        self._codec.flags |= Flags.low_delay
        self._waiting: int | None = -1  # for a key picture, since this time stamp

    @property
    def aspect(self) -> Fraction | None:
        """Width of the pixels by their height, as the stream says it."""
        return self._codec.sample_aspect_ratio

    def decode(self, picture: AccessUnit) -> list[Any]:
        """The frames that are whole with this picture: one, or none."""
        if picture.codec != self._coding:
            self._begin(picture.codec)
        if not self._may(picture):
            self._counts["skipped"] += 1
            return []
        try:
            frames = self._codec.decode(av.Packet(picture.data))
        except (av.error.FFmpegError, ValueError):
            self._counts["corrupt"] += 1
            self._begin(picture.codec)
            return []
        whole = [frame for frame in frames if not frame.is_corrupt]
        if len(whole) < len(frames):
            self._counts["corrupt"] += len(frames) - len(whole)
            self._waiting = picture.timestamp
        return whole

    def _may(self, picture: AccessUnit) -> bool:
        if picture.key:
            self._waiting = None
        elif self._waiting is None:
            if picture.gap:
                self._waiting = picture.timestamp
        elif self._waiting < 0:
            self._waiting = picture.timestamp
        elif (picture.timestamp - self._waiting) & 0xFFFFFFFF > _PATIENCE * _CLOCK:
            self._waiting = None
        return self._waiting is None
