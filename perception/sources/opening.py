"""From what a user types to a source: by address, path, pattern or camera number."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from cinempc import addresses
from cinempc.video import streams
from perception.sources.camera import LocalCamera
from perception.sources.images import IMAGE_SUFFIXES, Images, is_image, read_image
from perception.sources.source import Source, SourceError
from perception.sources.video import Video

_TIMEOUT = 10.0  # s, for a stream to answer and for its next frame


def open_source(
    text: str | Path | Sequence[str | Path], *, image_rate: float = 24.0, timeout: float = _TIMEOUT
) -> Source:
    """A source by what a user types.

    Args:
        text: an image file, a folder or glob of images, a video file, a camera ("0",
            "/dev/video0"), an rtsp:// or http(s):// address; or several image files.
        image_rate: pictures a second that the times of image files are made from.
        timeout: for a stream to answer, s.

    Raises:
        SourceError: there is no such thing, or it holds no pictures.
    """
    if not isinstance(text, str | Path):
        if len(text) != 1:
            return Images(_pictures([Path(t) for t in text]), "images", image_rate)
        text = text[0]
    where = str(text) if _there(Path(text)) else str(text).strip()  # a name may end in a blank
    if not where:
        raise SourceError("no source is named; name a picture, a folder, a video or a camera")
    if where.isdigit() or re.fullmatch(r"/dev/video\d+", where):
        return LocalCamera(where)
    scheme = streams.scheme_of(where)
    if scheme:
        if scheme not in streams.SCHEMES:
            raise SourceError(
                f"{addresses.shown(where)}: streams of {scheme}:// cannot be read; use one of "
                + ", ".join(f"{name}://" for name in streams.SCHEMES)
            )
        return Video(where, timeout=timeout)
    path = _expanded(where)
    if _there(path):
        if path.is_dir():
            return Images(_natural(_in_folder(path)), str(path), image_rate)
        return Images([path], str(path), image_rate) if is_image(path) else Video(str(path))
    if not glob.has_magic(where):
        _present([path])
    found = [Path(name) for name in glob.glob(str(path), recursive=True)]
    images = [f for f in found if is_image(f)]
    if images:
        return Images(_natural(images), where, image_rate)
    if len(found) == 1:
        return Video(str(found[0]))
    raise SourceError(f"{where}: no image matches; check the folder and the pattern")


def _in_folder(path: Path) -> list[Path]:
    images = [f for f in path.iterdir() if is_image(f)]
    if not images:
        raise SourceError(
            f"{path}: the folder holds no images ({', '.join(IMAGE_SUFFIXES)}); name the "
            "folder that does, or one video file"
        )
    return images


def _expanded(where: str) -> Path:
    try:
        return Path(where).expanduser()
    except RuntimeError:  # nobody of that name has a home
        return Path(where)


def _there(path: Path) -> bool:
    """Whether there is such a file or folder. No name, however odd, is an error."""
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long, a folder that nobody may look into
        return False


def _pictures(files: list[Path]) -> list[Path]:
    """The files, all of which exist, and are pictures or at least called so."""
    for file in _present(files):
        if not is_image(file) and read_image(file) is None:
            raise SourceError(
                f"{file}: no picture, and several sources are pictures; name one video at a time"
            )
    return files


def _present(files: list[Path]) -> list[Path]:
    """The files, all of which exist."""
    if not files:
        raise SourceError("no file is named; name a picture, a folder, a video or a camera")
    for file in files:
        if not (_there(file) and file.is_file()):
            raise SourceError(
                f"{str(file)[:200]}: there is no such file; check the path (it counts from "
                f"{Path.cwd()})"
            )
    return files


def _natural(files: list[Path]) -> list[Path]:
    """By name, numbers by value: 2 before 10."""

    def key(file: Path) -> list[tuple[int, int, str]]:
        parts = re.split(r"(\d+)", str(file))
        return [(0, int(p), "") if p.isdigit() else (1, 0, p.lower()) for p in parts]

    return sorted(files, key=key)
