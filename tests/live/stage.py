"""A stage for the tests of video: a world drawn by hand, a camera that streams it, a rig's past."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from cinempc.rig import camera as cameras
from cinempc.rig.camera import Camera, LensState
from cinempc.rig.state import CameraPose, RigState
from cinempc.rig.subject import SubjectEstimate
from sim.mavlink.autopilot.reports import EPOCH
from sim.mavlink.video import CameraVideo

RATE = 24.0
SIZE = (160, 90)
LENS = LensState(35.0, 5.0, 11.0)
PATIENCE = 90.0  # wall s: the machine may be busy
NEAR, FAR = 5.0, 20.0  # m


def small_camera(size: tuple[int, int] = SIZE, rate: float = RATE) -> Camera:
    camera = cameras.load("super35_zoom")
    picture = {"width": size[0], "height": size[1], "frame_rate": rate}
    return camera.model_copy(update={"picture": camera.picture.model_copy(update=picture)})


class DrawnWorld:
    """A red board at 5 m that moves to the right, a floor at 20 m, sky. In place of `World`."""

    def render(self, time, position, rotation, focal_mm, sensor_mm, size):
        width, height = size
        image = np.full((height, width, 3), (40, 90, 140), np.uint8)
        depth = np.full((height, width), np.inf, np.float32)
        image[height // 2 :] = (120, 120, 110)
        depth[height // 2 :] = FAR
        board = self.board(time, size)
        image[board], depth[board] = (200, 60, 40), NEAR
        return image, depth

    def board(self, time: float, size: tuple[int, int]) -> tuple[slice, slice]:
        width, height = size
        left = int(width * (0.2 + 0.1 * time % 0.5))
        return slice(height // 4, 3 * height // 4), slice(left, left + width // 4)

    def subjects(self, time: float) -> list[SubjectEstimate]:
        return [
            SubjectEstimate(
                id="hero",
                time=time,
                position=np.array([1.0 + time, 2.0, 0.0]),
                velocity=np.array([1.0, 0.0, 0.0]),
                heading=0.25,
                height=1.72,
                width=0.48,
            )
        ]


def pose_at(time: float) -> CameraPose:
    return CameraPose(np.array([time, -2 * time, 3.0]), 0.1 * time, -0.2, 0.0)


def state_at(time: float) -> RigState:
    """A rig that flies evenly, so that the pose at a time is known."""
    pose = pose_at(time)
    return RigState(
        time, pose.position, np.array([1.0, -2.0, 0.0]), (0.0, 0.0, 0.0), pose, np.zeros(3), LENS
    )


class Set:
    """A simulated camera that films, in simulated time of its own, while somebody waits."""

    def __init__(self, port: int, depth_port: int = 0, size=SIZE, world=None) -> None:
        self.world = world or DrawnWorld()
        self.size = size
        self.video = CameraVideo(self.world, small_camera(size), port=port, depth_port=depth_port)
        self.taken = 0
        self.depth = self.video.streams[1].uri

    def time(self, number: int) -> float:
        return number / RATE

    def shoot(self) -> float:
        now = self.time(self.taken)
        self.taken += 1
        self.video(now, now, EPOCH + round(now * 1e6), pose_at(now), LENS)
        return now

    def until(self, done: Callable[[], bool], step: float = 0.02) -> None:
        """Film until something is so."""
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, "it did not come about"
            self.shoot()
            time.sleep(step)

    def close(self) -> None:
        self.video.close()


@contextlib.contextmanager
def filming(port: int, **kinds) -> Iterator[Set]:
    stage = Set(port, **kinds)
    try:
        yield stage
    finally:
        stage.close()


def until(done: Callable[[], bool], what: str = "it did not come about") -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def free_udp() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Proxy:
    """Hands datagrams on, less those that are dropped: ``drop`` is asked with each."""

    def __init__(self, target: int, drop: Callable[[bytes], bool]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port = int(self._socket.getsockname()[1])
        self._target, self._drop, self._over = ("127.0.0.1", target), drop, False
        self.dropped = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._over:
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                continue
            if self._drop(data):
                self.dropped += 1
            else:
                self._socket.sendto(data, self._target)

    def close(self) -> None:
        self._over = True
        self._thread.join()
        self._socket.close()


def board_in(image: np.ndarray) -> tuple[int, int]:
    """First and last column of the red board."""
    red = (image[..., 0] > 150) & (image[..., 2] < 100)
    left, _, width, _ = cv2.boundingRect(red.astype(np.uint8))
    return left, left + width
