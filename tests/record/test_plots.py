"""The report's plots: those there are, and one more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cinempc.record import plots as package
from cinempc.record.plots import registry
from cinempc.record.plots.data import TakeData
from cinempc.record.records import measure_cycle, measure_frame
from cinempc.rig.events import CycleEvent

SPEED = """
import math
from cinempc.record.plots.axes import finish, timeline
from cinempc.record.plots.registry import plot

@plot("speed", order=75, title="Speed", meaning="Of the vehicle.")
def speed(take):
    axes = timeline(2.0, "m/s")
    axes.plot([c.time for c in take.cycles], [math.hypot(*c.velocity) for c in take.cycles])
    finish(axes, take)
    return axes
"""


def data_of(take) -> TakeData:
    events = list(take.events())
    coc_mm = take.camera.sensor.circle_of_confusion
    frames = [measure_frame(e, coc_mm) for e in events if not isinstance(e, CycleEvent)]
    cycles = [measure_cycle(e) for e in events if isinstance(e, CycleEvent)]
    return TakeData(take.shots, frames, cycles, coc_mm)


@pytest.mark.slow
def test_plots_that_apply_come_in_the_pages_order(take):
    known = [
        "framing", "scale", "depth_of_field", "blur", "lens", "path", "height", "motion",
        "solve_times",
    ]  # fmt: skip
    assert [name for name in registry.draw_all(data_of(take)) if name in known] == known


def test_a_new_plot_is_one_file(take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "speed_plots.py").write_text(SPEED)
    before = registry.plots()
    monkeypatch.setattr(registry, "PLOTS", {one.name: one for one in before})
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    try:
        found = registry.plots()
    finally:
        sys.modules.pop("cinempc.record.plots.speed_plots", None)
    names = [one.name for one in found]
    assert names.index("height") < names.index("speed") < names.index("motion")
    (speed,) = (one for one in found if one.name == "speed")
    monkeypatch.setattr(registry, "plots", lambda: [speed])
    drawn = registry.draw_all(data_of(take))
    assert list(drawn) == ["speed"]
    assert drawn["speed"].startswith("<svg")
    assert "m/s" in drawn["speed"]
