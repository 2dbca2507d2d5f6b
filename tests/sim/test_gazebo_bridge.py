"""The bridge on recorded messages: pictures, depth, poses, lens, truth; and what can go wrong."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinempc import frames
from cinempc.errors import CinempcError
from cinempc.rig.camera import LensState
from sim.gazebo import messages, model, poses, transport
from sim.gazebo.bridge import GazeboEye
from sim.gazebo.messages import BadMessageError, Placed
from sim.scenery import scene
from tests.sim import record_gazebo as recorded
from tests.sim.gazebo_parts import RECORDED, PlayedGazebo, camera

PLAZA = scene.load("plaza")
POSES = "/world/plaza/dynamic_pose/info"
FIRST, SECOND = recorded.PICTURES


def data(name: str) -> bytes:
    return (RECORDED / f"{name}.bin").read_bytes()


class Shoot:
    """An eye, the Gazebo that it looks into, and the lens that it looks through."""

    def __init__(self, focal_length: float = 30.0, *, blurred: bool = False) -> None:
        self.gazebo = PlayedGazebo()
        self.lens = LensState(focal_length, 8.0, 4.0)
        self.eye = GazeboEye(
            self.gazebo, "plaza", PLAZA, camera(), lambda time: self.lens, blurred=blurred
        )

    def play(self, *names: str) -> None:
        for name in names:
            kind, number = name.rsplit("_", 1)
            topic = POSES if kind == "pose" else f"{model.topic(f'lens_{number}')}/{kind}"
            assert self.gazebo.play(topic, data(name)), f"nobody hears {topic}"

    def play_all(self, number: int = 0) -> None:
        self.play("pose_0")
        self.eye.frame()  # it finds out which cameras it needs
        for k in (1, 2, 3, 4):
            self.play(f"pose_{k}")
        self.play(f"camera_info_{number}", f"image_{number}", f"depth_image_{number}")


def true_pose(time: float) -> poses.CameraPose:
    vehicle = Placed(recorded.vehicle_at(time), recorded.quaternion(*recorded.ATTITUDE))
    link = Placed(np.array(recorded.LINK), recorded.quaternion(*recorded.GIMBAL))
    return poses.camera_pose(poses.compose(vehicle, link))


def test_frame_is_of_its_time_place_and_lens() -> None:
    shoot = Shoot(focal_length=30.0)
    assert shoot.eye.frame() is None
    shoot.play_all()
    frame = shoot.eye.frame()
    assert frame is not None
    assert frame.time == pytest.approx(FIRST, abs=1e-9)
    assert frame.image.shape == (54, 96, 3)
    assert frame.image.dtype == np.uint8
    assert frame.depth is not None
    assert frame.depth.shape == (54, 96)
    assert frame.lens == shoot.lens
    assert frame.sensor_mm == (24.89, 14.0)
    truth = true_pose(FIRST)
    # Between two poses that are 16 ms apart.
    assert frame.pose.position == pytest.approx(truth.position, abs=1e-6)
    for told, true in zip(
        (frame.pose.yaw, frame.pose.pitch, frame.pose.roll),
        (truth.yaw, truth.pitch, truth.roll),
        strict=True,
    ):
        assert told == pytest.approx(true, abs=1e-6)
    assert shoot.eye.frame() is None  # each is given once
    assert (shoot.eye.given, shoot.eye.bad, shoot.eye.late) == (1, 0, 0)


def test_depth_and_pose_fit_the_ground() -> None:
    """Each pixel's depth, by the frame's own pose and lens, lies on the plaza's ground or above."""
    shoot = Shoot(focal_length=26.0)
    shoot.play_all()
    frame = shoot.eye.frame()
    assert frame is not None
    assert frame.depth is not None
    height, width = frame.depth.shape
    column, row = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    x, y, _ = frames.bearing(column, row, frame.lens.focal_length_mm, *frame.sensor_mm)
    ray = np.stack([x, y, np.ones_like(x)], axis=-1)
    turn = frames.camera_rotation(frame.pose.yaw, frame.pose.pitch, frame.pose.roll)
    seen = np.isfinite(frame.depth)
    world = frame.pose.position + (ray * frame.depth[..., None])[seen] @ turn.T
    near = frame.depth[seen] < 15
    assert near.sum() > 500
    assert world[near][:, 2].min() > -0.06
    on_ground = np.abs(world[near][:, 2]) < 0.06
    assert on_ground.mean() > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("focal_length", [25.0, 33.5])
def test_cut_picture_is_what_our_simulator_takes(focal_length: float) -> None:
    from sim.scenery.world import World

    shoot = Shoot(focal_length)
    shoot.play_all()
    frame = shoot.eye.frame()
    assert frame is not None
    world = World(PLAZA)
    pose = frame.pose
    image, depth = world.render(
        FIRST - recorded.ACTION, pose.position,
        frames.camera_rotation(pose.yaw, pose.pitch, pose.roll), focal_length, frame.sensor_mm,
        (96, 54),
    )  # fmt: skip
    world.close()
    assert np.abs(frame.image.astype(float) - image).mean() < 6
    assert frame.depth is not None
    both = np.isfinite(depth) & np.isfinite(frame.depth)
    assert both.mean() > 0.5
    assert np.median(np.abs(frame.depth[both] / depth[both] - 1)) < 0.02


def test_longer_lens_is_served_by_the_next_camera() -> None:
    shoot = Shoot(focal_length=40.0)
    shoot.play_all(number=1)
    # Its picture was taken a moment later than the other camera's.
    frame = shoot.eye.frame()
    assert frame is not None
    assert frame.time == pytest.approx(SECOND, abs=1e-9)
    assert frame.lens.focal_length_mm == 40.0


def test_depth_of_field_is_laid_over_gazebos_sharp_picture() -> None:
    pictures = []
    for focus, f_number in ((8.0, 22.0), (0.9, 2.8)):
        shoot = Shoot(30.0, blurred=True)
        shoot.lens = LensState(30.0, focus, f_number)
        shoot.play_all()
        frame = shoot.eye.frame()
        assert frame is not None
        pictures.append(frame.image.astype(float))
    sharp, soft = (np.abs(np.diff(picture, axis=1)).mean() for picture in pictures)
    assert soft < 0.9 * sharp


def test_truth_is_the_scenes_from_the_action_on() -> None:
    waiting = Shoot()
    waiting.play_all()
    frame = waiting.eye.frame()
    assert frame is not None
    told = waiting.eye.truth(frame.time)
    assert told is not None
    assert set(told.actors) == {actor.id for actor in PLAZA.actors}
    hero = told.actors["hero"]
    assert hero.position == pytest.approx([0, 0, 0], abs=1e-6)
    assert hero.velocity == pytest.approx([0, 0, 0])
    assert waiting.eye.truth(frame.time + 0.1) is None

    acting = Shoot()
    acting.eye.action = recorded.ACTION
    acting.play_all()
    frame = acting.eye.frame()
    assert frame is not None
    told = acting.eye.truth(frame.time)
    assert told is not None
    hero = told.actors["hero"]
    # 5 s after the action, 0.8 s of them to get under way: 1.2 m/s along x.
    assert hero.position == pytest.approx([1.2 * (5 - 0.4), 0, 0], abs=1e-6)
    assert hero.velocity == pytest.approx([1.2, 0, 0])
    assert hero.time == frame.time
    assert told.pose is frame.pose
    assert told.lens == frame.lens


def test_frame_waits_for_depth_and_for_the_pose_after_it() -> None:
    shoot = Shoot()
    shoot.play("pose_0")
    shoot.eye.frame()
    shoot.play("pose_1", "image_0")  # the pose at 20.008 s is later than the picture at 20 s
    assert shoot.eye.frame() is None
    shoot.play("depth_image_0")
    assert shoot.eye.frame() is not None

    shoot = Shoot()
    shoot.play("pose_0", "image_0", "depth_image_0")
    assert shoot.eye.frame() is None
    shoot.play("pose_1")
    assert shoot.eye.frame() is not None


def test_frame_never_waits() -> None:
    shoot = Shoot()
    begin = time.perf_counter()
    for _ in range(100):
        assert shoot.eye.frame() is None
    assert time.perf_counter() - begin < 5


def moved(name: str, kind: str, time: float) -> bytes:
    """A recorded message at another time."""
    message = messages.parse(kind, data(name))
    message.header.stamp.sec = int(time)
    message.header.stamp.nsec = round((time - int(time)) * 1e9)
    return bytes(message.SerializeToString())


def roll(shoot: Shoot, number: int, times: np.ndarray) -> list[object]:
    """Pictures of a camera, with poses, at some times; what the eye gives meanwhile."""
    given = []
    base = model.topic(f"lens_{number}")
    for at in times:
        shoot.gazebo.play(f"{base}/image", moved(f"image_{number}", "Image", at))
        shoot.gazebo.play(f"{base}/depth_image", moved(f"depth_image_{number}", "Image", at))
        shoot.gazebo.play(POSES, moved("pose_0", "Pose_V", at + 0.005))
        if (frame := shoot.eye.frame()) is not None:
            given.append(frame)
    return given


def test_zoom_changes_cameras_without_a_gap() -> None:
    shoot = Shoot(focal_length=25.0)
    period = 1 / 24
    times = 30 + np.arange(30) * period
    shoot.gazebo.play(POSES, moved("pose_0", "Pose_V", 29.99))
    assert len(roll(shoot, 0, times[:6])) == 6
    assert f"{model.topic('lens_1')}/image" not in shoot.gazebo.heard
    shoot.lens = replace(shoot.lens, focal_length_mm=32.0)  # near enough to the next
    assert len(roll(shoot, 0, times[6:10])) == 4
    assert f"{model.topic('lens_1')}/image" in shoot.gazebo.heard
    shoot.lens = replace(shoot.lens, focal_length_mm=41.0)
    # The next camera has not sent a picture yet: this one's is cut further.
    still = roll(shoot, 0, times[10:12])
    assert [frame.lens.focal_length_mm for frame in still] == [41.0, 41.0]  # type: ignore[attr-defined]
    assert len(roll(shoot, 1, times[12:20])) == 8
    # And back: until the shorter lens's camera sends, the picture shows less, and says so.
    shoot.lens = replace(shoot.lens, focal_length_mm=30.0)
    narrow = roll(shoot, 1, times[20:22])
    assert all(33 < frame.lens.focal_length_mm < 35 for frame in narrow)  # type: ignore[attr-defined]
    wide = roll(shoot, 0, times[22:])
    assert len(wide) == 8
    assert shoot.eye.late == 0
    assert wide[-1].lens.focal_length_mm == 30.0  # type: ignore[attr-defined]


def test_camera_that_is_not_needed_is_let_go() -> None:
    shoot = Shoot(focal_length=32.0)
    shoot.gazebo.play(POSES, moved("pose_0", "Pose_V", 10.0))
    shoot.eye.frame()
    far = f"{model.topic('lens_1')}/image"
    assert far in shoot.gazebo.heard
    shoot.lens = replace(shoot.lens, focal_length_mm=24.0)
    shoot.gazebo.play(POSES, moved("pose_0", "Pose_V", 11.0))
    shoot.eye.frame()
    assert far in shoot.gazebo.heard  # it may come back
    shoot.gazebo.play(POSES, moved("pose_0", "Pose_V", 13.0))
    shoot.eye.frame()
    assert far not in shoot.gazebo.heard
    shoot.lens = replace(shoot.lens, focal_length_mm=33.0)
    shoot.eye.frame()
    assert far in shoot.gazebo.heard


def test_world_for_another_camera_is_told() -> None:
    shoot = Shoot()
    shoot.play("pose_0")
    shoot.eye.frame()
    topic = f"{model.topic('lens_0')}/camera_info"
    assert shoot.gazebo.play(topic, data("camera_info_1"))
    with pytest.raises(CinempcError, match="written for another camera"):
        shoot.eye.frame()


def test_simulation_that_begins_anew_is_followed() -> None:
    shoot = Shoot()
    shoot.eye.action = 15.0
    shoot.play_all()
    assert shoot.eye.frame() is not None
    for at in (1.0, 1.1):
        shoot.gazebo.play(POSES, moved("pose_0", "Pose_V", at))
    assert shoot.eye.frame() is None
    assert shoot.eye.time == pytest.approx(1.1)
    assert shoot.eye.action is None  # the people wait again
    assert len(roll(shoot, 0, np.array([1.2, 1.25]))) == 2


def test_action_that_the_world_says_stays() -> None:
    shoot = Shoot()
    eye = GazeboEye(PlayedGazebo(), "plaza", PLAZA, camera(), lambda time: shoot.lens, action=40.0)
    assert eye.action == 40.0
    assert eye.subjects(41.0)["hero"].position[0] == pytest.approx(1.2 * (1 - 0.4))
    assert eye.subjects(39.0)["hero"].velocity == pytest.approx([0, 0, 0])


def test_hostile_messages_are_left_out() -> None:
    shoot = Shoot()
    random = np.random.default_rng(5)
    shoot.play("pose_0")
    shoot.eye.frame()
    names = ("pose_1", "image_0", "depth_image_0", "camera_info_0")
    for _ in range(300):
        name = names[random.integers(len(names))]
        raw = bytearray(data(name))
        for _ in range(random.integers(1, 6)):
            raw[random.integers(min(len(raw), 64))] = random.integers(256)
        kind, number = name.rsplit("_", 1)
        topic = POSES if kind == "pose" else f"{model.topic(f'lens_{number}')}/{kind}"
        shoot.gazebo.play(topic, bytes(raw[: random.integers(len(raw) + 1)]))
        try:
            frame = shoot.eye.frame()
        except CinempcError:  # of another camera: a field of view was changed
            continue
        if frame is not None:
            assert np.all(np.isfinite(frame.pose.position))
    assert shoot.eye.bad > 50


@given(raw=st.binary(max_size=200))
@settings(max_examples=200)
def test_any_bytes_are_a_message_or_an_error(raw: bytes) -> None:
    for kind, read in (
        ("Image", messages.picture),
        ("Image", lambda message: messages.depth(message, 0.25)),
        ("CameraInfo", messages.field_of_view),
        ("Pose_V", lambda message: messages.poses(message, frozenset({"", "a"}))),
    ):
        try:
            read(messages.parse(kind, raw))
        except BadMessageError:
            continue


@pytest.mark.parametrize(
    ("pixel_format", "pixel", "rgb"),
    [
        (3, [10, 20, 30], [10, 20, 30]),
        (8, [10, 20, 30], [30, 20, 10]),
        (4, [10, 20, 30, 255], [10, 20, 30]),
        (5, [10, 20, 30, 255], [30, 20, 10]),
        (1, [40], [40, 40, 40]),
    ],
)
def test_pixel_formats(pixel_format: int, pixel: list[int], rgb: list[int]) -> None:
    padded = 2 * len(pixel) + 5
    row = bytes(pixel * 2) + b"\xee" * 5
    image = messages.make(
        "Image", width=2, height=3, step=padded, data=row * 3, pixel_format_type=pixel_format
    )
    picture = messages.picture(messages.parse("Image", image.SerializeToString()))
    assert picture.shape == (3, 2, 3)
    assert np.all(picture == np.array(rgb, np.uint8))


def test_depth_of_sky_and_of_what_is_too_near() -> None:
    values = np.array([[1.5, np.inf, -np.inf, np.nan]], "<f4")
    image = messages.make(
        "Image", width=4, height=1, step=16, data=values.tobytes(), pixel_format_type=13
    )
    assert np.array_equal(messages.depth(image, 0.25), np.array([[1.5, np.inf, 0.25, np.inf]]))


def test_track_turns_the_shorter_way_and_knows_its_limits() -> None:
    track = poses.Track()
    about = [recorded.quaternion(angle, 0.0, 0.0) for angle in (3.1, -3.1)]
    track.add(1.0, Placed(np.zeros(3), about[0]))
    track.add(1.2, Placed(np.array([1.0, 0, 0]), about[1]))
    middle = track.at(1.1)
    assert middle is not None
    assert middle.position == pytest.approx([0.5, 0, 0])
    assert abs(poses.camera_pose(middle).yaw) == pytest.approx(math.pi, abs=1e-6)
    assert track.at(0.9) is None
    assert track.at(1.3) is None
    track.add(5.0, Placed(np.zeros(3), about[0]))
    assert track.at(3.0) is None  # too long a time to know


def test_missing_bindings_say_how_to_get_them() -> None:
    code = (
        "import sys; sys.modules['gz'] = None\nfrom sim.gazebo.transport import GazeboTransport\n"
    )
    code += "try:\n    GazeboTransport()\nexcept Exception as error:\n"
    code += "    print(type(error).__name__, error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("NoTransportError")
    assert "python3-gz-transport" in done.stdout
    assert "--system-site-packages" in done.stdout


class FakeModule:
    """gz-transport's module as far as it is used, with what it was called with."""

    class SubscribeOptions:
        pass

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.answer: tuple[bool, bytes] = (True, b"\x10\x01")

    def Node(self) -> FakeModule:  # noqa: N802 - gz-transport's name
        return self

    def subscribe_raw(self, topic: str, callback: object, kind: str, options: object) -> bool:
        self.calls.append(("subscribe", topic, kind, type(options)))
        self.callback = callback
        return topic != "/refused"

    def unsubscribe(self, topic: str) -> bool:
        self.calls.append(("unsubscribe", topic))
        return True

    def request_raw(self, *arguments: object) -> tuple[bool, bytes]:
        self.calls.append(("request", *arguments))
        return self.answer


def test_bindings_are_called_as_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    module = FakeModule()
    monkeypatch.setattr(transport, "bindings", lambda: module)
    gazebo = transport.GazeboTransport()
    heard: list[bytes] = []
    gazebo.subscribe("/a", "Pose_V", heard.append)
    module.callback(b"raw", object())  # type: ignore[operator]
    assert heard == [b"raw"]
    assert module.calls[0] == ("subscribe", "/a", "gz.msgs.Pose_V", FakeModule.SubscribeOptions)
    with pytest.raises(CinempcError, match="/refused"):
        gazebo.subscribe("/refused", "Pose_V", heard.append)
    gazebo.unsubscribe("/a")
    assert gazebo.request("/s", "Entity", b"x", 1.5)
    assert module.calls[-1] == ("request", "/s", b"x", "gz.msgs.Entity", "gz.msgs.Boolean", 1500)
    for answer in ((False, b""), (True, b""), (True, b"\xff\xff")):
        module.answer = answer
        assert not gazebo.request("/s", "Entity", b"x", 1.5)
