"""Messages as nobody should send them: valid ones of every kind that is handled, and what becomes
of them when values, lengths, checksums, senders and borders are changed."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from cinempc.mavlink import ftp
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.px4 import Mode
from tests.fakes.peer import heartbeat, place

CAMERA, GIMBAL = mavlink.MAV_COMP_ID_CAMERA, mavlink.MAV_COMP_ID_GIMBAL
#: Values that code which trusts a float does not expect.
ODD_FLOATS = [
    struct.pack("<f", value)
    for value in (
        float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1e-45, 3.4e38, -3.4e38, 1e30,
        360.0, -1.0, 1e6, 101.0,
    )
]  # fmt: skip
_LITTLE = [b"\x00" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x01\x00\x00\x00"]


@dataclass(frozen=True)
class Sample:
    """A valid message: its parts as they are on the wire, and which component sends it."""

    name: str
    number: int
    extra: int
    payload: bytes
    component: int


def corpus() -> list[Sample]:
    """One or more of every kind that anybody on the link handles, as the vehicle sends them."""
    m = mavlink
    q = [1.0, 0.0, 0.0, 0.0]
    text = list(b"cinempc".ljust(32, b"\0"))
    content = ftp.payload(1, 3, ftp.ACK, 0, b"\x00" * 200, size=200, answers=ftp.READ)
    messages: list[tuple[Any, int]] = [
        (heartbeat(mode=Mode.OFFBOARD.custom, armed=True), 1),
        (heartbeat(mode=Mode.HOLD.custom, armed=True), 1),
        (heartbeat(mode=Mode.HOLD.custom), 1),
        (heartbeat(m.MAV_TYPE_CAMERA, m.MAV_AUTOPILOT_INVALID), CAMERA),
        (heartbeat(m.MAV_TYPE_GIMBAL, m.MAV_AUTOPILOT_INVALID), GIMBAL),
        (heartbeat(m.MAV_TYPE_GCS, m.MAV_AUTOPILOT_INVALID), 190),
        (place(60_000, 1.0, 2.0, -8.0, 0.5, 0.1, 0.0), 1),
        (m.MAVLink_attitude_message(60_000, 0.01, 0.02, 1.5, 0.1, 0.1, 0.1), 1),
        (m.MAVLink_estimator_status_message(60_000_000, 0x3FF, *[0.1] * 8), 1),
        (m.MAVLink_extended_sys_state_message(0, m.MAV_LANDED_STATE_IN_AIR), 1),
        (m.MAVLink_sys_status_message(1, 1, 1, 200, 16200, -1, 80, 0, 0, 0, 0, 0, 0), 1),
        (m.MAVLink_system_time_message(1767225600_000000, 60_000), 1),
        (m.MAVLink_home_position_message(1, 2, 3, 0.0, 0.0, 0.0, q, 0.0, 0.0, 0.0), 1),
        (m.MAVLink_gps_global_origin_message(474000000, 85000000, 488000, 0), 1),
        (m.MAVLink_global_position_int_message(
            60_000, 474000000, 85000000, 496000, 8000, 0, 0, 0, 9000
        ), 1),
        (m.MAVLink_odometry_message(
            60_000_000, 1, 8, 1.0, 2.0, -8.0, q, *[0.0] * 6, [0.0] * 21, [0.0] * 21, 3, 6
        ), 1),
        (m.MAVLink_battery_status_message(
            0, 0, 0, 32767, [4050] * 4 + [65535] * 6, -1, -1, -1, 80
        ), 1),
        (m.MAVLink_distance_sensor_message(60_000, 10, 5000, 800, 0, 0, 25, 0), 1),
        (m.MAVLink_statustext_message(m.MAV_SEVERITY_CRITICAL, b"Failsafe activated"), 1),
        (m.MAVLink_timesync_message(60_000_000_000, 12345), 1),
        (m.MAVLink_param_value_message(b"COM_OF_LOSS_T", 1.0, 9, 100, 3), 1),
        (m.MAVLink_autopilot_version_message(
            0xFFFF, 17 << 16 | 1 << 24, 0, 0, 0, [0] * 8, [0] * 8, [0] * 8, 0, 0, 1
        ), 1),
        (m.MAVLink_gimbal_manager_information_message(
            60_000, 0xFFFF, GIMBAL, -0.7, 0.7, -1.7, 0.7, -2.7, 2.7
        ), 1),
        (m.MAVLink_gimbal_manager_status_message(60_000, 0, GIMBAL, 1, 191, 0, 0), 1),
        (m.MAVLink_gimbal_device_attitude_status_message(
            0, 0, 60_000, 0x4C, q, 0.1, 0.1, 0.1, 0, 0.5, 0.1, 0
        ), GIMBAL),
        (m.MAVLink_gimbal_device_information_message(
            60_000, b"a", b"b", b"c", 1, 1, 1, 0xFFFF, 0, -0.7, 0.7, -1.7, 0.7, -2.7, 2.7, 0
        ), GIMBAL),
        (m.MAVLink_camera_information_message(
            60_000, text, text, 1, 35.0, 24.9, 14.0, 1920, 1080, 0, 0xFFF, 1, b"http://none/x.xml"
        ), CAMERA),
        (m.MAVLink_camera_settings_message(60_000, 1, 20.0, 30.0), CAMERA),
        (m.MAVLink_camera_fov_status_message(60_000, *[0] * 6, q, 39.0, 22.0), CAMERA),
        (m.MAVLink_storage_information_message(
            60_000, 1, 1, 2, 64e3, 1e3, 63e3, 50.0, 50.0, 0, b"card"
        ), CAMERA),
        (m.MAVLink_camera_capture_status_message(60_000, 0, 1, 1.0, 5000, 63e3, 3), CAMERA),
        (m.MAVLink_video_stream_information_message(
            1, 2, 0, 1, 24.0, 1920, 1080, 8000, 0, 60, b"main", b"rtsp://127.0.0.1:8554/main"
        ), CAMERA),
        (m.MAVLink_param_ext_value_message(
            b"CAM_APERTURE", struct.pack("<f", 5.6).ljust(128, b"\0"), 9, 5, 1
        ), CAMERA),
        (m.MAVLink_param_ext_ack_message(
            b"CAM_APERTURE", struct.pack("<f", 5.6).ljust(128, b"\0"), 9, 0
        ), CAMERA),
        (m.MAVLink_file_transfer_protocol_message(0, 1, 191, list(content)), CAMERA),
    ]  # fmt: skip
    for component, numbers in (
        (1, (m.MAV_CMD_DO_SET_MODE, m.MAV_CMD_REQUEST_MESSAGE, m.MAV_CMD_DO_SET_ACTUATOR)),
        (CAMERA, (m.MAV_CMD_SET_CAMERA_ZOOM, m.MAV_CMD_SET_CAMERA_FOCUS, 512)),
    ):
        messages += [
            (m.MAVLink_command_ack_message(n, r, 0, 0, 1, 191), component)
            for n in numbers
            for r in (0, 2, 5)
        ]
    # Orders, which are nobody's to give to us.
    messages += [
        (m.MAVLink_command_long_message(1, 191, m.MAV_CMD_DO_SET_MODE, 0, 1, 4, 6, 0, 0, 0, 0), 1),
        (m.MAVLink_command_int_message(1, 191, 0, 400, 0, 0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0.0), 1),
        (m.MAVLink_set_mode_message(1, 1, 0), 1),
        (m.MAVLink_param_set_message(1, 191, b"X", 1.0, 9), 1),
        (m.MAVLink_set_position_target_local_ned_message(0, 1, 191, 1, 0, *[0.0] * 11), 1),
    ]
    return [_sample(message, component) for message, component in messages]


def _sample(message: Any, component: int) -> Sample:
    packer = mavlink.MAVLink(None, srcSystem=1, srcComponent=component)
    data = bytes(message.pack(packer))
    # With the zeros at its end that MAVLink 2 leaves out, so that they can be changed too.
    size = type(message).unpacker.size
    payload = data[10:-2].ljust(size, b"\0")
    return Sample(message.get_type(), type(message).id, message.crc_extra, payload, component)


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
        table.append(value)
    return table


_CRC = _table()


def checksum(data: bytes) -> int:
    """CRC-16/MCRF4XX, MAVLink's."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


def packet(
    sample: Sample, payload: bytes, system: int, component: int, number: int, flags: int = 0
) -> bytes:
    """A MAVLink 2 packet with a right checksum, whatever is in it."""
    head = struct.pack(
        "<BBBBBBBHB", 0xFD, len(payload), flags, 0, number & 0xFF, system, component,
        sample.number & 0xFFFF, sample.number >> 16,
    )  # fmt: skip
    crc = checksum(head[1:] + payload + bytes([sample.extra]))
    return head + payload + struct.pack("<H", crc)


def _is_cut(data: bytes) -> bool:
    return data[0] == 0xFD and (len(data) < 2 or len(data) < 12 + data[1])


class Mutator:
    """Makes packets of samples.

    Args:
        samples: what to begin with.
        seed: the same one gives the same packets.
    """

    def __init__(self, samples: list[Sample], seed: int) -> None:
        self._samples, self._random = samples, np.random.default_rng(seed)
        self._number = 0

    def _pick(self, top: int) -> int:
        return int(self._random.integers(top))

    def values(self, sample: Sample) -> bytes:
        """A payload with other values: odd floats, all bits, random bytes, longer, shorter."""
        payload = bytearray(sample.payload)
        for _ in range(1 + self._pick(4)):
            kind = self._pick(6)
            if kind < 2 and len(payload) >= 4:
                at = 4 * self._pick(len(payload) // 4)
                choice = ODD_FLOATS if kind == 0 else _LITTLE
                payload[at : at + 4] = choice[self._pick(len(choice))]
            elif kind == 2 and payload:
                payload[self._pick(len(payload))] = self._pick(256)
            elif kind == 3 and payload:
                at = self._pick(len(payload))
                payload[at:] = self._random.bytes(len(payload) - at)
            elif kind == 4:
                del payload[self._pick(len(payload) + 1) :]  # cut, as MAVLink 2 may
            elif kind == 5 and len(payload) < 200:
                payload += self._random.bytes(self._pick(40))  # of a newer dialect
        return bytes(payload[:255])

    def hostile(self, system: int = 1, component: int | None = None) -> bytes:
        """A whole packet with any values in it, from an address (the usual component's)."""
        sample = self._samples[self._pick(len(self._samples))]
        self._number += 1
        sender = sample.component if component is None else component
        return packet(sample, self.values(sample), system, sender, self._number)

    def broken(self) -> bytes:
        """A packet from the right address that is damaged so that its checksum must show it: up to
        three bits turned, cut, or its sum changed."""
        sample = self._samples[self._pick(len(self._samples))]
        self._number += 1
        data = bytearray(packet(sample, sample.payload, 1, sample.component, self._number))
        kind = self._pick(3)
        if kind == 0:
            # Not in the length and the flags, which say where the checksum is, nor in the
            # message's number, which is in it twice: elsewhere CRC-16 shows every three bits.
            places = [4, 5, 6, *range(10, len(data))]
            for at in self._random.choice(places, 1 + self._pick(3), replace=False):
                data[int(at)] ^= 1 << self._pick(8)
        elif kind == 1:
            del data[1 + self._pick(len(data) - 1) :]
        else:
            data[-1 - self._pick(2)] ^= 1 + self._pick(255)
        return bytes(data)

    def rubbish(self) -> bytes:
        """Bytes, with the beginning of a packet here and there."""
        data = bytearray(self._random.bytes(1 + self._pick(300)))
        for _ in range(self._pick(4)):
            data[self._pick(len(data))] = 0xFD
        return bytes(data)

    def together(self, packets: list[bytes]) -> list[bytes]:
        """Several in one datagram, some of them twice, with or without rubbish between them.

        What was cut has one of its own: with what comes next behind it, it would have a right
        checksum once in 65536 times, and then only a signature would show it.
        """
        out, alone = b"", []
        for each in packets:
            if _is_cut(each):
                alone.append(each)
                continue
            out += each * (1 + (self._pick(8) == 0))
            if self._pick(10) == 0:
                out += self._random.bytes(self._pick(20))
        return [out, *alone]
