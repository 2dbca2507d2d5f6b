"""Vehicles for the tests of flight: a simulated one in a process of its own, or real PX4."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sim.px4 import find, start

ROOT = Path(__file__).resolve().parents[2]

SIMULATED = """
import sys
from cinempc import camera, vehicle
from sim.mavlink.vehicle import SimulatedVehicle
chosen = SimulatedVehicle(
    vehicle.load("x500_cinema"), camera.load("super35_zoom"), instance=int(sys.argv[1])
)
print("ready", flush=True)
chosen.run(float(sys.argv[2]))
"""

PAYLOAD = """
import sys
from cinempc import camera, vehicle
from sim.mavlink.vehicle import SimulatedPayload
chosen = SimulatedPayload(
    vehicle.load("x500_cinema"), camera.load("super35_zoom"), instance=int(sys.argv[1])
)
print("ready", flush=True)
chosen.run()
"""


def free_instance() -> int:
    """A number of an instance none of whose ports is in use."""
    offset = os.getpid() % 40
    for k in range(40):
        number = 10 + (offset + k) % 40
        if _all_free(number):
            return number
    raise RuntimeError("no free UDP ports")


def _all_free(instance: int) -> bool:
    return all(_free(port + instance) for port in (14540, 14580, 18570, 13280, 14030))


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def python(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process that says "ready"."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "ready"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def simulated(speed: float = 1.0) -> Iterator[tuple[str, int]]:
    """The simulated vehicle; its connection string and instance."""
    number = free_instance()
    with python(SIMULATED, number, speed):
        yield f"udpin:127.0.0.1:{14540 + number}", number


def px4_build() -> Path | None:
    """A build of PX4's SITL, if the environment names one in ``PX4_BUILD``."""
    build = os.environ.get("PX4_BUILD")
    return None if build is None else Path(build)


@contextlib.contextmanager
def px4(speed: float = 1.0, **parameters: float) -> Iterator[tuple[str, int]]:
    """Real PX4 with its SIH simulator, and our gimbal and camera behind it."""
    # From instance 9 on, all of PX4's onboard links lead to one port.
    number = next(n for n in range(8, -1, -1) if _all_free(n))
    command = start.command(
        find.find(find.Simulator.SIH), instance=number, speed=speed, parameters=parameters
    )
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "px4.txt", "w") as text:
        process = subprocess.Popen(
            command.words,
            stdin=subprocess.DEVNULL,
            stdout=text,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=os.environ | command.environment,
            start_new_session=True,
        )
        try:
            time.sleep(1.0)
            with python(PAYLOAD, number):
                yield f"udpin:127.0.0.1:{14540 + number}", number
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
