"""What a link lets in, and from whom."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import Transport
from tests.fakes.peer import SIGNING_EPOCH, Memory, Peer, heartbeat, place, sent
from tests.fakes.virtual import VirtualClock

KEY, OTHER_KEY = bytes(range(32)), bytes(32)


class Bench:
    """A link over a transport without a network, and what its handlers got."""

    def __init__(self, *, datagrams: bool = True, **options) -> None:
        self.wire = Memory(datagrams)
        self.errors: list[str] = []
        self.link = Link(self.wire, on_error=self.errors.append, **options)
        self.got: list[object] = []
        for name in ("HEARTBEAT", "LOCAL_POSITION_NED"):
            self.link.on(name, self.got.append)

    def hear(self, *chunks: bytes, peer: object = "peer") -> list[object]:
        """The messages that come of these datagrams."""
        before = len(self.got)
        for chunk in chunks:
            self.wire.put(chunk, peer)
        self.link.read()
        return self.got[before:]


# --- who is let in ---


def test_a_message_reaches_the_handlers_of_its_name_and_is_counted() -> None:
    bench = Bench()
    (message,) = bench.hear(Peer().pack(heartbeat()))
    assert message.get_type() == "HEARTBEAT"
    assert bench.link.received == {"HEARTBEAT": 1}
    assert not bench.link.refused
    assert time.monotonic() - bench.link.last_heard < 5


def test_mavlink_1_is_understood() -> None:
    bench = Bench()
    assert len(bench.hear(Peer().pack(heartbeat(), old=True))) == 1


def test_other_systems_are_strangers_once_the_vehicle_is_known() -> None:
    bench = Bench()
    assert bench.hear(Peer(system=7).pack(heartbeat()))
    bench.link.restrict((1,))
    assert not bench.hear(Peer(system=7).pack(heartbeat()))
    assert bench.hear(Peer(system=1, component=77).pack(heartbeat()))
    assert bench.link.refused == {"stranger": 1}


def test_strangers_can_be_overheard_and_become_no_peers() -> None:
    bench = Bench(peers=(1,))
    overheard: list[object] = []
    end = bench.link.overhear("HEARTBEAT", overheard.append)
    assert not bench.hear(Peer(system=255).pack(heartbeat()), peer="a station")
    assert len(overheard) == 1
    assert bench.wire.known == []
    assert bench.link.last_heard == -float("inf")
    end()
    bench.hear(Peer(system=255).pack(heartbeat()))
    assert len(overheard) == 1


def test_our_own_messages_that_come_back_are_not_taken_for_the_vehicles() -> None:
    bench = Bench(system=1, component=191, peers=(1,))
    bench.link.send(heartbeat())
    assert not bench.hear(bench.wire.written[0])
    assert bench.link.refused == {"stranger": 1}
    bench.link.system = 2
    assert bench.hear(bench.wire.written[0])


# --- what is let in ---


def test_a_datagram_may_hold_several_messages() -> None:
    bench, peer = Bench(), Peer()
    assert len(bench.hear(b"".join(peer.pack(place(k)) for k in range(5)))) == 5


@pytest.mark.parametrize("left", [1, 5, 12, 20])
def test_a_message_that_is_cut_does_not_eat_the_next_datagram(left: int) -> None:
    bench, peer = Bench(), Peer()
    first, second = peer.pack(place(1, *[1.0] * 6)), peer.pack(place(2))
    (message,) = bench.hear(first[:left], second)
    assert message.time_boot_ms == 2
    assert bench.link.refused == {"malformed": 1}


def test_in_a_stream_messages_come_in_any_pieces() -> None:
    bench, peer = Bench(datagrams=False), Peer()
    data = b"".join(peer.pack(place(k)) for k in range(10))
    got = bench.hear(*(data[i : i + 7] for i in range(0, len(data), 7)))
    while bench.wire.incoming:  # not all at once
        got += bench.hear()
    assert [message.time_boot_ms for message in got] == list(range(10))


def test_rubbish_in_a_stream_is_left_behind() -> None:
    bench, peer = Bench(datagrams=False), Peer()
    assert len(bench.hear(b"no MAVLink at all", peer.pack(heartbeat()))) == 1
    assert bench.link.refused["malformed"] >= 1


@pytest.mark.parametrize("place_", [4, 9, 10, 20, -1])
def test_a_flipped_bit_is_noticed(place_: int) -> None:
    bench = Bench()
    data = bytearray(Peer().pack(place(12345, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)))
    data[place_] ^= 0x10
    assert not bench.hear(bytes(data))
    assert sum(bench.link.refused.values()) == 1
    assert bench.wire.known == []


def test_messages_of_another_dialect_are_unknown_and_not_malformed() -> None:
    bench = Bench()
    data = bytearray(Peer().pack(heartbeat()))
    data[7:10] = (60000).to_bytes(3, "little")
    assert not bench.hear(bytes(data))
    assert bench.link.refused == {"unknown": 1}


def test_a_huge_datagram_is_not_looked_at() -> None:
    bench = Bench()
    assert not bench.hear(Peer().pack(heartbeat()) * 2000)
    assert bench.link.refused == {"malformed": 1}


def test_a_flood_leaves_the_loop_its_turn() -> None:
    bench, peer = Bench(), Peer()
    data = peer.pack(heartbeat())
    assert len(bench.hear(*[data] * 1000)) < 1000


def test_a_peer_is_known_only_after_a_good_message() -> None:
    bench = Bench(peers=(1,))
    bench.hear(b"rubbish", peer="one")
    bench.hear(Peer(system=9).pack(heartbeat()), peer="two")
    assert bench.wire.known == []
    bench.hear(Peer().pack(heartbeat()), peer="three")
    assert bench.wire.known == ["three"]


# --- handlers ---


def test_a_handler_that_raises_is_told_once_for_each_kind_and_stops_nobody() -> None:
    bench, peer = Bench(), Peer()

    def bad(message: object) -> None:
        raise ValueError("no")

    bench.hear(b"rubbish")  # which is none of the handler's faults
    bench.link.on("HEARTBEAT", bad)
    after: list[object] = []
    bench.link.on("HEARTBEAT", after.append)
    for _ in range(3):
        bench.hear(peer.pack(heartbeat()))
    assert len(after) == 3
    assert len(bench.errors) == 1
    assert "HEARTBEAT" in bench.errors[0]
    bench.link.on("LOCAL_POSITION_NED", bad)
    bench.hear(peer.pack(place(1)))
    assert len(bench.errors) == 2
    assert bench.link.failed == {"HEARTBEAT": 3, "LOCAL_POSITION_NED": 1}


def test_a_handler_that_has_left_hears_nothing_and_may_leave_twice() -> None:
    bench = Bench()
    heard: list[object] = []
    end = bench.link.on("HEARTBEAT", heard.append)
    end()
    end()
    assert bench.hear(Peer().pack(heartbeat()))
    assert heard == []


def test_waiting_for_a_message() -> None:
    async def scenario() -> None:
        bench, peer = Bench(), Peer()
        waiting = asyncio.ensure_future(
            bench.link.wait("LOCAL_POSITION_NED", lambda m: m.time_boot_ms == 2, 5.0)
        )
        await asyncio.sleep(0)
        bench.hear(peer.pack(place(1)), peer.pack(place(2)))
        assert (await waiting).time_boot_ms == 2
        with pytest.raises(TimeoutError):
            await bench.link.wait("LOCAL_POSITION_NED", timeout=0.01)

    asyncio.run(scenario())


# --- signing ---


def test_with_a_key_only_what_is_signed_with_it_gets_in() -> None:
    bench = Bench(key=KEY)
    assert not bench.hear(Peer().pack(heartbeat()))
    assert not bench.hear(Peer().pack(heartbeat(), old=True))
    assert not bench.hear(Peer(key=OTHER_KEY).pack(heartbeat()))
    assert bench.link.refused == {"signature": 3}
    assert bench.wire.known == []
    assert bench.hear(Peer(key=KEY).pack(heartbeat()))


def test_what_is_sent_is_signed_and_taken_by_who_has_the_key() -> None:
    bench = Bench(key=KEY)
    bench.link.send(heartbeat())
    (message,) = Peer(key=KEY).read(bench.wire.written[0])
    assert message.get_signed()
    (refused,) = Peer(key=OTHER_KEY).read(bench.wire.written[0])
    assert refused.get_type() == "BAD_DATA"


def test_a_recording_of_what_was_signed_is_refused() -> None:
    bench, peer = Bench(key=KEY), Peer(key=KEY)
    first, second = peer.pack(place(1)), peer.pack(place(2))
    assert bench.hear(first)
    assert bench.hear(second)
    assert not bench.hear(first)
    assert not bench.hear(second)
    assert bench.link.refused == {"signature": 2}


def test_an_old_recording_does_not_begin_a_stream() -> None:
    bench, peer = Bench(key=KEY), Peer(key=KEY)
    peer.mav.signing.timestamp -= 2 * 60 * 100000
    assert not bench.hear(peer.pack(heartbeat()))


def test_a_sender_whose_time_is_behind_is_answered_so_that_it_takes_ours() -> None:
    bench, peer = Bench(key=KEY), Peer(key=KEY)
    peer.mav.signing.timestamp -= 2 * 60 * 100000
    old = peer.pack(heartbeat())
    bench.hear(old)
    assert not bench.link.received
    assert bench.wire.known == ["peer"]
    bench.link.send(heartbeat())
    peer.read(bench.wire.written[0])
    assert bench.hear(peer.pack(heartbeat()))
    # A recording of who is heard already is not answered, nor what has another key.
    bench.wire.known.clear()
    assert not bench.hear(old)
    other = Peer(component=100, key=OTHER_KEY)
    other.mav.signing.timestamp -= 2 * 60 * 100000
    assert not bench.hear(other.pack(heartbeat()))
    assert bench.wire.known == []


def test_a_forged_time_stamp_from_the_future_does_not_lock_the_true_sender_out() -> None:
    bench, peer = Bench(key=KEY), Peer(key=KEY)
    assert bench.hear(peer.pack(heartbeat()))
    forger = Peer(key=OTHER_KEY)
    forger.mav.signing.timestamp += 10**12
    assert not bench.hear(forger.pack(heartbeat()))
    assert bench.hear(peer.pack(heartbeat()))
    # Nor when the stream is new.
    stranger = Peer(component=100, key=OTHER_KEY)
    stranger.mav.signing.timestamp += 10**12
    assert not bench.hear(stranger.pack(heartbeat()))
    assert bench.hear(Peer(component=100, key=KEY).pack(heartbeat()))


def test_a_changed_signature_is_refused() -> None:
    bench = Bench(key=KEY)
    data = bytearray(Peer(key=KEY).pack(heartbeat()))
    data[-1] ^= 1
    assert not bench.hear(bytes(data))
    assert bench.link.refused == {"signature": 1}


def test_the_time_stamp_goes_with_the_clock() -> None:
    """An autopilot that restarts takes a stream whose time stamps are a minute old for a
    recording."""
    clock = VirtualClock()
    bench = Bench(key=KEY, wall=clock)
    bench.link.send(heartbeat())
    clock.advance(3600)
    bench.link.send(heartbeat())
    stamp = int.from_bytes(bench.wire.written[-1][-12:-6], "little")
    assert stamp == pytest.approx((clock.utc() - SIGNING_EPOCH) * 1e5, abs=1)
    bench.link.send(heartbeat())
    again = int.from_bytes(bench.wire.written[-1][-12:-6], "little")
    assert again > stamp


def test_without_a_key_signed_messages_are_read_too() -> None:
    assert Bench().hear(Peer(key=KEY).pack(heartbeat()))


# --- sending ---


def test_messages_are_numbered_and_carry_our_address() -> None:
    bench = Bench(system=4, component=191)
    for _ in range(258):
        bench.link.send(heartbeat())
    messages = sent(bench.wire)
    assert [m.get_seq() for m in messages] == [k % 256 for k in range(258)]
    assert {(m.get_srcSystem(), m.get_srcComponent()) for m in messages} == {(4, 191)}
    assert all(data[0] == 0xFD for data in bench.wire.written)  # MAVLink 2


# --- in an event loop ---


def test_it_reads_by_itself_over_udp() -> None:
    async def scenario() -> None:
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        link = Link(Transport(f"udpin:127.0.0.1:{port}"))
        link.open()
        other = Link(Transport(f"udpout:127.0.0.1:{port}"), system=2)
        other.open()
        try:
            first = asyncio.ensure_future(link.wait("HEARTBEAT", timeout=10.0))
            await asyncio.sleep(0)
            other.send(heartbeat())
            assert (await first).get_srcSystem() == 2
            answer = asyncio.ensure_future(other.wait("HEARTBEAT", timeout=10.0))
            await asyncio.sleep(0)
            link.send(heartbeat())
            assert (await answer).get_srcSystem() == 1
        finally:
            link.close()
            other.close()

    asyncio.run(scenario())


def test_a_connection_that_ends_is_told_and_leaves_the_loop_alone() -> None:
    async def scenario() -> None:
        server = socket.create_server(("127.0.0.1", 0))
        errors: list[str] = []
        link = Link(Transport(f"tcp:127.0.0.1:{server.getsockname()[1]}"), on_error=errors.append)
        link.open()
        accepted, _ = server.accept()
        accepted.send(Peer().pack(heartbeat()))
        await link.wait("HEARTBEAT", timeout=10.0)
        accepted.close()
        deadline = time.monotonic() + 10
        while not errors:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        assert "has ended" in errors[0]
        link.send(heartbeat())  # lost, as on any radio
        turns = 0
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            await asyncio.sleep(0.01)
            turns += 1
        assert turns > 2
        assert len(errors) == 1
        link.close()
        server.close()

    asyncio.run(scenario())


def test_a_connection_that_is_waited_for_may_come_and_go() -> None:
    async def scenario() -> None:
        probe = socket.create_server(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        link = Link(Transport(f"tcpin:127.0.0.1:{port}"))
        link.open()
        for _ in range(2):
            client = socket.create_connection(("127.0.0.1", port))
            heard = asyncio.ensure_future(link.wait("HEARTBEAT", timeout=10.0))
            await asyncio.sleep(0)
            client.send(Peer().pack(heartbeat()))
            await heard
            link.send(heartbeat())
            client.settimeout(10.0)
            assert Peer().read(client.recv(1000))
            client.close()
            await asyncio.sleep(0.05)
        link.close()

    asyncio.run(scenario())
