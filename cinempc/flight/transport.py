"""Bytes in and out: UDP, TCP and serial, opened by pymavlink from its connection strings."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from cinempc.errors import CinempcError
from cinempc.flight.dialect import mavutil

#: What a connection string may begin with, and an example of each, for messages.
EXAMPLES = "udpin:0.0.0.0:14540, udpout:192.168.1.10:14550, tcp:127.0.0.1:5760, /dev/ttyACM0:921600"


class LinkError(CinempcError):
    """A connection that cannot be opened, or nobody on it who answers."""


class Transport:
    """One open connection.

    Args:
        address: as pymavlink takes it: ``udpin:host:port``, ``udpout:host:port``,
            ``tcp:host:port``, ``tcpin:host:port``, or a serial device with ``:baud`` behind it.

    Raises:
        LinkError: it cannot be opened.
    """

    def __init__(self, address: str) -> None:
        device, baud = serial_port(address)
        try:
            self._connection: Any = mavutil.mavlink_connection(
                device, baud=baud, autoreconnect=True, retries=1
            )
        except (OSError, ValueError, IndexError) as error:
            raise LinkError(
                f"the connection {address!r} cannot be opened: {error}. Connections look like "
                f"{EXAMPLES}; a port that is in use belongs to another program: end it, or give "
                "another port"
            ) from None
        self.address = address
        #: Whether bytes come in datagrams, each of whole messages.
        self.datagrams = isinstance(self._connection, mavutil.mavudp)
        if self.datagrams:
            # Bursts of a whole second fit.
            self._connection.port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._known: set[Any] = set()

    def fileno(self) -> int:
        """For select and event loops."""
        fd: int = self._connection.fd
        return fd

    def read(self) -> tuple[bytes, Any] | None:
        """What has come, and from which address (None where there is but one); None if nothing."""
        if self.datagrams:
            try:
                return self._connection.port.recvfrom(65535)  # type: ignore[no-any-return]
            except (BlockingIOError, ConnectionRefusedError):
                return None
        data = self._connection.recv(4096)
        return (bytes(data), None) if data else None

    def know(self, peer: Any) -> None:
        """A peer that may be written to: who only sends rubbish gets nothing back."""
        if peer is not None and peer not in self._known:
            self._known.add(peer)
            if self._connection.udp_server:
                self._connection.clients.add(peer)

    def write(self, data: bytes) -> None:
        """Send; what cannot be sent is lost, as on any radio."""
        with contextlib.suppress(OSError):
            self._connection.write(data)

    def close(self) -> None:
        """Let go of it."""
        with contextlib.suppress(OSError):
            self._connection.close()


def serial_port(address: str) -> tuple[str, int]:
    """Device and baud rate: pymavlink takes the rate apart from the name."""
    if address.startswith("serial:"):
        address = address.removeprefix("serial:")
    if address.startswith(("/", "COM")) and ":" in address:
        device, _, rate = address.rpartition(":")
        if rate.isdigit():
            return device, int(rate)
    return address, 57600
