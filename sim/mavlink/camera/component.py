"""A simulated camera as a component of the network: what it says of itself, its lens, its time.

What real cameras lack or do wrong can be taken away from it or switched on, for tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cinempc import lens
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.camera import LensState
from sim.body.lens_motor import LensMotors
from sim.mavlink.camera import lens as camera_lens
from sim.mavlink.camera.behaviour import REGULAR, Behaviour, Lacks
from sim.mavlink.camera.capture import Capture
from sim.mavlink.camera.definition import apertures, definition_version
from sim.mavlink.camera.definition import settings as camera_settings
from sim.mavlink.camera.lens import LensGoal
from sim.mavlink.camera.parameters import Parameters
from sim.mavlink.camera.streams import Stream, Streams
from sim.mavlink.component import Component, Send

#: How often the field of view is sent, 1/s, until somebody asks for another rate; CAMERA_SETTINGS
#: comes when the lens or the mode changed, at most so often.
FOV_RATE, SETTINGS_RATE = 20.0, 10.0
#: Changes of the levels that are told, per cent.
_LEVEL = 0.05
_UNKNOWN_PLACE = (1 << 31) - 1


class CameraComponent(Component):
    """A camera with its lens.

    Args:
        system: of the vehicle, or of its own.
        send: carries a message away.
        motors: the lens; stepped here, in simulated time.
        component: its component id.
        streams: the video streams that it offers.
        definition_uri: where `definition_xml` is served; empty for nowhere.
        focus_on: distance, m, of what an autofocus would find; without it there is none.
        attitude: of the camera against north and the horizon, as a quaternion w, x, y, z (FRD);
            unknown without it.
        lacks: what it cannot do.
        behaviour: what it does otherwise than one expects.

    Attributes:
        capture: mode, recording and card.
        parameters: the extended ones.
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
        behaviour: Behaviour = REGULAR,
    ) -> None:
        super().__init__(system, component, behaviour.kind, send)
        self.motors, self.camera, self.lacks = motors, motors.camera, lacks
        self._behaviour = behaviour
        self._definition_uri = (
            definition_uri if behaviour.definition is None else behaviour.definition
        )
        self._focus_on, self._attitude = focus_on, attitude
        self._goal = LensGoal(motors.state)
        self._streams = Streams(
            self.camera,
            streams,
            lambda: motors.state.focal_length_mm,
            self._say,
            lacks,
            behaviour,
        )
        self.capture = Capture(
            self._say,
            lambda: self.boot_ms,
            lambda: (1.0, 0.0, 0.0, 0.0) if attitude is None else attitude(),
            self._mode_changed,
            lacks,
            behaviour,
        )
        settings = [] if lacks & Lacks.PARAMETERS else camera_settings(self.camera, lacks)
        self.parameters = Parameters(
            settings,
            self._say,
            self._applied,
            self.capture.change_mode,
            answers=not lacks & Lacks.ANSWERS,
            obeys=not lacks & Lacks.OBEDIENCE,
            encoded=self._encoded,
        )
        values = self.parameters.values
        if "CAM_APERTURE" in values:
            values["CAM_APERTURE"] = min(
                apertures(self.camera), key=lambda f: abs(f - motors.state.f_number)
            )
        if "CAM_MODE" in values:
            values["CAM_MODE"] = float(self.capture.mode)
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
        self._lost = behaviour.loses
        self.orders: dict[int, int] = {}
        self._take_orders()

    def _take_orders(self) -> None:
        m, capture, streams = mavlink, self.capture, self._streams
        self.requests |= {
            m.MAVLINK_MSG_ID_CAMERA_INFORMATION: lambda param: self._information(),
            m.MAVLINK_MSG_ID_CAMERA_SETTINGS: lambda param: self._camera_settings(),
            m.MAVLINK_MSG_ID_CAMERA_FOV_STATUS: lambda param: self._fov_status(),
            m.MAVLINK_MSG_ID_STORAGE_INFORMATION: lambda param: self._storage(),
            m.MAVLINK_MSG_ID_CAMERA_CAPTURE_STATUS: lambda param: capture.status(),
            m.MAVLINK_MSG_ID_VIDEO_STREAM_INFORMATION: streams.information,
            m.MAVLINK_MSG_ID_VIDEO_STREAM_STATUS: streams.status,
        }
        self.commands |= {
            m.MAV_CMD_SET_MESSAGE_INTERVAL: self._set_interval,
            m.MAV_CMD_SET_CAMERA_MODE: capture.set_mode,
            m.MAV_CMD_VIDEO_START_CAPTURE: capture.video_start,
            m.MAV_CMD_VIDEO_STOP_CAPTURE: capture.video_stop,
            m.MAV_CMD_IMAGE_START_CAPTURE: capture.image_start,
            m.MAV_CMD_IMAGE_STOP_CAPTURE: capture.image_stop,
            m.MAV_CMD_VIDEO_START_STREAMING: lambda message: streams.switch(message, True),
            m.MAV_CMD_VIDEO_STOP_STREAMING: lambda message: streams.switch(message, False),
            m.MAV_CMD_STORAGE_FORMAT: capture.format,
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

    @property
    def boot_ms(self) -> int:
        """Time since boot, ms, as its messages carry it."""
        return 0 if self._behaviour.clock_stands else super().boot_ms

    @property
    def recording(self) -> bool:
        """Whether it records."""
        return self.capture.recording

    @property
    def mode(self) -> int:
        """CAMERA_MODE."""
        return self.capture.mode

    @property
    def values(self) -> dict[str, float]:
        """The extended parameters, by name."""
        return self.parameters.values

    @property
    def goal(self) -> LensState:
        """Where the lens was told to go."""
        return self._goal.state

    # --- time ---

    def step(self, time: float) -> None:
        """Go on to a simulated time, s since boot: lens, recording, and what is sent by itself."""
        dt = max(0.0, time - self.time)
        super().step(time)
        self._move(dt)
        self.capture.step(time)
        self._periods[mavlink.MAVLINK_MSG_ID_CAMERA_CAPTURE_STATUS] = self.capture.status_period
        self.parameters.step(time)
        for number, period in self._periods.items():
            if time >= self._due.get(number, 0.0) and math.isfinite(period):
                self._due[number] = time + period
                made = self.requests[number](0.0)
                if made is not None:
                    self.send(made)
        self._tell_settings()

    def _move(self, dt: float) -> None:
        self._goal = camera_lens.moved(self._goal, self.camera, dt, self._in_focus())
        self.motors.command(self._goal.state)
        self.motors.step(dt)
        if self._iris_moves:
            wanted = lens.stops_from_f_number(self.values["CAM_APERTURE"])
            if abs(lens.stops_from_f_number(self.motors.state.f_number) - wanted) < 0.02:
                self._iris_moves = False
                self.parameters.tell("CAM_APERTURE")

    def _in_focus(self) -> float | None:
        """Distance of what an autofocus finds, m; None without one."""
        return None if self._focus_on is None else self._focus_on()

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

    def _say(self, message: Any) -> None:
        """For the parts, which are made before whoever carries the messages may be another."""
        self.send(message)

    def receive(self, message: Any) -> None:
        """Take in a message from the network."""
        if self.is_for_me(message) and not self.parameters.receive(message):
            super().receive(message)

    def answer(self, message: Any, result: int) -> None:
        """Acknowledge a command, unless it is one that never does."""
        if self.lacks & Lacks.ANSWERS:
            return
        if self._lost and message.command == mavlink.MAV_CMD_VIDEO_START_CAPTURE:
            self._lost -= 1
            return
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
        if self.lacks & Lacks.INFORMATION:
            return None
        m, lacks = mavlink, self.lacks
        flags = (
            m.CAMERA_CAP_FLAGS_CAPTURE_IMAGE | m.CAMERA_CAP_FLAGS_CAN_CAPTURE_IMAGE_IN_VIDEO_MODE
        )
        for flag, without in (
            (m.CAMERA_CAP_FLAGS_CAPTURE_VIDEO, Lacks.VIDEO | Lacks.VIDEO_FLAG),
            (m.CAMERA_CAP_FLAGS_HAS_MODES, Lacks.MODES),
            (m.CAMERA_CAP_FLAGS_HAS_BASIC_ZOOM, Lacks.ZOOM),
            (m.CAMERA_CAP_FLAGS_HAS_BASIC_FOCUS, Lacks.FOCUS),
        ):
            if not lacks & without:
                flags |= flag
        if self._streams and not lacks & Lacks.STREAM_FLAG:
            flags |= m.CAMERA_CAP_FLAGS_HAS_VIDEO_STREAM
        camera = self.camera
        uri = "" if lacks & Lacks.PARAMETERS else self._definition_uri
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
            definition_version(camera, lacks) if uri else 0,
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
        return self.capture.storage()

    def _encoded(self, name: str) -> bytes:
        return self.parameters.encoded(name)

    # --- orders ---

    def _set_interval(self, message: Any) -> int:
        number, period = int(message.param1), message.param2
        if number not in self._periods:
            return int(mavlink.MAV_RESULT_UNSUPPORTED)
        if not math.isfinite(period) or 0 < period < 1e4:
            return int(mavlink.MAV_RESULT_DENIED)
        fov = number == mavlink.MAVLINK_MSG_ID_CAMERA_FOV_STATUS
        default = 1 / FOV_RATE if fov else math.inf
        every = period / 1e6 if period > 0 else default if period == 0 else math.inf
        self._periods[number] = every
        if number == mavlink.MAVLINK_MSG_ID_CAMERA_CAPTURE_STATUS:
            self.capture.status_period = every
        self._due[number] = self.time
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _zoom(self, message: Any) -> int:
        return self._lens_ordered(
            lambda: camera_lens.zoomed(
                self._goal,
                self.camera,
                message.param1,
                message.param2,
                stands=self.motors.state,
                by_focal_length=not self.lacks & Lacks.FOCAL_LENGTHS,
            )
        )

    def _focus(self, message: Any) -> int:
        return self._lens_ordered(
            lambda: camera_lens.focused(
                self._goal,
                self.camera,
                message.param1,
                message.param2,
                stands=self.motors.state,
                found=self._in_focus(),
            )
        )

    def _lens_ordered(self, goal: Callable[[], LensGoal]) -> int:
        try:
            self._goal = goal()
        except camera_lens.LensOrderError as refused:
            return refused.result
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _mode_changed(self) -> None:
        if "CAM_MODE" in self.values:
            self.values["CAM_MODE"] = float(self.mode)
            self.parameters.tell("CAM_MODE")
        self.send(self._camera_settings())

    def _applied(self, name: str, value: float) -> bool:
        if name != "CAM_APERTURE":
            return True
        self._goal = replace(self._goal, state=replace(self._goal.state, f_number=value))
        self._iris_moves = True  # its value is told when the iris is there
        return False

    def _reset(self, message: Any) -> int:
        self.parameters.reset()
        return int(mavlink.MAV_RESULT_ACCEPTED)
