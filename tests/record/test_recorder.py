from __future__ import annotations

import json
import re
from dataclasses import replace

import av
import numpy as np
import pytest
from mcap.reader import make_reader

from cinempc.record import report
from cinempc.record.goals import Goal
from cinempc.record.recorder import Recorder
from cinempc.record.records import measure_frame
from cinempc.record.stills import StillKeeper

GOALS = (
    Goal("framing_error_pct.rms", at_most=100.0),
    Goal("in_focus_pct", at_least=99.0),
    Goal("deadline_misses", at_most=0),
)


def film(take, folder, events, **options):
    recorder = Recorder(folder, take.camera, take.fps, take.shots, **options)
    with recorder:
        for event in events:
            if hasattr(event, "frame"):
                recorder.frame(event)
            else:
                recorder.cycle(event)
    return recorder


def pictures(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return len(frames), stream.average_rate, (stream.width, stream.height)


def test_a_take_leaves_valid_files(take, tmp_path):
    recorder = film(
        take,
        tmp_path / "one",
        take.events(),
        monitor=True,
        script_text="name: <Dolly> & zoom\n",
        seed=7,
        about={"vehicle": "x500"},
        goals=GOALS,
        deadline_ms=50.0,
    )
    files = recorder.files
    assert pictures(files.footage) == (24, 24, (160, 90))
    assert pictures(files.monitor) == (24, 24, (160, 90))
    with files.log.open("rb") as stream:
        assert make_reader(stream).get_summary().statistics.message_count > 100
    found = json.loads(files.metrics.read_text())
    assert found == recorder.summary
    assert found["take"]["seed"] == 7
    assert not found["interrupted"]
    assert [shot["frames"] for shot in found["shots"]] == [12, 12]
    assert found["overall"]["in_focus_pct"] == 100.0
    assert found["overall"]["realtime_factor"] > 0

    page = files.report.read_text()
    for part in ("Framing error", "Shot scale", "Depth of field", "Flight from above", "Solve"):
        assert part in page
    assert "name: &lt;Dolly&gt; &amp; zoom" in page
    assert page.count("data:image/jpeg;base64,") == 8
    assert page.count("<svg") == 9  # all but the violations, of which there were none
    assert "All 3 goals are met." in page
    assert "Push in" in page
    rest = re.sub(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=\s]+", "", page)
    assert not re.search(r"https?:|//[a-z]|@import|<script|<link", rest)
    ids = re.findall(r'\bid="([^"]+)"', page)
    for reference in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page):
        assert "".join(reference) in ids


@pytest.mark.slow
def test_ctrl_c_leaves_valid_files(take, tmp_path):
    def until_interrupted():
        for i, event in enumerate(take.events()):
            if i == 15:
                raise KeyboardInterrupt
            yield event

    with pytest.raises(KeyboardInterrupt):
        film(take, tmp_path / "one", until_interrupted(), monitor=True)
    folder = tmp_path / "one"
    count, _, _ = pictures(folder / "footage.mp4")
    assert count == 8
    assert pictures(folder / "monitor.mp4")[0] == 8
    with (folder / "take.mcap").open("rb") as stream:
        assert make_reader(stream).get_summary().statistics.message_count > 20
    found = json.loads((folder / "metrics.json").read_text())
    assert found["interrupted"]
    assert found["shots"][1]["frames"] == 0
    assert found["shots"][1]["framing_error_pct"] == {"rms": None, "p95": None}
    assert "was interrupted" in (folder / "report.html").read_text()


def test_a_take_without_a_picture_leaves_valid_files(take, tmp_path):
    recorder = film(take, tmp_path, [])
    assert json.loads(recorder.files.metrics.read_text())["overall"]["frames"] == 0
    assert "<h1>" in recorder.files.report.read_text()
    assert recorder.files.monitor is None


@pytest.fixture
def no_plots(monkeypatch):
    """For tests of other things: plots are most of a short take's time."""
    monkeypatch.setattr(report, "draw_all", lambda take: {})


def test_without_truth_the_report_says_so(take, tmp_path, no_plots):
    events = [take.cycle(0.0), take.frame(0.0, truth=False), take.frame(1 / 24, truth=False)]
    recorder = film(take, tmp_path, events)
    assert recorder.summary["measured_against"] == "estimates"
    assert "own estimates" in recorder.files.report.read_text()


def test_an_older_take_in_the_folder_is_replaced(take, tmp_path, no_plots):
    film(take, tmp_path, take.events(0.2), monitor=True, name="the older one")
    recorder = film(take, tmp_path, take.events(0.1))
    assert "the older one" not in recorder.files.report.read_text()
    assert not (tmp_path / "monitor.mp4").exists()
    assert pictures(recorder.files.footage)[0] == 2


@pytest.mark.slow
def test_violations_and_names_with_dollars_are_shown(take, tmp_path):
    events = [take.cycle(0.05 * i, {"min_distance": 0.2}) for i in range(4)]
    events += [take.frame(0.05 * i) for i in range(4)]
    recorder = film(take, tmp_path, events, name="$money$ shot")
    assert recorder.summary["overall"]["constraint_violations"]["worst"] == {"min_distance": 0.2}
    assert 'id="violations"' in recorder.files.report.read_text()


@pytest.mark.parametrize("count", [1, 5, 8, 63, 64, 65, 1000])
def test_stills_are_few_and_spread_over_the_take(take, count):
    keeper = StillKeeper(8)
    image = np.zeros((9, 16, 3), np.uint8)
    record = measure_frame(take.frame(0.0), 0.03)
    for i in range(count):
        keeper.offer(image, replace(record, time=float(i)))
    times = [still.record.time for still in keeper.chosen()]
    assert len(times) == min(count, 8)
    assert times[0] == 0
    if count > 8:
        assert times[-1] >= 0.95 * (count - 1)
        assert np.ptp(np.diff(times)) <= 0.05 * count + 2
    assert len(keeper._kept) <= 64
