"""The real rig: a `Rig` whose vehicle is at the other end of a MAVLink connection.

The pilot has a process of its own (`cinempc.flight.pilot.process`), so that neither the controller
nor the detector nor the disk can make the stream late. This side hands it plans and gets reports;
the two talk through a socket pair, in messages of their own.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinempc.errors import CinempcError
from cinempc.flight.camera.lens.channel import Latency
from cinempc.flight.config import Flight
from cinempc.flight.pilot import process
from cinempc.flight.pilot.reasons import FlightOver, OrderReason
from cinempc.flight.pilot.report import Abilities, Report
from cinempc.mavlink.transport import LinkError
from cinempc.rig.between import between
from cinempc.rig.camera import Camera, Dof
from cinempc.rig.history import History
from cinempc.rig.log import problem, relay
from cinempc.rig.plan import Plan
from cinempc.rig.state import RigState
from cinempc.rig.vehicle import Vehicle
from cinempc.safety.limits import Safety

Floats = NDArray[np.float64]

#: How long the past is kept, s: from the exposure of a picture until it was decoded.
_PAST = 4.0
#: How far behind the newest a state is that tells of a restart, s.
_RESTART = 1.0
#: Age of the pilot's newest report, s, from which a newer one is waited for, and for how long until
#: the pilot is taken to be stuck. This process may have been stopped itself: then the newest is
#: old, and the next is there at once.
_FRESH, _STUCK = 1.0, 5.0
#: Longest that is waited at a time, s: of a time in which this process was stopped, no more counts.
_AT_A_TIME = 0.1


class FlightRig:
    """A vehicle on MAVLink as the take loop sees it. A context manager: closing leaves a vehicle
    that was being flown in hold, and one that somebody else flies by now alone.

    Args:
        config: the connection.
        vehicle, camera, safety: as for the controller.
        origin: of the vehicle's local frame in the script's world, ENU m.

    Raises:
        LinkError: nobody there, or not who can be flown.
    """

    def __init__(
        self,
        config: Flight,
        vehicle: Vehicle,
        camera: Camera,
        safety: Safety,
        *,
        origin: Floats | None = None,
    ) -> None:
        self.config = config
        self._lock = threading.Condition()
        self._report: Report | None = None
        self._past = History[RigState](kept=_PAST, restart=_RESTART)
        self._answers: dict[int, tuple[type[CinempcError] | None, Any]] = {}
        self._failure: str | None = None
        self._orders = 0
        self._closed = False
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._channel, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        context = multiprocessing.get_context("spawn")
        place = np.zeros(3) if origin is None else np.asarray(origin, dtype=float)
        self._process = context.Process(
            target=process.serve,
            args=(theirs, config, vehicle, camera, safety, place),
            name="cinempc pilot",
            daemon=True,
        )
        self._process.start()
        theirs.close()
        self._reader = threading.Thread(target=self._read, name="reports", daemon=True)
        self._reader.start()
        try:
            self.abilities: Abilities = self._order("open", timeout=60.0)
        except BaseException:
            self.close()
            raise

    # --- Rig ---

    def state(self) -> RigState:
        """The newest state."""
        return self.report.state

    def follow(self, plan: Plan) -> None:
        """Fly this plan from now on; when it runs out, come to rest.

        Raises:
            FlightOver: somebody else flies now.
        """
        report = self.report
        if report.over is not None:
            raise FlightOver(problem(OrderReason.ENDED, reason=report.over))
        with contextlib.suppress(BlockingIOError):  # it is stuck, and the report will be old soon
            self._tell(("plan", plan), socket.MSG_DONTWAIT)

    def wait_until(self, time: float) -> float:
        """Return when the vehicle's clock shows ``time``, s; what it shows then.

        Raises:
            FlightOver, LinkError: as `follow`; the clock has stopped.
        """
        while (left := time - self.now()) > 0:
            if (over := self.report.over) is not None:
                raise FlightOver(problem(OrderReason.ENDED, reason=over))
            rate, _ = self.report.clock
            _sleep(min(left / max(rate, 0.05), 0.1))
        return time - left

    # --- more than a Rig ---

    @property
    def report(self) -> Report:
        """The pilot's newest report.

        Raises:
            LinkError: there is none: the pilot has ended.
        """
        waited = 0.0
        with self._lock:
            while True:
                self._check()
                began = time.monotonic()
                report = self._report
                if report is not None and began - report.made < _FRESH:
                    return report
                if waited > _STUCK:
                    raise LinkError("the pilot's process reports nothing")
                self._lock.wait(_AT_A_TIME)
                waited += min(time.monotonic() - began, _AT_A_TIME)

    def now(self) -> float:
        """The vehicle's time, s."""
        rate, offset = self.report.clock
        return rate * time.monotonic() + offset

    def at(self, when: float) -> RigState:
        """The state at a past time, s: the camera's pose between two reports by straight lines;
        the oldest or newest known beyond, and the nearer of two where the vehicle cannot have
        flown from the one to the other: a picture was taken from either, not from between."""
        with self._lock:
            before, after = self._past.around(when)
        if before is not None and after is not None:
            return between(before.value, after.value, when)
        nearest = before or after
        return self.state() if nearest is None else nearest.value

    def check(self, recording: bool = True) -> None:
        """See, before anything is ordered, that gimbal and camera will do what a take needs.

        Args:
            recording: whether the camera has to record; a camera that does not say whether it can
                records for a moment.

        Raises:
            LinkError: they will not.
        """
        self._order("check", recording, timeout=90.0)

    def take_off(self, height: float) -> None:
        """Arm and climb to a height, m.

        Raises:
            LinkError: the vehicle does not.
        """
        self._order("take_off", height, timeout=180.0)

    def fly(self) -> None:
        """Take the vehicle over, where it is.

        Raises:
            LinkError: the vehicle does not let us.
        """
        self._order("fly", timeout=60.0)

    def hold(self) -> None:
        """Hand the vehicle back, standing in the air.

        Raises:
            FlightOver: somebody else flies it: nothing was changed.
            LinkError: it does not.
        """
        self._order("hold", timeout=30.0)

    def land(self) -> None:
        """Hand the vehicle back, and land it here. Raises as `hold`."""
        self._order("land", timeout=400.0)

    def return_home(self) -> None:
        """Hand the vehicle back, on its way home. Raises as `hold`."""
        self._order("return_home", timeout=30.0)

    def record(self, on: bool) -> None:
        """Start or stop the camera's own recording.

        Raises:
            LinkError: it does not.
        """
        self._order("record", on, timeout=90.0)

    def parameter(self, name: str, value: float | None = None) -> float:
        """A parameter of the autopilot; set first where a value is given."""
        return float(self._order("parameter", name, value, timeout=20.0))

    def measure_anew(self) -> None:
        """Let the report's figures of the stream begin now."""
        self._order("measure_anew", timeout=10.0)

    def lens_latency(self) -> dict[Dof, Latency]:
        """From commands to the lens until reports showed their effect, s."""
        found: dict[Dof, Latency] = self._order("lens_latency", timeout=10.0)
        return found

    def close(self) -> None:
        """End the pilot. A vehicle that was being flown is left in hold; one that somebody else
        flies by now, alone."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError):
            self._channel.send(pickle.dumps(("end",)))
        self._process.join(12.0)  # a lossy link takes its time until the vehicle holds
        if self._process.is_alive():
            self._process.kill()  # it was asked already
            self._process.join(2.0)
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        self._reader.join(2.0)
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- the channel ---

    def _order(self, name: str, *arguments: Any, timeout: float) -> Any:
        """Have the pilot do something, in vehicle seconds: of a simulator in slow motion they are
        as much longer."""
        with self._lock:
            if self._report is not None:
                timeout /= min(max(self._report.clock[0], 0.05), 1.0)
            self._orders += 1
            number = self._orders
        self._tell(("order", number, name, arguments))
        with self._lock:
            arrived = self._lock.wait_for(
                lambda: number in self._answers or self._failure is not None, timeout
            )
            if number not in self._answers:
                raise LinkError(
                    self._failure
                    if arrived and self._failure
                    else f"the pilot did not {name.replace('_', ' ')} in {timeout:g} s"
                )
            fault, value = self._answers.pop(number)
        if fault is not None:
            raise fault(value)
        return value

    def _tell(self, message: tuple[Any, ...], flags: int = 0) -> None:
        """Raises LinkError where nobody listens any more."""
        try:
            self._channel.send(pickle.dumps(message), flags)
        except BlockingIOError:
            raise
        except OSError:
            raise LinkError(self._failure or "the pilot's process has ended") from None

    def _check(self) -> None:
        if self._failure is not None:
            raise LinkError(self._failure)

    def _read(self) -> None:
        while True:
            try:
                data = self._channel.recv(process.LARGEST)
            except OSError:
                data = b""
            if not data:
                with self._lock:
                    if self._failure is None and not self._closed:
                        self._failure = "the pilot's process has ended"
                    self._lock.notify_all()
                return
            kind, *rest = pickle.loads(data)
            if kind == "record":
                relay(*rest)
                continue
            with self._lock:
                if kind == "report":
                    self._report = rest[0]
                    self._past.add(rest[0].state.time, rest[0].state)
                elif kind == "done":
                    self._answers[rest[0]] = (rest[1], rest[2])
                elif kind == "failed":
                    self._failure = rest[0]
                self._lock.notify_all()


def _sleep(seconds: float) -> None:
    time.sleep(max(0.0, seconds))
