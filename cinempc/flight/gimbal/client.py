"""A gimbal behind MAVLink's gimbal protocol v2: found, controlled, pointed, heard."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc.flight.gimbal import control
from cinempc.flight.gimbal.control import CONTROLS, Control, Word
from cinempc.flight.gimbal.device import PATIENCE, DeviceReports, Presence
from cinempc.flight.gimbal.history import Aim
from cinempc.flight.gimbal.reasons import (
    GimbalError,
    GimbalEvent,
    GimbalReason,
    Problems,
    name_of,
)
from cinempc.flight.gimbal.senders import Sender, Senders, sender_of
from cinempc.flight.gimbal.status_order import Order, StatusStamp
from cinempc.frames import Angles
from cinempc.mavlink import gimbal_messages as messages
from cinempc.mavlink.commands import (
    CommandRefused,
    NoAnswer,
    Target,
    command,
    request,
    set_interval,
)
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import LinkError
from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.rig.log import EventLogger, Problem, problem
from cinempc.rig.mount import MavlinkMount
from cinempc.rig.vehicle import Gimbal

Floats = NDArray[np.float64]

#: Rates that are asked for, 1/s. A device that refuses keeps its own; PX4 tells who is in control
#: only every 2 s unasked.
ATTITUDE_RATE, STATUS_RATE = 50.0, 5.0
#: Time between looks and between attempts, s. PX4 looks for its device once a second.
_LOOK, _AGAIN = 0.1, 1.0
#: Time for the manager's word on who is in control after the gimbal's return, s.
_SETTLE = 3.0
#: Largest id of a gimbal that its manager drives itself (MAVLink: 1 to 6).
_DRIVEN = 6


class GimbalClient:
    """A gimbal behind MAVLink's gimbal protocol v2. What happens goes to the logger
    ``cinempc.flight.gimbal``.

    Control that somebody else takes is theirs until `claim` is called: a pilot who grabs the
    gimbal wins. After an outage of the gimbal or of its manager it is taken again, unless somebody
    else has it (`cinempc.flight.gimbal.control` has the table).

    Args:
        gimbal: ranges, and the mount.
        link: open.
        autopilot: its address.
        vehicle_attitude, clock: as `cinempc.flight.gimbal.driver.make_gimbal`.
    """

    def __init__(
        self,
        gimbal: Gimbal,
        link: Link,
        autopilot: Target,
        *,
        vehicle_attitude: Callable[[], Angles],
        clock: VehicleClock | None = None,
    ) -> None:
        if not isinstance(gimbal.mount, MavlinkMount):
            raise TypeError(f"a {gimbal.mount.kind} mount speaks no gimbal protocol")
        self._mount, self._link, self._autopilot = gimbal.mount, link, autopilot
        self._vehicle_attitude = vehicle_attitude
        self._log = log = EventLogger("cinempc.flight.gimbal", link.wall.utc)
        self._problems = Problems(log)
        self._named = self._mount.device is not None  # whether somebody has said which device
        self._manager: Target | None = None
        self._device = self._mount.device or mavlink.MAV_COMP_ID_GIMBAL
        self._senders = Senders(link.wall)
        self._reporter: Sender | None = None  # where the device's own messages come from elsewhere
        self._control = Control.FREE
        self._status_before: StatusStamp | None = None
        self._ask_by: float | None = None  # until when the manager's word is waited for, wall s
        self._informed = False  # whether it has been asked for its particulars since it is there
        self._reports = DeviceReports(
            gimbal,
            self._problems,
            log,
            wall=link.wall,
            clock=clock,
            vehicle_attitude=vehicle_attitude,
            earth=self._mount.frame == "earth",
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()
        self._unsubscribe = [
            link.on("GIMBAL_MANAGER_STATUS", self._status),
            link.on("GIMBAL_DEVICE_ATTITUDE_STATUS", self._report),
            link.on("GIMBAL_DEVICE_INFORMATION", self._information),
            link.on("HEARTBEAT", self._heartbeat),
        ]

    # --- what is known ---

    @property
    def healthy(self) -> bool:
        """Whether it reports its attitude, and no failure."""
        return self._reports.healthy

    @property
    def controls(self) -> bool:
        """Whether the manager takes attitudes from us."""
        return self._control in CONTROLS

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now."""
        return self._problems.standing

    @property
    def manager(self) -> Target | None:
        """The gimbal manager; None while none is found."""
        return self._manager

    def limits(self) -> Gimbal:
        """The vehicle file's gimbal, its ranges no wider than the device's own."""
        return self._reports.limits

    def attitude_at(self, time: float) -> Aim | None:
        """Where the camera looks at a vehicle time, s, world frame.

        Between reports by straight lines, a quarter of a second beyond the newest by its rates;
        None before the first report, and for times that are no longer kept.
        """
        return self._reports.attitude_at(time)

    # --- coming and going ---

    async def connect(self, timeout: float = 10.0) -> None:
        """Find the gimbal, take control of it and wait, ``timeout`` s at most, until it reports.

        Does not fail: what is missing is a problem, and looked for from then on.
        """
        self._control = control.step(self._control, Word.WANT)
        if not self._tasks:
            self._tasks = [
                asyncio.ensure_future(self._negotiate()),
                asyncio.ensure_future(self._look_out()),
            ]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), timeout)

    async def claim(self) -> None:
        """Take control, or take it back.

        Raises:
            CommandRefused: the manager does not give it.
            NoAnswer: there is no manager, or it does not answer.
        """
        if self._manager is None:
            raise NoAnswer("no gimbal manager was found: nobody can be asked for the gimbal")
        await command(
            self._link,
            self._manager,
            mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE,
            self._link.system,
            self._link.component,
            -1.0,
            -1.0,
            0.0,
            0.0,
            self._device,
        )
        self._control = control.step(self._control, Word.CLAIM_GRANTED)
        self._ask_by = None
        self._problems.end("control", GimbalEvent.CLAIMED)

    def let_go(self) -> None:
        """Whoever takes control from now on is welcome to it, as PX4 when it lands; until then
        it is ours."""
        self._control = control.step(self._control, Word.LET_GO)

    def close(self) -> None:
        """Stop listening and looking. Control is left as it is: the gimbal holds still."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        for end in self._unsubscribe:
            end()
        self._unsubscribe = []

    # --- pointing ---

    def point(self, angles: Sequence[float] | Floats, rates: Sequence[float] | Floats) -> None:
        """Look there, and turn on at these rates until the next call (PX4: for 2 s).

        Nothing is sent while the gimbal is not ours.

        Args:
            angles: yaw, pitch, roll in the world frame, rad; yaw in any turn.
            rates: of them, rad/s.

        Raises:
            ValueError: a number is not finite; such a thing is never sent.
        """
        yaw, pitch, roll = (float(a) for a in angles)
        turning = (float(rates[0]), float(rates[1]), float(rates[2]))
        if not all(map(math.isfinite, (yaw, pitch, roll, *turning))):
            raise ValueError("a camera attitude that is not a number")
        if self._manager is None or not self.controls:
            return
        heading = None
        if self._mount.frame == "vehicle":
            heading = self._vehicle_attitude()[0]
            if not math.isfinite(heading):
                return
            turning = (turning[0] - (self._reports.heading_rate or 0.0), turning[1], turning[2])
        self._link.send(
            messages.set_attitude(
                self._manager,
                self._device,
                (yaw, pitch, roll),
                turning if self._mount.rates else None,
                heading,
            )
        )

    # --- the manager ---

    async def _negotiate(self) -> None:
        """Have a manager, control and the device's particulars, for as long as it takes."""
        began = self._link.wall.now()
        while True:
            try:
                await self._next_step()
            except LinkError as error:
                if self._link.wall.now() - began > PATIENCE:
                    self._problems.arise(
                        "manager",
                        error.problem
                        if isinstance(error, GimbalError)
                        else problem(GimbalReason.NOT_GIVEN, error=str(error)),
                    )
                await asyncio.sleep(_AGAIN)
            await asyncio.sleep(_LOOK)

    async def _next_step(self) -> None:
        if self._manager is None:
            self._manager = await self._find()
            self._problems.end("manager", GimbalEvent.MANAGER_FOUND, manager=self._manager)
        if self._control is Control.WANTED and self._ask_by is None:
            await self.claim()
            self._problems.end("manager", GimbalEvent.MANAGER_ANSWERS)
        if self._ask_by is not None and self._link.wall.now() > self._ask_by:
            self._hear(Word.NO_STATUS)  # ask again for control
        reports = self._reports.presence is Presence.REPORTING
        if reports and not self._informed:
            self._informed = True
            await self._interval(self._source(), "GIMBAL_DEVICE_ATTITUDE_STATUS", ATTITUDE_RATE)
            await self._interval(self._manager, "GIMBAL_MANAGER_STATUS", STATUS_RATE)
            with contextlib.suppress(LinkError):  # the manager has told the limits already
                await request(self._link, self._source(), "GIMBAL_DEVICE_INFORMATION")
        if reports and self.controls:
            self._ready.set()

    async def _find(self) -> Target:
        """Who is the manager: the autopilot, or a gimbal that manages itself."""
        if self._mount.manager is not None:
            candidates = [Target(self._autopilot.system, self._mount.manager)]
        else:
            system = self._autopilot.system
            gimbals = [self._device, *sorted(self._senders.gimbals - {self._device})]
            candidates = [self._autopilot, *(Target(system, gimbal) for gimbal in gimbals)]
        answers = []
        for candidate in candidates:
            try:
                about = await request(self._link, candidate, "GIMBAL_MANAGER_INFORMATION")
            except (CommandRefused, NoAnswer) as error:
                answers.append(str(error))
                continue
            if self._mount.device is None and about.gimbal_device_id:
                self._device = int(about.gimbal_device_id)
                self._named = True
            elif self._mount.device is None and candidate != self._autopilot:
                self._device = candidate.component  # it manages itself
            self._reports.narrow(about)
            return candidate
        raise GimbalError(problem(GimbalReason.NO_MANAGER, answers="; ".join(answers)))

    async def _interval(self, target: Target, name: str, rate: float) -> None:
        """Have a message more often; whoever refuses keeps its own rate."""
        with contextlib.suppress(LinkError):
            await set_interval(self._link, target, name, rate)

    def _source(self) -> Target:
        """Who sends the device's messages."""
        if self._reporter is not None:
            return Target(self._autopilot.system, self._reporter.component)
        if self._device <= _DRIVEN:
            return self._manager or self._autopilot
        return Target(self._autopilot.system, self._device)

    def _status(self, message: Any) -> None:
        """GIMBAL_MANAGER_STATUS: who is in control."""
        if self._manager is None or not self._manager.sent(message):
            return
        if message.gimbal_device_id not in (0, self._device):
            return
        owner = (message.primary_control_sysid, message.primary_control_compid)
        last, now = self._status_before, StatusStamp(int(message.time_boot_ms), owner)
        order = now.after(last)
        if order is Order.OLD:
            return
        self._status_before = now
        if order is Order.RESTARTED:
            # The manager was restarted, and knows nothing of us.
            self._ask_by, self._informed = self._link.wall.now() + _SETTLE, False
        elif order is Order.TIMELESS and owner == (0, 0):
            # Its restart would not show: what nobody has is ours to claim.
            self._ask_by = self._link.wall.now() + _SETTLE
        if owner == (self._link.system, self._link.component):
            self._hear(Word.STATUS_OURS)
            self._problems.end("control", GimbalEvent.OURS_AGAIN)
        elif self._ask_by is not None and owner == (0, 0):
            self._hear(Word.STATUS_NOBODY)
        elif self._hear(Word.STATUS_OTHER) is Control.TAKEN:
            name = name_of(owner, self._autopilot)
            reason = problem(GimbalReason.TAKEN, name=name, owner=owner)
            self._problems.arise("control", reason)

    def _hear(self, word: Word) -> Control:
        """Take a word on who is in control; how we stand after it. It settles what was waited for,
        unless it may be from before our claim."""
        before, self._control = self._control, control.step(self._control, word)
        stale = before is Control.CLAIMED and word in (Word.STATUS_NOBODY, Word.STATUS_OTHER)
        if not stale:
            self._ask_by = None
        return self._control

    # --- the device ---

    def _adopt(self) -> None:
        """Take the only gimbal that reports for the one that does not."""
        only = self._senders.only
        if only is None or self._manager is None or self._reporter is not None:
            return
        self._reporter = only
        log = GimbalEvent.REPORTS_ELSEWHERE
        self._log.log(log, device=self._device, component=only.component)
        if not self._named:
            self._device = only.device or only.component
            self._control = control.step(self._control, Word.NO_STATUS)  # claim this one
        self._informed = False

    def _ours(self, message: Any) -> bool:
        if message.get_srcSystem() != self._autopilot.system:
            return False
        sender = sender_of(message)
        if self._reporter is not None:
            return sender == self._reporter
        if self._device > _DRIVEN and sender.component == self._device:
            return True
        # One that the autopilot drives, or whose messages it passes on.
        known = (self._source(), self._manager, self._autopilot)
        passed_on = any(each is not None and each.sent(message) for each in known)
        return passed_on and (
            sender.device == self._device or (self._device <= _DRIVEN and sender.device == 0)
        )

    def _heartbeat(self, message: Any) -> None:
        if message.get_srcSystem() == self._autopilot.system:
            self._senders.heartbeat(message)

    def _report(self, message: Any) -> None:
        """GIMBAL_DEVICE_ATTITUDE_STATUS."""
        if message.get_srcSystem() == self._autopilot.system:
            self._senders.report(message)
        if self._ours(message) and self._reports.take(message):
            self._informed = False
            if self.controls:
                self._ask_by = self._link.wall.now() + _SETTLE

    def _information(self, message: Any) -> None:
        """GIMBAL_DEVICE_INFORMATION: the device's own limits."""
        if self._ours(message):
            self._reports.narrow(message)

    async def _look_out(self) -> None:
        """Notice that it is gone, or that its messages come from elsewhere."""
        while True:
            self._reports.look(self._device, self._senders.words)
            if self._reports.presence is Presence.UNHEARD and self._mount.device is None:
                self._adopt()
            await asyncio.sleep(_LOOK)
