"""The pilot: holds the link, streams the trajectory, and decides when not to.

It runs in a process of its own (`cinempc.flight.pilot.process`), in one event loop: reading the
link, the stream and the watch over both never wait for the controller, the detector or the disk.

What it does about faults, in the order of who wins (`cinempc.flight.pilot.phases` has the table):

1. Somebody changed the mode (RC, QGroundControl, a failsafe): the stream ends at once, and does not
   begin again by itself; nor is the mode changed by any order until `Pilot.fly` or
   `Pilot.take_off` is called anew.
2. The autopilot restarted, disarmed, or has no position: the same.
3. The position did not come for `BLIND` s, or the link is later than `SLOW`: the trajectory comes
   to rest. Not for `LOST` s: the stream ends, and the autopilot does what its COM_OBL_RC_ACT says.
4. A plan that cannot be flown from here (`cinempc.safety.plan_check`) is refused; the trajectory
   goes on, and comes to rest when it runs out.

``docs/flight-faults.md`` has the whole table.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc.flight.camera.lens.channel import Latency
from cinempc.flight.config import Flight
from cinempc.flight.pilot import phases
from cinempc.flight.pilot.autopilot import LANDING
from cinempc.flight.pilot.flight_stream import FlightStream
from cinempc.flight.pilot.phases import Authority, FlightPhase, Signal
from cinempc.flight.pilot.reasons import (
    FlightError,
    NotOurs,
    OrderReason,
    not_done,
)
from cinempc.flight.pilot.report import Abilities, Report, problems, rig_state
from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.transport import LinkError, Transport
from cinempc.rig.camera import Camera, Dof
from cinempc.rig.clock import WALL, Clock
from cinempc.rig.log import Problem, problem
from cinempc.rig.plan import PlanPoint
from cinempc.rig.state import RigState
from cinempc.rig.trajectory import Trajectory
from cinempc.rig.vehicle import Vehicle
from cinempc.safety.limits import Safety

Floats = NDArray[np.float64]

#: Modes that a vehicle of ours may be in that has not gone into OFFBOARD: any other is somebody
#: else's choice.
_BETWEEN = frozenset((Mode.TAKEOFF, Mode.HOLD, Mode.READY, Mode.OFFBOARD))
#: Time of streaming before OFFBOARD is asked for, s: PX4 wants to see a stream.
_BEFORE = 0.6


class Pilot(FlightStream):
    """Flies the trajectory. What happens goes to the logger ``cinempc.flight.pilot``.

    Args:
        config: the connection.
        vehicle: limits, response, gimbal.
        camera: what the camera can do, by its file.
        safety: how far a plan may be from the vehicle.
        origin: of the vehicle's local frame in the script's world, ENU m.
        wall: the clock of the event loop that it runs in.
        connect: opens the connection that ``config`` names.

    Attributes:
        refused_plans: how many plans were refused so far.
    """

    def __init__(
        self,
        config: Flight,
        vehicle: Vehicle,
        camera: Camera,
        safety: Safety,
        origin: Floats | None = None,
        *,
        wall: Clock = WALL,
        connect: Callable[[str], Transport] = Transport,
    ) -> None:
        super().__init__(config, vehicle, camera, safety, origin, wall, connect)

    async def _hold_if_ours(self) -> None:
        with contextlib.suppress(LinkError):
            await self.hold()

    # --- coming and going ---

    async def open(self) -> Abilities:
        """Connect to autopilot, gimbal and camera.

        Raises:
            LinkError: one that is needed is not there.
        """
        abilities = await self.devices.open()
        self._restarts = self.clock.restarts
        self.devices.start(self._ticker.run())
        return abilities

    async def close(self) -> None:
        """Stop streaming and let go of the link."""
        self._advance(Signal.CLOSED)
        await self.devices.close()

    # --- orders ---

    async def check(self, recording: bool) -> None:
        """See, before anything is ordered, that gimbal and camera will do what a take needs.

        Args:
            recording: whether the camera has to record.

        Raises:
            FlightError: the rig cannot be flown.
            LinkError: the camera cannot record.
        """
        self._refuse_if_unfit()
        camera = self.devices.camera
        if recording and camera is not None:
            await camera.recording.check()

    def _refuse_if_unfit(self) -> None:
        """Raises FlightError where `fly` would refuse: on the ground it is known already."""
        health, gimbal = self.state().health, self.devices.gimbal
        wrong = [each for each in health.problems if each != self._flight.ended]
        if wrong:
            about = () if gimbal is None else gimbal.problems
            raise _not_flown(*wrong, *about)

    async def take_off(self, height: float) -> None:
        """Arm and climb, in the autopilot's own mode.

        Raises:
            FlightError: it does not, or the rig is not fit to be flown then, or somebody else takes
                over meanwhile.
        """
        if self.autopilot.airborne:
            raise not_done(OrderReason.IN_THE_AIR)
        self._refuse_if_unfit()
        self.anchor.stand_on_ground()
        way = frozenset((Mode.TAKEOFF, Mode.HOLD, Mode.READY, self.autopilot.mode))
        self._advance(Signal.TAKE_OFF, modes=way)
        await self.autopilot.take_off(height)
        self._advance(Signal.TAKEN_OFF, modes=frozenset((Mode.HOLD,)))

    async def fly(self) -> None:
        """Take the vehicle over: stream where it is, then OFFBOARD.

        Raises:
            FlightError: it does not go into OFFBOARD, or does not stay there.
        """
        state = self.state()
        if not self.autopilot.armed:
            raise not_done(OrderReason.NOT_ARMED)
        if not state.health.ready:
            raise _not_flown(*state.health.problems)
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
        self._trajectory = Trajectory(self.vehicle, point, state.attitude[0])
        self._trajectory_time.begin()
        self.devices.reception.begin()
        self._ground.begin()
        self._ran_out = False
        self._advance(Signal.FLY)
        try:
            await asyncio.sleep(_BEFORE / max(self.clock.rate, 0.05))
            if self.phase is FlightPhase.STARTING:
                await self.autopilot.set_mode(Mode.OFFBOARD)
        except BaseException:
            self._advance(Signal.NOT_OFFBOARD, modes=_BETWEEN)
            self._look_at_status()
            raise
        if self.phase is FlightPhase.STARTING:
            self._advance(Signal.OFFBOARD, modes=frozenset((Mode.OFFBOARD,)))
            self._look_at_status()
        if self.over is not None:
            raise _not_flown(self.over)

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
        """Come to rest, give an order that leads to one of these modes, and end the stream; it
        streams until the mode has changed, and not while it lands."""
        try:
            await self._refuse_if_not_ours(what)
        except BaseException:
            order.close()
            raise
        self._advance(Signal.HAND_BACK, modes=frozenset((Mode.OFFBOARD, *modes)))
        if self.devices.gimbal is not None and Mode.LAND in modes:
            self.devices.gimbal.let_go()  # PX4 takes it when it lands, and that is no fault
        try:
            await order
        except FlightError:
            if self.phase is FlightPhase.HANDING_BACK:
                self._advance(Signal.NOT_HANDED_BACK, modes=frozenset((Mode.OFFBOARD,)))
                self._look_at_status()
            raise
        except BaseException:  # it was not heard of: the order may still be carried out
            self._advance(Signal.NOT_HANDED_BACK)
            raise
        self._advance(Signal.HANDED_BACK)

    async def _refuse_if_not_ours(self, what: str) -> None:
        """Whether an order may change the mode: RC and QGroundControl always win.

        Raises:
            NotOurs: it may not.
        """
        if self._flight.streams or self._flight.authority is Authority.OURS:
            await self.autopilot.current_mode()  # somebody may have taken over just now
        autopilot = self.autopilot
        ours = autopilot.mode is Mode.OFFBOARD and autopilot.positioned
        reason = phases.reason_not_to_order(self._flight, ours)
        if reason is not None:
            raise NotOurs(problem(OrderReason.NOT_OURS, order=what, reason=reason))

    async def record(self, on: bool) -> None:
        """Start or stop the camera's own recording.

        Raises:
            LinkError: it does not.
        """
        camera = self.devices.camera
        assert camera is not None
        await (camera.recording.begin() if on else camera.recording.end())

    async def measure_anew(self) -> None:
        """Forget how regular the stream was so far."""
        self._ticker.measure_anew()

    async def lens_latency(self) -> dict[Dof, Latency]:
        """From commands to the lens until reports showed their effect, s."""
        camera = self.devices.camera
        return {} if camera is None else {dof: camera.latency(dof) for dof in Dof}

    # --- what is known ---

    def state(self) -> RigState:
        """The rig as it is now, as far as it is known."""
        devices = self.devices
        reception = devices.reception
        found = problems(
            self._flight, self.autopilot, devices.gimbal, reception.silence, reception.delay
        )
        return rig_state(self.autopilot, devices.gimbal, devices.camera, devices.anchor, found)

    def report(self) -> Report:
        """Everything that the other process wants to know."""
        reference, camera = self._wall.now(), self.devices.camera
        return Report(
            self.state(),
            self.phase,
            self.autopilot.mode,
            self.autopilot.armed,
            self.autopilot.airborne,
            (self.clock.rate, self.clock.now(reference) - self.clock.rate * reference),
            self._flight.ended or self._flight.taken,
            self._flight.controls,
            reference,
            self.refused_plans,
            self._ticker.timing(),
            self.autopilot.utc,
            frozenset() if camera is None else camera.held,
        )


def _not_flown(*reasons: Problem) -> FlightError:
    words = "; ".join(map(str, reasons))
    return not_done(OrderReason.NOT_FLOWN, reason=words, reasons=reasons)
