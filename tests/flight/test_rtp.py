"""RTP's packets: in order or not, lost, late, hostile; pictures out of them."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cinempc.flight.video import rtp
from cinempc.flight.video.access_units import AccessUnit
from cinempc.flight.video.rtp import Receiver

HERE = ("127.0.0.1", 5000)
SPS, PPS, IDR, SLICE = b"\x67sps", b"\x68pps", b"\x65", b"\x41"


def packet(sequence, timestamp, payload, marker=False, source=7, kind=96) -> bytes:
    head = struct.pack(
        "!BBHII", 0x80, kind | 0x80 * marker, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, source
    )
    return head + payload


def stap(*units: bytes) -> bytes:
    return b"\x78" + b"".join(struct.pack("!H", len(unit)) + unit for unit in units)


def fragments(unit: bytes, size: int) -> list[bytes]:
    parts = [unit[1 + k : 1 + k + size] for k in range(0, len(unit) - 1, size)]
    last = len(parts) - 1
    return [
        bytes([unit[0] & 0xE0 | 28, 0x80 * (k == 0) | 0x40 * (k == last) | unit[0] & 0x1F]) + part
        for k, part in enumerate(parts)
    ]


class Camera:
    """Sends pictures of two packets at least: every fifth one a key picture."""

    def __init__(self, sequence: int = 65_500, source: int = 7) -> None:
        self.sequence, self.source, self.number = sequence, source, 0

    def picture(self) -> list[bytes]:
        stamp = 4_294_960_000 + 3750 * self.number
        body = bytes([self.number % 256]) * 500
        if self.number % 5 == 0:
            payloads = [stap(SPS, PPS), *fragments(IDR + body, 200)]
        else:
            payloads = [stap(b"\x06sei"), *fragments(SLICE + body, 300)]
        self.number += 1
        packets = []
        for k, payload in enumerate(payloads):
            packets.append(
                packet(self.sequence, stamp, payload, k == len(payloads) - 1, source=self.source)
            )
            self.sequence += 1
        return packets

    def film(self, number: int) -> list[list[bytes]]:
        return [self.picture() for _ in range(number)]


def numbers(pictures: list[AccessUnit]) -> list[int]:
    return [picture.data[-1] for picture in pictures]


def take(receiver: Receiver, packets: list[bytes], now: float = 0.0) -> list[AccessUnit]:
    return [picture for data in packets for picture in receiver.take(data, HERE, now)]


def flat(film: list[list[bytes]]) -> list[bytes]:
    return [data for picture in film for data in picture]


def test_pictures_come_whole_across_the_end_of_the_numbers():
    receiver = Receiver()
    pictures = take(receiver, flat(Camera().film(40)))
    assert numbers(pictures) == list(range(40))
    assert [p.key for p in pictures] == [k % 5 == 0 for k in range(40)]
    assert [p.gap for p in pictures] == [True] + [False] * 39
    start = b"\0\0\0\1"
    assert pictures[0].data == start + SPS + start + PPS + start + IDR + bytes(500)
    assert pictures[1].data == start + b"\x06sei" + start + SLICE + b"\1" * 500
    assert receiver.counts["lost"] == receiver.counts["broken"] == 0


def test_packets_out_of_order_and_twice_change_nothing():
    camera, receiver = Camera(), Receiver()
    packets = flat(camera.film(60))
    chance = random.Random(1)
    take_order = sorted(range(2, len(packets)), key=lambda k: k + chance.uniform(0, 6))
    sent = [packets[k] for k in [0, 1, *take_order] for _ in range(1 + (chance.random() < 0.2))]
    assert numbers(take(receiver, sent)) == list(range(60))
    assert receiver.counts["lost"] == 0
    assert receiver.counts["late"] > 0


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_lost_packet_costs_its_picture_and_is_told_to_the_next(missing):
    film = Camera().film(12)
    del film[6][missing]
    receiver = Receiver()
    packets = flat(film)
    pictures = take(receiver, packets, 0.0) + receiver.wait(1.0)
    assert numbers(pictures) == [*range(6), *range(7, 12)] or numbers(pictures) == [
        *range(6),
        *range(8, 12),
    ]  # whether the next picture's beginning was lost too cannot be told
    after = pictures[6]
    assert after.gap
    assert sum(picture.gap for picture in pictures) == 2  # the first of all has one too
    assert receiver.counts["lost"] == 1


def test_a_picture_lost_as_a_whole_is_noticed_and_a_key_picture_behind_it_is_whole():
    film = Camera().film(12)
    packets = flat(film[:4] + film[5:])  # 4 is lost, 5 is a key picture
    receiver = Receiver()
    pictures = take(receiver, packets) + receiver.wait(1.0)
    assert numbers(pictures) == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]
    assert pictures[4].key
    assert pictures[4].gap


def test_what_is_missing_is_not_waited_for_for_ever():
    film = Camera().film(3)
    receiver = Receiver()
    take(receiver, film[0], 0.0)
    assert take(receiver, film[1][1:], 0.01) == []
    assert take(receiver, film[2], 0.02) == []
    assert receiver.wait(0.03) == []
    assert numbers(receiver.wait(0.2)) == [2]


def test_strangers_on_the_port_are_passed_over_until_the_sender_falls_silent():
    first, second, receiver = Camera(), Camera(100, source=9), Receiver()
    assert numbers(take(receiver, flat(first.film(5)), 0.0)) == list(range(5))
    assert take(receiver, flat(second.film(5)), 0.1) == []
    assert receiver.counts["strangers"] > 10
    assert numbers(take(receiver, flat(first.film(5)), 0.2)) == list(range(5, 10))
    pictures = take(receiver, flat(second.film(7)), 3.0)  # 5 to 11
    assert numbers(pictures) == list(range(5, 12))
    assert pictures[0].gap


def test_a_sender_that_begins_anew_with_its_old_name_is_followed():
    camera, receiver = Camera(), Receiver()
    take(receiver, flat(camera.film(5)), 0.0)
    camera.sequence += 30_000
    pictures = take(receiver, flat(camera.film(10)), 0.1)
    assert numbers(pictures) == list(range(5, 15))
    assert pictures[0].gap
    assert pictures[0].key


def test_headers_with_extension_sources_and_padding_are_read():
    body = packet(1, 2, IDR + b"abc")[12:]
    head = struct.pack("!BBHII", 0x80 | 0x30 | 2, 96, 1, 2, 7)
    data = head + bytes(8) + struct.pack("!HH", 0xBEDE, 1) + bytes(4) + body + b"\0\0\3"
    assert rtp.parse(data) == rtp.Packet(1, 2, False, 7, IDR + b"abc")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),
        packet(1, 2, b""),
        packet(1, 2, IDR, kind=0),
        struct.pack("!BBHII", 0x80, 200, 1, 2, 7) + bytes(40),  # RTCP
        struct.pack("!BBHII", 0x8F, 96, 1, 2, 7) + IDR,
        struct.pack("!BBHII", 0x90, 96, 1, 2, 7) + b"\0\0\xff\xff",
        struct.pack("!BBHII", 0xA0, 96, 1, 2, 7) + b"\xff",
    ],
)
def test_what_is_no_packet_is_none(data):
    assert rtp.parse(data) is None


@pytest.mark.parametrize(
    "payload",
    [
        b"\x78\0\0",  # a unit of no length
        b"\x78\xff\xffabc",
        b"\x7c\x45abc",  # the end of a fragment that did not begin
        b"\x7c\x85",
        b"\x79abc",  # interleaved kinds
        b"\x7e",
        b"\x00a",
    ],
)
def test_a_garbled_payload_breaks_its_picture_only(payload):
    film = Camera(0).film(8)
    broken = film[2]
    broken[1] = broken[1][:12] + payload
    receiver = Receiver()
    pictures = take(receiver, flat(film))
    assert numbers(pictures) == [0, 1, 3, 4, 5, 6, 7]
    assert pictures[2].gap
    assert receiver.counts["broken"] == 1


@settings(max_examples=60, deadline=None)
@example([bytes.fromhex("80 60 04 2d 00 00 00 00 00 00 00 07 00")])  # 49 packets ahead
@example([packet(0, 0, b"\0", False), *(packet(n, 0, b"\0", False) for n in (1, 3, 5))])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.builds(
                packet,
                st.integers(0, 70_000),
                st.integers(0, 3),
                st.binary(min_size=1, max_size=20),
                st.booleans(),
            ),
        ),
        max_size=60,
    )
)
def test_nothing_that_comes_raises_and_the_stream_goes_on(garbage):
    camera, receiver = Camera(1000), Receiver()
    take(receiver, flat(camera.film(6)))
    now = 0.0
    for data in garbage:
        now += 0.001
        receiver.take(data, ("10.0.0.9", 1), now)
        receiver.take(data, HERE, now)
        receiver.wait(now)
    pictures = take(receiver, flat(camera.film(30)), now + 5.0) + receiver.wait(now + 9.0)
    # One that looks like the stream's own costs a picture where it falls, and no more.
    assert numbers(pictures)[-15:] == list(range(21, 36))


def test_one_that_strayed_ahead_costs_nothing():
    """A packet like the stream's own, far ahead of it: the pictures in front of it are not skipped
    for its sake, and when the stream gets there its own packet is taken."""
    camera, receiver = Camera(1000), Receiver()
    take(receiver, flat(camera.film(6)), 0.0)
    assert take(receiver, [packet(camera.sequence + 49, 0, b"\x00")], 0.01) == []
    assert receiver.wait(0.2) == []
    pictures = []
    for k in range(30):
        pictures += take(receiver, camera.picture(), 0.2 + k / 24)
    assert numbers(pictures) == list(range(6, 36))
    assert not any(picture.gap for picture in pictures)
    assert (receiver.counts["late"], receiver.counts["lost"]) == (1, 0)


def test_one_that_falls_into_a_picture_costs_that_and_is_none_itself():
    """Between the first packet of a picture, which holds no part of the image, and the others."""
    camera, receiver = Camera(1000), Receiver()
    take(receiver, flat(camera.film(6)))
    parts = camera.picture()
    assert take(receiver, [parts[0], packet(camera.sequence - 2, 0, b"\x00"), *parts[1:]]) == []
    pictures = take(receiver, flat(camera.film(9)))
    assert numbers(pictures) == list(range(7, 16))
    assert pictures[0].gap
    assert receiver.counts["broken"] >= 1


def test_every_second_packet_lost_is_still_a_stream():
    camera, receiver = Camera(1000), Receiver()
    take(receiver, flat(camera.film(1)))
    expected = receiver._expected
    for k, data in enumerate(flat(camera.film(20))):
        if k % 2:
            receiver.take(data, HERE, 0.06 * k)
    assert receiver.counts["lost"] > 20
    assert receiver._expected > expected + 40


def test_a_picture_without_end_does_not_eat_the_memory():
    receiver = Receiver()
    take(receiver, flat(Camera(0).film(1)))
    last = Camera(0)
    last.film(1)
    sequence = last.sequence
    for k in range(400):
        head = b"\x7c\x85" if k == 0 else b"\x7c\x05"
        take(receiver, [packet(sequence + k, 99, head + bytes(60_000))])
    held = sum(map(len, receiver._assembly._fragments)) + sum(map(len, receiver._assembly._parts))
    assert held <= (17 << 20)
    assert take(receiver, [packet(sequence + 400, 99, b"\x7c\x45a", True)]) == []
    assert receiver.counts["broken"] == 1
