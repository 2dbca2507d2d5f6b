"""What the machine does not let happen is told as that, in one line; and no secret with it."""

from __future__ import annotations

import errno
import os
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinempc import configs
from cinempc.cli.console import of_machine
from cinempc.cli.main import app
from tests.cli.program import PROGRAM, invoke, run

SECRET = "rtsp://me:sesame@127.0.0.1:9/ch1?token=sesame"


def lines(*arguments: str | Path) -> list[str]:
    """What a command that ends with status 2 prints."""
    done = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})
    assert done.exit_code == 2, done.output
    return [line for line in done.output.splitlines() if line.strip()]


@pytest.mark.parametrize(
    "command",
    [
        ("--log", "{}/x.log", "check", "orbit"),
        ("film", "orbit", "--no-pictures", "--out", "{}"),
        ("fly", "orbit", "--out", "{}"),
        ("launch", "embedded", "orbit", "--out", "{}"),
    ],
)
def test_a_folder_that_cannot_be_made(command, tmp_path):
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "within", Path("/dev/null/x")):
        (line,) = lines(*(word.format(folder) for word in command))
        assert line.startswith("error: ")
        assert str(folder) in line
        assert any(words in line for words in ("Not a directory", "File exists"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "the machine: No space left on device"),
        (OSError(errno.EACCES, "Permission denied", "/a"), "/a: Permission denied"),
        (OSError(errno.EXDEV, "Other disk", "/a", None, "/b"), "/a to /b: Other disk"),
        (OSError(errno.EPERM, "No", SECRET), "rtsp://***@127.0.0.1:9/ch1?token=***: No"),
        (PermissionError("that is not allowed"), "the machine: that is not allowed"),
    ],
)
def test_any_fault_of_the_machine_is_one_line(error, words, monkeypatch):
    assert of_machine(error) == words

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("cinempc.app.check.check", fail)
    assert lines("check", "orbit") == [f"error: {words}"]


@pytest.mark.parametrize(
    "command",
    [("perceive", SECRET), ("check", SECRET), ("fly", "orbit", "--flight", SECRET)],
)
def test_no_secret_is_printed(command):
    status, output = invoke(*command)
    assert status == 2
    assert "sesame" not in output
    assert "127.0.0.1" in output


@pytest.mark.slow
def test_no_secret_is_printed_of_what_the_command_line_refuses():
    done = run("check", "orbit", SECRET)
    assert done.returncode == 2
    assert "sesame" not in done.stderr + done.stdout


@pytest.mark.slow
def test_a_home_that_cannot_be_written_is_needed_for_nothing(tmp_path):
    there = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "MPLCONFIG"))}
    home = there | {"HOME": "/dev/null/x"}
    script = tmp_path / "short.yaml"
    text = (configs.root() / "scripts" / "orbit.yaml").read_text()
    script.write_text(re.sub("duration: .*", "duration: 1 s", text))
    for command in (
        ("models", "list"),
        ("film", script, "--no-pictures", "--standby", "0.5", "--out", tmp_path / "take"),
    ):
        done = run(*command, env=home)
        assert done.returncode in (0, 1), done.stderr  # 1: the figures are not as good as they may
        assert "/dev/null" not in done.stderr + done.stdout
        assert "telemetry" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_output_that_is_full():
    for arguments in (("check", "orbit"), ("--version",)):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                (*PROGRAM, *arguments), stdout=full, stderr=subprocess.PIPE, text=True
            )
        words = "error: the machine: No space left on device"
        assert (done.returncode, done.stderr.strip()) == (2, words)
