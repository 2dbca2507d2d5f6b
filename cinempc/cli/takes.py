"""The figures of a take on the terminal, for the commands that make one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.table import Table

from cinempc.cli.console import err, out

if TYPE_CHECKING:
    from cinempc.app.film.film import TakeResult

#: Exit status of a take that went to its end and whose picture was not had.
NOT_HAD = 3


def show_take(result: TakeResult) -> None:
    """A table of the figures, the files that are there, and what became of the goals.

    Raises:
        Exit: the picture was not had.
    """
    table = Table(show_header=False, box=None)

    def row(name: str, value: float | None, unit: str = "", decimals: int = 2) -> None:
        table.add_row(name, "-" if value is None else f"{value:.{decimals}f}{unit}")

    take = result.metrics.overall
    row("framing error, rms", take.framing_error_pct.rms, " % of the width")
    row("framing error, p95", take.framing_error_pct.p95, " % of the width")
    row("scale error, p95", take.scale_error_pct.p95, " %")
    row("in focus", take.in_focus_pct, " %", 1)
    row("in frame", take.in_frame_pct, " %", 1)
    row("pictures missing", take.frames_missing, decimals=0)
    row("longest hole", take.longest_hole_s, " s")
    row("control step, median", take.step_ms.median, " ms")
    row("control step, p99", take.step_ms.p99, " ms")
    row("deadlines missed", take.deadline_misses, decimals=0)
    row("steps with a violation", take.constraint_violations.cycles, decimals=0)
    row("real-time factor", take.realtime_factor)
    out.print(table)
    names = ", ".join(file.name for file in result.files.written)
    out.print(f"[bold]{escape(str(result.folder))}[/]: {names}")
    verdict = result.verdict
    if verdict.had:
        if verdict.missed:
            err.print(
                f"[yellow]goals missed:[/] {escape('; '.join(verdict.missed))}",
                highlight=False,
                soft_wrap=True,
            )
        return
    err.print(
        f"[bold red]THE PICTURE WAS NOT HAD:[/] {escape('; '.join(verdict.failed))}",
        highlight=False,
        soft_wrap=True,
    )
    raise typer.Exit(NOT_HAD)
