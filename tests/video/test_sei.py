"""Time and truth inside H.264: against the standard, and through FFmpeg's own decoder."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cinempc.video import sei


def coded(number: int = 2) -> list[bytes]:
    """Pictures as x264 codes them: the first with its parameter sets, each in several slices."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = 64, 48, "yuv420p"
    codec.time_base = Fraction(1, 24)
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": "repeat-headers=1:slices=2",
    }
    pictures = []
    for k in range(number):
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * k, np.uint8), format="rgb24")
        frame = frame.reformat(format="yuv420p")
        frame.pts = k
        pictures += [bytes(packet) for packet in codec.encode(frame)]
    return pictures


KEY, NEXT = coded()


def user_data(picture: bytes) -> list[bytes]:
    """What FFmpeg finds in a key picture, less what x264 says of itself."""
    codec = av.CodecContext.create("h264", "r")
    (frame,) = [*codec.decode(av.Packet(picture)), *codec.decode(None)]
    assert not frame.is_corrupt
    found = [bytes(data) for data in frame.side_data if data.type is Type.SEI_UNREGISTERED]
    return [data for data in found if b"x264" not in data[:24]]


def test_the_time_stamp_is_the_standards():
    # A stream of GStreamer's, found in the wild; its status byte is of an older edition.
    wild = bytes.fromhex("4d4953506d6963726f73656374696d65000005ff6028ff6bcaff1467")
    assert sei.utc_of(wild) == 0x000560286BCA1467
    assert sei.time_stamp(0x000560286BCA1467, status=0) == wild
    # ST 0603.5: locked, steady, reserved bits set.
    assert sei.time_stamp(1_700_000_000_000_000)[:17] == b"MISPmicrosectime\x1f"


def test_h265_cameras_tell_it_under_names_of_their_own():
    ticks = sei.time_stamp(1_700_000_000_000_000_123)[16:]
    nano = bytes.fromhex("cf848278ee23306c9265e8fef22fb8b8") + ticks
    assert sei.utc_of(nano) == 1_700_000_000_000_000
    micro = bytes.fromhex("a8687dd4d7593758a5cef0338b6545f1") + sei.time_stamp(1_700_000)[16:]
    assert sei.utc_of(micro) == 1_700_000


@pytest.mark.parametrize(
    "garbled",
    [
        b"",
        sei.TIME,
        sei.TIME + bytes(12),  # no 0xFF where they must be
        b"x" * 28,
        sei.time_stamp(5)[:-1],
    ],
)
def test_what_is_no_time_stamp_is_none(garbled):
    assert sei.utc_of(garbled) is None


def test_a_time_of_before_1970_is_refused():
    with pytest.raises(ValueError, match="-1"):
        sei.time_stamp(-1)


@given(st.integers(0, (1 << 64) - 1))
@example(0)
@example((1 << 64) - 1)
def test_any_time_comes_back(utc):
    assert sei.utc_of(sei.time_stamp(utc)) == utc


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 255]), max_size=700).map(bytes))
@example(bytes(600))
@example(b"\0\0\1" * 100)
@example(b"\0\0")
def test_any_bytes_come_back_from_a_decoder(payload):
    data = sei.TRUTH + payload
    picture = sei.insert(KEY, sei.nal_unit(sei.time_stamp(7)), sei.nal_unit(data))
    assert user_data(picture) == [sei.time_stamp(7), data]


@given(st.binary(max_size=300))
def test_there_is_no_start_code_in_what_is_escaped(payload):
    escaped = sei.escape(payload + b"\x80")
    assert all(code not in escaped for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))


def test_it_goes_in_front_of_the_first_slice():
    unit = sei.nal_unit(b"0123456789abcdef")
    for picture in (KEY, NEXT):
        place = sei.insert(picture, unit).index(unit)
        kinds = [part[0] & 0x1F for part in picture[:place].split(b"\0\0\1")[1:]]
        assert not {1, 5} & set(kinds)
        rest = picture[place:].lstrip(b"\0")[1:]
        assert rest[0] & 0x1F in (1, 5)
    assert sei.insert(b"\0\0\1\x67abc", unit) == b"\0\0\1\x67abc"  # no slice, nowhere to go


def test_a_garbled_truth_is_none():
    assert sei.truth_of(sei.truth({"a": [1.5]})) == {"a": [1.5]}
    for data in (b"", b"{}", sei.TRUTH, sei.TRUTH + b"[1]", sei.TRUTH + b"\xff", sei.time_stamp(1)):
        assert sei.truth_of(data) is None
    assert sei.truth_of(sei.TRUTH + b"[" * 200_000) is None
