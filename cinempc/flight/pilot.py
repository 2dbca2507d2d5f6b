"""The pilot: holds the link, streams the course, and decides when not to.

It runs in a process of its own (`cinempc.flight.rig` starts it), in one event loop: reading the
link, the stream and the watch over both never wait for the controller, the detector or the disk.

What it does about faults, in the order of who wins:

1. Somebody changed the mode (RC, QGroundControl, a failsafe): the stream ends at once, and does not
   begin again by itself; nor is the mode changed by any order until `Pilot.fly` or
   `Pilot.take_off` is called anew.
2. The autopilot restarted, disarmed, or has no position: the same.
3. The position did not come for `BLIND` s, or the link is later than `SLOW`: the course comes to
   rest. Not for `LOST` s: the stream ends, and the autopilot does what its COM_OBL_RC_ACT says.
4. A plan that cannot be flown from here (`cinempc.flight.plan_check`) is refused; the course goes
   on, and comes to rest when it runs out.

``docs/flight-faults.md`` has the whole table.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.camera import Camera, Dof, LensState
from cinempc.course import Course
from cinempc.flight import telemetry
from cinempc.flight.autopilot import LANDING, Autopilot, FlightError
from cinempc.flight.camera import CameraClient
from cinempc.flight.clock import VehicleClock
from cinempc.flight.commands import NoAnswer
from cinempc.flight.config import Flight, read_key
from cinempc.flight.dialect import mavlink
from cinempc.flight.gimbal import Gimbaling, make_gimbal
from cinempc.flight.lens_channel import Latency
from cinempc.flight.link import Link
from cinempc.flight.plan_check import reason_to_refuse
from cinempc.flight.px4 import Mode
from cinempc.flight.stream import Jitter, Ticker
from cinempc.flight.telemetry import Status
from cinempc.flight.transport import LinkError, Transport
from cinempc.mpc.plan import Plan, PlanPoint
from cinempc.rig import CameraPose, Health, RigState
from cinempc.safety import Safety
from cinempc.vehicle import Gimbal, Setpoint, Vehicle

Floats = NDArray[np.float64]

#: Time without the vehicle's position, s, after which the course comes to rest, and after which
#: the stream ends. Where a simulator is slower than real time, in its time.
BLIND, LOST = 0.5, 2.0
#: Age of what comes over the link, s (as above), from which it is too slow to fly a shot by, and
#: below which it is fast enough again.
SLOW, FAST = 0.25, 0.2
#: Time, s, over which that age is found, as its least: a packet that was late alone is no matter.
_DELAYS = 1.6
#: Time, wall s, over which it is found whether a simulator runs in slow motion, and the rate of its
#: time from which it does not.
_LONG, _SLOW_MOTION = 20.0, 0.9
#: How fast the course may be flown through in terms of the vehicle's time, when the clock was set
#: anew: never back, and never in a leap.
_SLOWEST, _FASTEST = 0.5, 1.5
#: Time between two sentences about refused plans, s.
_REFUSALS = 2.0
#: Time of streaming before OFFBOARD is asked for, s: PX4 wants to see a stream.
_BEFORE = 0.6
#: Ticks between two commands to the gimbal and to the lens.
_GIMBAL_EVERY, _LENS_EVERY = 1, 3
#: What the autopilot does when the stream is lost, by COM_OBL_RC_ACT.
_LOSS_ACTIONS = {
    0: "goes to Position mode, and returns where there are no sticks",
    1: "goes to Altitude mode",
    2: "goes to Manual mode",
    3: "returns",
    4: "lands",
    5: "holds",
    6: "ENDS THE FLIGHT",
    7: "DISARMS",
}


class NotOurs(FlightError):  # noqa: N818 - it is not a fault
    """An order that was not given, because somebody else flies the vehicle."""


class Phase(Enum):
    """What the pilot does."""

    IDLE = "idle"  # streams nothing: on the ground, or in a mode of the autopilot
    FLYING = "flying"  # streams the course
    OVER = "over"  # streamed, and ended it; stays so until told to fly again


@dataclass(frozen=True)
class Report:
    """What the pilot tells, many times a second."""

    state: RigState
    phase: Phase
    mode: Mode
    armed: bool
    airborne: bool
    #: Vehicle time and rate over this computer's monotonic time: t = rate · m + offset.
    clock: tuple[float, float]
    over: str | None  # why it ended
    refused_plans: int
    jitter: Jitter | None
    utc: float | None = None  # seconds since 1970 at vehicle time 0
    held: frozenset[Dof] = frozenset()  # what of the lens cannot be moved


@dataclass(frozen=True)
class Abilities:
    """What was found on the link, when everything was asked.

    ``camera`` is the camera's model with what it cannot move held where it stands; ``gimbal`` its
    ranges, where they are narrower than the vehicle's file says; ``video`` and ``depth`` are the
    addresses of its streams as `cinempc.flight.video.VideoEye` takes them, None where it offers
    none.
    """

    version: tuple[int, int, int]
    camera: Camera
    video: str | None
    depth: str | None
    gimbal: Gimbal


class Pilot:
    """Flies the course.

    Args:
        config: the connection.
        vehicle: limits, response, gimbal.
        camera: what the camera can do, by its file.
        safety: how far a plan may be from the vehicle.
        origin: of the vehicle's local frame in the script's world, ENU m.
        on_event: told what the log shall say.
    """

    def __init__(
        self,
        config: Flight,
        vehicle: Vehicle,
        camera: Camera,
        safety: Safety,
        origin: Floats | None = None,
        on_event: Callable[[str, str], None] = lambda level, sentence: None,
    ) -> None:
        self.config, self.vehicle, self.camera, self.safety = config, vehicle, camera, safety
        self.origin = np.zeros(3) if origin is None else np.asarray(origin, dtype=float)
        self._on_event = on_event
        key = None if config.key is None else read_key(config.key)
        peers = () if config.vehicle_system is None else (config.vehicle_system,)
        self.link = Link(
            Transport(config.connection),
            component=config.component,
            peers=peers,
            key=key,
            on_error=lambda text: on_event("warning", text),
        )
        self.clock = VehicleClock()
        self.autopilot = Autopilot(
            self.link, self.clock, system=config.vehicle_system, on_event=on_event
        )
        self.autopilot.on_status.append(self._status_changed)
        self.phase = Phase.IDLE
        self.over: str | None = None
        self.refused_plans = 0
        self._course: Course | None = None
        self._offboard = False  # whether OFFBOARD was reached since the stream began
        self._ticker = Ticker(self.clock, config.stream_rate, self._tick)
        self._ticks = 0
        self._restarts = 0
        # The modes in which the vehicle is ours; None while it is nobody's matter. And who took it.
        self._expected: frozenset[Mode] | None = None
        self._taken: str | None = None
        self._leaving = False
        self._at, self._at_wall = math.nan, math.nan  # where on the course we are, s, and when
        self._blind = self._slow = self._ran_out = False
        self._refused_at = -math.inf
        self._faults: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._gimbal: Gimbaling | None = None
        self._camera: CameraClient | None = None
        self._pace = 1.0
        self._long_rate: float | None = None
        self._delays: deque[tuple[float, float]] = deque()
        self._asked: dict[int, float] = {}
        self.link.on("TIMESYNC", self._timesync)

    # --- coming and going ---

    async def open(self) -> Abilities:
        """Connect to autopilot, gimbal and camera.

        Raises:
            LinkError: one that is needed is not there.
        """
        self.link.open()
        self._start(self._heartbeats())
        await self.autopilot.connect()
        self.link.restrict((self.autopilot.target.system,))
        self._restarts = self.clock.restarts
        self._start(self.autopilot.watch())
        self._start(self._measure_delay())
        self._start(self._tell_failsafe())
        await self._settle()
        gimbal = make_gimbal(
            self.vehicle,
            self.link,
            self.autopilot.target,
            vehicle_attitude=self._attitude,
            clock=self.clock,
            on_problem=lambda text: self._on_event("warning", text),
            on_news=lambda text: self._on_event("info", text),
        )
        await gimbal.connect()
        self._gimbal = gimbal
        client = CameraClient(
            self.link,
            self.camera,
            self.autopilot.target.system,
            now=self.clock.now,
            on_problem=lambda text: self._on_event("warning", text),
        )
        await client.connect(self.clock.patience(5.0))
        self._camera = client
        await self._lens_known(client)
        self._start(self._ticker.run())
        assert self.autopilot.version is not None
        return Abilities(
            self.autopilot.version,
            client.available(self.camera),
            *client.video,
            gimbal.limits(),
        )

    async def _tell_failsafe(self) -> None:
        """What the autopilot would do without us; whose decision that is."""
        try:
            action = await self.autopilot.parameter("COM_OBL_RC_ACT")
            after = await self.autopilot.parameter("COM_OF_LOSS_T")
        except NoAnswer:
            return
        if not (math.isfinite(action) and math.isfinite(after)):
            return
        does = _LOSS_ACTIONS.get(int(action), f"does what COM_OBL_RC_ACT {action:g} says")
        self._on_event("info", f"when the stream is lost for {after:g} s, the autopilot {does}")

    async def _settle(self) -> None:
        """Until the vehicle's clock is known well enough to plan by."""
        await asyncio.sleep(1.5)
        if not self.clock.known:
            raise LinkError("the autopilot does not tell its time")

    async def _lens_known(self, client: CameraClient) -> None:
        """Until the camera has said where its lens stands; one that never does is moved to where
        we then know it to be."""
        for _ in range(60):
            if all(map(math.isfinite, (client.lens.focal_length_mm, client.lens.f_number))):
                return
            await asyncio.sleep(0.05)
        camera = self.camera
        client.command_lens(camera.clamp(LensState(camera.focal_length.min, 10.0, 5.6)))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """None of the pilot's tasks ends by itself: a fault of ours must not leave half a pilot."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_event("error", f"a fault in the pilot: {error!r}")
            self._give_up("a fault in the pilot itself")

    async def close(self) -> None:
        """Stop streaming and let go of the link."""
        self.phase = Phase.IDLE
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        if self._gimbal is not None:
            self._gimbal.close()
        if self._camera is not None:
            self._camera.close()
        self.link.close()

    async def _heartbeats(self) -> None:
        while True:
            self.link.send(
                mavlink.MAVLink_heartbeat_message(
                    mavlink.MAV_TYPE_ONBOARD_CONTROLLER,
                    mavlink.MAV_AUTOPILOT_INVALID,
                    0,
                    0,
                    mavlink.MAV_STATE_ACTIVE,
                    3,
                )
            )
            await asyncio.sleep(0.5)

    # --- how old is what we hear ---

    async def _measure_delay(self) -> None:
        """By TIMESYNC's round trip: a delay that is always there shows in nothing else."""
        while True:
            stamp = time.monotonic_ns()
            self._asked[stamp] = time.monotonic()
            self.link.send(mavlink.MAVLink_timesync_message(0, stamp))
            for old in [s for s in self._asked if stamp - s > 3e9]:
                del self._asked[old]
            await asyncio.sleep(0.2)

    def _timesync(self, message: Any) -> None:
        if message.tc1 == 0 or message.ts1 not in self._asked:
            return
        if not self.autopilot.target.sent(message):
            return
        asked = self._asked.pop(message.ts1)
        now = time.monotonic()
        self._delays.append((now, (now - asked) / 2))
        while now - self._delays[0][0] > _DELAYS:
            self._delays.popleft()

    @property
    def delay(self) -> float:
        """How old is what we hear, s: half the quickest round trip of late."""
        return min((delay for _, delay in self._delays), default=0.0) * self._pace

    @property
    def silence(self) -> float:
        """Time since the vehicle's position came last, s; infinite before the first."""
        return self.autopilot.silence * self._pace

    def _find_pace(self) -> None:
        """Seconds that count per wall second: a simulator that waits for its pictures answers
        late by our clock, and not by its own. Found over a long time, and one until it is plainly
        less: to whom packets come later and later, time only seems to run slowly."""
        passed = self._ticker.period / max(self.clock.rate, 0.05)
        if self._long_rate is None:
            self._long_rate = self.clock.rate
        self._long_rate += (self.clock.rate - self._long_rate) * min(passed / _LONG, 1.0)
        self._pace = self._long_rate if self._long_rate < _SLOW_MOTION else 1.0

    # --- orders ---

    async def take_off(self, height: float) -> None:
        """Arm and climb, in the autopilot's own mode.

        Raises:
            FlightError: it does not, or somebody else takes over meanwhile.
        """
        if self.autopilot.airborne:
            raise FlightError(
                "the vehicle is in the air already: land it, or begin the take from where it is "
                "with --in-air"
            )
        self._taken = None
        self._expected = frozenset((Mode.TAKEOFF, Mode.HOLD, Mode.READY, self.autopilot.mode))
        await self.autopilot.take_off(height)
        self._expected = frozenset((Mode.HOLD,))

    async def fly(self) -> None:
        """Take the vehicle over: stream where it is, then OFFBOARD.

        Raises:
            FlightError: it does not go into OFFBOARD, or does not stay there.
        """
        state = self.state()
        if not self.autopilot.armed:
            raise FlightError("not flown: the vehicle is not armed; take off first")
        if not state.health.ready:
            raise FlightError(f"not flown: {'; '.join(state.health.problems)}")
        camera = state.camera
        point = PlanPoint(
            state.time,
            state.position,
            np.zeros(3),
            np.zeros(3),
            np.zeros(3),
            np.array([camera.yaw, camera.pitch, 0.0]),
            np.zeros(3),
            state.lens,
        )
        self._course = Course(self.vehicle, point, state.attitude[0])
        self._at, self._at_wall = self.clock.now(), time.monotonic()
        self.over, self._taken, self._expected = None, None, None
        self._offboard = self._leaving = self._blind = self._slow = self._ran_out = False
        self.phase = Phase.FLYING
        try:
            await asyncio.sleep(_BEFORE / max(self.clock.rate, 0.05))
            if self.phase is Phase.FLYING:
                await self.autopilot.set_mode(Mode.OFFBOARD)
        except BaseException:
            if self.phase is Phase.FLYING:
                self.phase = Phase.IDLE
            raise
        if self.phase is Phase.FLYING:
            self._offboard, self._expected = True, frozenset((Mode.OFFBOARD,))
            self._status_changed(None, self.autopilot.status)  # it may have changed since
        if self.over is not None:
            raise FlightError(f"not flown: {self.over}")

    def follow(self, plan: Plan) -> None:
        """Fly a plan from now on, if it is one that can be flown from here."""
        reason = self._reason_to_refuse(plan)
        if reason is None and self._course is not None:
            self._course.follow(plan)
            if self._ran_out:
                self._ran_out = False
                self._on_event("info", "there is a plan again")
            return
        self.refused_plans += 1
        now = time.monotonic()
        if now - self._refused_at > _REFUSALS:
            self._on_event("warning", f"a plan was refused ({self.refused_plans} so far): {reason}")
        self._refused_at = now

    def _reason_to_refuse(self, plan: Plan) -> str | None:
        if self.phase is not Phase.FLYING or self._course is None:
            return "nothing is flown"
        if self._leaving:
            return "the vehicle is being handed back"
        if self._blind:
            return "the vehicle is not heard"
        if self._slow:
            return f"the link is {self.delay:.2f} s late"
        wanted, _ = self._course.at(self._at)
        home = None if self.autopilot.home is None else self.autopilot.home + self.origin
        return reason_to_refuse(plan, self.clock.now(), wanted, self.vehicle, self.safety, home)

    async def hold(self) -> None:
        """End the stream; the autopilot holds the vehicle here.

        Raises:
            NotOurs: somebody else flies it.
            FlightError: the autopilot does not; the stream goes on, at rest.
        """
        await self._hand_back("hold", self.autopilot.set_mode(Mode.HOLD), Mode.HOLD)

    async def land(self) -> None:
        """End the stream and land here.

        Raises:
            NotOurs, FlightError: as `hold`.
        """
        await self._hand_back("land", self.autopilot.land(), *LANDING)

    async def return_home(self) -> None:
        """End the stream; the autopilot flies home and lands.

        Raises:
            NotOurs, FlightError: as `hold`.
        """
        await self._hand_back("return", self.autopilot.set_mode(Mode.RETURN), Mode.RETURN, *LANDING)

    async def _hand_back(self, what: str, order: Coroutine[Any, Any, None], *modes: Mode) -> None:
        """Come to rest, give an order that leads to one of these modes, and end the stream."""
        try:
            await self._see_whose_it_is(what)
        except BaseException:
            order.close()
            raise
        self._expected = frozenset((Mode.OFFBOARD, *modes))
        if self.phase is Phase.FLYING and self._course is not None:
            self._leaving = True
            self._course.stop(self._at)
            # It streams until the mode has changed, and not while it lands.
            self.autopilot.on_status.append(self._left)
        if self._gimbal is not None and Mode.LAND in modes:
            self._gimbal.let_go()  # PX4 takes it when it lands, and that is no fault
        try:
            await order
        except FlightError:
            if self.phase is Phase.FLYING:
                self._expected = frozenset((Mode.OFFBOARD,))
                self._status_changed(None, self.autopilot.status)
            raise
        finally:
            self._leaving = False
            with contextlib.suppress(ValueError):
                self.autopilot.on_status.remove(self._left)
        if self.phase is Phase.FLYING:
            self.phase = Phase.IDLE

    def _left(self, before: Status | None, now: Status) -> None:
        if now.mode is not Mode.OFFBOARD and self.phase is Phase.FLYING:
            self.phase = Phase.IDLE

    async def _see_whose_it_is(self, what: str) -> None:
        """Whether an order may change the mode: RC and QGroundControl always win.

        Raises:
            NotOurs: it may not.
        """
        if self.phase is Phase.FLYING or self._expected is not None:
            await self.autopilot.current_mode()  # somebody may have taken over just now
        if self._taken is not None:
            raise NotOurs(f"not told to {what}: {self._taken}")
        autopilot = self.autopilot
        still = autopilot.mode is Mode.OFFBOARD and autopilot.positioned
        if self.phase is Phase.OVER and not still:
            raise NotOurs(f"not told to {what}: {self.over}")

    async def record(self, on: bool) -> None:
        """Start or stop the camera's own recording."""
        assert self._camera is not None
        await (self._camera.start_recording() if on else self._camera.stop_recording())

    async def measure_anew(self) -> None:
        """Forget how regular the stream was so far."""
        self._ticker.measure_anew()

    async def lens_latency(self) -> dict[Dof, Latency]:
        """From commands to the lens until reports showed their effect, s."""
        if self._camera is None:
            return {}
        return {dof: self._camera.latency(dof) for dof in Dof}

    # --- the stream ---

    def _tick(self) -> None:
        self._find_pace()
        self._watch()
        if self.phase is not Phase.FLYING or self._course is None:
            return
        at = self._go_on()
        try:
            setpoint = self._course.setpoint(
                at + self.vehicle.response.latency, self._ticker.period
            )
            self._send(at, setpoint)
        except ValueError as error:
            self._give_up(f"the course cannot be streamed: {error}")
            return
        self._ticks += 1
        # What camera or gimbal send must not end the stream.
        for name, every, work in (
            ("gimbal", _GIMBAL_EVERY, self._aim),
            ("lens", _LENS_EVERY, self._pull),
        ):
            if self._ticks % every:
                continue
            try:
                work(self._course, at)
            except Exception as error:
                if name not in self._faults:
                    self._faults.add(name)
                    self._on_event("error", f"the {name} cannot be commanded: {error!r}")

    def _go_on(self) -> float:
        """Where on the course we are now, s: the vehicle's time, but never back, and never in a
        leap when its clock turns out to be another."""
        wall = time.monotonic()
        passed = max(0.0, wall - self._at_wall) * self.clock.rate
        behind = self.clock.now() - self._at
        self._at += min(max(behind, _SLOWEST * passed), _FASTEST * passed)
        self._at_wall = wall
        return self._at

    def _aim(self, course: Course, at: float) -> None:
        point, _ = course.at(at + self.vehicle.gimbal.lag)
        assert self._gimbal is not None
        self._gimbal.point(point.angles, point.rates)

    def _pull(self, course: Course, at: float) -> None:
        half = _LENS_EVERY * self._ticker.period / 2
        point, _ = course.at(at + self.camera.lens_lag + half)
        assert self._camera is not None
        self._camera.command_lens(point.lens)

    def _send(self, at: float, setpoint: Setpoint) -> None:
        target = self.autopilot.target
        self.link.send(
            telemetry.setpoint_message(
                int(at * 1e3), target.system, target.component, setpoint, self.origin
            )
        )

    # --- the watch ---

    def _status_changed(self, before: Status | None, now: Status | None) -> None:
        """A heartbeat says something new."""
        if self._expected is None or now is None:
            return
        if not now.armed:
            if before is None or before.armed:
                self._expected = None
                self._end("the vehicle was disarmed")
        elif now.mode not in self._expected:
            # PX4 says so in its heartbeat; its words go to links with a ground station only.
            self._taken, self._expected = self.autopilot.overruled, None
            if self.phase is Phase.FLYING:
                self._end(self._taken)
            else:
                self._on_event("warning", self._taken)

    def _watch(self) -> None:
        if self.clock.restarts > self._restarts:
            self._restarts = self.clock.restarts
            self._end("the autopilot was restarted")
        if self.phase is not Phase.FLYING or self._course is None:
            return
        self._listen(self._course)
        if self._offboard and not self.autopilot.positioned:
            self._end("the autopilot has lost its position")
        end = self._course.end
        if end is not None and self._at > end and not self._ran_out:
            self._ran_out = True
            self._on_event("warning", "no new plan came and the last has run out: coming to rest")

    def _listen(self, course: Course) -> None:
        """Rest where the vehicle is not heard, or heard late."""
        silence, delay = self.silence, self.delay
        if silence > LOST:
            self._end(f"the vehicle was not heard for {silence:.1f} s")
            return
        if silence > BLIND and not self._blind:
            self._blind = True
            course.stop(self._at)
            self._on_event("warning", f"not heard for {silence:.1f} s: coming to rest")
        elif silence <= BLIND and self._blind:
            self._blind = False
            self._on_event("info", "the vehicle is heard again")
        if delay > SLOW and not self._slow:
            self._slow = True
            course.stop(self._at)
            self._on_event("warning", f"the link is {delay:.2f} s late: coming to rest")
        elif delay < FAST and self._slow:
            self._slow = False
            self._on_event("info", "the link is fast enough again")

    def _give_up(self, reason: str) -> None:
        """End the stream for a fault of ours: the vehicle is better held than left to a failsafe,
        unless somebody else flies it."""
        if self.phase is not Phase.FLYING:
            return
        self._end(reason)

        async def hold() -> None:
            with contextlib.suppress(LinkError):
                await self.hold()

        self._start(hold())

    def _end(self, reason: str) -> None:
        if self.phase is Phase.FLYING:
            self.phase = Phase.OVER
            self.over = reason
            self._on_event("error", f"the stream has ended: {reason}")

    # --- what is known ---

    def _attitude(self) -> tuple[float, float, float]:
        known = self.autopilot.attitude
        return (math.nan, math.nan, math.nan) if known is None else known.angles

    def state(self) -> RigState:
        """The rig as it is now, as far as it is known."""
        autopilot, gimbal, camera = self.autopilot, self._gimbal, self._camera
        place = autopilot.position
        if place is None:
            position, velocity, when = np.full(3, np.nan), np.full(3, np.nan), self.clock.now()
        else:
            position, velocity, when = place.position + self.origin, place.velocity, place.time
        angles: Sequence[float] = (math.nan,) * 3
        rates: Sequence[float] = (math.nan,) * 3
        if gimbal is not None:
            aim = gimbal.attitude_at(when)
            if aim is not None:
                angles, rates = aim.angles, aim.rates
        lens = LensState(math.nan, math.nan, math.nan) if camera is None else camera.lens
        return RigState(
            time=when,
            position=position,
            velocity=velocity,
            attitude=self._attitude(),
            camera=CameraPose(
                position, float(frames.wrap_angle(angles[0])), float(angles[1]), float(angles[2])
            ),
            camera_rates=np.array(rates, dtype=float),
            lens=lens,
            health=self._health(),
        )

    def _health(self) -> Health:
        problems = []
        autopilot = self.autopilot
        if self.silence > BLIND:
            problems.append(f"the vehicle was not heard for {min(self.silence, 999):.1f} s")
        elif self.delay > SLOW:
            problems.append(f"the link is {self.delay:.2f} s late")
        if not autopilot.positioned:
            problems.append("the autopilot has no position")
        if self._gimbal is not None and not self._gimbal.healthy:
            problems.append("the gimbal does not answer")
        elif self._gimbal is not None and not self._gimbal.controls:
            problems.append("the gimbal is not ours")
        if self.over is not None:
            problems.append(self.over)
        return Health(not problems, tuple(problems))

    def report(self) -> Report:
        """Everything that the other process wants to know."""
        reference = time.monotonic()
        return Report(
            self.state(),
            self.phase,
            self.autopilot.mode,
            self.autopilot.armed,
            self.autopilot.airborne,
            (self.clock.rate, self.clock.now(reference) - self.clock.rate * reference),
            self.over or self._taken,
            self.refused_plans,
            self._ticker.jitter(),
            self.autopilot.utc,
            frozenset() if self._camera is None else self._camera.held,
        )
