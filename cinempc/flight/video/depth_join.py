"""Joins pictures and depth, which come in streams of their own, by when they were taken."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

#: How long a picture waits for its depth, s, and how long at most where more time than that lies
#: between two pictures, as a slow simulator's; how many depths are kept for their pictures.
LATE, _LATEST, _KEPT = 0.2, 1.0, 32
#: Time after the last depth, s, from which none is expected.
_GONE = 2.0

Image = NDArray[np.uint8]
Depth = NDArray[np.float32]
Millimetres = NDArray[np.uint16]


@dataclass(frozen=True)
class Taken:
    """A decoded picture: RGB (h, w, 3); its time, µs since 1970, where it says it; when it
    arrived, monotonic s; and its truth as `cinempc.video.sei.truth` has it."""

    image: Image
    utc: int | None
    arrived: float
    truth: bytes | None


class DepthJoin:
    """Holds each picture back until its depth is there, or is not waited for any more. Safe to be
    called from several threads.

    Args:
        rate: pictures a second: a depth that is half of one or more off is another picture's.
        give: takes each picture in order, and its depth (h, w), m, ``inf`` where there is none.

    Attributes:
        alone: pictures given without depth since there was any.
    """

    def __init__(self, rate: float, give: Callable[[Taken, Depth | None], None]) -> None:
        self._half = 5e5 / rate
        self._give = give
        self._lock = threading.Lock()
        self._pictures: deque[Taken] = deque()
        self._depths: dict[int, Millimetres] = {}
        self._came = -np.inf
        self._arrived = -np.inf  # the last picture
        self._late = LATE
        self.alone = 0

    def picture(self, picture: Taken) -> None:
        """Take in a picture."""
        with self._lock:
            self._late = min(max(picture.arrived - self._arrived, LATE), _LATEST)
            self._arrived = picture.arrived
            self._pictures.append(picture)
            self._hand_on()

    def depth(self, utc: int, depth: Millimetres) -> None:
        """Take in depth (h, w), mm, 0 for none, of any size, taken at a time, µs since 1970."""
        with self._lock:
            self._came = time.monotonic()
            self._depths[utc] = depth
            while len(self._depths) > _KEPT:
                del self._depths[next(iter(self._depths))]  # the one that came first
            self._hand_on()

    def settle(self) -> None:
        """Give what has waited for long enough. To be called often."""
        with self._lock:
            self._hand_on()

    def _hand_on(self) -> None:
        while self._pictures:
            picture = self._pictures[0]
            depth = self._depth_of(picture.utc)
            if depth is None and self._waits(picture):
                return
            self._pictures.popleft()
            if depth is None:
                self.alone += self._came > 0
                self._give(picture, None)
            else:
                self._give(picture, metres(depth, picture.image.shape[:2]))

    def _depth_of(self, utc: int | None) -> Millimetres | None:
        if utc is None or not self._depths:
            return None
        nearest = min(self._depths, key=lambda time: abs(time - utc))
        return self._depths[nearest] if abs(nearest - utc) < self._half else None

    def _waits(self, picture: Taken) -> bool:
        now = time.monotonic()
        if picture.utc is None or now - self._came > _GONE or now - picture.arrived > self._late:
            return False
        # The depth of a later picture has come: this one's was lost.
        return max(self._depths) < picture.utc + self._half


def metres(depth: Millimetres, shape: tuple[int, ...]) -> Depth:
    """Depth, mm, 0 for none, as (h, w), m, ``inf`` for none. Every pixel is the nearest one's: a
    mean over an edge would lie where there is nothing."""
    height, width = shape
    found = np.where(depth > 0, depth / np.float32(1000), np.float32(np.inf))
    return np.asarray(
        cv2.resize(found, (width, height), interpolation=cv2.INTER_NEAREST), np.float32
    )
