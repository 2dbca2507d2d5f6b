"""What drones write beside their films is read in every dialect, and nothing else is."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perception.sources.reasons import SourceEvent
from perception.sources.telemetry import Sample, Telemetry, parse, parse_cue
from perception.sources.telemetry_files import decoded, telemetry_of
from tests.fakes.events import Heard
from tests.video.films import film, levels

MODERN = (
    "FrameCnt: {k}, DiffTime: 33ms\n2026-09-05 10:00:00.033\n[iso: 100] [shutter: 1/800.0] "
    "[fnum: 2.8] [ev: 0] [color_md : default] [ae_meter_md: 1]\n[focal_len: 24.00] "
    "[dzoom_ratio: 1.00], [latitude: 48.100000] [longitude: -11.500000]\n"
    "[rel_alt: 1.300 abs_alt: 25.100] [gb_yaw: 0.0 gb_pitch: -30.0 gb_roll: 0.0]"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            MODERN,
            Sample(0, 48.1, -11.5, 1.3, 24.0, math.pi / 2, math.radians(-30)),
        ),
        (  # Mini 3 and their kin: tenths, hundredths, ten-thousandths
            '<font size="28">SrtCnt : 1, DiffTime : 33ms\n2024-01-18 10:23:26.397\n[iso : 150] '
            "[shutter : 1/5000.0] [fnum : 170] [ev : 0] [ct : 5023] [color_md : default] "
            "[focal_len : 240] [dzoom_ratio: 20000, delta:0],[latitude: -22.724555] "
            "[longitude: -47.602414] [rel_alt: 0.300 abs_alt: 549.679] </font>",
            Sample(0, -22.724555, -47.602414, 0.3, 48.0),
        ),
        (  # a height that does not say above what is none
            '<font size="36">SrtCnt : 1, DiffTime : 33ms\n[fnum : 280] [focal_len : 240] '
            "[latitude: 41.424724] [longitude: 2.234156] [altitude: 117.000000] </font>",
            Sample(0, 41.424724, 2.234156, None, 24.0),
        ),
        (  # misspelt, and no fix
            "[fnum : 280] [focal_len : 480] [latitude : 0.000000] [longtitude : 0.000000]",
            Sample(0, None, None, None, 48.0),
        ),
        ("[latitude : 30.6] [longtitude : -97.9]", Sample(0, 30.6, -97.9)),
        (  # a telephoto lens: not tenths
            "[fnum: 4.4] [focal_len: 162.00] [dzoom_ratio: 1.00]",
            Sample(0, focal_mm=162.0),
        ),
        ("[focal_len: 240]", Sample(0, focal_mm=24.0)),
        ("[focal_len: 24]", Sample(0, focal_mm=24.0)),
        (
            "HOME(131.1660,-25.2088) 2017.07.29 15:18:50\nGPS(131.1661,-25.2089,14) "
            "BAROMETER:1.9\nISO:100 Shutter:60 EV: Fnum:2.2 ",
            Sample(0, -25.2089, 131.1661, 1.9),
        ),
        (
            "2022.06.21 16:06:17\nGPS(36.6146,-6.1120,0.0M) BAROMETER:0.3M",
            Sample(0, 36.6146, -6.112, 0.3),
        ),
        (
            "F/2.8, SS 206.14, ISO 150, EV 0, GPS (-82.6669, 27.7716, 10), D 2.80m, H -1.50m, "
            "H.S 0.20m/s, V.S 0.30m/s ",
            Sample(0, 27.7716, -82.6669, -1.5),
        ),
        (
            "F/6.3, SS 60, ISO 100, EV 0, RTK (120.083799, 30.213635, 28), HOME (120.084146, "
            "30.214243, 103.55m), D 75.36m, H 76.19m, H.S 0.30m/s, V.S 0.00m/s, "
            "F.PRY (-5.3°, 2.1°, 28.3°), G.PRY (-40.0°, 0.0°, 90.0°)",
            Sample(0, 30.213635, 120.083799, 76.19, None, 0.0, math.radians(-40)),
        ),
        ("GPS(W: 79.1, N: 43.2, 12.3m)", Sample(0, 43.2, -79.1)),
        ("- Height: he said.\nNobody knew the latitude.", Sample(0)),
        ("[latitude: 95.0] [longitude: 11.0] [rel_alt: 99999999] [focal_len: 0.00]", Sample(0)),
    ],
)
def test_every_dialect(text, expected):
    found = parse_cue(0, text)
    for name in ("latitude", "longitude", "height", "focal_mm", "yaw", "pitch"):
        value = getattr(expected, name)
        assert getattr(found, name) == (None if value is None else pytest.approx(value)), name


def srt(heights: list[float], step: float = 1.0, more: str = "") -> str:
    def stamp(time: float) -> str:
        ms = round(1000 * time)
        return f"{ms // 3600000:02d}:{ms // 60000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"

    return "\n".join(
        f"{k + 1}\n{stamp(k * step)} --> {stamp((k + 1) * step)}\n[rel_alt: {height:.3f}] {more}\n"
        for k, height in enumerate(heights)
    )


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n\n", "\n").encode(),
        lambda text: text.replace(",", ".").encode(),
        lambda text: (text + "\n9\n00:00:09,000 --> ").encode(),
        lambda text: (text + "23°").encode("cp1252"),
        lambda text: text.replace("[", '<font size="36">[').replace("]", "]</font>").encode(),
    ],
)
def test_every_way_of_writing_the_file(written):
    samples = parse(decoded(written(srt([1.0, 2.0, 4.0]))))
    assert [(s.time, s.height) for s in samples] == [(0, 1), (1, 2), (2, 4)]


@given(st.text())
@example("\n" * 50_000)
@example("GPS(" * 20_000)
@example("<" * 50_000)
@example("1\n00:00:00,000 --> 00:00:01,000\nGPS (" + " " * 50_000)
def test_any_text_is_read_in_peace(text):
    assert all(isinstance(sample, Sample) for sample in parse(text))
    parse_cue(0.0, text)


@given(st.binary())
def test_any_bytes_are_text(data):
    parse(decoded(data))


@given(
    st.lists(
        st.tuples(
            st.floats(-89, 89), st.floats(-179, 179), st.floats(-100, 5000), st.floats(14, 400)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_was_written_is_read(moments):
    text = "".join(
        f"{k}\n00:00:{k:02d},500 --> 00:00:{k + 1:02d},500\n[fnum: 2.8] [focal_len: {focal:.2f}] "
        f"[latitude: {latitude:.6f}] [longitude: {longitude:.6f}] [rel_alt: {height:.3f} "
        f"abs_alt: 7.000]\n\n"
        for k, (latitude, longitude, height, focal) in enumerate(moments)
    )
    samples = parse(text)
    assert len(samples) == len(moments)
    for k, (sample, (latitude, longitude, height, focal)) in enumerate(
        zip(samples, moments, strict=True)
    ):
        assert sample.time == k + 0.5
        assert sample.height == pytest.approx(height, abs=6e-4)
        assert sample.focal_mm == pytest.approx(focal, abs=6e-3)
        if (sample.latitude, sample.longitude) != (None, None):  # 0, 0 is no fix
            assert sample.latitude == pytest.approx(latitude, abs=6e-7)
            assert sample.longitude == pytest.approx(longitude, abs=6e-7)


def test_a_track_runs_straight_and_ends_where_it_ends():
    track = Telemetry([Sample(1, height=2.0), Sample(3, height=6.0)], "x")
    assert [track.at(t).height for t in (0, 1, 2, 3, 9)] == [2, 2, 4, 6, 6]
    assert track.at(2).latitude is None


def test_a_receiver_that_tells_seldom_is_not_taken_for_leaps():
    """Ten subtitles a second, a place a second, and then none for long."""
    samples = [Sample(k / 10, 48.0 + 1e-5 * (min(k, 20) // 10), 11.0) for k in range(101)]
    samples += [Sample(10.1, 48.0 + 3e-5, 11.0)]
    track = Telemetry(samples, "x")

    def north(time):
        return (track.at(time).latitude - 48.0) * 1e5

    assert north(0.5) == pytest.approx(0.5, abs=1e-6)
    assert north(1.5) == pytest.approx(1.5, abs=1e-6)
    assert north(6.0) == pytest.approx(2.0, abs=1e-6)
    assert north(10.1) == pytest.approx(3.0, abs=1e-6)


def test_headings_go_the_short_way_round():
    track = Telemetry([Sample(0, yaw=math.pi - 0.1), Sample(1, yaw=-math.pi + 0.1)], "x")
    assert abs(math.remainder(track.at(0.5).yaw, math.tau)) == pytest.approx(math.pi)


# --- files ---


def found(video: Path, duration: float | None = None):
    with Heard("cinempc.perception.sources") as heard:
        return telemetry_of(str(video), duration), [event.kind for event in heard.events]


@pytest.mark.parametrize("name", ["DJI_0001.SRT", "dji_0001.srt", "DJI_0001.MP4.srt"])
def test_the_file_beside_it_is_found(tmp_path, name):
    (tmp_path / name).write_text(srt([1.0, 2.0, 3.0]))
    (tmp_path / "DJI_0002.SRT").write_text(srt([9.0]))
    video = film(tmp_path / "DJI_0001.MP4", levels(3))
    telemetry, heard = found(video, 2.0)
    assert telemetry.at(1).height == 2.0
    assert heard == [SourceEvent.TELEMETRY]


def test_subtitles_inside_are_found_and_those_beside_go_before(tmp_path):
    inside = [(0.0, "[rel_alt: 5.0] [focal_len: 24.00]"), (0.5, "[rel_alt: 6.0]")]
    video = film(tmp_path / "a.mp4", levels(10), rate=10, subtitles=inside)
    telemetry, _ = found(video)
    assert telemetry.at(0.25).height == pytest.approx(5.5)
    assert telemetry.at(0).focal_mm == 24.0
    (tmp_path / "a.SRT").write_text(srt([1.0]))
    assert found(video)[0].at(0).height == 1.0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff" * 500,
        b"1\n00:00:00,000 --> 00:00:01,000\nHello, is anybody there?\n",
        b"not subtitles [rel_alt: 5.0]",
    ],
)
def test_a_mistaken_file_costs_a_warning(tmp_path, data):
    (tmp_path / "a.srt").write_bytes(data)
    assert found(film(tmp_path / "a.mp4", levels(3))) == (None, [SourceEvent.NO_TELEMETRY])


def test_a_file_of_another_length_is_asked_about(tmp_path):
    (tmp_path / "a.srt").write_text(srt([1.0] * 40))
    _, heard = found(film(tmp_path / "a.mp4", levels(3)), 3.0)
    assert heard == [SourceEvent.TELEMETRY, SourceEvent.OTHER_LENGTH]


def test_a_folder_called_so_is_none(tmp_path):
    (tmp_path / "a.srt").mkdir()
    assert found(film(tmp_path / "a.mp4", levels(3))) == (None, [])
