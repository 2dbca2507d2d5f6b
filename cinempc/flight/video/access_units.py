"""Pictures of H.264 and H.265 put together from the payloads of RTP packets in order.

RFC 6184 (H.264: single NAL units, STAP-A and FU-A, which is packetization mode 1) and RFC 7798
(H.265: single NAL units, AP and FU, without the decoding order numbers that a session description
would have to announce). Which of the two it is, the payloads tell themselves: what a camera says of
its encoding is not needed, and may be wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

#: FFmpeg's names of the codings.
Coding = Literal["h264", "hevc"]

#: Largest picture that is put together, bytes.
_LARGEST = 16 << 20
_START = b"\0\0\0\1"


@dataclass(frozen=True)
class AccessUnit:
    """The NAL units of one picture (Annex B of H.264 and of H.265).

    ``codec`` is FFmpeg's name of the coding. ``key``: decoding can begin with it. ``gap``:
    something was lost before it, and unless it is a key picture it may rest on that.
    """

    data: bytes
    timestamp: int
    key: bool
    gap: bool
    codec: Coding = "h264"


@dataclass(frozen=True)
class Format:
    """How a coding's NAL units travel.

    Attributes:
        codec: FFmpeg's name of it.
        header: bytes of a NAL unit's header; a payload begins with one, too.
        shift, mask: where the type stands in the header's first byte.
        single: types of a payload that is one NAL unit; ``aggregate`` of several, ``fragment`` of
            a part of one.
        coded: types of a picture's slices: without any it is none.
        keys: those of them that decoding can begin with.
        begins: types that stand at a picture's beginning.
        parameters: types of parameter sets.
    """

    codec: Coding
    header: int
    shift: int
    mask: int
    single: range
    aggregate: int
    fragment: int
    coded: range
    keys: range
    begins: frozenset[int]
    parameters: range

    def kind(self, unit: bytes) -> int:
        """The type of a NAL unit, or of a payload."""
        return unit[0] >> self.shift & self.mask

    def first(self, payload: bytes) -> int:
        """The type of the first NAL unit in a payload; of a fragment that is not the first, the
        fragment's."""
        kind, head = self.kind(payload), self.header
        if kind == self.aggregate and len(payload) > head + 2:
            return self.kind(payload[head + 2 :])
        if kind == self.fragment and len(payload) > head and payload[head] & 0x80:
            return payload[head] & self.mask
        return kind

    def whole(self, payload: bytes) -> bytes:
        """The header of the NAL unit that a fragment is a part of."""
        kept = payload[0] & ~(self.mask << self.shift) & 0xFF
        kind = payload[self.header] & self.mask
        return bytes([kept | kind << self.shift]) + payload[1 : self.header]


#: H.264: types of table 7-1; of H.265, 7-1 as well: 16 to 21 are random access points, 35 the
#: delimiter, 32 to 34 the parameter sets.
H264 = Format(
    "h264", 1, 0, 0x1F, range(1, 24), 24, 28, range(1, 6), range(5, 6), frozenset({7, 9}),
    range(7, 9),
)  # fmt: skip
H265 = Format(
    "hevc", 2, 1, 0x3F, range(48), 48, 49, range(32), range(16, 22), frozenset({32, 33, 35}),
    range(32, 35),
)  # fmt: skip
#: What a stream's packets are made of; types in use of the one are hardly types of the other.
_H264_TYPES = frozenset({1, 5, 6, 7, 8, 9, 24, 28})
_H265_TYPES = frozenset({0, 1, 16, 17, 18, 19, 20, 21, 32, 33, 34, 35, 39, 48, 49})


def format_of(payload: bytes) -> Format | None:
    """Which coding a payload is of; None where it does not tell.

    H.265's header has a second byte, which is 1 in the base layer; in H.264 it would be the
    beginning of a slice, of a parameter set or of a length that starts otherwise.
    """
    if len(payload) < 2 or payload[0] & 0x80:
        return None
    plain = not payload[0] & 0x01 and payload[1] == 0x01
    if plain and H265.kind(payload) in _H265_TYPES:
        return H265
    return H264 if H264.kind(payload) in _H264_TYPES else None


class Assembly:
    """Puts the NAL units of payloads in order together to pictures.

    Args:
        counts: "broken" pictures, of which a part is missing, are counted in it.
    """

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self.forget()

    def forget(self) -> None:
        """Begin anew: nothing is known of what was before."""
        self._format: Format | None = None
        self._timestamp = -1
        self._parts: list[bytes] = []
        self._size = 0
        self._coded = self._key = False
        self._fragments: list[bytes] = []
        self._broken = False
        self._after_loss = False
        self._gap = True

    def lose(self) -> None:
        """Packets are missing before the next one."""
        self._broken = self._after_loss = self._gap = True

    def add(self, payload: bytes, timestamp: int, last: bool) -> Iterator[AccessUnit]:
        """Take in the next payload.

        Args:
            payload: of the packet.
            timestamp: of the picture that it is of.
            last: whether it says that it is the picture's last.

        Yields:
            the pictures that are whole with it.
        """
        if timestamp != self._timestamp:
            if self._timestamp >= 0 and (self._parts or self._broken):
                yield from self._finish()  # its last packet did not say so
            self._timestamp = timestamp
            self._recognise(payload)
            # What was lost may have been this picture's beginning, unless here is one.
            self._broken = self._after_loss and not self._begins(payload)
        self._after_loss = False
        if not self._broken and not self._take(payload):
            self._broken = True
        if last:
            yield from self._finish()
            self._timestamp = -1

    def _recognise(self, payload: bytes) -> None:
        """Which coding it is: by the first payload, and by parameter sets of another one."""
        found = format_of(payload)
        if self._format is None:
            self._format = found
        elif found not in (None, self._format) and found.first(payload) in found.parameters:
            self._format, self._gap = found, True  # the camera was told to code otherwise

    def _begins(self, payload: bytes) -> bool:
        return self._format is not None and self._format.first(payload) in self._format.begins

    def _take(self, payload: bytes) -> bool:
        """Take in a payload; whether that makes sense."""
        form = self._format
        if form is None or len(payload) < form.header:
            return False
        kind = form.kind(payload)
        if kind == form.fragment:
            return self._fragment(form, payload)
        if self._fragments:
            return False
        if kind == form.aggregate:
            return self._aggregate(form, payload)
        return kind in form.single and self._unit(form, payload)

    def _fragment(self, form: Format, payload: bytes) -> bool:
        if len(payload) < form.header + 2:
            return False
        about, header = payload[form.header], form.whole(payload)
        if about & 0x80:  # the first
            if self._fragments:
                return False
            self._fragments = [header]
        elif not self._fragments or form.kind(self._fragments[0]) != form.kind(header):
            return False
        self._fragments.append(payload[form.header + 1 :])
        self._size += len(payload)
        if about & 0x40:  # the last
            unit, self._fragments = b"".join(self._fragments), []
            return self._unit(form, unit)
        return self._size <= _LARGEST

    def _aggregate(self, form: Format, payload: bytes) -> bool:
        place = form.header
        while place + 2 < len(payload):
            size = int.from_bytes(payload[place : place + 2], "big")
            unit = payload[place + 2 : place + 2 + size]
            if not unit or len(unit) < size or not self._unit(form, unit):
                return False
            place += 2 + size
        return place == len(payload)

    def _unit(self, form: Format, unit: bytes) -> bool:
        if len(unit) < form.header:
            return False
        kind = form.kind(unit)
        self._coded = self._coded or kind in form.coded
        self._key = self._key or kind in form.keys
        self._parts += (_START, unit)
        self._size += len(unit)
        return self._size <= _LARGEST

    def _finish(self) -> Iterator[AccessUnit]:
        form = self._format
        if self._broken or self._fragments or not self._coded or form is None:
            self._counts["broken"] += 1
            self._gap = True
        else:
            data = b"".join(self._parts)
            yield AccessUnit(data, self._timestamp, self._key, self._gap, form.codec)
            self._gap = False
        self._parts, self._fragments, self._size = [], [], 0
        self._coded = self._key = self._broken = False
