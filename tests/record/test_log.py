from __future__ import annotations

import json
from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader

from cinempc import frames
from cinempc.record.log import messages
from cinempc.record.log.schemas import JSON_CHANNELS
from cinempc.record.log.writer import TakeLog
from cinempc.record.records import measure_frame
from cinempc.record.stills import jpeg

angles = st.floats(-1.5, 1.5)


def write(take, path, events):
    with TakeLog(path, take.camera, take.shots, script="name: x\n", about={"seed": 4}) as written:
        for event in events:
            if hasattr(event, "frame"):
                written.frame(event, measure_frame(event, 0.03))
            else:
                written.cycle(event)


def test_the_log_reads_back(take, tmp_path):
    path = tmp_path / "take.mcap"
    write(take, path, take.events())
    with path.open("rb") as stream:
        reader = make_reader(stream)
        summary = reader.get_summary()
        topics = {channel.topic: channel for channel in summary.channels.values()}
        schema = {t: summary.schemas[c.schema_id].name for t, c in topics.items()}
        assert schema["/camera/image"] == "foxglove.CompressedImage"
        assert schema["/camera/calibration"] == "foxglove.CameraCalibration"
        assert schema["/tf"] == "foxglove.FrameTransforms"
        assert schema["/vehicle/pose"] == schema["/camera/pose"] == "foxglove.PoseInFrame"
        assert schema["/scene"] == schema["/scene/truth"] == "foxglove.SceneUpdate"
        assert schema["/events"] == "foxglove.Log"
        for topic, wanted in JSON_CHANNELS.items():
            assert schema[topic] == wanted["title"]
            assert topics[topic].message_encoding == "json"
        messages = list(reader.iter_messages())
        counts = Counter(channel.topic for _, channel, _ in messages)
        assert counts["/camera/image"] == counts["/picture"] == counts["/truth"] == 24
        assert counts["/plan"] == counts["/lens"] == counts["/tf"] == counts["/scene"] == 20
        assert counts["/events"] == 2
        times = [m.log_time for _, channel, m in messages if channel.topic == "/camera/image"]
        assert times == [round(i / 24 * 1e9) for i in range(24)]
        assert [a.name for a in reader.iter_attachments()] == ["script.yaml"]
        assert next(iter(reader.iter_metadata())).metadata["seed"] == "4"


def test_json_messages_hold_what_their_schema_says(take, tmp_path):
    path = tmp_path / "take.mcap"
    write(take, path, [take.cycle(0.0, {"speed": 0.3}), take.frame(0.1)])
    with path.open("rb") as stream:
        found = {
            channel.topic: json.loads(message.data)
            for _, channel, message in make_reader(stream).iter_messages()
            if channel.message_encoding == "json"
        }
    assert set(found) == set(JSON_CHANNELS)
    for topic, message in found.items():
        assert set(message) == set(JSON_CHANNELS[topic]["properties"]), topic
    assert found["/lens"]["focus_distance_m"] is None  # infinity
    assert found["/lens"]["focus_dioptres"] == 0
    assert found["/lens"]["near_m"] > 0
    assert found["/violations"] == {"time": 0.0, "total": 1, "by_constraint": {"speed": 0.3}}
    assert np.array(found["/plan"]["states"]).shape == (6, 18)
    assert found["/picture"]["targets"][0]["subject"] == "hero"


def test_an_interrupted_log_reads_back(take, tmp_path):
    def until_interrupted():
        for i, event in enumerate(take.events()):
            if i == 20:
                raise KeyboardInterrupt
            yield event

    path = tmp_path / "take.mcap"
    with pytest.raises(KeyboardInterrupt):
        write(take, path, until_interrupted())
    with path.open("rb") as stream:
        assert make_reader(stream).get_summary().statistics.message_count > 20


def test_the_logged_picture_is_the_picture():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 30:] = (200, 50, 20)
    bgr = cv2.imdecode(np.frombuffer(jpeg(image, 95), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(bgr[20, 50, ::-1].astype(int) - (200, 50, 20)).max() < 8


@given(angles, angles, angles)
def test_quaternions_are_those_of_the_camera(yaw, pitch, roll):
    rotation = frames.camera_rotation(yaw, pitch, roll)
    optical = matrix(messages.optical_quaternion(yaw, pitch, roll))
    assert np.allclose(optical, rotation, atol=1e-12)
    body = matrix(messages.body_quaternion(yaw, pitch, roll))
    forward, left, up = rotation[:, 2], -rotation[:, 0], -rotation[:, 1]
    assert np.allclose(body, np.stack([forward, left, up], axis=1), atol=1e-12)


def matrix(q):
    x, y, z, w = q
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
