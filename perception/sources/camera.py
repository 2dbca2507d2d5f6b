"""A camera of this computer."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2

from cinempc.video.timing import believable
from perception.sources.images import rgb
from perception.sources.source import Source, SourceError, SourceFrame

_MISSES = 30  # frames in a row that a camera may fail to give


class LocalCamera(Source):
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
        rate = believable([self._device.get(cv2.CAP_PROP_FPS)])
        size = (
            int(self._device.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(self._device.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        super().__init__(
            f"camera {name}",
            live=True,
            frame_rate=rate,
            size=size if min(size) > 0 else None,
        )

    def _pictures(self) -> Iterator[SourceFrame]:
        misses = number = 0
        while self._device.isOpened():
            good, image = self._device.read()
            now = time.monotonic() - self._start
            if good and image is not None:
                misses = 0
                yield SourceFrame(now, rgb(image), str(number))
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
        """Let go of it; a second call does nothing."""
        self._device.release()
