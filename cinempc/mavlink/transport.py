"""Bytes in and out: UDP, TCP and serial ports, by pymavlink's connection strings.

The ports are opened here and not by pymavlink, whose own wait: to connect again, for a serial
buffer to empty, for a name to be looked up. The stream of setpoints goes through the same event
loop, so nothing here ever waits; what cannot be sent now is lost, as on any radio.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable
from typing import Any, Protocol

from cinempc.errors import CinempcError
from cinempc.rig.clock import WALL, Clock

#: What a connection string may begin with, and an example of each, for messages.
EXAMPLES = "udpin:0.0.0.0:14540, udpout:192.168.1.10:14550, tcp:127.0.0.1:5760, /dev/ttyACM0:921600"
#: Baud rate of a serial port where none is given: that of most telemetry radios.
_BAUD = 57600
#: Time to connect by TCP, s.
_CONNECT = 5.0
#: Peers of a UDP port that are written to, and for how long after they were heard, s: a router
#: that restarts comes back from another port. The one heard last is written to for ever.
PEERS, KEEPS = 8, 10.0
#: Room for what comes while the process is not scheduled: bursts of a whole second fit.
_ROOM = 1 << 20


class LinkError(CinempcError):
    """A connection that cannot be opened, or nobody on it who answers."""


class Wire(Protocol):
    """An open port, which never waits."""

    datagrams: bool

    def fileno(self) -> int:
        """What to wait for with select; may change after `read`."""

    def read(self) -> tuple[bytes, Any] | None:
        """As `Transport.read`."""

    def know(self, peer: Any) -> None:
        """As `Transport.know`."""

    def write(self, data: bytes) -> None:
        """As `Transport.write`."""

    def close(self) -> None:
        """As `Transport.close`."""


class Closed(Exception):  # noqa: N818 - it is not always a fault
    """The other end has closed a connection, or the device is gone."""


class Transport:
    """One open connection.

    Args:
        address: as pymavlink takes it: ``udpin:host:port``, ``udpout:host:port``,
            ``tcp:host:port``, ``tcpin:host:port``, or a serial device with ``:baud`` behind it.
        wire: what is spoken over in place of the port that the address names; the address is only
            its name then.
        wall: the clock by which peers are forgotten.

    Attributes:
        address: the same.
        datagrams: whether bytes come in datagrams, each of whole messages.

    Raises:
        LinkError: it cannot be opened.
    """

    def __init__(self, address: str, wire: Wire | None = None, wall: Clock = WALL) -> None:
        try:
            self._wire = _open(address, wall) if wire is None else wire
        except (OSError, ValueError, OverflowError) as error:
            raise LinkError(
                f"the connection {address!r} cannot be opened: {error}. Connections look like "
                f"{EXAMPLES}; a port that is in use belongs to another program: end it, or give "
                "another port"
            ) from None
        self.address = address
        self.datagrams = self._wire.datagrams

    def fileno(self) -> int:
        """For select and event loops; it may be another one after `read`."""
        return self._wire.fileno()

    def read(self) -> tuple[bytes, Any] | None:
        """What has come, and from which address (None where there is but one); None if nothing.

        Raises:
            Closed: nothing will come any more.
        """
        return self._wire.read()

    def know(self, peer: Any) -> None:
        """A peer that may be written to: who only sends rubbish gets nothing back."""
        self._wire.know(peer)

    def write(self, data: bytes) -> None:
        """Send a whole message; what cannot be sent is lost, as on any radio."""
        with contextlib.suppress(OSError):
            self._wire.write(data)

    def close(self) -> None:
        """Let go of it."""
        with contextlib.suppress(OSError):
            self._wire.close()


def _open(address: str, wall: Clock) -> Wire:
    kind, _, rest = address.partition(":")
    match kind:
        case "udpin" | "udp":
            return _UdpIn(*_host_port(rest), wall)
        case "udpout":
            return _UdpOut(*_host_port(rest))
        case "tcp":
            return _Stream(_tcp(*_host_port(rest)))
        case "tcpin":
            return _TcpIn(*_host_port(rest))
    if kind == "serial" or address.startswith(("/", "COM")):
        return _Serial(*serial_port(address))
    raise ValueError("it names neither UDP nor TCP nor a serial device")


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is no host:port")
    return host, int(port)


def _udp() -> socket.socket:
    port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port.setblocking(False)
    port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
    return port


class _UdpIn:
    """Waits for peers, and answers those who speak MAVLink."""

    datagrams = True

    def __init__(self, host: str, port: int, wall: Clock) -> None:
        self._port, self._wall = _udp(), wall
        try:
            # Without SO_REUSEADDR, with which two programs would take each other's packets.
            self._port.bind((host, port))
        except OSError:
            self._port.close()
            raise
        self._peers: dict[Any, float] = {}

    def fileno(self) -> int:
        return self._port.fileno()

    def read(self) -> tuple[bytes, Any] | None:
        return _received(self._port)

    def know(self, peer: Any) -> None:
        now = self._wall.now()
        self._peers.pop(peer, None)
        self._peers[peer] = now  # the newest last
        for old in list(self._peers)[:-1]:
            if now - self._peers[old] > KEEPS or len(self._peers) > PEERS:
                del self._peers[old]

    def write(self, data: bytes) -> None:
        for peer in self._peers:
            with contextlib.suppress(OSError):  # one of them may be out of reach
                self._port.sendto(data, peer)

    def close(self) -> None:
        self._port.close()


class _UdpOut:
    """Speaks to one peer, and hears nobody else."""

    datagrams = True

    def __init__(self, host: str, port: int) -> None:
        self._port = _udp()
        try:
            self._port.connect((host, port))
        except OSError:
            self._port.close()
            raise

    def fileno(self) -> int:
        return self._port.fileno()

    def read(self) -> tuple[bytes, Any] | None:
        return _received(self._port)

    def know(self, peer: Any) -> None:
        pass

    def write(self, data: bytes) -> None:
        self._port.send(data)

    def close(self) -> None:
        self._port.close()


def _received(port: socket.socket) -> tuple[bytes, Any] | None:
    try:
        return port.recvfrom(65535)
    except (BlockingIOError, ConnectionRefusedError):  # refused: nobody listens there yet
        return None


def _tcp(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), timeout=_CONNECT)


class _Stream:
    """A TCP connection: bytes without borders."""

    datagrams = False

    def __init__(self, port: socket.socket) -> None:
        self._port = port
        port.setblocking(False)
        port.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""  # of a message that was begun

    def fileno(self) -> int:
        return self._port.fileno()

    def read(self) -> tuple[bytes, Any] | None:
        try:
            data = self._port.recv(4096)
        except BlockingIOError:
            return None
        except OSError as error:
            raise Closed(str(error)) from None
        if not data:
            raise Closed("closed by the other end")
        return data, None

    def know(self, peer: Any) -> None:
        pass

    def write(self, data: bytes) -> None:
        self._rest = _write_whole(self._port.send, self._rest, data)

    def close(self) -> None:
        self._port.close()


def _write_whole(send: Callable[[bytes], int], rest: bytes, data: bytes) -> bytes:
    """Send what is left of the last message, then the next one; what is left now.

    A message is sent whole or not at all: half of one would take the next with it.
    """
    for part in (rest, data):
        if not part:
            continue
        try:
            sent = send(part)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK):
                raise
            sent = 0
        if sent < len(part):
            # Of one that was begun, the rest waits; one that was not, is lost.
            return part[sent:] if sent or part is rest else b""
    return b""


class _TcpIn:
    """Waits for a connection, one at a time."""

    datagrams = False

    def __init__(self, host: str, port: int) -> None:
        self._listener = socket.create_server((host, port), backlog=1)
        self._listener.setblocking(False)
        self._stream: _Stream | None = None

    def fileno(self) -> int:
        return (self._listener if self._stream is None else self._stream).fileno()

    def read(self) -> tuple[bytes, Any] | None:
        if self._stream is None:
            try:
                self._stream = _Stream(self._listener.accept()[0])
            except OSError:
                return None
        try:
            return self._stream.read()
        except Closed:
            self._stream.close()
            self._stream = None
            return None

    def know(self, peer: Any) -> None:
        pass

    def write(self, data: bytes) -> None:
        if self._stream is not None:
            self._stream.write(data)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._listener.close()


class _Serial:
    """A serial port."""

    datagrams = False

    def __init__(self, device: str, baud: int) -> None:
        import serial

        self._port: Any = serial.Serial(device, baud, timeout=0)
        self._rest = b""

    def fileno(self) -> int:
        fd: int = self._port.fileno()
        return fd

    def read(self) -> tuple[bytes, Any] | None:
        import serial

        try:
            data = self._port.read(4096)
        except (OSError, serial.SerialException) as error:
            raise Closed(str(error)) from None
        return (data, None) if data else None

    def know(self, peer: Any) -> None:
        pass

    def write(self, data: bytes) -> None:
        # Not by pyserial, which turns in a loop until a full buffer has room.
        self._rest = _write_whole(lambda part: os.write(self.fileno(), part), self._rest, data)

    def close(self) -> None:
        self._port.close()


def serial_port(address: str) -> tuple[str, int]:
    """Device and baud rate of a serial port: ``device``, ``device:baud`` or ``device,baud``, with
    or without ``serial:`` before it. Any other address, as it is."""
    name = address.removeprefix("serial:")
    if name.startswith(("/", "COM")) or name != address:
        for mark in (":", ","):
            device, _, rate = name.rpartition(mark)
            if device and rate.isdigit():
                return device, int(rate)
    return name, _BAUD
