"""Simulated vehicles that speak MAVLink as PX4 does, and payloads for a PX4 in SITL."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from cinempc.app.options.options import choose
from cinempc.app.options.simulation import PayloadOptions, VehicleOptions
from cinempc.app.progress import OnProgress, Progress, ignore
from cinempc.app.sim.events import LOG, SimEvent
from cinempc.app.sim.setting import setting
from sim.mavlink.payload import SimulatedPayload
from sim.mavlink.vehicle import SimulatedVehicle

#: Time between two warnings that the machine is too slow, s.
_WARN_EVERY = 10.0
#: PX4's first onboard port: instances count up from it.
_ONBOARD = 14540


def vehicle(
    options: VehicleOptions | None = None, *, progress: OnProgress = ignore, **changes: Any
) -> None:
    """Run a simulated vehicle, with gimbal and camera, until Ctrl-C.

    It listens where PX4 SITL does. Its actors begin when the camera records and go back to
    their places when it stops, for every take anew.

    Args:
        options: `VehicleOptions`.
        progress: told once, when it runs.
        **changes: single options by their names in `VehicleOptions`.

    Raises:
        CinempcError: an option is wrong, or a port is taken.
    """
    options = choose(VehicleOptions, options, changes)
    with setting(options) as where:
        simulated = SimulatedVehicle(
            where.vehicle,
            where.camera,
            instance=options.instance,
            position=where.position if options.at is None else np.array(options.at),
            heading=where.heading if options.heading is None else math.radians(options.heading),
            wind=where.wind,
            shutter=where.shutter,
            streams=where.streams,
            seed=options.seed,
        )
        try:
            what = (
                f"{where.vehicle.name} on udpin:127.0.0.1:{_ONBOARD + options.instance}"
                f" (ground station: 14550){where.about}"
            )
            progress(Progress(0, None, what))
            simulated.run(options.speed)
        finally:
            simulated.close()


def payload(
    options: PayloadOptions | None = None, *, progress: OnProgress = ignore, **changes: Any
) -> None:
    """Run gimbal and camera for a PX4 in SITL until Ctrl-C: they film the embedded world from
    where PX4 flies.

    Args:
        options: `PayloadOptions`.
        progress: told once, when they run.
        **changes: single options by their names in `PayloadOptions`.

    Raises:
        CinempcError: an option is wrong, or a port is taken.
    """
    options = choose(PayloadOptions, options, changes)
    with setting(options) as where:
        origin = where.position if options.origin is None else np.array(options.origin)
        simulated = SimulatedPayload(
            where.vehicle,
            where.camera,
            instance=options.instance,
            origin=origin,
            shutter=where.shutter,
            streams=where.streams,
            seed=options.seed,
            on_missed=_Missed(),
        )
        try:
            what = (
                f"gimbal and camera for PX4 instance {options.instance}, whose origin is at "
                f"{origin[0]:.2f},{origin[1]:.2f} in the scene{where.about}"
            )
            progress(Progress(0, None, what))
            simulated.run()
        finally:
            simulated.close()


class _Missed:
    """Warns that a machine is too slow, now and then."""

    def __init__(self) -> None:
        self._total, self._next = 0.0, 0.0

    def __call__(self, missed: float) -> None:
        self._total += missed
        if (now := time.monotonic()) < self._next:
            return
        self._next = now + _WARN_EVERY
        LOG.log(SimEvent.TOO_SLOW, missed=self._total)
