"""Whatever fails in recording ends the take in one error and costs nothing of what was recorded."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import pytest
from mcap.exceptions import EndOfFile
from mcap.reader import NonSeekingReader

from cinempc import files
from cinempc.app import fly
from cinempc.errors import CinempcError
from cinempc.files import WritingError
from cinempc.record import recorder as recorders
from cinempc.record import report
from cinempc.record.background import BackgroundRecorder
from cinempc.record.recorder import Recorder
from cinempc.record.stills import StillKeeper
from cinempc.rig.events import FrameEvent

ROOT = Path(__file__).parents[2]
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
_PWRITE, _WRITE_WHOLE = os.pwrite, files.write_whole


class Disk:
    """A disk that takes so many writes to a file, and no more until its ``kept`` room is given
    back, if there is any."""

    def __init__(self, monkeypatch, name, writes=0, kept=False):
        self.name, self.left, self.kept = name, writes, kept
        monkeypatch.setattr(files.os, "pwrite", self.pwrite)
        monkeypatch.setattr(recorders, "write_whole", self.write_whole)
        monkeypatch.setattr(report, "write_whole", self.write_whole)
        monkeypatch.setattr(recorders, "Reserve", lambda folder, size: self)

    def pwrite(self, fd, data, place):
        if Path(os.readlink(f"/proc/self/fd/{fd}")).name == self.name:
            if self.left <= 0:
                raise FULL
            self.left -= 1
        return _PWRITE(fd, data, place)

    def write_whole(self, path, data):
        if path.name == self.name:
            raise FULL
        _WRITE_WHOLE(path, data)

    def release(self):
        if self.kept:
            self.left = 1000


def record(take, folder, seconds=3.0, background=False):
    recorder = Recorder(folder, take.camera, take.fps, take.shots, monitor=True)
    with BackgroundRecorder(recorder) if background else recorder as into:
        for event in take.events(seconds):
            if isinstance(event, FrameEvent):
                into.frame(event)
            else:
                into.cycle(event)
    return recorder


def pictures(path):
    with av.open(str(path)) as film:
        return sum(1 for _ in film.decode(video=0))


def messages(path):
    count = 0
    with path.open("rb") as stream, contextlib.suppress(EndOfFile):
        for _ in NonSeekingReader(stream).iter_messages(log_time_order=False):
            count += 1
    return count


@pytest.fixture
def no_plots(monkeypatch):
    monkeypatch.setattr(report, "draw_all", lambda take: {})


def broken(*arguments, **more):
    raise RuntimeError("broken")


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("name", ["footage.mp4", "monitor.mp4", "take.mcap"])
def test_a_file_that_cannot_grow_ends_the_take_and_keeps_the_rest(
    take, tmp_path, monkeypatch, no_plots, name, background
):
    Disk(monkeypatch, name, writes=4 if name == "take.mcap" else 6)
    with pytest.raises(WritingError, match=rf"{name}: No space left on device\)") as caught:
        record(take, tmp_path, background=background)
    assert isinstance(caught.value, CinempcError)
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["interrupted"]
    assert found["overall"]["frames"] > 0
    if not background:
        assert found["overall"]["frames"] < 72
    assert "<h1>" in (tmp_path / "report.html").read_text()
    for film in ("footage.mp4", "monitor.mp4"):
        lost = found["overall"]["frames"] - pictures(tmp_path / film)
        assert lost <= 24 if film == name else lost <= 1
    assert messages(tmp_path / "take.mcap") > 100
    assert {file.name for file in tmp_path.iterdir()} == {
        "footage.mp4", "monitor.mp4", "take.mcap", "metrics.json", "report.html"
    }  # fmt: skip


def test_with_the_room_that_was_kept_the_film_loses_nothing(take, tmp_path, monkeypatch, no_plots):
    Disk(monkeypatch, "footage.mp4", writes=2, kept=True)
    with pytest.raises(WritingError, match=r"footage.mp4: No space left"):
        record(take, tmp_path)
    found = json.loads((tmp_path / "metrics.json").read_text())
    # The picture that could not be written is in neither, or in the film alone.
    assert 0 <= pictures(tmp_path / "footage.mp4") - found["overall"]["frames"] <= 1


@pytest.mark.parametrize("name", ["metrics.json", "report.html"])
def test_what_is_written_last_fails_alone(take, tmp_path, monkeypatch, no_plots, name):
    Disk(monkeypatch, name)
    with pytest.raises(WritingError, match=rf"{name}: No space left on device\)"):
        record(take, tmp_path, 0.5)
    assert pictures(tmp_path / "footage.mp4") == 12
    assert {file.name for file in tmp_path.iterdir()} == {
        "footage.mp4", "monitor.mp4", "take.mcap", "metrics.json", "report.html"
    } - {name}  # fmt: skip


@pytest.mark.parametrize(
    ("where", "what", "told"),
    [
        (StillKeeper, "offer", "stills: broken"),
        (report, "draw_all", "report.html: broken"),
        (recorders.Monitor, "draw", "monitor.mp4: broken"),
        (recorders, "measure_frame", "figures: broken"),
        (recorders, "measure_cycle", "figures: broken"),
    ],
)
def test_a_fault_of_our_own_costs_the_take_no_more_than_a_full_disk(
    take, tmp_path, monkeypatch, no_plots, where, what, told
):
    monkeypatch.setattr(where, what, broken)
    with pytest.raises(WritingError, match=told):
        record(take, tmp_path, 0.3, background=True)
    assert json.loads((tmp_path / "metrics.json").read_text())
    for film in ("footage.mp4", "monitor.mp4"):
        assert (tmp_path / film).exists()


def test_another_error_stays_the_one_that_is_told(take, tmp_path, monkeypatch, no_plots, caplog):
    Disk(monkeypatch, "metrics.json")
    recorder = Recorder(tmp_path, take.camera, take.fps, take.shots)

    def film():
        with recorder:
            recorder.frame(take.frame(0.0))
            raise CinempcError("the subject was not found")

    with pytest.raises(CinempcError, match="the subject was not found"):
        film()
    assert "metrics.json could not be written to its end: No space left" in caplog.text


def test_nothing_is_begun_where_there_is_no_room(take, tmp_path, monkeypatch):
    def none(folder, size):
        raise FULL

    monkeypatch.setattr(recorders, "Reserve", none)
    with pytest.raises(CinempcError, match=r"nothing can be recorded in .*No space left"):
        record(take, tmp_path)
    monkeypatch.setattr(fly, "FlightRig", broken)  # it is told on the ground
    with pytest.raises(CinempcError, match=r"nothing can be recorded in .*No space left"):
        fly.fly("orbit", folder=tmp_path, check=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(CinempcError, match=r"nothing can be recorded in .*Not a directory"):
        record(take, tmp_path / "file" / "take")


KILLED = """
import os, signal, sys
from pathlib import Path
from cinempc.record.recorder import Recorder
from cinempc.rig.events import FrameEvent
from tests.record.conftest import SyntheticTake, make_camera

take = SyntheticTake(make_camera())
recorder = Recorder(Path(sys.argv[1]), take.camera, take.fps, take.shots, monitor=True)
recorder.__enter__()
for event in take.events(3.0):
    if isinstance(event, FrameEvent):
        recorder.frame(event)
    else:
        recorder.cycle(event)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_killed_process_leaves_all_but_the_last_second(take, tmp_path):
    """Footage, monitor and log, without any call that would finish them."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=False, timeout=120
    )
    assert done.returncode == -signal.SIGKILL
    for name in ("footage.mp4", "monitor.mp4"):
        assert pictures(tmp_path / name) >= 72 - 24
    with (tmp_path / "take.mcap").open("rb") as stream:
        last = 0.0
        with contextlib.suppress(EndOfFile):
            for _, channel, message in NonSeekingReader(stream).iter_messages(log_time_order=False):
                if channel.topic == "/camera/image":
                    last = message.log_time / 1e9
    assert 1.9 < last < 3.0
    assert not list(tmp_path.glob(".*"))
