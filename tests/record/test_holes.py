"""Pictures that are missing, and the longest time without one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.record import metrics
from cinempc.record.holes import frame_period, holes
from cinempc.record.records import FrameRecord
from cinempc.rig.events import Shot

FPS = 24.0


def record(time: float) -> FrameRecord:
    return FrameRecord(
        time, int(time >= 2.0), (0.0, 0.0, 0.0), 0.0, 0.0, 0.0, 35.0, 5.0, 4.0, 4.0, 6.0
    )


@given(
    st.sets(st.integers(0, 95), max_size=60),
    st.floats(-0.2, 0.2),
    st.integers(0, 2**32 - 1),
)
def test_what_is_taken_out_is_what_is_missing(lost: set[int], shift: float, seed: int) -> None:
    """Wherever in its period the first picture falls, and however the exposures jitter."""
    jitter = np.random.default_rng(seed).uniform(-0.02, 0.02, 96)
    times = [
        (k + 0.25 + shift + jitter[k]) / FPS for k in range(96) if k not in lost
    ]  # of a take of 4 s
    found = holes(times, 0.0, 4.0, 1 / FPS)
    assert found["frames_missing"] == len(lost)
    assert found["frames_missing_pct"] == pytest.approx(100 * len(lost) / 96)
    runs = longest_run(lost)
    assert found["longest_hole_s"] == pytest.approx(runs / FPS, abs=0.8 / FPS)


def longest_run(numbers: set[int]) -> int:
    longest = run = 0
    for number in range(97):
        run = run + 1 if number in numbers else 0
        longest = max(longest, run)
    return longest


def test_a_hole_of_half_a_second_is_told_for_the_take_and_its_shot() -> None:
    shots = (Shot(0, "one", "hold", 0.0, 2.0), Shot(1, "two", "hold", 2.0, 4.0))
    records = [record(k / FPS) for k in range(96) if not 30 <= k < 42]
    found = metrics.summarise(shots, records, [], coc_mm=0.02, frame_rate=FPS)
    overall = found["overall"]
    assert overall["frames_missing"] == 12
    assert overall["frames_missing_pct"] == pytest.approx(12.5)
    assert overall["longest_hole_s"] == pytest.approx(0.5)
    assert [shot["frames_missing"] for shot in found["shots"]] == [12, 0]
    assert found["shots"][1]["longest_hole_s"] == 0.0


def test_pictures_that_end_too_soon_are_missing_unless_the_take_did() -> None:
    shots = (Shot(0, "one", "hold", 0.0, 2.0), Shot(1, "two", "hold", 2.0, 4.0))
    records = [record(k / FPS) for k in range(24)]
    found = metrics.summarise(shots, records, [], coc_mm=0.02, frame_rate=FPS)
    assert found["overall"]["frames_missing"] == 72
    assert [shot["frames_missing"] for shot in found["shots"]] == [24, 48]
    found = metrics.summarise(shots, records, [], coc_mm=0.02, frame_rate=FPS, interrupted=True)
    assert found["overall"]["frames_missing"] == 0
    assert [shot["frames_missing"] for shot in found["shots"]] == [0, 0]


def test_a_slow_camera_lacks_nothing_of_its_own_rhythm() -> None:
    """A simulated camera at 12 pictures a second, in a film of 24."""
    times = [k / 12 for k in range(48)]
    assert frame_period(times, FPS) == pytest.approx(1 / 12)
    assert holes(times, 0.0, 4.0, 1 / 12)["frames_missing"] == 0
    assert frame_period([], FPS) == pytest.approx(1 / FPS)
    assert frame_period(times, None) is None


def test_of_a_film_without_a_picture_all_is_missing() -> None:
    found = holes([], 0.0, 4.0, 1 / FPS)
    assert found["frames_missing"] == 96
    assert found["frames_missing_pct"] == 100.0
    assert holes([], 0.0, math.inf, 1 / FPS)["frames_missing_pct"] is None
