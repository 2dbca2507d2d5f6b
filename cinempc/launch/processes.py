"""Processes that do not outlive whoever started them.

Each is the leader of a session and process group of its own, so that Ctrl-C in the terminal reaches
none of them and one signal reaches all that it starts. Three things see to it that nothing stays:

- `Process.end` signals the whole group,
- each carries a token in its environment, which whatever it starts inherits: `marked` finds those
  that left the group,
- on Linux the kernel kills the leader when the launcher dies (`cinempc.launch.parent_death`), and
  `cinempc.launch.guard` what that one had started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

TOKEN = "CINEMPC_LAUNCH"
_PARENT_DEATH = Path(__file__).with_name("parent_death.py")
#: How often it is looked whether a process has ended, s.
_LOOK = 0.05
#: Patience after SIGTERM, and after SIGKILL, s: a process in the middle of a disk access takes it.
_AFTER_TERM, _AFTER_KILL = 3.0, 5.0


def bound(words: Sequence[str]) -> list[str]:
    """The command that runs a program which ends when this process does, however that ends.

    To be started by the main thread: the kernel ends it when the thread that started it ends. The
    program hears SIGINT and SIGHUP even where this process, in the background of a shell, ignores
    them.
    """
    return [sys.executable, "-I", "-S", str(_PARENT_DEATH), str(os.getpid()), *words]


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
        with log.open("ab") as file:
            self._popen = subprocess.Popen(
                bound(words),
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
        return self.status is not None and not group(self.pid)


def group(leader: int) -> list[int]:
    """The processes of a process group that run."""
    return [process.pid for process in _running() if _group_of(process.pid) == leader]


def marked(token: str) -> list[int]:
    """The processes that carry a token in their environment and run; of this user's."""
    pids = []
    for process in _running():
        with contextlib.suppress(psutil.Error, OSError):  # it has ended, or is somebody else's
            if process.environ().get(TOKEN) == token:
                pids.append(process.pid)
    return pids


def sweep(token: str, grace: float = 1.0) -> None:
    """End all processes that carry a token: SIGTERM, then SIGKILL."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, _AFTER_KILL)):
        until = time.monotonic() + patience
        signalled: set[int] = set()
        while left := marked(token):
            for pid in set(left) - signalled:  # they may start more while we look
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            signalled |= set(left)
            if time.monotonic() > until:
                break
            time.sleep(_LOOK)


def _running() -> Iterator[psutil.Process]:
    """All processes but those that have ended and wait for their parents."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                yield process


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:
        return None
