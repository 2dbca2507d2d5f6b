"""What the simulated camera streams: H.264 by RTP over UDP, and depth beside it.

Every picture carries its time (MISB ST 0604) and, as this is a simulator, its truth. A picture is
rendered, coded and sent inside the simulated step: simulated time waits for it, so that a slow
machine shows in the pace and not in the pictures.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import av
import av.error
import numpy as np

from cinempc.errors import CinempcError
from cinempc.mavlink.dialect import mavlink
from cinempc.rig import truth
from cinempc.rig.camera import Camera, LensState
from cinempc.rig.state import CameraPose, Frame
from cinempc.rig.subject import SubjectEstimate
from cinempc.video import sei, streams
from cinempc.video.footage import tag_colours, to_yuv
from sim.mavlink.camera.streams import Stream
from sim.mavlink.depth_stream import DepthStream
from sim.scenery.world import World
from sim.sensors.camera import SimCamera
from sim.sensors.depth import DepthCamera

#: Where the pictures go (QGroundControl listens there) and where depth is served; an instance
#: adds its number.
VIDEO_PORT, DEPTH_PORT = 5600, 5700
#: The depth picture is smaller than the other by this factor.
DEPTH_STEP = 2
#: Largest RTP packet, bytes: passes through tunnels and radios.
_PACKET = 1200
_MICROSECONDS = Fraction(1, 1_000_000)


class PictureStreams:
    """Streams a simulated camera's pictures, wherever they come from.

    Args:
        camera: its picture size and frame rate; an odd last column or row is cut off.
        seed: of the depth's noise.
        host, port: where the pictures are sent to.
        depth_port: where depth is served, on this machine; 0 takes any port that is free.

    Attributes:
        streams: as the camera offers them.
        taken: pictures given.
        unsent: of them, those that the network did not take.

    Raises:
        CinempcError: an address that cannot be used.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = VIDEO_PORT,
        depth_port: int = DEPTH_PORT,
    ) -> None:
        self._measure = DepthCamera(seed=seed).measure
        picture = camera.picture
        self._size = picture.width // 2 * 2, picture.height // 2 * 2
        self._on = {"main": True, "depth": True}
        self._first: int | None = None
        self.taken = self.unsent = 0
        self._depth = DepthStream("127.0.0.1", depth_port, picture.frame_rate)
        try:
            self._open(host, port, picture.frame_rate)
        except (av.error.FFmpegError, OSError) as error:
            self._depth.close()
            raise CinempcError(
                f"pictures cannot be sent to {host}:{port} ({streams.reason(error)}): give an "
                "address of this machine or of one in its network"
            ) from None
        smaller = (
            -(-(picture.width - DEPTH_STEP // 2) // DEPTH_STEP),
            -(-(picture.height - DEPTH_STEP // 2) // DEPTH_STEP),
        )
        self.streams = (
            Stream(
                str(port),
                kind=mavlink.VIDEO_STREAM_TYPE_RTPUDP,
                size=self._size,
                switch=lambda on: self._on.update(main=on),
            ),
            Stream(
                f"tcp://127.0.0.1:{self._depth.port}",
                "depth",
                mavlink.VIDEO_STREAM_TYPE_TCP_MPEG,
                mavlink.VIDEO_STREAM_ENCODING_UNKNOWN,
                smaller,
                lambda on: self._on.update(depth=on),
            ),
        )

    def _open(self, host: str, port: int, frame_rate: float) -> None:
        # FFmpeg does not tell of a name that is nobody's.
        *_, place = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0]
        self._container = av.open(
            f"rtp://{place[0]}:{port}?pkt_size={_PACKET}",
            "w",
            format="rtp",
            # RTCP would go to the next port, which is the next instance's.
            options={"rtpflags": "skip_rtcp", "payload_type": "96"},
        )
        rate = Fraction(frame_rate).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate=rate)
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        stream.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "crf": "20",
            # A key picture twice a simulated second, with all that is needed to begin there: who
            # comes late to a slow machine, or loses packets, waits for the next.
            "x264-params": f"keyint={max(1, round(frame_rate / 2))}:scenecut=0:repeat-headers=1",
        }
        codec = stream.codec_context
        codec.time_base = _MICROSECONDS
        tag_colours(codec)
        self._stream = stream

    @property
    def streaming(self) -> bool:
        """Whether any stream is switched on."""
        return any(self._on.values())

    def give(self, time: float, utc: int, frame: Frame, actors: Iterable[SubjectEstimate]) -> None:
        """Send a picture, and its depth.

        Args:
            time: s since boot.
            utc: of the picture, µs since 1970.
            frame: with the pose and the lens that truly were.
            actors: where they truly were.
        """
        self.taken += 1
        if self._on["main"]:
            about = sei.truth(truth.describe(time, frame.pose, frame.lens, actors))
            self._send(frame.image, utc, about)
        if self._on["depth"] and frame.depth is not None:
            # Picked, not averaged: between two things there is nothing.
            near = frame.depth[DEPTH_STEP // 2 :: DEPTH_STEP, DEPTH_STEP // 2 :: DEPTH_STEP]
            self._depth.send(utc, self._measure(time, near))

    def _send(self, image: np.ndarray, utc: int, about: bytes) -> None:
        if self._first is None:
            self._first = utc
        width, height = self._size
        frame = to_yuv(image[:height, :width])
        frame.pts, frame.time_base = utc - self._first, _MICROSECONDS
        for coded in self._stream.encode(frame):
            data = sei.insert(bytes(coded), sei.nal_unit(sei.time_stamp(utc)), sei.nal_unit(about))
            packet = av.Packet(data)
            packet.stream = self._stream
            packet.pts = packet.dts = coded.pts
            packet.time_base = coded.time_base
            packet.is_keyframe = coded.is_keyframe
            try:
                self._container.mux(packet)
            except (av.error.FFmpegError, OSError):  # a cable, a router: it may come back
                self.unsent += 1

    def close(self) -> None:
        """Stop streaming, and let go of the ports."""
        self._depth.close()
        self._container.close()


class CameraVideo(PictureStreams):
    """Takes a simulated camera's pictures and streams them: a `sim.mavlink.filming.Shutter`.

    Args:
        world: what it films.
        camera: its sensor, picture size and frame rate; an odd last column or row is cut off.
        seed: of its noise.
        host, port, depth_port: as for `PictureStreams`.

    Raises:
        CinempcError: an address that cannot be used.
    """

    def __init__(
        self,
        world: World,
        camera: Camera,
        *,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = VIDEO_PORT,
        depth_port: int = DEPTH_PORT,
    ) -> None:
        super().__init__(camera, seed=seed, host=host, port=port, depth_port=depth_port)
        self._world = world
        self._camera = SimCamera(world, camera, seed=seed)
        # The first picture takes the graphics seconds: not while a vehicle waits for it.
        above = CameraPose(np.array([0.0, 0.0, 2.0]), 0.0, 0.0, 0.0)
        self._camera.expose(0.0, above, LensState(camera.focal_length.min, 10.0, 5.6))

    def __call__(
        self, time: float, acting: float, utc: int, pose: CameraPose, lens: LensState
    ) -> None:
        """Take a picture and send it.

        Args:
            time: s since boot.
            acting: s since the action began; the scene's time.
            utc: of the picture, µs since 1970.
            pose: where the camera truly is and looks.
            lens: how it truly stands.
        """
        if not self.streaming:
            return
        actors = self._world.subjects(acting)
        if acting <= 0:  # they wait
            actors = [replace(actor, velocity=np.zeros(3)) for actor in actors]
        self.give(time, utc, self._camera.expose(acting, pose, lens), actors)
