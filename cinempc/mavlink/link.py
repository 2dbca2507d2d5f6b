"""The one owner of a MAVLink connection.

Everything that is said on the wire goes through a `Link`: it reads, checks, and hands messages to
whoever asked for them by name; it packs and sends. What is malformed, from a stranger, or
wrongly signed ends here and is counted.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.transport import Closed, Transport
from cinempc.rig.clock import WALL, Clock

#: Chunks read in a row, and time spent on them, s, before timers get their turn: a flood must not
#: stop the stream.
_AT_ONCE, _SPELL = 32, 0.002
#: Largest datagram that is looked at, bytes: a jumbo frame; MAVLink's largest message has 280.
_LARGEST = 9000
#: Start of MAVLink's signing clock: 2015-01-01T00:00:00Z, s (MAVLink message signing).
_SIGNING_EPOCH = 1420070400

#: What pymavlink says of a message that is unsigned where it must be signed, or wrongly.
_BADLY_SIGNED = "Invalid signature"

Handler = Callable[[Any], None]

#: In place of a message's name: all of them.
EVERY = "*"


class _Parser(mavlink.MAVLink):  # type: ignore[misc]
    """pymavlink's parser, less two of its weaknesses.

    Attributes:
        behind: whether a message came, since this was last set to False, that was rightly signed
            and of a sender not heard yet, but more than a minute too old.
    """

    behind = False

    def forget(self) -> None:
        """Drop what an unfinished message left."""
        self.buf, self.buf_index, self.expected_length = bytearray(), 0, 8
        self.have_prefix_error = False

    @property
    def unfinished(self) -> bool:
        """Whether a message was begun and not ended."""
        return len(self.buf) > self.buf_index

    def check_signature(self, msgbuf: bytearray, srcSystem: int, srcComponent: int) -> bool:
        # pymavlink takes the time stamp over before it has checked the signature: one forged
        # packet from the future would lock the true sender out.
        times = dict(self.signing.stream_timestamps)
        good = bool(super().check_signature(msgbuf, srcSystem, srcComponent))
        if not good:
            self.signing.stream_timestamps = times
            new = (msgbuf[-13], srcSystem, srcComponent) not in times
            self.behind |= new and self._is_rightly_signed(msgbuf)
        return good

    def _is_rightly_signed(self, msgbuf: bytearray) -> bool:
        """Whatever the time stamp says. MAVLink's message signing: the first 48 bits of the
        SHA-256 of key and message."""
        digest = hashlib.sha256(self.signing.secret_key + bytes(msgbuf[:-6])).digest()
        return hmac.compare_digest(digest[:6], bytes(msgbuf[-6:]))


class Link:
    """A MAVLink connection inside an event loop.

    Args:
        transport: open.
        system: our system id: the vehicle's, so that we are one of its components.
        component: our component id.
        peers: the systems that are listened to; empty for all, until `restrict`.
        key: for signing, 32 bytes: every message out is signed, nothing unsigned gets in.
        on_error: told when the connection has ended, and of the first message of each name that a
            handler could not take.
        wall: the clock of whatever uses the link.

    Attributes:
        received: messages let in, by name.
        refused: what was not let in, by reason: "malformed", "unknown" (of another
            dialect), "stranger", "signature".
        failed: messages let in that a handler could not take, by name.
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
        wall: Clock = WALL,
    ) -> None:
        self._transport = transport
        self.wall = wall
        self._peers = frozenset(peers)
        self._on_error = on_error
        self._handlers: dict[str, list[Handler]] = {}
        self._overhearing: dict[str, list[Handler]] = {}
        self._reader: asyncio.AbstractEventLoop | None = None
        self._watched = -1
        self.received: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.last_heard = -math.inf  #: When anything was let in last, monotonic s.
        self._mav = _Parser(None, srcSystem=system, srcComponent=component)
        self._mav.robust_parsing = True
        self._signed = key is not None
        if key is not None:
            signing = self._mav.signing
            signing.secret_key = key
            signing.link_id = 0
            signing.timestamp = self._signing_time()
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

    def fileno(self) -> int:
        """To wait for where there is no event loop; it may be another one after `read`, or -1."""
        return self._transport.fileno()

    def restrict(self, peers: Iterable[int]) -> None:
        """Listen to these systems only."""
        self._peers = frozenset(peers)

    def admit(self, system: int) -> None:
        """Listen to this system as well, where it is not listened to all."""
        if self._peers:
            self._peers |= {system}

    def open(self) -> None:
        """Start reading, in the running event loop."""
        self._reader = asyncio.get_running_loop()
        self._look_at(self._transport.fileno())

    def close(self) -> None:
        """Stop, and let go of the connection."""
        self._look_at(-1)
        self._reader = None
        self._transport.close()

    def _look_at(self, fd: int) -> None:
        """Read from this file descriptor from now on; -1 for from none."""
        if self._reader is None or fd == self._watched:
            return
        if self._watched >= 0:
            self._reader.remove_reader(self._watched)
        if fd >= 0:
            self._reader.add_reader(fd, self.read)
        self._watched = fd

    def on(self, name: str, handler: Handler) -> Callable[[], None]:
        """Call ``handler`` with every message of a name, such as "HEARTBEAT", or with `EVERY`
        message, from now on.

        Returns:
            what ends it.
        """
        return _join(self._handlers, name, handler)

    def overhear(self, name: str, handler: Handler) -> Callable[[], None]:
        """The same with messages of strangers, which nobody may act upon: to know that there are
        any. Ends as `on`."""
        return _join(self._overhearing, name, handler)

    def send(self, message: Any) -> None:
        """Pack and send a message of the dialect; lost, as on any radio, if it cannot be."""
        if self._signed:
            # It goes on with the clock, or an autopilot that restarts takes us for a recording.
            signing = self._mav.signing
            signing.timestamp = max(signing.timestamp, self._signing_time())
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
        enough = self.wall.now() + _SPELL
        for _ in range(_AT_ONCE):
            try:
                chunk = self._transport.read()
            except Closed as error:
                self._look_at(-1)
                self._on_error(f"the connection {self.address} has ended: {error}")
                return
            if chunk is None:
                break
            if self._take(chunk[0]):
                self._transport.know(chunk[1])
            if self.wall.now() > enough:
                break
        if self._watched >= 0:
            self._look_at(self._transport.fileno())

    def _take(self, data: bytes) -> bool:
        """Messages of a chunk, each to its handlers; whether its sender is to be answered.

        Also an autopilot whose signing time is behind is answered: PX4 begins with the time at
        which it was given the key, and takes ours over when it hears us. Until then it is not
        heard.
        """
        mav = self._mav
        mav.behind = False
        if self._transport.datagrams and len(data) > _LARGEST:
            self.refused["malformed"] += 1
            return False
        try:
            messages = mav.parse_buffer(data) or ()
        except Exception:  # pymavlink raises of every kind on hostile bytes
            mav.forget()
            self.refused["malformed"] += 1
            return False
        if self._transport.datagrams and mav.unfinished:
            # A datagram holds whole messages: what one leaves unfinished must not eat the next.
            mav.forget()
            self.refused["malformed"] += 1
        let_in = False
        for message in messages:
            reason = self._reason_to_refuse(message)
            if reason is not None:
                self.refused[reason] += 1
                if reason == "stranger":
                    for handler in tuple(self._overhearing.get(message.get_type(), ())):
                        self._hand(handler, message)
                continue
            let_in = True
            self.last_heard = self.wall.now()
            name = message.get_type()
            self.received[name] += 1
            for handler in (*self._handlers.get(name, ()), *self._handlers.get(EVERY, ())):
                self._hand(handler, message)
        return let_in or mav.behind

    def _reason_to_refuse(self, message: Any) -> str | None:
        kind = message.get_type()
        if kind == "BAD_DATA":
            return "signature" if message.reason == _BADLY_SIGNED else "malformed"
        if kind.startswith("UNKNOWN_"):
            return "unknown"
        if self._signed and not message.get_signed():
            return "signature"
        if self._peers and message.get_srcSystem() not in self._peers:
            return "stranger"
        if (message.get_srcSystem(), message.get_srcComponent()) == (self.system, self.component):
            return "stranger"  # our own, sent back by a router; or someone who plays us
        return None

    def _signing_time(self) -> int:
        """Now on the signing clock, in its units of 10 µs."""
        return int((self.wall.utc() - _SIGNING_EPOCH) * 1e5)

    def _hand(self, handler: Handler, message: Any) -> None:
        try:
            handler(message)
        except Exception as error:  # one bad message must not end the stream
            name = message.get_type()
            self.failed[name] += 1
            if self.failed[name] == 1:
                self._on_error(f"{name} could not be handled: {error!r}")


def _join(table: dict[str, list[Handler]], name: str, handler: Handler) -> Callable[[], None]:
    handlers = table.setdefault(name, [])
    handlers.append(handler)

    def leave() -> None:
        if handler in handlers:
            handlers.remove(handler)

    return leave
