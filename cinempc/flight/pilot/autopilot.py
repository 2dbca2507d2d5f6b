"""The autopilot: meeting it, and the orders that it takes; what it reports is in
`cinempc.flight.pilot.autopilot_reports`.

Spoken as PX4 speaks it. Nothing here streams setpoints: `cinempc.flight.pilot.stream` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable

from cinempc.flight.pilot.autopilot_reports import AutopilotReports
from cinempc.flight.pilot.reasons import (
    AutopilotEvent,
    ConnectReason,
    FlightError,
    OrderReason,
    not_done,
)
from cinempc.mavlink.commands import (
    CommandRefused,
    NoAnswer,
    command,
    get_parameter,
    request,
    set_interval,
    set_parameter,
)
from cinempc.mavlink.dialect import enum_name, mavlink
from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.telemetry import Status
from cinempc.rig.log import Problem, problem

#: Messages asked for, and how often, 1/s.
RATES = {
    "LOCAL_POSITION_NED": 50.0,
    "ATTITUDE": 50.0,
    "ESTIMATOR_STATUS": 5.0,
    "EXTENDED_SYS_STATE": 5.0,
    "GLOBAL_POSITION_INT": 5.0,
    "HOME_POSITION": 1.0,
    "GPS_GLOBAL_ORIGIN": 1.0,  # sent when it has changed
    "ODOMETRY": 5.0,  # for the number of the estimator's resets
    "BATTERY_STATUS": 1.0,
    "DISTANCE_SENSOR": 10.0,  # where there is one
    "SYSTEM_TIME": 5.0,  # a simulator's UTC may run at another rate than its own time
}
#: Oldest release of PX4 that takes all that is sent here: gimbal protocol v2 came with 1.13.
OLDEST = (1, 13, 0)
#: Time between requests of a heartbeat, s: by itself it comes once a second, too late to notice
#: that the pilot has taken over.
_ASK = 0.2
#: Time, vehicle s, after which PX4's navigator has seen a parameter: it looks once a second, and
#: would climb to the height of the flight before.
_LOOKS = 1.1
#: Modes in which a vehicle that was told to land is on its way down.
LANDING = (Mode.LAND, Mode.PRECISION_LAND, Mode.DESCEND)
#: Time for an order to show its effect, s, before it is given again.
_EFFECT = 2.0


class Autopilot(AutopilotReports):
    """A vehicle's autopilot on a link: what it reports, and what it is ordered."""

    async def connect(self, timeout: float = 10.0) -> None:
        """Find it, see that it is a PX4 that can be flown, and have its messages sent.

        Raises:
            LinkError: nobody there, another autopilot, or one that is too old.
        """
        await self._until(
            lambda: self.status is not None,
            timeout,
            lambda: problem(ConnectReason.NOT_HEARD, address=self.link.address, timeout=timeout),
        )
        self.link.system = self.target.system  # we are a component of the vehicle
        try:
            about = await request(self.link, self.target, "AUTOPILOT_VERSION")
        except CommandRefused as error:
            raise not_done(ConnectReason.NO_VERSION, error=str(error)) from None
        number = about.flight_sw_version
        self.version = (number >> 24 & 0xFF, number >> 16 & 0xFF, number >> 8 & 0xFF)
        if self.version < OLDEST:
            raise not_done(
                ConnectReason.TOO_OLD,
                version=".".join(map(str, self.version)),
                oldest=".".join(map(str, OLDEST)),
            )
        needed = mavlink.MAV_PROTOCOL_CAPABILITY_SET_POSITION_TARGET_LOCAL_NED
        if not about.capabilities & needed:
            raise not_done(ConnectReason.NO_SETPOINTS)
        for name, rate in RATES.items():
            try:
                await set_interval(self.link, self.target, name, rate)
            except CommandRefused as error:
                self._log.log(
                    AutopilotEvent.RATE_REFUSED, message=name, rate=rate, error=str(error)
                )
        # Of itself it is sent when it changes only.
        self._ask(mavlink.MAV_CMD_REQUEST_MESSAGE, mavlink.MAVLINK_MSG_ID_GPS_GLOBAL_ORIGIN)
        await self._until(
            lambda: self.position is not None and self.attitude is not None,
            timeout,
            lambda: problem(ConnectReason.NO_POSITION),
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
        patience = self.clock.patience(timeout)
        waiting = asyncio.ensure_future(self.link.wait("HEARTBEAT", self.target.sent, patience))
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
            lambda: problem(
                OrderReason.NOT_CLIMBED, height=height, timeout=timeout, said=self._said()
            ),
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
            lambda: problem(OrderReason.NOT_LANDED, timeout=timeout, said=self._said()),
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
        end = self.link.wall.now() + self.clock.patience(timeout)
        while True:
            left = end - self.link.wall.now()
            try:
                await command(self.link, self.target, number, *params, unless=unless)
                if await self._comes(lambda: done() or unless(), _EFFECT) and done():
                    return
                if left < 0 and not unless():
                    raise not_done(OrderReason.NO_EFFECT, order=what, said=self._said())
            except CommandRefused as error:
                if error.result != mavlink.MAV_RESULT_TEMPORARILY_REJECTED or left < 0:
                    raise not_done(
                        OrderReason.REFUSED,
                        order=what,
                        result=enum_name("MAV_RESULT", error.result),
                        said=self._said(),
                    ) from None
                await asyncio.sleep(0.25)
            except NoAnswer as error:
                if not unless():
                    raise not_done(OrderReason.NO_ANSWER, order=what, error=str(error)) from None
            if unless():
                raise not_done(OrderReason.NOT_AGAIN, order=what, reason=self.overruled)

    def _said(self) -> str:
        return f"; it said: {'; '.join(self.texts[-3:])}" if self.texts else ""

    async def _until(
        self,
        condition: Callable[[], bool],
        timeout: float,
        late: Callable[[], Problem],
        modes: tuple[Mode, ...] = tuple(Mode),
    ) -> None:
        """Until a condition is true.

        Raises:
            FlightError: it is not in time, with the reason; or the mode becomes none of these.
        """

        def elsewhere() -> bool:
            return self.mode not in modes

        if not await self._comes(lambda: condition() or elsewhere(), timeout):
            raise FlightError(late())
        if not condition():
            raise not_done(OrderReason.INTERRUPTED, reason=self.overruled, said=self._said())

    async def _comes(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Whether a condition comes true in time."""
        # A simulator that runs slowly takes longer by this clock.
        end = self.link.wall.now() + self.clock.patience(timeout)
        while not condition():
            if self.link.wall.now() > end:
                return False
            await asyncio.sleep(0.02)
        return True
