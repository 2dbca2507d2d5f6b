"""Records the messages that the bridge's tests play: what Gazebo Harmonic's own message classes
make of two pictures of the plaza and the poses about them.

Not of a running Gazebo: the pictures are the embedded simulator's, and the messages are filled as
gz-sensors and gz-sim fill them (frame ids, sequence numbers, entities that the bridge does not
need). What is real in them is gz-msgs: its classes serialise them.

    .venv/bin/python tests/sim/record_gazebo.py render PICTURES.npz
    python -m venv /tmp/gz && /tmp/gz/bin/pip install gazebo-py-bindings numpy
    /tmp/gz/bin/python tests/sim/record_gazebo.py record PICTURES.npz tests/sim/gazebo_messages

The second step needs an environment of its own (Python 3.11, protobuf 3.20).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

#: Simulated times, s, of the pictures, and of the poses round about them.
PICTURES = (20.0, 20.0416)
POSES = (19.992, 20.008, 20.024, 20.04, 20.056)
#: Where the vehicle stands and moves to, and its attitude (yaw, pitch, roll, rad).
START, VELOCITY, ATTITUDE = (9.0, 1.0, 1.6), (0.5, -0.25, 0.1), (0.3, -0.04, 0.05)
#: The camera's link in the vehicle: place, and what the gimbal turns it by (yaw, pitch, roll).
LINK, GIMBAL = (0.1, 0.02, -0.08), (2.9, -0.06, -0.02)
ACTION = 15.0


def quaternion(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """w, x, y, z of Gazebo's roll, pitch, yaw (pitch positive down)."""
    cy, sy, cp, sp = np.cos(yaw / 2), np.sin(yaw / 2), np.cos(pitch / 2), np.sin(pitch / 2)
    cr, sr = np.cos(roll / 2), np.sin(roll / 2)
    return np.array([
        cr * cp * cy + sr * sp * sy, sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy, cr * cp * sy - sr * sp * cy,
    ])  # fmt: skip


def vehicle_at(time: float) -> np.ndarray:
    return np.array(START) + (time - POSES[0]) * np.array(VELOCITY)


def render(path: Path) -> None:
    from cinempc import frames
    from sim.gazebo import poses
    from sim.gazebo.messages import Placed
    from sim.gazebo.zoom import Row
    from sim.scenery import scene
    from sim.scenery.world import World
    from tests.sim.gazebo_parts import camera

    world, arrays = World(scene.load("plaza")), {}
    for k, time in enumerate(PICTURES):
        vehicle = Placed(vehicle_at(time), quaternion(*ATTITUDE))
        pose = poses.camera_pose(
            poses.compose(vehicle, Placed(np.array(LINK), quaternion(*GIMBAL)))
        )
        step = Row.of(camera()).steps[k]
        wide = 2 * np.tan(step.field_of_view / 2)
        image, depth = world.render(
            time - ACTION, pose.position, frames.camera_rotation(pose.yaw, pose.pitch, pose.roll),
            1.0, (wide, wide * step.height / step.width), (step.width, step.height),
        )  # fmt: skip
        arrays |= {f"image_{k}": image, f"depth_{k}": depth}
        arrays[f"fov_{k}"] = np.array(step.field_of_view)
    np.savez(path, **arrays)


def record(source: Path, folder: Path) -> None:
    from gz.msgs10.camera_info_pb2 import CameraInfo
    from gz.msgs10.image_pb2 import Image, PixelFormatType
    from gz.msgs10.pose_v_pb2 import Pose_V

    def head(message, time, frame, sequence):
        message.header.stamp.sec = int(time)
        message.header.stamp.nsec = round((time - int(time)) * 1e9)
        for key, value in (("frame_id", frame), ("seq", str(sequence))):
            entry = message.header.data.add()
            entry.key = key
            entry.value.append(value)

    pictures = np.load(source)
    for k, time in enumerate(PICTURES):
        image, depth = pictures[f"image_{k}"], pictures[f"depth_{k}"]
        height, width = depth.shape
        for name, pixels, kind, size in (
            ("image", image, PixelFormatType.RGB_INT8, 3),
            ("depth_image", depth, PixelFormatType.R_FLOAT32, 4),
        ):
            message = Image(width=width, height=height, step=width * size, pixel_format_type=kind)
            head(message, time, "cinempc_x500::cinempc_lens_link::lens", k)
            message.data = pixels.tobytes()
            (folder / f"{name}_{k}.bin").write_bytes(message.SerializeToString())
        info = CameraInfo(width=width, height=height)
        head(info, time, "cinempc_x500::cinempc_lens_link::lens", k)
        focal = width / (2 * np.tan(float(pictures[f"fov_{k}"]) / 2))
        info.distortion.model = CameraInfo.Distortion.PLUMB_BOB
        info.distortion.k.extend([0.0] * 5)
        info.intrinsics.k.extend([focal, 0, width / 2, 0, focal, height / 2, 0, 0, 1])
        info.projection.p.extend([focal, 0, width / 2, 0, 0, focal, height / 2, 0, 0, 0, 1, 0])
        info.rectification_matrix.extend([1, 0, 0, 0, 1, 0, 0, 0, 1])
        (folder / f"camera_info_{k}.bin").write_bytes(info.SerializeToString())
    for k, time in enumerate(POSES):
        message = Pose_V()
        message.header.stamp.sec = int(time)
        message.header.stamp.nsec = round((time - int(time)) * 1e9)
        entities = (
            ("cinempc_x500", vehicle_at(time), quaternion(*ATTITUDE)),
            ("base_link", np.array([0, 0, 0.24]), np.array([1.0, 0, 0, 0])),
            ("rotor_0", np.array([0.174, -0.174, 0.3]), np.array([0.7, 0, 0, 0.714])),
            ("camera_link", np.array([0.0, 0.0, 0.26]), quaternion(3.1, 0.1, 0.0)),
            ("cinempc_lens_link", np.array(LINK), quaternion(*GIMBAL)),
        )
        for number, (name, place, turn) in enumerate(entities):
            pose = message.pose.add()
            pose.name, pose.id = name, 8 + number
            pose.position.x, pose.position.y, pose.position.z = place
            pose.orientation.w, pose.orientation.x = turn[0], turn[1]
            pose.orientation.y, pose.orientation.z = turn[2], turn[3]
        (folder / f"pose_{k}.bin").write_bytes(message.SerializeToString())


if __name__ == "__main__":
    step, *paths = sys.argv[1:]
    {"render": render, "record": record}[step](*map(Path, paths))
