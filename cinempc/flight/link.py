"""The one owner of a MAVLink connection.

Everything that is said on the wire goes through a `Link`: it reads, checks, and hands messages to
whoever asked for them by name; it packs and sends. What is malformed, from a stranger, or
wrongly signed ends here and is counted.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from cinempc.flight.dialect import mavlink
from cinempc.flight.transport import Transport

#: Datagrams read in a row before timers get their turn: a flood must not stop the stream.
_AT_ONCE = 32
#: Start of MAVLink's signing clock: 2015-01-01T00:00:00Z, s (MAVLink message signing).
_SIGNING_EPOCH = 1420070400

Handler = Callable[[Any], None]


class _Parser(mavlink.MAVLink):  # type: ignore[misc]
    """pymavlink's parser, less two of its weaknesses."""

    def forget(self) -> None:
        """Drop what an unfinished message left."""
        self.buf, self.buf_index, self.expected_length = bytearray(), 0, 8
        self.have_prefix_error = False

    def check_signature(self, msgbuf: bytearray, srcSystem: int, srcComponent: int) -> bool:
        # pymavlink takes the time stamp over before it has checked the signature: one forged
        # packet from the future would lock the true sender out.
        times = dict(self.signing.stream_timestamps)
        good = bool(super().check_signature(msgbuf, srcSystem, srcComponent))
        if not good:
            self.signing.stream_timestamps = times
        return good


class Link:
    """A MAVLink connection inside an event loop.

    Args:
        transport: open.
        system: our system id: the vehicle's, so that we are one of its components.
        component: our component id.
        peers: the systems that are listened to; empty for all, until `restrict`.
        key: for signing, 32 bytes: every message out is signed, nothing unsigned gets in.
        on_error: told of the first of each kind of failure in a handler.

    Attributes:
        received: messages let in, by name.
        refused: what was not let in, by reason: "malformed", "unknown" (of another
            dialect), "stranger", "signature".
    """

    def __init__(
        self,
        transport: Transport,
        *,
        system: int = 1,
        component: int = mavlink.MAV_COMP_ID_ONBOARD_COMPUTER,
        peers: Iterable[int] = (),
        key: bytes | None = None,
        on_error: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._transport = transport
        self._peers = frozenset(peers)
        self._on_error = on_error
        self._handlers: dict[str, list[Handler]] = {}
        self._reader: asyncio.AbstractEventLoop | None = None
        self.received: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.last_heard = -math.inf  #: When anything was let in last, monotonic s.
        self._mav = _Parser(None, srcSystem=system, srcComponent=component)
        self._mav.robust_parsing = True
        self._signed = key is not None
        if key is not None:
            signing = self._mav.signing
            signing.secret_key = key
            signing.link_id = 0
            signing.timestamp = int((time.time() - _SIGNING_EPOCH) * 1e5)
            signing.sign_outgoing = True
            signing.allow_unsigned_callback = None

    @property
    def system(self) -> int:
        """Our system id."""
        return int(self._mav.srcSystem)

    @system.setter
    def system(self, system: int) -> None:
        self._mav.srcSystem = system

    @property
    def component(self) -> int:
        """Our component id."""
        return int(self._mav.srcComponent)

    @property
    def address(self) -> str:
        """The connection string."""
        return self._transport.address

    def restrict(self, peers: Iterable[int]) -> None:
        """Listen to these systems only."""
        self._peers = frozenset(peers)

    def open(self) -> None:
        """Start reading, in the running event loop."""
        self._reader = asyncio.get_running_loop()
        self._reader.add_reader(self._transport.fileno(), self.read)

    def close(self) -> None:
        """Stop, and let go of the connection."""
        if self._reader is not None:
            self._reader.remove_reader(self._transport.fileno())
            self._reader = None
        self._transport.close()

    def on(self, name: str, handler: Handler) -> Callable[[], None]:
        """Call ``handler`` with every message of a name, such as "HEARTBEAT", from now on.

        Returns:
            what ends it.
        """
        self._handlers.setdefault(name, []).append(handler)
        return lambda: self._handlers[name].remove(handler)

    def send(self, message: Any) -> None:
        """Pack and send a message of the dialect; lost, as on any radio, if it cannot be."""
        self._transport.write(message.pack(self._mav, force_mavlink1=False))
        self._mav.seq = (self._mav.seq + 1) % 256

    async def wait(
        self, name: str, matches: Callable[[Any], bool] = lambda message: True, timeout: float = 1.0
    ) -> Any:
        """The next message of a name that matches.

        Raises:
            TimeoutError: none came in ``timeout`` s.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def take(message: Any) -> None:
            if not future.done() and matches(message):
                future.set_result(message)

        done = self.on(name, take)
        try:
            return await asyncio.wait_for(future, timeout)
        finally:
            done()

    def read(self) -> None:
        """Take in what has come. Called by the event loop; by hand where there is none."""
        for _ in range(_AT_ONCE):
            chunk = self._transport.read()
            if chunk is None:
                return
            if self._take(chunk[0]):
                self._transport.know(chunk[1])

    def _take(self, data: bytes) -> bool:
        """Messages of a chunk, each to its handlers; whether any was let in."""
        mav = self._mav
        if self._transport.datagrams:
            # A datagram holds whole messages: what one left unfinished must not eat the next.
            mav.forget()
        try:
            messages = mav.parse_buffer(data) or ()
        except Exception:  # pymavlink raises of every kind on hostile bytes
            mav.forget()
            self.refused["malformed"] += 1
            return False
        let_in = False
        for message in messages:
            reason = self._reason_to_refuse(message)
            if reason is not None:
                self.refused[reason] += 1
                continue
            let_in = True
            self.last_heard = time.monotonic()
            name = message.get_type()
            self.received[name] += 1
            for handler in tuple(self._handlers.get(name, ())):
                self._hand(handler, message)
        return let_in

    def _reason_to_refuse(self, message: Any) -> str | None:
        kind = message.get_type()
        if kind == "BAD_DATA":
            return "malformed"
        if kind.startswith("UNKNOWN_"):
            return "unknown"
        if self._signed and not message.get_signed():
            return "signature"
        if self._peers and message.get_srcSystem() not in self._peers:
            return "stranger"
        if (message.get_srcSystem(), message.get_srcComponent()) == (self.system, self.component):
            return "stranger"  # our own, sent back by a router; or someone who plays us
        return None

    def _hand(self, handler: Handler, message: Any) -> None:
        try:
            handler(message)
        except Exception as error:  # one bad message must not end the stream
            self.refused["malformed"] += 1
            if self.refused["malformed"] == 1:
                self._on_error(f"{message.get_type()} could not be handled: {error!r}")
