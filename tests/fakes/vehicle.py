"""The simulated vehicle in the event loop of whoever flies it, behind wires in memory."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from cinempc.mavlink.transport import Transport
from cinempc.rig import camera as cameras
from cinempc.rig import vehicle as vehicles
from cinempc.rig.clock import Clock
from sim.mavlink.host import SLICE
from sim.mavlink.vehicle import SimulatedVehicle
from tests.fakes.wire import MemoryWire

VEHICLE = vehicles.load("x500_cinema")
CAMERA = cameras.load("super35_zoom")


class DefinitionFile:
    """A camera's definition, as a file."""

    def __init__(self, xml: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "camera.xml"
        path.write_text(xml)
        self.uri = path.as_uri()

    def close(self) -> None:
        self._folder.cleanup()


class VirtualVehicle:
    """A simulated vehicle that steps in the running event loop, in whatever time that has.

    Args:
        clock: the loop's.
        height: above the ground, m, at which it hovers at first; None for on the ground, disarmed.
        pace: vehicle seconds per second of the clock.
        seed: of the wires.
        simulation: passed on to `SimulatedVehicle`.

    Attributes:
        onboard, station: its links, to a companion computer and to a ground station.
        simulated: the vehicle itself, newest.
        system, instance: its system id, and that less one.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        height: float | None = None,
        pace: float = 1.0,
        seed: int = 0,
        **simulation: Any,
    ) -> None:
        self.clock, self.pace = clock, pace
        self.instance, self.system = (
            simulation.get("instance", 0),
            simulation.get("instance", 0) + 1,
        )
        self.onboard, self.station = MemoryWire(seed), MemoryWire(seed + 1)
        self._height, self._simulation = height, simulation
        self.simulated = self._make()
        self._running: asyncio.Task[None] | None = None

    def _make(self) -> SimulatedVehicle:
        made = SimulatedVehicle(
            **({"vehicle": VEHICLE, "camera": CAMERA} | self._simulation),
            links={"gcs": self.station.vehicle, "onboard": self.onboard.vehicle},
            publish=DefinitionFile,
            wall=self.clock,
        )
        if self._height is not None:
            made.autopilot.hover(self._height)
        return made

    def start(self) -> None:
        """Let its time go on, in the running loop, from now on."""
        self._running = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        began, steps = self.clock.now(), 0
        while True:
            self.simulated.host.step()
            steps += 1
            # By the count, and not by what is left: no rounding is ever added up.
            await asyncio.sleep(began + steps * SLICE / self.pace - self.clock.now())

    def stop(self) -> None:
        """It is stopped with everything on board, as by a loss of power; `start` goes on."""
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def anew(self) -> None:
        """Another one in its place, as it was in the beginning: a restart."""
        self.simulated.definition.close()
        self.simulated = self._make()

    def vanish(self, part: str) -> None:
        """Its ``camera`` or its gimbal's ``device`` falls silent and deaf."""
        self.simulated.host.components.remove(getattr(self.simulated, part))

    def come_back(self, part: str) -> None:
        """And speaks again."""
        self.simulated.host.components.append(getattr(self.simulated, part))

    def close(self) -> None:
        self.stop()
        self.simulated.close()
        self.onboard.close()
        self.station.close()

    def connect(self, address: str = "onboard") -> Transport:
        """A companion computer's end of its link; opened anew, in place of the one before."""
        return Transport(address, self.onboard.connect(), self.clock)

    def connect_station(self) -> Transport:
        """A ground station's."""
        return Transport("station", self.station.connect(), self.clock)

    @property
    def mode(self) -> str:
        """Its flight mode, by its name."""
        return str(self.simulated.autopilot.mode.name)

    @property
    def position(self) -> list[float]:
        """True position, ENU m."""
        return [float(x) for x in self.simulated.autopilot.position]

    @property
    def speed(self) -> float:
        """True speed, m/s."""
        return float(np.linalg.norm(self.simulated.autopilot.velocity))
