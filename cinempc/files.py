"""Files that are whole however their writing ends: by a full disk, a kill or a loss of power.

`write_whole` is for what is written at once, `GrowingFile` for what grows over a take, `Reserve`
keeps room on the disk for what is written last, `WritingError` tells what could not be written, and
`require_writable` beforehand what will not be.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from cinempc.errors import CinempcError

#: Time between two orders to bring what was written to the disk itself, s: what a loss of power
#: costs at most, beside what was not committed yet.
SYNC_EVERY = 0.5
#: What the system says where a disk, or a user's share of it, is full.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def why(error: BaseException) -> str:
    """Why something could not be written, in the system's words and without the file's name."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


class WritingError(CinempcError):
    """Something of a folder's files could not be written; what was written until then is whole.

    Args:
        folder: of the files.

    Attributes:
        causes: why, by what could not be written: files by their names.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.causes: dict[str, BaseException] = {}

    def add(self, what: str, cause: BaseException) -> None:
        """Something could not be written; the first cause of each counts."""
        self.causes.setdefault(what, cause)

    @contextlib.contextmanager
    def saving(self, what: str) -> Iterator[None]:
        """What fails in the block is kept in mind, and costs nothing else."""
        try:
            yield
        except Exception as cause:
            self.add(what, cause)

    @contextlib.contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """What fails in the block is the end of the writing: this error is raised."""
        try:
            yield
        except Exception as cause:
            self.add(what, cause)
            raise self from cause

    def __str__(self) -> str:
        by_reason: dict[str, list[str]] = {}
        for what, cause in self.causes.items():
            by_reason.setdefault(why(cause), []).append(what)
        reasons = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())
        return (
            f"not all could be written in {self.folder} ({reasons}). What was written until then "
            "is whole"
        )


def write_whole(path: Path, data: str | bytes) -> None:
    """Write a file at once: it is there whole, or as it was before.

    Args:
        path: the file; one that is there is replaced.
        data: its content; text is written as UTF-8.

    Raises:
        OSError: it cannot be written.
    """
    content = data.encode() if isinstance(data, str) else data
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            with contextlib.suppress(OSError):  # a file system that cannot is no reason to fail
                os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def require_writable(path: Path) -> None:
    """Find out, before long work for it, whether a file can be written.

    Args:
        path: of the file; it is left as it is.

    Raises:
        CinempcError: it cannot.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=path.absolute().parent) as trial:
            trial.write(bytes(4096))
    except OSError as error:
        raise CinempcError(f"{path}: it cannot be written ({why(error)})") from error


class Reserve:
    """Room on a disk for what is written at the end of a take, in a file without a name: it is
    given back with `release`, and by the system when the process ends in whatever way.

    Args:
        folder: on the disk.
        size: bytes.

    Raises:
        OSError: there is not as much room.
    """

    def __init__(self, folder: Path, size: int) -> None:
        fd, name = tempfile.mkstemp(prefix=".room-", dir=folder)
        self._fd: int | None = fd
        os.unlink(name)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(fd, 0, size)
        except OSError as error:
            if error.errno in FULL:
                self.release()
                raise  # others: a file system that keeps no room

    def release(self) -> None:
        """Give the room back; a second call does nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class GrowingFile(io.RawIOBase):
    """A file that a library's writer fills, and that always ends where its owner says it may. For
    one thread at a time.

    What is written is kept in memory until `commit`, and then reaches the file in one go: so a
    killed process leaves no half fragment or chunk. A commit that fails leaves the file as it was,
    and may be tried again; the library, which would lose what it holds if it were told of it, never
    hears of a failure.

    Args:
        path: the file; one that is there is replaced.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        self._committed = 0
        self._tail = bytearray()
        self._changes: list[tuple[int, bytes]] = []  # of what was committed before
        self._at = 0
        self._syncing: threading.Thread | None = None
        self._synced = time.monotonic()
        self._lost: OSError | None = None  # why it did not get to the disk

    # --- a binary file, for whoever fills it ---

    def write(self, data: object) -> int:
        """Take bytes at the current place."""
        content = bytes(data)  # type: ignore[call-overload]
        before = min(max(self._committed - self._at, 0), len(content))
        if before:
            self._changes.append((self._at, content[:before]))
        if before < len(content):
            first = self._at + before - self._committed
            if first > len(self._tail):  # a hole is zeros
                self._tail.extend(bytes(first - len(self._tail)))
            self._tail[first : first + len(content) - before] = content[before:]
        self._at += len(content)
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """The current place."""
        return self._at

    def writable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    @property
    def size(self) -> int:
        """Bytes that were taken."""
        return self._committed + len(self._tail)

    # --- for its owner ---

    def commit(self) -> None:
        """What was taken until now makes a valid file: write it.

        Raises:
            OSError: it cannot be written; the file is as it was, and another try may go well.
        """
        tail = bytes(self._tail)
        try:
            if self._lost is not None:
                raise self._lost
            _write_all(self._fd, tail, self._committed)
            for place, content in self._changes:
                _write_all(self._fd, content, place)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._committed)
            raise
        self._committed += len(tail)
        self._tail.clear()
        self._changes.clear()
        if tail:
            self._sync()

    def close(self) -> None:
        """Let go of the file; what was not committed is not in it."""
        if self.closed:
            return
        super().close()
        if self._syncing is not None:
            self._syncing.join()
        with contextlib.suppress(OSError):
            os.fsync(self._fd)
        os.close(self._fd)

    def _sync(self) -> None:
        """Have the system bring it to the disk, without waiting for that."""
        now = time.monotonic()
        if now - self._synced < SYNC_EVERY or (self._syncing and self._syncing.is_alive()):
            return
        self._synced = now
        self._syncing = threading.Thread(target=self._to_disk, name="sync", daemon=True)
        self._syncing.start()

    def _to_disk(self) -> None:
        try:
            getattr(os, "fdatasync", os.fsync)(self._fd)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a file system that cannot
                self._lost = error  # the next commit tells


def _write_all(fd: int, data: bytes, place: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, place)
        view, place = view[count:], place + count
