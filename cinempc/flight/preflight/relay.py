"""Lends a link of ours to MAVSDK, which cannot sign: what it sends is signed on the way out, and
only what the link lets in reaches it."""

from __future__ import annotations

import contextlib
import queue
import select
import threading
from types import TracebackType
from typing import Any, Self

from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import EVERY, Link

#: Longest that a message of MAVSDK's waits, s: its requests are few.
_PERIOD = 0.01


class Relay:
    """MAVSDK's connection through a link. A context manager: it carries messages inside, and closes
    the link at the end.

    Messages that the link's dialect does not know are not carried.

    Args:
        sdk: a ``mavsdk.Mavsdk`` without a connection, whose system and component are the link's.
        link: not open: nothing else uses it.
    """

    def __init__(self, sdk: Any, link: Link) -> None:
        self._sdk, self._link = sdk, link
        self._outgoing: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._over = threading.Event()
        self._parser = mavlink.MAVLink(None)
        self._parser.robust_parsing = True
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        link.on(EVERY, lambda message: sdk.pass_received_raw_bytes(bytes(message.get_msgbuf())))

    def __enter__(self) -> Self:
        self._sdk.add_any_connection("raw://")
        self._sdk.subscribe_raw_bytes_to_be_sent(self._outgoing.put)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._link.close()

    def _run(self) -> None:
        """One thread for both ways: the link is not made for two."""
        while not self._over.is_set():
            wire = self._link.fileno()
            if wire >= 0:
                select.select([wire], [], [], _PERIOD)
            else:
                self._over.wait(_PERIOD)
            self._link.read()
            with contextlib.suppress(queue.Empty):
                while True:
                    self._send(self._outgoing.get_nowait())

    def _send(self, data: bytes) -> None:
        for message in self._parser.parse_buffer(data) or ():
            kind = message.get_type()
            if kind != "BAD_DATA" and not kind.startswith("UNKNOWN_"):
                self._link.send(message)
