"""The mount in the vehicle's file."""

from __future__ import annotations

import pytest

from cinempc.rig import vehicle
from cinempc.rig.mount import MavlinkMount


def test_mounts_in_a_file(tmp_path):
    text = (
        "yaw: {min: 0 deg, max: 0 deg}\n"
        "pitch: {min: -90 deg, max: 30 deg}\n"
        "roll: {min: 0 deg, max: 0 deg}\n"
        "rate: 60 deg/s\nacceleration: 400 deg/s^2\nlag: 0.15 s\n"
    )
    path = tmp_path / "gimbal.yaml"

    def load(mount):
        path.write_text(text + mount)
        return vehicle.configs.load(path, vehicle.Gimbal)

    assert load("").mount == MavlinkMount()
    assert load("mount: {kind: mavlink, frame: vehicle, device: 154}\n").mount.frame == "vehicle"
    servo = load("mount: {kind: servo, low: 30 deg, high: -90 deg}\n").mount
    assert servo.high < servo.low
    for mount, words in [
        ("mount: {kind: fixed, pitch: -120 deg}\n", "outside the pitch range"),
        ("mount: {kind: servo, low: -45 deg, high: 30 deg}\n", "wider than the servo"),
        ("mount: {kind: servo, low: 30 deg, high: 30 deg}\n", "would not move"),
        ("mount: {kind: srevo}\n", "unknown kind 'srevo'"),
    ]:
        with pytest.raises(vehicle.configs.ConfigError, match=words):
            load(mount)
    text = text.replace("yaw: {min: 0 deg", "yaw: {min: -90 deg")
    with pytest.raises(vehicle.configs.ConfigError, match="does not turn"):
        load("mount: {kind: fixed, pitch: -30 deg}\n")
