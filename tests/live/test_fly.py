"""`cinempc fly` as its user runs it, against `cinempc sim vehicle`: two programs and UDP."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from cinempc.mavlink.dialect import mavlink, mavutil
from cinempc.mavlink.px4 import Mode, mode_of
from tests.live.network import ROOT, free_instance
from tests.live.processes import start

SCRIPT = """\
name: Short
camera: super35_zoom
vehicle: x500_cinema
scene: plaza
subjects:
  hero: {actor: hero, look: person in red, height: 1.72 m}
shots:
  - name: One
    duration: 3 s
    move: {kind: follow}
    framing: {subject: hero, scale: LS, side: front}
"""
#: Until something has happened, s: software rendering on a loaded machine is slow.
PATIENCE = 240.0


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "cinempc", *map(str, arguments)]


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("script") / "short.yaml"
    path.write_text(SCRIPT)
    return path


@pytest.fixture(scope="module")
def endless(script: Path) -> Path:
    """The same, and so long that it is interrupted first."""
    path = script.with_name("endless.yaml")
    path.write_text(SCRIPT.replace("duration: 3 s", "duration: 300 s"))
    return path


@pytest.fixture(scope="module")
def instance(script: Path) -> Iterator[int]:
    """A simulated vehicle with its world, small and coarse, and its instance."""
    number = free_instance()
    process = start(
        command(
            "sim", "vehicle", "--script", script, "--instance", number, "--speed", 1.5,
            "--size", "192x108", "--frame-rate", 6,
        ),
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert "udpin" in process.stdout.readline()  # it runs: a flight waits 10 s to hear it
        yield number
    finally:
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(30) == 130
        finally:
            process.kill()


class Flight:
    """A run of `cinempc fly`."""

    def __init__(self, instance: int, script: Path, folder: Path, *options: str) -> None:
        self.folder = folder
        self.process = start(
            command(
                "fly", script, "--connection", f"udpin:127.0.0.1:{14540 + instance}",
                "--perception", "truth", "--standby", 1, "--out", folder, *options,
            ),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    @property
    def log(self) -> str:
        path = self.folder / "flight.log"
        return path.read_text() if path.exists() else ""

    def until(self, words: str) -> None:
        until(lambda: words in self.log or self.process.poll() is not None)
        assert words in self.log, self.log

    def end(self) -> tuple[int, str]:
        errors = self.process.communicate(timeout=PATIENCE)[1]
        return self.process.returncode, errors


def until(done: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)


class Pilot:
    """A ground station on its own link."""

    def __init__(self, instance: int) -> None:
        self.system = instance + 1
        self.connection = mavutil.mavlink_connection(
            f"udpout:127.0.0.1:{18570 + instance}", source_system=255
        )

    def beat(self) -> None:
        self.connection.mav.heartbeat_send(
            mavlink.MAV_TYPE_GCS, mavlink.MAV_AUTOPILOT_INVALID, 0, 0, 0
        )

    def mode(self) -> Mode:
        """The vehicle's."""
        return mode_of(self.heartbeat().custom_mode)

    def heartbeat(self) -> Any:
        """The vehicle's next."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.beat()
            while self.connection.recv_match(blocking=False) is not None:
                pass  # what has waited is old
            found = self.connection.recv_match(type="HEARTBEAT", blocking=True, timeout=2.0)
            if found is not None and found.get_srcComponent() == 1:
                return found
        raise AssertionError("no heartbeat")

    def choose(self, mode: Mode) -> None:
        self.connection.mav.command_long_send(
            self.system, 1, mavlink.MAV_CMD_DO_SET_MODE, 0, 1, *mode.value, 0, 0, 0, 0
        )


def pictures(path: Path) -> int:
    with av.open(str(path)) as film:
        return sum(1 for _ in film.decode(video=0))


def test_flies_films_and_lands(instance: int, script: Path, tmp_path: Path) -> None:
    flight = Flight(instance, script, tmp_path / "take")
    status, errors = flight.end()
    assert status == 0, errors
    order = ["fit to fly", "connecting to", "taking off", "flying to the mark", "standing by",
             "rolling", "the flight ends: land"]  # fmt: skip
    places = [flight.log.find(words) for words in order]
    assert min(places) >= 0, flight.log
    assert places == sorted(places), flight.log
    assert not Pilot(instance).heartbeat().base_mode & mavlink.MAV_MODE_FLAG_SAFETY_ARMED
    figures = json.loads((tmp_path / "take" / "metrics.json").read_text())
    assert figures["measured_against"] == "truth"
    assert not figures["interrupted"]
    overall = figures["overall"]
    assert overall["frames"] >= 15
    assert overall["in_frame_pct"] > 90
    assert overall["framing_error_pct"]["rms"] < 8
    assert pictures(tmp_path / "take" / "footage.mp4") == overall["frames"]
    assert (tmp_path / "take" / "report.html").stat().st_size > 10_000


def test_the_pilot_takes_over_and_ctrl_c_leaves_the_next_flight_in_hold(
    instance: int, endless: Path, tmp_path: Path
) -> None:
    """RC or a ground station wins: the stream ends at once, no landing is ordered. The next flight
    takes up the hovering vehicle."""
    flight = Flight(instance, endless, tmp_path / "first")
    flight.until("rolling")
    pilot = Pilot(instance)
    assert pilot.mode() is Mode.OFFBOARD
    pilot.choose(Mode.HOLD)
    status, errors = flight.end()
    assert status == 2
    assert "somebody has taken over" in errors
    assert "the flight ends" not in flight.log
    assert pilot.mode() is Mode.HOLD
    assert json.loads((flight.folder / "metrics.json").read_text())["interrupted"]
    time.sleep(3.0)
    assert pilot.mode() is Mode.HOLD  # and it stays the pilot's

    flight = Flight(instance, endless, tmp_path / "second", "--in-air", "--no-check")
    flight.until("rolling")
    film = flight.folder / "footage.mp4"
    until(lambda: film.exists() and film.stat().st_size > 3000)  # some pictures are in it
    os.kill(flight.process.pid, signal.SIGINT)
    status, errors = flight.end()
    assert status == 130, errors
    until(lambda: pilot.mode() is Mode.HOLD)
    assert json.loads((flight.folder / "metrics.json").read_text())["interrupted"]
    assert pictures(film) > 0


def test_on_a_full_disk_it_lands_and_what_was_recorded_is_whole(
    instance: int, endless: Path, tmp_path: Path
) -> None:
    """No file of the flight's process can grow any more, while it rolls."""
    pilot = Pilot(instance)
    if pilot.heartbeat().base_mode & mavlink.MAV_MODE_FLAG_SAFETY_ARMED:  # of a flight before
        flight = Flight(instance, endless, tmp_path / "take", "--in-air", "--no-check")
    else:
        flight = Flight(instance, endless, tmp_path / "take")
    flight.until("rolling")
    film = flight.folder / "footage.mp4"
    until(lambda: film.exists() and film.stat().st_size > 3000)
    room = film.stat().st_size + 1000
    resource.prlimit(flight.process.pid, resource.RLIMIT_FSIZE, (room, room))
    status, errors = flight.end()
    assert status == 2, errors
    assert "Traceback" not in errors
    assert "File too large" in errors
    assert "the flight ends: land" in errors  # in its log too, if that had room
    assert not pilot.heartbeat().base_mode & mavlink.MAV_MODE_FLAG_SAFETY_ARMED
    figures = json.loads((flight.folder / "metrics.json").read_text())
    assert figures["interrupted"]
    assert 0 < pictures(film) <= figures["overall"]["frames"] + 1
