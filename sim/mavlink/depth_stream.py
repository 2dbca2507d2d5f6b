"""The simulated depth camera's stream: NUT with FFV1 over TCP, for whoever connects.

Depth is 16 bits of grey, mm, 0 where nothing was measured; its time is the picture's, µs since
1970. NUT keeps such times as they are, and FFV1 loses nothing; FFmpeg reads both.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from fractions import Fraction

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from cinempc.errors import CinempcError

#: Pictures that wait for a client before the oldest is dropped.
_WAITING = 4
#: Time after which a client that takes nothing is let go, s.
_STUCK = 5.0
_MICROSECONDS = Fraction(1, 1_000_000)
#: Farthest that 16 bits of mm reach, m.
_FARTHEST = 65.535

Depth = NDArray[np.float32]
Millimetres = NDArray[np.uint16]


def millimetres(depth: Depth) -> Millimetres:
    """Depth (h, w), m, as it is sent: mm, 0 where there is none or it is beyond 65 m."""
    with np.errstate(invalid="ignore"):
        measured = (depth > 0) & (depth <= _FARTHEST)
    return np.where(measured, np.rint(depth * 1000), 0).astype(np.uint16)


class DepthStream:
    """Serves depth; nobody who is slow, stuck or rude makes it wait.

    Args:
        host, port: where it listens; port 0 takes any that is free.
        rate: pictures a second, for the header.

    Attributes:
        port: where it listens.
        dropped: pictures that a client was too slow for.

    Raises:
        CinempcError: the port cannot be had.
    """

    def __init__(self, host: str, port: int, rate: float) -> None:
        self._rate = Fraction(rate).limit_denominator(1001)
        self._clients: list[_Client] = []
        self._lock = threading.Lock()
        self.dropped = 0
        self._server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._server.bind((host, port))
        except OSError as error:
            self._server.close()
            raise CinempcError(
                f"TCP port {port} for the depth stream cannot be had ({error.strerror}): another "
                "simulation runs? End it, or give another --instance"
            ) from None
        self._server.listen()
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, name="depth clients", daemon=True).start()

    def send(self, utc: int, depth: Depth) -> None:
        """Send depth (h, w), m, at a time, µs since 1970, to those who are there."""
        with self._lock:
            self._clients = [client for client in self._clients if client.alive]
            clients = list(self._clients)
        if not clients:
            return
        picture = millimetres(depth)
        for client in clients:
            self.dropped += client.offer(utc, picture)

    def close(self) -> None:
        """Let go of port and clients."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self._server.close()
        with self._lock:
            for client in self._clients:
                client.close()
            self._clients = []

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            connection.settimeout(_STUCK)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._clients.append(_Client(connection, self._rate))


class _Client:
    """One who is connected: a queue, and a thread that encodes and sends."""

    def __init__(self, connection: socket.socket, rate: Fraction) -> None:
        self._connection, self._rate = connection, rate
        self._queue: queue.Queue[tuple[int, Millimetres] | None] = queue.Queue(_WAITING)
        self.alive = True
        threading.Thread(target=self._serve, name="depth client", daemon=True).start()

    def offer(self, utc: int, picture: Millimetres) -> int:
        """Put a picture in the queue; how many were dropped for it."""
        dropped = 0
        while True:
            try:
                self._queue.put_nowait((utc, picture))
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    self._queue.get_nowait()
                    dropped += 1
            else:
                return dropped

    def close(self) -> None:
        """Disconnect."""
        self.alive = False
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)  # wakes who waits for a picture

    def _serve(self) -> None:
        try:
            first = self._queue.get()
            if first is not None:
                self._stream(first)
        except (OSError, av.error.FFmpegError):
            pass  # it has gone
        finally:
            self.alive = False
            self._connection.close()

    def _stream(self, first: tuple[int, Millimetres]) -> None:
        height, width = first[1].shape
        container = av.open(
            _Writer(self._connection), "w", format="nut", container_options={"flush_packets": "1"}
        )
        stream = container.add_stream("ffv1", rate=self._rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "gray16le"
        # Every picture stands for itself: one that was dropped is not missed by the next.
        stream.options = {"level": "3", "g": "1", "slices": "4"}
        stream.time_base = stream.codec_context.time_base = _MICROSECONDS
        entry: tuple[int, Millimetres] | None = first
        while entry is not None and self.alive:
            frame = av.VideoFrame.from_ndarray(entry[1], format="gray16le")
            frame.pts, frame.time_base = entry[0], _MICROSECONDS
            container.mux(stream.encode(frame))
            entry = self._queue.get()


class _Writer:
    """A socket as the file that PyAV writes to."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def write(self, data: bytes) -> int:
        """Send all of it."""
        self._connection.sendall(data)
        return len(data)
