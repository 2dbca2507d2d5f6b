"""A bad radio: passes datagrams on between a vehicle and its client, and loses, delays, reorders
and repeats them on the way."""

from __future__ import annotations

import heapq
import random
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


@dataclass
class Way:
    """What happens in one direction. May be changed while it runs.

    Attributes:
        loss: share of the packets that is lost; 1 cuts the link.
        delay: of every packet, s.
        jitter: and up to so much more, each by itself, so that they overtake each other.
        duplicate: share of the packets that comes twice.
    """

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    duplicate: float = 0.0


class Proxy:
    """Stands where the client would be, and passes on to where it is.

    Args:
        vehicle: UDP port of the vehicle.
        listen: to which the vehicle sends.
        client: UDP port of the client.
        seed: of what is lost.

    Attributes:
        client: as given.
        tap: told of every packet that goes to the vehicle, in the proxy's thread.
        pace: vehicle seconds per wall second, for delays in the vehicle's time: a busy machine
            slows a simulation down.
        up, down: to the vehicle, and from it.
        passed, lost: packets, both ways.
    """

    def __init__(self, vehicle: int, listen: int, client: int, seed: int = 0) -> None:
        self.client = client
        self.tap: Callable[[bytes], None] = lambda data: None
        self.pace: Callable[[], float] = lambda: 1.0
        self.up, self.down = Way(), Way()
        self.passed = self.lost = 0
        self._random = random.Random(seed)
        self._far = self._socket(listen)
        self._near = self._socket(0)
        self._routes = {
            self._far: (self.down, self._near, ("127.0.0.1", client)),
            self._near: (self.up, self._far, ("127.0.0.1", vehicle)),
        }
        self._waiting: list[tuple[float, int, socket.socket, tuple[str, int], bytes]] = []
        self._count = 0
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @staticmethod
    def _socket(port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        made.setblocking(False)
        made.bind(("127.0.0.1", port))
        return made

    def both(self, **faults: float) -> None:
        """The same faults in both directions."""
        for way in (self.up, self.down):
            for name, value in faults.items():
                setattr(way, name, value)

    def _run(self) -> None:
        while not self._over:
            due = self._waiting[0][0] - time.monotonic() if self._waiting else 0.05
            ready, _, _ = select.select(list(self._routes), [], [], min(max(due, 0.0), 0.05))
            for source in ready:
                self._take(source)
            now = time.monotonic()
            while self._waiting and self._waiting[0][0] <= now:
                _, _, way_out, address, data = heapq.heappop(self._waiting)
                way_out.sendto(data, address)

    def _take(self, source: socket.socket) -> None:
        way, way_out, address = self._routes[source]
        for _ in range(200):
            try:
                data = source.recv(65535)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if self._random.random() < way.loss:
                self.lost += 1
                continue
            self.passed += 1
            if way is self.up:
                self.tap(data)
            for _ in range(1 + (self._random.random() < way.duplicate)):
                self._count += 1
                late = way.delay + way.jitter * self._random.random()
                due = time.monotonic() + late / min(max(self.pace(), 0.1), 1.0)
                heapq.heappush(self._waiting, (due, self._count, way_out, address, data))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._thread.join()
        self._far.close()
        self._near.close()
