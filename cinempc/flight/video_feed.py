"""Reads a camera's streams: decodes pictures, finds their time in them, and joins depth to them.

`cinempc.flight.video_process` runs it in a process of its own: decoding waits for nobody there, and
a stream that brings the decoder down takes nothing with it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import av
import av.error
from av.codec.context import Flags
from av.sidedata.sidedata import Type as SideData

from cinempc import streams
from cinempc.errors import CinempcError
from cinempc.flight import rtp, sei
from cinempc.flight.depth_join import Depth, DepthJoin, Taken

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

Tell = Callable[[str, str], None]  #: level, sentence


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
        tell: told what the log shall say.

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
        tell: Tell,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._address, self._depth_address = address, depth
        self._join = DepthJoin(rate, give)
        self._tell = tell
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
            self._tell("warning", f"no picture came from {self._address} for {SILENT:g} s")

    # --- pictures ---

    def _pictures(self) -> None:
        where = rtp_address(self._address)

        def opened() -> Iterator[tuple[Any, float]]:
            if where is not None:
                return _rtp_frames(where, self._stop, self.counts)
            return _frames(self._address, self._stop, self.counts)

        self._read(opened, self._take, self._address, "the video")

    def _take(self, frame: Any, arrived: float) -> None:
        if frame.width * frame.height > _LARGEST:
            self.counts["corrupt"] += 1
            return
        utc, truth = _about(frame)
        picture = Taken(frame.to_ndarray(format="rgb24"), utc, arrived, truth)
        self._came = arrived
        if self._silent:
            self._silent = False
            self._tell("info", f"pictures come from {self._address}")
        self._join.picture(picture)

    def _read(
        self,
        opened: Callable[[], Iterator[tuple[Any, float]]],
        use: Callable[[Any, float], None],
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
                self._tell("warning", f"{what} at {address} cannot be had ({problem}); tried again")
            self._stop.wait(pause)
            pause = min(2 * pause, _AT_MOST)

    # --- depth ---

    def _depth(self) -> None:
        assert self._depth_address is not None
        address = self._depth_address

        def opened() -> Iterator[tuple[Any, float]]:
            return _frames(address, self._stop, Counter())

        self._read(opened, self._take_depth, address, "the depth")

    def _take_depth(self, frame: Any, arrived: float) -> None:
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
) -> Iterator[tuple[Any, float]]:
    """Frames of a stream or file, and when they arrived."""
    with streams.open_video(address, (_OPEN, _NEXT), at_once=True) as container:
        if not container.streams.video:
            raise ValueError("there is no video in it")
        stream = container.streams.video[0]
        stream.thread_type = "SLICE"  # threads by frame would hold frames back
        stream.codec_context.flags |= Flags.low_delay
        live = bool(streams.scheme_of(address))
        began: tuple[float, float] | None = None
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
                    if not live and frame.time is not None:
                        began = began or (arrived, frame.time)
                        stop.wait(max(0.0, began[0] + frame.time - began[1] - time.monotonic()))
                        arrived = time.monotonic()
                    yield frame, arrived


# --- RTP ---


def _rtp_frames(
    where: RtpAddress, stop: threading.Event, counts: Counter[str]
) -> Iterator[tuple[Any, float]]:
    """Frames of H.264 over RTP, and when they arrived."""
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
                    yield frame, arrived


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
        port.bind((where.host, where.port))
    except OSError:
        port.close()
        raise
    return port


class _Decoder:
    """Decodes H.264 pictures, and none that rests on one that was lost."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._begin()

    def _begin(self) -> None:
        self._codec = av.CodecContext.create("h264", "r")
        self._codec.thread_type = "SLICE"  # threads by frame would hold frames back
        self._codec.flags |= Flags.low_delay
        self._waiting: int | None = -1  # for a key picture, since this time stamp

    def decode(self, picture: rtp.Picture) -> list[Any]:
        """The frames that are whole with this picture: one, or none."""
        if not self._may(picture):
            self._counts["skipped"] += 1
            return []
        try:
            frames = self._codec.decode(av.Packet(picture.data))
        except (av.error.FFmpegError, ValueError):
            self._counts["corrupt"] += 1
            self._begin()
            return []
        whole = [frame for frame in frames if not frame.is_corrupt]
        if len(whole) < len(frames):
            self._counts["corrupt"] += len(frames) - len(whole)
            self._waiting = picture.timestamp
        return whole

    def _may(self, picture: rtp.Picture) -> bool:
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
