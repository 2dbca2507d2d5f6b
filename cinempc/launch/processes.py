"""Processes that do not outlive whoever started them.

Each is the leader of a session and process group of its own, so that Ctrl-C in the terminal reaches
none of them and one signal reaches all that it starts. Three things see to it that nothing stays:

- `Process.end` signals the whole group,
- each carries a token in its environment, which whatever it starts inherits: `marked` finds those
  that left the group (Linux: ``/proc``),
- on Linux the kernel kills the leader when the launcher dies (`cinempc.launch.tether`), and
  `cinempc.launch.guard` what that one had started.

Only the standard library: the guard imports it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

TOKEN = "CINEMPC_LAUNCH"
_PROC = Path("/proc")
_TETHER = Path(__file__).with_name("tether.py")
#: How often it is looked whether a process has ended, s.
_LOOK = 0.05
#: Patience after SIGTERM, and after SIGKILL, s: a process in the middle of a disk access takes it.
_AFTER_TERM, _AFTER_KILL = 3.0, 5.0


class Process:
    """A running process with all that it starts.

    To be made by the main thread: the kernel ends it when the thread that started it ends.

    Args:
        words: program and arguments.
        log: file for its output and errors, continued if it is there.
        environment: variables, beside this process's.
        folder: to run in; this process's if None.
        token: marks it and what it starts.
    """

    def __init__(
        self,
        words: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        token: str,
    ) -> None:
        # Its last line shall be in the log when it ends, however it does; and a log has room.
        usual = {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
        variables = {**os.environ, **usual, **(environment or {}), TOKEN: token}
        tether = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid())]
        with log.open("ab") as file:
            self._popen = subprocess.Popen(
                [*tether, *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=variables,
                cwd=folder,
                start_new_session=True,
            )
        self.pid = self._popen.pid

    @property
    def status(self) -> int | None:
        """Its exit status, negative where a signal ended it; None while it runs."""
        return self._popen.poll()

    def end(
        self,
        grace: float,
        hurry: Callable[[], bool] = lambda: False,
        each: Callable[[], None] = lambda: None,
    ) -> None:
        """End it and its group: SIGINT, then SIGTERM, then SIGKILL.

        Args:
            grace: time for an orderly end after SIGINT, s.
            hurry: asked meanwhile; true cuts the waiting short.
            each: called while it waits.
        """
        steps = (
            (signal.SIGINT, grace),
            (signal.SIGTERM, _AFTER_TERM),
            (signal.SIGKILL, _AFTER_KILL),
        )
        for number, patience in steps:
            if self._gone():
                return
            if hurry() and number is not signal.SIGKILL:
                continue
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            until = time.monotonic() + patience
            while time.monotonic() < until and not self._gone():
                if hurry() and number is not signal.SIGKILL:
                    break
                each()
                time.sleep(_LOOK)

    def _gone(self) -> bool:
        if self.status is None:
            return False
        if _PROC.is_dir():
            return not group(self.pid)
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return True
        return False


def group(leader: int) -> list[int]:
    """The processes of a process group that run (Linux)."""
    return [pid for pid in _running() if _group_of(pid) == leader]


def marked(token: str) -> list[int]:
    """The processes that carry a token in their environment and run (Linux; else none)."""
    wanted = f"{TOKEN}={token}".encode()
    found = []
    for pid in _running():
        try:
            variables = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is somebody else's
            continue
        if wanted in variables:
            found.append(pid)
    return found


def sweep(token: str, grace: float = 1.0) -> None:
    """End all processes that carry a token: SIGTERM, then SIGKILL."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, _AFTER_KILL)):
        until = time.monotonic() + patience
        told: set[int] = set()
        while left := marked(token):
            for pid in set(left) - told:  # they may start more while we look
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            told |= set(left)
            if time.monotonic() > until:
                break
            time.sleep(_LOOK)


def _running() -> list[int]:
    if not _PROC.is_dir():
        return []
    return [int(name) for name in os.listdir(_PROC) if name.isdigit() and _state(int(name))]


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` from the state on: the name before may hold anything."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _state(pid: int) -> bool:
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"  # a zombie has ended


def _group_of(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[2]) if fields else None
