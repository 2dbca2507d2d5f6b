"""The gimbal: points the camera, says where it points.

`make_gimbal` gives what the vehicle's file asks for: a gimbal that speaks MAVLink's gimbal protocol
v2 (here), or a camera that the vehicle itself and at most a servo turn
(`cinempc.flight.gimbal_fallback`). Both are a `Gimbaling`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cinempc.flight import gimbal_messages as messages
from cinempc.flight.clock import VehicleClock
from cinempc.flight.commands import CommandRefused, NoAnswer, Target, command, request, set_interval
from cinempc.flight.dialect import mavlink
from cinempc.flight.gimbal_fallback import FallbackGimbal
from cinempc.flight.gimbal_history import Aim, AttitudeHistory
from cinempc.flight.link import Link
from cinempc.flight.transport import LinkError
from cinempc.frames import Angles
from cinempc.vehicle import Gimbal, MavlinkMount, Vehicle

Floats = NDArray[np.float64]
Tell = Callable[[str], None]

#: Time without a report, vehicle s, after which the gimbal is gone.
GONE = 1.0
#: Rates that are asked for, 1/s. A device that refuses keeps its own; PX4 tells who is in control
#: only every 2 s unasked.
ATTITUDE_RATE, STATUS_RATE = 50.0, 5.0
#: Time for the gimbal to be found, s, before its absence is told. PX4 looks for its device once a
#: second.
_PATIENCE = 6.0
#: Time between looks and between attempts, s.
_LOOK, _AGAIN = 0.1, 1.0
#: Time for the manager's word on who is in control after the gimbal's return, s.
_SETTLE = 3.0
#: Largest id of a gimbal that its manager drives itself (MAVLink: 1 to 6).
_DRIVEN = 6


class Gimbaling(Protocol):
    """Turns the camera, by whatever it has."""

    @property
    def healthy(self) -> bool:
        """Whether it reports, and reports no failure."""

    @property
    def controls(self) -> bool:
        """Whether it obeys us."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong now, in sentences."""

    async def connect(self, timeout: float = ...) -> None:
        """Find it and take control."""

    async def claim(self) -> None:
        """Take control, or take it back."""

    def point(self, angles: Sequence[float] | Floats, rates: Sequence[float] | Floats) -> None:
        """Look there (yaw, pitch, roll; world, rad) and turn on at these rates, rad/s."""

    def attitude_at(self, time: float) -> Aim | None:
        """Where the camera looks at a vehicle time, s; None where that is not known."""

    def limits(self) -> Gimbal:
        """The ranges in which it can be pointed."""

    def let_go(self) -> None:
        """Whoever takes control from now on is welcome to it: the flight is over."""

    def close(self) -> None:
        """Stop listening, and end what was started."""


def make_gimbal(
    vehicle: Vehicle,
    link: Link,
    target: Target,
    *,
    vehicle_attitude: Callable[[], Angles],
    clock: VehicleClock | None = None,
    on_problem: Tell = lambda sentence: None,
    on_news: Tell = lambda sentence: None,
) -> GimbalClient | FallbackGimbal:
    """The vehicle's gimbal, by its file.

    Args:
        vehicle: whose ``gimbal.mount`` says which.
        link: open.
        target: the autopilot.
        vehicle_attitude: yaw, pitch, roll, rad, the newest known; NaN while unknown.
        clock: the vehicle's; without one a gimbal's time is taken for the vehicle's.
        on_problem: told each problem once, when it arises.
        on_news: told when a problem is over, and other things worth a line.
    """
    kind = GimbalClient if isinstance(vehicle.gimbal.mount, MavlinkMount) else FallbackGimbal
    return kind(
        vehicle.gimbal,
        link,
        target,
        vehicle_attitude=vehicle_attitude,
        clock=clock,
        on_problem=on_problem,
        on_news=on_news,
    )


class GimbalClient:
    """A gimbal behind MAVLink's gimbal protocol v2.

    Control that somebody else takes is theirs until `claim` is called: a pilot who grabs the
    gimbal wins. After an outage of the gimbal or of its manager it is taken again, unless somebody
    else has it.

    Args:
        gimbal: ranges, and the mount.
        link: open.
        autopilot: its address.
        vehicle_attitude, clock, on_problem, on_news: as `make_gimbal`.
    """

    def __init__(
        self,
        gimbal: Gimbal,
        link: Link,
        autopilot: Target,
        *,
        vehicle_attitude: Callable[[], Angles],
        clock: VehicleClock | None = None,
        on_problem: Tell = lambda sentence: None,
        on_news: Tell = lambda sentence: None,
    ) -> None:
        if not isinstance(gimbal.mount, MavlinkMount):
            raise TypeError(f"a {gimbal.mount.kind} mount speaks no gimbal protocol")
        self._gimbal, self._limits, self._mount = gimbal, gimbal, gimbal.mount
        self._link, self._autopilot = link, autopilot
        self._vehicle_attitude, self._clock = vehicle_attitude, clock
        self._on_problem, self._on_news = on_problem, on_news
        self._problems: dict[str, str] = {}
        self._manager: Target | None = None
        self._device = self._mount.device or mavlink.MAV_COMP_ID_GIMBAL
        self._abouts: dict[str, Any] = {}  # what manager and device say of themselves
        # Who is in control.
        self._wanted = False
        self._controls = False
        self._stamp: int | None = None  # of the manager's newest status, ms
        self._unsure = False  # whether that status may be from before our claim
        self._ask_by: float | None = None  # until when the manager's word is waited for
        # The reports.
        self._history = AttitudeHistory()
        self._device_clock = VehicleClock()
        self._heard = -math.inf
        self._reports = False
        self._informed = False
        self._failures = 0
        self._met = 0  # failure flags ever seen
        self._heading: tuple[float, float] | None = None  # the vehicle's, at the last report's time
        self._heading_turns = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()
        self._unsubscribe = [
            link.on("GIMBAL_MANAGER_STATUS", self._status),
            link.on("GIMBAL_DEVICE_ATTITUDE_STATUS", self._report),
            link.on("GIMBAL_DEVICE_INFORMATION", self._information),
        ]

    # --- what is known ---

    @property
    def healthy(self) -> bool:
        """Whether it reports its attitude, and no failure."""
        return self._reports and not self._silent() and not self._failures

    @property
    def controls(self) -> bool:
        """Whether the manager takes attitudes from us."""
        return self._controls

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong now, in sentences."""
        return tuple(self._problems.values())

    @property
    def manager(self) -> Target | None:
        """The gimbal manager; None while none is found."""
        return self._manager

    def limits(self) -> Gimbal:
        """The vehicle file's gimbal, its ranges no wider than the device's own."""
        return self._limits

    def attitude_at(self, time: float) -> Aim | None:
        """Where the camera looks at a vehicle time, s, world frame.

        Between reports by straight lines, a quarter of a second beyond the newest by its rates;
        None before the first report, and for times that are no longer kept.
        """
        clock = self._clock
        if clock is not None and clock.known and self._device_clock.known:
            # A gimbal counts from its own start.
            time = self._device_clock.now(clock.monotonic(time))
        return self._history.at(time)

    # --- coming and going ---

    async def connect(self, timeout: float = 10.0) -> None:
        """Find the gimbal, take control of it and wait, ``timeout`` s at most, until it reports.

        Does not fail: what is missing is told through ``on_problem`` and looked for from then on.
        """
        self._wanted = True
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
        self._wanted = self._controls = self._unsure = True
        self._ask_by = None
        self._over("control", "the gimbal is ours")

    def let_go(self) -> None:
        """Whoever takes control from now on is welcome to it, as PX4 when it lands; until then
        it is ours."""
        self._wanted = False

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
        if self._manager is None or not self._controls:
            return
        heading = None
        if self._mount.frame == "vehicle":
            heading = self._vehicle_attitude()[0]
            if not math.isfinite(heading):
                return
            turning = (turning[0] - (self._heading_rate() or 0.0), turning[1], turning[2])
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
        began = time.monotonic()
        while True:
            try:
                await self._next_step()
            except LinkError as error:
                if time.monotonic() - began > _PATIENCE:
                    self._wrong("manager", str(error))
                await asyncio.sleep(_AGAIN)
            await asyncio.sleep(_LOOK)

    async def _next_step(self) -> None:
        if self._manager is None:
            self._manager = await self._find()
            self._over("manager", f"the gimbal manager is {self._manager}")
        if self._wanted and not self._controls and self._ask_by is None:
            await self.claim()
            self._over("manager", "the gimbal manager answers")
        if self._ask_by is not None and time.monotonic() > self._ask_by:
            self._ask_by, self._controls = None, False  # no word from it: ask again for control
        if self._reports and not self._informed:
            self._informed = True
            await self._interval(self._source(), "GIMBAL_DEVICE_ATTITUDE_STATUS", ATTITUDE_RATE)
            await self._interval(self._manager, "GIMBAL_MANAGER_STATUS", STATUS_RATE)
            with contextlib.suppress(LinkError):  # the manager has told the limits already
                await request(self._link, self._source(), "GIMBAL_DEVICE_INFORMATION")
        if self._reports and self._controls:
            self._ready.set()

    async def _find(self) -> Target:
        """Who is the manager: the autopilot, or a gimbal that manages itself."""
        if self._mount.manager is not None:
            candidates = [Target(self._autopilot.system, self._mount.manager)]
        else:
            candidates = [self._autopilot, Target(self._autopilot.system, self._device)]
        answers = []
        for candidate in candidates:
            try:
                about = await request(self._link, candidate, "GIMBAL_MANAGER_INFORMATION")
            except (CommandRefused, NoAnswer) as error:
                answers.append(str(error))
                continue
            if self._mount.device is None and about.gimbal_device_id:
                self._device = int(about.gimbal_device_id)
            self._narrow(about)
            return candidate
        raise LinkError(
            f"no gimbal manager: {'; '.join(answers)}. On PX4 set MNT_MODE_IN to 4 and "
            "MNT_MODE_OUT to 2 and restart it, and see that the gimbal has power; a vehicle "
            "without a gimbal says so in its file, under gimbal.mount"
        )

    async def _interval(self, target: Target, name: str, rate: float) -> None:
        """Have a message more often; whoever refuses keeps its own rate."""
        with contextlib.suppress(LinkError):
            await set_interval(self._link, target, name, rate)

    def _source(self) -> Target:
        """Who sends the device's messages."""
        if self._device <= _DRIVEN:
            return self._manager or self._autopilot
        return Target(self._autopilot.system, self._device)

    def _status(self, message: Any) -> None:
        """GIMBAL_MANAGER_STATUS: who is in control."""
        if self._manager is None or not self._manager.sent(message):
            return
        if message.gimbal_device_id not in (0, self._device):
            return
        last, now = self._stamp, int(message.time_boot_ms)
        if last is not None and 0 <= last - now <= 1000:
            return  # PX4 repeats what it last knew when the gimbal is gone; or it was overtaken
        self._stamp = now
        if last is not None and now < last:
            # The manager was restarted, and knows nothing of us.
            self._ask_by, self._informed = time.monotonic() + _SETTLE, False
        owner = (message.primary_control_sysid, message.primary_control_compid)
        if owner == (self._link.system, self._link.component):
            self._controls, self._unsure, self._ask_by = True, False, None
            self._over("control", "the gimbal is ours again")
            return
        if self._unsure:
            self._unsure = False  # it may have been written before our claim
            return
        if self._ask_by is not None and owner == (0, 0):
            self._ask_by, self._controls = None, False
            return
        self._ask_by = None
        if self._wanted:
            self._wanted = False
            self._wrong(
                "control", f"the gimbal was taken from us: {self._name(owner)} controls it now"
            )
        self._controls = False

    def _name(self, owner: tuple[int, int]) -> str:
        if owner == (0, 0):
            return "nobody"
        if owner == (self._autopilot.system, self._autopilot.component):
            return "the autopilot itself"  # in landing, for one
        return f"component {owner[1]} of system {owner[0]} (a pilot's ground station?)"

    # --- the device ---

    def _ours(self, message: Any) -> bool:
        if not self._source().sent(message):
            return False
        told = int(getattr(message, "gimbal_device_id", 0))
        return told in (0, self._device) or self._device > _DRIVEN

    def _report(self, message: Any) -> None:
        """GIMBAL_DEVICE_ATTITUDE_STATUS."""
        if not self._ours(message):
            return
        heading = self._vehicle_attitude()[0]
        found = messages.device_report(message, heading, self._heading_rate())
        if found is None:
            return
        now = time.monotonic()
        stamp = now if found.time is None else found.time
        restarts = self._device_clock.restarts
        self._device_clock.tell(stamp, now)
        if self._device_clock.restarts > restarts:
            self._history.clear()
            self._heading = None
        self._history.add(stamp, found.angles, found.rates)
        if math.isfinite(heading) and (self._heading is None or stamp > self._heading[0]):
            self._heading = self._turned(stamp, heading)
        self._heard = now
        self._take_failures(found.failures)
        if not self._reports:
            self._reports, self._informed = True, False
            self._over("device", "the gimbal reports its attitude again")
            if self._controls:
                self._ask_by = now + _SETTLE

    def _turned(self, stamp: float, heading: float) -> tuple[float, float]:
        """Time and yaw of a report, and how fast the vehicle turned since the last."""
        last = self._heading
        if last is not None and stamp - last[0] < 0.5:
            turned = math.remainder(heading - last[1], 2 * math.pi)
            rate = turned / (stamp - last[0])
            # The autopilot's attitude may stand still between two of the gimbal's reports.
            self._heading_turns += 0.3 * (rate - self._heading_turns)
        else:
            self._heading_turns = 0.0
        return stamp, heading

    def _heading_rate(self) -> float | None:
        """Of the vehicle's yaw, rad/s."""
        return None if self._heading is None else self._heading_turns

    def _take_failures(self, flags: int) -> None:
        for flag, words in messages.FAILURES.items():
            if flags & flag:
                self._wrong(f"failure {flag}", f"the gimbal reports a failure: {words}")
            else:
                self._over(f"failure {flag}", f"the gimbal's failure is over: {words}")
        for flag, axis in messages.STOPS.items():
            if flags & flag and not self._met & flag:
                self._on_news(f"the gimbal's {axis} is at its end (told once)")
        self._met |= flags
        self._failures = flags & sum(messages.FAILURES)

    def _information(self, message: Any) -> None:
        """GIMBAL_DEVICE_INFORMATION: the device's own limits."""
        if self._ours(message):
            self._narrow(message)

    def _narrow(self, about: Any) -> None:
        self._abouts[about.get_type()] = about
        self._limits = self._gimbal
        sentences: list[str] = []
        for each in self._abouts.values():
            self._limits, said = messages.narrower(self._limits, each)
            sentences += said
        for axis in ("yaw", "pitch", "roll"):
            of_axis = [s for s in sentences if f"gimbal's {axis} " in s]
            if of_axis:
                self._wrong(f"range {axis}", of_axis[-1])
        if self._mount.frame == "earth" and not messages.knows_north(about):
            self._wrong(
                "north",
                "the gimbal takes no yaw from north: write 'frame: vehicle' under gimbal.mount "
                "in the vehicle's file",
            )

    def _silent(self) -> bool:
        # A simulator that runs slowly reports later by this clock.
        rate = 1.0 if self._clock is None else min(max(self._clock.rate, 0.05), 1.0)
        return time.monotonic() - self._heard > GONE / rate

    async def _look_out(self) -> None:
        """Notice that it is gone."""
        began = time.monotonic()
        while True:
            if self._reports and self._silent():
                self._reports = False
                self._wrong("device", f"the gimbal has not reported its attitude for {GONE:g} s")
            elif self._heard == -math.inf and time.monotonic() - began > _PATIENCE:
                self._wrong("device", f"no gimbal (component {self._device}) reports its attitude")
            await asyncio.sleep(_LOOK)

    # --- telling ---

    def _wrong(self, key: str, sentence: str) -> None:
        if key not in self._problems:
            self._problems[key] = sentence
            self._on_problem(sentence)

    def _over(self, key: str, sentence: str) -> None:
        if self._problems.pop(key, None) is not None:
            self._on_news(sentence)
