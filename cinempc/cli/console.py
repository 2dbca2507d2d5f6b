"""Where commands print to, how far they are, and the log on the terminal and in a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Display

from cinempc.addresses import without_secrets
from cinempc.app.progress import OnProgress, Progress
from cinempc.files import why
from cinempc.rig.log import LogFile

out = Console()
err = Console(stderr=True)

#: Whose events are shown: the packages of this project.
_LOGGERS = ("cinempc", "perception", "sim")
_COLOURS = {logging.WARNING: "yellow", logging.ERROR: "bold red", logging.CRITICAL: "bold red"}
_LINES = logging.Formatter(
    "%(asctime)s.%(msecs)03d %(levelname)-8s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"
)


def show_error(words: str) -> None:
    """What ended a command, on stderr."""
    with suppress(OSError):  # stderr may be gone or full too
        err.print(f"[bold red]error:[/] {escape(words)}", highlight=False, soft_wrap=True)


def of_machine(error: OSError) -> str:
    """What the machine did not let happen, with the file if it was one."""
    where = [str(name) for name in (error.filename, error.filename2) if name is not None]
    reason = why(error)
    return without_secrets(f"{' to '.join(where)}: {reason}" if where else f"the machine: {reason}")


# --- progress ---


@contextmanager
def progress_bar(*, each: bool = False) -> Iterator[OnProgress]:
    """A bar on stderr, for work that takes a while.

    Args:
        each: every part of the work keeps a bar of its own.
    """
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with _display(*columns, each=each) as show:
        yield show


@contextmanager
def spinner() -> Iterator[OnProgress]:
    """A line on stderr, for work of which nobody knows the end; it goes when the work ends."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with _display(*columns, transient=True) as show:
        yield show


@contextmanager
def _display(
    *columns: ProgressColumn, transient: bool = False, each: bool = False
) -> Iterator[OnProgress]:
    tasks: dict[str, TaskID] = {}
    with Display(*columns, console=err, transient=transient) as display:

        def show(progress: Progress) -> None:
            key = progress.what if each else ""
            if key not in tasks:
                tasks[key] = display.add_task(progress.what, total=progress.total)
            display.update(
                tasks[key],
                description=escape(progress.what),
                total=progress.total,
                completed=progress.done,
            )

        yield show


# --- the log ---


class _Terminal(logging.Handler):
    """A line on stderr for each event."""

    def emit(self, record: logging.LogRecord) -> None:
        colour = _COLOURS.get(record.levelno, "dim")
        with suppress(OSError):  # a terminal that is gone, a full disk: nobody else suffers
            err.print(
                f"[{colour}]{escape(without_secrets(record.getMessage()))}[/]", highlight=False
            )


_terminal = _Terminal(logging.WARNING)


def set_up_log(verbosity: int = 0, file: Path | None = None) -> None:
    """What happens goes to the terminal, and into a file.

    Args:
        verbosity: 0 shows warnings and errors, 1 all events, 2 what helps to find a fault too.
        file: gets all of it, with time stamps; added to, if it is there.

    Raises:
        CinempcError: the file cannot be written.
    """
    _terminal.setLevel((logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)])
    handlers: list[logging.Handler] = [_terminal]
    if file is not None:
        lines = LogFile(file, mode="a")
        lines.setFormatter(_LINES)
        handlers.append(lines)
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        for old in list(logger.handlers):
            logger.removeHandler(old)
            if isinstance(old, logging.FileHandler):
                old.close()
        for handler in handlers:
            logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)


def show_events() -> None:
    """All events are shown from here on: for commands whose output they are, such as a flight."""
    _terminal.setLevel(min(_terminal.level, logging.INFO))
