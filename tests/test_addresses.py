"""No secret of an address is shown, and what is shown still says which address it is."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.addresses import shown, stem, without_secrets
from cinempc.errors import CinempcError, ConfigError
from cinempc.flight import config as flights
from cinempc.flight.video.reasons import VideoEvent
from cinempc.rig.log import EventLogger, LogFile, handled, problem
from perception.sources.opening import open_source
from perception.sources.source import SourceError


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("rtsp://camera/1", "rtsp://camera/1"),
        ("rtsp://192.168.1.7:554/ch1", "rtsp://192.168.1.7:554/ch1"),
        ("rtsp://[fe80::1]:554/ch1", "rtsp://[fe80::1]:554/ch1"),
        ("rtsp://me:secret@camera/1", "rtsp://***@camera/1"),
        ("RTSP://me:secret@camera/1", "RTSP://***@camera/1"),
        ("rtsp://secret@camera/1", "rtsp://***@camera/1"),
        ("rtsp://me:se@cr@camera/1", "rtsp://***@camera/1"),
        ("rtsp://me:12/secret@camera/1", "rtsp://***@camera/1"),
        ("rtsp://me:#secret?@camera/1", "rtsp://***@camera/1"),
        ("rtsp://me:secret@[fe80::1]:554/x", "rtsp://***@[fe80::1]:554/x"),
        ("https://h/x?token=secret&page=2", "https://h/x?token=***&page=2"),
        ("https://h/x?page=2;PASSWORD=secret", "https://h/x?page=2;PASSWORD=***"),
        ("https://h/x?api%5Fkey=secret", "https://h/x?api%5Fkey=***"),
        ("https://h/x?X-Amz-Signature=secret", "https://h/x?X-Amz-Signature=***"),
        ("https://h/x#access_token=secret", "https://h/x#access_token=***"),
        ("https://h/x?q=verylongsecretvalue1", "https://h/x?q=***"),
        ("https://h/@someone/video.mp4", "https://h/@someone/video.mp4"),
        ("srt://h:9?passphrase=secret&mode=caller", "srt://h:9?passphrase=***&mode=caller"),
        ("rtmp://a.example/live2/secret", "rtmp://a.example/live2/***"),
        ("rtmp://a.example/live2/secret?x=1", "rtmp://a.example/live2/***?x=1"),
        ("rtmp://a.example/live", "rtmp://a.example/live"),
        ("udpin:0.0.0.0:14540", "udpin:0.0.0.0:14540"),
        ("me:secret@192.168.1.7:554/ch1", "***@192.168.1.7:554/ch1"),
        ("film.mp4", "film.mp4"),
        ("walk:1@2.mp4", "walk:1@2.mp4"),
        ("/home/me/a@b.mp4", "/home/me/a@b.mp4"),
    ],
)
def test_what_is_shown_of_an_address(address, expected):
    assert shown(address) == expected
    for text in ("{}: does not open", "open '{}', please", "({}) and {}", "x\n{}\ny"):
        assert without_secrets(text.format(address, address)) == text.format(expected, expected)


def test_a_password_with_blanks():
    assert shown("rtsp://me:my secret@camera/1") == "rtsp://***@camera/1"


_SIGNS = st.text("abcXYZ019!$%&()*+-._~:@/?#[];=,", min_size=6, max_size=20).map("sesame".__add__)


@given(_SIGNS, st.sampled_from(["rtsp", "http", "https", "rtmp", "srt", "tcp"]))
def test_no_password_is_shown_whatever_is_in_it(password, scheme):
    address = f"{scheme}://admin:{password}@camera.local:554/ch1"
    for text in (shown(address), without_secrets(f"{address}: refused"), stem(address)):
        assert "sesame" not in text
    assert "camera.local" in shown(address)


@given(st.text(max_size=200))
def test_any_text_is_taken_once(text):
    once = without_secrets(text)
    assert without_secrets(once) == once


def test_a_long_text_takes_no_time():
    for text in ("://" * 50_000, "a:" * 50_000, "rtsp://" + "@" * 100_000, "?a=b" * 50_000):
        without_secrets("rtsp://x" + text)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("walks/my walk.mp4", "my_walk"),
        ("rtsp://me:secret@camera/stream1.sdp", "stream1"),
        ("rtsp://me:secret@camera", "camera"),
        ("rtsp://me:secret@camera:554/", "camera_554"),
        ("https://h/film.mp4?token=secret", "film"),
        ("rtmp://h/live/secret", "source"),
        ("me:secret@camera", "camera"),
        ("0", "0"),
        ("...", "source"),
    ],
)
def test_what_a_file_is_called(address, expected):
    assert stem(address) == expected


# --- where it counts ---

SECRET = "rtsp://me:sesame@127.0.0.1:9/ch1?token=sesame"


def test_errors_hold_no_secret():
    for error in (
        CinempcError(f"{SECRET}: no"),
        ConfigError(f"not {SECRET!r}", path="x.yaml", line=1, field="video.address"),
    ):
        assert "sesame" not in str(error) + repr(error)
        assert "127.0.0.1" in str(error)


def test_events_and_logs_hold_no_secret(tmp_path: Path):
    path = tmp_path / "all.log"
    file = LogFile(path)
    with handled("cinempc", file):
        EventLogger("cinempc.test").log(VideoEvent.NO_PICTURE, address=SECRET, silence=2.0)
        logging.getLogger("cinempc.test").warning("of %s", SECRET)
    file.close()
    text = path.read_text()
    assert text.count("127.0.0.1") == 2
    assert "sesame" not in text
    assert "sesame" not in str(problem(VideoEvent.NO_PICTURE, address=SECRET, silence=2.0))


@pytest.mark.parametrize("address", [SECRET, SECRET.replace("rtsp", "ftp"), SECRET[7:]])
def test_a_source_that_does_not_open_tells_no_secret(address):
    with pytest.raises(SourceError) as caught:
        open_source(address)
    assert "sesame" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_a_signing_key_is_not_told(tmp_path: Path):
    key = tmp_path / "key"
    key.write_text("sesame" * 10 + "zz")
    key.chmod(0o600)
    with pytest.raises(ConfigError, match="is no signing key") as caught:
        flights.read_key(key)
    assert "sesame" not in str(caught.value)
    tmp_path.chmod(0o700)
    with pytest.raises(ConfigError, match=re.escape("cannot be read (Is a directory)")):
        flights.read_key(tmp_path)
