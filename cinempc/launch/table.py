"""Shows how the parts of a set-up go: a live table in a terminal, else a line for each change."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from cinempc.launch.supervisor import State, Status, tail

_COLOURS = {
    State.WAITING: "dim",
    State.STARTING: "yellow",
    State.READY: "green",
    State.ENDING: "yellow",
    State.ENDED: "dim",
    State.FAILED: "bold red",
}
#: Time between two pictures of the table, s: the logs are read for each.
_EVERY = 0.25


class StatusTable:
    """A context manager that shows statuses on a console.

    Args:
        console: where.
        title: of the table.
    """

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title = console, title
        self._live = (
            Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            if console.is_terminal
            else None
        )
        self._shown = 0.0
        self._states: dict[str, State] = {}
        self._started: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, statuses: Sequence[Status]) -> None:
        """Show how all go now."""
        changed = [s for s in statuses if self._states.get(s.part.name) is not s.state]
        self._states |= {status.part.name: status.state for status in changed}
        now = time.monotonic()
        if self._live is None:
            for status in changed:
                self._say(status)
        elif changed or now - self._shown >= _EVERY:
            self._shown = now
            self._live.update(self._table(statuses, now), refresh=True)

    def _say(self, status: Status) -> None:
        name = status.part.name
        words = status.state.value
        if status.state is State.STARTING:
            self._started[name] = status.since
        if status.state is State.READY:
            words += f" after {status.since - self._started.get(name, status.since):.1f} s"
        if status.state is not State.WAITING:
            self._console.print(f"{name}: {words}", highlight=False)

    def _table(self, statuses: Sequence[Status], now: float) -> Table:
        table = Table(title=self._title, expand=True)
        table.add_column("part", no_wrap=True)
        table.add_column("state", no_wrap=True, min_width=8)
        table.add_column("since", justify="right", no_wrap=True, min_width=6)
        table.add_column("last line", ratio=1, no_wrap=True, overflow="ellipsis")
        for status in statuses:
            last = tail(status.part.log) if status.process is not None else []
            since = "" if status.state is State.WAITING else f"{now - status.since:.0f} s"
            table.add_row(
                status.part.name,
                f"[{_COLOURS[status.state]}]{status.state.value}[/]",
                since,
                escape(last[0]) if last else "",
            )
        return table
