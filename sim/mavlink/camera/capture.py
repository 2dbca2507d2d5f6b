"""What a simulated camera takes: its mode, recordings, photographs and the card that they go on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cinempc.mavlink.dialect import mavlink
from sim.mavlink.camera.behaviour import REGULAR, Behaviour, Lacks

#: What a second of video takes, MiB/s (100 Mbit/s), and a photograph, MiB.
BITRATE, PHOTOGRAPH = 11.92, 10.0


class Capture:
    """Mode, recording, photographs and card of a simulated camera.

    Args:
        send: carries a message away.
        boot_ms: time since boot that messages carry, ms.
        attitude: of the camera, for photographs.
        changed: called when the mode is another.
        lacks, behaviour: what it does otherwise than one expects.

    Attributes:
        mode: CAMERA_MODE.
        recording: whether it records; ``recorded`` s so far.
        used: MiB of the card, whose ``size`` is as large, MiB.
        images: photographs taken.
        status_period: time between two reports of itself, s.
    """

    def __init__(
        self,
        send: Callable[[Any], None],
        boot_ms: Callable[[], int],
        attitude: Callable[[], tuple[float, float, float, float]],
        changed: Callable[[], None],
        lacks: Lacks = Lacks.NOTHING,
        behaviour: Behaviour = REGULAR,
    ) -> None:
        self._send, self._boot_ms, self._attitude = send, boot_ms, attitude
        self._changed, self._lacks, self._behaviour = changed, lacks, behaviour
        self._time = 0.0
        self.mode = int(behaviour.mode)
        self._next_mode: tuple[float, int] | None = None  # when it will be another
        self.recording = False
        self.recorded = 0.0
        self.size, left, self._card_status = behaviour.card
        self.used = self.size - left
        self.images = 0
        self.status_period = math.inf
        self._shots: tuple[float, float, int] | None = None  # next one, interval, how many left
        self._answers = list(behaviour.video_answers)
        self._begun = False  # whether it has said that it records

    # --- time ---

    def step(self, time: float) -> None:
        """Go on to a simulated time, s since boot."""
        dt, self._time = max(0.0, time - self._time), time
        if self._next_mode is not None and time >= self._next_mode[0]:
            mode, self._next_mode = self._next_mode[1], None
            self.change_mode(mode)
        self._record(dt)
        self._shoot()

    def _record(self, dt: float) -> None:
        if not self.recording:
            return
        self.recorded += dt
        self.used += BITRATE * dt
        after = self._behaviour.stops_after
        if self.used >= self.size or (after is not None and self.recorded > after):
            self.used = min(self.used, self.size)
            self.recording = self._begun = False
            self._tell()

    def _shoot(self) -> None:
        if self._shots is None or self._time < self._shots[0]:
            return
        _, interval, left = self._shots
        self.images += 1
        self.used = min(self.size, self.used + PHOTOGRAPH)
        self._shots = None if left == 1 else (self._time + interval, interval, left - 1)
        self._send(
            mavlink.MAVLink_camera_image_captured_message(
                self._boot_ms(), 0, 0, 0, 0, 0, 0, list(self._attitude()), self.images - 1, 1, b""
            )
        )
        self._tell()

    # --- what it tells ---

    def _tell(self) -> None:
        told = self.status()
        if told is not None:
            self._send(told)

    def status(self) -> Any:
        """CAMERA_CAPTURE_STATUS; None for a camera that does not tell."""
        if self._lacks & Lacks.CAPTURE_STATUS:
            return None
        interval = 0.0 if self._shots is None else self._shots[1]
        image = 0 if self._shots is None else 2
        return mavlink.MAVLink_camera_capture_status_message(
            self._boot_ms(),
            image,
            int(self.recording),
            interval,
            int(self.recorded * 1e3),
            self.size - self.used,
            self.images,
        )

    def storage(self) -> Any:
        """STORAGE_INFORMATION; None for a camera that does not tell."""
        if self._lacks & Lacks.STORAGE_STATUS:
            return None
        return mavlink.MAVLink_storage_information_message(
            self._boot_ms(),
            1,
            1,
            self._card_status,
            self.size,
            self.used,
            self.size - self.used,
            math.nan,
            math.nan,
            mavlink.STORAGE_TYPE_SD,
            b"card",
        )

    # --- orders; each gives its MAV_RESULT ---

    def set_mode(self, message: Any) -> int:
        """MAV_CMD_SET_CAMERA_MODE."""
        if self._lacks & Lacks.MODES:
            return int(mavlink.MAV_RESULT_UNSUPPORTED)
        if message.param2 not in (mavlink.CAMERA_MODE_IMAGE, mavlink.CAMERA_MODE_VIDEO):
            return int(mavlink.MAV_RESULT_DENIED)
        if self.recording:
            return int(mavlink.MAV_RESULT_DENIED)
        if self._behaviour.mode_takes and message.param2 != self.mode:
            self._next_mode = (self._time + self._behaviour.mode_takes, int(message.param2))
        else:
            self.change_mode(int(message.param2))
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def change_mode(self, mode: int) -> None:
        """Be in another mode from now on."""
        self.mode = mode
        self._changed()

    def video_start(self, message: Any) -> int:
        """MAV_CMD_VIDEO_START_CAPTURE."""
        if self._answers:
            return int(self._answers.pop(0))
        if self._lacks & Lacks.VIDEO:
            return int(mavlink.MAV_RESULT_UNSUPPORTED)
        if self._next_mode is not None:
            return int(mavlink.MAV_RESULT_TEMPORARILY_REJECTED)
        ready = self._card_status not in (
            mavlink.STORAGE_STATUS_EMPTY,
            mavlink.STORAGE_STATUS_UNFORMATTED,
        )
        video = self.mode == mavlink.CAMERA_MODE_VIDEO
        if self._begun or not video or not ready or self.used >= self.size:
            return int(mavlink.MAV_RESULT_DENIED)
        self._begun, self.recording, self.recorded = True, self._behaviour.records, 0.0
        rate = message.param2
        self.status_period = 1 / min(rate, 10.0) if rate > 0 else math.inf
        self._tell()
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def video_stop(self, message: Any) -> int:
        """MAV_CMD_VIDEO_STOP_CAPTURE."""
        if not self._begun:
            return int(mavlink.MAV_RESULT_DENIED)
        self.recording = self._begun = False
        self.status_period = math.inf
        self._tell()
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def image_start(self, message: Any) -> int:
        """MAV_CMD_IMAGE_START_CAPTURE."""
        interval, count = message.param2, message.param3
        if not (math.isfinite(interval) and interval >= 0 and 0 <= count < 1e6):
            return int(mavlink.MAV_RESULT_DENIED)
        if self._shots is not None or (count != 1 and interval <= 0):
            return int(mavlink.MAV_RESULT_DENIED)
        self._shots = (self._time, interval, int(count) if count else -1)
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def image_stop(self, message: Any) -> int:
        """MAV_CMD_IMAGE_STOP_CAPTURE."""
        if self._shots is None:
            return int(mavlink.MAV_RESULT_DENIED)
        self._shots = None
        self._tell()
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def format(self, message: Any) -> int:
        """MAV_CMD_STORAGE_FORMAT."""
        if self.recording or message.param1 not in (0, 1):
            return int(mavlink.MAV_RESULT_DENIED)
        if message.param2 == 1:
            self.used = 0.0
        self.images = 0
        told = self.storage()
        if told is not None:
            self._send(told)
        return int(mavlink.MAV_RESULT_ACCEPTED)
