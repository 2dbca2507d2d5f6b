"""Files that are whole however their writing ends, on a disk that is full from some byte on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc import files
from cinempc.errors import CinempcError
from cinempc.files import GrowingFile, Reserve, WritingError, require_writable, write_whole


class Disk:
    """Room for so many bytes, of all that is written with `os.pwrite`."""

    def __init__(self, room: float) -> None:
        self.room = room

    def pwrite(self, fd: int, data: memoryview, place: int) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = min(len(data), int(min(self.room, 1 << 40)))
        self.room -= count
        return _PWRITE(fd, data[:count], place)


_PWRITE = os.pwrite


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    found = Disk(float("inf"))
    monkeypatch.setattr(files.os, "pwrite", found.pwrite)
    return found


_PIECES = st.lists(
    st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=20), st.booleans()), max_size=12
)


@given(_PIECES)
def test_a_growing_file_holds_what_a_file_would_at_each_commit(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, bytes, bool]]
) -> None:
    """Writes at any place, behind the end too: after a commit the file is as if written straight,
    and between two it is as it was."""
    path = tmp_path_factory.mktemp("grown") / "file"
    file, straight, committed = GrowingFile(path), bytearray(), b""
    for place, data, commit in pieces:
        file.seek(place)
        assert file.write(data) == len(data)
        assert file.tell() == place + len(data)
        straight.extend(bytes(max(0, place - len(straight))))
        straight[place : place + len(data)] = data
        if commit:
            file.commit()
            committed = bytes(straight)
        assert path.read_bytes() == committed
    assert file.seek(0, os.SEEK_END) == len(straight)
    file.close()
    assert path.read_bytes() == committed


def test_on_a_full_disk_a_growing_file_ends_at_its_last_commit(tmp_path: Path, disk: Disk) -> None:
    file = GrowingFile(tmp_path / "file")
    file.write(b"first")
    file.commit()
    file.write(b"second")
    disk.room = 3
    with pytest.raises(OSError, match="No space left"):
        file.commit()
    assert (tmp_path / "file").read_bytes() == b"first"
    disk.room = float("inf")  # some was freed
    file.write(b" and third")
    file.commit()
    file.close()
    assert (tmp_path / "file").read_bytes() == b"firstsecond and third"


def test_what_is_written_whole_replaces_or_leaves_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metrics.json"
    write_whole(path, "old ü")
    assert path.read_text(encoding="utf-8") == "old ü"

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda self, target: full(0))
        with pytest.raises(OSError, match="No space left"):
            write_whole(path, "new")
    assert path.read_text(encoding="utf-8") == "old ü"
    assert [file.name for file in tmp_path.iterdir()] == ["metrics.json"]


def test_what_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    there = tmp_path / "there.yaml"
    there.write_text("old")
    for path in (there, tmp_path / "new.yaml"):
        require_writable(path)
    assert there.read_text() == "old"
    assert os.listdir(tmp_path) == ["there.yaml"]
    for path, reason in (
        (tmp_path, "Is a directory"),
        (tmp_path / "missing" / "a.yaml", "No such file or directory"),
        (there / "a.yaml", "Not a directory"),
    ):
        with pytest.raises(CinempcError, match=f"^{path}: it cannot be written .{reason}"):
            require_writable(path)


def test_reserved_room_has_no_name_and_is_given_back(tmp_path: Path) -> None:
    before = os.statvfs(tmp_path).f_bavail
    room = Reserve(tmp_path, 8 << 20)
    assert list(tmp_path.iterdir()) == []
    assert os.fstat(room._fd).st_size == 8 << 20  # type: ignore[arg-type]
    room.release()
    room.release()
    assert room._fd is None
    assert before > 0


def test_more_room_than_there_is_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No space left|too large"):
        Reserve(tmp_path, 1 << 60)


def test_one_sentence_tells_all_that_could_not_be_written() -> None:
    error = WritingError(Path("takes/one"))
    error.add("footage.mp4", OSError(errno.ENOSPC, "No space left on device"))
    error.add("take.mcap", OSError(errno.ENOSPC, "No space left on device"))
    error.add("footage.mp4", OSError(errno.EIO, "Input/output error"))
    error.add("report.html", ValueError("a plot without a point"))
    assert str(error) == (
        "not all could be written in takes/one (footage.mp4, take.mcap: No space left on device; "
        "report.html: a plot without a point). What was written until then is whole"
    )
