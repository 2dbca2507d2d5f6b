"""Measures how regular the stream of setpoints is, and how quick the lens, in flight."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cinempc.app.options.bench import BenchStreamOptions
from cinempc.app.options.options import choose
from cinempc.app.progress import OnProgress, Progress, ignore
from cinempc.bench import stream
from cinempc.bench.stream import Figures
from cinempc.errors import CinempcError
from cinempc.flight.config import Flight
from cinempc.flight.rig import FlightRig
from cinempc.launch.processes import bound
from cinempc.rig import camera as cameras
from cinempc.rig import vehicle as vehicles
from cinempc.safety import limits as safety

#: Height of the flight, m.
_HEIGHT = 8.0
#: PX4's first onboard port: instances count up from it.
_ONBOARD = 14540


def measure(
    options: BenchStreamOptions | None = None, *, progress: OnProgress = ignore, **changes: Any
) -> Figures:
    """Take off, fly a 5 m circle at 2 m/s with a lens that steps, and land, while every processor
    solves equations and the disk is written to.

    Args:
        options: `BenchStreamOptions`.
        progress: told the time that was measured, vehicle s.
        **changes: single options by their names in `BenchStreamOptions`.

    Raises:
        CinempcError: the vehicle does not start, or its flight has ended.
    """
    options = choose(BenchStreamOptions, options, changes)
    vehicle, camera = vehicles.load("x500_cinema"), cameras.load("super35_zoom")
    with _vehicle(options.connection, options.instance) as address:
        config = Flight(name="bench", connection=address)
        config = config.model_copy(update={"stream_rate": options.rate})
        with FlightRig(config, vehicle, camera, safety.load("default")) as rig:
            if not rig.report.airborne:
                rig.take_off(_HEIGHT)
            figures = stream.measure(
                rig,
                vehicle,
                camera,
                options.seconds,
                idle=options.idle,
                progress=lambda done: progress(Progress(done, options.seconds, "bench stream")),
            )
            rig.land()
    return figures


@contextmanager
def _vehicle(connection: str | None, instance: int) -> Iterator[str]:
    """A vehicle's address: the given one, or that of a simulated one in a process of its own."""
    if connection is not None:
        yield connection
        return
    words = ["-m", "cinempc", "sim", "vehicle", "--no-pictures", "--instance", str(instance)]
    process = subprocess.Popen(
        bound([sys.executable, "-u", *words]),
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
        yield f"udpin:127.0.0.1:{_ONBOARD + instance}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
