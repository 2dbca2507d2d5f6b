"""`cinempc perceive` on the footage that people bring: who is there, for how long, and where."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from cinempc.app.perceive import perceive as app
from cinempc.frames import camera_rotation
from perception.detect import loading
from perception.detect.detections import Detections
from tests.cli.program import invoke
from tests.video.films import film, song

SIZE = (192, 108)
RED, BLUE = (210, 30, 30), (30, 40, 200)


class Blobs:
    """Finds people who are upright rectangles in red or blue."""

    def detect(self, image: np.ndarray) -> Detections:
        boxes = []
        for one, other in ((0, 2), (2, 0)):
            there = image[..., one].astype(int) - image[..., other] > 80
            rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
            # Whoever lies on the side, or stands on the head, is not known.
            if len(rows) and len(rows) > 1.5 * len(columns) and _head_up(image, there):
                boxes.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
        count = len(boxes)
        return Detections(
            np.array(boxes, float).reshape(-1, 4),
            np.full(count, 0.9),
            np.zeros(count, np.int64),
            {0: "person"},
        )


def _head_up(image: np.ndarray, there: np.ndarray) -> bool:
    """Green is up: a person's hat."""
    rows = np.flatnonzero(there.any(1))
    hat = image[..., 1].astype(int) - image[..., 0] - image[..., 2] > 60
    return bool(hat[: rows[0] + 1].any())


def scene(people: list[tuple[float, float, float, tuple[int, int, int]]], size=SIZE) -> np.ndarray:
    """People (left, top, height, colour; px) with green hats, half as wide as they are tall."""
    image = np.full((size[1], size[0], 3), 128, np.uint8)
    for left, top, height, colour in people:
        x, y, high = round(left), round(top), round(height)
        wide = round(0.4 * high)
        image[max(y, 0) : y + high, max(x, 0) : x + wide] = colour
        image[max(y - 6, 0) : max(y, 0), max(x, 0) : x + wide] = (20, 220, 20)
    return image


def walking(time: float, size=SIZE) -> np.ndarray:
    """Two who walk towards each other, and do not meet."""
    return scene([(20 + 8 * time, 30, 50, RED), (size[0] - 60 - 8 * time, 40, 40, BLUE)], size)


@pytest.fixture(autouse=True)
def blobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "load", lambda *args, **options: Blobs())


def seen(video: Path, tmp_path: Path, **options: Any) -> tuple[Any, list[dict[str, Any]]]:
    result = app.perceive(video, folder=tmp_path / "out", **options)
    return result, [json.loads(line) for line in result.lines.read_text().splitlines()]


def spans(lines: list[dict[str, Any]]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for line in lines:
        for subject in line["subjects"]:
            if subject["id"] is not None:
                found.setdefault(subject["id"], []).append(line["time"])
    return found


def check_two_people(lines: list[dict[str, Any]], end: float) -> None:
    """Each has one identity, soon and to the end."""
    people = spans(lines)
    assert len(people) == 2
    for when in people.values():
        assert when[0] < 0.8
        assert when[-1] == pytest.approx(end, abs=0.05)


def made_at(times: list[float], tmp_path: Path, **how: Any) -> Path:
    how = {"name": "a.mp4", "picture": walking} | how
    name, picture = how.pop("name"), how.pop("picture")
    return film(tmp_path / name, [picture(t) for t in times], times, **how)


def tenths(count: int) -> list[float]:
    return [k / 10 for k in range(count)]


def pauses() -> list[float]:
    """A screen recorder's: 30 a second while something moves, and nothing otherwise."""
    return [*(k / 30 for k in range(20)), *(3 + k / 30 for k in range(10))]


@pytest.mark.parametrize(
    ("times", "how"),
    [
        pytest.param(tenths(24), {"rate": 1000, "name": "a.mkv"}, id="rate of 1000"),
        pytest.param(tenths(24), {"rate": 90_000, "name": "a.mkv"}, id="rate of 90000"),
        pytest.param(pauses(), {"rate": 60}, id="screen recording"),
        pytest.param([k / 60 for k in range(90)], {"rate": 60}, id="action camera"),
        pytest.param(tenths(24), {"rate": 10, "cover": True}, id="cover"),
    ],
)
def test_identities_and_durations_of_every_recorder(tmp_path, times, how):
    result, lines = seen(made_at(times, tmp_path, **how), tmp_path)
    assert [line["time"] for line in lines] == pytest.approx(times, abs=2e-3)
    check_two_people(lines, times[-1])
    assert result.statistics.frames == len(times)
    assert result.statistics.seconds == pytest.approx(times[-1], abs=0.12)
    with av.open(str(result.folder / "annotated.mp4")) as drawn:
        stream = drawn.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(times[-1], abs=0.12)
        shown = [frame.time for frame in drawn.decode(stream)]
    assert np.subtract(shown, shown[0]) == pytest.approx(times, abs=2e-3)


@pytest.mark.parametrize(
    ("turn", "stored"),
    [
        ((-90, False, False), lambda image: np.rot90(image)),
        ((90, False, False), lambda image: np.rot90(image, -1)),
        ((180, False, False), lambda image: image[::-1, ::-1]),
        ((0, False, True), lambda image: image[::-1]),
    ],
)
def test_a_phones_portrait_is_seen_upright(
    tmp_path: Path,
    turn: tuple[int, bool, bool],
    stored: Callable[[np.ndarray], np.ndarray],
) -> None:
    tall = (108, 192)

    def picture(time: float) -> np.ndarray:
        people = [(15 + 8 * time, 60, 60, RED), (80 - 8 * time, 70, 40, BLUE)]
        return np.ascontiguousarray(stored(scene(people, tall)))

    video = made_at(tenths(15), tmp_path, codec="libx265", rate=10, turn=turn, picture=picture)
    _, lines = seen(video, tmp_path, pictures=False)
    check_two_people(lines, 1.4)


def test_joined_recordings_are_one(tmp_path):
    parts = [
        film(tmp_path / f"{k}.ts", [walking(t + k) for t in tenths(10)], tenths(10), rate=10)
        for k in range(2)
    ]
    video = tmp_path / "a.ts"
    video.write_bytes(b"".join(part.read_bytes() for part in parts))
    _, lines = seen(video, tmp_path, pictures=False)
    assert [line["time"] for line in lines] == pytest.approx(tenths(20), abs=2e-3)
    check_two_people(lines, 1.9)


@pytest.mark.parametrize("seconds", [0.5, 1.0])
def test_seconds_are_the_videos(tmp_path, seconds):
    video = made_at(tenths(24), tmp_path, rate=1000, name="a.mkv")
    result, lines = seen(video, tmp_path, seconds=seconds, pictures=False)
    assert len(lines) == round(10 * seconds)
    assert result.statistics.seconds == pytest.approx(seconds)


# --- places ---

PERSON = np.array([12.0, 1.0, 0.0])
TALL = 1.75


def filmed(place: np.ndarray, yaw: float, pitch: float, focal_px: float, size=SIZE) -> np.ndarray:
    """A person as a pinhole camera sees one."""
    turn = camera_rotation(yaw, pitch, 0.0)
    head = np.array([0.0, 0.0, TALL])
    (x0, y0, z0), (_, y1, z1) = ((PERSON + up - place) @ turn for up in (head, 0 * head))
    top, bottom = size[1] / 2 + focal_px * y0 / z0, size[1] / 2 + focal_px * y1 / z1
    middle = size[0] / 2 + focal_px * x0 / z0
    return scene([(middle - 0.2 * (bottom - top), top, bottom - top, RED)], size)


def last_place(lines: list[dict[str, Any]]) -> np.ndarray:
    return np.array(lines[-1]["subjects"][0]["position"])


def test_non_square_pixels_are_no_nearer(tmp_path):
    size = (384, 216)
    focal = size[0] / 2 / math.tan(math.radians(30))
    whole = filmed(np.array([0, 0, 2.0]), 0.0, 0.0, focal, size)
    squeezed = cv2.resize(whole, (288, 216), interpolation=cv2.INTER_AREA)
    found = []
    for name, image, aspect in (("a", whole, None), ("b", squeezed, Fraction(4, 3))):
        video = film(tmp_path / f"{name}.mp4", [image] * 12, rate=10, aspect=aspect)
        _, lines = seen(video, tmp_path, fov=60.0, camera_height=2.0, pictures=False)
        found.append(last_place(lines))
    assert np.linalg.norm(found[0][:2] - PERSON[:2]) < 1.0
    assert np.linalg.norm(found[1] - found[0]) < 0.04 * np.linalg.norm(PERSON)


def drone(
    tmp_path: Path, cue: Callable[[float, float, float], str], *, pitch: float = -0.15,
    inside: bool = False, name: str = "DJI_0001.MP4", size: tuple[int, int] = SIZE,
) -> Path:  # fmt: skip
    """A drone 6 m up that looks 15 degrees left of east and flies 2 m north in 2 s; its subtitles
    are what ``cue`` makes of height, latitude and longitude."""
    times, yaw, texts = tenths(20), math.radians(15), []
    pictures = []
    for time in times:
        place = np.array([0.0, time, 6.0])
        pictures.append(filmed(place, yaw, pitch, size[0] * 24 / 36, size))
        texts.append((time, cue(6.0, 48.0 + math.degrees(time / 6371000.0), 11.0)))
    video = film(tmp_path / name, pictures, times, rate=10, subtitles=texts if inside else ())
    if not inside:
        ends = [f"00:00:{t // 1:02.0f},{round(1000 * (t % 1)):03d}" for t, _ in texts]
        blocks = [
            f"{k + 1}\n{begin} --> {end}\n{text}\n"
            for k, ((begin, end), (_, text)) in enumerate(
                zip(itertools.pairwise([*ends, "00:00:02,000"]), texts, strict=True)
            )
        ]
        video.with_suffix(".SRT").write_text("\n".join(blocks), encoding="utf-8-sig")
    return video


def with_gimbal(height: float, latitude: float, longitude: float) -> str:
    return (
        f'<font size="28">FrameCnt: 1\n[fnum: 2.8] [focal_len: 24.00] [latitude: {latitude:.6f}] '
        f"[longitude: {longitude:.6f}]\n[rel_alt: {height:.3f} abs_alt: 525.1] [gb_yaw: 75.0 "
        f"gb_pitch: {math.degrees(-0.15):.1f} gb_roll: 0.0]</font>"
    )


def without_gimbal(height: float, latitude: float, longitude: float) -> str:
    return (
        f"[fnum : 280] [focal_len : 240] [latitude: {latitude:.6f}] [longitude: {longitude:.6f}] "
        f"[rel_alt: {height:.3f} abs_alt: 525.1]"
    )


def oldest(height: float, latitude: float, longitude: float) -> str:
    return f"GPS({longitude:.6f},{latitude:.6f},14) BAROMETER:{height:.1f}"


@pytest.mark.parametrize("inside", [False, True])
def test_a_drones_own_word_places_people(tmp_path, inside):
    result, lines = seen(drone(tmp_path, with_gimbal, inside=inside), tmp_path, pictures=False)
    assert len(spans(lines)) == 1
    assert np.linalg.norm(last_place(lines)[:2] - PERSON[:2]) < 1.0
    assert "focal length, height, place, heading, pitch" in result.camera
    assert "assumed" not in result.camera


def test_what_the_user_says_goes_before_the_drones(tmp_path):
    video = drone(tmp_path, with_gimbal)
    _, own = seen(video, tmp_path, pictures=False)
    _, told = seen(video, tmp_path, camera_heading=0.0, pictures=False)
    turned = last_place(told)[:2] - (0, 1.9)
    straight = last_place(own)[:2] - (0, 1.9)
    angle = math.atan2(turned[1], turned[0]) - math.atan2(straight[1], straight[0])
    assert angle == pytest.approx(math.radians(75), abs=0.05)
    wide = 2 * math.degrees(math.atan(36 / 2 / 24))
    _, same = seen(video, tmp_path, fov=wide, camera_height=6.0, pictures=False)
    assert last_place(same) == pytest.approx(last_place(own), abs=0.05)
    _, near = seen(video, tmp_path, fov=100.0, pictures=False)
    assert np.linalg.norm(last_place(near)) < 0.8 * np.linalg.norm(last_place(own))


@pytest.mark.parametrize("pitch", [-0.15, -0.4, -0.6])
def test_a_pitch_that_a_drone_does_not_tell_is_found_by_people(tmp_path, pitch):
    video = drone(tmp_path, without_gimbal, pitch=pitch, size=(384, 216))
    result, lines = seen(video, tmp_path, camera_heading=75.0, pictures=False)
    assert "tilted as people's heights tell" in result.camera
    assert "looks east" not in result.camera
    assert len(spans(lines)) == 1
    assert np.linalg.norm(last_place(lines)[:2] - PERSON[:2]) < 1.5


def test_what_a_drone_does_not_tell_can_be_said(tmp_path):
    video = drone(tmp_path, without_gimbal)
    result, lines = seen(
        video, tmp_path, camera_heading=75.0, camera_pitch=math.degrees(-0.15), pictures=False
    )
    assert "assumed" not in result.camera
    assert np.linalg.norm(last_place(lines)[:2] - PERSON[:2]) < 1.0
    assert "assumed: the camera looks east" in seen(video, tmp_path, pictures=False)[0].camera


def test_a_drone_that_tells_no_lens_gives_no_places_without_fov(tmp_path):
    video = drone(tmp_path, oldest)
    result, lines = seen(video, tmp_path, pictures=False)
    assert "no positions without the focal length (give --fov)" in result.camera
    assert len(spans(lines)) == 1
    assert "position" not in lines[-1]["subjects"][0]
    _, lines = seen(
        video, tmp_path, fov=2 * math.degrees(math.atan(36 / 2 / 24)), camera_heading=75.0,
        camera_pitch=math.degrees(-0.15), pictures=False,
    )  # fmt: skip
    assert np.linalg.norm(last_place(lines)[:2] - PERSON[:2]) < 1.0


def test_a_mistaken_srt_costs_nothing_but_a_warning(tmp_path):
    video = made_at(tenths(15), tmp_path, rate=10)
    video.with_suffix(".srt").write_bytes(b"\xff\x00 nonsense 00:00:01,000 --> 00:00:02,000")
    result, lines = seen(video, tmp_path, pictures=False)
    assert result.camera is None
    check_two_people(lines, 1.4)


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.touch(), "the file is empty"),
        (lambda p: p.write_text("hello"), "neither a picture nor a video"),
        (lambda p: song(p, cover=True), "holds only audio and a cover picture"),
    ],
)
def test_what_is_no_video_is_said_in_a_line_with_status_2(tmp_path, make, words):
    make(tmp_path / "a.mp4")
    status, said = invoke("perceive", tmp_path / "a.mp4", "--out", tmp_path / "out")
    assert status == 2
    assert words in said
    assert "Traceback" not in said
