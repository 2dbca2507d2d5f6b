"""The pilot's process: the pilot in an event loop of its own, and the socket to who plans.

It takes ``("plan", plan)``, ``("order", number, name, arguments)`` and ``("end",)``, each a pickled
tuple, and gives ``("report", report)`` 50 times a second, ``("done", number, error class, value)``
for each order, ``("record", ...)`` for each event and ``("failed", why)`` when it cannot go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import signal
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc.errors import CinempcError
from cinempc.flight.config import Flight
from cinempc.flight.pilot.phases import FlightPhase
from cinempc.flight.pilot.pilot import Pilot
from cinempc.flight.pilot.reasons import FlightError, FlightOver, NotOurs, PilotEvent
from cinempc.mavlink.transport import LinkError
from cinempc.rig.camera import Camera
from cinempc.rig.log import ROOT, EventLogger, RelayHandler
from cinempc.rig.vehicle import Vehicle
from cinempc.safety.limits import Safety

Floats = NDArray[np.float64]

#: Reports a second.
_REPORTS = 50.0
#: Largest message between the two processes, bytes: a plan of a long horizon is a tenth of it.
LARGEST = 1 << 18
#: Answers and events that wait for a reader who is busy, at most.
_WAITING = 1000


def serve(
    channel: socket.socket,
    config: Flight,
    vehicle: Vehicle,
    camera: Camera,
    safety: Safety,
    origin: Floats,
) -> None:
    """The pilot's process. Ctrl-C is for the other one, which then ends this one in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _come_first()
    try:
        asyncio.run(_pilot(channel, config, vehicle, camera, safety, origin))
    except (CinempcError, OSError) as error:
        with contextlib.suppress(OSError):
            channel.send(pickle.dumps(("failed", str(error))))


def _come_first() -> None:
    """Before all others, where that is allowed (root, CAP_SYS_NICE, LimitRTPRIO): the stream stays
    regular while every processor is at work. It needs a tenth to a fifth of one."""
    try:
        # What it starts does not inherit it.
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)


async def _pilot(
    channel: socket.socket,
    config: Flight,
    vehicle: Vehicle,
    camera: Camera,
    safety: Safety,
    origin: Floats,
) -> None:
    channel.setblocking(False)
    over = asyncio.Event()

    waiting: deque[bytes] = deque(maxlen=_WAITING)

    def tell(*message: Any) -> None:
        # Never waits: a reader who is busy loses reports, not the stream its time. What is said
        # once is kept until there is room.
        if message[0] != "report":
            waiting.append(pickle.dumps(message))
        with contextlib.suppress(OSError):
            while waiting:
                channel.send(waiting[0])
                waiting.popleft()
            if message[0] == "report":
                channel.send(pickle.dumps(message))

    logger = logging.getLogger(ROOT)
    logger.setLevel(logging.INFO)
    logger.addHandler(RelayHandler(lambda *record: tell("record", *record)))
    log = EventLogger("cinempc.flight.pilot")
    pilot = Pilot(config, vehicle, camera, safety, origin)
    orders: dict[str, Callable[..., Any]] = {
        "open": pilot.open,
        "check": pilot.check,
        "take_off": pilot.take_off,
        "fly": pilot.fly,
        "hold": pilot.hold,
        "land": pilot.land,
        "return_home": pilot.return_home,
        "record": pilot.record,
        "parameter": pilot.autopilot.parameter,
        "measure_anew": pilot.measure_anew,
        "lens_latency": pilot.lens_latency,
    }
    running: set[asyncio.Task[None]] = set()

    async def carry_out(number: int, name: str, arguments: tuple[Any, ...]) -> None:
        try:
            tell("done", number, None, await orders[name](*arguments))
        except NotOurs as error:
            tell("done", number, FlightOver, error.problem)
        except FlightError as error:
            tell("done", number, FlightError, error.problem)
        except CinempcError as error:
            tell("done", number, LinkError, str(error))
        except Exception as error:
            tell("done", number, LinkError, f"{name}: {error!r}")

    def take() -> None:
        while True:
            try:
                data = channel.recv(LARGEST)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:  # the other process has gone
                asyncio.get_running_loop().remove_reader(channel.fileno())
                over.set()
                return
            kind, *rest = pickle.loads(data)
            if kind == "plan":
                try:
                    pilot.follow(rest[0])
                except Exception as error:  # the plan of before goes on, and comes to rest
                    log.log(PilotEvent.PLAN_UNREADABLE, error=repr(error))
            elif kind == "end":
                over.set()
            else:
                task = asyncio.ensure_future(carry_out(*rest))
                running.add(task)
                task.add_done_callback(running.discard)

    async def reports() -> None:
        while True:
            if pilot.clock.known:
                tell("report", pilot.report())
            await asyncio.sleep(1 / _REPORTS)

    loop = asyncio.get_running_loop()
    loop.add_reader(channel.fileno(), take)
    for number in (signal.SIGTERM, signal.SIGHUP):  # a terminal that is closed, a shutdown
        loop.add_signal_handler(number, over.set)
    telling = asyncio.ensure_future(reports())
    await over.wait()
    telling.cancel()
    for task in tuple(running):
        task.cancel()
    # Whoever was in charge has gone, in order or not: the vehicle is left standing, unless somebody
    # else flies it.
    if pilot.phase is not FlightPhase.IDLE:
        with contextlib.suppress(CinempcError):
            await pilot.hold()
    await pilot.close()
