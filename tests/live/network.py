"""Vehicles for the tests of flight: a simulated one in a process of its own, or real PX4."""

from __future__ import annotations

import ast
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cinempc.mavlink.transport import Transport
from cinempc.rig.clock import WALL
from sim.px4 import find, start
from tests.live.processes import start as start_process

ROOT = Path(__file__).resolve().parents[2]

SIMULATED = """
import sys
from cinempc.rig import camera, vehicle
from sim.mavlink.vehicle import SimulatedVehicle
chosen = SimulatedVehicle(
    vehicle.load("x500_cinema"), camera.load("super35_zoom"), instance=int(sys.argv[1])
)
print("ready", flush=True)
chosen.run(float(sys.argv[2]))
"""

#: The simulated vehicle, already in the air, and on its standard input what happens to it: lines of
#: Python about ``vehicle``, each answered with its value. A line that is "anew" is a new vehicle.
#: ``computer`` is all that it heard of the companion computer.
CONTROLLED = """
import sys, threading
from cinempc.mavlink.dialect import mavlink
from cinempc.rig import camera, vehicle as vehicles
from sim.mavlink.vehicle import SimulatedVehicle

lines, over, computer = [], [], []

class Listener:
    system, component = 0, 0

    def receive(self, message):
        if message.get_srcComponent() == mavlink.MAV_COMP_ID_ONBOARD_COMPUTER:
            computer.append(message)

    def step(self, time):
        pass

def setpoint(m):
    if m.get_type() != "SET_POSITION_TARGET_LOCAL_NED":
        return None
    return [*map(str, (m.x, m.y, m.z, m.vx, m.vy, m.vz, m.afx, m.afy, m.afz, m.yaw, m.yaw_rate))]

def listen():
    for line in sys.stdin:
        lines.append(line.strip())
    over.append(True)

def make():
    made = SimulatedVehicle(
        vehicles.load("x500_cinema"), camera.load("super35_zoom"), instance=int(sys.argv[1])
    )
    made.autopilot.hover(float(sys.argv[2]))
    made.host.add(Listener())
    return made

vehicle = make()
threading.Thread(target=listen, daemon=True).start()
print("ready", flush=True)
while not over:
    vehicle.run(1.0, lambda: bool(lines or over))
    while lines:
        line = lines.pop(0)
        if line == "anew":
            vehicle.close()
            vehicle = make()
            print("None", flush=True)
        else:
            print(repr(eval(line)), flush=True)
"""

PAYLOAD = """
import sys
from cinempc.rig import camera, vehicle
from sim.mavlink.payload import SimulatedPayload
chosen = SimulatedPayload(
    vehicle.load("x500_cinema"), camera.load("super35_zoom"), instance=int(sys.argv[1])
)
print("ready", flush=True)
chosen.run()
"""


def free_port() -> int:
    """A UDP port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_instance() -> int:
    """A number of an instance none of whose ports is in use, and that no other test process has.
    Not 10: its onboard link would lead to port 14550, to which every vehicle sends for a ground
    station."""
    offset = os.getpid() % 39
    for k in range(39):
        number = 11 + (offset + k) % 39
        if _ours(number) and _all_free(number):
            return number
    raise RuntimeError("no free UDP ports")


_held: dict[int, int] = {}  # file descriptors of locks, by instance


def _ours(instance: int) -> bool:
    """Whether this process has the instance to itself, from now until it ends: ports are free for a
    moment whenever a vehicle is made anew."""
    if instance not in _held:
        path = Path(tempfile.gettempdir()) / f"cinempc-test-instance-{instance}.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        _held[instance] = lock
    return True


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
    process = start_process(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline().strip() == "ready"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@contextlib.contextmanager
def simulated(speed: float = 1.0) -> Iterator[tuple[str, int]]:
    """The simulated vehicle; its connection string and instance."""
    number = free_instance()
    with python(SIMULATED, number, speed):
        yield f"udpin:127.0.0.1:{14540 + number}", number


class Controlled:
    """A simulated vehicle in a process of its own, and what may happen to it."""

    def __init__(self, process: subprocess.Popen[str], instance: int) -> None:
        self._process, self.instance = process, instance
        self.system, self.clock = 1 + instance, WALL

    def ask(self, expression: str) -> Any:
        """The value of a Python expression about ``vehicle``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(expression + "\n")
        self._process.stdin.flush()
        return ast.literal_eval(self._process.stdout.readline().strip())

    def connect_station(self) -> Transport:
        """A ground station's end of its link."""
        return Transport(f"udpout:127.0.0.1:{18570 + self.instance}")

    def anew(self) -> None:
        """Another one, hovering."""
        self.ask("anew")

    def hear_anew(self) -> None:
        """Forget what was heard of the companion computer."""
        self.ask("computer.clear()")

    def heard(self) -> list[tuple[int, list[float] | None]]:
        """Every message that the companion computer sent since: its sequence number, and its
        numbers where it is a setpoint."""
        told = self.ask("[(m.get_seq(), setpoint(m)) for m in computer]")
        return [(number, values and [*map(float, values)]) for number, values in told]

    @property
    def mode(self) -> str:
        """Its flight mode, by its name."""
        return str(self.ask("vehicle.autopilot.mode.name"))

    @property
    def position(self) -> list[float]:
        """True position, ENU m."""
        return list(self.ask("vehicle.autopilot.position.tolist()"))

    @property
    def speed(self) -> float:
        """True speed, m/s."""
        return float(self.ask("float((vehicle.autopilot.velocity ** 2).sum() ** 0.5)"))

    def vanish(self, part: str) -> None:
        """Its ``camera`` or its gimbal's ``device`` falls silent and deaf."""
        self.ask(f"vehicle.host.components.remove(vehicle.{part})")

    def come_back(self, part: str) -> None:
        """And speaks again."""
        self.ask(f"vehicle.host.components.append(vehicle.{part})")


@contextlib.contextmanager
def controlled(height: float = 8.0) -> Iterator[Controlled]:
    """A simulated vehicle that hovers, and to which things may happen."""
    number = free_instance()
    with python(CONTROLLED, number, height) as process:
        yield Controlled(process, number)


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
