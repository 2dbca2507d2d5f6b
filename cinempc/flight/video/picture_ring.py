"""Pictures from one process to another: through memory that both see, in slots that go round.

The two processes talk over a socket pair of packets; a picture's message names its slot, which is
the writer's again when the reader says so. The memory has no name: it goes when both have gone,
in order or not.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import socket
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Pictures that are on the way at most.
SLOTS = 6
#: Largest message, bytes.
_LARGEST = 1 << 18

Image = NDArray[np.uint8]
Depth = NDArray[np.float32]


@dataclass(frozen=True)
class _Slots:
    """What the memory is for: pictures of a size, (h, w)."""

    number: int  # counts the memories
    height: int
    width: int

    @property
    def pixels(self) -> int:
        return self.height * self.width

    @property
    def each(self) -> int:
        """Bytes of a slot: the depth, then the image."""
        return 7 * self.pixels

    def views(self, memory: mmap.mmap, slot: int) -> tuple[Image, Depth]:
        begin = slot * self.each
        depth = np.frombuffer(memory, np.float32, self.pixels, begin)
        image = np.frombuffer(memory, np.uint8, 3 * self.pixels, begin + 4 * self.pixels)
        return (
            image.reshape(self.height, self.width, 3),
            depth.reshape(self.height, self.width),
        )


class Writer:
    """The end that puts pictures in.

    Args:
        channel: a packet socket to the reader, not blocking.

    Attributes:
        dropped: pictures that found no free slot.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._slots = _Slots(0, 0, 0)
        self._memory: mmap.mmap | None = None
        self._free: list[int] = []
        self.dropped = 0

    def put(self, image: Image, depth: Depth | None, about: Any) -> None:
        """Hand a picture on; it is dropped if the reader has not taken the ones before."""
        height, width = image.shape[:2]
        if self._memory is None or (height, width) != (self._slots.height, self._slots.width):
            self._make(height, width)
        if not self._free or self._memory is None:
            self.dropped += 1
            return
        slot = self._free.pop()
        to_image, to_depth = self._slots.views(self._memory, slot)
        to_image[:] = image
        if depth is not None:
            to_depth[:] = depth
        message = ("picture", self._slots, slot, depth is not None, about)
        if not self._send(message):
            self._free.append(slot)
            self.dropped += 1

    def free(self, number: int, slot: int) -> None:
        """The reader is done with a slot."""
        if number == self._slots.number:
            self._free.append(slot)

    def _make(self, height: int, width: int) -> None:
        slots = _Slots(self._slots.number + 1, height, width)
        fd = os.memfd_create("cinempc pictures")
        try:
            os.ftruncate(fd, SLOTS * slots.each)
            memory = mmap.mmap(fd, SLOTS * slots.each)
            if self._send(("memory", slots), [fd]):
                # The old one is unmapped with its last view.
                self._slots, self._memory, self._free = slots, memory, list(range(SLOTS))
        finally:
            os.close(fd)

    def _send(self, message: Any, fds: list[int] | None = None) -> bool:
        with contextlib.suppress(OSError):
            socket.send_fds(self._channel, [pickle.dumps(message)], fds or [])
            return True
        return False


class Reader:
    """The end that takes pictures out. Not safe to be used from two threads at once.

    Args:
        channel: a packet socket to the writer, not blocking.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._memory: mmap.mmap | None = None

    def receive(self) -> tuple[Any, ...] | None:
        """The next message; None while there is none.

        A picture's is ``("picture", image, depth or None, about)``, its arrays copies.

        Raises:
            EOFError: the writer has gone.
        """
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self._channel, _LARGEST, 1)
            except BlockingIOError:
                return None
            except OSError:
                data = b""
            if not data:
                raise EOFError
            message: tuple[Any, ...] = pickle.loads(data)
            if message[0] == "memory":
                self._memory = mmap.mmap(fds[0], 0, prot=mmap.PROT_READ)
                os.close(fds[0])
            elif message[0] == "picture":
                return self._picture(*message[1:])
            else:
                return message

    def _picture(self, slots: _Slots, slot: int, has_depth: bool, about: Any) -> tuple[Any, ...]:
        assert self._memory is not None
        image, depth = slots.views(self._memory, slot)
        taken = ("picture", image.copy(), depth.copy() if has_depth else None, about)
        with contextlib.suppress(OSError):
            self._channel.send(pickle.dumps(("free", slots.number, slot)))
        return taken
