"""A whole simulated vehicle on MAVLink: autopilot, gimbal and camera, and the world it films."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.camera import Camera
from cinempc.rig.clock import WALL, Clock
from cinempc.rig.state import CameraPose
from cinempc.rig.vehicle import Vehicle
from sim.body.gimbal import SimGimbal, StabilisationError
from sim.body.lens_motor import LensMotors
from sim.mavlink.autopilot.autopilot import SimAutopilot
from sim.mavlink.autopilot.reports import EPOCH
from sim.mavlink.camera.behaviour import REGULAR, Behaviour, Lacks
from sim.mavlink.camera.component import CameraComponent
from sim.mavlink.camera.definition import definition_xml
from sim.mavlink.camera.definition_server import Definition, DefinitionServer
from sim.mavlink.camera.streams import Stream
from sim.mavlink.fence import FenceKeeper
from sim.mavlink.filming import Filming, Shutter, opening_lens
from sim.mavlink.gimbal_device import GimbalDevice
from sim.mavlink.gimbal_manager import GimbalManager
from sim.mavlink.host import Host, Links, ports
from sim.scenery.scene import Wind

Floats = NDArray[np.float64]


class SimulatedVehicle:
    """A vehicle with everything, behind PX4's UDP ports.

    Args:
        vehicle, camera: what is flown.
        instance: shifts the ports, as PX4's ``-i``.
        position: on the ground, ENU m from the world's origin, which is the local frame's.
        heading: rad.
        wind: that blows.
        shutter: takes pictures; None for a camera without a stream.
        streams: of the camera.
        seed: of wind and noise.
        lacks, behaviour: what the camera cannot do, and does otherwise than one expects.
        camera_address: its system and component; the vehicle's first camera if not given.
        links: in place of PX4's UDP ports.
        publish: gives out the camera's definition file.
        wall: the clock of `run`.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        camera: Camera,
        *,
        instance: int = 0,
        position: Floats | None = None,
        heading: float = math.pi / 2,
        wind: Wind | None = None,
        shutter: Shutter | None = None,
        streams: tuple[Stream, ...] = (),
        seed: int = 0,
        lacks: Lacks = Lacks.NOTHING,
        behaviour: Behaviour = REGULAR,
        camera_address: tuple[int, int] | None = None,
        links: Links | None = None,
        publish: Callable[[str], Definition] = DefinitionServer,
        wall: Clock = WALL,
    ) -> None:
        links = links or ports(instance)
        self.host = host = Host(links, wall=wall)
        system = 1 + instance
        one = mavlink.MAV_COMP_ID_AUTOPILOT1
        self.autopilot = SimAutopilot(
            vehicle,
            host.sender(system, one),
            host.sender_to(system, one),
            position=position,
            heading=heading,
            wind=wind,
            system=system,
            seed=seed,
        )
        self.gimbal = SimGimbal(vehicle.gimbal, (heading, 0.0, 0.0), StabilisationError(), seed)
        self.device = GimbalDevice(
            system,
            host.sender(system, mavlink.MAV_COMP_ID_GIMBAL),
            self.gimbal,
            lambda: self.autopilot.attitude,
        )
        self.manager = GimbalManager(
            system,
            host.sender(system, one),
            attitude=lambda: self.autopilot.attitude,
            place=self.autopilot.place,
        )
        self.autopilot.add(self.manager)
        self.autopilot.add(FenceKeeper(self.autopilot))
        self.definition = publish(definition_xml(camera, lacks))
        address = camera_address or (system, mavlink.MAV_COMP_ID_CAMERA)
        self.camera = CameraComponent(
            address[0],
            host.sender(*address),
            LensMotors(camera, opening_lens(camera)),
            component=address[1],
            streams=streams,
            definition_uri=self.definition.uri,
            lacks=lacks,
            behaviour=behaviour,
        )
        for part in (self.autopilot, self.device, self.camera):
            host.add(part)
        for link in range(len(links)):
            self.autopilot.meet(link)
        self._filming = Filming(self.camera, camera.picture.frame_rate, shutter)
        host.each(self._each)

    def pose(self) -> CameraPose:
        """Where the camera truly is and looks."""
        yaw, pitch, roll = self.gimbal.angles
        return CameraPose(self.autopilot.position, float(frames.wrap_angle(yaw)), pitch, roll)

    def _each(self, time: float) -> None:
        now = self.autopilot.time
        self._filming.step(now, EPOCH + round(now * 1e6), self.pose)

    def run(self, speed: float = 1.0, until: Callable[[], bool] = lambda: False) -> None:
        """Go on at a speed until told to stop."""
        self.host.run(speed, until)

    def close(self) -> None:
        """Let go of the ports."""
        self.definition.close()
        self.host.close()
