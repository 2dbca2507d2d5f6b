"""Every kind of source gives pictures in order, skips what is damaged and says what is wrong."""

import http.server
import os
import struct
import threading
from functools import partial

import av
import cv2
import numpy as np
import pytest

from cinempc.errors import CinempcError
from cinempc.video import streams
from cinempc.video.footage import Footage
from perception.sources import camera
from perception.sources.images import IMAGE_SUFFIXES
from perception.sources.opening import open_source
from perception.sources.source import SourceError
from tests.video.films import corners, quarters
from tests.video.films import film as make_film

RED, GREEN, BLUE = (200, 30, 20), (30, 180, 40), (20, 40, 210)


def flat(colour, width=64, height=48):
    return np.full((height, width, 3), colour, np.uint8)


def write(path, image):
    good, data = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert good
    path.write_bytes(data.tobytes())
    return path


def film(path, count=30, fps=25.0):
    """Frame k is of the grey level 8 k, so that a frame tells its number."""
    with Footage(path, 64, 48, fps) as footage:
        for k in range(count):
            footage.write(flat((8 * k,) * 3))
    return path


def level(picture):
    return picture.image.mean() / 8


def test_an_image_file_is_rgb(tmp_path):
    source = open_source(str(write(tmp_path / "a.png", flat(RED))))
    (picture,) = source
    assert (picture.image == flat(RED)).all()
    assert picture.image.dtype == np.uint8
    assert (picture.time, picture.name) == (0.0, "a.png")
    assert (source.live, source.length, source.size, source.skipped) == (False, 1, (64, 48), 0)


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_images_of_every_kind_are_taken(tmp_path, suffix):
    if not cv2.haveImageWriter(f"x{suffix}"):
        pytest.skip(f"OpenCV here does not write {suffix}")
    shape = (48, 64) if suffix == ".pgm" else (48, 64, 3)  # which has no colours
    path = tmp_path / f"picture{suffix}"
    assert cv2.imwrite(str(path), np.full(shape, 90, np.uint8))
    (frame,) = open_source([path])
    assert frame.image.shape == (48, 64, 3)
    assert np.abs(frame.image.astype(int) - 90).max() < 12


def test_a_grey_and_a_transparent_image_are_rgb_too(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), np.full((48, 64), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "2.png"), np.full((48, 64, 4), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "3.png"), np.full((48, 64), 90 * 256, np.uint16))
    for picture in open_source(tmp_path):
        assert picture.image.shape == (48, 64, 3)
        assert abs(picture.image.mean() - 90) < 1


@pytest.mark.parametrize(
    ("orientation", "shown"),
    [
        (1, ["red", "green", "blue", "black"]),
        (2, ["green", "red", "black", "blue"]),
        (3, ["black", "blue", "green", "red"]),
        (4, ["blue", "black", "red", "green"]),
        (5, ["red", "blue", "green", "black"]),
        (6, ["blue", "red", "black", "green"]),
        (7, ["black", "green", "blue", "red"]),
        (8, ["green", "black", "red", "blue"]),
    ],
)
def test_a_photograph_stands_as_its_exif_says(tmp_path, orientation, shown):
    """Exif 2.32, 4.6.4: tag 0x0112, one of eight."""
    data = write(tmp_path / "a.jpg", quarters(64, 48)).read_bytes()
    tiff = struct.pack("<2sHLHHHLHHL", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + tiff
    (tmp_path / "a.jpg").write_bytes(
        data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    )
    (picture,) = open_source(tmp_path / "a.jpg")
    assert corners(picture.image) == shown


@pytest.mark.parametrize("how", ["folder", "glob", "list"])
def test_several_images_come_by_number(tmp_path, how):
    for k in (10, 2, 1):
        write(tmp_path / f"shot_{k}.png", flat((k, 0, 0)))
    (tmp_path / "notes.txt").write_text("no image")
    files = [tmp_path / f"shot_{k}.png" for k in (1, 2, 10)]
    text = {"folder": str(tmp_path), "glob": str(tmp_path / "*.png"), "list": files}[how]
    source = open_source(text, image_rate=10)
    assert [p.image[0, 0, 0] for p in source] == [1, 2, 10]
    assert [p.time for p in source] == pytest.approx([0, 0.1, 0.2])
    assert (source.length, source.frame_rate) == (3, 10)


def test_damaged_images_are_skipped_and_counted(tmp_path):
    write(tmp_path / "1.jpg", flat(RED))
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    whole = write(tmp_path / "2.png", noise).read_bytes()
    (tmp_path / "2.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "3.jpg").write_bytes(b"")
    (tmp_path / "4.jpg").write_bytes(b"not a picture")
    write(tmp_path / "5.jpg", flat(BLUE))
    source = open_source(str(tmp_path))
    assert [p.name for p in source] == ["1.jpg", "5.jpg"]
    assert source.skipped == 3
    assert [p.time for p in source] == pytest.approx([0, 4 / 24])
    assert source.skipped == 3  # of this reading, not of both


def test_only_damaged_images_is_an_error(tmp_path):
    (tmp_path / "1.jpg").write_bytes(b"not a picture")
    with pytest.raises(CinempcError, match="no picture in it can be decoded"):
        list(open_source(str(tmp_path / "1.jpg")))


def test_a_video_keeps_its_times_and_frames(tmp_path):
    source = open_source(str(film(tmp_path / "a.mp4")))
    assert (source.live, source.frame_rate, source.length) == (False, 25.0, 30)
    pictures = list(source)
    assert [p.time for p in pictures] == pytest.approx(np.arange(30) / 25, abs=1e-4)
    assert [p.name for p in pictures[:2]] == ["0", "1"]
    assert [level(p) for p in pictures] == pytest.approx(range(30), abs=0.5)
    assert source.size == (64, 48)
    assert len(list(source)) == 30  # again, from the start


def test_a_videos_colours_come_back(tmp_path):
    with Footage(tmp_path / "a.mp4", 64, 48, 25) as footage:
        for colour in (RED, GREEN, BLUE):
            for _ in range(25):
                footage.write(flat(colour))
    pictures = list(open_source(tmp_path / "a.mp4"))
    for k, colour in enumerate((RED, GREEN, BLUE)):
        assert np.abs(pictures[25 * k + 12].image[20, 30].astype(int) - colour).max() <= 6


def test_a_video_with_damage_inside_still_plays(tmp_path):
    path = tmp_path / "a.mp4"
    rng = np.random.default_rng(1)
    with Footage(path, 64, 48, 25) as footage:
        for _ in range(100):
            footage.write(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    data = bytearray(path.read_bytes())
    start = len(data) // 3
    data[start : start + 4000] = bytes(4000)
    path.write_bytes(data)
    source = open_source(path)
    count = len(list(source))
    assert 50 < count < 100
    assert source.skipped > 0


def test_a_text_called_video_is_an_error_that_says_so(tmp_path):
    (tmp_path / "a.mp4").write_text("hello")
    with pytest.raises(SourceError, match=r"a\.mp4.*neither a picture nor a video"):
        open_source(str(tmp_path / "a.mp4"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nowhere.mp4", "no such file"),
        ("nowhere/*.jpg", "no image matches"),
        ("", "no source"),
        ("gopher://a/b", "cannot be read"),
        ([], "no file"),
        (["a.png", "b.png"], "no such file"),
    ],
)
def test_what_is_not_there_is_said(tmp_path, monkeypatch, text, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CinempcError, match=words):
        open_source(text)


def test_videos_come_one_at_a_time(tmp_path):
    picture = write(tmp_path / "1.png", flat(RED))
    with pytest.raises(SourceError, match=r"a\.mp4: no picture.*one video at a time"):
        open_source([picture, film(tmp_path / "a.mp4", 3)])
    unnamed = picture.rename(tmp_path / "shot")
    assert len(list(open_source([unnamed, write(tmp_path / "2.png", flat(BLUE))]))) == 2


def test_an_empty_folder_is_said(tmp_path):
    with pytest.raises(SourceError, match="holds no images"):
        open_source(tmp_path)


def test_leaving_early_lets_go_and_reading_starts_again(tmp_path):
    with open_source(film(tmp_path / "a.mp4")) as source:
        for picture in source:
            if picture.name == "3":
                break
        assert level(next(iter(source))) == pytest.approx(0, abs=0.5)


class FakeCamera:
    """A camera that gives the listed pictures, None for a failed one, and then no more."""

    reads = ()
    rate = 30.0

    def __init__(self, device):
        self.device, self.rest, self.held = device, list(self.reads), True

    def isOpened(self):  # noqa: N802
        return self.held and self.device != 7

    def get(self, what):
        values = {cv2.CAP_PROP_FPS: self.rate, cv2.CAP_PROP_FRAME_WIDTH: 64}
        return values.get(what, 48)

    def set(self, what, value):
        return True

    def read(self):
        image = self.rest.pop(0) if self.rest else None
        return image is not None, image

    def release(self):
        self.held = False


@pytest.mark.parametrize("text", ["0", "/dev/video0"])
def test_a_camera_is_live_survives_misses_and_ends_clearly(monkeypatch, text):
    bgr = flat(RED)[..., ::-1]
    monkeypatch.setattr(camera.cv2, "VideoCapture", FakeCamera)
    monkeypatch.setattr(FakeCamera, "reads", (bgr, None, None, bgr))
    source = open_source(text)
    assert (source.live, source.frame_rate, source.size, source.length) == (
        True, 30.0, (64, 48), None,
    )  # fmt: skip
    reading = iter(source)
    pictures = [next(reading), next(reading)]
    assert source.skipped == 2
    with pytest.raises(SourceError, match="cable"):
        next(reading)
    assert [p.name for p in pictures] == ["0", "3"]
    assert (pictures[0].image == flat(RED)).all()
    assert pictures[0].time <= pictures[1].time


@pytest.mark.parametrize("claim", [0.0, -1.0, 1e7, float("nan"), float("inf")])
def test_a_cameras_impossible_rate_is_not_believed(monkeypatch, claim):
    monkeypatch.setattr(camera.cv2, "VideoCapture", FakeCamera)
    monkeypatch.setattr(FakeCamera, "rate", claim)
    assert open_source("0").frame_rate is None


def test_a_camera_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(camera.cv2, "VideoCapture", FakeCamera)
    with pytest.raises(SourceError, match="camera 7: it does not open"):
        open_source("7")


def test_a_streams_rate_is_measured_and_its_times_go_on(tmp_path, monkeypatch):
    pictures = [flat(RED)] * 15
    times = [k / 10 for k in range(15)]
    one = make_film(tmp_path / "1.ts", pictures, times, rate=1000)
    other = make_film(tmp_path / "2.ts", pictures, [t + 4000 for t in times], rate=1000)
    (tmp_path / "a.ts").write_bytes(one.read_bytes() + other.read_bytes())
    monkeypatch.setattr(streams, "open_video", lambda *_: av.open(str(tmp_path / "a.ts")))
    with open_source("rtsp://camera/main") as source:
        assert (source.live, source.length) == (True, None)
        assert source.frame_rate == pytest.approx(10, rel=0.01)
        assert [p.time for p in source] == pytest.approx([k / 10 for k in range(30)], abs=2e-3)


def test_no_password_is_shown():
    for address in ("rtsp://me:secret@127.0.0.1:9/main", "gopher://me:secret@a/b"):
        with pytest.raises(SourceError) as caught:
            open_source(address, timeout=2)
        assert "://***@" in str(caught.value)
        assert "secret" not in str(caught.value)


def test_a_pipe_is_read_once(tmp_path):
    """As a shell gives them: <(ffmpeg ...)."""
    whole = make_film(tmp_path / "a.ts", [flat(RED)] * 40, [k / 10 for k in range(40)], rate=10)
    data, pipe = whole.read_bytes(), tmp_path / "pipe"
    os.mkfifo(pipe)
    thread = threading.Thread(target=pipe.write_bytes, args=(data,), daemon=True)
    thread.start()
    source = open_source(pipe)
    assert source.frame_rate == pytest.approx(10, rel=0.01)
    assert [p.time for p in source] == pytest.approx([k / 10 for k in range(40)], abs=2e-3)
    thread.join()


def test_a_video_over_http_and_a_dead_address(tmp_path):
    film(tmp_path / "a.mp4")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        source = open_source(f"{address}/a.mp4", timeout=20)
        assert not source.live  # it has an end: nothing is lost by reading slowly
        assert len(list(source)) == 30
        with pytest.raises(SourceError, match="does not open"):
            open_source(f"{address}/b.mp4", timeout=20)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    with pytest.raises(SourceError, match="does not open"):
        open_source(f"{address}/a.mp4", timeout=5)
