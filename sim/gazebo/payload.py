"""What flies on the x500 in Gazebo, as MAVLink knows it: our camera, behind PX4.

PX4 drives Gazebo's gimbal itself. The camera is a component beside it: it takes the zoom's, the
focus's and the iris's commands, its motors move as the lens's do, and the pictures that Gazebo
gives are cut and blurred by where they stood when each was taken. All in Gazebo's time, which is
PX4's where PX4 runs in lockstep with it, as its default build does.
"""

from __future__ import annotations

import bisect
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.rig.camera import Camera, LensState
from sim.body.lens_motor import LensMotors
from sim.gazebo.bridge import GazeboEye
from sim.gazebo.transport import Transport
from sim.mavlink.camera.behaviour import Lacks
from sim.mavlink.camera.component import CameraComponent
from sim.mavlink.camera.definition import definition_xml
from sim.mavlink.camera.definition_server import DefinitionServer
from sim.mavlink.filming import opening_lens
from sim.mavlink.host import SLICE, Host, Port
from sim.mavlink.video import PictureStreams
from sim.scenery.scene import Scene

#: PX4's second onboard link, where a camera is heard: its port, and the camera's.
_PX4, _HERE = 14280, 14030
#: How far back the lens is known, s: pictures come later than they were taken.
_HISTORY = 2.0
#: Farther apart than this, s, the camera's time and Gazebo's are not by delays alone.
_FAR = 1.0
#: Gazebo's time and PX4's are one, but for delays, where they are nearer than this, s.
_NOT_ONE = 0.5
#: Time between two introductions to PX4, s, before and after it has told its time: it sends to whom
#: it has heard.
_AGAIN, _STILL_THERE = 0.5, 2.0


class LensHistory:
    """How the lens stood, over simulated time."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._states: deque[LensState] = deque()

    def add(self, time: float, state: LensState) -> None:
        """Take in how it stands; a time that goes back begins anew."""
        if self._times and time <= self._times[-1]:
            self._times.clear()
            self._states.clear()
        self._times.append(time)
        self._states.append(state)
        while time - self._times[0] > _HISTORY:
            self._times.popleft()
            self._states.popleft()

    def at(self, time: float) -> LensState:
        """How it stood at a time, s; before and after what is known, as at its ends."""
        k = bisect.bisect_left(self._times, time)
        if k == 0 or k == len(self._times):
            return self._states[min(k, len(self._times) - 1)]
        before, after = self._states[k - 1], self._states[k]
        share = (time - self._times[k - 1]) / (self._times[k] - self._times[k - 1])

        def between(a: float, b: float) -> float:
            return a + share * (b - a)

        # Focus turns in dioptres, and the iris in stops.
        focus = between(1 / before.focus_distance_m, 1 / after.focus_distance_m)
        return LensState(
            between(before.focal_length_mm, after.focal_length_mm),
            1 / focus if focus > 0 else math.inf,
            math.exp(between(math.log(before.f_number), math.log(after.f_number))),
        )


class GazeboPayload:
    """The camera in Gazebo, behind PX4, with its pictures.

    Args:
        transport: the way to Gazebo.
        world: the world's name.
        scene: its people.
        camera: as the world was written for.
        pictures: takes the pictures; None for a camera that streams none.
        begin: called with the simulated time at which the camera began to record, once: the action.
        action: the simulated time of the action, s, where the world says it: nothing is called.
        instance: of PX4.
        seed: as the world was written with.
        lacks: what the camera cannot do.

    Attributes:
        eye: what films.
        camera: the component.
        host: its time is the camera's.
    """

    def __init__(
        self,
        transport: Transport,
        world: str,
        scene: Scene,
        camera: Camera,
        *,
        pictures: PictureStreams | None = None,
        begin: Callable[[float], None] = lambda time: None,
        action: float | None = None,
        instance: int = 0,
        seed: int = 0,
        lacks: Lacks = Lacks.NOTHING,
    ) -> None:
        self._system = 1 + instance
        self.host = Host({"camera": Port(_HERE + instance, _PX4 + instance)}, router=False)
        send = self.host.sender(self._system, mavlink.MAV_COMP_ID_CAMERA, "camera")
        self.definition = DefinitionServer(definition_xml(camera, lacks))
        self.camera = CameraComponent(
            self._system,
            send,
            LensMotors(camera, opening_lens(camera)),
            streams=() if pictures is None else pictures.streams,
            definition_uri=self.definition.uri,
            lacks=lacks,
        )
        self.host.add(_Listener(self))
        self.host.add(self.camera)
        self._lens = LensHistory()
        self._lens.add(0.0, self.camera.motors.state)
        self.eye = GazeboEye(
            transport, world, scene, camera, self._lens.at, seed=seed, action=action
        )
        self._clock = VehicleClock()
        self._pictures, self._begin, self._send = pictures, begin, send
        self._epoch: int | None = None
        self._asked = self._told = -math.inf

    @property
    def ready(self) -> bool:
        """Whether Gazebo's time and PX4's are known: pictures can be sent."""
        return math.isfinite(self.eye.time) and self._epoch is not None

    def hear(self, message: Any) -> None:
        """Take in what PX4 says of itself."""
        whose = (message.get_srcSystem(), message.get_srcComponent())
        if message.get_type() != "SYSTEM_TIME" or whose != (self._system, 1):
            return
        boot = message.time_boot_ms * 1000
        if self._clock.known and abs(1e-6 * boot - self._clock.now()) > _NOT_ONE:
            # A PX4 without lockstep has a time of its own: the two are joined as the message comes.
            boot = round(self._clock.now() * 1e6)
        self._epoch = message.time_unix_usec - boot

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Go on in Gazebo's time until told to stop."""
        while not until():
            if not self.step():
                time.sleep(SLICE / 2)

    def step(self) -> bool:
        """Do what there is to do; whether time went on."""
        self._introduce()
        frame = self.eye.frame(pixels=self._pictures is not None and self._pictures.streaming)
        if frame is not None and self._pictures is not None and self._epoch is not None:
            truth = self.eye.truth(frame.time)
            if truth is not None and self._pictures.streaming:
                utc = self._epoch + round(frame.time * 1e6)
                self._pictures.give(frame.time, utc, frame, truth.actors.values())
        if self.eye.time != self._told and math.isfinite(self.eye.time):
            self._told = self.eye.time
            self._clock.tell(self._told)
        return self._go_on()

    def _go_on(self) -> bool:
        """Let the camera's time follow Gazebo's."""
        self.host.read()
        if not self._clock.known:
            return False
        ahead = self._clock.now() - self.host.time
        if abs(ahead) >= _FAR:  # it has just been found, or the simulation was reset
            self.host.time += ahead - SLICE
            ahead = SLICE
        if ahead <= 0:
            return False
        self.host.step(min(SLICE, ahead))
        self._lens.add(self.host.time, self.camera.motors.state)
        if self.camera.recording and self.eye.action is None:
            self.eye.action = self.host.time
            self._begin(self.host.time)
        return True

    def _introduce(self) -> None:
        now = time.monotonic()
        if now - self._asked < (_AGAIN if self._epoch is None else _STILL_THERE):
            return
        self._asked = now
        self._send(self.camera.heartbeat())
        interval = mavlink.MAVLINK_MSG_ID_SYSTEM_TIME, 1e6
        self._send(
            mavlink.MAVLink_command_long_message(
                self._system, 1, mavlink.MAV_CMD_SET_MESSAGE_INTERVAL, 0, *interval, *np.zeros(5)
            )
        )

    def close(self) -> None:
        """Let go of the ports."""
        self.definition.close()
        self.host.close()


class _Listener:
    """Hears everything, for the payload."""

    system = component = 0

    def __init__(self, payload: GazeboPayload) -> None:
        self._payload = payload

    def receive(self, message: Any) -> None:
        self._payload.hear(message)

    def step(self, time: float) -> None:
        pass
