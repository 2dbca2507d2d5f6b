"""What makes a part of a set-up ready: each condition looks once at a time, and never waits.

A port that is listened at belongs to the part or person that comes next: it is let go of as soon as
something was heard.
"""

from __future__ import annotations

import contextlib
import math
import re
import secrets
import shlex
import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from cinempc.errors import CinempcError
from cinempc.launch import processes

#: A command that asks is started again after this time, s; one that hangs is given up then.
_ASK_FOR = 10.0
#: Time between two heartbeats of our own, s.
_ANSWER_EVERY = 0.5


class Condition(Protocol):
    """Whether a part is ready."""

    def open(self) -> None:
        """Begin to look, before the part starts.

        Raises:
            CinempcError: it cannot be looked for.
        """

    def met(self) -> bool:
        """Whether it is ready."""

    def close(self) -> None:
        """Let go of what was taken to look."""

    def __str__(self) -> str:
        """What is waited for."""


class Runs:
    """Ready as soon as it runs."""

    def open(self) -> None:
        """Nothing to do."""

    def met(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Nothing to do."""

    def __str__(self) -> str:
        return "it runs"


class All:
    """Ready when several conditions have been met, not necessarily at the same time."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = list(conditions)
        self._left: list[Condition] = []

    def open(self) -> None:
        """Begin to look for all."""
        self._left = []
        for condition in self._conditions:
            condition.open()
            self._left.append(condition)

    def met(self) -> bool:
        """Whether none is left; lets go of each as soon as it is met."""
        for condition in [condition for condition in self._left if condition.met()]:
            condition.close()
            self._left.remove(condition)
        return not self._left

    def close(self) -> None:
        """Let go of those that are left."""
        for condition in self._left:
            condition.close()
        self._left = []

    def __str__(self) -> str:
        """Those that are left, if it was begun."""
        return " and ".join(map(str, self._left or self._conditions))


class Line:
    """Ready when a line of its log matches.

    Args:
        pattern: a regular expression, found anywhere in the line.
        log: the part's log, from its end as it is when the part starts.
    """

    def __init__(self, pattern: str, log: Path) -> None:
        self._pattern = re.compile(pattern.encode())
        self._log, self._from = log, 0

    def open(self) -> None:
        """Remember where the log ends."""
        self._from = self._log.stat().st_size if self._log.exists() else 0

    def met(self) -> bool:
        """Whether there is such a line."""
        try:
            with self._log.open("rb") as file:
                file.seek(self._from)
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return False
        return any(self._pattern.search(line) for line in lines)

    def close(self) -> None:
        """Nothing to do."""

    def __str__(self) -> str:
        return f"a line {self._pattern.pattern.decode()!r} in its log"


class _Datagrams:
    """Listens at a UDP port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Take the port."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind(("127.0.0.1", self.port))
        except OSError as error:
            self.close()
            raise CinempcError(
                f"UDP port {self.port} cannot be had ({error.strerror}): another program uses it, "
                "perhaps another set-up or a ground station. End it, or give another --instance"
            ) from None

    def read(self) -> list[tuple[bytes, Any]]:
        """The datagrams that have come, and from where."""
        datagrams: list[tuple[bytes, Any]] = []
        while self._socket is not None and len(datagrams) < 1000:
            try:
                datagrams.append(self._socket.recvfrom(65535))
            except (BlockingIOError, ConnectionRefusedError):
                break
        return datagrams

    def write(self, data: bytes, to: Any) -> None:
        """Answer; what cannot be sent is lost."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(data, to)

    def close(self) -> None:
        """Let go of the port."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Packet(_Datagrams):
    """Ready when a datagram comes to a UDP port, such as of a video stream."""

    def met(self) -> bool:
        """Whether one came."""
        return bool(self.read())

    def __str__(self) -> str:
        return f"a packet on UDP port {self.port}"


#: Components by the names that set-ups use, and their MAVLink component ids.
COMPONENTS = {"autopilot": 1, "camera": 100, "gimbal": 154}


class Heartbeat(_Datagrams):
    """Ready when a component's MAVLink heartbeat comes to a UDP port.

    It answers with heartbeats of its own, of nobody in particular: PX4 passes messages of other
    components on to a link only when somebody was heard there.

    Args:
        port: listened at.
        component: one of `COMPONENTS`.
        system: MAVLink system id.
    """

    def __init__(self, port: int, component: str, system: int) -> None:
        super().__init__(port)
        self._component, self._system = component, system
        self._parser: Any = None
        self._packer: Any = None
        self._answered = -math.inf  # monotonic s

    def met(self) -> bool:
        """Whether it came."""
        from cinempc.mavlink.dialect import mavlink

        if self._parser is None:
            self._parser = mavlink.MAVLink(None)
            self._parser.robust_parsing = True
            self._packer = mavlink.MAVLink(
                None, srcSystem=self._system, srcComponent=mavlink.MAV_COMP_ID_USER1
            )
        source = self._system, COMPONENTS[self._component]
        parser = self._parser
        for data, sender in self.read():
            # Datagrams hold whole messages: what was no message before must not eat this one.
            parser.buf, parser.buf_index, parser.expected_length = bytearray(), 0, 8
            for message in parser.parse_buffer(data) or ():
                whose = message.get_srcSystem(), message.get_srcComponent()
                if message.get_type() == "HEARTBEAT" and whose == source:
                    return True
                if message.get_type() != "BAD_DATA":
                    self._answer(sender)
        return False

    def _answer(self, sender: Any) -> None:
        from cinempc.mavlink.dialect import mavlink

        now = time.monotonic()
        if now - self._answered < _ANSWER_EVERY:
            return
        self._answered = now
        message = mavlink.MAVLink_heartbeat_message(
            mavlink.MAV_TYPE_GENERIC,
            mavlink.MAV_AUTOPILOT_INVALID,
            0,
            0,
            mavlink.MAV_STATE_ACTIVE,
            3,
        )
        self.write(message.pack(self._packer), sender)

    def __str__(self) -> str:
        return (
            f"a MAVLink heartbeat of the {self._component} (system {self._system}) on UDP port "
            f"{self.port}"
        )


class Connection:
    """Ready when a TCP port of this machine takes connections, such as an RTSP server's."""

    def __init__(self, port: int) -> None:
        self.port = port

    def open(self) -> None:
        """See that nobody else is there, who would be taken for the part."""
        if self.met():
            raise CinempcError(
                f"TCP port {self.port} belongs to another program: end it, or give another "
                "--instance"
            )

    def met(self) -> bool:
        """Whether it takes one."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=0.5).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Nothing to do."""

    def __str__(self) -> str:
        return f"a connection to TCP port {self.port}"


class Answer:
    """Ready when a command says something, such as ``gz service`` of a world that is loaded.

    Args:
        words: the command, asked again and again.
        pattern: a regular expression that its output shall match somewhere.
        environment: variables, beside this process's.
    """

    def __init__(
        self, words: Sequence[str], pattern: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self._words, self._pattern = words, re.compile(pattern)
        self._environment = environment
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._asking: processes.Process | None = None
        self._since = 0.0

    def open(self) -> None:
        """A place for what the command says."""
        self._folder = tempfile.TemporaryDirectory(prefix="cinempc-")

    def met(self) -> bool:
        """Whether the command has said it; starts it again when it has ended."""
        assert self._folder is not None
        said = Path(self._folder.name) / "said"
        if self._asking is None:
            said.unlink(missing_ok=True)
            self._asking = processes.Process(
                self._words, said, environment=self._environment, token=secrets.token_hex(8)
            )
            self._since = time.monotonic()
            return False
        if self._asking.status is None and time.monotonic() - self._since < _ASK_FOR:
            return False
        self._stop()
        return self._pattern.search(said.read_text(errors="replace")) is not None

    def close(self) -> None:
        """End the command."""
        self._stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _stop(self) -> None:
        if self._asking is not None:
            self._asking.end(grace=0.0)
            self._asking = None

    def __str__(self) -> str:
        return f"{self._pattern.pattern!r} in what {shlex.join(self._words)!r} says"
