"""What is logged: on the terminal by how much is asked, and in a file."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cinempc.cli import console
from tests.cli.program import invoke


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The loggers of this process are left as they were."""
    loggers = [logging.getLogger(name) for name in ("cinempc", "perception", "sim")]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, handlers in before:
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.setLevel(level)
        logger.handlers[:] = handlers


def say() -> None:
    for name in ("cinempc.flight", "sim.mavlink"):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(level, "%s of %s", logging.getLevelName(level), name)


@pytest.mark.parametrize(
    ("verbosity", "levels"),
    [(0, {"WARNING"}), (1, {"INFO", "WARNING"}), (2, {"DEBUG", "INFO", "WARNING"})],
)
def test_the_terminal_shows_as_much_as_is_asked(
    verbosity: int, levels: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    console.set_up_log(verbosity)
    say()
    lines = capsys.readouterr().err.splitlines()
    assert sorted(lines) == sorted(
        f"{level} of {name}" for level in levels for name in ("cinempc.flight", "sim.mavlink")
    )


def test_a_command_whose_output_they_are_shows_its_events(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.set_up_log()
    console.show_events()
    say()
    text = capsys.readouterr().err
    assert "INFO of cinempc.flight" in text
    assert "DEBUG" not in text


def test_the_file_gets_everything_with_time_stamps(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "all.log"
    console.set_up_log(0, path)
    say()
    lines = path.read_text().splitlines()
    assert len(lines) == 6
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} (DEBUG|INFO|WARNING) +[a-z.]+: .+"
    assert all(re.fullmatch(pattern, line) for line in lines), lines


def test_the_option_writes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "all.log"
    words = ("sim", "world", "--script", "dolly_zoom", "--to", tmp_path / "world")
    status, text = invoke("--log", path, *words, "--px4", tmp_path)
    assert status == 2, text  # no build of PX4 there
    assert path.is_file()


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    status, text = invoke("--log", tmp_path, "check", "dolly_zoom")
    assert status == 2
    assert "the log cannot be written" in text
