"""The stream of a flight: what is sent from the trajectory, when a plan is taken, and when not."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cinempc.flight.config import Flight
from cinempc.flight.pilot import phases
from cinempc.flight.pilot.devices import Devices
from cinempc.flight.pilot.ground_watch import GroundWatch
from cinempc.flight.pilot.phases import Effect, FlightPhase, FlightState, Signal
from cinempc.flight.pilot.reasons import FlightReason, PilotEvent, PlanReason
from cinempc.flight.pilot.reception import LOST, Change, Reception
from cinempc.flight.pilot.stream import Ticker, TrajectoryTime
from cinempc.mavlink import telemetry
from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.telemetry import Status
from cinempc.mavlink.transport import Transport
from cinempc.rig.camera import Camera
from cinempc.rig.clock import Clock
from cinempc.rig.lead import lead_times
from cinempc.rig.log import EventLogger, Problem, problem
from cinempc.rig.plan import Plan
from cinempc.rig.trajectory import Trajectory
from cinempc.rig.vehicle import Setpoint, Vehicle
from cinempc.safety.limits import Safety
from cinempc.safety.plan_check import reason_to_refuse

Floats = NDArray[np.float64]

#: Time between two events about refused plans, s.
_REFUSALS = 2.0
#: Ticks between two commands to the gimbal and to the lens.
_GIMBAL_EVERY, _LENS_EVERY = 1, 3


class FlightStream(ABC):
    """Streams the trajectory, and watches over it; the orders are the pilot's.

    Args:
        config, vehicle, camera, safety, origin, wall, connect: as
            `cinempc.flight.pilot.pilot.Pilot`.

    Attributes:
        devices: what it flies with.
        refused_plans: how many plans were refused so far.
    """

    def __init__(
        self,
        config: Flight,
        vehicle: Vehicle,
        camera: Camera,
        safety: Safety,
        origin: Floats | None,
        wall: Clock,
        connect: Callable[[str], Transport],
    ) -> None:
        self._wall = wall
        self.config, self.vehicle, self.camera, self.safety = config, vehicle, camera, safety
        place = np.zeros(3) if origin is None else np.asarray(origin, dtype=float)
        self._log = EventLogger("cinempc.flight.pilot", wall.utc)
        self.devices = devices = Devices(
            config, vehicle, camera, place, self._log, self._fault, self._lost, wall, connect
        )
        self.link, self.clock, self.autopilot = devices.link, devices.clock, devices.autopilot
        self.anchor = devices.anchor
        self._ground = GroundWatch(self.autopilot, self.anchor, safety)
        self.autopilot.on_status.append(self._status_changed)
        self._flight = FlightState()
        self.refused_plans = 0
        self._trajectory: Trajectory | None = None
        self._trajectory_time = TrajectoryTime(self.clock, wall)
        self._ticker = Ticker(self.clock, config.stream_rate, self._tick, wall)
        self._lead = lead_times(vehicle, camera, _LENS_EVERY * self._ticker.period)
        self._ticks = 0
        self._restarts = 0
        self._ran_out = False
        self._refused_at = -math.inf
        self._faults: set[str] = set()

    # --- how far it is ---

    @property
    def phase(self) -> FlightPhase:
        """What it streams."""
        return self._flight.phase

    @property
    def over(self) -> Problem | None:
        """Why the stream has ended; None where it has not."""
        return self._flight.ended

    def _advance(
        self,
        signal: Signal,
        *,
        modes: frozenset[Mode] = frozenset(),
        reason: Problem | None = None,
    ) -> None:
        """Take a step of the state machine, and do what it asks for."""
        self._flight, effects = phases.step(self._flight, signal, modes=modes, reason=reason)
        for effect in effects:
            match effect:
                case Effect.REST:
                    if self._trajectory is not None:
                        self._trajectory.stop(self._trajectory_time.now)
                case Effect.REPORT_END:
                    self._log.log(PilotEvent.STREAM_ENDED, reason=reason)
                case Effect.REPORT_TAKEN:
                    self._log.log(PilotEvent.TAKEN_OVER, reason=reason)
                case Effect.HOLD:
                    # Better held than left to a failsafe, unless somebody else flies it.
                    self.devices.start(self._hold_if_ours())

    @abstractmethod
    async def _hold_if_ours(self) -> None:
        """Have the autopilot hold the vehicle, unless somebody else flies it."""

    def _fault(self) -> None:
        """A task of ours has ended: a fault must not leave half a pilot."""
        self._advance(Signal.FAULT, reason=problem(FlightReason.FAULT))

    def _lost(self) -> None:
        """It is not known any more where the vehicle is in the world."""
        self._advance(Signal.FRAME_LOST, reason=problem(FlightReason.FRAME_LOST))

    # --- plans ---

    def follow(self, plan: Plan) -> None:
        """Fly a plan from now on, if it is one that can be flown from here."""
        reason = self._reason_to_refuse(plan)
        if reason is None and self._trajectory is not None:
            self._trajectory.follow(plan)
            if self._ran_out:
                self._ran_out = False
                self._log.log(PilotEvent.PLAN_AGAIN)
            return
        self.refused_plans += 1
        now = self._wall.now()
        if now - self._refused_at > _REFUSALS:
            self._log.log(PilotEvent.PLAN_REFUSED, count=self.refused_plans, reason=reason)
        self._refused_at = now

    def _reason_to_refuse(self, plan: Plan) -> Problem | None:
        if not self._flight.streams or self._trajectory is None:
            return problem(PlanReason.NOTHING_FLOWN)
        if self.phase is FlightPhase.HANDING_BACK:
            return problem(PlanReason.HANDING_BACK)
        match self.devices.reception.reception:
            case Reception.SILENT | Reception.SILENT_AND_LATE:
                return problem(PlanReason.NOT_HEARD)
            case Reception.LATE:
                return problem(PlanReason.LATE, delay=self.devices.reception.delay)
        flown, _ = self._trajectory.at(self._trajectory_time.now)
        return reason_to_refuse(
            plan,
            self.clock.now(),
            flown,
            self.vehicle,
            self.safety,
            self.anchor.home,
            self.anchor.drift,
        )

    # --- the stream ---

    def _tick(self) -> None:
        self.devices.reception.measure_pace(self._ticker.period / max(self.clock.rate, 0.05))
        self._watch()
        if not self._flight.streams or self._trajectory is None:
            return
        at = self._trajectory_time.go_on()
        try:
            setpoint = self._trajectory.setpoint(at + self._lead.autopilot, self._ticker.period)
            self._send(at, setpoint)
        except ValueError as error:
            reason = problem(FlightReason.NO_STREAM, error=str(error))
            self._advance(Signal.FAULT, reason=reason)
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
                work(self._trajectory, at)
            except Exception as error:
                if name not in self._faults:
                    self._faults.add(name)
                    self._log.log(PilotEvent.NOT_COMMANDED, part=name, error=repr(error))

    def _aim(self, trajectory: Trajectory, at: float) -> None:
        point, _ = trajectory.at(at + self._lead.gimbal)
        assert self.devices.gimbal is not None
        self.devices.gimbal.point(point.angles, point.rates)

    def _pull(self, trajectory: Trajectory, at: float) -> None:
        point, _ = trajectory.at(at + self._lead.lens)
        assert self.devices.camera is not None
        self.devices.camera.command_lens(point.lens)

    def _send(self, at: float, setpoint: Setpoint) -> None:
        target = self.autopilot.target
        self.link.send(
            telemetry.setpoint_message(
                int(at * 1e3),
                target.system,
                target.component,
                self.anchor.frame.local_setpoint(setpoint),
            )
        )

    # --- the watch ---

    def _status_changed(self, before: Status | None, now: Status) -> None:
        """A heartbeat says something new."""
        signal = phases.signal_of(self._flight, before, now)
        if signal is Signal.TAKEN_OVER:
            # PX4 says so in its heartbeat; its words go to links with a ground station only.
            self._advance(signal, reason=self.autopilot.overruled)
        elif signal is not None:
            self._advance(signal, reason=problem(FlightReason.DISARMED))

    def _look_at_status(self) -> None:
        """It may have changed while it did not matter."""
        if self.autopilot.status is not None:
            self._status_changed(None, self.autopilot.status)

    def _watch(self) -> None:
        if self.clock.restarts > self._restarts:
            self._restarts = self.clock.restarts
            self._advance(Signal.RESTARTED, reason=problem(FlightReason.RESTARTED))
        if not self._flight.streams or self._trajectory is None:
            return
        self._listen(self._trajectory)
        if not self.autopilot.positioned:
            self._advance(Signal.POSITION_LOST, reason=problem(FlightReason.POSITION_LOST))
        if self.phase is FlightPhase.FLYING and (reason := self._ground.look()) is not None:
            self._advance(Signal.TOO_LOW, reason=reason)
        end = self._trajectory.end
        if end is not None and self._trajectory_time.now > end and not self._ran_out:
            self._ran_out = True
            self._log.log(PilotEvent.PLANS_RAN_OUT)

    def _listen(self, trajectory: Trajectory) -> None:
        """Rest where the vehicle is not heard, or heard late."""
        silence, delay = self.devices.reception.silence, self.devices.reception.delay
        if silence > LOST:
            reason = problem(FlightReason.NOT_HEARD, silence=silence)
            self._advance(Signal.LINK_LOST, reason=reason)
            return
        for change in self.devices.reception.look():
            match change:
                case Change.FELL_SILENT:
                    trajectory.stop(self._trajectory_time.now)
                    self._log.log(PilotEvent.NOT_HEARD, silence=silence)
                case Change.HEARD:
                    self._log.log(PilotEvent.HEARD_AGAIN)
                case Change.BECAME_LATE:
                    trajectory.stop(self._trajectory_time.now)
                    self._log.log(PilotEvent.LATE, delay=delay)
                case Change.BECAME_PROMPT:
                    self._log.log(PilotEvent.PROMPT_AGAIN)
