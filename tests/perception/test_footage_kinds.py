"""Video files as they come from phones, recorders, editors and broadcasters."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from perception.sources.opening import open_source
from perception.sources.reasons import SourceEvent
from perception.sources.source import SourceError
from tests.fakes.events import Heard
from tests.video.films import corners, film, levels, quarters, song

UPRIGHT = ["red", "green", "blue", "black"]
TENTHS = [k / 10 for k in range(10)]


def times(path: Path) -> list[float]:
    return [picture.time for picture in open_source(path)]


# --- times ---


@pytest.mark.parametrize("rate", [1000, 90_000])
@pytest.mark.parametrize("kind", ["mkv", "mp4"])
def test_the_claimed_rate_is_not_believed(tmp_path, kind, rate):
    path = film(tmp_path / f"a.{kind}", levels(10), TENTHS, rate=rate)
    source = open_source(path)
    assert source.frame_rate == pytest.approx(10, rel=0.01)
    assert [p.time for p in source] == pytest.approx(TENTHS, abs=1e-3)


def test_a_screen_recordings_pauses_are_kept(tmp_path):
    when = [0, 1 / 60, 2 / 60, 1.5, 1.5 + 1 / 60, 1.5 + 2 / 60, 9.0, 9.0 + 1 / 60]
    source = open_source(film(tmp_path / "a.mp4", levels(8), when, rate=60))
    assert source.frame_rate == pytest.approx(60, rel=0.01)
    assert [p.time for p in source] == pytest.approx(when, abs=1e-3)


def test_what_an_edit_list_cuts_off_is_not_there(tmp_path):
    early = [t - 0.5 for t in TENTHS]
    path = film(
        tmp_path / "a.mp4", levels(10), early, rate=10, muxing={"avoid_negative_ts": "disabled"}
    )
    assert times(path) == pytest.approx(TENTHS[:5], abs=1e-3)


def test_recordings_joined_end_to_end_go_on(tmp_path):
    one = film(tmp_path / "1.ts", levels(10), TENTHS, rate=10).read_bytes()
    other = film(tmp_path / "2.ts", levels(10), [t + 500 for t in TENTHS], rate=10).read_bytes()
    path = tmp_path / "joined.ts"
    for parts in (one + one, one + other, other + one):
        path.write_bytes(parts)
        assert times(path) == pytest.approx([k / 10 for k in range(20)], abs=2e-3)


@pytest.mark.parametrize(("name", "codec"), [("a.h264", "libx264"), ("a.m4v", "mpeg4")])
def test_a_raw_stream_has_the_times_of_its_number(tmp_path, name, codec):
    path = film(tmp_path / name, levels(10), rate=25, codec=codec)
    assert times(path) == pytest.approx([k / 25 for k in range(10)], abs=1e-3)


def test_stamps_that_tell_no_time_are_not_believed(tmp_path):
    path = film(tmp_path / "a.mp4", levels(10), [k / 90_000 for k in range(10)], rate=25)
    with Heard("cinempc.perception.sources") as heard:
        source = open_source(path)
    assert SourceEvent.NO_TIMES in heard
    assert source.frame_rate == 25
    assert [p.time for p in source] == pytest.approx([k / 25 for k in range(10)])


# --- which stream ---


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_a_cover_is_not_the_film(tmp_path, kind):
    path = film(tmp_path / f"a.{kind}", [quarters()] * 5, cover=True)
    source = open_source(path)
    assert source.size is None
    assert [corners(p.image) for p in source] == [UPRIGHT] * 5
    assert source.size == (64, 48)


@pytest.mark.parametrize("cover", [True, False])
def test_a_song_is_refused_by_its_name(tmp_path, cover):
    with pytest.raises(SourceError, match="holds only audio") as caught:
        open_source(song(tmp_path / "song.m4a", cover=cover))
    assert ("cover picture" in str(caught.value)) == cover


def two_films(path: Path, sizes: list[tuple[int, int]], broken: int | None = None) -> Path:
    """A film of several video streams; one of them may hold rubbish."""
    with av.open(str(path), "w") as out:
        streams = []
        for width, height in sizes:
            stream = out.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            streams.append(stream)
        for _ in range(5):
            for number, stream in enumerate(streams):
                image = quarters(stream.width, stream.height)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                for packet in stream.encode(frame.reformat(format="yuv420p")):
                    if number == broken:
                        spoilt = av.Packet(b"\xff" * packet.size)
                        spoilt.stream, spoilt.time_base = stream, packet.time_base
                        spoilt.pts, spoilt.dts = packet.pts, packet.dts
                        packet = spoilt
                    out.mux(packet)
        for stream in streams:
            out.mux(stream.encode(None))
    return path


def test_of_several_videos_the_largest_is_the_film(tmp_path):
    path = two_films(tmp_path / "a.mkv", [(32, 24), (96, 64), (64, 48)])
    (first, *_) = open_source(path)
    assert first.image.shape == (64, 96, 3)


def test_a_video_that_does_not_decode_gives_way_to_one_that_does(tmp_path):
    path = two_films(tmp_path / "a.mkv", [(96, 64), (64, 48)], broken=0)
    pictures = list(open_source(path))
    assert [corners(p.image) for p in pictures] == [UPRIGHT] * 5
    assert pictures[0].image.shape == (48, 64, 3)


def test_a_codec_that_nobody_knows_is_said(tmp_path):
    path = film(tmp_path / "a.mp4", levels(3))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(SourceError, match="cannot be decoded here"):
        open_source(path)


# --- the right way up, square ---


@pytest.mark.parametrize(
    ("turn", "shown"),
    [
        ((0, False, False), ["red", "green", "blue", "black"]),
        ((90, False, False), ["green", "black", "red", "blue"]),
        ((180, False, False), ["black", "blue", "green", "red"]),
        ((-90, False, False), ["blue", "red", "black", "green"]),
        ((0, True, False), ["green", "red", "black", "blue"]),
        ((0, False, True), ["blue", "black", "red", "green"]),
        ((90, True, False), ["black", "green", "blue", "red"]),
        ((90, False, True), ["red", "blue", "green", "black"]),
    ],
)
def test_the_display_matrix_is_applied_whole(tmp_path, turn, shown):
    (first, *_) = open_source(film(tmp_path / "a.mp4", [quarters()] * 2, turn=turn))
    assert corners(first.image) == shown
    assert first.image.shape[:2] == ((64, 48) if abs(turn[0]) == 90 else (48, 64))


def test_a_phones_portrait_hevc_stands_upright(tmp_path):
    path = film(
        tmp_path / "a.mp4", [quarters(96, 64)] * 3, codec="libx265", turn=(-90, False, False)
    )
    source = open_source(path)
    assert [corners(p.image) for p in source] == [["blue", "red", "black", "green"]] * 3
    assert source.size == (64, 96)


@pytest.mark.parametrize(
    ("name", "aspect", "turn", "size"),
    [
        ("a.mp4", Fraction(4, 3), None, (128, 72)),
        ("a.mkv", Fraction(4, 3), None, (128, 72)),
        ("a.ts", Fraction(4, 3), None, (128, 72)),  # in the stream alone
        ("a.h264", Fraction(4, 3), None, (128, 72)),
        ("a.mp4", Fraction(3, 4), None, (96, 96)),
        ("a.mp4", Fraction(4, 3), (90, False, False), (72, 128)),
    ],
)
def test_pixels_become_square_before_anything_is_measured(tmp_path, name, aspect, turn, size):
    source = open_source(film(tmp_path / name, [quarters(96, 72)] * 9, aspect=aspect, turn=turn))
    list(source)
    assert source.size == size


# --- odd ones ---


@pytest.mark.parametrize(
    ("codec", "pixels"),
    [
        ("libx264", "yuvj420p"),
        ("libx265", "yuv420p10le"),
        ("libx264", "yuv444p"),
        ("ffv1", "yuva420p"),
        ("prores_ks", "yuv422p10le"),
    ],
)
def test_every_pixel_format_is_rgb(tmp_path, codec, pixels):
    path = film(tmp_path / "a.mkv", [quarters(66, 50)] * 2, codec=codec, pixels=pixels)
    (first, *_) = open_source(path)
    assert first.image.shape == (50, 66, 3)
    assert first.image.dtype == np.uint8
    assert corners(first.image) == UPRIGHT
    assert np.abs(first.image[5, 5].astype(int) - (220, 20, 20)).max() <= 12


def test_grey_is_grey_in_all_three(tmp_path):
    for pixels in ("gray", "gray16le"):
        path = film(tmp_path / f"{pixels}.mkv", levels(4), codec="ffv1", pixels=pixels)
        last = list(open_source(path))[-1].image
        assert np.abs(last.astype(int) - 24).max() <= 1


def test_odd_sizes_keep_their_last_row_and_column(tmp_path):
    path = film(tmp_path / "a.mkv", [quarters(63, 47)] * 2, codec="ffv1", pixels="yuv420p")
    (first, *_) = open_source(path)
    assert first.image.shape == (47, 63, 3)
    assert corners(first.image) == UPRIGHT


def test_an_interlaced_film_gives_a_picture_for_each_frame(tmp_path):
    path = film(
        tmp_path / "a.ts", levels(8), codec="mpeg2video", options={"flags": "+ilme+ildct", "g": "4"}
    )
    assert times(path) == pytest.approx([k / 25 for k in range(8)], abs=1e-3)


def test_a_size_that_changes_on_the_way_is_fitted_into_the_first(tmp_path):
    parts = [
        film(tmp_path / f"{k}.ts", [quarters(width, height)] * 5).read_bytes()
        for k, (width, height) in enumerate([(96, 64), (48, 32), (64, 96)])
    ]
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join(parts))
    pictures = list(open_source(path))
    assert {p.image.shape for p in pictures} == {(64, 96, 3)}
    assert corners(pictures[0].image) == corners(pictures[7].image) == UPRIGHT
    assert (pictures[-1].image[:, :20] < 16).all()  # of another shape: bars at its sides
    assert corners(pictures[-1].image[:, 27:69]) == UPRIGHT


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video", "libvpx"])
def test_pictures_before_the_first_whole_one_are_left_out(tmp_path, codec):
    """The recording began in the middle of a group: what was decoded first is grey."""
    kind = "mkv" if codec == "libvpx" else "ts"
    options = {"g": "6", "forced-idr": "1"} if codec == "libx264" else {"g": "6"}
    whole = film(tmp_path / f"whole.{kind}", [quarters()] * 20, codec=codec, options=options)
    with av.open(str(whole)) as given:
        stream = given.streams.video[0]
        packets = [p for p in given.demux(stream) if p.dts is not None]
        keys = [k for k, p in enumerate(packets) if p.is_keyframe]
        with av.open(str(tmp_path / f"cut.{kind}"), "w") as out:
            copy = out.add_stream_from_template(stream)
            for packet in packets[2:]:
                packet.stream = copy
                out.mux(packet)
    pictures = list(open_source(tmp_path / f"cut.{kind}"))
    if len(keys) > 1:  # else the encoder made one group of all
        assert 0 < len(pictures) <= 18
    assert all(corners(p.image) == UPRIGHT for p in pictures)


def test_a_film_cut_short_plays_to_the_cut(tmp_path):
    rng = np.random.default_rng(1)
    noise = [rng.integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in range(20)]
    path = film(tmp_path / "a.mkv", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 5 < len(list(open_source(path))) < 16


def test_a_recording_that_was_never_closed_is_said(tmp_path):
    path = film(tmp_path / "a.mp4", levels(20))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"a\.mp4: neither a picture nor a video.*cut short"):
        open_source(path)


def test_an_empty_file_is_said(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(SourceError, match=r"a\.mp4: the file is empty"):
        open_source(tmp_path / "a.mp4")
