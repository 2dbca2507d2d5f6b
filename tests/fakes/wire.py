"""Wires without a network: datagrams from one end to the other, by the event loop's time, with all
that a bad radio does to them on the way."""

from __future__ import annotations

import asyncio
import os
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Way:
    """What happens in one direction. May be changed at any time.

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


class WireEnd:
    """One end of a memory wire: a `cinempc.mavlink.transport.Wire`. It has a file descriptor, which
    is readable while something is there to be read, as a socket's is."""

    datagrams = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.send: Callable[[bytes], None] = lambda data: None
        self._came: deque[bytes] = deque()
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.closed = False

    def fileno(self) -> int:
        return self._event

    def read(self) -> tuple[bytes, Any] | None:
        if not self._came:
            return None
        data = self._came.popleft()
        if not self._came:
            os.eventfd_read(self._event)
        return data, self.name

    def know(self, peer: Any) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.send(bytes(data))

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._came.clear()
            os.close(self._event)
            self._event = -1

    def put(self, data: bytes) -> None:
        """A datagram arrives here."""
        if self.closed:
            return  # nobody listens there
        if not self._came:
            os.eventfd_write(self._event, 1)
        self._came.append(data)


class MemoryWire:
    """A wire between a vehicle and its client.

    What is sent arrives in the same order in the same loop iteration or the next, where nothing
    delays it.

    Args:
        seed: of what is lost, late and repeated.

    Attributes:
        vehicle, client: its ends; that of the client is replaced with `connect`.
        up, down: what happens on the way to the vehicle, and from it.
        tap: told of every packet that goes to the vehicle and is not lost.
        passed, lost: packets, both ways.
    """

    def __init__(self, seed: int = 0) -> None:
        self.vehicle, self.client = WireEnd("vehicle"), WireEnd("nobody")
        self.client.close()
        self.up, self.down = Way(), Way()
        self.tap: Callable[[bytes], None] = lambda data: None
        self.passed = self.lost = 0
        self._random = random.Random(seed)
        self.vehicle.send = lambda data: self._carry(data, self.down)

    def connect(self) -> WireEnd:
        """A client's end in place of the one before; what comes until it is read is kept."""
        self.client.close()
        self.client = WireEnd("client")
        self.client.send = lambda data: self._carry(data, self.up)
        return self.client

    def both(self, **faults: float) -> None:
        """The same faults in both directions."""
        for way in (self.up, self.down):
            for name, value in faults.items():
                setattr(way, name, value)

    def _carry(self, data: bytes, way: Way) -> None:
        draw = self._random.random
        if way.loss and draw() < way.loss:
            self.lost += 1
            return
        self.passed += 1
        if way is self.up:
            self.tap(data)
        for _ in range(1 + bool(way.duplicate and draw() < way.duplicate)):
            late = way.delay + (way.jitter * draw() if way.jitter else 0.0)
            if late > 0:
                asyncio.get_running_loop().call_later(late, self._arrive, data, way)
            else:
                self._arrive(data, way)

    def _arrive(self, data: bytes, way: Way) -> None:
        (self.vehicle if way is self.up else self.client).put(data)

    def close(self) -> None:
        self.vehicle.close()
        self.client.close()
