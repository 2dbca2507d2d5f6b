"""The pilot: holds the link, streams the course, and decides when not to.

It runs in a process of its own (`cinempc.flight.rig` starts it), in one event loop: reading the
link, the stream and the watch over both never wait for the controller, the detector or the disk.

What it does about faults, in the order of who wins:

1. Somebody changed the mode (RC, QGroundControl, a failsafe): the stream ends at once, and does not
   begin again by itself.
2. The autopilot restarted, disarmed, or has no position: the same.
3. The position did not come for `BLIND` s: the course comes to rest. For `LOST` s: the stream ends
   and PX4's own failsafe holds the vehicle.
4. A plan that is not all numbers, starts somewhere else or is too fast is refused; the course goes
   on, and comes to rest when it runs out.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.camera import Camera, LensState
from cinempc.course import Course
from cinempc.flight import telemetry
from cinempc.flight.autopilot import Autopilot, FlightError
from cinempc.flight.camera import CameraClient
from cinempc.flight.clock import VehicleClock
from cinempc.flight.config import Flight, read_key
from cinempc.flight.dialect import mavlink
from cinempc.flight.gimbal import Gimbaling, make_gimbal
from cinempc.flight.link import Link
from cinempc.flight.px4 import Mode
from cinempc.flight.stream import Jitter, Ticker
from cinempc.flight.telemetry import Status
from cinempc.flight.transport import LinkError, Transport
from cinempc.mpc.plan import Plan, PlanPoint
from cinempc.rig import CameraPose, Health, RigState
from cinempc.safety import Safety
from cinempc.vehicle import Setpoint, Vehicle

Floats = NDArray[np.float64]

#: Time without the vehicle's position, wall s, after which the course comes to rest, and after
#: which the stream ends.
BLIND, LOST = 0.5, 2.0
#: Age of what came over the link, s, from which it is too slow to fly a shot by.
SLOW = 0.25
#: How much faster than the vehicle's limits a plan may be, and how far from the vehicle it may
#: start in terms of the allowed tracking error: rounding and lag, no more.
_FASTER, _OFF = 1.25, 2.0
#: Time of streaming before OFFBOARD is asked for, s: PX4 wants to see a stream.
_BEFORE = 0.6
#: Ticks between two commands to the gimbal and to the lens.
_GIMBAL_EVERY, _LENS_EVERY = 1, 3


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


@dataclass(frozen=True)
class Abilities:
    """What was found on the link, when everything was asked.

    ``camera`` is the camera's model with what it cannot move held where it stands; ``video`` and
    ``depth`` are the addresses of its streams as `cinempc.flight.video.VideoEye` takes them, None
    where it offers none.
    """

    version: tuple[int, int, int]
    camera: Camera
    video: str | None
    depth: str | None
    gimbal: bool


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
        self._braked = False
        self._tasks: list[asyncio.Task[None]] = []
        self._gimbal: Gimbaling | None = None
        self._camera: CameraClient | None = None
        self._delay = 0.0
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
        await client.connect()
        self._camera = client
        await self._lens_known(client)
        self._start(self._ticker.run())
        assert self.autopilot.version is not None
        return Abilities(
            self.autopilot.version,
            client.available(self.camera),
            *client.video,
            bool(gimbal.healthy),
        )

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
            self._end("a fault in the pilot itself")

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
        asked = self._asked.pop(message.ts1, None)
        if message.tc1 == 0 or asked is None:
            return
        one_way = (time.monotonic() - asked) / 2
        self._delay += 0.2 * (one_way - self._delay)

    # --- orders ---

    async def take_off(self, height: float) -> None:
        """Arm and climb, in the autopilot's own mode.

        Raises:
            FlightError: it does not.
        """
        if self.autopilot.airborne:
            raise FlightError(
                "the vehicle is in the air already: land it, or begin the take from where it is "
                "with --in-air"
            )
        await self.autopilot.take_off(height)

    async def fly(self) -> None:
        """Take the vehicle over: stream where it is, then OFFBOARD.

        Raises:
            FlightError: it does not go into OFFBOARD.
        """
        state = self.state()
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
        self.over, self._offboard, self._braked = None, False, False
        self.phase = Phase.FLYING
        await asyncio.sleep(_BEFORE / max(self.clock.rate, 0.05))
        try:
            await self.autopilot.set_mode(Mode.OFFBOARD)
        except FlightError:
            self.phase = Phase.IDLE
            raise
        self._offboard = True

    def follow(self, plan: Plan) -> None:
        """Fly a plan from now on, if it is one that can be flown from here."""
        reason = self._reason_to_refuse(plan)
        if reason is None and self._course is not None:
            self._course.follow(plan)
            self._braked = False
            return
        self.refused_plans += 1
        if self.refused_plans == 1 and reason is not None:
            self._on_event("warning", f"a plan was refused: {reason}")

    def _reason_to_refuse(self, plan: Plan) -> str | None:
        if self.phase is not Phase.FLYING or self._course is None:
            return "nothing is flown"
        arrays = (plan.times, plan.states, plan.inputs, plan.headings)
        if not all(np.isfinite(a).all() for a in arrays):
            return "it is not all numbers"
        if len(plan.times) < 2 or (np.diff(plan.times) <= 0).any():
            return "its times do not rise"
        now = self.clock.now()
        if plan.end < now or plan.start > now + 0.5:
            return f"it is from {plan.start:.2f} to {plan.end:.2f} s, and now is {now:.2f} s"
        speeds = np.linalg.norm(plan.states[:, 3:6], axis=1)
        most = math.hypot(
            self.vehicle.limits.speed, max(self.vehicle.limits.climb, self.vehicle.limits.descent)
        )
        if speeds.max() > _FASTER * most + 1.0:
            return f"it flies at {speeds.max():.1f} m/s"
        wanted = self._course.at(now)[0].position
        off = float(np.linalg.norm(plan.sample(max(now, plan.start)).position - wanted))
        if off > _OFF * self.safety.tracking_error:
            return f"it is {off:.1f} m from what is flown"
        return None

    async def hold(self) -> None:
        """End the stream; the autopilot holds the vehicle here."""
        self.phase = Phase.IDLE if self.phase is not Phase.OVER else Phase.OVER
        await self.autopilot.set_mode(Mode.HOLD)

    async def land(self) -> None:
        """End the stream and land here."""
        self.phase = Phase.IDLE if self.phase is not Phase.OVER else Phase.OVER
        await self.autopilot.land()

    async def return_home(self) -> None:
        """End the stream; the autopilot flies home and lands."""
        self.phase = Phase.IDLE if self.phase is not Phase.OVER else Phase.OVER
        await self.autopilot.set_mode(Mode.RETURN)

    async def record(self, on: bool) -> None:
        """Start or stop the camera's own recording."""
        assert self._camera is not None
        await (self._camera.start_recording() if on else self._camera.stop_recording())

    # --- the stream ---

    def _tick(self) -> None:
        self._watch()
        if self.phase is not Phase.FLYING or self._course is None:
            return
        now = self.clock.now()
        response = self.vehicle.response
        try:
            setpoint = self._course.setpoint(now + response.latency, self._ticker.period)
            self._send(now, setpoint)
        except ValueError as error:
            self._end(f"the course cannot be streamed: {error}")
            return
        self._ticks += 1
        assert self._gimbal is not None
        assert self._camera is not None
        if self._ticks % _GIMBAL_EVERY == 0:
            point, _ = self._course.at(now + self.vehicle.gimbal.lag)
            self._gimbal.point(point.angles, point.rates)
        if self._ticks % _LENS_EVERY == 0:
            half = _LENS_EVERY * self._ticker.period / 2
            point, _ = self._course.at(now + self.camera.lens_lag + half)
            self._camera.command_lens(point.lens)

    def _send(self, now: float, setpoint: Setpoint) -> None:
        target = self.autopilot.target
        self.link.send(
            telemetry.setpoint_message(
                int(now * 1e3), target.system, target.component, setpoint, self.origin
            )
        )

    # --- the watch ---

    def _status_changed(self, before: Status | None, now: Status) -> None:
        if self.phase is not Phase.FLYING:
            return
        if self._offboard and now.mode is not Mode.OFFBOARD:
            self._end(f"somebody has taken over: the mode is {now.mode}")
        elif self._offboard and not now.armed:
            self._end("the vehicle was disarmed")

    def _watch(self) -> None:
        if self.clock.restarts > self._restarts:
            self._restarts = self.clock.restarts
            self._end("the autopilot was restarted")
        if self.phase is not Phase.FLYING or self._course is None:
            return
        silence = self.autopilot.silence
        if silence > LOST:
            self._end(f"the vehicle was not heard for {silence:.1f} s")
        elif silence > BLIND and not self._braked:
            self._braked = True
            self._course.stop(self.clock.now())
            self._on_event("warning", f"not heard for {silence:.1f} s: coming to rest")
        if self._offboard and not self.autopilot.positioned:
            self._end("the autopilot has lost its position")

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
        if autopilot.silence > BLIND:
            problems.append(f"the vehicle was not heard for {min(autopilot.silence, 999):.1f} s")
        elif self._delay > SLOW:
            problems.append(f"the link is {self._delay:.2f} s late")
        if not autopilot.positioned:
            problems.append("the autopilot has no position")
        if self._gimbal is not None and not self._gimbal.healthy:
            problems.append("the gimbal does not answer")
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
            self.over,
            self.refused_plans,
            self._ticker.jitter(),
            self.autopilot.utc,
        )
