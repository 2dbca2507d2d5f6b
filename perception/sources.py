"""Where pictures come from: image files, a video, a camera, a network stream. One way to read all.

Times are seconds; a file's count from its own first frame, a camera's from its opening.
"""

from __future__ import annotations

import glob
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import av.error
import cv2
import numpy as np
from numpy.typing import NDArray

from cinempc import streams
from cinempc.errors import CinempcError

#: What a folder is searched for; other endings are taken as videos.
IMAGE_ENDINGS = (
    ".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".jp2",
)  # fmt: skip

_TIMEOUT = 10.0  # s, for a stream to answer and for its next frame
_MISSES = 30  # frames in a row that a camera may fail to give


class SourceError(CinempcError):
    """Pictures that cannot be had: a missing file, an unplugged camera, a silent stream."""


@dataclass(frozen=True)
class Picture:
    """One picture of a source.

    Attributes:
        time: s.
        image: RGB (height, width, 3) uint8.
        name: the image file's name, or the number of a video's or camera's frame.
    """

    time: float
    image: NDArray[np.uint8]
    name: str


class Source:
    """Gives pictures in order; what cannot be decoded is skipped and counted.

    Files can be read again, from the start. A context manager; iterating to the end closes too.

    Attributes:
        name: what was opened.
        live: whether pictures come when they come: who reads too slowly is late.
        frame_rate: frames a second; None where unknown.
        size: width, height, px, of the first picture; None where unknown before reading.
        length: number of pictures, where known; a video's is what its header claims.
        skipped: frames or files that could not be decoded, in this reading.
    """

    def __init__(
        self,
        name: str,
        *,
        live: bool = False,
        frame_rate: float | None = None,
        size: tuple[int, int] | None = None,
        length: int | None = None,
    ) -> None:
        self.name = name
        self.live = live
        self.frame_rate = frame_rate
        self.size = size
        self.length = length
        self.skipped = 0

    def __iter__(self) -> Iterator[Picture]:
        """The pictures.

        Raises:
            SourceError: not one of them could be decoded, or a live source fell silent.
        """
        self.skipped = 0
        given = 0
        try:
            for picture in self._pictures():
                if self.size is None:
                    self.size = picture.image.shape[1], picture.image.shape[0]
                given += 1
                yield picture
        finally:
            self.close()
        if not given:
            raise SourceError(
                f"{self.name}: no picture in it can be decoded ({self.skipped} tried); it is "
                "damaged or in an unknown format: open it with a player, or convert it with "
                "FFmpeg to MP4 (H.264) or JPEG"
            )

    def close(self) -> None:
        """Let go of the file or device; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _pictures(self) -> Iterator[Picture]:
        raise NotImplementedError


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
            return Images(_present([Path(t) for t in text]), "images", image_rate)
        text = text[0]
    where = str(text).strip()
    if not where:
        raise SourceError("no source is named; name a picture, a folder, a video or a camera")
    if where.isdigit() or re.fullmatch(r"/dev/video\d+", where):
        return _Camera(where)
    scheme = streams.scheme_of(where)
    if scheme:
        if scheme not in streams.SCHEMES:
            raise SourceError(
                f"{where}: streams of {scheme}:// cannot be read; use one of "
                + ", ".join(f"{name}://" for name in streams.SCHEMES)
            )
        return _Video(where, timeout=timeout)
    path = Path(where).expanduser()
    if path.is_dir():
        images = [f for f in path.iterdir() if _is_image(f)]
        if not images:
            raise SourceError(
                f"{path}: the folder holds no images ({', '.join(IMAGE_ENDINGS)}); name the "
                "folder that does, or one video file"
            )
        return Images(_natural(images), str(path), image_rate)
    if path.exists():
        return Images([path], str(path), image_rate) if _is_image(path) else _Video(str(path))
    if glob.has_magic(where):
        found = [Path(name) for name in glob.glob(str(path), recursive=True)]
        images = [f for f in found if _is_image(f)]
        if images:
            return Images(_natural(images), where, image_rate)
        if len(found) == 1:
            return _Video(str(found[0]))
        raise SourceError(f"{where}: no image matches; check the folder and the pattern")
    _present([path])
    raise AssertionError("unreachable")


class Images(Source):
    """Image files, one after the other."""

    def __init__(self, files: Sequence[Path], name: str, rate: float) -> None:
        super().__init__(name, frame_rate=rate, length=len(files))
        self._files = files
        self._rate = rate

    def _pictures(self) -> Iterator[Picture]:
        for i, file in enumerate(self._files):
            image = read_image(file)
            if image is None:
                self.skipped += 1
            else:
                yield Picture(i / self._rate, image, file.name)


class _Video(Source):
    """A video file or a network stream, by FFmpeg; keeps the frames' own times."""

    _container: Any = None

    def __init__(self, name: str, timeout: float | None = None) -> None:
        self._timeout = timeout
        self._open(name)
        stream = self._stream
        rate = stream.average_rate or stream.guessed_rate
        frames = stream.frames or None
        length_s = stream.duration and float(stream.duration * stream.time_base)
        if length_s is None and self._container.duration:
            length_s = self._container.duration / av.time_base
        if frames is None and length_s and rate:
            frames = round(length_s * float(rate))
        scheme = streams.scheme_of(name)
        live = bool(scheme) and (scheme in streams.LIVE_SCHEMES or not length_s)
        super().__init__(
            name,
            live=live,
            frame_rate=float(rate) if rate else None,
            # Phones film sideways and say so frame by frame: only the first one tells.
            size=None,
            length=None if live else frames,
        )

    def _open(self, name: str) -> None:
        try:
            self._container = streams.open_video(name, self._timeout)
            if not self._container.streams.video:
                self.close()
                raise SourceError(f"{name}: it holds no video; name a file that does")
        except (av.error.FFmpegError, OSError) as error:
            if "://" in name:
                raise SourceError(
                    f"{name}: the stream does not open ({streams.reason(error)}); check the "
                    "address, the network and the password, for instance with `ffplay`"
                ) from error
            raise SourceError(
                f"{name}: neither a picture nor a video that can be read "
                f"({streams.reason(error)}); it is damaged, cut short or of another kind: try a "
                "player, or record it again"
            ) from error
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"

    def _pictures(self) -> Iterator[Picture]:
        if self._container is None:
            self._open(self.name)
        first: float | None = None
        last, number = 0.0, -1
        for frame in self._frames():
            number += 1
            if frame is None or frame.is_corrupt:
                self.skipped += 1
                continue
            try:
                image = frame.to_ndarray(format="rgb24")
            except (av.error.FFmpegError, ValueError):
                self.skipped += 1
                continue
            if frame.rotation % 360:
                image = np.ascontiguousarray(np.rot90(image, frame.rotation // 90))
            if frame.time is None:  # raw streams have no times
                now = last + 1 / (self.frame_rate or 25.0) if first is not None else 0.0
            else:
                now = frame.time
            first = now if first is None else first
            last = now
            yield Picture(now - first, image, str(number))

    def _frames(self) -> Iterator[Any]:
        """Frames as they decode, None for each packet that does not."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.error.FFmpegError, OSError) as error:
                if self.live:
                    raise SourceError(
                        f"{self.name}: the stream broke off ({streams.reason(error)}); check the "
                        "link and start again"
                    ) from error
                yield None  # what is left of a damaged file cannot even be taken apart
                return
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                yield None
                continue
            yield from frames

    def close(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None


class _Camera(Source):
    """A camera of this computer, by OpenCV; times count from its opening."""

    def __init__(self, name: str) -> None:
        self._device = cv2.VideoCapture(int(name) if name.isdigit() else name)
        if not self._device.isOpened():
            self._device.release()
            raise SourceError(
                f"camera {name}: it does not open; check that it is plugged in, that no other "
                "program holds it and that you may read it (Linux: the group `video`)"
            )
        self._device.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest picture, not the oldest
        self._start = time.monotonic()
        rate = self._device.get(cv2.CAP_PROP_FPS)
        size = (
            int(self._device.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(self._device.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        super().__init__(
            f"camera {name}",
            live=True,
            frame_rate=rate if rate > 0 else None,
            size=size if min(size) > 0 else None,
        )

    def _pictures(self) -> Iterator[Picture]:
        misses = number = 0
        while self._device.isOpened():
            good, image = self._device.read()
            now = time.monotonic() - self._start
            if good and image is not None:
                misses = 0
                yield Picture(now, _rgb(image), str(number))
            else:
                self.skipped += 1
                misses += 1
                if misses >= _MISSES:
                    raise SourceError(
                        f"{self.name}: it gave no picture {misses} times in a row; check its "
                        "cable and whether another program took it"
                    )
            number += 1

    def close(self) -> None:
        self._device.release()


def read_image(file: Path) -> NDArray[np.uint8] | None:
    """An image file, turned upright as its EXIF says, RGB uint8; None where it cannot be read."""
    try:
        data = np.frombuffer(file.read_bytes(), np.uint8)  # imread fails at Windows' umlauts
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None
    return None if image is None else _rgb(image)


def _rgb(image: Any) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _is_image(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in IMAGE_ENDINGS


def _present(files: list[Path]) -> list[Path]:
    """The files, all of which exist."""
    if not files:
        raise SourceError("no file is named; name a picture, a folder, a video or a camera")
    for file in files:
        if not file.is_file():
            raise SourceError(
                f"{file}: there is no such file; check the path (it counts from {Path.cwd()})"
            )
    return files


def _natural(files: list[Path]) -> list[Path]:
    """By name, numbers by value: 2 before 10."""

    def key(file: Path) -> list[tuple[int, int, str]]:
        parts = re.split(r"(\d+)", str(file))
        return [(0, int(p), "") if p.isdigit() else (1, 0, p.lower()) for p in parts]

    return sorted(files, key=key)
