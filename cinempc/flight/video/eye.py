"""The camera's eye: an `Eye` whose pictures come over the network.

Reading and decoding have a process of their own (`cinempc.flight.video.process`): a key picture is
a burst of a hundred packets, and the controller's solver lets go of the interpreter for none of
them. This side takes pictures out of shared memory and says when and from where they were taken.
"""

from __future__ import annotations

import contextlib
import pickle
import select
import socket
import subprocess
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from cinempc.flight.video import process as video_process
from cinempc.flight.video.feed import SILENT, rtp_address
from cinempc.flight.video.picture_ring import Depth, Image, Reader
from cinempc.flight.video.reasons import VideoEvent
from cinempc.rig import truth
from cinempc.rig.camera import Camera
from cinempc.rig.log import EventLogger, relay
from cinempc.rig.state import Frame, RigState
from cinempc.rig.truth import FrameTruth
from cinempc.video import sei

#: How long the vehicle is waited for that has not told yet where it was at an exposure, wall s.
_PATIENCE = 0.25
#: Pictures whose truth is remembered.
_TRUTHS = 512
#: Time for the process to end in order, s, and before one that died is followed by another.
_ENDS, _AGAIN = 3.0, 1.0


class VideoEye:
    """A camera's stream as the take loop sees it. A context manager.

    Example:
        >>> eye = VideoEye(
        ...     "rtp://0.0.0.0:5600", "tcp://127.0.0.1:5700", camera.load("super35_zoom"),
        ...     at=rig.at, utc=lambda: rig.report.utc, now=rig.now,
        ... )

    Args:
        address: of the stream; see `cinempc.flight.video.feed.Feed`.
        depth: of the depth stream; None for a camera without.
        camera: its sensor and frame rate.
        at: the rig's state at a past vehicle time, s.
        utc: seconds since 1970 at vehicle time 0; None while it is not known.
        now: vehicle time, s.
        latency: from exposure to arrival, s, for pictures that do not carry their own time, or
            while `utc` is not known.
        waiting: pictures that wait for `frame` before the oldest is dropped.

    Attributes:
        counts: "given" pictures, "dropped" ones, "untimed" ones (their time is a guess),
            "restarts" of the process, and what `Feed` counts.

    Raises:
        AddressError: an address that cannot be one.
    """

    def __init__(
        self,
        address: str,
        depth: str | None,
        camera: Camera,
        *,
        at: Callable[[float], RigState],
        utc: Callable[[], float | None],
        now: Callable[[], float],
        latency: float = 0.15,
        waiting: int = 4,
    ) -> None:
        rtp_address(address)  # tells of a wrong one here
        self._arguments = (address, depth, camera.picture.frame_rate)
        self._sensor = (camera.sensor.width, camera.sensor.height)
        self._half = 0.5 / camera.picture.frame_rate
        self._at, self._utc, self._now = at, utc, now
        self._latency, self._waiting = latency, waiting
        self._log = EventLogger("cinempc.flight.video")
        self._lock = threading.Lock()
        self._pictures: deque[tuple[Image, Depth | None, Any]] = deque()
        self._truths: dict[float, bytes] = {}
        self._own: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._before: Counter[str] = Counter()  # what processes that died had counted
        self._came = float("-inf")
        self._behind: float | None = None  # since when the vehicle has been waited for
        self._closed = threading.Event()
        self._start()
        self._reader = threading.Thread(target=self._read, name="pictures", daemon=True)
        self._reader.start()

    # --- Eye ---

    def frame(self, pixels: bool = True) -> Frame | None:
        """The next picture that was not given yet, in vehicle time; None while there is none, or
        the vehicle has not told yet where it was at exposure. Never waits.

        Raises:
            CinempcError: what ``at``, ``utc`` and ``now`` raise: the vehicle is not there.
        """
        self._take_in()
        with self._lock:
            entry = self._pictures[0] if self._pictures else None
        if entry is None:
            return None
        image, depth, (utc, arrived, about) = entry
        when, sure = self._when(utc, arrived, about)
        state = self._at(when)
        if state.time >= when - 1e-6:
            self._behind = None
        else:
            # Not by the picture's own age: newer ones may take its place before it is old enough,
            # and from a vehicle that has fallen silent no picture would ever come.
            self._behind = self._behind or time.monotonic()
            if time.monotonic() - self._behind < _PATIENCE:
                return None
        with self._lock:
            # Unless it was dropped for newer ones just now.
            if self._pictures and self._pictures[0] is entry:
                self._pictures.popleft()
            self._own["given"] += 1
            self._own["untimed"] += not sure
            if about is not None:
                self._truths[when] = about
                while len(self._truths) > _TRUTHS:
                    del self._truths[next(iter(self._truths))]
        return Frame(when, image, state.camera, state.lens, self._sensor, depth)

    # --- more than an Eye ---

    def truth(self, time: float) -> FrameTruth | None:
        """What the simulator knows of the picture that was given with this time (to half a
        picture's), s; None for a real camera."""
        with self._lock:
            if not self._truths:
                return None
            nearest = min(self._truths, key=lambda t: abs(t - time))
            data = self._truths[nearest]
        found = sei.truth_of(data) if abs(nearest - time) <= self._half else None
        if found is None:
            return None
        try:
            return truth.read(found, nearest)
        except (ValueError, OverflowError):
            return None

    @property
    def silence(self) -> float:
        """Time since the last picture came, wall s; infinite before the first."""
        return time.monotonic() - self._came

    @property
    def healthy(self) -> bool:
        """Whether pictures come."""
        return self.silence < SILENT

    @property
    def counts(self) -> Counter[str]:
        """What became of the pictures; see the class."""
        with self._lock:
            return self._own + self._before + self._told

    def close(self) -> None:
        """End the process and let go of the ports."""
        if self._closed.is_set():
            return
        self._closed.set()
        with self._lock:
            process, channel = self._process, self._channel
        with contextlib.suppress(OSError):
            channel.send(pickle.dumps(("end",)))
        _end(process, _ENDS)
        with contextlib.suppress(OSError):
            channel.shutdown(socket.SHUT_RDWR)
        self._reader.join(_ENDS)
        channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- the time ---

    def _when(self, utc: int | None, arrived: float, about: bytes | None) -> tuple[float, bool]:
        """Vehicle time of an exposure, s, and whether the picture itself has told it."""
        told = None if about is None else sei.truth_of(about)
        if told is not None and (time_told := truth.taken_at(told)) is not None:
            # A simulator's own: PX4's UTC is the wall clock's, which runs away from the time that
            # it simulates when that does not go at a second a second.
            return time_told, True
        start = self._utc()
        if utc is not None and start is not None:
            # In whole µs: a double of seconds since 1970 has no more.
            return (utc - round(start * 1e6)) / 1e6, True
        return self._now() - (time.monotonic() - arrived) - self._latency, False

    # --- the process ---

    def _start(self) -> None:
        process, channel = video_process.start(*self._arguments)
        with self._lock:
            self._channel, self._process, self._ring = channel, process, Reader(channel)

    def _read(self) -> None:
        """Takes in what comes while nobody calls `frame`, and looks after the process."""
        while not self._closed.is_set():
            # Waits, and takes nothing itself: while it waits for the interpreter, `frame` can.
            select.select([self._channel], [], [], 1.0)
            if self._take_in() or self._closed.wait(_AGAIN):
                continue
            # A decoder can fall over what comes from outside: it must not end the flight.
            self._log.log(VideoEvent.PROCESS_ENDED)
            _end(self._process, 0.0)
            self._channel.close()
            with self._lock:
                self._before += self._told
                self._told = Counter()
                self._own["restarts"] += 1
            self._start()
            if self._closed.is_set():  # meanwhile
                _end(self._process, 0.0)

    def _take_in(self) -> bool:
        """Take in what the process has sent; whether it is still there."""
        records = []
        there = True
        with self._lock:
            try:
                while (message := self._ring.receive()) is not None:
                    kind, *rest = message
                    if kind == "record":
                        records.append(rest)
                    elif kind == "counts":
                        self._told = rest[0]
                    elif kind == "picture":
                        image, depth, about = rest
                        self._came = about[1]
                        self._pictures.append((image, depth, about))
                        if len(self._pictures) > self._waiting:
                            self._pictures.popleft()
                            self._own["dropped"] += 1
            except EOFError:
                there = False
        for record in records:
            relay(*record)
        return there


def _end(process: subprocess.Popen[bytes], patience: float) -> None:
    """See a process ended: by itself in ``patience`` s, or by force."""
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
