"""Image files, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.sources.source import Source, SourceFrame

#: What a folder is searched for; others are taken as videos.
IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".ppm", ".pgm", ".jp2",
)  # fmt: skip


class Images(Source):
    """Image files as frames at a fixed rate, 1/s."""

    def __init__(self, files: Sequence[Path], name: str, rate: float) -> None:
        super().__init__(name, frame_rate=rate, length=len(files))
        self._files = files
        self._rate = rate

    def _pictures(self) -> Iterator[SourceFrame]:
        for i, file in enumerate(self._files):
            image = read_image(file)
            if image is None:
                self.skipped += 1
            else:
                yield SourceFrame(i / self._rate, image, file.name)


def read_image(file: Path) -> NDArray[np.uint8] | None:
    """An image file, turned upright as its EXIF says, RGB uint8; None where it cannot be read."""
    try:
        data = np.frombuffer(file.read_bytes(), np.uint8)  # imread fails at Windows' umlauts
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None
    return None if image is None else rgb(image)


def rgb(image: Any) -> NDArray[np.uint8]:
    """An image as OpenCV reads it, blue first, as RGB."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def is_image(path: Path) -> bool:
    """Whether it is a file that a folder of images is searched for."""
    return path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES
