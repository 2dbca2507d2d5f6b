"""A link of ours, lent to a client that cannot sign."""

from __future__ import annotations

import contextlib
import secrets
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cinempc.flight import config
from cinempc.flight.preflight import checks as preflight
from cinempc.flight.preflight.relay import Relay
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import LinkError
from cinempc.safety.fence import Fence
from tests.fakes.peer import Memory, Peer, heartbeat, sent
from tests.live import network

KEY = bytes(range(32))


class Sdk:
    """What MAVSDK looks like from the relay."""

    def __init__(self) -> None:
        self.connections: list[str] = []
        self.heard: list[bytes] = []
        self.say: Callable[[bytes], None] | None = None

    def add_any_connection(self, url: str) -> None:
        self.connections.append(url)

    def subscribe_raw_bytes_to_be_sent(self, callback: Callable[[bytes], None]) -> None:
        self.say = callback

    def pass_received_raw_bytes(self, data: bytes) -> None:
        self.heard.append(data)


def until(done: Callable[[], Any]) -> None:
    end = time.monotonic() + 10.0
    while not done():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


def test_what_goes_out_is_signed_and_only_what_is_signed_gets_in():
    sdk, memory = Sdk(), Memory()
    with Relay(sdk, Link(memory, system=1, component=191, key=KEY)):
        assert sdk.connections == ["raw://"]
        ours = Peer(1, 191)
        sdk.say(ours.pack(heartbeat()) + ours.pack(mavlink.MAVLink_timesync_message(0, 7)))
        until(lambda: len(memory.written) == 2)
        vehicle = Peer(1, 1, KEY)
        memory.put(Peer(1, 1).pack(heartbeat()))
        memory.put(Peer(1, 1, bytes(32)).pack(heartbeat()))
        memory.put(vehicle.pack(mavlink.MAVLink_timesync_message(7, 9)))
        until(lambda: sdk.heard)
    (heard,) = sdk.heard
    (message,) = Peer(5, 5).read(heard)
    assert (message.get_type(), message.tc1) == ("TIMESYNC", 7)
    assert (message.get_srcSystem(), message.get_srcComponent()) == (1, 1)
    guard = Peer(9, 9, KEY)
    out = [message for data in memory.written for message in guard.read(data)]
    assert [message.get_type() for message in out] == ["HEARTBEAT", "TIMESYNC"]
    assert all(message.get_signed() for message in out)


def test_rubbish_from_the_client_is_not_carried():
    sdk, memory = Sdk(), Memory()
    with Relay(sdk, Link(memory, system=1, component=191, key=KEY)):
        sdk.say(b"\xfd\x00rubbish" + bytes(40))
        sdk.say(Peer(1, 191).pack(heartbeat()))
        until(lambda: memory.written)
    assert [message.get_type() for message in sent(memory)] == ["HEARTBEAT"]


# --- MAVSDK itself ---


class Signing:
    """Between an unsigned vehicle and a client: everything is signed on the client's side."""

    def __init__(self, vehicle: int, key: bytes) -> None:
        self.key = key
        self._inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inside.bind(("127.0.0.1", vehicle))
        self._outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.client = probe.getsockname()[1]
        self._peer: Any = None
        self._packers: dict[tuple[int, int], Peer] = {}
        self._reader = Peer(9, 9)
        self._guard = Peer(9, 9, key)
        self._plain: dict[tuple[int, int], Peer] = {}
        self.unsigned = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            for ready in select.select([self._inside, self._outside], [], [], 0.05)[0]:
                data, peer = ready.recvfrom(65535)
                if ready is self._inside:
                    self._peer = peer
                    for message in self._known(self._reader, data):
                        data = self._packer(self._packers, message, self.key).pack(message)
                        self._outside.sendto(data, ("127.0.0.1", self.client))
                else:
                    for message in self._known(self._guard, data):
                        if not message.get_signed():
                            self.unsigned += 1
                            continue
                        data = self._packer(self._plain, message, None).pack(message)
                        self._inside.sendto(data, self._peer)

    @staticmethod
    def _known(peer: Peer, data: bytes) -> list[Any]:
        return [
            message
            for message in peer.read(data)
            if message.get_type() != "BAD_DATA" and not message.get_type().startswith("UNKNOWN")
        ]

    @staticmethod
    def _packer(known: dict[tuple[int, int], Peer], message: Any, key: bytes | None) -> Peer:
        sender = message.get_srcSystem(), message.get_srcComponent()
        return known.setdefault(sender, Peer(*sender, key))

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._inside.close()
        self._outside.close()


@contextlib.contextmanager
def signed(key: bytes) -> Iterator[Signing]:
    with network.simulated() as (_, number):
        between = Signing(14540 + number, key)
        try:
            yield between
        finally:
            between.close()


def test_a_vehicle_whose_link_is_signed_is_checked_and_fenced(tmp_path):
    pytest.importorskip("mavsdk")
    path = tmp_path / "key"
    path.write_text(secrets.token_hex(32))
    path.chmod(0o600)
    key = bytes.fromhex(path.read_text())
    with signed(key) as between:
        flight = config.Flight(
            name="signed", connection=f"udpin:127.0.0.1:{between.client}", key=path
        )
        found = preflight.check(flight, Fence(radius="60 m", height="40 m"))
        assert found.problems == ()
        assert found.fenced
        assert between.unsigned == 0
        # Without a key the vehicle is heard, and deaf.
        plain = preflight.check(flight.model_copy(update={"key": None}), wait=1.0)
        assert any("does not answer" in problem for problem in plain.problems)
        # With another key nobody is heard.
        other = flight.model_copy(update={"key": tmp_path / "other"})
        other.key.write_text(secrets.token_hex(32))
        other.key.chmod(0o600)
        with pytest.raises(LinkError, match="no autopilot was heard"):
            preflight.check(other)
