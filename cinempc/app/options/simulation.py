"""Options of what is simulated for MAVLink clients, and of whole set-ups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from cinempc.app.options.options import Options
from cinempc.app.options.shared import (
    FrameRate,
    Instance,
    PictureQuality,
    PictureSize,
)
from sim.scenery.quality import Quality


class SettingOptions(Options):
    """A simulated vehicle or payload: what it films, and where the pictures go."""

    script: Annotated[
        str | None, Field(description="Script whose scene, camera, vehicle and mark are used.")
    ] = None
    vehicle: Annotated[str, Field(description="Vehicle, if there is no script.")] = "x500_cinema"
    camera: Annotated[str, Field(description="Camera, if there is no script.")] = "super35_zoom"
    instance: Instance = 0
    pictures: Annotated[
        bool, Field(description="Whether the camera streams the scene of the script.")
    ] = True
    size: PictureSize = None
    frame_rate: FrameRate = None
    quality: PictureQuality = Quality.STANDARD
    seed: Annotated[int, Field(ge=0, description="Seed for noise.")] = 0
    stream_to: Annotated[
        str | None,
        Field(
            description="Where the pictures are sent, by RTP. [127.0.0.1:5600, the port shifted "
            "by instance]"
        ),
    ] = None


class VehicleOptions(SettingOptions):
    """`cinempc.app.sim.vehicle.vehicle`: a simulated vehicle."""

    at: Annotated[
        tuple[float, float, float] | None,
        Field(description="Where it stands, m; under the script's mark if not given."),
    ] = None
    heading: Annotated[
        float | None, Field(description="Heading of its nose, deg anticlockwise from east.")
    ] = None
    speed: Annotated[
        float,
        Field(
            ge=0.05, le=20, description="Simulated seconds a second; a slow machine slows it down."
        ),
    ] = 1.0
    seed: Annotated[int, Field(ge=0, description="Seed for wind and noise.")] = 0


class PayloadOptions(SettingOptions):
    """`cinempc.app.sim.vehicle.payload`: gimbal and camera for a PX4 in SITL."""

    origin: Annotated[
        tuple[float, float, float] | None,
        Field(
            description="Origin of PX4's local frame in the scene, m; the script's mark if not "
            "given."
        ),
    ] = None


class WorldOptions(Options):
    """`cinempc.app.sim.gazebo.write_world`: a scene as a world for Gazebo."""

    px4: Annotated[
        Path | None,
        Field(description="PX4's build, or /opt/px4-gazebo: whose models the vehicle is made of."),
    ] = None
    instance: Instance = 0
    action: Annotated[
        float | None,
        Field(
            ge=0,
            description="Simulated time at which the people begin, s. [when the camera records]",
        ),
    ] = None
    speed: Annotated[
        float, Field(ge=0.05, le=10, description="Simulated seconds a second, if it can.")
    ] = 1.0
    seed: Annotated[int, Field(ge=0, description="Seed for textures and small movements.")] = 0


class BridgeOptions(Options):
    """`cinempc.app.sim.gazebo.bridge`: the camera on the vehicle in Gazebo."""

    instance: Instance = 0
    seed: Annotated[int, Field(ge=0, description="Seed for textures and small movements.")] = 0
    pictures: Annotated[
        bool, Field(description="Whether the camera streams the scene of the script.")
    ] = True
    stream_to: Annotated[
        str | None,
        Field(
            description="Where the pictures are sent, by RTP. [127.0.0.1:5600, the port shifted "
            "by instance]"
        ),
    ] = None


class LaunchOptions(Options):
    """`cinempc.app.launch.launch.launch`: a whole set-up."""

    folder: Annotated[
        Path | None, Field(description="Folder of the take and of all logs. [takes/NAME-TIME]")
    ] = None
    speed: Annotated[float, Field(ge=0.05, le=20, description="Simulated seconds a second.")] = 1.0
    instance: Instance = 0
    fly: Annotated[
        bool,
        Field(description="Without: everything but `cinempc fly`, for other clients."),
    ] = True
    size: PictureSize = None
    frame_rate: FrameRate = None
    quality: PictureQuality = Quality.STANDARD
    seed: Annotated[int, Field(ge=0, description="Seed for wind, noise and textures.")] = 0
    gui: Annotated[bool, Field(description="With the simulator's window.")] = False
    more: Annotated[
        tuple[str, ...], Field(description="More options of `cinempc fly`, after --.")
    ] = ()
