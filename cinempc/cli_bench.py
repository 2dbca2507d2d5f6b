"""`cinempc bench stream`: part of the composition root, as it brings the simulated vehicle up."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cinempc.cli_flight import tell
from cinempc.console import out, progress_bar
from cinempc.errors import CinempcError

if TYPE_CHECKING:
    from cinempc.bench.stream import Figures

STREAM_EXAMPLE = "Example: cinempc bench stream --seconds 60"

#: Height of the flight, m.
_HEIGHT = 8.0


def bench_stream(
    seconds: Annotated[float, typer.Option(min=2, max=600, help="To measure for.")] = 30.0,
    idle: Annotated[
        bool, typer.Option("--idle", help="Nothing else works meanwhile; for comparison.")
    ] = False,
    connection: Annotated[
        str | None,
        typer.Option(help="Of a vehicle that runs; a simulated one is started if not given."),
    ] = None,
    rate: Annotated[float, typer.Option(min=20, max=200, help="Setpoints a second.")] = 50.0,
    instance: Annotated[
        int, typer.Option(min=0, max=50, help="Of the simulated vehicle: shifts its ports.")
    ] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how regular the stream of setpoints is, and how quick the lens, in flight.

    It takes off, flies a 5 m circle at 2 m/s with a lens that steps, and lands, while every
    processor solves equations and the disk is written to. Exit status 1 if the stream is slower
    than 20 a second, or one interval of a hundred is off by more than 5 ms.
    """
    from cinempc import camera as cameras
    from cinempc import safety
    from cinempc import vehicle as vehicles
    from cinempc.bench import stream
    from cinempc.flight.config import Flight
    from cinempc.flight.rig import FlightRig

    vehicle, camera = vehicles.load("x500_cinema"), cameras.load("super35_zoom")
    with _vehicle(connection, instance) as address:
        config = Flight(name="bench", connection=address).model_copy(update={"stream_rate": rate})
        with FlightRig(config, vehicle, camera, safety.load("default"), on_event=tell) as rig:
            if not rig.report.airborne:
                rig.take_off(_HEIGHT)
            with progress_bar() as bar:
                task = bar.add_task("bench stream", total=seconds)
                figures = stream.measure(
                    rig,
                    vehicle,
                    camera,
                    seconds,
                    idle=idle,
                    progress=lambda done: bar.update(task, completed=done),
                )
            rig.land()
    if as_json:
        print(json.dumps(figures.summary(), indent=2))
    else:
        _show(figures)
    if not figures.good:
        raise typer.Exit(1)


@contextmanager
def _vehicle(connection: str | None, instance: int) -> Iterator[str]:
    """A vehicle's address: the given one, or that of a simulated one in a process of its own."""
    if connection is not None:
        yield connection
        return
    command = ["-m", "cinempc.cli", "sim", "vehicle", "--no-pictures", "--instance", str(instance)]
    process = subprocess.Popen(
        [sys.executable, "-u", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with contextlib.suppress(OSError):
        # A real autopilot has its own processor: where that is allowed, this one comes first.
        os.setpriority(os.PRIO_PROCESS, process.pid, -15)
    try:
        if not process.stdout.readline():  # it says that it runs
            raise CinempcError(
                f"the simulated vehicle does not start: {process.stderr.read().strip()}"
            )
        yield f"udpin:127.0.0.1:{14540 + instance}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _show(figures: Figures) -> None:
    jitter = figures.jitter
    processors, disks = figures.load
    beside = (
        f"{processors} processes that solve, {disks} that writes" if processors else "nothing else"
    )
    table = Table(title=f"stream, with {beside} at work", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("rate, in the vehicle's time", f"{figures.rate:.2f} 1/s")
    table.add_row("vehicle's time per second", f"{figures.pace:.2f} s")
    table.add_row("interval off by, median", f"{jitter.median_ms:.2f} ms")
    table.add_row("99th percentile", f"{jitter.p99_ms:.2f} ms")
    table.add_row("most", f"{jitter.max_ms:.2f} ms")
    table.add_row("intervals", str(jitter.count))
    for dof, found in figures.lens.items():
        if found.count:
            table.add_row(
                f"{dof}: command to report, median / 95 %",
                f"{1e3 * found.median:.0f} / {1e3 * found.p95:.0f} ms",
            )
    table.add_row("distance to the plan", f"{figures.off:.3f} m rms")
    table.add_row("plans refused", str(figures.refused))
    out.print(table)
