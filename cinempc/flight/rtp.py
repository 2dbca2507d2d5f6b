"""H.264 over RTP: packets put in order, pictures put together, and what was lost on the way.

RFC 3550 (RTP) and RFC 6184 (its payload for H.264: single NAL units, STAP-A and FU-A, which is
packetization mode 1). Takes datagrams and gives pictures; sockets and decoding are elsewhere.
FFmpeg's own reader does not tell which pictures rest on lost ones: its decoder makes them up.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: A packet that is missing is waited for so long, s, and until so many came after it.
_WAIT, _AHEAD = 0.05, 128
#: A sender that was silent for so long, s, may be followed by another one.
SILENT = 1.0
#: A sequence number so far ahead, or so far behind, is of another sequence (RFC 3550, A.1:
#: MAX_DROPOUT, and more than its MAX_MISORDER, as a second of video is a thousand packets).
_JUMP, _BEHIND = 3000, 1000
#: Largest picture that is put together, bytes.
_LARGEST = 16 << 20
_DYNAMIC = range(96, 128)  # payload types (RFC 3551, 6)
_START = b"\0\0\0\1"
_IDR, _SEQUENCE, _DELIMITER = 5, 7, 9  # NAL unit types of H.264
_STAP_A, _FU_A = 24, 28  # and of RFC 6184


@dataclass(frozen=True)
class Packet:
    """An RTP packet; ``timestamp`` counts 1/90000 s from anywhere."""

    sequence: int
    timestamp: int
    marker: bool
    source: int
    payload: bytes


@dataclass(frozen=True)
class Picture:
    """A picture's NAL units (Annex B).

    ``key``: decoding can begin with it. ``gap``: something was lost before it, and unless it is a
    key picture it may rest on that.
    """

    data: bytes
    timestamp: int
    key: bool
    gap: bool


def parse(data: bytes) -> Packet | None:
    """An RTP packet of a datagram; None for what is none, or is of no dynamic payload type."""
    if len(data) < 12:
        return None
    first, second, sequence, timestamp, source = struct.unpack_from("!BBHII", data)
    begin, end = 12 + 4 * (first & 0x0F), len(data)
    if first >> 6 != 2 or second & 0x7F not in _DYNAMIC:
        return None
    if first & 0x10:  # an extension header
        if begin + 4 > end:
            return None
        begin += 4 + 4 * int(struct.unpack_from("!H", data, begin + 2)[0])
    if first & 0x20:  # padding, whose length is the last byte
        end -= data[-1]
    if begin >= end:
        return None
    return Packet(sequence, timestamp, bool(second & 0x80), source, data[begin:end])


class Receiver:
    """Makes pictures of the datagrams of one sender; others on the port are passed over.

    Args:
        counts: to be counted in; see below.

    Attributes:
        counts: "packets" taken; "lost" packets; "late" ones, or sent twice; "malformed"
            datagrams; packets of "strangers"; "broken" pictures, of which a part is missing.
    """

    def __init__(self, counts: Counter[str] | None = None) -> None:
        self.counts: Counter[str] = Counter() if counts is None else counts
        self._source: tuple[Any, int] | None = None
        self._heard = 0.0
        self._candidate: tuple[tuple[Any, int], Packet] | None = None
        self._expected = 0
        self._ahead: dict[int, Packet] = {}
        self._waiting = 0.0  # since when a packet is missing
        self._odd: Packet | None = None  # one that did not fit
        self._assembly = _Assembly(self.counts)

    def take(self, datagram: bytes, address: Any, now: float) -> list[Picture]:
        """Take in a datagram.

        Args:
            datagram: its bytes, whatever they are.
            address: of who sent it.
            now: s, of any clock.

        Returns:
            the pictures that are whole with it.
        """
        packet = parse(datagram)
        if packet is None:
            self.counts["malformed"] += 1
            return []
        key = (address, packet.source)
        if key != self._source:
            first = self._meet(key, packet, now)
            if first is None:
                return []
            return [*self._order(first, now), *self._order(packet, now)]
        self._heard = now
        return self._order(packet, now)

    def wait(self, now: float) -> list[Picture]:
        """Give up waiting for what is missing, if it was waited for long enough."""
        if not self._ahead or now - self._waiting < _WAIT:
            return []
        return list(self._skip(now))

    def _meet(self, key: tuple[Any, int], packet: Packet, now: float) -> Packet | None:
        """Somebody new: followed if the one before fell silent, after two packets in a row
        (RFC 3550, A.1), which chance does not send. The first of the two if so."""
        if self._source is not None and now - self._heard < SILENT:
            self.counts["strangers"] += 1
            return None
        candidate, self._candidate = self._candidate, (key, packet)
        if candidate is None or candidate[0] != key:
            return None
        first = candidate[1]
        if packet.sequence != (first.sequence + 1) & 0xFFFF:
            return None
        self._source, self._heard, self._candidate = key, now, None
        self._restart(first.sequence)
        return first

    def _restart(self, sequence: int) -> None:
        self._expected, self._odd = sequence, None
        self._ahead.clear()
        self._assembly.forget()

    def _order(self, packet: Packet, now: float) -> list[Picture]:
        self.counts["packets"] += 1
        sequence = packet.sequence
        distance = (sequence - self._expected) & 0xFFFF
        if distance >= 0x10000 - _BEHIND:
            self.counts["late"] += 1
            return []
        if distance > _JUMP:
            # One that strayed, or a sender that began anew: two in a row tell.
            odd, self._odd = self._odd, packet
            if odd is None or sequence != (odd.sequence + 1) & 0xFFFF:
                self.counts["late"] += 1
                return []
            self._restart(odd.sequence)
            return [*self._deliver(odd, now), *self._deliver(packet, now)]
        self._odd = None
        if distance:
            if not self._ahead:
                self._waiting = now
            self._ahead[sequence] = packet
            if len(self._ahead) > _AHEAD or now - self._waiting > _WAIT:
                return list(self._skip(now))
            return []
        return list(self._deliver(packet, now))

    def _skip(self, now: float) -> Iterator[Picture]:
        """Go on with the nearest packet that is there."""
        nearest = min(self._ahead, key=lambda s: (s - self._expected) & 0xFFFF)
        self.counts["lost"] += (nearest - self._expected) & 0xFFFF
        self._assembly.lose()
        yield from self._deliver(self._ahead.pop(nearest), now)

    def _deliver(self, packet: Packet | None, now: float) -> Iterator[Picture]:
        while packet is not None:
            self._expected = (packet.sequence + 1) & 0xFFFF
            yield from self._assembly.add(packet)
            packet = self._ahead.pop(self._expected, None)
        self._waiting = now


class _Assembly:
    """Puts the NAL units of packets in order together to pictures."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self.forget()

    def forget(self) -> None:
        """Begin anew: nothing is known of what was before."""
        self._timestamp = -1
        self._parts: list[bytes] = []
        self._size = 0
        self._key = False
        self._fragments: list[bytes] = []
        self._broken = False
        self._after_loss = False
        self._gap = True

    def lose(self) -> None:
        """Packets are missing before the next one."""
        self._broken = self._after_loss = self._gap = True

    def add(self, packet: Packet) -> Iterator[Picture]:
        if packet.timestamp != self._timestamp:
            if self._timestamp >= 0 and (self._parts or self._broken):
                yield from self._finish()  # its last packet did not say so
            self._timestamp = packet.timestamp
            # What was lost may have been this picture's beginning, unless here is one.
            self._broken = self._after_loss and _kind(packet.payload) not in (
                _SEQUENCE,
                _DELIMITER,
            )
        self._after_loss = False
        if not self._broken and not self._take(packet.payload):
            self._broken = True
        if packet.marker:
            yield from self._finish()
            self._timestamp = -1

    def _take(self, payload: bytes) -> bool:
        """Take in a payload; whether that makes sense."""
        kind = payload[0] & 0x1F
        if kind == _FU_A:
            return self._fragment(payload)
        if self._fragments:
            return False
        if kind == _STAP_A:
            return self._aggregate(payload)
        return 1 <= kind <= 23 and self._unit(payload)

    def _fragment(self, payload: bytes) -> bool:
        if len(payload) < 3:
            return False
        header = payload[1]
        if header & 0x80:  # the first
            if self._fragments:
                return False
            self._fragments = [bytes([payload[0] & 0xE0 | header & 0x1F])]
        elif not self._fragments or self._fragments[0][0] & 0x1F != header & 0x1F:
            return False
        self._fragments.append(payload[2:])
        self._size += len(payload)
        if header & 0x40:  # the last
            unit, self._fragments = b"".join(self._fragments), []
            return self._unit(unit)
        return self._size <= _LARGEST

    def _aggregate(self, payload: bytes) -> bool:
        place = 1
        while place + 2 < len(payload):
            size = int.from_bytes(payload[place : place + 2], "big")
            unit = payload[place + 2 : place + 2 + size]
            if not unit or len(unit) < size or not self._unit(unit):
                return False
            place += 2 + size
        return place == len(payload)

    def _unit(self, unit: bytes) -> bool:
        self._key = self._key or unit[0] & 0x1F == _IDR
        self._parts += (_START, unit)
        self._size += len(unit)
        return self._size <= _LARGEST

    def _finish(self) -> Iterator[Picture]:
        if self._broken or self._fragments or not self._parts:
            self._counts["broken"] += 1
            self._gap = True
        else:
            yield Picture(b"".join(self._parts), self._timestamp, self._key, self._gap)
            self._gap = False
        self._parts, self._fragments, self._size, self._key = [], [], 0, False
        self._broken = False


def _kind(payload: bytes) -> int:
    """The type of the first NAL unit in a payload."""
    kind = payload[0] & 0x1F
    if kind == _STAP_A and len(payload) > 3:
        return payload[3] & 0x1F
    if kind == _FU_A and len(payload) > 1 and payload[1] & 0x80:
        return payload[1] & 0x1F
    return kind
