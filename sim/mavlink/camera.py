"""A simulated camera on MAVLink: camera protocol version 2 over the simulator's lens motors.

What real cameras lack or do wrong can be taken away from it or switched on, for tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cinempc import lens
from cinempc.camera import LensState
from cinempc.flight.dialect import mavlink
from cinempc.flight.ext_params import KINDS, decode, encode
from sim.lens_motor import LensMotors
from sim.mavlink.camera_definition import (
    Lacks,
    Setting,
    apertures,
    definition_version,
    definition_xml,
)
from sim.mavlink.camera_definition import settings as camera_settings
from sim.mavlink.component import Component, Send

__all__ = ["CameraComponent", "Lacks", "Stream", "definition_xml"]

#: How often the field of view is sent, 1/s, until somebody asks for another rate; CAMERA_SETTINGS
#: comes when the lens or the mode changed, at most so often.
FOV_RATE, SETTINGS_RATE = 20.0, 10.0
#: The card: MiB, and what a second of video takes, MiB/s (100 Mbit/s).
CARD, BITRATE = 65536.0, 11.92
#: Time that a change of the mode takes, s, in which it is answered with "in progress".
_MODE_CHANGE = 0.2
#: Whole range of the zoom in steps, and seconds that continuous zoom and focus take through it.
_STEPS, _THROUGH = 20.0, 3.0
#: Changes of the levels that are told, per cent.
_LEVEL = 0.05
_UNKNOWN_PLACE = (1 << 31) - 1


@dataclass(frozen=True)
class Stream:
    """A video stream that is offered.

    ``kind`` is VIDEO_STREAM_TYPE, ``encoding`` VIDEO_STREAM_ENCODING; ``size`` the picture's
    width and height, px, the camera's own if not given; ``switch`` is called when somebody starts
    or stops it.
    """

    uri: str
    name: str = "main"
    kind: int = mavlink.VIDEO_STREAM_TYPE_RTSP
    encoding: int = mavlink.VIDEO_STREAM_ENCODING_H264
    size: tuple[int, int] | None = None
    switch: Callable[[bool], None] = lambda on: None


class CameraComponent(Component):
    """A camera with its lens.

    Args:
        system: of the vehicle.
        send: carries a message away.
        motors: the lens; stepped here, in simulated time.
        component: its component id.
        streams: the video streams that it offers.
        definition_uri: where `definition_xml` is served; empty for nowhere.
        focus_on: distance, m, of what an autofocus would find; without it there is none.
        attitude: of the camera against north and the horizon, as a quaternion w, x, y, z (FRD);
            unknown without it.
        lacks: what it cannot do.

    Attributes:
        recording: whether it records; ``used`` MiB of its card are.
        images: pictures taken.
        orders: orders that were heard, by command.
    """

    def __init__(
        self,
        system: int,
        send: Send,
        motors: LensMotors,
        *,
        component: int = mavlink.MAV_COMP_ID_CAMERA,
        streams: tuple[Stream, ...] = (),
        definition_uri: str = "",
        focus_on: Callable[[], float] | None = None,
        attitude: Callable[[], tuple[float, float, float, float]] | None = None,
        lacks: Lacks = Lacks.NOTHING,
    ) -> None:
        super().__init__(system, component, mavlink.MAV_TYPE_CAMERA, send)
        self.motors, self.camera, self.lacks = motors, motors.camera, lacks
        self._streams = streams
        self._definition_uri = definition_uri
        self._focus_on, self._attitude = focus_on, attitude
        self._goal = motors.state
        self._zooming = self._focusing = 0.0  # continuous, share of full speed
        self._following = False  # continuous autofocus
        self.mode = int(mavlink.CAMERA_MODE_VIDEO)
        self.recording = False
        self.recorded = 0.0
        self.used = 0.0
        self.images = 0
        self._shots: tuple[float, float, int] | None = None  # next one, interval, how many left
        self._streaming = {number: True for number, _ in enumerate(streams, 1)}
        settings = [] if lacks & Lacks.PARAMETERS else camera_settings(self.camera, lacks)
        self._settings = {setting.name: setting for setting in settings}
        self.values = {setting.name: float(setting.default) for setting in settings}
        if "CAM_APERTURE" in self.values:
            self.values["CAM_APERTURE"] = min(
                apertures(self.camera), key=lambda f: abs(f - motors.state.f_number)
            )
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._iris_moves = False
        self._due: dict[int, float] = {}
        self._periods = {
            mavlink.MAVLINK_MSG_ID_CAMERA_FOV_STATUS: 1 / FOV_RATE,
            mavlink.MAVLINK_MSG_ID_CAMERA_CAPTURE_STATUS: math.inf,
            mavlink.MAVLINK_MSG_ID_CAMERA_SETTINGS: math.inf,
            mavlink.MAVLINK_MSG_ID_STORAGE_INFORMATION: math.inf,
        }
        self._told = (math.nan, math.nan, -1)
        self._told_at = -math.inf
        self.orders: dict[int, int] = {}
        self._take_orders()

    def _take_orders(self) -> None:
        m = mavlink
        self.requests |= {
            m.MAVLINK_MSG_ID_CAMERA_INFORMATION: lambda param: self._information(),
            m.MAVLINK_MSG_ID_CAMERA_SETTINGS: lambda param: self._camera_settings(),
            m.MAVLINK_MSG_ID_CAMERA_FOV_STATUS: lambda param: self._fov_status(),
            m.MAVLINK_MSG_ID_STORAGE_INFORMATION: lambda param: self._storage(),
            m.MAVLINK_MSG_ID_CAMERA_CAPTURE_STATUS: lambda param: self._capture_status(),
            m.MAVLINK_MSG_ID_VIDEO_STREAM_INFORMATION: self._stream_information,
            m.MAVLINK_MSG_ID_VIDEO_STREAM_STATUS: self._stream_status,
        }
        self.commands |= {
            m.MAV_CMD_SET_MESSAGE_INTERVAL: self._set_interval,
            m.MAV_CMD_SET_CAMERA_MODE: self._set_mode,
            m.MAV_CMD_VIDEO_START_CAPTURE: self._video_start,
            m.MAV_CMD_VIDEO_STOP_CAPTURE: self._video_stop,
            m.MAV_CMD_IMAGE_START_CAPTURE: self._image_start,
            m.MAV_CMD_IMAGE_STOP_CAPTURE: self._image_stop,
            m.MAV_CMD_VIDEO_START_STREAMING: lambda message: self._stream(message, True),
            m.MAV_CMD_VIDEO_STOP_STREAMING: lambda message: self._stream(message, False),
            m.MAV_CMD_STORAGE_FORMAT: self._format,
            m.MAV_CMD_RESET_CAMERA_SETTINGS: self._reset,
        }
        if not self.lacks & Lacks.ZOOM:
            self.commands[m.MAV_CMD_SET_CAMERA_ZOOM] = self._zoom
        if not self.lacks & Lacks.FOCUS:
            self.commands[m.MAV_CMD_SET_CAMERA_FOCUS] = self._focus
        if not self.lacks & Lacks.OLD_REQUESTS:
            # What clients of before MAV_CMD_REQUEST_MESSAGE ask with; some still do.
            old = {
                m.MAV_CMD_REQUEST_CAMERA_INFORMATION: m.MAVLINK_MSG_ID_CAMERA_INFORMATION,
                m.MAV_CMD_REQUEST_CAMERA_SETTINGS: m.MAVLINK_MSG_ID_CAMERA_SETTINGS,
                m.MAV_CMD_REQUEST_STORAGE_INFORMATION: m.MAVLINK_MSG_ID_STORAGE_INFORMATION,
                m.MAV_CMD_REQUEST_CAMERA_CAPTURE_STATUS: m.MAVLINK_MSG_ID_CAMERA_CAPTURE_STATUS,
                m.MAV_CMD_REQUEST_VIDEO_STREAM_INFORMATION: (
                    m.MAVLINK_MSG_ID_VIDEO_STREAM_INFORMATION
                ),
                m.MAV_CMD_REQUEST_VIDEO_STREAM_STATUS: m.MAVLINK_MSG_ID_VIDEO_STREAM_STATUS,
            }
            for number, wanted in old.items():
                self.commands[number] = self._old_request(wanted)

    def _old_request(self, wanted: int) -> Callable[[Any], int]:
        def handler(message: Any) -> int:
            made = self.requests[wanted](message.param1)
            if made is None:
                return int(mavlink.MAV_RESULT_DENIED)
            self.send(made)
            return int(mavlink.MAV_RESULT_ACCEPTED)

        return handler

    # --- time ---

    def step(self, time: float) -> None:
        """Go on to a simulated time, s since boot: lens, recording, and what is sent by itself."""
        dt = max(0.0, time - self.time)
        super().step(time)
        self._move(dt)
        self._record(dt)
        for due, work in [entry for entry in self._later if entry[0] <= time]:
            self._later.remove((due, work))
            work()
        self._shoot()
        for number, period in self._periods.items():
            if time >= self._due.get(number, 0.0) and math.isfinite(period):
                self._due[number] = time + period
                if not (
                    self.lacks & Lacks.REPORTS
                    and number == mavlink.MAVLINK_MSG_ID_CAMERA_FOV_STATUS
                ):
                    self.send(self.requests[number](0.0))
        self._tell_settings()

    def _move(self, dt: float) -> None:
        camera = self.camera
        low, high = camera.focal_length.min, camera.focal_length.max
        if self._zooming:
            travel = (high - low) / _THROUGH * self._zooming * dt
            focal = min(max(self._goal.focal_length_mm + travel, low), high)
            self._goal = replace(self._goal, focal_length_mm=focal)
        if self._focusing:
            travel = self._focusing * dt / camera.focus.closest / _THROUGH
            inverse = lens.inverse(self._goal.focus_distance_m) - travel
            inverse = min(max(inverse, 0.0), 1 / camera.focus.closest)
            self._goal = replace(self._goal, focus_distance_m=lens.inverse(inverse))
        if self._following and self._focus_on is not None:
            self._goal = replace(self._goal, focus_distance_m=self._focus_on())
        self.motors.command(self._goal)
        self.motors.step(dt)
        if self._iris_moves:
            wanted = lens.stops_from_f_number(self.values["CAM_APERTURE"])
            if abs(lens.stops_from_f_number(self.motors.state.f_number) - wanted) < 0.02:
                self._iris_moves = False
                self._send_value("CAM_APERTURE")

    def _record(self, dt: float) -> None:
        if not self.recording:
            return
        self.recorded += dt
        self.used += BITRATE * dt
        if self.used >= CARD:
            self.used = CARD
            self.recording = False
            self.send(self._capture_status())

    def _levels(self) -> tuple[float, float]:
        """Zoom and focus in per cent of their ranges; focus from the closest, 0, to infinity."""
        state, camera = self.motors.state, self.camera
        low, high = camera.focal_length.min, camera.focal_length.max
        zoom = 100 * (state.focal_length_mm - low) / (high - low) if high > low else 0.0
        focus = 100 * (1 - lens.inverse(state.focus_distance_m) * camera.focus.closest)
        return zoom, focus

    def _tell_settings(self) -> None:
        if self.lacks & Lacks.REPORTS or self.time - self._told_at < 1 / SETTINGS_RATE:
            return
        zoom, focus = self._levels()
        was = self._told
        if (
            abs(zoom - was[0]) <= _LEVEL
            and abs(focus - was[1]) <= _LEVEL
            and self.mode == was[2]
            and not math.isnan(was[0])
        ):
            return
        self._told, self._told_at = (zoom, focus, self.mode), self.time
        self.send(self._camera_settings())

    # --- messages ---

    def receive(self, message: Any) -> None:
        """Take in a message from the network."""
        if not self.is_for_me(message):
            return
        kind = message.get_type()
        if kind == "PARAM_EXT_REQUEST_READ":
            self._read_parameter(message)
        elif kind == "PARAM_EXT_REQUEST_LIST":
            for name in self._settings:
                self._send_value(name)
        elif kind == "PARAM_EXT_SET":
            self._set_parameter(message)
        else:
            super().receive(message)

    def answer(self, message: Any, result: int) -> None:
        """Acknowledge a command, unless it is one that never does."""
        if not self.lacks & Lacks.ANSWERS:
            super().answer(message, result)

    def _command(self, message: Any) -> None:
        number = int(message.command)
        self.orders[number] = self.orders.get(number, 0) + 1
        asks = (mavlink.MAV_CMD_REQUEST_MESSAGE, mavlink.MAV_CMD_SET_MESSAGE_INTERVAL)
        if self.lacks & Lacks.OBEDIENCE and number not in asks and number in self.commands:
            self.answer(message, mavlink.MAV_RESULT_DENIED)
            return
        super()._command(message)

    def _information(self) -> Any:
        m = mavlink
        flags = (
            m.CAMERA_CAP_FLAGS_CAPTURE_VIDEO
            | m.CAMERA_CAP_FLAGS_CAPTURE_IMAGE
            | m.CAMERA_CAP_FLAGS_HAS_MODES
            | m.CAMERA_CAP_FLAGS_CAN_CAPTURE_IMAGE_IN_VIDEO_MODE
        )
        if not self.lacks & Lacks.ZOOM:
            flags |= m.CAMERA_CAP_FLAGS_HAS_BASIC_ZOOM
        if not self.lacks & Lacks.FOCUS:
            flags |= m.CAMERA_CAP_FLAGS_HAS_BASIC_FOCUS
        if self._streams:
            flags |= m.CAMERA_CAP_FLAGS_HAS_VIDEO_STREAM
        camera = self.camera
        uri = "" if self.lacks & Lacks.PARAMETERS else self._definition_uri
        return m.MAVLink_camera_information_message(
            self.boot_ms,
            list(b"cinempc".ljust(32, b"\0")),
            list(camera.name.encode()[:31].ljust(32, b"\0")),
            1,
            self.motors.state.focal_length_mm,
            camera.sensor.width,
            camera.sensor.height,
            camera.picture.width,
            camera.picture.height,
            0,
            flags,
            definition_version(camera, self.lacks) if uri else 0,
            uri.encode(),
        )

    def _camera_settings(self) -> Any:
        levels = (math.nan, math.nan) if self.lacks & Lacks.REPORTS else self._levels()
        return mavlink.MAVLink_camera_settings_message(self.boot_ms, self.mode, *levels)

    def _fov_status(self) -> Any:
        if self.lacks & Lacks.REPORTS:
            return None
        focal, sensor = self.motors.state.focal_length_mm, self.camera.sensor
        attitude = (math.nan,) * 4 if self._attitude is None else self._attitude()
        return mavlink.MAVLink_camera_fov_status_message(
            self.boot_ms,
            *[_UNKNOWN_PLACE] * 6,
            list(attitude),
            math.degrees(lens.field_of_view(sensor.width, focal)),
            math.degrees(lens.field_of_view(sensor.height, focal)),
        )

    def _storage(self) -> Any:
        return mavlink.MAVLink_storage_information_message(
            self.boot_ms,
            1,
            1,
            mavlink.STORAGE_STATUS_READY,
            CARD,
            self.used,
            CARD - self.used,
            math.nan,
            math.nan,
            mavlink.STORAGE_TYPE_SD,
            b"card",
        )

    def _capture_status(self) -> Any:
        interval = 0.0 if self._shots is None else self._shots[1]
        image = 0 if self._shots is None else 2
        return mavlink.MAVLink_camera_capture_status_message(
            self.boot_ms,
            image,
            int(self.recording),
            interval,
            int(self.recorded * 1e3),
            CARD - self.used,
            self.images,
        )

    def _stream_information(self, number: float) -> Any:
        """Stream ``number``; 0 sends all."""
        return self._of_streams(number, self._one_stream)

    def _stream_status(self, number: float) -> Any:
        return self._of_streams(number, self._one_status)

    def _of_streams(self, number: float, make: Callable[[int], Any]) -> Any:
        if math.isnan(number):  # not given: MAVSDK sends this, and means all
            number = 0.0
        if not self._streams or not 0 <= number <= len(self._streams):
            return None
        if number >= 1:
            return make(int(number))
        for other in range(1, len(self._streams)):
            self.send(make(other))
        return make(len(self._streams))

    def _one_stream(self, number: int) -> Any:
        stream, status = self._streams[number - 1], self._one_status(number)
        return mavlink.MAVLink_video_stream_information_message(
            number,
            len(self._streams),
            stream.kind,
            status.flags,
            status.framerate,
            status.resolution_h,
            status.resolution_v,
            status.bitrate,
            0,
            status.hfov,
            stream.name.encode(),
            stream.uri.encode(),
            stream.encoding,
        )

    def _one_status(self, number: int) -> Any:
        picture = self.camera.picture
        size = self._streams[number - 1].size or (picture.width, picture.height)
        angle = lens.field_of_view(self.camera.sensor.width, self.motors.state.focal_length_mm)
        return mavlink.MAVLink_video_stream_status_message(
            number,
            mavlink.VIDEO_STREAM_STATUS_FLAGS_RUNNING if self._streaming[number] else 0,
            picture.frame_rate,
            *size,
            int(BITRATE * 8 * 2**20 / 10),
            0,
            round(math.degrees(angle)),
        )

    # --- orders ---

    def _set_interval(self, message: Any) -> int:
        number, period = int(message.param1), message.param2
        if number not in self._periods:
            return int(mavlink.MAV_RESULT_UNSUPPORTED)
        if not math.isfinite(period) or 0 < period < 1e4:
            return int(mavlink.MAV_RESULT_DENIED)
        fov = number == mavlink.MAVLINK_MSG_ID_CAMERA_FOV_STATUS
        default = 1 / FOV_RATE if fov else math.inf
        self._periods[number] = period / 1e6 if period > 0 else default if period == 0 else math.inf
        self._due[number] = self.time
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _zoom(self, message: Any) -> int:
        m, kind, value = mavlink, message.param1, message.param2
        camera, state = self.camera, self._goal
        low, high = camera.focal_length.min, camera.focal_length.max
        if not math.isfinite(value):
            return int(m.MAV_RESULT_DENIED)
        if kind == m.ZOOM_TYPE_CONTINUOUS:
            if abs(value) > 1:
                return int(m.MAV_RESULT_DENIED)
            self._zooming = value
            if value == 0:
                self._goal = replace(state, focal_length_mm=self.motors.state.focal_length_mm)
            return int(m.MAV_RESULT_ACCEPTED)
        if kind == m.ZOOM_TYPE_STEP:
            focal = state.focal_length_mm + math.copysign((high - low) / _STEPS, value)
        elif kind == m.ZOOM_TYPE_RANGE and 0 <= value <= 100:
            focal = low + value / 100 * (high - low)
        elif kind == m.ZOOM_TYPE_FOCAL_LENGTH and not self.lacks & Lacks.FOCAL_LENGTHS:
            if not 0.99 * low <= value <= 1.01 * high:
                return int(m.MAV_RESULT_DENIED)
            focal = value
        elif kind == m.ZOOM_TYPE_HORIZONTAL_FOV and 0 < value < 180:
            focal = lens.focal_length_for_field_of_view(camera.sensor.width, np.radians(value))
        else:
            return int(m.MAV_RESULT_DENIED)
        self._zooming = 0.0
        self._goal = replace(state, focal_length_mm=min(max(float(focal), low), high))
        return int(m.MAV_RESULT_ACCEPTED)

    def _focus(self, message: Any) -> int:
        m, kind, value = mavlink, message.param1, message.param2
        closest = self.camera.focus.closest
        nearest = 1 / closest
        auto_kinds = (
            m.FOCUS_TYPE_AUTO,
            m.FOCUS_TYPE_AUTO_SINGLE,
            m.FOCUS_TYPE_AUTO_CONTINUOUS,
        )
        if kind in auto_kinds:
            if self._focus_on is None:
                return int(m.MAV_RESULT_UNSUPPORTED)
            self._focusing, self._following = 0.0, kind == m.FOCUS_TYPE_AUTO_CONTINUOUS
            self._goal = replace(self._goal, focus_distance_m=max(self._focus_on(), closest))
            return int(m.MAV_RESULT_ACCEPTED)
        if math.isnan(value):
            return int(m.MAV_RESULT_DENIED)
        if kind == m.FOCUS_TYPE_CONTINUOUS and abs(value) <= 1:
            # Positive is out, towards infinity.
            self._focusing, self._following = value, False
            if value == 0:
                distance = self.motors.state.focus_distance_m
                self._goal = replace(self._goal, focus_distance_m=distance)
            return int(m.MAV_RESULT_ACCEPTED)
        if kind == m.FOCUS_TYPE_STEP:
            inverse = lens.inverse(self._goal.focus_distance_m)
            inverse -= math.copysign(nearest / _STEPS, value)
        elif kind == m.FOCUS_TYPE_RANGE and 0 <= value <= 100:
            inverse = nearest * (1 - value / 100)
        elif kind == m.FOCUS_TYPE_METERS and value >= 0.99 * closest:
            inverse = lens.inverse(value)
        else:
            return int(m.MAV_RESULT_DENIED)
        self._focusing, self._following = 0.0, False
        inverse = min(max(inverse, 0.0), nearest)
        self._goal = replace(self._goal, focus_distance_m=lens.inverse(inverse))
        return int(m.MAV_RESULT_ACCEPTED)

    def _set_mode(self, message: Any) -> int:
        if message.param2 not in (mavlink.CAMERA_MODE_IMAGE, mavlink.CAMERA_MODE_VIDEO):
            return int(mavlink.MAV_RESULT_DENIED)
        if self.recording:
            return int(mavlink.MAV_RESULT_DENIED)
        self._change_mode(int(message.param2))
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _change_mode(self, mode: int) -> None:
        self.mode = mode
        if "CAM_MODE" in self.values:
            self.values["CAM_MODE"] = float(mode)
            self._send_value("CAM_MODE")
        self.send(self._camera_settings())

    def _video_start(self, message: Any) -> int:
        if self.recording or self.mode != mavlink.CAMERA_MODE_VIDEO or self.used >= CARD:
            return int(mavlink.MAV_RESULT_DENIED)
        self.recording, self.recorded = True, 0.0
        rate = message.param2
        self._periods[mavlink.MAVLINK_MSG_ID_CAMERA_CAPTURE_STATUS] = (
            1 / min(rate, 10.0) if rate > 0 else math.inf
        )
        self.send(self._capture_status())
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _video_stop(self, message: Any) -> int:
        if not self.recording:
            return int(mavlink.MAV_RESULT_DENIED)
        self.recording = False
        self._periods[mavlink.MAVLINK_MSG_ID_CAMERA_CAPTURE_STATUS] = math.inf
        self.send(self._capture_status())
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _image_start(self, message: Any) -> int:
        interval, count = message.param2, message.param3
        if not (math.isfinite(interval) and interval >= 0 and 0 <= count < 1e6):
            return int(mavlink.MAV_RESULT_DENIED)
        if self._shots is not None or (count != 1 and interval <= 0):
            return int(mavlink.MAV_RESULT_DENIED)
        self._shots = (self.time, interval, int(count) if count else -1)
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _image_stop(self, message: Any) -> int:
        if self._shots is None:
            return int(mavlink.MAV_RESULT_DENIED)
        self._shots = None
        self.send(self._capture_status())
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _shoot(self) -> None:
        if self._shots is None or self.time < self._shots[0]:
            return
        _, interval, left = self._shots
        self.images += 1
        self.used = min(CARD, self.used + 10.0)
        self._shots = None if left == 1 else (self.time + interval, interval, left - 1)
        attitude = (1.0, 0.0, 0.0, 0.0) if self._attitude is None else self._attitude()
        self.send(
            mavlink.MAVLink_camera_image_captured_message(
                self.boot_ms, 0, 0, 0, 0, 0, 0, list(attitude), self.images - 1, 1, b""
            )
        )
        self.send(self._capture_status())

    def _stream(self, message: Any, on: bool) -> int:
        number = message.param1
        if not 0 <= number <= len(self._streams) or not self._streams:
            return int(mavlink.MAV_RESULT_DENIED)
        for each in self._streaming:
            if number in (0, each):
                self._streaming[each] = on
                self._streams[each - 1].switch(on)
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _format(self, message: Any) -> int:
        if self.recording or message.param1 not in (0, 1):
            return int(mavlink.MAV_RESULT_DENIED)
        if message.param2 == 1:
            self.used = 0.0
        self.images = 0
        self.send(self._storage())
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _reset(self, message: Any) -> int:
        for setting in self._settings.values():
            self._put(setting, float(setting.default))
            self._send_value(setting.name)
        return int(mavlink.MAV_RESULT_ACCEPTED)

    # --- extended parameters ---

    def _encoded(self, name: str) -> bytes:
        setting = self._settings[name]
        return encode(self.values[name], KINDS[setting.kind])

    def _send_value(self, name: str) -> None:
        if name not in self._settings:
            return
        names = list(self._settings)
        self.send(
            mavlink.MAVLink_param_ext_value_message(
                name.encode(),
                self._encoded(name),
                KINDS[self._settings[name].kind],
                len(names),
                names.index(name),
            )
        )

    def _read_parameter(self, message: Any) -> None:
        names = list(self._settings)
        if 0 <= message.param_index < len(names):
            self._send_value(names[message.param_index])
        elif message.param_index == -1:
            self._send_value(message.param_id)

    def _set_parameter(self, message: Any) -> None:
        setting = self._settings.get(message.param_id)
        if setting is None:
            return
        if self.lacks & Lacks.OBEDIENCE:
            self._acknowledge(setting.name, mavlink.PARAM_ACK_FAILED)
            return
        wanted: Any = math.nan
        if message.param_type == KINDS[setting.kind]:
            wanted = decode(bytes(message._param_value_raw), message.param_type)
        value = next(
            (v for _, v, _ in setting.options if math.isclose(v, wanted, rel_tol=1e-5)), None
        )
        if value is None:
            self._acknowledge(setting.name, mavlink.PARAM_ACK_VALUE_UNSUPPORTED)
            return
        if setting.name == "CAM_MODE" and value != self.mode:
            self._acknowledge(setting.name, mavlink.PARAM_ACK_IN_PROGRESS)

            def done(mode: int = int(value)) -> None:
                self._change_mode(mode)
                self._acknowledge("CAM_MODE", mavlink.PARAM_ACK_ACCEPTED)

            self._later.append((self.time + _MODE_CHANGE, done))
            return
        self._put(setting, float(value))
        self._acknowledge(setting.name, mavlink.PARAM_ACK_ACCEPTED)
        if setting.name == "CAM_APERTURE":
            self._iris_moves = True  # its value is told when the iris is there
        else:
            self._send_value(setting.name)

    def _put(self, setting: Setting, value: float) -> None:
        self.values[setting.name] = value
        if setting.name == "CAM_APERTURE":
            self._goal = replace(self._goal, f_number=value)

    def _acknowledge(self, name: str, result: int) -> None:
        if self.lacks & Lacks.ANSWERS:
            return
        self.send(
            mavlink.MAVLink_param_ext_ack_message(
                name.encode(), self._encoded(name), KINDS[self._settings[name].kind], result
            )
        )

    @property
    def goal(self) -> LensState:
        """Where the lens was told to go."""
        return self._goal
