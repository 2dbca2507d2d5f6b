"""`cinempc sim vehicle` and `cinempc sim payload`."""

from __future__ import annotations

from typing import Annotated

from cinempc.app.options.simulation import PayloadOptions, VehicleOptions
from cinempc.cli.console import out
from cinempc.cli.options import defaults, option, picture_size, place
from cinempc.cli.simulation import (
    CameraName,
    FrameRate,
    Instance,
    PictureQuality,
    Pictures,
    SceneScript,
    Size,
    StreamTo,
    VehicleName,
)

VEHICLE_EXAMPLE = "Example: cinempc sim vehicle --script dolly_zoom --speed 0.5"
PAYLOAD_EXAMPLE = "Example: cinempc sim payload --script dolly_zoom --origin 10,0"
_V, _P = defaults(VehicleOptions), defaults(PayloadOptions)


def sim_vehicle(
    script: SceneScript = None,
    vehicle: VehicleName = _V.vehicle,
    camera: CameraName = _V.camera,
    at: Annotated[str | None, option(_V, "at", metavar="X,Y")] = None,
    heading: Annotated[float | None, option(_V, "heading")] = None,
    speed: Annotated[float, option(_V, "speed")] = _V.speed,
    instance: Instance = _V.instance,
    seed: Annotated[int, option(_V, "seed")] = _V.seed,
    pictures: Pictures = _V.pictures,
    size: Size = None,
    frame_rate: FrameRate = None,
    quality: PictureQuality = _V.quality,
    stream_to: StreamTo = None,
) -> None:
    """A simulated vehicle that speaks MAVLink as PX4 does, with gimbal and camera.

    It listens where PX4 SITL does (onboard 14580 to 14540, ground station 18570 to 14550). Its
    actors begin when the camera records and go back to their places when it stops, for every take
    anew.
    """
    options = VehicleOptions(
        script=script,
        vehicle=vehicle,
        camera=camera,
        at=place(at),
        heading=heading,
        speed=speed,
        instance=instance,
        seed=seed,
        pictures=pictures,
        size=picture_size(size),
        frame_rate=frame_rate,
        quality=quality,
        stream_to=stream_to,
    )
    from cinempc.app.sim.vehicle import vehicle as run

    run(options, progress=lambda progress: out.print(f"{progress.what}; Ctrl-C ends it"))


def sim_payload(
    script: SceneScript = None,
    vehicle: VehicleName = _P.vehicle,
    camera: CameraName = _P.camera,
    origin: Annotated[str | None, option(_P, "origin", metavar="X,Y")] = None,
    instance: Instance = _P.instance,
    seed: Annotated[int, option(_P, "seed")] = _P.seed,
    pictures: Pictures = _P.pictures,
    size: Size = None,
    frame_rate: FrameRate = None,
    quality: PictureQuality = _P.quality,
    stream_to: StreamTo = None,
) -> None:
    """Gimbal and camera for a PX4 in SITL: they film the embedded world from where PX4 flies.

    PX4 needs MNT_MODE_IN 4 and MNT_MODE_OUT 2.
    """
    options = PayloadOptions(
        script=script,
        vehicle=vehicle,
        camera=camera,
        origin=place(origin),
        instance=instance,
        seed=seed,
        pictures=pictures,
        size=picture_size(size),
        frame_rate=frame_rate,
        quality=quality,
        stream_to=stream_to,
    )
    from cinempc.app.sim.vehicle import payload as run

    run(options, progress=lambda progress: out.print(f"{progress.what}; Ctrl-C ends it"))
