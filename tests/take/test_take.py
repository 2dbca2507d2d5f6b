"""Whole takes in the embedded simulator: with pictures, and without."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from mcap.reader import make_reader

import cinempc
from cinempc.app.film.film import TakeResult
from cinempc.app.progress import Progress
from cinempc.record.goals import Goal
from tests.cli.program import PROGRAM
from tests.take.conftest import OPTIONS, write_script

#: Figures that a busy machine changes.
TIMES = ("step_ms", "deadline_misses", "realtime_factor")


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def figures(take: TakeResult) -> Any:
    """All figures but those of time."""

    def timeless(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: timeless(item) for key, item in value.items() if key not in TIMES}
        return [timeless(item) for item in value] if isinstance(value, list) else value

    return timeless({key: take.summary[key] for key in ("overall", "shots", "losses")})


# --- what a take leaves behind ---


def test_a_take_leaves_all_its_files(take: TakeResult) -> None:
    files = take.files
    assert files.footage is not None
    assert files.monitor is not None
    assert files.report is not None
    assert len(pictures(files.footage)) == len(pictures(files.monitor)) == 24
    with files.log.open("rb") as log:
        summary = make_reader(log).get_summary()
    assert summary is not None
    assert summary.statistics.message_start_time == 0
    assert "<html" in files.report.read_text()
    assert sorted(files.written) == sorted(files.folder.iterdir())


def test_the_figures_are_typed_and_in_the_file(take: TakeResult) -> None:
    overall = take.metrics.overall
    assert overall.frames == 24
    assert overall.in_frame_pct == 100
    assert overall.framing_error_pct.rms is not None
    assert overall.framing_error_pct.rms < 3
    assert [shot.name for shot in take.metrics.shots] == ["One"]
    assert json.loads(take.files.metrics.read_text()) == take.summary
    assert take.summary["overall"]["framing_error_pct"]["rms"] == overall.framing_error_pct.rms


def test_the_same_seed_gives_the_same_take(take: TakeResult, script: Path, tmp_path: Path) -> None:
    again = cinempc.film(script, OPTIONS, folder=tmp_path / "again", report=False)
    assert figures(again) == figures(take)
    assert again.files.report is None
    assert take.files.footage is not None
    assert again.files.footage is not None
    assert np.array_equal(pictures(take.files.footage), pictures(again.files.footage))


# --- without pictures ---


def test_without_pictures_the_figures_are_the_same(
    take: TakeResult, script: Path, tmp_path: Path
) -> None:
    blind = cinempc.film(script, OPTIONS, folder=tmp_path / "blind", pictures=False)
    assert figures(blind) == figures(take)
    assert sorted(path.name for path in blind.folder.iterdir()) == ["metrics.json", "take.mcap"]
    assert (blind.files.footage, blind.files.monitor, blind.files.report) == (None, None, None)


def test_by_the_truth_they_are_the_same_too(script: Path, tmp_path: Path) -> None:
    options = cinempc.FilmOptions(perception="truth", standby=0.5)  # type: ignore[arg-type]
    seeing, blind = (
        cinempc.film(script, options, folder=tmp_path / str(shown), pictures=shown, report=False)
        for shown in (True, False)
    )
    assert figures(seeing) == figures(blind)
    assert blind.summary["measured_against"] == "truth"


def test_its_log_holds_all_but_the_pictures(script: Path, tmp_path: Path) -> None:
    take = cinempc.film(script, OPTIONS, folder=tmp_path / "take", pictures=False)
    with take.files.log.open("rb") as log:
        summary = make_reader(log).get_summary()
    assert summary is not None
    counts = {
        channel.topic: summary.statistics.channel_message_counts.get(number, 0)
        for number, channel in summary.channels.items()
    }
    assert counts["/plan"] == counts["/solver"] == 40
    assert counts["/picture"] == counts["/truth"] == 24
    assert counts.get("/camera/image", 0) == 0


def test_seeds_differ(script: Path, tmp_path: Path) -> None:
    one, other = (
        cinempc.film(script, OPTIONS, folder=tmp_path / str(seed), pictures=False, seed=seed)
        for seed in (1, 2)
    )
    assert figures(one) != figures(other)


def test_a_report_is_written_if_it_is_asked_for(script: Path, tmp_path: Path) -> None:
    take = cinempc.film(script, OPTIONS, folder=tmp_path / "take", pictures=False, report=True)
    assert take.files.report is not None
    text = take.files.report.read_text()
    assert "Framing error" in text
    assert "data:image/jpeg" not in text  # there are no stills


def test_no_world_is_built(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even OpenGL is needed."""
    from sim.scenery import world

    monkeypatch.delattr(world, "World")
    take = cinempc.film(script, OPTIONS, folder=tmp_path / "take", pictures=False)
    assert take.metrics.overall.frames == 24


def test_earlier_files_go(script: Path, tmp_path: Path) -> None:
    for name in ("footage.mp4", "monitor.mp4", "report.html"):
        (tmp_path / name).write_text("of an earlier take")
    cinempc.film(script, OPTIONS, folder=tmp_path, pictures=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.json", "take.mcap"]


def test_progress_is_told(script: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    cinempc.film(script, OPTIONS, folder=tmp_path, pictures=False, progress=told.append)
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(4.0, abs=0.1)
    assert {(progress.total, progress.what) for progress in told} == {(4.0, "Short")}


def test_takes_of_one_second_have_folders_of_their_own(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cinempc.app import script as scripts

    class OneSecond(scripts.datetime):  # type: ignore[misc]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(scripts, "datetime", OneSecond)
    monkeypatch.chdir(tmp_path)
    first = cinempc.film(script, OPTIONS, pictures=False)
    second = cinempc.film(script, OPTIONS, pictures=False)
    assert [str(take.folder) for take in (first, second)] == [
        "takes/short-20260102-030405",
        "takes/short-20260102-030405-2",
    ]


# --- stopped ---


def interrupt_at(seconds: float, raises: type[BaseException]) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        if progress.done > seconds:
            raise raises

    return tell


def test_ctrl_c_tells_what_is_kept(script: Path, tmp_path: Path) -> None:
    with pytest.raises(cinempc.Stopped, match="what was filmed until then is in") as caught:
        cinempc.film(
            script, OPTIONS, folder=tmp_path, pictures=False,
            progress=interrupt_at(3.0, KeyboardInterrupt),
        )  # fmt: skip
    assert isinstance(caught.value, KeyboardInterrupt)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["interrupted"] is True
    assert 0 < metrics["overall"]["frames"] < 24


def test_an_error_leaves_the_files_whole(script: Path, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        cinempc.film(
            script, OPTIONS, folder=tmp_path, pictures=False,
            progress=interrupt_at(3.0, ZeroDivisionError),
        )  # fmt: skip
    assert json.loads((tmp_path / "metrics.json").read_text())["interrupted"] is True
    with (tmp_path / "take.mcap").open("rb") as log:
        assert make_reader(log).get_summary() is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_valid_files(number: signal.Signals, tmp_path: Path) -> None:
    """Also where a shell started the program in the background, with SIGINT ignored."""
    folder = tmp_path / "take"
    running = subprocess.Popen(
        [*PROGRAM, "film", write_script(tmp_path, 120), "--out", folder,
         "--perception", "simulated", "--standby", "1"],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    footage = folder / "footage.mp4"

    def until_larger_than(size: int) -> None:
        for _ in range(2400):
            if footage.is_file() and footage.stat().st_size > size:
                return
            assert running.poll() is None
            time.sleep(0.1)
        raise AssertionError("nothing is filmed")

    until_larger_than(20_000)
    os.kill(running.pid, number)
    _, said = running.communicate(timeout=240)
    assert running.returncode == 130, said
    assert f"what was filmed until then is in {folder}" in said
    assert "Traceback" not in said
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["interrupted"] is True
    assert len(pictures(footage)) == metrics["overall"]["frames"] > 0
    with (folder / "take.mcap").open("rb") as log:
        assert make_reader(log).get_summary() is not None
    assert (folder / "report.html").is_file()


# --- the shipped dolly zoom ---


def test_the_shipped_dolly_zoom_is_what_was_asked(tmp_path: Path) -> None:
    overall = cinempc.film("dolly_zoom", folder=tmp_path, pictures=False).summary["overall"]
    for goal in (
        Goal("scale_error_pct.p95", at_most=3),
        Goal("framing_error_pct.rms", at_most=1.5),
        Goal("in_focus_pct", at_least=99),
        Goal("in_frame_pct", at_least=100),
        Goal("constraint_violations.cycles", at_most=0),
    ):
        assert goal.met(overall), f"{goal.metric}: {goal.value(overall)}, {goal}"
    assert overall["focal_length_mm"]["min"] == pytest.approx(35, abs=1.5)
    assert overall["focal_length_mm"]["max"] == pytest.approx(120, abs=1.5)


def test_the_shipped_dolly_zoom_is_filmed_by_what_the_camera_sees(tmp_path: Path) -> None:
    """Nothing but pixels, depth and the drone's own state: detector, identities, filter."""
    script = cinempc.load_script("dolly_zoom")
    # Half as many pictures, half as wide: it sees less, and takes a third of the time.
    small = {"width": 480, "height": 270, "frame_rate": 12}
    picture = script.camera.picture.model_copy(update=small)
    script = replace(script, camera=script.camera.model_copy(update={"picture": picture}))
    overall = cinempc.film(script, folder=tmp_path, report=False).summary["overall"]
    assert overall["framing_error_pct"]["rms"] <= 2.5
    assert overall["scale_error_pct"]["p95"] <= 5
    assert overall["in_focus_pct"] >= 97
    assert overall["in_frame_pct"] == 100
    assert overall["constraint_violations"]["cycles"] == 0
