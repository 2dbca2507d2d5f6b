"""The program as a user runs it, and in this process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from cinempc.cli.main import app

#: The program, whatever is installed.
PROGRAM = (sys.executable, "-m", "cinempc")


def run(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,  # the machine may be busy
        **options,  # type: ignore[call-overload]
    )


def invoke(*arguments: str | Path) -> tuple[int, str]:
    """Run a command in this process: its exit status, and all that it printed, on one line."""
    done = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200", "TERM": "dumb"})
    return done.exit_code, " ".join(done.output.split())
