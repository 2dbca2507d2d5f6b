"""What the pilot flies with: autopilot, gimbal and camera of one vehicle, on one link."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc.flight.camera.driver import CameraDriver, make_camera
from cinempc.flight.config import Flight, read_key
from cinempc.flight.gimbal.driver import GimbalDriver, make_gimbal
from cinempc.flight.pilot.anchor import Anchor
from cinempc.flight.pilot.autopilot import Autopilot
from cinempc.flight.pilot.reasons import ConnectReason, PilotEvent, not_done
from cinempc.flight.pilot.reception import LinkWatch
from cinempc.flight.pilot.report import Abilities
from cinempc.mavlink.commands import NoAnswer
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import Transport
from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.rig.camera import Camera, LensState
from cinempc.rig.clock import Clock
from cinempc.rig.log import EventLogger
from cinempc.rig.vehicle import Vehicle

Floats = NDArray[np.float64]

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


#: Time in which the vehicle tells where the ground is, and the camera how its lens stands, s.
_GROUND_KNOWN, _LENS_KNOWN = 2.5, 3.0


class Devices:
    """Autopilot, gimbal and camera.

    Args:
        config: the connection.
        vehicle: whose gimbal it is.
        camera: what the camera can do, by its file.
        origin: of the vehicle's local frame in the script's world, ENU m.
        log: where events go.
        on_fault: told when a task of ours has ended by a fault.
        on_lost: told when it is not known any more where the local frame is.
        wall: the clock of the event loop.
        connect: opens the connection that ``config`` names.

    Attributes:
        link, clock, autopilot: open or not.
        anchor: where the autopilot's local frame lies in the world.
        reception: how well the vehicle is heard.
        gimbal, camera: None before they were looked for.
    """

    def __init__(
        self,
        config: Flight,
        vehicle: Vehicle,
        camera: Camera,
        origin: Floats,
        log: EventLogger,
        on_fault: Callable[[], None],
        on_lost: Callable[[], None],
        wall: Clock,
        connect: Callable[[str], Transport],
    ) -> None:
        self._vehicle, self._model = vehicle, camera
        self._log, self._on_fault = log, on_fault
        key = None if config.key is None else read_key(config.key)
        peers = () if config.vehicle_system is None else (config.vehicle_system,)
        self.link = Link(
            connect(config.connection),
            component=config.component,
            peers=peers,
            key=key,
            on_error=self._link_fault,
            wall=wall,
        )
        self.clock = VehicleClock(wall=wall)
        self.autopilot = Autopilot(self.link, self.clock, system=config.vehicle_system)
        self.anchor = Anchor(self.autopilot, origin, log, on_lost)
        self.reception = LinkWatch(self.autopilot)
        self.gimbal: GimbalDriver | None = None
        self.camera: CameraDriver | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def _link_fault(self, text: str) -> None:
        self._log.log(PilotEvent.LINK_FAULT, error=text)

    async def open(self) -> Abilities:
        """Connect to all of them, and stay connected.

        Raises:
            LinkError: one that is needed is not there.
        """
        self.link.open()
        self.start(self._heartbeats())
        await self.autopilot.connect()
        self.link.restrict((self.autopilot.target.system,))
        self.start(self.autopilot.watch())
        self.start(self.reception.ask())
        self.start(self._report_loss_action())
        await self._settle()
        await self._until(lambda: self.anchor.knows_ground, _GROUND_KNOWN)
        self.anchor.stand_on_ground()
        gimbal = make_gimbal(
            self._vehicle,
            self.link,
            self.autopilot.target,
            vehicle_attitude=lambda: self.anchor.angles,
            clock=self.clock,
        )
        await gimbal.connect()
        self.gimbal = gimbal
        client = make_camera(
            self.link,
            self._model,
            self.autopilot.target.system,
            now=self.clock.now,
            patience=self.clock.patience,
        )
        await client.connect(self.clock.patience(5.0))
        self.camera = client
        await self._lens_known(client)
        assert self.autopilot.version is not None
        video = client.video
        return Abilities(
            self.autopilot.version,
            client.available(self._model),
            video.video,
            video.depth,
            gimbal.limits(),
            video.problems,
        )

    async def _report_loss_action(self) -> None:
        """What the autopilot would do without us; whose decision that is."""
        try:
            action = await self.autopilot.parameter("COM_OBL_RC_ACT")
            after = await self.autopilot.parameter("COM_OF_LOSS_T")
        except NoAnswer:
            return
        if not (math.isfinite(action) and math.isfinite(after)):
            return
        does = _LOSS_ACTIONS.get(int(action), f"does what COM_OBL_RC_ACT {action:g} says")
        self._log.log(PilotEvent.LOSS_ACTION, after=after, action=does)

    async def _settle(self) -> None:
        """Until the vehicle's clock is known well enough to plan by."""
        await asyncio.sleep(1.5)
        if not self.clock.known:
            raise not_done(ConnectReason.NO_TIME)

    async def _lens_known(self, client: CameraDriver) -> None:
        """Until the camera has said where its lens stands; one that never does is moved to where
        we then know it to be."""

        def known() -> bool:
            return all(map(math.isfinite, (client.lens.focal_length_mm, client.lens.f_number)))

        if await self._until(known, _LENS_KNOWN):
            return
        camera = self._model
        client.command_lens(camera.clamp(LensState(camera.focal_length.min, 10.0, 5.6)))

    async def _until(self, done: Callable[[], bool], timeout: float) -> bool:
        """Wait until something is so, vehicle s; whether it is."""
        end = self.link.wall.now() + self.clock.patience(timeout)
        while not done():
            if self.link.wall.now() > end:
                return False
            await asyncio.sleep(0.05)
        return True

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside, until `close`."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """None of the pilot's tasks ends by itself: a fault of ours must not leave half a pilot."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.log(PilotEvent.FAULT, error=repr(error))
            self._on_fault()

    async def close(self) -> None:
        """End all tasks and let go of the link."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        if self.gimbal is not None:
            self.gimbal.close()
        if self.camera is not None:
            self.camera.close()
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
