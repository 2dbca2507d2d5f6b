"""What `perceive` writes is whole on a full disk, and one error tells of it."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import av
import numpy as np
import pytest

from cinempc import files
from cinempc.errors import CinempcError
from perception import results
from perception.detect.detections import Detections
from perception.perceive import ViewedFrame
from perception.pipeline import PerceptionResult
from perception.results import ResultWriter
from perception.sources.source import Source, SourceFrame

RATE = 24.0
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
_PWRITE = os.pwrite


def fill(monkeypatch: pytest.MonkeyPatch, name: str, writes: int) -> None:
    """A disk that takes so many writes to a file, and no more."""
    left = [writes]

    def pwrite(fd: int, data: memoryview, place: int) -> int:
        if Path(os.readlink(f"/proc/self/fd/{fd}")).name == name:
            if left[0] <= 0:
                raise FULL
            left[0] -= 1
        return _PWRITE(fd, data, place)

    monkeypatch.setattr(files.os, "pwrite", pwrite)


def nobody(time: float) -> tuple[ViewedFrame, PerceptionResult]:
    """A picture, and that nobody is in it."""
    image = np.full((48, 64, 3), int(40 * time) % 255, np.uint8)
    picture = SourceFrame(time, image, f"picture {time:.3f}.png")
    result = PerceptionResult(time, EMPTY, [], {}, {}, {})
    return ViewedFrame(picture, None), result


EMPTY = Detections.none()


def write(folder: Path, count: int = 72, stills: bool = False) -> None:
    with ResultWriter(folder, Source("walk.mp4", frame_rate=RATE), stills=stills) as output:
        for k in range(count):
            output.write(*nobody(k / RATE))


@pytest.mark.parametrize(("name", "writes"), [("found.jsonl", 30), ("annotated.mp4", 9)])
def test_what_was_written_before_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, writes: int
) -> None:
    fill(monkeypatch, name, writes)
    with pytest.raises(CinempcError, match=rf"\({name}: No space left on device\)"):
        write(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert 24 < len(lines) < 72
    assert lines[-1]["frame"].startswith("picture")
    with av.open(str(tmp_path / "annotated.mp4")) as film:
        pictures = sum(1 for _ in film.decode(video=0))
    assert len(lines) - 24 <= pictures <= len(lines)


def test_a_still_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0

    def write_whole(path: Path, data: bytes) -> None:
        nonlocal count
        count += 1
        if count > 3:
            raise FULL
        files.write_whole(path, data)

    monkeypatch.setattr(results, "write_whole", write_whole)
    with pytest.raises(CinempcError, match=r"jpg: No space left on device\)"):
        write(tmp_path, 5, stills=True)
    assert len(list(tmp_path.glob("*.jpg"))) == 3


def test_a_folder_that_cannot_be_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CinempcError, match=r"found.jsonl: Not a directory"):
        write(tmp_path / "file" / "found")
