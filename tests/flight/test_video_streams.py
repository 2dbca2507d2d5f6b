"""Which of a camera's streams is read, and at what address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.flight.camera.reasons import StreamFault
from cinempc.flight.camera.video_streams import StreamError, VideoStream, choose, source
from cinempc.mavlink.dialect import mavlink

RTSP = mavlink.VIDEO_STREAM_TYPE_RTSP
RTP = mavlink.VIDEO_STREAM_TYPE_RTPUDP
TCP = mavlink.VIDEO_STREAM_TYPE_TCP_MPEG
TS = mavlink.VIDEO_STREAM_TYPE_MPEG_TS
WHEP = mavlink.VIDEO_STREAM_TYPE_WHEP
THERMAL = mavlink.VIDEO_STREAM_STATUS_FLAGS_THERMAL


def stream(name: str, address: str, kind: int = RTSP, number: int = 1, flags: int = 0):
    return VideoStream(number, name, address, kind, 960, 540, 24.0, flags)


@pytest.mark.parametrize(
    ("kind", "address", "where"),
    [
        (RTP, "5600", "rtp://0.0.0.0:5600"),
        (RTP, ":5600", "rtp://0.0.0.0:5600"),
        (RTP, "udp://0.0.0.0:5601", "rtp://0.0.0.0:5601"),
        (RTP, "udp265://0.0.0.0:5601", "rtp://0.0.0.0:5601"),
        (RTP, "rtp://239.1.2.3:5600/", "rtp://239.1.2.3:5600"),
        (TS, "5602", "udp://0.0.0.0:5602"),
        (TS, "mpegts://0.0.0.0:5602", "udp://0.0.0.0:5602"),
        (RTSP, "rtsp://10.0.0.2/main", "rtsp://10.0.0.2/main"),
        (RTSP, " 10.0.0.2:8554/main ", "rtsp://10.0.0.2:8554/main"),
        (TCP, "tcp://10.0.0.2:5700", "tcp://10.0.0.2:5700"),
        (TCP, "10.0.0.2:5700", "tcp://10.0.0.2:5700"),
        # Its scheme goes before the type that is declared.
        (RTP, "rtsp://10.0.0.2:8554/main", "rtsp://10.0.0.2:8554/main"),
        (TS, "RTSP://10.0.0.2/main", "RTSP://10.0.0.2/main"),
        (RTSP, "rtp://0.0.0.0:5600", "rtp://0.0.0.0:5600"),
        (TS, "rtp://0.0.0.0:5600", "rtp://0.0.0.0:5600"),
        (RTSP, "udp265://0.0.0.0:5600", "rtp://0.0.0.0:5600"),
        (RTP, "mpegts://0.0.0.0:5600", "udp://0.0.0.0:5600"),
        (RTSP, "udp://0.0.0.0:5600", "udp://0.0.0.0:5600"),
        (RTP, "srt://10.0.0.2:9000", "srt://10.0.0.2:9000"),
        (RTP, "http://10.0.0.2/live.ts", "http://10.0.0.2/live.ts"),
        (RTSP, "5600", "rtp://0.0.0.0:5600"),  # a type that was left at its default
        (99, "rtsp://10.0.0.2/main", "rtsp://10.0.0.2/main"),
    ],
)
def test_the_address_that_a_camera_offers_is_one_that_is_read(kind, address, where):
    assert source(stream("main", address, kind)) == where


@pytest.mark.parametrize(
    ("kind", "address", "fault"),
    [
        (RTSP, "", StreamFault.NO_ADDRESS),
        (RTP, "  ", StreamFault.NO_ADDRESS),
        (RTP, "udp://10.0.0.2", StreamFault.NO_PORT),
        (RTP, "rtp://0.0.0.0:0", StreamFault.NO_PORT),
        (TS, "99999", StreamFault.NO_PORT),
        (RTSP, "/dev/video0", StreamFault.NO_NETWORK_ADDRESS),
        (TCP, "main", StreamFault.NO_NETWORK_ADDRESS),
        (99, "v4l2src ! x264enc", StreamFault.NO_NETWORK_ADDRESS),
        (RTSP, "webrtc://10.0.0.2", StreamFault.UNREADABLE),
        (RTSP, "file:///etc/passwd", StreamFault.UNREADABLE),
        (WHEP, "http://10.0.0.2/whep", StreamFault.UNREADABLE),
    ],
)
def test_one_that_cannot_be_read_says_why_and_the_next_is_taken(kind, address, fault):
    bad = stream("EO", address, kind, number=3)
    with pytest.raises(StreamError) as refused:
        source(bad)
    assert refused.value.problem.reason is fault
    assert "3 (EO)" in str(refused.value)
    found = choose([bad, stream("second", "rtsp://b", number=4)])
    assert found.video == "rtsp://b"
    assert [each.reason for each in found.problems] == [fault]


@given(st.text(max_size=60), st.integers(0, 6))
def test_whatever_it_offers_is_an_address_or_refused(address, kind):
    try:
        where = source(stream("main", address, kind))
    except StreamError:
        return
    assert "://" in where


def test_a_password_is_not_shown():
    with pytest.raises(StreamError) as refused:
        source(stream("main", "foo://me:secret@10.0.0.2/main"))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("Thermal", 0),
        ("IR", 0),
        ("cam1 ir", 0),
        ("LWIR_640", 0),
        ("infrared", 0),
        ("stream 1", THERMAL),
        ("", mavlink.VIDEO_STREAM_STATUS_FLAGS_THERMAL_RANGE_ENABLED),
    ],
)
def test_colours_come_before_heat(name, flags):
    heat = stream(name, "rtsp://heat", flags=flags | 1)
    colour = stream("EO", "rtsp://colour", number=2)
    assert choose([heat, colour]).video == "rtsp://colour"
    assert choose([heat, colour]).problems == ()
    alone = choose([heat])
    assert alone.video == "rtsp://heat"
    assert [each.reason for each in alone.problems] == [StreamFault.ONLY_HEAT]


@pytest.mark.parametrize("name", ["First", "birds eye", "main", "mirror", "wide"])
def test_a_name_with_these_letters_in_a_word_is_no_heat(name):
    assert not stream(name, "rtsp://a").is_thermal


def test_depth_is_told_apart_by_its_name():
    depth = stream("Stereo Depth", "rtsp://a")
    main = stream("EO", "rtsp://b", number=2)
    assert (choose([depth, main]).video, choose([depth, main]).depth) == ("rtsp://b", "rtsp://a")
    assert (choose([main]).video, choose([main]).depth) == ("rtsp://b", None)
    assert choose([]).video is None
