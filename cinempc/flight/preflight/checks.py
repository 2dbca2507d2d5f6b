"""Before the flight: is the vehicle fit to fly, and does it keep the fence?

MAVSDK asks, in a process of its own that has ended, threads and ports with it, before this
returns: so the pilot's link can open the same connection right after. It runs before
`cinempc.flight.rig.FlightRig`, never beside it on one port::

    found = preflight.check(config, safety.fence, origin=origin)
    if found.problems:
        ...  # do not take off

Whatever the vehicle does not tell is a problem or a warning in the answer, in a sentence; an
exception is raised only where there is nobody to ask.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from cinempc.flight.config import Flight, read_key
from cinempc.flight.preflight import process as other
from cinempc.flight.preflight.finding import HEARD, Preflight, Question
from cinempc.flight.preflight.process import mavsdk_url
from cinempc.mavlink.transport import LinkError
from cinempc.rig.log import relay
from cinempc.safety.fence import Fence

Floats = NDArray[np.float64]

#: Time that fence and parameters may take, s, on a slow radio: then the process is ended.
_UPLOAD = 60.0


def check(
    config: Flight,
    fence: Fence | None = None,
    *,
    origin: Floats | None = None,
    connection: str | None = None,
    wait: float = 15.0,
) -> Preflight:
    """Ask the vehicle whether it is fit to fly, and give it its fence.

    Blocks for as long as the vehicle needs to get ready, ``wait`` s at most, and a second or two
    more for the fence. Owns the connection meanwhile, and has let go of it when it returns.

    Args:
        config: the connection; its ``vehicle_system`` picks the vehicle.
        fence: to put into the vehicle, in place of whatever fence it has; None leaves that.
        origin: of the vehicle's local frame in the script's world, ENU m, as for `FlightRig`.
        connection: in place of the config's, such as the ground station's link.
        wait: how long the vehicle may take to get ready (a receiver that looks for satellites), s.

    Raises:
        LinkError: the connection cannot be opened, or no autopilot is on it.
        ConfigError: the signing key cannot be read.
    """
    place = np.zeros(3) if origin is None else np.asarray(origin, dtype=float)
    question = Question(
        mavsdk_url(connection or config.connection),
        connection or config.connection,
        config.vehicle_system,
        config.component,
        None if config.key is None else read_key(config.key),
        fence,
        (float(place[0]), float(place[1]), float(place[2])),
        wait,
    )
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=other.serve, args=(theirs, question), name="cinempc preflight", daemon=True
    )
    process.start()
    theirs.close()
    try:
        found = _listen(ours, time.monotonic() + HEARD + wait + _UPLOAD, question)
        process.join(5.0)
        return found
    finally:
        if process.is_alive():
            process.kill()
            process.join()
        ours.close()


def _listen(channel: Connection, deadline: float, question: Question) -> Preflight:
    while True:
        try:
            if not channel.poll(max(0.0, deadline - time.monotonic())):
                raise LinkError(
                    f"the check before the flight on {question.address} came to no end: the link "
                    "loses too much, or the vehicle was switched off"
                )
            kind, *rest = channel.recv()
        except (EOFError, OSError):
            raise LinkError(
                f"the check before the flight on {question.address} broke off: a fault in MAVSDK"
            ) from None
        if kind == "record":
            relay(*rest)
        elif kind == "failed":
            raise LinkError(*rest)
        else:
            found: Preflight = rest[0]
            return found
