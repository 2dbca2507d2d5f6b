"""Stills of a take: JPEG pictures for the log and the report, and a choice of them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cinempc.record.records import FrameRecord

#: Quality of pictures as JPEG, 0..100.
JPEG_QUALITY = 85


def jpeg(image: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """An RGB picture as JPEG."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    fine, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not fine:
        raise ValueError(f"no JPEG can be made of a picture of shape {image.shape}")
    return bytes(data)


@dataclass(frozen=True)
class Still:
    """A picture kept for the report, as JPEG, with the record of its frame."""

    jpeg: bytes
    record: FrameRecord


class StillKeeper:
    """Keeps pictures spread evenly over a take of unknown length.

    It takes a picture every so often, and when it holds too many it drops every other one and
    takes half as often: never more than ``8 count``, and every kept one is within an interval of
    where it should be.
    """

    def __init__(self, count: int, width: int = 640, quality: int = 84) -> None:
        self._count = count
        self._width = width
        self._quality = quality
        self._step = 1
        self._seen = 0
        self._kept: list[Still] = []

    def offer(self, image: NDArray[np.uint8], record: FrameRecord) -> None:
        """Show the keeper a picture."""
        if self._count > 0 and self._seen % self._step == 0:
            self._kept.append(Still(jpeg(self._small(image), self._quality), record))
            if len(self._kept) > 8 * self._count:
                self._kept = self._kept[::2]
                self._step *= 2
        self._seen += 1

    def chosen(self) -> list[Still]:
        """The pictures for the report, the first and the last among them."""
        if len(self._kept) <= self._count:
            return list(self._kept)
        pick = np.linspace(0, len(self._kept) - 1, self._count).round().astype(int)
        return [self._kept[i] for i in pick]

    def _small(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        if width <= self._width:
            return image
        size = (self._width, max(1, round(height * self._width / width)))
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
