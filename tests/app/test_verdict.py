"""What becomes of a take's goals, and the exit status that tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cinempc.app.film import film as films
from cinempc.app.film.film import TakeResult
from cinempc.app.metrics import GOALS, NEEDED, TakeMetrics, Verdict
from cinempc.record import metrics
from cinempc.record.recorder import TakeFiles
from cinempc.record.records import CycleRecord, FrameRecord, TargetRecord
from cinempc.rig.events import Shot
from tests.cli.program import invoke

FPS = 24.0
NOWHERE = (0.0, 0.0, 0.0)


def summary(
    framing: float = 0.5, out: int = 0, lost: int = 0, hovering: int = 0, count: int = 96
) -> dict[str, Any]:
    """Of a take of 4 s: its framing error, how many pictures were without the subject, were lost,
    and how many steps hovered."""
    records = []
    for k in range(lost, count):
        target = TargetRecord("hero", "eyes", framing, k >= lost + out, 0.5, None)
        records.append(
            FrameRecord(
                k / FPS, 0, NOWHERE, 0.0, 0.0, 0.0, 35.0, 5.0, 4.0, 4.0, 6.0, targets=(target,)
            )
        )
    cycles = [
        CycleRecord(
            k / 20, 0, 2.0, False, NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE,
            origin="hovering" if k < hovering else "solved",
        )
        for k in range(80)
    ]  # fmt: skip
    shots = (Shot(0, "One", "follow", 0.0, 4.0),)
    return metrics.summarise(shots, records, cycles, coc_mm=0.02, frame_rate=FPS)


@pytest.mark.parametrize(
    ("take", "failed", "missed"),
    [
        (summary(), "", ""),
        (summary(framing=4.0), "", "framing error, rms: 4.00 % of width (≤ 2)"),
        (summary(framing=65.0), "framing error, rms: 65.00 % of width (≤ 15)", "framing"),
        (summary(framing=638.0), "framing error, rms: 638.00 % of width (≤ 15)", "framing"),
        (summary(out=5), "", "in frame: 94.8 % of pictures (≥ 100)"),
        (summary(out=20), "in frame: 79.2 % of pictures (≥ 90)", "in frame"),
        (summary(lost=12), "", "pictures missing, of all: 12.5 % (≤ 1); longest hole"),
        (summary(lost=48), "pictures missing, of all: 50.0 % (≤ 25)", "longest hole"),
        (summary(count=0), "pictures: 0 (≥ 1); pictures missing, of all: 100.0 %", "longest hole"),
        (summary(hovering=60), "hovering for a lost subject: 75 % of the time (≤ 50)", ""),
    ],
)
def test_what_was_not_reached_is_told_in_words(
    take: dict[str, Any], failed: str, missed: str
) -> None:
    verdict = Verdict.of(take)
    assert verdict.had == (not failed)
    assert "; ".join(verdict.failed).startswith(failed)
    assert missed in "; ".join(verdict.missed)
    assert missed or not verdict.missed


def test_every_goal_can_be_told_and_what_is_needed_is_less() -> None:
    worst: dict[str, Any] = {}
    for goal in (*GOALS, *NEEDED):
        *path, last = goal.metric.split(".")
        node = worst
        for part in path:
            node = node.setdefault(part, {})
        node[last] = -1.0 if goal.at_least is not None else 1e6
    verdict = Verdict.of({"overall": worst})
    assert len(verdict.failed) == len(NEEDED)
    assert len(verdict.missed) == len(GOALS)
    strict = {goal.metric: goal for goal in GOALS}
    for goal in NEEDED:
        if (good := strict.get(goal.metric)) is not None:
            assert (good.at_most or 0) <= (goal.at_most or 0)
            assert (good.at_least or 0) >= (goal.at_least or 0)


@pytest.mark.parametrize(
    ("take", "status", "last"),
    [
        (summary(), 0, "metrics.json"),
        (summary(framing=4.0), 0, "goals missed: framing error, rms: 4.00 % of width (≤ 2)"),
        (summary(framing=65.0), 3, "THE PICTURE WAS NOT HAD: framing error, rms: 65.00 % of width"),
    ],
)
def test_the_exit_status_and_the_last_line_say_whether_the_picture_was_had(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, take: dict[str, Any], status: int, last: str
) -> None:
    names = ("footage.mp4", "monitor.mp4", "take.mcap", "metrics.json", "report.html")
    files = TakeFiles(tmp_path, *(tmp_path / name for name in names))
    for name in names[:-1]:  # no report could be written
        (tmp_path / name).touch()
    result = TakeResult(files, TakeMetrics.of(take), take)
    monkeypatch.setattr(films, "film", lambda *arguments, **options: result)
    got, text = invoke("film", "dolly_zoom")
    assert got == status, text
    assert "footage.mp4, monitor.mp4, take.mcap, metrics.json" in text
    assert last in text[-120:]
