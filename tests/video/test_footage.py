from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from cinempc.video.footage import Footage


def picture(level: int, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), (level, 40, 200 - level), np.uint8)


def decode(path: Path) -> tuple[list[np.ndarray], av.VideoStream]:
    with av.open(str(path)) as container:
        images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        return images, container.streams.video[0]


def boxes(data: bytes) -> list[str]:
    """Names of an MP4's top-level boxes."""
    names, at = [], 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        names.append(name.decode())
        at += size
    return names


@pytest.mark.parametrize(
    ("fps", "rate"), [(24.0, Fraction(24)), (23.976, Fraction(24000, 1001)), (25.0, Fraction(25))]
)
def test_a_film_has_its_pictures_rate_and_colours(tmp_path, fps, rate):
    with Footage(tmp_path / "a.mp4", 64, 48, fps) as film:
        for i in range(30):
            film.write(picture(4 * i))
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert abs(float(stream.average_rate / rate) - 1) < 1e-4
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.codec_context.colorspace == 1  # BT.709
    assert len(frames) == 30
    times = [float(frame.time) for frame in frames]
    assert np.allclose(np.diff(times), 1 / fps, atol=1e-3)
    middle = frames[15].to_ndarray(format="rgb24")[24, 32].astype(int)
    assert np.abs(middle - [60, 40, 140]).max() <= 6


def test_odd_sizes_lose_a_row_and_a_column(tmp_path):
    with Footage(tmp_path / "a.mp4", 65, 49, 24) as film:
        film.write(picture(10, 65, 49))
    images, _ = decode(tmp_path / "a.mp4")
    assert images[0].shape == (48, 64, 3)


def test_an_error_leaves_a_valid_film(tmp_path):
    def film_until_interrupted():
        with Footage(tmp_path / "a.mp4", 64, 48, 24) as film:
            for i in range(10):
                film.write(picture(i))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        film_until_interrupted()
    images, _ = decode(tmp_path / "a.mp4")
    assert len(images) == 10


def test_a_picture_of_another_size_is_refused(tmp_path):
    with Footage(tmp_path / "a.mp4", 64, 48, 24) as film:
        with pytest.raises(ValueError, match="48, 64"):
            film.write(picture(0, 32, 48))
        film.write(picture(0))


def test_a_closed_film_is_an_ordinary_mp4(tmp_path):
    with Footage(tmp_path / "a.mp4", 64, 48, 24) as film:
        for i in range(60):
            film.write(picture(i))
    assert boxes((tmp_path / "a.mp4").read_bytes()) == ["ftyp", "free", "mdat", "moov"]


@pytest.mark.parametrize("fps", [2, 12, 24, 60])
def test_a_killed_process_leaves_all_but_the_last_second(tmp_path, fps):
    path = tmp_path / "a.mp4"
    program = (
        "import sys, os, signal, numpy as np\n"
        "from pathlib import Path\n"
        "from cinempc.video.footage import Footage\n"
        "fps = int(sys.argv[2])\n"
        "film = Footage(Path(sys.argv[1]), 64, 48, fps)\n"
        "rng = np.random.default_rng(0)\n"
        "for i in range(5 * fps):\n"
        "    film.write(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), str(fps)],
        env=os.environ,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    images, _ = decode(path)
    assert 5 * fps - fps - 1 <= len(images) < 5 * fps
