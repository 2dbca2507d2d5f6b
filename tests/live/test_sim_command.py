"""`cinempc sim` as a user meets it: the simulated vehicle flown to, its pictures looked at."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cinempc import frames
from cinempc.cli import main as cli
from cinempc.flight.config import Flight
from cinempc.flight.rig import FlightRig
from cinempc.flight.video.eye import VideoEye
from cinempc.rig import camera as cameras
from cinempc.rig import vehicle as vehicles
from cinempc.safety import limits as safety
from tests.live.network import ROOT, free_instance
from tests.live.processes import start
from tests.live.stage import PATIENCE, small_camera, until


@contextlib.contextmanager
def running(*command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`cinempc`, once it has said that it runs; what it has said."""
    process = start(
        [sys.executable, "-m", "cinempc", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "300", "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Ctrl-C; the status, and what it said on stderr."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    return process.returncode, said


def said(*command: str) -> tuple[int, str]:
    """A command of which only the options are looked at: its status, and what it said."""
    done = CliRunner().invoke(cli.app, command, env={"COLUMNS": "200", "TERM": "dumb"})
    return done.exit_code, " ".join(done.output.split())


@pytest.mark.parametrize("kind", ["vehicle", "payload"])
def test_it_has_help_with_an_example(kind):
    status, text = said("sim", kind, "--help")
    assert status == 0
    assert f"Example: cinempc sim {kind} --script dolly_zoom" in text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--size", "wide"), "640x360"),
        (("--size", "961x541"), "even"),
        (("--size", "640x480"), "shape"),
        (("--stream-to", "host:port", "--script", "dolly_zoom"), "HOST:PORT"),
        (("--at", "here"), "10,-4"),
    ],
)
def test_a_wrong_option_is_status_2(options, told):
    status, text = said("sim", "vehicle", *options)
    assert status == 2
    assert told in text


def test_without_pictures_it_is_faster_than_real_time_and_ctrl_c_ends_it():
    instance = free_instance()
    command = ["sim", "vehicle", "--script", "dolly_zoom", "--speed", "20", "--no-pictures"]
    with running(*command, "--instance", str(instance)) as (process, said):
        assert f"udpin:127.0.0.1:{14540 + instance}" in said
        assert "RTP" not in said
        config = Flight(name="test", connection=f"udpin:127.0.0.1:{14540 + instance}")
        with rig_of(config) as rig:
            assert rig.abilities.video is rig.abilities.depth is None
            used, began = processor_time(process.pid), rig.report.state.time
            until(lambda: rig.report.state.time > began + 20.0)
            # By processor time: the machine may be busy with other things.
            rate = (rig.report.state.time - began) / (processor_time(process.pid) - used)
        assert rate > 1.2
        status, errors = interrupted(process)
    assert status == 130
    assert "Traceback" not in errors


def test_its_camera_streams_the_scene_of_the_script():
    instance = free_instance()
    # Few and small pictures: a busy machine takes long for each, and simulated time waits.
    command = ["sim", "vehicle", "--script", "dolly_zoom", "--size", "320x180"]
    command += ["--frame-rate", "5"]
    with running(*command, "--instance", str(instance)) as (process, said):
        assert f"RTP to 127.0.0.1:{5600 + instance}" in said
        config = Flight(name="test", connection=f"udpin:127.0.0.1:{14540 + instance}")
        found = []
        with rig_of(config) as rig:
            assert rig.abilities.video == f"rtp://0.0.0.0:{5600 + instance}"
            assert rig.abilities.depth == f"tcp://127.0.0.1:{5700 + instance}"
            with VideoEye(
                rig.abilities.video,
                rig.abilities.depth,
                small_camera(rate=5.0),
                at=rig.at,
                utc=lambda: rig.report.utc,
                now=rig.now,
            ) as eye:

                def enough() -> bool:
                    frame = eye.frame()
                    if frame is not None and frame.depth is not None:
                        found.append((frame, eye.truth(frame.time)))
                    return len(found) >= 6

                until(enough)
        status, errors = interrupted(process)
    assert status == 130
    assert "Traceback" not in errors
    gaps = np.diff([frame.time for frame, _ in found])
    assert gaps / gaps.min() == pytest.approx(np.round(gaps / gaps.min()), abs=0.1)
    for frame, truth in found:
        # On the mark, nose towards the hero, as the vehicle reports and as it truly is.
        assert frame.pose.position == pytest.approx(truth.pose.position, abs=0.3)
        assert frames.wrap_angle(frame.pose.yaw - truth.pose.yaw) == pytest.approx(0, abs=0.02)
        hero = truth.actors["hero"].point("centre") - truth.pose.position
        turn = frames.camera_rotation(truth.pose.yaw, truth.pose.pitch, truth.pose.roll)
        x, y, z = turn.T @ hero
        focal = frame.lens.focal_length_mm / frame.sensor_mm[0] * 320
        column, row = round(160 + focal * x / z), round(90 + focal * y / z)
        assert 150 < column < 170
        # Her body is where the picture, the depth and the truth say.
        assert frame.depth[row, column] == pytest.approx(z, rel=0.12)


@contextlib.contextmanager
def rig_of(config: Flight) -> Iterator[FlightRig]:
    model, limits = vehicles.load("x500_cinema"), safety.load("default")
    with FlightRig(config, model, cameras.load("super35_zoom"), limits) as rig:
        yield rig


def processor_time(pid: int) -> float:
    """Seconds that a process has used of the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
