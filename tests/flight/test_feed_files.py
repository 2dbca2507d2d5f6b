"""What a camera's eye reads of a file: the right stream, upright, square, at its own pace."""

from __future__ import annotations

import threading
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from cinempc.flight.video import feed
from tests.video.films import corners, film, quarters, song


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times at which pictures were due, instead of waiting for them; the clock stands."""
    due: list[float] = []
    monkeypatch.setattr(feed.time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(threading.Event, "wait", lambda event, timeout=None: due.append(timeout))
    return due


def taken(path: Path) -> list[np.ndarray]:
    """The pictures that a feed makes of a file's frames."""
    reader = feed.Feed.__new__(feed.Feed)
    pictures: list[np.ndarray] = []
    reader.counts, reader._silent = Counter(), False

    class Join:
        def picture(self, picture):
            pictures.append(picture.image)

    reader._join = Join()
    for decoded, arrived in feed._frames(str(path), threading.Event(), Counter()):
        reader._take(decoded, arrived)
    return pictures


def test_the_film_upright_and_square_and_not_its_cover(tmp_path, waits):
    path = film(
        tmp_path / "a.mp4", [quarters(96, 72)] * 3, cover=True, aspect=Fraction(4, 3),
        turn=(90, True, False),
    )  # fmt: skip
    pictures = taken(path)
    assert [image.shape for image in pictures] == [(128, 72, 3)] * 3
    assert [corners(image) for image in pictures] == [["black", "green", "blue", "red"]] * 3


def test_its_pace_is_that_of_its_stamps_and_goes_on_where_it_was_joined(tmp_path, waits):
    times = [k / 10 for k in range(9)]
    one = film(tmp_path / "1.ts", [quarters()] * 9, times, rate=10)
    other = film(tmp_path / "2.ts", [quarters()] * 9, [t + 70 for t in times], rate=10)
    (tmp_path / "a.ts").write_bytes(other.read_bytes() + one.read_bytes())
    # The packets at the seam count as damaged.
    assert len(taken(tmp_path / "a.ts")) >= 16
    steps = np.diff(waits)
    assert steps.min() > 0.03
    assert steps.max() < 0.35
    assert waits[-1] - waits[0] == pytest.approx(1.6, abs=0.2)


def test_sound_alone_is_said(tmp_path, waits):
    with pytest.raises(ValueError, match="only audio"):
        taken(song(tmp_path / "a.m4a", cover=True))
