"""What a source of pictures is, and its error. One way to read all.

Times are seconds; a file's count from its own first frame, a camera's from its opening.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cinempc.errors import CinempcError


class SourceError(CinempcError):
    """Pictures that cannot be had: a missing file, an unplugged camera, a silent stream."""


@dataclass(frozen=True)
class SourceFrame:
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

    def __iter__(self) -> Iterator[SourceFrame]:
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

    def _pictures(self) -> Iterator[SourceFrame]:
        raise NotImplementedError
