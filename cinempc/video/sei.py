"""What travels inside an H.264 stream with a picture: its time, and in a simulation its truth.

Both are SEI messages of the kind user_data_unregistered (ITU-T H.264, D.1.7): a UUID and what it
names. Decoders pass over those that they do not know, so any player shows the stream. The time is
the Precision Time Stamp of MISB ST 0604.6, section 7, with the status byte of MISB ST 0603.5.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

#: UUIDs of the time stamp: in H.264, and in H.265 as microseconds and as nanoseconds (ST 0604.6).
TIME = b"MISPmicrosectime"
_TIME_H265 = uuid.UUID("a8687dd4-d759-3758-a5ce-f0338b6545f1").bytes
_TIME_H265_NANO = uuid.UUID("cf848278-ee23-306c-9265-e8fef22fb8b8").bytes
#: UUID of `cinempc.rig.truth`, as JSON.
TRUTH = uuid.UUID("aafbe614-1c20-4a35-8085-2ac01794cead").bytes

#: ST 0603.5: the clock is locked to its reference, and goes on steadily; reserved bits are ones.
_LOCKED = 0x1F
_SEI, _USER_DATA = 6, 5
_SLICES = (1, 2, 5)  # NAL units that begin a picture's own data: slice, partition A, IDR slice
_START = b"\0\0\1"


def time_stamp(utc: int, status: int = _LOCKED) -> bytes:
    """The time stamp's user data (28 bytes), with its UUID.

    Args:
        utc: µs since 1970.
        status: ST 0603.5's; by default of a clock that is right and goes on steadily.

    Raises:
        ValueError: a time of before 1970 or after 584,000 years.
    """
    if not 0 <= utc < 1 << 64:
        raise ValueError(f"no time of the standard's: {utc} µs")
    parts = utc.to_bytes(8, "big")
    # 0xFF between each two bytes: the standard's own guard against start codes.
    spread = b"\xff".join(parts[i : i + 2] for i in range(0, 8, 2))
    return TIME + bytes([status]) + spread


def utc_of(data: bytes) -> int | None:
    """The time, µs since 1970, of a picture's user data; None where it is not a time stamp."""
    name, spread = data[:16], data[17:28]
    if name not in (TIME, _TIME_H265, _TIME_H265_NANO) or len(spread) < 11:
        return None
    if {spread[2], spread[5], spread[8]} != {0xFF}:
        return None
    ticks = int.from_bytes(spread[0:2] + spread[3:5] + spread[6:8] + spread[9:11], "big")
    return ticks // 1000 if name == _TIME_H265_NANO else ticks


def truth(data: Mapping[str, Any]) -> bytes:
    """The user data of a truth as `cinempc.rig.truth.describe` gives it."""
    return TRUTH + json.dumps(data, separators=(",", ":")).encode()


def truth_of(data: bytes) -> Mapping[str, Any] | None:
    """The truth in a picture's user data; None where it is something else, or garbled."""
    if data[:16] != TRUTH:
        return None
    try:
        found = json.loads(data[16:])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def nal_unit(data: bytes) -> bytes:
    """An SEI NAL unit (Annex B) of one user_data_unregistered message.

    Args:
        data: the UUID and what it names.
    """
    size = len(data)
    message = bytes([_USER_DATA, *[0xFF] * (size // 255), size % 255]) + data
    return b"\0" + _START + bytes([_SEI]) + escape(message + b"\x80")


def escape(payload: bytes) -> bytes:
    """A NAL unit's payload with emulation prevention (H.264, 7.4.1): no start code in it."""
    out = bytearray()
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def insert(picture: bytes, *units: bytes) -> bytes:
    """A picture's NAL units (Annex B) with more of them in front of its first slice."""
    place = picture.find(_START)
    while 0 <= place < len(picture) - 3:
        if picture[place + 3] & 0x1F in _SLICES:
            # A zero byte before the start code belongs to it.
            place -= picture[place - 1 : place] == b"\0"
            return picture[:place] + b"".join(units) + picture[place:]
        place = picture.find(_START, place + 3)
    return picture
