"""`cinempc bench stream`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cinempc.app.options.bench import BenchStreamOptions
from cinempc.cli.console import out, progress_bar, show_events
from cinempc.cli.options import AsJson, defaults, option

if TYPE_CHECKING:
    from cinempc.bench.stream import Figures

EXAMPLE = "Example: cinempc bench stream --seconds 60"
_O = defaults(BenchStreamOptions)


def bench_stream(
    seconds: Annotated[float, option(_O, "seconds")] = _O.seconds,
    idle: Annotated[bool, option(_O, "idle", "--idle")] = False,
    connection: Annotated[str | None, option(_O, "connection")] = None,
    rate: Annotated[float, option(_O, "rate")] = _O.rate,
    instance: Annotated[int, option(_O, "instance")] = _O.instance,
    as_json: AsJson = False,
) -> None:
    """Measure how regular the stream of setpoints is, and how quick the lens, in flight.

    It takes off, flies a 5 m circle at 2 m/s with a lens that steps, and lands, while every
    processor solves equations and the disk is written to. Exit status 1 if the stream is slower
    than 20 a second, or one interval of a hundred is off by more than 5 ms.
    """
    from cinempc.app.bench.stream import measure

    options = BenchStreamOptions(
        seconds=seconds, idle=idle, connection=connection, rate=rate, instance=instance
    )
    show_events()
    with progress_bar() as progress:
        figures = measure(options, progress=progress)
    if as_json:
        print(json.dumps(figures.summary(), indent=2))
    else:
        _show(figures)
    if not figures.good:
        raise typer.Exit(1)


def _show(figures: Figures) -> None:
    timing = figures.timing
    processors, disks = figures.load
    beside = (
        f"{processors} processes that solve, {disks} that writes" if processors else "nothing else"
    )
    table = Table(title=f"stream, with {beside} at work", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("rate, in the vehicle's time", f"{figures.rate:.2f} 1/s")
    table.add_row("vehicle's time per second", f"{figures.pace:.2f} s")
    table.add_row("interval off by, median", f"{timing.median_ms:.2f} ms")
    table.add_row("99th percentile", f"{timing.p99_ms:.2f} ms")
    table.add_row("most", f"{timing.max_ms:.2f} ms")
    table.add_row("intervals", str(timing.count))
    for dof, latency in figures.lens.items():
        if latency.count:
            table.add_row(
                f"{dof}: command to report, median / 95 %",
                f"{1e3 * latency.median:.0f} / {1e3 * latency.p95:.0f} ms",
            )
    table.add_row("distance to the plan", f"{figures.off:.3f} m rms")
    table.add_row("plans refused", str(figures.refused))
    out.print(table)
