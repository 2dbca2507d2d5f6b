"""Stands by while a launcher runs, and cleans up after one that was killed:
``python -m cinempc.launch.guard TOKEN``.

It reads from the launcher over a pipe: lines ``clean up [PROGRAM, ...]`` (JSON), and ``done`` when
the launcher has ended everything by itself. When the pipe ends without that, the launcher is dead:
whatever carries its token is ended, and what it named is run.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Sequence

from cinempc.launch import processes

_CLEAN_UP = "clean up "
#: A command that cleans up is not waited for longer, s.
_PATIENCE = 20.0


class Guard:
    """The launcher's side: starts the guard, and tells it what there is."""

    def __init__(self, token: str) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "cinempc.launch.guard", token],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C and a closed terminal are not for it
        )

    def clean_up(self, command: Sequence[str]) -> None:
        """Run this command too if the launcher is killed."""
        self._write(_CLEAN_UP + json.dumps(list(command)))

    def done(self) -> None:
        """All has ended: dismiss it."""
        self._write("done")
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):
            self._popen.stdin.close()
        self._popen.wait()

    def _write(self, line: str) -> None:
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):  # somebody has killed it: nothing depends on it
            self._popen.stdin.write(line + "\n")
            self._popen.stdin.flush()


def run_quietly(command: Sequence[str]) -> None:
    """Run a command that cleans up; what it says of things that are gone is of no interest."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_PATIENCE)


def main() -> None:
    """Read until the launcher is done or dead."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    commands = []
    for line in sys.stdin:
        if line.strip() == "done":
            return
        if line.startswith(_CLEAN_UP):
            commands.append(json.loads(line.removeprefix(_CLEAN_UP)))
    processes.sweep(sys.argv[1])
    for command in commands:
        run_quietly(command)


if __name__ == "__main__":
    main()
