"""Video over RTP: packets put in order, and what was lost on the way.

RFC 3550; pictures are put together in `cinempc.flight.video.access_units`. Takes datagrams and
gives pictures; sockets and decoding are elsewhere. FFmpeg's own reader does not tell which pictures
rest on lost ones: its decoder makes them up.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cinempc.flight.video.access_units import AccessUnit, Assembly

#: A packet that is missing is waited for so long, s, and until so many came after it.
_WAIT, _AHEAD = 0.05, 128
#: So many that came after it, where no two of them are in a row, may be the stream; fewer have
#: strayed.
_SCATTERED = 8
#: A packet that came so long before those in front of it, s, has strayed.
_STRAYED = 0.2
#: A sender that was silent for so long, s, may be followed by another one.
SILENT = 1.0
#: A sequence number so far ahead, or so far behind, is of another sequence (RFC 3550, A.1:
#: MAX_DROPOUT, and more than its MAX_MISORDER, as a second of video is a thousand packets).
_JUMP, _BEHIND = 3000, 1000
_DYNAMIC = range(96, 128)  # payload types (RFC 3551, 6)


@dataclass(frozen=True)
class Packet:
    """An RTP packet; ``timestamp`` counts 1/90000 s from anywhere."""

    sequence: int
    timestamp: int
    marker: bool
    source: int
    payload: bytes


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
        counts: "packets" taken; "lost" packets; "late" ones, sent twice or strayed; "malformed"
            datagrams; packets of "strangers"; "broken" pictures, of which a part is missing.
    """

    def __init__(self, counts: Counter[str] | None = None) -> None:
        self.counts: Counter[str] = Counter() if counts is None else counts
        self._source: tuple[Any, int] | None = None
        self._heard = 0.0
        self._candidate: tuple[tuple[Any, int], Packet] | None = None
        self._expected = 0
        self._ahead: dict[int, tuple[Packet, float]] = {}  # and when each came
        self._odd: Packet | None = None  # one that did not fit
        self._assembly = Assembly(self.counts)

    def take(self, datagram: bytes, address: Any, now: float) -> list[AccessUnit]:
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

    def wait(self, now: float) -> list[AccessUnit]:
        """Give up waiting for what is missing, if it was waited for long enough."""
        pictures: list[AccessUnit] = []
        while self._ahead and now - self._missing_since() >= _WAIT and self._goes_on_ahead():
            pictures += self._skip()
        return pictures

    def _missing_since(self) -> float:
        """When the first of those that came early came."""
        return min(came for _, came in self._ahead.values())

    def _goes_on_ahead(self) -> bool:
        """Whether what came early is the stream: one alone, or a few here and there, may have
        strayed, and what is skipped for their sake is lost."""
        ahead = self._ahead
        return len(ahead) >= _SCATTERED or any((s + 1) & 0xFFFF in ahead for s in ahead)

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

    def _order(self, packet: Packet, now: float) -> list[AccessUnit]:
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
            return [*self._deliver(odd), *self._deliver(packet)]
        self._odd = None
        if distance:
            self._ahead[sequence] = packet, now
            if len(self._ahead) > _AHEAD:
                return list(self._skip())
            return self.wait(now)
        strayed = [s for s, (_, came) in self._ahead.items() if now - came > _STRAYED]
        for stray in strayed:
            del self._ahead[stray]
        self.counts["late"] += len(strayed)
        return list(self._deliver(packet))

    def _skip(self) -> Iterator[AccessUnit]:
        """Go on with the nearest packet that is there."""
        nearest = min(self._ahead, key=lambda s: (s - self._expected) & 0xFFFF)
        self.counts["lost"] += (nearest - self._expected) & 0xFFFF
        self._assembly.lose()
        yield from self._deliver(self._ahead.pop(nearest)[0])

    def _deliver(self, packet: Packet) -> Iterator[AccessUnit]:
        while True:
            self._expected = (packet.sequence + 1) & 0xFFFF
            yield from self._assembly.add(packet.payload, packet.timestamp, packet.marker)
            if self._expected not in self._ahead:
                break
            packet, _ = self._ahead.pop(self._expected)
