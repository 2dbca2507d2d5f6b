"""H.265 over RTP: told apart from H.264, put together and decoded; by packets of our own and by
those of FFmpeg's sender."""

from __future__ import annotations

import functools
import random
import socket
import struct
from collections import Counter
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.flight.video.access_units import H264, H265, AccessUnit, format_of
from cinempc.flight.video.feed import _Decoder
from cinempc.flight.video.rtp import Receiver

HERE = ("127.0.0.1", 5000)
WIDTH, HEIGHT = 160, 96


def shade(number: int) -> int:
    return 40 + 8 * number


@functools.cache
def coded(codec: str, count: int = 12, key_every: int = 4) -> tuple[bytes, ...]:
    """Pictures of plain grey, one lighter than the one before, in Annex B."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 24), Fraction(24)
    extra = f"keyint={key_every}:min-keyint={key_every}:bframes=0:repeat-headers=1"
    name = "x265-params" if "265" in codec else "x264-params"
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        name: extra + ":log-level=none" * ("265" in codec),
    }
    pictures = []
    for number in range(count):
        image = np.full((HEIGHT, WIDTH, 3), shade(number), dtype=np.uint8)
        image[: HEIGHT // 2] = np.random.default_rng(number).integers(0, 255, WIDTH)[None, :, None]
        frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        pictures += [bytes(packet) for packet in context.encode(frame)]
    pictures += [bytes(packet) for packet in context.encode(None)]
    return tuple(pictures)


def units(picture: bytes) -> list[bytes]:
    parts = picture.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [part.rstrip(b"\0") if not part.rstrip(b"\0") else part for part in parts if part]


class Sender:
    """Sends pictures by RFC 7798: small units alone or together, large ones in parts."""

    def __init__(self, sequence: int = 65_530, most: int = 300) -> None:
        self.sequence, self._most = sequence, most

    def packets(self, picture: bytes, stamp: int) -> list[bytes]:
        payloads: list[bytes] = []
        small: list[bytes] = []
        for unit in units(picture):
            if len(unit) <= 60:
                small.append(unit)
                continue
            payloads += self._together(small)
            small = []
            payloads += self._parts(unit) if len(unit) > self._most else [unit]
        payloads += self._together(small)
        found = []
        for k, payload in enumerate(payloads):
            kind = 96 | 0x80 * (k == len(payloads) - 1)
            head = struct.pack("!BBHII", 0x80, kind, self.sequence & 0xFFFF, stamp, 7)
            found.append(head + payload)
            self.sequence += 1
        return found

    def _together(self, small: list[bytes]) -> list[bytes]:
        if len(small) < 2:
            return small
        return [
            bytes([48 << 1, 1]) + b"".join(struct.pack("!H", len(unit)) + unit for unit in small)
        ]

    def _parts(self, unit: bytes) -> list[bytes]:
        kind, body = unit[0] >> 1 & 0x3F, unit[2:]
        parts = [body[k : k + self._most] for k in range(0, len(body), self._most)]
        head = bytes([unit[0] & 0x81 | 49 << 1, unit[1]])
        last = len(parts) - 1
        return [
            head + bytes([0x80 * (k == 0) | 0x40 * (k == last) | kind]) + part
            for k, part in enumerate(parts)
        ]


def film(codec: str = "libx265") -> list[list[bytes]]:
    sender = Sender()
    return [sender.packets(picture, 3750 * k) for k, picture in enumerate(coded(codec))]


def received(packets: list[bytes], receiver: Receiver | None = None) -> list[AccessUnit]:
    receiver = receiver or Receiver()
    pictures = [each for data in packets for each in receiver.take(data, HERE, 0.0)]
    return pictures + receiver.wait(1.0)


def shades(pictures: list[AccessUnit], counts: Counter[str] | None = None) -> list[int]:
    """Which pictures come out of the decoder, by their lower half."""
    decoder = _Decoder(Counter() if counts is None else counts)
    found = []
    for picture in pictures:
        for frame in decoder.decode(picture):
            grey = frame.to_ndarray(format="rgb24")[HEIGHT // 2 + 8 :].mean()
            found.append(round((grey - 40) / 8))
    return found


def test_pictures_come_whole_and_are_decoded():
    receiver = Receiver()
    pictures = received([data for picture in film() for data in picture], receiver)
    assert [picture.codec for picture in pictures] == ["hevc"] * 12
    assert [picture.key for picture in pictures] == [k % 4 == 0 for k in range(12)]
    assert [picture.gap for picture in pictures] == [True] + [False] * 11
    assert [units(picture.data) for picture in pictures] == [
        units(picture) for picture in coded("libx265")
    ]
    assert shades(pictures) == list(range(12))
    assert receiver.counts["broken"] == receiver.counts["lost"] == 0


def test_nothing_rests_on_a_picture_that_was_lost():
    whole = film()
    for lost in range(4, 8):
        sent = [picture if k != lost else picture[1:] for k, picture in enumerate(whole)]
        counts: Counter[str] = Counter()
        pictures = received([data for picture in sent for data in picture])
        shown = shades(pictures, counts)
        assert shown == [*range(lost), *range(8, 12)]


def test_out_of_order_and_twice_changes_nothing():
    chance = random.Random(3)
    packets = [data for picture in film() for data in picture]
    order = sorted(range(2, len(packets)), key=lambda k: k + chance.uniform(0, 5))
    sent = [packets[k] for k in [0, 1, *order] for _ in range(1 + (chance.random() < 0.2))]
    assert shades(received(sent)) == list(range(12))


@pytest.mark.parametrize(("codec", "form"), [("libx264", H264), ("libx265", H265)])
def test_the_coding_is_told_by_every_unit(codec, form):
    for picture in coded(codec):
        for unit in units(picture):
            assert format_of(unit) in (form, None)
        assert format_of(units(picture)[0]) is form


def test_a_camera_that_changes_its_coding_is_followed():
    """The same sender, the sequence going on: only the parameter sets are others."""
    sender, receiver = Sender(), Receiver()
    packets = [data for k in range(8) for data in sender.packets(coded("libx265")[k], 3750 * k)]
    for k, picture in enumerate(coded("libx264")[:8], 8):
        for unit in units(picture):
            head = struct.pack("!BBHII", 0x80, 96, sender.sequence & 0xFFFF, 3750 * k, 7)
            packets.append(head + unit)
            sender.sequence += 1
    pictures = received([*packets, packets[-1][:2] + b"\xff\xff" + packets[-1][4:]], receiver)
    assert [picture.codec for picture in pictures][:8] == ["hevc"] * 8
    assert {picture.codec for picture in pictures[8:]} == {"h264"}
    assert shades(pictures)[:14] == [*range(8), *range(6)]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_rubbish_between_is_no_picture_and_no_fault(payloads):
    receiver, sequence = Receiver(), 100
    for number, payload in enumerate(payloads):
        head = struct.pack("!BBHII", 0x80, 96, sequence + number, 3750 * (number // 3), 7)
        for picture in receiver.take(head + payload, HERE, 0.0):
            assert picture.codec in ("h264", "hevc")
            assert picture.data


def test_what_ffmpeg_sends_is_read():
    """Its sender puts units together in its own way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.bind(("127.0.0.1", 0))
        port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        port.settimeout(2.0)
        options = {"rtpflags": "skip_rtcp", "payload_type": "96"}
        address = f"rtp://127.0.0.1:{port.getsockname()[1]}?pkt_size=400"
        with av.open(address, "w", format="rtp", options=options) as sender:
            stream = sender.add_stream("libx265", rate=24)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.options = {
                "preset": "ultrafast",
                "tune": "zerolatency",
                "x265-params": "keyint=4:bframes=0:repeat-headers=1:log-level=none",
            }
            for number in range(12):
                image = np.full((HEIGHT, WIDTH, 3), shade(number), dtype=np.uint8)
                noise = np.random.default_rng(number).integers(0, 255, (HEIGHT // 2, WIDTH, 3))
                image[: HEIGHT // 2] = noise
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts = number
                sender.mux(stream.encode(frame))
            sender.mux(stream.encode(None))
        packets = []
        port.setblocking(False)
        try:
            while True:
                packets.append(port.recv(1 << 16))
        except BlockingIOError:
            pass
    assert len(packets) > 30
    assert shades(received(packets)) == list(range(12))
