"""The camera in Gazebo behind PX4: MAVLink over UDP on one side, recorded messages on the other."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from cinempc.mavlink.dialect import mavlink
from cinempc.rig.camera import LensState
from cinempc.rig.state import Frame
from cinempc.rig.subject import SubjectEstimate
from sim.gazebo import messages, model
from sim.gazebo.payload import GazeboPayload, LensHistory
from sim.scenery import scene
from tests.live.network import free_instance
from tests.sim.gazebo_parts import RECORDED, PlayedGazebo, camera

EPOCH = 1_800_000_000_000_000  # µs


class Pictures:
    """Where the pictures go."""

    streams = ()
    streaming = True

    def __init__(self) -> None:
        self.taken: list[tuple[int, Frame, dict[str, SubjectEstimate]]] = []

    def give(self, time: float, utc: int, frame: Frame, actors: Iterable[SubjectEstimate]) -> None:
        assert frame.time == time
        self.taken.append((utc, frame, {actor.id: actor for actor in actors}))


class Filming:
    """The payload, the Gazebo that it films, and the PX4 that it is behind."""

    def __init__(self, px4_ahead: float = 0.0) -> None:
        instance, self.px4_ahead = free_instance(), px4_ahead
        self.gazebo, self.pictures, self.begun = PlayedGazebo(), Pictures(), list[float]()
        self.payload = GazeboPayload(
            self.gazebo,
            "plaza",
            scene.load("plaza"),
            camera(),
            pictures=self.pictures,  # type: ignore[arg-type]
            begin=self.begun.append,
            instance=instance,
        )
        self.system = 1 + instance
        self._px4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._px4.bind(("127.0.0.1", 14280 + instance))
        self._px4.setblocking(False)
        self._camera = ("127.0.0.1", 14030 + instance)
        self._packer = mavlink.MAVLink(None, srcSystem=self.system, srcComponent=1)
        self._parser = mavlink.MAVLink(None)
        self._parser.robust_parsing = True
        self.heard: list[Any] = []
        self._frames = [
            (name, messages.parse("Image", (RECORDED / f"{name}_{k}.bin").read_bytes()), k)
            for k in (0, 1)
            for name in ("image", "depth_image")
        ]
        self._pose = messages.parse("Pose_V", (RECORDED / "pose_0.bin").read_bytes())
        self._begin = time.monotonic() - 30.0  # the simulation has run for half a minute
        self._next = self._told = 0.0

    def now(self) -> float:
        return time.monotonic() - self._begin

    def send(self, message: Any) -> None:
        self._px4.sendto(message.pack(self._packer), self._camera)

    def order(self, command: int, *parameters: float) -> None:
        values = [*parameters, *[0.0] * (7 - len(parameters))]
        self.send(mavlink.MAVLink_command_long_message(
            self.system, mavlink.MAV_COMP_ID_CAMERA, command, 0, *values
        ))  # fmt: skip

    def run(self, until: Callable[[], bool], patience: float = 30.0) -> None:
        """Let all three go on until something has come about."""
        end = time.monotonic() + patience
        while not until():
            assert time.monotonic() < end, "it did not come about"
            now = self.now()
            self.gazebo.play("/world/plaza/dynamic_pose/info", _at(self._pose, now))
            if now >= self._next:
                self._next = max(self._next + 1 / 24, now)
                for name, message, k in self._frames:
                    self.gazebo.play(f"{model.topic(f'lens_{k}')}/{name}", _at(message, now))
            if now - self._told > 0.5:
                self._told = now
                self.send(mavlink.MAVLink_system_time_message(
                    EPOCH + round(now * 1e6), round((now + self.px4_ahead) * 1e3)
                ))  # fmt: skip
            for _ in range(5):
                self.payload.step()
            while (data := _read(self._px4)) is not None:
                self.heard += self._parser.parse_buffer(data) or []

    def close(self) -> None:
        self.payload.close()
        self._px4.close()


def _at(message: Any, time: float) -> bytes:
    message.header.stamp.sec = int(time)
    message.header.stamp.nsec = round((time - int(time)) * 1e9) % 1_000_000_000
    return bytes(message.SerializeToString())


def _read(source: socket.socket) -> bytes | None:
    try:
        return source.recv(2048)
    except BlockingIOError:
        return None


@pytest.fixture
def filming() -> Iterator[Filming]:
    made = Filming()
    yield made
    made.close()


@pytest.mark.slow
def test_zoom_over_mavlink_is_seen_in_gazebo(filming: Filming) -> None:
    pictures = filming.pictures.taken
    filming.run(lambda: len(pictures) >= 3)
    assert filming.payload.ready
    assert pictures[-1][1].lens.focal_length_mm == pytest.approx(24.0)
    assert "HEARTBEAT" in {message.get_type() for message in filming.heard}

    def asked_for_the_time() -> bool:
        return any(
            m.get_type() == "COMMAND_LONG"
            and m.command == mavlink.MAV_CMD_SET_MESSAGE_INTERVAL
            and m.param1 == mavlink.MAVLINK_MSG_ID_SYSTEM_TIME
            for m in filming.heard
        )

    filming.run(asked_for_the_time)

    filming.order(mavlink.MAV_CMD_SET_CAMERA_ZOOM, mavlink.ZOOM_TYPE_FOCAL_LENGTH, 45.0)
    filming.run(lambda: pictures[-1][1].lens.focal_length_mm > 44.9)
    acks = [m for m in filming.heard if m.get_type() == "COMMAND_ACK"]
    assert any(m.command == mavlink.MAV_CMD_SET_CAMERA_ZOOM and m.result == 0 for m in acks)
    lengths = [frame.lens.focal_length_mm for _, frame, _ in pictures]
    assert any(25 < length < 44 for length in lengths)  # it moved, as a motor does
    times = [frame.time for _, frame, _ in pictures]
    assert all(np.diff(times) > 0)
    for utc, frame, _ in pictures:
        assert utc == pytest.approx(EPOCH + frame.time * 1e6, abs=2000)
        assert frame.image.shape == (54, 96, 3)


@pytest.mark.slow
def test_px4_without_lockstep_has_a_time_of_its_own() -> None:
    filming = Filming(px4_ahead=-12.0)
    try:
        pictures = filming.pictures.taken
        filming.run(lambda: len(pictures) >= 40)
        utc, frame, _ = pictures[-1]
        assert utc == pytest.approx(EPOCH + frame.time * 1e6, abs=200_000)
    finally:
        filming.close()


@pytest.mark.slow
def test_people_begin_when_the_camera_records(filming: Filming) -> None:
    pictures = filming.pictures.taken
    filming.run(lambda: len(pictures) >= 3)
    assert filming.begun == []
    assert pictures[-1][2]["hero"].velocity == pytest.approx([0, 0, 0])
    before = filming.now()
    filming.order(mavlink.MAV_CMD_VIDEO_START_CAPTURE, 0, 1)
    filming.run(lambda: bool(filming.begun))
    (action,) = filming.begun
    # The camera may be a second behind on a busy machine.
    assert before - 3 < action < filming.now() + 3
    filming.run(lambda: pictures[-1][1].time > action + 1.5)
    _, frame, actors = pictures[-1]
    hero = actors["hero"]
    assert hero.position[0] == pytest.approx(1.2 * (frame.time - action - 0.4), abs=1e-6)
    assert len(filming.begun) == 1


def test_lens_between_two_moments() -> None:
    history = LensHistory()
    history.add(1.0, LensState(30.0, 2.0, 2.0))
    history.add(2.0, LensState(40.0, math.inf, 8.0))
    assert history.at(0.5) == LensState(30.0, 2.0, 2.0)
    assert history.at(9.0) == LensState(40.0, math.inf, 8.0)
    middle = history.at(1.5)
    assert middle.focal_length_mm == 35.0
    assert middle.focus_distance_m == pytest.approx(4.0)  # half the dioptres
    assert middle.f_number == pytest.approx(4.0)  # half the stops
    history.add(0.2, LensState(24.0, 5.0, 4.0))  # time began anew
    assert history.at(1.5).focal_length_mm == 24.0
