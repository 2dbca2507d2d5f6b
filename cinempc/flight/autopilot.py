"""The autopilot: where the vehicle is, what state it is in, and the orders that it takes.

Spoken as PX4 speaks it. Nothing here streams setpoints: `cinempc.flight.stream` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from typing import Any

from cinempc.flight import telemetry
from cinempc.flight.clock import VehicleClock
from cinempc.flight.commands import (
    CommandRefused,
    NoAnswer,
    Target,
    command,
    get_parameter,
    request,
    set_interval,
    set_parameter,
)
from cinempc.flight.dialect import enum_name, mavlink
from cinempc.flight.link import Link
from cinempc.flight.px4 import Mode
from cinempc.flight.telemetry import Attitude, Floats, LocalPosition, Status
from cinempc.flight.transport import LinkError

#: Messages asked for, and how often, 1/s.
RATES = {
    "LOCAL_POSITION_NED": 50.0,
    "ATTITUDE": 50.0,
    "ESTIMATOR_STATUS": 5.0,
    "EXTENDED_SYS_STATE": 5.0,
    "GLOBAL_POSITION_INT": 5.0,
    "SYS_STATUS": 2.0,
    "HOME_POSITION": 1.0,
    "SYSTEM_TIME": 5.0,  # a simulator's UTC may run at another rate than its own time
}
#: Oldest release of PX4 that takes all that is sent here: gimbal protocol v2 came with 1.13.
OLDEST = (1, 13, 0)
#: Time between requests of a heartbeat, s: by itself it comes once a second, too late to notice
#: that the pilot has taken over.
_ASK = 0.2
#: Time without an autopilot's heartbeat, s, after which it is gone.
_GONE = 3.0
#: Time, s, in which the numbers of its messages tell which of two was sent first: they begin anew
#: after 256.
_IN_ORDER = 0.15
#: Time, vehicle s, after which PX4's navigator has seen a parameter: it looks once a second, and
#: would climb to the height of the flight before.
_LOOKS = 1.1
#: Time, s, after it said "failsafe" in which a change of the mode is the autopilot's own.
_FAILSAFE = 3.0
#: Modes in which a vehicle that was told to land is on its way down.
LANDING = (Mode.LAND, Mode.PRECISION_LAND, Mode.DESCEND)
#: Time for an order to show its effect, s, before it is given again.
_EFFECT = 2.0

Event = Callable[[str, str], None]  #: (level "info" | "warning" | "error", sentence)


class FlightError(LinkError):
    """An order that the vehicle did not carry out, with why."""


class Autopilot:
    """A vehicle's autopilot on a link.

    Args:
        link: open or about to be.
        clock: told of the vehicle's time.
        system: the vehicle's system id; None takes the first autopilot heard.
        component: the autopilot's.
        on_event: told what the log shall say.

    Attributes:
        position, attitude, status: the newest of each, None before the first.
        home: where it returns to, ENU m from its local origin; set anew when it arms.
        landed: MAV_LANDED_STATE.
        positioned: whether its estimator has a position.
        battery: remaining share, None where unknown.
        utc: seconds since 1970 at vehicle time 0, None while it does not know.
        texts: what it said last.
    """

    def __init__(
        self,
        link: Link,
        clock: VehicleClock,
        *,
        system: int | None = None,
        component: int = mavlink.MAV_COMP_ID_AUTOPILOT1,
        on_event: Event = lambda level, sentence: None,
    ) -> None:
        self.link, self.clock = link, clock
        self._system, self._component = system, component
        self._on_event = on_event
        self.position: LocalPosition | None = None
        self.attitude: Attitude | None = None
        self.status: Status | None = None
        self.home: Floats | None = None
        self.landed = int(mavlink.MAV_LANDED_STATE_UNDEFINED)
        self.positioned = False
        self.battery: float | None = None
        self.utc: float | None = None
        self.texts: list[str] = []
        self.version: tuple[int, int, int] | None = None
        self.on_status: list[Callable[[Status | None, Status], None]] = []
        self.on_text: list[Callable[[int, str], None]] = []
        self.failed_safe = -math.inf  #: When it last said that a failsafe acts, monotonic s.
        self._beat = self._placed = -math.inf
        self._number, self._numbered = 0, -math.inf  # of its newest message, and when that came
        self._others: set[int] = set()
        self._foreign = False
        link.on("HEARTBEAT", self._heartbeat)
        link.overhear("HEARTBEAT", self._station)
        link.on("LOCAL_POSITION_NED", self._local_position)
        link.on("ATTITUDE", self._attitude)
        link.on("ESTIMATOR_STATUS", self._estimator)
        link.on("HOME_POSITION", self._home)
        link.on("EXTENDED_SYS_STATE", self._landed)
        link.on("SYS_STATUS", self._sys_status)
        link.on("SYSTEM_TIME", self._system_time)
        link.on("STATUSTEXT", self._text)

    # --- what it reports ---

    @property
    def target(self) -> Target:
        """Its address.

        Raises:
            LinkError: it was not heard yet.
        """
        if self._system is None:
            raise LinkError(f"no autopilot was heard on {self.link.address} yet")
        return Target(self._system, self._component)

    @property
    def mode(self) -> Mode:
        """Its flight mode, as of the newest heartbeat."""
        return Mode.UNKNOWN if self.status is None else self.status.mode

    @property
    def overruled(self) -> str:
        """Who has chosen the mode when it was not us, as a sentence. PX4 says "failsafe" on links
        with a ground station only; its heartbeats say it on all."""
        failed = (
            self.status is not None and self.status.system_status == mavlink.MAV_STATE_CRITICAL
        ) or time.monotonic() - self.failed_safe < _FAILSAFE
        who = "a failsafe of the autopilot acts" if failed else "somebody has taken over"
        return f"{who}: the mode is {self.mode}"

    @property
    def armed(self) -> bool:
        """Whether its motors may turn, as of the newest heartbeat."""
        return self.status is not None and self.status.armed

    @property
    def airborne(self) -> bool:
        """Whether it is off the ground."""
        return self.landed in (
            mavlink.MAV_LANDED_STATE_IN_AIR,
            mavlink.MAV_LANDED_STATE_TAKEOFF,
            mavlink.MAV_LANDED_STATE_LANDING,
        )

    @property
    def silence(self) -> float:
        """Time since its position came last, s (of a simulator in slow motion, its own); infinite
        before the first."""
        return (time.monotonic() - self._placed) / self.clock.patience(1.0)

    @property
    def gone(self) -> bool:
        """Whether not even its heartbeat comes any more."""
        return time.monotonic() - self._beat > self.clock.patience(_GONE)

    def _ours(self, message: Any) -> bool:
        sender = (message.get_srcSystem(), message.get_srcComponent())
        return sender == (self._system, self._component)

    def _in_order(self, message: Any) -> bool:
        """Whether a message of the autopilot was not overtaken on the way: an old mode that comes
        after the new one is not a change of the mode."""
        now, number = time.monotonic(), int(message.get_seq())
        ahead = (number - self._number) % 256
        if ahead >= 128 and now - self._numbered < _IN_ORDER:
            return False
        self._number, self._numbered = number, now
        return True

    def _heartbeat(self, message: Any) -> None:
        if message.autopilot == mavlink.MAV_AUTOPILOT_INVALID:
            self._station(message)
            return
        if message.get_srcComponent() != self._component:
            return
        if self._system is not None and message.get_srcSystem() != self._system:
            return
        if message.autopilot != mavlink.MAV_AUTOPILOT_PX4:
            if not self._foreign:
                self._foreign = True
                self._on_event(
                    "error",
                    f"the autopilot of system {message.get_srcSystem()} is no PX4 "
                    f"(MAV_AUTOPILOT {message.autopilot}): not flown",
                )
            return
        self._system = message.get_srcSystem()
        if not self._in_order(message):
            return
        before, self.status = self.status, telemetry.status(message)
        self._beat = time.monotonic()
        if before != self.status:
            for listener in tuple(self.on_status):
                listener(before, self.status)

    def _station(self, message: Any) -> None:
        """A ground station says that it is there; whatever it says else is for the autopilot."""
        system = message.get_srcSystem()
        if message.type == mavlink.MAV_TYPE_GCS and system not in self._others:
            self._others.add(system)
            self._on_event("info", f"a ground station is on the link (system {system})")

    def _local_position(self, message: Any) -> None:
        if not self._ours(message):
            return
        self._in_order(message)
        found = telemetry.local_position(message)
        if found is None:
            return
        restarts = self.clock.restarts
        self.clock.tell(found.time)
        if self.clock.restarts > restarts:
            self.position = self.home = None  # a reboot: what was known is another flight's
            self._on_event("error", "the autopilot was restarted")
        if self.position is not None and found.time < self.position.time:
            return  # overtaken on the way
        self.position = found
        self._placed = time.monotonic()

    def _attitude(self, message: Any) -> None:
        if not self._ours(message):
            return
        self._in_order(message)
        found = telemetry.attitude(message)
        if found is not None and not (
            self.attitude is not None and 0 < self.attitude.time - found.time < 1
        ):
            self.attitude = found

    def _estimator(self, message: Any) -> None:
        if not self._ours(message) or not self._in_order(message):
            return
        positioned = telemetry.has_position(message)
        if self.positioned and not positioned:
            self._on_event("error", "the autopilot has lost its position (GPS?)")
        elif positioned and not self.positioned:
            self._on_event("info", "the autopilot has a position")
        self.positioned = positioned

    def _home(self, message: Any) -> None:
        if self._ours(message):
            found = telemetry.home(message)
            self.home = self.home if found is None else found

    def _landed(self, message: Any) -> None:
        if self._ours(message) and self._in_order(message):
            self.landed = int(message.landed_state)

    def _sys_status(self, message: Any) -> None:
        if self._ours(message) and 0 <= message.battery_remaining <= 100:
            self.battery = message.battery_remaining / 100

    def _system_time(self, message: Any) -> None:
        if self._ours(message):
            self.utc = telemetry.utc(message)

    def _text(self, message: Any) -> None:
        if not self._ours(message):
            return
        words = telemetry.text(message)
        if "failsafe" in words.lower():
            self.failed_safe = time.monotonic()
        level = "warning" if message.severity <= mavlink.MAV_SEVERITY_WARNING else "info"
        if words not in self.texts[-1:]:  # it says the same again for every refused order
            self.texts = [*self.texts[-9:], words]
            self._on_event(level, f"autopilot: {words}")
        for listener in tuple(self.on_text):
            listener(int(message.severity), words)

    # --- meeting it ---

    async def connect(self, timeout: float = 10.0) -> None:
        """Find it, see that it is a PX4 that can be flown, and have its messages sent.

        Raises:
            LinkError: nobody there, another autopilot, or one that is too old.
        """
        await self._until(
            lambda: self.status is not None,
            timeout,
            lambda: (
                f"no PX4 was heard on {self.link.address} in {timeout:g} s: is it running, and "
                "does it send there? (PX4's onboard link sends to UDP port 14540: "
                "udpin:0.0.0.0:14540)"
            ),
        )
        self.link.system = self.target.system  # we are a component of the vehicle
        try:
            about = await request(self.link, self.target, "AUTOPILOT_VERSION")
        except CommandRefused as error:
            raise LinkError(f"the autopilot does not tell its version: {error}") from None
        number = about.flight_sw_version
        self.version = (number >> 24 & 0xFF, number >> 16 & 0xFF, number >> 8 & 0xFF)
        if self.version < OLDEST:
            raise LinkError(
                f"the autopilot runs PX4 {'.'.join(map(str, self.version))}, and needs "
                f"{'.'.join(map(str, OLDEST))} or newer: update it"
            )
        needed = mavlink.MAV_PROTOCOL_CAPABILITY_SET_POSITION_TARGET_LOCAL_NED
        if not about.capabilities & needed:
            raise LinkError("the autopilot takes no local position setpoints: it cannot be flown")
        for name, rate in RATES.items():
            try:
                await set_interval(self.link, self.target, name, rate)
            except CommandRefused as error:
                self._on_event("warning", f"{name} cannot be had {rate:g} times a second: {error}")
        await self._until(
            lambda: self.position is not None and self.attitude is not None,
            timeout,
            lambda: (
                "the autopilot sends no position: it has none (GPS, estimator), or its link is full"
            ),
        )

    async def watch(self) -> None:
        """Ask for heartbeats, for ever: a change of the mode is noticed in a quarter of a
        second, not in one. After a restart also for all messages at their rates, which it has
        forgotten."""
        number = mavlink.MAVLINK_MSG_ID_HEARTBEAT
        restarts = self.clock.restarts
        while True:
            self._ask(mavlink.MAV_CMD_REQUEST_MESSAGE, number)
            if self.clock.restarts > restarts:
                restarts = self.clock.restarts
                for name, rate in RATES.items():
                    wanted = getattr(mavlink, f"MAVLINK_MSG_ID_{name}")
                    self._ask(mavlink.MAV_CMD_SET_MESSAGE_INTERVAL, wanted, 1e6 / rate)
            await asyncio.sleep(_ASK)

    def _ask(self, number: int, *params: float) -> None:
        """A command for whose answer nobody waits."""
        self.link.send(
            mavlink.MAVLink_command_long_message(
                self.target.system,
                self.target.component,
                number,
                0,
                *params,
                *[0.0] * (7 - len(params)),
            )
        )

    async def current_mode(self, timeout: float = 0.6) -> Mode:
        """The flight mode, asked for now; as of the newest heartbeat where no answer comes."""
        waiting = asyncio.ensure_future(self.link.wait("HEARTBEAT", self.target.sent, timeout))
        await asyncio.sleep(0)
        self._ask(mavlink.MAV_CMD_REQUEST_MESSAGE, mavlink.MAVLINK_MSG_ID_HEARTBEAT)
        with contextlib.suppress(TimeoutError):
            await waiting
        return self.mode

    async def parameter(self, name: str, value: float | None = None) -> float:
        """A parameter's value; set first where one is given.

        Raises:
            NoAnswer: there is none of that name.
        """
        if value is not None:
            await set_parameter(self.link, self.target, name, value)
        return await get_parameter(self.link, self.target, name)

    # --- orders ---

    async def arm(self, timeout: float = 15.0) -> None:
        """Arm; asks again while the autopilot says "not yet".

        Raises:
            FlightError: it refuses, with what it said of why.
        """
        await self._order(
            mavlink.MAV_CMD_COMPONENT_ARM_DISARM,
            1.0,
            what="arm",
            timeout=timeout,
            done=lambda: self.armed,
        )

    async def disarm(self, timeout: float = 5.0) -> None:
        """Disarm, on the ground.

        Raises:
            FlightError: it refuses.
        """
        await self._order(
            mavlink.MAV_CMD_COMPONENT_ARM_DISARM,
            0.0,
            what="disarm",
            timeout=timeout,
            done=lambda: not self.armed,
        )

    async def set_mode(self, mode: Mode, timeout: float = 5.0) -> None:
        """Change the flight mode, and see it changed.

        Raises:
            FlightError: it refuses, or somebody else changes it to a third mode meanwhile.
        """
        main, sub = mode.value
        known, seen = {self.mode, mode, Mode.READY}, {self.mode}

        def see(before: Status | None, now: Status) -> None:
            seen.add(now.mode)

        self.on_status.append(see)
        try:
            await self._order(
                mavlink.MAV_CMD_DO_SET_MODE,
                float(mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED),
                float(main),
                float(sub),
                what=f"change to {mode}",
                timeout=timeout,
                # Once is enough: what follows is somebody else's wish.
                done=lambda: mode in seen,
                unless=lambda: bool(seen - known),
            )
        finally:
            self.on_status.remove(see)

    async def take_off(self, height: float, timeout: float = 45.0) -> None:
        """Arm and climb to ``height`` m above here; returns in a hover.

        Raises:
            FlightError: it does not get there, or somebody else flies it meanwhile.
        """
        await self.parameter("MIS_TAKEOFF_ALT", height)
        await asyncio.sleep(_LOOKS / max(self.clock.rate, 0.05))
        ground = self._height()
        await self.set_mode(Mode.TAKEOFF)
        await self.arm()
        await self._until(
            lambda: self._height() - ground > 0.95 * height - 0.2 and self.mode is Mode.HOLD,
            timeout,
            lambda: f"the vehicle did not climb to {height:g} m in {timeout:g} s{self._said()}",
            modes=(Mode.TAKEOFF, Mode.HOLD, Mode.READY),
        )

    async def land(self, timeout: float = 90.0) -> None:
        """Land here, and wait until the motors stand still.

        Raises:
            FlightError: it does not land in time, or somebody else flies it meanwhile.
        """
        await self.set_mode(Mode.LAND)
        await self._until(
            lambda: not self.armed,
            timeout,
            lambda: f"the vehicle did not land and disarm in {timeout:g} s{self._said()}",
            modes=LANDING,
        )

    def _height(self) -> float:
        return math.nan if self.position is None else float(self.position.position[2])

    async def _order(
        self,
        number: int,
        *params: float,
        what: str,
        timeout: float,
        done: Callable[[], bool],
        unless: Callable[[], bool] = lambda: False,
    ) -> None:
        """A command, given again while it is refused for now, and while it has no effect: an
        answer that comes late or twice may be that of an earlier order."""
        began = time.monotonic()
        while True:
            left = timeout - (time.monotonic() - began)
            try:
                await command(self.link, self.target, number, *params, unless=unless)
                if await self._comes(lambda: done() or unless(), _EFFECT) and done():
                    return
                if left < 0 and not unless():
                    raise FlightError(
                        f"the autopilot accepted to {what}, and did not{self._said()}"
                    )
            except CommandRefused as error:
                if error.result != mavlink.MAV_RESULT_TEMPORARILY_REJECTED or left < 0:
                    raise FlightError(
                        f"the autopilot does not {what} "
                        f"({enum_name('MAV_RESULT', error.result)}){self._said()}"
                    ) from None
                await asyncio.sleep(0.25)
            except NoAnswer as error:
                if not unless():
                    raise FlightError(f"the autopilot does not {what}: {error}") from None
            if unless():
                raise FlightError(f"not told again to {what}: {self.overruled}")

    def _said(self) -> str:
        return f"; it said: {'; '.join(self.texts[-3:])}" if self.texts else ""

    async def _until(
        self,
        condition: Callable[[], bool],
        timeout: float,
        sentence: Callable[[], str],
        modes: tuple[Mode, ...] = tuple(Mode),
    ) -> None:
        """Until a condition is true.

        Raises:
            FlightError: it is not in time, with the sentence; or the mode becomes none of these.
        """

        def elsewhere() -> bool:
            return self.mode not in modes

        if not await self._comes(lambda: condition() or elsewhere(), timeout):
            raise FlightError(sentence())
        if not condition():
            raise FlightError(f"{self.overruled}{self._said()}")

    async def _comes(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Whether a condition comes true in time."""
        # A simulator that runs slowly takes longer by this clock.
        end = time.monotonic() + self.clock.patience(timeout)
        while not condition():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.02)
        return True
