"""A simulated payload, gimbal and camera, for an autopilot that is somebody else's: PX4 in SITL
flies, and this films the embedded world from where PX4 says it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.mavlink import telemetry
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.local_frame import LocalFrame, leap
from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.rig.camera import Camera
from cinempc.rig.clock import WALL, Clock
from cinempc.rig.history import History
from cinempc.rig.state import CameraPose
from cinempc.rig.vehicle import Vehicle
from sim.body.gimbal import SimGimbal, StabilisationError
from sim.body.lens_motor import LensMotors
from sim.mavlink.camera.behaviour import Lacks
from sim.mavlink.camera.component import CameraComponent
from sim.mavlink.camera.definition import definition_xml
from sim.mavlink.camera.definition_server import Definition, DefinitionServer
from sim.mavlink.camera.streams import Stream
from sim.mavlink.filming import Filming, Shutter, opening_lens
from sim.mavlink.gimbal_device import GimbalDevice
from sim.mavlink.host import SLICE, Host, Links, Port

Floats = NDArray[np.float64]

#: PX4's links on which a payload is heard: the second onboard link, and the gimbal's.
_PAYLOAD = {"camera": Port(14030, 14280), "gimbal": Port(13280, 13030)}
#: Farther apart than this, s, a payload's time and the autopilot's are not by delays alone.
_FAR = 1.0
#: Messages that PX4 sends to a camera unasked. Its link has 4 kB/s: with them, the vehicle's
#: position would come 6 times a second, without them it does 36 times. By number, for some are
#: unknown to the dialect: HIGHRES_IMU, ATTITUDE_QUATERNION, GLOBAL_POSITION_INT, ODOMETRY,
#: GPS_RAW_INT, TIMESYNC, ALTITUDE, DISTANCE_SENSOR, ESC_INFO, ESC_STATUS, ATTITUDE_TARGET,
#: POSITION_TARGET_LOCAL_NED, SERVO_OUTPUT_RAW, VFR_HUD, VIBRATION, ESTIMATOR_STATUS, RC_CHANNELS,
#: OPEN_DRONE_ID_LOCATION, SCALED_PRESSURE, EXTENDED_SYS_STATE, SYS_STATUS.
_UNWANTED = (
    *(105, 31, 33, 331, 24, 111, 141, 132, 290, 291, 83),
    *(85, 36, 74, 241, 230, 65, 12901, 29, 245, 1),
)


class SimulatedPayload:
    """Gimbal and camera for an autopilot of somebody else's.

    Args:
        vehicle, camera: ranges and lens.
        instance: of PX4.
        origin: of the autopilot's local frame in the world, ENU m.
        shutter, streams, seed, lacks: as for `SimulatedVehicle`.
        on_missed: called with how much of the autopilot's time, s, passed without gimbal, camera
            and pictures, each time that this process has fallen too far behind it.
        links: in place of PX4's, "camera" and "gimbal".
        publish: gives out the camera's definition file.
        wall: by which the autopilot's time is told.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        camera: Camera,
        *,
        instance: int = 0,
        origin: Floats | None = None,
        shutter: Shutter | None = None,
        streams: tuple[Stream, ...] = (),
        seed: int = 0,
        lacks: Lacks = Lacks.NOTHING,
        on_missed: Callable[[float], None] = lambda missed: None,
        links: Links | None = None,
        publish: Callable[[str], Definition] = DefinitionServer,
        wall: Clock = WALL,
    ) -> None:
        links = links or {
            name: Port(port.local + instance, port.remote + instance)
            for name, port in _PAYLOAD.items()
        }
        self._wall = wall
        self.host = host = Host(links, router=False, wall=wall)
        self.clock = VehicleClock(wall=wall)
        place = np.zeros(3) if origin is None else np.asarray(origin, dtype=float)
        self._start = self._frame = LocalFrame(place)
        self._told: telemetry.LocalPosition | None = None
        self._home_set = 0
        system = 1 + instance
        self.gimbal = SimGimbal(vehicle.gimbal, (math.pi / 2, 0.0, 0.0), StabilisationError(), seed)
        self._places = History[telemetry.LocalPosition](kept=2 * _FAR, restart=_FAR)
        self._epoch: int | None = None
        self.device = GimbalDevice(
            system,
            host.sender(system, mavlink.MAV_COMP_ID_GIMBAL, "gimbal"),
            self.gimbal,
        )
        self.definition = publish(definition_xml(camera, lacks))
        self.camera = CameraComponent(
            system,
            host.sender(system, mavlink.MAV_COMP_ID_CAMERA, "camera"),
            LensMotors(camera, opening_lens(camera)),
            streams=streams,
            definition_uri=self.definition.uri,
            lacks=lacks,
        )
        host.add(_Listener(self))
        host.add(self.device)
        host.add(self.camera)
        self._ask = host.sender(system, mavlink.MAV_COMP_ID_CAMERA, "camera")
        self._asked = -math.inf
        self._system = system
        self._shift = 0.0  # of the payload's time against the autopilot's, s
        self._on_missed = on_missed
        self._filming = Filming(self.camera, camera.picture.frame_rate, shutter)

    def pose(self) -> CameraPose:
        """Where the camera is, as the autopilot says, and where it truly looks."""
        yaw, pitch, roll = self.gimbal.angles
        here = self._frame.origin
        if len(self._places):
            # A slow machine is behind the autopilot's time, which does not wait for the pictures,
            # and where the autopilot is by now is not where a picture is taken from. The reports
            # come 36 times a second: a picture falls between two.
            now = self.host.time - self._shift
            before, after = self._places.around(now)
            place = (before or after or self._places[0]).value
            here = place.position + place.velocity * min(max(now - place.time, 0.0), 0.1)
        return CameraPose(here, float(frames.wrap_angle(yaw)), pitch, roll)

    def hear(self, message: Any) -> None:
        """Take in what the autopilot says of itself."""
        if (message.get_srcSystem(), message.get_srcComponent()) != (self._system, 1):
            return
        if message.get_msgId() in _UNWANTED:
            self._introduce()  # it was restarted, or did not hear us
        match message.get_type():
            case "LOCAL_POSITION_NED":
                place = telemetry.local_position(message)
                if place is not None:
                    self._take_place(place)
            case "HOME_POSITION":
                home = telemetry.home(message)
                if home is not None and message.time_usec != self._home_set:
                    # Set where it stands, and by every take-off anew: heights count from there.
                    self._home_set = message.time_usec
                    self._frame = self._frame.with_height(float(home[2]), self._start.origin[2])
            case "ATTITUDE":
                attitude = telemetry.attitude(message)
                if attitude is not None:
                    self.clock.tell(attitude.time)
            case "SYSTEM_TIME":
                self._epoch = message.time_unix_usec - message.time_boot_ms * 1000

    def _take_place(self, place: telemetry.LocalPosition) -> None:
        """Where the autopilot is now. When its frame leaps, the vehicle has not."""
        before, self._told = self._told, place
        restarts = self.clock.restarts
        self.clock.tell(place.time)
        if self.clock.restarts > restarts:
            self._frame = self._start
        elif before is not None and place.time > before.time:
            offset = leap(before, place)
            if offset is not None:
                self._frame = self._frame.after_leap(offset)
        there = replace(place, position=self._frame.position(place.position))
        self._places.add(place.time, there)

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Go on in the autopilot's time until told to stop."""
        while not until():
            if not self.keep_up():
                time.sleep(SLICE / 4)

    def keep_up(self) -> bool:
        """Take in messages, and go on by one slice where the autopilot is a slice ahead; whether
        there may be more to do at once."""
        self.host.read()
        now = self.clock.now()
        if not self.clock.known:
            self._introduce()
        ahead = now + self._shift - self.host.time
        if math.isnan(ahead) or SLICE > ahead > -_FAR:
            return False
        if ahead <= -_FAR:
            # The autopilot was restarted; gimbal and camera were not.
            self._shift = self.host.time - now
            return True
        if ahead >= _FAR:
            # This process was not let run: what it missed does not come again.
            if self.host.time > 0:
                self._on_missed(ahead)
            self.host.time += ahead - SLICE
        self.host.step(SLICE)
        if self._epoch is not None:
            there = self.host.time - self._shift
            self._filming.step(there, self._epoch + round(there * 1e6), self.pose)
        return True

    def _introduce(self) -> None:
        """Say that we are there, and ask for what we need: PX4 sends to whom it has heard."""
        now = self._wall.now()
        if now - self._asked < 1.0:
            return
        self._asked = now
        for part in (self.device, self.camera):
            part.send(part.heartbeat())
        for number in _UNWANTED:
            self._set_interval(number, -1.0)
        # PX4's UTC is the wall clock's, 9 ms a second off its simulated time: pictures and pose
        # are brought together by it, so it is never let grow old.
        for name, rate in (("LOCAL_POSITION_NED", 50.0), ("ATTITUDE", 5.0), ("SYSTEM_TIME", 5.0)):
            self._set_interval(getattr(mavlink, f"MAVLINK_MSG_ID_{name}"), 1e6 / rate)

    def _set_interval(self, number: int, interval: float) -> None:
        self._ask(
            mavlink.MAVLink_command_long_message(
                self._system,
                1,
                mavlink.MAV_CMD_SET_MESSAGE_INTERVAL,
                0,
                number,
                interval,
                *[0.0] * 5,
            )
        )

    def close(self) -> None:
        """Let go of the ports."""
        self.definition.close()
        self.host.close()


class _Listener:
    """Hears everything, for the payload."""

    system = component = 0

    def __init__(self, payload: SimulatedPayload) -> None:
        self._payload = payload

    def receive(self, message: Any) -> None:
        self._payload.hear(message)

    def step(self, time: float) -> None:
        pass
