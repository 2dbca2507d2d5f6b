"""The stream in figures: how regularly setpoints leave while everything else is at work, and how
long a command to the lens takes until a report shows its effect."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from multiprocessing.synchronize import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import lens
from cinempc.errors import CinempcError
from cinempc.flight import identify
from cinempc.flight.camera.lens.channel import Latency
from cinempc.flight.pilot.stream import StreamTiming
from cinempc.flight.rig import FlightRig
from cinempc.rig.camera import Camera, Dof
from cinempc.rig.plan import LENS, LENS_RATES, Plan, lens_vector
from cinempc.rig.state import RigState
from cinempc.rig.vehicle import Vehicle

Floats = NDArray[np.float64]

#: The figures that the stream is to keep: setpoints a second, and how far 99 of 100 intervals may
#: be from the period, ms.
RATE, P99 = 20.0, 5.0
#: Plans a second, their length, s, and how long the flight settles before it is measured, s.
_PLANS, _HORIZON, _SETTLE = 20.0, 2.0, 4.0
#: Between two steps of the lens, s, and their size: ln of the focal length, dioptres, stops.
_STEP, _STEPS = 1.5, np.array([0.12, 0.15, 1.0])
#: The work beside it: unknowns of a system of equations as large as a step of the controller, and
#: what is written to the disk at once, bytes.
_UNKNOWNS, _CHUNK = 700, 1 << 20


@dataclass(frozen=True)
class Figures:
    """What was measured.

    Attributes:
        load: processes that worked beside it: on the processor, and on the disk.
        rate: setpoints per vehicle second, and ``pace``: vehicle seconds per second, less than one
            where a simulated vehicle could not keep up.
        timing: of the stream, in this computer's time.
        lens: from a command until a report shows its effect, s, by degree of freedom.
        off: distance to the plan, rms m.
        refused: plans that were not flown.
    """

    load: tuple[int, int]
    rate: float
    pace: float
    timing: StreamTiming
    lens: dict[Dof, Latency]
    off: float
    refused: int

    @property
    def good(self) -> bool:
        """Whether the stream kept its figures."""
        return self.rate >= RATE and self.timing.p99_ms <= P99

    def summary(self) -> dict[str, Any]:
        """The figures as plain data."""
        return {
            "machine": f"{platform.machine()}, {os.cpu_count()} processors",
            "load": {"processor": self.load[0], "disk": self.load[1]},
            "rate": self.rate,
            "pace": self.pace,
            "stream": asdict(self.timing),
            "lens_latency_s": {
                str(dof): {"count": found.count, "median": found.median, "p95": found.p95}
                for dof, found in self.lens.items()
                if found.count
            },
            "tracking_rms_m": self.off,
            "refused_plans": self.refused,
            "targets": {"rate": RATE, "p99_ms": P99, "kept": self.good},
        }


def measure(
    rig: FlightRig,
    vehicle: Vehicle,
    camera: Camera,
    seconds: float,
    *,
    idle: bool = False,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Figures:
    """Fly a circle with a lens that steps, and measure.

    Args:
        rig: hovering, and ours to fly; it is left in hold.
        vehicle, camera: as for the rig.
        seconds: to measure for.
        idle: whether nothing else works meanwhile.
        progress: told the time that was measured, s.

    Raises:
        CinempcError: the flight ended before.
    """
    rig.fly()
    rig.wait_until(rig.now() + 1.0)
    laps = (seconds + 20.0) / 15.0
    circle = identify.circle(rig.state(), vehicle.limits, 0.0, speed=2.0, laps=laps)
    whole = _with_lens_steps(circle, rig.state(), camera)
    with load(idle) as count:
        whole = replace(whole, times=whole.times + rig.now() + 0.4)
        _follow(rig, whole, _SETTLE, lambda seconds: None)
        rig.measure_anew()
        began, wall = rig.now(), time.monotonic()
        off = _follow(rig, whole, seconds, progress)
        report, lasted, took = rig.report, rig.now() - began, time.monotonic() - wall
        latency = rig.lens_latency()
        rig.hold()
    if report.timing is None:
        raise CinempcError(f"nothing was streamed in {seconds:g} s: measure for longer")
    pace = lasted / took
    return Figures(
        count, report.timing.rate / pace, pace, report.timing, latency, off, report.refused_plans
    )


def _follow(
    rig: FlightRig, whole: Plan, seconds: float, progress: Callable[[float], None]
) -> float:
    """Plan as the take loop does; the distance to the plan, rms m."""
    began = rig.now()
    squares: list[float] = []
    while (now := rig.now()) < began + seconds:
        rig.follow(_ahead(whole, now))
        state = rig.state()
        if whole.start < state.time < whole.end:
            gap = whole.sample(state.time).position - state.position
            squares.append(float(gap @ gap))
        progress(now - began)
        rig.wait_until(now + 1 / _PLANS)
    return math.sqrt(float(np.mean(squares))) if squares else math.nan


def _ahead(whole: Plan, now: float) -> Plan:
    node = whole.times[1] - whole.times[0]
    first = min(max(int((now - whole.start) / node), 0), len(whole.times) - 2)
    last = min(first + max(1, round(_HORIZON / node)), len(whole.times) - 1)
    return Plan(
        whole.times[first : last + 1],
        whole.states[first : last + 1],
        whole.inputs[first:last],
        whole.headings[first : last + 1],
    )


def _with_lens_steps(plan: Plan, state: RigState, camera: Camera) -> Plan:
    """The plan with a lens that goes there and back, a step within each second and a half."""
    states, inputs = plan.states.copy(), plan.inputs.copy()
    low = lens_vector(camera.clamp(state.lens))
    step = np.where(_roomy(camera, low + _STEPS), _STEPS, -_STEPS)
    dt = np.diff(plan.times)
    there = np.floor((plan.times - plan.start) / _STEP) % 2
    states[:, LENS] = low + there[:, None] * step
    inputs[:, LENS_RATES] = np.diff(states[:, LENS], axis=0) / dt[:, None]
    return Plan(plan.times, states, inputs, plan.headings)


def _roomy(camera: Camera, vector: Floats) -> NDArray[np.bool_]:
    """Whether the camera has each of these: ln of the focal length, dioptres, stops."""
    return np.array(
        [
            math.exp(vector[0]) <= camera.focal_length.max,
            vector[1] <= 1 / camera.focus.closest,
            lens.f_number_from_stops(vector[2]) <= camera.aperture.max,
        ]
    )


# --- what else works --------------------------------------------------------------------------


@contextlib.contextmanager
def load(idle: bool = False) -> Iterator[tuple[int, int]]:
    """Work for every processor and for the disk, until the block ends; how many processes."""
    context = multiprocessing.get_context("spawn")
    over = context.Event()
    count = (0, 0) if idle else (os.cpu_count() or 1, 1)
    with tempfile.TemporaryDirectory() as folder:
        workers = [
            context.Process(target=_solve, args=(over, seed), daemon=True)
            for seed in range(count[0])
        ] + [
            context.Process(target=_write, args=(over, folder), daemon=True)
            for _ in range(count[1])
        ]
        for worker in workers:
            worker.start()
        try:
            yield count
        finally:
            over.set()
            for worker in workers:
                worker.join(10.0)
                if worker.is_alive():
                    worker.kill()
                    worker.join()


def _solve(over: Event, seed: int) -> None:
    """One system of equations after the other, without a pause."""
    random = np.random.default_rng(seed)
    matrix = random.standard_normal((_UNKNOWNS, _UNKNOWNS)) + 50.0 * np.eye(_UNKNOWNS)
    right: Floats = random.standard_normal(_UNKNOWNS)
    while not over.is_set():
        right[:] = np.linalg.solve(matrix, right)
        right /= np.linalg.norm(right)


def _write(over: Event, folder: str) -> None:
    """One megabyte after the other, each all the way to the disk."""
    data, path = os.urandom(_CHUNK), os.path.join(folder, "written")
    while not over.is_set():
        with open(path, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        time.sleep(0.01)
