"""Small Python processes that play the parts of a set-up, and a look at what is left of them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from cinempc.launch.supervisor import Part
from tests.live.processes import start

#: A process that says who it is and lives until it is ended, with one more in its group, one that
#: left for a session of its own, and one below that: as PX4 and Gazebo start theirs.
FAMILY = """
import os, signal, subprocess, sys, time
deaf = "deaf" in sys.argv
if deaf:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
own = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
children = [
    subprocess.Popen(sleep),
    subprocess.Popen([sys.executable, "-c", own, *sleep], start_new_session=True),
]
try:
    print("family", os.getpid(), *(child.pid for child in children), flush=True)
    print("all set", flush=True)
    while True:
        time.sleep(0.1)
except KeyboardInterrupt:
    print("ended in order", flush=True)
"""

#: Runs parts given as JSON, as `cinempc launch` does.
LAUNCHER = """
import json, sys
from pathlib import Path
from cinempc.launch.ready import Line
from cinempc.launch.supervisor import LaunchError, Part, Supervisor
folder = Path(sys.argv[1])
parts = []
for data in json.loads(sys.argv[2]):
    log = folder / (data["name"] + ".log")
    line = data.pop("line")
    parts.append(Part(log=log, ready=Line(line, log), **data))
try:
    sys.exit(Supervisor(parts).run())
except LaunchError as error:
    print(error)
    sys.exit(2)
"""


def family(folder: Path, name: str = "family", **kwargs: object) -> Part:
    """A part that starts more processes; `pids` finds some of them."""
    from cinempc.launch.ready import Line

    log = folder / f"{name}.log"
    return Part(
        name=name,
        words=[sys.executable, "-c", FAMILY],
        log=log,
        ready=Line("all set", log),
        within=30.0,
        **kwargs,  # type: ignore[arg-type]
    )


def python(folder: Path, name: str, code: str, **kwargs: object) -> Part:
    """A part that runs a few lines of Python."""
    return Part(
        name=name,
        words=[sys.executable, "-c", code],
        log=folder / f"{name}.log",
        **kwargs,  # type: ignore[arg-type]
    )


def pids(log: Path) -> list[int]:
    """The process, its child in the group, and its child in another session."""
    for line in log.read_text().splitlines():
        if line.startswith("family "):
            return [int(word) for word in line.split()[1:]]
    raise AssertionError(f"{log} has no family: {log.read_text()}")


def alive(numbers: list[int]) -> list[int]:
    """Those that run, with all that are in their groups or sessions."""
    pids = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            ended = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
            ids = {process.pid, os.getpgid(process.pid), os.getsid(process.pid)}
            if not ended and ids & set(numbers):
                pids.append(process.pid)
    return pids


def until(true: Callable[[], bool], within: float = 60.0) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + within
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def launcher(folder: Path, *data: dict[str, object]) -> subprocess.Popen[str]:
    """A launcher in a process of its own, with parts given by their fields and a ready ``line``."""
    return start([sys.executable, "-c", LAUNCHER, folder, json.dumps(data)], stdout=subprocess.PIPE)


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    """Something that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def install(folder: Path, name: str = "px4", *modules: str) -> Path:
    """A folder like a build of PX4, or like what its package installs."""
    for one in (name, *modules):
        program(folder / "bin" / one)
    (folder / "etc" / "init.d-posix").mkdir(parents=True)
    (folder / "etc" / "init.d-posix" / "rcS").touch()
    return folder
