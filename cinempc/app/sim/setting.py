"""Where a simulated vehicle stands, and what its camera films and streams."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cinempc.app.options.simulation import SettingOptions
from cinempc.app.script import load_scene, load_script, mark
from cinempc.errors import CinempcError
from cinempc.rig import camera as cameras
from cinempc.rig import vehicle as vehicles
from cinempc.rig.camera import Camera
from cinempc.rig.vehicle import Vehicle
from sim.scenery.scene import Wind

if TYPE_CHECKING:
    from sim.mavlink.camera.streams import Stream
    from sim.mavlink.filming import Shutter


@dataclass(frozen=True)
class Setting:
    """What is simulated.

    Attributes:
        position: where the vehicle stands, ENU m (3,).
        heading: of its nose, rad.
        vehicle, camera: that fly and film.
        wind: that blows; None is the vehicle's own default.
        shutter: takes the pictures; None where there are none.
        streams: of the camera.
        about: of the pictures, for a message; empty where there are none.
    """

    position: NDArray[np.float64]
    heading: float
    vehicle: Vehicle
    camera: Camera
    wind: Wind | None = None
    shutter: Shutter | None = None
    streams: tuple[Stream, ...] = ()
    about: str = ""


@contextmanager
def setting(options: SettingOptions) -> Iterator[Setting]:
    """A script's scene, with a camera that streams it; a plain place without a script.

    Raises:
        CinempcError: the script has no scene, an option is wrong, or this machine cannot render.
    """
    if options.script is None:
        yield Setting(
            np.zeros(3),
            math.pi / 2,
            vehicles.load(options.vehicle),
            with_picture(cameras.load(options.camera), options.size, options.frame_rate),
        )
        return
    script = load_script(options.script)
    scene = load_scene(script)
    camera = with_picture(script.camera, options.size, options.frame_rate)
    place, heading = mark(script, scene)
    plain = Setting(place, heading, script.vehicle, camera, scene.wind)
    if not options.pictures:
        yield plain
        return
    from sim.mavlink import video
    from sim.scenery.world import World

    host, port = picture_address(options.stream_to, video.VIDEO_PORT + options.instance)
    with ExitStack() as ends:
        world = World(scene, options.seed, options.quality)
        ends.callback(world.close)
        streamed = video.CameraVideo(
            world,
            camera,
            seed=options.seed,
            host=host,
            port=port,
            depth_port=video.DEPTH_PORT + options.instance,
        )
        ends.callback(streamed.close)
        yield replace(
            plain,
            shutter=streamed,
            streams=streamed.streams,
            about=f", pictures by RTP to {host}:{port}, depth at {streamed.streams[1].uri}",
        )


def with_picture(camera: Camera, size: tuple[int, int] | None, frame_rate: float | None) -> Camera:
    """The camera with another picture.

    Args:
        camera: whose sensor gives the shape.
        size: width and height, px; the camera's if None.
        frame_rate: 1/s; the camera's if None.

    Raises:
        CinempcError: a size that cannot be streamed, or not of the sensor's shape.
    """
    picture = camera.picture
    if frame_rate is not None:
        picture = picture.model_copy(update={"frame_rate": frame_rate})
    if size is not None:
        width, height = size
        text = f"{width}x{height}"
        if any(side % 2 or not 64 <= side <= 4096 for side in size):
            raise CinempcError(f"{text!r}: the sides must be even and 64 to 4096 px")
        if abs(width / height * camera.aspect - 1) > 0.01:
            raise CinempcError(
                f"{text!r} is not of the sensor's shape, {1 / camera.aspect:.3f}:1, as "
                f"{picture.width}x{picture.height} is"
            )
        picture = picture.model_copy(update={"width": width, "height": height})
    return camera.model_copy(update={"picture": picture})


def picture_address(text: str | None, port: int) -> tuple[str, int]:
    """Host and port; the one that is not given is this machine, or the usual port.

    Raises:
        CinempcError: it is no HOST:PORT.
    """
    if text is None:
        return "127.0.0.1", port
    host, colon, number = text.rpartition(":")
    if not colon:
        host, number = text, str(port)
    if not host or not number.isdecimal() or not 0 < int(number) < 65536:
        raise CinempcError(f"{text!r}: write it as HOST:PORT, such as 192.168.1.10:5600")
    return host, int(number)
