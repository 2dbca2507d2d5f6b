"""Somebody on a MAVLink network in a test, who packs messages with the address and key that it
likes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from cinempc.mavlink.dialect import mavlink

SIGNING_EPOCH = 1420070400


class Peer:
    """Packs messages as a component of a system."""

    def __init__(self, system: int = 1, component: int = 1, key: bytes | None = None) -> None:
        self.mav = mavlink.MAVLink(None, srcSystem=system, srcComponent=component)
        self.mav.robust_parsing = True
        if key is not None:
            self.mav.signing.secret_key = key
            self.mav.signing.link_id = 3
            self.mav.signing.timestamp = int((time.time() - SIGNING_EPOCH) * 1e5)
            self.mav.signing.sign_outgoing = True

    def pack(self, message: Any, *, old: bool = False) -> bytes:
        """Its bytes; ``old`` as MAVLink 1."""
        data = bytes(message.pack(self.mav, force_mavlink1=old))
        self.mav.seq = (self.mav.seq + 1) % 256
        return data

    def read(self, data: bytes) -> list[Any]:
        """The messages in bytes."""
        return list(self.mav.parse_buffer(data) or [])


class Memory:
    """A transport without a network: what is put in is read, what is written is kept."""

    address = "memory"

    def __init__(self, datagrams: bool = True) -> None:
        self.datagrams = datagrams
        self.incoming: deque[tuple[bytes, Any]] = deque()
        self.written: list[bytes] = []
        self.known: list[Any] = []

    def put(self, data: bytes, peer: Any = "peer") -> None:
        self.incoming.append((data, peer))

    def fileno(self) -> int:
        return -1

    def read(self) -> tuple[bytes, Any] | None:
        return self.incoming.popleft() if self.incoming else None

    def know(self, peer: Any) -> None:
        self.known.append(peer)

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        pass


def sent(memory: Memory) -> list[Any]:
    """The messages that were written."""
    reader = Peer()
    return [message for data in memory.written for message in reader.read(data)]


def heartbeat(
    kind: int = mavlink.MAV_TYPE_QUADROTOR,
    autopilot: int = mavlink.MAV_AUTOPILOT_PX4,
    mode: int = 0,
    armed: bool = False,
) -> Any:
    base = mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED
    base |= mavlink.MAV_MODE_FLAG_SAFETY_ARMED if armed else 0
    return mavlink.MAVLink_heartbeat_message(
        kind, autopilot, base, mode, mavlink.MAV_STATE_ACTIVE, 3
    )


def place(time_ms: int, *values: float) -> Any:
    """LOCAL_POSITION_NED."""
    numbers: Iterable[float] = [*values, *[0.0] * (6 - len(values))]
    return mavlink.MAVLink_local_position_ned_message(time_ms, *numbers)
