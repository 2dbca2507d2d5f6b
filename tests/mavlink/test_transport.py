"""Ports as they are: UDP, TCP, serial."""

from __future__ import annotations

import os
import pty
import socket
import time

import pytest

from cinempc.mavlink import transport
from cinempc.mavlink.transport import PEERS, Closed, LinkError, Transport, serial_port
from tests.fakes.virtual import VirtualClock


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def soon(read, timeout: float = 10.0):
    """What comes, as soon as it does."""
    deadline = time.monotonic() + timeout
    while (got := read()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return got


@pytest.mark.parametrize(
    "address",
    [
        "",
        "14540",
        "udpin:127.0.0.1",
        "udpin:127.0.0.1:port",
        "udpin:127.0.0.1:99999",
        "udpin:no such host:14540",
        "udp://127.0.0.1:14540",
        "tcp:127.0.0.1:1",
        "/dev/no-such-device:57600",
        "flight.tlog",
    ],
)
def test_what_cannot_be_opened_says_what_a_connection_looks_like(address: str) -> None:
    with pytest.raises(LinkError, match=r"udpin:0\.0\.0\.0:14540"):
        Transport(address)


def test_a_port_has_one_owner() -> None:
    port = free_port()
    first = Transport(f"udpin:127.0.0.1:{port}")
    with pytest.raises(LinkError, match="belongs to another program"):
        Transport(f"udpin:127.0.0.1:{port}")
    first.close()
    Transport(f"udpin:127.0.0.1:{port}").close()


def test_udp_nobody_is_written_to_before_he_is_known() -> None:
    port = free_port()
    server = Transport(f"udpin:127.0.0.1:{port}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(10.0)
        peer.sendto(b"one", ("127.0.0.1", port))
        data, address = soon(server.read)
        assert data == b"one"
        assert server.read() is None
        server.write(b"too early")
        server.know(address)
        server.write(b"now")
        assert peer.recv(100) == b"now"
    server.close()


def test_udp_peers_are_few_and_the_silent_are_forgotten() -> None:
    clock = VirtualClock()
    server = Transport(f"udpin:127.0.0.1:{free_port()}", wall=clock)
    sockets = []
    for _ in range(PEERS + 3):
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(10.0)
        sockets.append(peer)
        server.know(peer.getsockname())
    server.write(b"x")
    assert all(peer.recv(10) == b"x" for peer in sockets[-PEERS:])
    for peer in sockets[:-PEERS]:
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.recv(10)
    # One that restarted elsewhere: the others were not heard since.
    clock.advance(transport.KEEPS + 1)
    server.know(sockets[-1].getsockname())
    server.write(b"y")
    assert sockets[-1].recv(10) == b"y"
    sockets[-2].setblocking(False)
    with pytest.raises(BlockingIOError):
        sockets[-2].recv(10)
    for peer in sockets:
        peer.close()
    server.close()


def test_udp_out_hears_only_whom_it_speaks_to_and_bears_his_absence() -> None:
    port = free_port()
    client = Transport(f"udpout:127.0.0.1:{port}")
    for _ in range(3):
        client.write(b"nobody there")
        time.sleep(0.01)
        assert client.read() is None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", port))
        peer.settimeout(10.0)
        client.write(b"hello")
        data, address = peer.recvfrom(100)
        assert data == b"hello"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"me too", address)
        peer.sendto(b"answer", address)
        assert soon(client.read)[0] == b"answer"
        assert client.read() is None
    client.close()
    assert client.datagrams


def test_tcp() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    client = Transport(f"tcp:127.0.0.1:{server.getsockname()[1]}")
    accepted, _ = server.accept()
    accepted.settimeout(10.0)
    assert client.read() is None
    accepted.send(b"there")
    assert soon(client.read) == (b"there", None)
    client.write(b"back")
    assert accepted.recv(100) == b"back"
    accepted.close()
    with pytest.raises(Closed):
        soon(client.read)
    client.close()
    server.close()


def test_tcp_a_full_buffer_loses_whole_messages_and_waits_for_nobody() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    client = Transport(f"tcp:127.0.0.1:{server.getsockname()[1]}")
    accepted, _ = server.accept()
    began = time.monotonic()
    count = 60000
    for k in range(count):
        client.write(k.to_bytes(4, "big") * 25)
    assert time.monotonic() - began < 30  # it would never end if it waited
    accepted.settimeout(10.0)
    data = accepted.recv(1 << 20)  # there is room again: what was begun is ended first
    end = b"\xff" * 100
    while not data.endswith(end):
        client.write(end)
        data += accepted.recv(1 << 20)
    assert len(data) < 100 * count
    whole = [data[i : i + 100] for i in range(0, len(data) - 99, 100)]
    assert all(part == part[:4] * 25 for part in whole)
    client.close()
    accepted.close()
    server.close()


def test_serial() -> None:
    ours, theirs = pty.openpty()
    link = Transport(f"{os.ttyname(theirs)}:57600")
    assert not link.datagrams
    assert link.read() is None
    os.write(ours, b"\xfd\x00\x11\x0a\xff")
    assert soon(link.read) == (b"\xfd\x00\x11\x0a\xff", None)
    link.write(b"\x00\xfd")
    assert os.read(ours, 10) == b"\x00\xfd"
    began = time.monotonic()
    for _ in range(3000):
        link.write(bytes(100))  # nobody reads: it fills up
    assert time.monotonic() - began < 30
    os.close(ours)
    with pytest.raises(Closed):
        soon(link.read)
    link.write(b"gone")
    link.close()
    os.close(theirs)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("/dev/ttyACM0:921600", ("/dev/ttyACM0", 921600)),
        ("/dev/ttyACM0,921600", ("/dev/ttyACM0", 921600)),
        ("serial:/dev/ttyACM0:115200", ("/dev/ttyACM0", 115200)),
        (
            "/dev/serial/by-id/usb-3D_Robotics:if00:57600",
            ("/dev/serial/by-id/usb-3D_Robotics:if00", 57600),
        ),
        ("/dev/ttyUSB0", ("/dev/ttyUSB0", 57600)),
        ("COM7:57600", ("COM7", 57600)),
    ],
)
def test_serial_ports_and_their_rates(address: str, found: tuple[str, int]) -> None:
    assert serial_port(address) == found
