"""A camera's connection: who it is, whether it is there, and questions and commands to it."""

from __future__ import annotations

import asyncio
import contextlib
import math
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from cinempc.flight.camera import discovery, presence
from cinempc.flight.camera import reports as camera_reports
from cinempc.flight.camera.discovery import Discovery, Place
from cinempc.flight.camera.lens.client import LensClient
from cinempc.flight.camera.presence import Effect, Presence, Signal
from cinempc.flight.camera.reasons import CameraEvent, CameraReason, Lack
from cinempc.flight.camera.reports import Information
from cinempc.flight.camera.requests import RETRIES, TIMEOUT, ask
from cinempc.mavlink.commands import NoAnswer, Target, command
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.ext_params import ExtParams
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import LinkError
from cinempc.rig.camera import Camera
from cinempc.rig.log import EventLogger, Reason, problem

#: Time without a heartbeat, s, after which the camera is gone.
GONE = 3.0
#: How often what is open is looked after, s.
_TICK = 0.02
#: Time from the first camera's heartbeat, s, in which others may be heard: each sends one a second.
_OTHERS = 1.2
#: Messages that carry their time since boot and come again and again.
_STAMPED = ("CAMERA_SETTINGS", "CAMERA_FOV_STATUS", "CAMERA_CAPTURE_STATUS")
#: A time since boot that is so far behind the one before, ms, and so short, is of a restart.
_BACK, _YOUNG = 1000, 60_000


class CameraConnection(LensClient):
    """The connection to one camera of a vehicle; what it can do is a subclass's to ask.

    Args:
        link: to speak on.
        camera: its model; ``camera.mavlink`` says how it is spoken to.
        system: the vehicle's system id.
        now: the time that the lens moves in and that readings carry, s; None for the link's clock.
        patience: wall s to wait for what takes a camera some seconds, as `VehicleClock.patience`.

    Attributes:
        presence: whether it is there.
    """

    def __init__(
        self,
        link: Link,
        camera: Camera,
        system: int,
        now: Callable[[], float] | None = None,
        patience: Callable[[float], float] = lambda seconds: seconds,
    ) -> None:
        super().__init__(link, camera, now)
        self.patience = patience
        self._discovery = Discovery(camera.mavlink, system)
        self._log = EventLogger("cinempc.flight.camera", link.wall.utc)
        self._told: set[tuple[Reason, str]] = set()
        self._beat = self._beat_vehicle = -math.inf
        self.presence = Presence.UNHEARD
        self._timeout = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._configuring: asyncio.Task[None] | None = None
        self._choosing: asyncio.Task[None] | None = None
        self._stamps: dict[str, int] = {}  # newest time since boot, ms, of each kind of message
        self._ends += [link.on(name, self._boot) for name in _STAMPED]
        self._ends += [
            link.on("HEARTBEAT", self._heartbeat),
            link.overhear("HEARTBEAT", self._heartbeat),
        ]

    @abstractmethod
    async def _configure(self) -> None:
        """Ask for everything that it can do, and try what is to be used."""

    # --- coming and going ---

    async def connect(self, timeout: float = 5.0) -> None:
        """Find the camera and ask it what it can do.

        A camera that is not there is a problem that is told, not an error: the shot is planned
        without moving the lens, and the camera is taken in when it comes.

        Args:
            timeout: for its first heartbeat, s.
        """
        self.start(self._watch())
        deadline = self._link.wall.now() + timeout
        while self.target is None and self._link.wall.now() < deadline:
            await asyncio.sleep(_TICK)
        if self.target is None:
            await self._take_one_of_its_own()
        if self.target is None:
            self._timeout = timeout
            self._advance(Signal.TIMED_OUT)
            return
        while (task := self._configuring) is not None and not task.done():
            await asyncio.wait([task])  # another one has begun if the camera restarts meanwhile

    def close(self) -> None:
        """Let go of the link; nothing is sent any more."""
        for end in self._ends:
            end()
        self._ends = []
        if self._params is not None:
            self._params.close()
        for task in tuple(self._tasks):
            task.cancel()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside, until `close`."""
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def present(self) -> bool:
        """Whether it is heard."""
        return self.presence is Presence.PRESENT

    @property
    def _here(self) -> bool:
        return self.present

    def _advance(self, signal: Signal) -> None:
        """Take a step of the state machine, and do what it asks for."""
        self.presence, effects = presence.step(self.presence, signal)
        for effect in effects:
            match effect:
                case Effect.REPORT_ABSENT:
                    component = self._how.component
                    self._tell_once(
                        CameraReason.ABSENT if component is None else CameraReason.COMPONENT_ABSENT,
                        timeout=self._timeout,
                        component=component,
                        heard=self._discovery.others,
                    )
                case Effect.REPORT_SILENT:
                    reason = problem(CameraReason.SILENT, silence=GONE)
                    self._log.log(CameraEvent.PROBLEM, problem=reason)
                case Effect.REPORT_THERE:
                    self._log.log(CameraEvent.THERE)
                case Effect.REPORT_BACK:
                    self._log.log(CameraEvent.BACK)
                case Effect.REPORT_RESTARTED:
                    self._log.log(CameraEvent.RESTARTED)
                case Effect.FORGET:
                    for channel in self.channels.values():
                        channel.forget()
                case Effect.CONFIGURE:
                    if self._configuring is not None:
                        self._configuring.cancel()
                    self._configuring = self.start(self._configure())

    def _tell_once(self, reason: Reason, key: str = "", /, **data: Any) -> None:
        """Report what is missing, once under its key."""
        if (reason, key) not in self._told:
            self._told.add((reason, key))
            self._log.log(CameraEvent.PROBLEM, problem=problem(reason, **data))

    async def _watch(self) -> None:
        """Look after what is open, for ever."""
        while True:
            await asyncio.sleep(_TICK)
            wall = self._link.wall.now()
            # Neither by this computer's clock nor by that of a simulator in slow motion.
            late = not self._now() - self._beat_vehicle <= GONE
            if late and wall - self._beat > GONE:
                self._advance(Signal.FELL_SILENT)
            if self.presence is Presence.ABSENT and self.target is None:
                await self._take_one_of_its_own()
            if not self._here:
                continue
            now = self._now()
            for channel in self.channels.values():
                channel.flush(now, wall)
                if channel.usable and channel.silent(wall):
                    self._lacks(channel.dof, problem(Lack.UNANSWERED, dof=channel.dof))

    def _heartbeat(self, message: Any) -> None:
        place = self._discovery.hear(message)
        if self.target is None:
            if place is Place.NAMED:
                self._take(Target(message.get_srcSystem(), message.get_srcComponent()))
            elif place is Place.VEHICLE and self._choosing is None:
                self._choosing = self.start(self._choose())
        if not self.sent(message):
            return
        self._beat, self._beat_vehicle = self._link.wall.now(), self._now()
        self._advance(Signal.HEARD)

    async def _choose(self) -> None:
        """Take a camera of the vehicle's system, the best where there are several."""
        await asyncio.sleep(self.patience(_OTHERS))
        cameras = self._discovery.cameras(Place.VEHICLE)
        informations: dict[Target, Information] = {}
        for camera in cameras if len(cameras) > 1 else ():

            def keep(message: Any, camera: Target = camera) -> None:
                if camera.sent(message):
                    informations[camera] = camera_reports.information(message)

            end = self._link.on("CAMERA_INFORMATION", keep)
            old = mavlink.MAV_CMD_REQUEST_CAMERA_INFORMATION
            with contextlib.suppress(LinkError):
                await ask(self._link, camera, "CAMERA_INFORMATION", old, 1.0, tries=4)
            end()
        chosen = discovery.best(cameras, informations)
        self._choosing = None
        if self.target is None:
            if len(cameras) > 1:
                others = ", ".join(str(each) for each in cameras if each != chosen)
                self._log.log(CameraEvent.CHOSEN, chosen=chosen, others=others)
            self._take(chosen)
            self._hear_of_it()

    async def _take_one_of_its_own(self) -> None:
        """Take the camera that has a system of its own, where there is one such and no other."""
        cameras = self._discovery.cameras(Place.OWN)
        if self.target is not None or self._choosing is not None or len(cameras) != 1:
            return
        self._log.log(CameraEvent.OTHER_SYSTEM, chosen=cameras[0])
        self._take(cameras[0])
        self._hear_of_it()

    def _take(self, camera: Target) -> None:
        """This one is the camera from now on."""
        self.target = camera
        self._link.admit(camera.system)
        self._params = ExtParams(self._link, camera, self._parameter)

    def _hear_of_it(self) -> None:
        """Its heartbeat was heard already."""
        self._beat, self._beat_vehicle = self._link.wall.now(), self._now()
        self._advance(Signal.HEARD)

    def _boot(self, message: Any) -> None:
        """The camera's time since boot: where it begins anew, it has forgotten all."""
        if not self.sent(message):
            return
        name, now = message.get_type(), int(message.time_boot_ms)
        last = self._stamps.get(name, 0)
        self._stamps[name] = now
        if 0 < now < min(last - _BACK, _YOUNG):
            self._stamps = {name: now}
            self._advance(Signal.RESTARTED)

    # --- speaking with it ---

    async def ask(
        self,
        name: str,
        old: int | None = None,
        *params: float,
        which: float = 0.0,
        tries: int = RETRIES,
    ) -> None:
        """Have the camera send a message; see `cinempc.flight.camera.requests.ask`.

        Raises:
            LinkError: it does not.
        """
        if self.target is None:
            raise NoAnswer("no camera was heard yet")
        await ask(self._link, self.target, name, old, *params, which=which, tries=tries)

    async def order(self, number: int, *params: float) -> None:
        """Give the camera a command, MAV_CMD.

        Raises:
            LinkError: it does not do it, or does not say so.
        """
        if self.target is None:
            raise NoAnswer("no camera was heard yet")
        await command(self._link, self.target, number, *params, timeout=TIMEOUT, retries=RETRIES)
