"""What a flight's log says of the camera's pictures."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from cinempc.app import fly
from cinempc.app.progress import ignore
from cinempc.take.loop import TakePhase


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ({}, "pictures while it rolled: 72 given"),
        ({"dropped": 3, "lost": 1}, "pictures while it rolled: 3 dropped, 72 given, 1 lost"),
    ],
)
def test_pictures_that_nobody_looked_at_before_the_take_are_no_loss(
    caplog: pytest.LogCaptureFixture, lost: dict[str, int], said: str
) -> None:
    """On the ground and while the controller is made most are dropped: 80 to 137 of them."""
    caplog.set_level("INFO", "cinempc")
    eye = SimpleNamespace(counts=Counter(given=40, dropped=120))
    rig: Any = SimpleNamespace(now=lambda: 0.0, report=SimpleNamespace(timing=None))
    report = fly._PhaseReport(rig, eye, 3.0, ignore)  # type: ignore[arg-type]
    take: Any = SimpleNamespace(phase=TakePhase.APPROACHING, rolls=0.0, off_mark=())
    report.step(take, 1.0)
    eye.counts = eye.counts + Counter(given=5, dropped=17)
    take.phase = TakePhase.ROLLING
    report.step(take, 2.0)
    eye.counts = eye.counts + Counter(given=72, **lost)
    report.step(take, 5.0)
    fly._log_figures(rig, eye.counts - report.counts)
    assert caplog.messages[-1] == said
