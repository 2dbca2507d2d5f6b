"""Whole takes in the embedded simulator. The short ones film a few small pictures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from mcap.reader import make_reader

from cinempc import configs

SCRIPT = """\
name: Short
camera: {camera}
vehicle: x500_cinema
scene: plaza
subjects:
  hero: {{actor: hero, height: 1.72 m}}
shots:
  - name: One
    duration: {duration} s
    move: {{kind: follow}}
    framing: {{subject: hero, scale: LS, side: front}}
"""

CAMERA = """\
name: Small
sensor: {width: 24.89 mm, height: 14.00 mm, circle_of_confusion: 0.025 mm}
focal_length: {min: 24 mm, max: 120 mm, rate: 40 mm/s}
focus: {closest: 0.9 m, rate: 0.6 dioptre/s}
aperture: {min: f/2.8, max: f/22, rate: 3 stop/s}
picture: {width: 320, height: 180, frame_rate: 12 fps}
"""


def cinempc(*arguments: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cinempc.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=900,  # the machine may be busy
        **kwargs,  # type: ignore[call-overload]
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(CAMERA)
    path = tmp_path / "short.yaml"
    path.write_text(SCRIPT.format(camera="small.yaml", duration=2))
    return path


def film(script: Path, folder: Path, *options: str) -> dict:
    # A picture of 320 px is for a quick test, not for a detector.
    done = cinempc(
        "film", str(script), "--out", str(folder), "--standby", "2", "--perception", "simulated",
        *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.slow
def test_a_take_leaves_all_its_files(script: Path, tmp_path: Path) -> None:
    folder = tmp_path / "take"
    metrics = film(script, folder, "--monitor", "--seed", "7")
    for name in ("footage.mp4", "monitor.mp4"):
        with av.open(str(folder / name)) as film_file:
            pictures = sum(1 for _ in film_file.decode(video=0))
        assert pictures == 24
    with (folder / "take.mcap").open("rb") as log:
        summary = make_reader(log).get_summary()
    assert summary is not None
    assert summary.statistics.message_start_time == 0
    assert "<html" in (folder / "report.html").read_text()
    overall = metrics["overall"]
    assert overall["frames"] == 24
    assert overall["in_frame_pct"] == 100
    assert overall["framing_error_pct"]["rms"] < 3


@pytest.mark.slow
def test_the_same_seed_gives_the_same_take(script: Path, tmp_path: Path) -> None:
    def picture(seed: str, name: str) -> tuple[dict, np.ndarray]:
        overall = film(script, tmp_path / name, "--seed", seed)["overall"]
        with av.open(str(tmp_path / name / "footage.mp4")) as film_file:
            *_, last = film_file.decode(video=0)
        return overall["framing_error_pct"], last.to_ndarray(format="rgb24")

    (first, image), (again, same) = picture("1", "a"), picture("1", "b")
    other, _ = picture("2", "c")
    assert first == again
    assert np.array_equal(image, same)
    assert first != other


@pytest.mark.slow
def test_ctrl_c_leaves_valid_files(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(CAMERA)
    script = tmp_path / "long.yaml"
    script.write_text(SCRIPT.format(camera="small.yaml", duration=120))
    folder = tmp_path / "take"
    running = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "cinempc.cli",
            "film",
            str(script),
            "--out",
            str(folder),
            "--perception",
            "simulated",
        ],
        stderr=subprocess.PIPE,
        # A test run in the background ignores Ctrl-C, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    footage = folder / "footage.mp4"
    for _ in range(600):
        if footage.is_file() and footage.stat().st_size > 20_000:
            break
        assert running.poll() is None
        time.sleep(0.1)
    os.kill(running.pid, signal.SIGINT)
    running.communicate(timeout=120)
    assert running.returncode == 130
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["interrupted"] is True
    with av.open(str(footage)) as film_file:
        assert sum(1 for _ in film_file.decode(video=0)) == metrics["overall"]["frames"] > 0
    with (folder / "take.mcap").open("rb") as log:
        assert make_reader(log).get_summary() is not None
    assert (folder / "report.html").is_file()


@pytest.mark.slow
def test_the_shipped_dolly_zoom_is_what_was_asked(tmp_path: Path) -> None:
    """Fewer and smaller pictures do: what is simulated looks at none of them."""
    text = configs.find("cameras", "super35_zoom").read_text(encoding="utf-8")
    text += "picture: {width: 320, height: 180, frame_rate: 12 fps}\n"
    (tmp_path / "small.yaml").write_text(text)
    text = configs.find("scripts", "dolly_zoom").read_text(encoding="utf-8")
    script = tmp_path / "script.yaml"
    script.write_text(text.replace("camera: super35_zoom", "camera: small.yaml"))
    overall = film(script, tmp_path / "take", "--standby", "3")["overall"]
    assert overall["scale_error_pct"]["p95"] <= 3
    assert overall["framing_error_pct"]["rms"] <= 1.5
    assert overall["in_focus_pct"] >= 99
    assert overall["in_frame_pct"] == 100
    assert overall["constraint_violations"]["cycles"] == 0
    assert overall["focal_length_mm"]["min"] == pytest.approx(35, abs=1.5)
    assert overall["focal_length_mm"]["max"] == pytest.approx(120, abs=1.5)


@pytest.mark.slow
def test_the_shipped_dolly_zoom_is_filmed_by_what_the_camera_sees(tmp_path: Path) -> None:
    """Nothing but pixels, depth and the drone's own state: detector, identities, filter."""
    folder = tmp_path / "take"
    done = cinempc("film", "dolly_zoom", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    overall = json.loads((folder / "metrics.json").read_text())["overall"]
    assert overall["framing_error_pct"]["rms"] <= 2.5
    assert overall["scale_error_pct"]["p95"] <= 5
    assert overall["in_focus_pct"] >= 97
    assert overall["in_frame_pct"] == 100
    assert overall["constraint_violations"]["cycles"] == 0
