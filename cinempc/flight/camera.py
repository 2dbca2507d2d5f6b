"""A camera on MAVLink: found, asked what it can do, commanded, and heard.

Spoken is the camera protocol, version 2, with extended parameters for aperture, exposure time and
sensitivity. What a camera cannot do it tells once, and `CameraClient.available` is the camera's
model without it.

Source: the camera protocol of mavlink.io.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cinempc import lens
from cinempc.camera import Camera, Dof, LensState
from cinempc.flight import camera_definition, camera_reports, ftp
from cinempc.flight.camera_definition import Definition, DefinitionError
from cinempc.flight.camera_reports import Capture, Information, Storage, VideoStream
from cinempc.flight.camera_requests import RETRIES, TIMEOUT, ask
from cinempc.flight.commands import CommandRefused, NoAnswer, Target, command
from cinempc.flight.dialect import enum_name, mavlink
from cinempc.flight.ext_params import KINDS, ExtParams, Parameter
from cinempc.flight.lens_channel import Channel, Latency, snap
from cinempc.flight.lens_model import Ring
from cinempc.flight.lens_scale import LensScale
from cinempc.flight.link import Link
from cinempc.flight.transport import LinkError

#: Time without a heartbeat, s, after which the camera is gone.
GONE = 3.0
#: Age of a report, s, from which a value counts as predicted.
FRESH = 1.0
#: Smallest changes that are commanded: zoom as a share of its focal length (0.2 % is two pixels
#: at the border of a 2000 px wide picture), focus in dioptres (a hundredth of a 1 m focus),
#: iris in stops.
_ZOOM_RESOLUTION, _FOCUS_RESOLUTION, _IRIS_RESOLUTION = 0.002, 0.002, 0.01
#: How often the field of view is asked for, 1/s, and how often what is open is looked after.
_RATE, _TICK = 25.0, 0.02

Problem = Callable[[str], None]


@dataclass(frozen=True)
class LensReading:
    """The lens at a time.

    ``reported`` are the degrees of freedom that rest on a report not older than `FRESH`; the
    others are predicted from what was commanded. ``ages`` are those of the newest reports, s,
    infinite where there is none.
    """

    time: float
    lens: LensState
    reported: frozenset[Dof]
    ages: dict[Dof, float]


class CameraClient:
    """One camera of a vehicle.

    Args:
        link: to speak on.
        camera: its model; ``camera.mavlink`` says how it is spoken to.
        system: the vehicle's system id.
        now: the time that the lens moves in and that readings carry, s: the vehicle's, which in a
            simulation is not the wall's.
        on_problem: told, once each, what is missing, and when the camera goes and comes back.

    Attributes:
        information, storage, capture, definition: the newest, None before the first.
        streams: video streams by number.
        parameters: the newest of its extended parameters, by name.
        refused: impossible values in what the camera sent, by what they were of.
    """

    def __init__(
        self,
        link: Link,
        camera: Camera,
        system: int,
        now: Callable[[], float] = time.monotonic,
        on_problem: Problem = lambda text: None,
    ) -> None:
        self._link, self._camera, self._system = link, camera, system
        self._now, self._on_problem = now, on_problem
        self._how = camera.mavlink
        self._scale = LensScale(camera)
        self.target: Target | None = None
        self.information: Information | None = None
        self.storage: Storage | None = None
        self.capture: Capture | None = None
        self.definition: Definition | None = None
        self.streams: dict[int, VideoStream] = {}
        self.refused: Counter[str] = Counter()
        self._told: set[str] = set()
        self._beat = self._beat_vehicle = -math.inf
        self._here = False
        self._fov_at = -math.inf
        self._apertures: dict[float, float] = {}  # the parameter's values by stops
        self._aperture_kind = 0
        self._iris = math.nan  # the aperture that is set, stops
        self._params: ExtParams | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._configuring: asyncio.Task[None] | None = None
        zoom, focus, iris = camera.focal_length, camera.focus, camera.aperture
        hyperfocal = lens.hyperfocal_distance(zoom.min, iris.min, camera.sensor.circle_of_confusion)
        lag, late = camera.lens_lag, self._how.latency

        def channel(
            dof: Dof, start: float, rate: float, least: float, send: Callable[[float], None]
        ) -> Channel:
            return Channel(dof, Ring(start, rate, lag, late), least, send)

        # Until something is known the lens is at its wide end, open, and sharp as far as it can.
        self.channels = {
            Dof.zoom: channel(
                Dof.zoom, zoom.min, zoom.rate, _ZOOM_RESOLUTION * zoom.min, self._send_zoom
            ),
            Dof.focus: channel(
                Dof.focus,
                1 / max(float(hyperfocal), focus.closest),
                focus.rate,
                _FOCUS_RESOLUTION,
                self._send_focus,
            ),
            Dof.aperture: channel(
                Dof.aperture,
                float(lens.stops_from_f_number(iris.min)),
                iris.rate,
                _IRIS_RESOLUTION,
                self._send_aperture,
            ),
        }
        handlers = {
            "HEARTBEAT": self._heartbeat,
            "CAMERA_INFORMATION": self._information,
            "CAMERA_SETTINGS": self._settings,
            "CAMERA_FOV_STATUS": self._fov,
            "STORAGE_INFORMATION": self._storage,
            "CAMERA_CAPTURE_STATUS": self._capture,
            "VIDEO_STREAM_INFORMATION": self._stream,
            "COMMAND_ACK": self._command_ack,
            "PARAM_EXT_ACK": self._parameter_ack,
        }
        self._ends = [link.on(name, handler) for name, handler in handlers.items()]

    # --- coming and going ---

    async def connect(self, timeout: float = 5.0) -> None:
        """Find the camera and ask it what it can do.

        A camera that is not there is a problem that is told, not an error: the shot is planned
        without moving the lens, and the camera is taken in when it comes.

        Args:
            timeout: for its first heartbeat, s.
        """
        self._start(self._watch())
        deadline = time.monotonic() + timeout
        while self.target is None and time.monotonic() < deadline:
            await asyncio.sleep(_TICK)
        if self.target is None:
            who = "no camera" if self._how.component is None else f"no {self._how.component}"
            self._tell(
                "absent",
                f"{who} was heard in {timeout:g} s: the shot is flown without moving the lens"
                if self._how.component is None
                else f"the camera, component {self._how.component}, was not heard in {timeout:g} "
                "s: the shot is flown without moving the lens",
            )
            return
        while (task := self._configuring) is not None and not task.done():
            await asyncio.wait([task])  # another one has begun if the camera restarts meanwhile

    def close(self) -> None:
        """Let go of the link; nothing is sent any more."""
        for end in self._ends:
            end()
        self._ends = []
        if self._params is not None:
            self._params.close()
        for task in tuple(self._tasks):
            task.cancel()

    @property
    def present(self) -> bool:
        """Whether its heartbeat comes."""
        return self._here

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The newest of the extended parameters, by name."""
        return {} if self._params is None else self._params.values

    @property
    def video_addresses(self) -> tuple[str, ...]:
        """Addresses of the streams that the camera offers, the first first."""
        return tuple(s.address for _, s in sorted(self.streams.items()) if s.address)

    @property
    def video(self) -> tuple[str | None, str | None]:
        """Where its pictures and their depth come from; see `camera_reports.sources`."""
        return camera_reports.sources([s for _, s in sorted(self.streams.items())])

    def _start(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _tell(self, key: str, text: str) -> None:
        if key not in self._told:
            self._told.add(key)
            self._on_problem(text)

    async def _watch(self) -> None:
        """Look after what is open, for ever."""
        while True:
            await asyncio.sleep(_TICK)
            wall = time.monotonic()
            # Neither by this computer's clock nor by that of a simulator in slow motion.
            late = not self._now() - self._beat_vehicle <= GONE
            if self._here and late and wall - self._beat > GONE:
                self._here = False
                self._on_problem(
                    f"the camera was not heard for {GONE:g} s: its lens is not moved until it is "
                    "back"
                )
            if not self._here:
                continue
            now = self._now()
            for channel in self.channels.values():
                channel.flush(now, wall)
                if channel.usable and channel.silent(wall):
                    self._lacks(channel.dof, f"does not answer {channel.dof} commands")

    def _heartbeat(self, message: Any) -> None:
        if message.get_srcSystem() != self._system:
            return
        component = message.get_srcComponent()
        if self.target is None:
            ours = (
                message.type == mavlink.MAV_TYPE_CAMERA
                if self._how.component is None
                else component == self._how.component
            )
            if not ours:
                return
            self.target = Target(self._system, component)
            self._params = ExtParams(self._link, self.target, self._parameter)
        if not self.target.sent(message):
            return
        self._beat, self._beat_vehicle = time.monotonic(), self._now()
        if self._here:
            return
        self._here = True
        if self._configuring is not None:
            # It may be another camera by now, or one that has forgotten what was set up.
            self._configuring.cancel()
            self._on_problem("the camera is back")
            for channel in self.channels.values():
                channel.forget()
        elif "absent" in self._told:
            self._on_problem("the camera is there now")
        self._configuring = self._start(self._configure())

    # --- what it can do ---

    async def _configure(self) -> None:
        """Ask for everything, and try what is to be used."""
        try:
            await self._ask("CAMERA_INFORMATION", mavlink.MAV_CMD_REQUEST_CAMERA_INFORMATION, 1.0)
        except LinkError as error:
            self._tell("information", f"the camera does not say what it is: {error}")
        for name, old, params in (
            ("CAMERA_SETTINGS", mavlink.MAV_CMD_REQUEST_CAMERA_SETTINGS, (1.0,)),
            ("STORAGE_INFORMATION", mavlink.MAV_CMD_REQUEST_STORAGE_INFORMATION, (0.0, 1.0)),
            ("CAMERA_CAPTURE_STATUS", mavlink.MAV_CMD_REQUEST_CAMERA_CAPTURE_STATUS, (1.0,)),
        ):
            with contextlib.suppress(LinkError):
                await self._ask(name, old, *params)
        with contextlib.suppress(LinkError):
            await self._ask("CAMERA_FOV_STATUS")
            await self._command(
                mavlink.MAV_CMD_SET_MESSAGE_INTERVAL,
                mavlink.MAVLINK_MSG_ID_CAMERA_FOV_STATUS,
                1e6 / _RATE,
            )
        if self.information is None or self._has(mavlink.CAMERA_CAP_FLAGS_HAS_VIDEO_STREAM):
            with contextlib.suppress(LinkError):
                await self._ask(
                    "VIDEO_STREAM_INFORMATION", mavlink.MAV_CMD_REQUEST_VIDEO_STREAM_INFORMATION
                )
        await self._settings_of_the_maker()
        await asyncio.gather(self._try(Dof.zoom), self._try(Dof.focus), self._try(Dof.aperture))

    async def _ask(self, name: str, old: int | None = None, *params: float) -> None:
        if self.target is None:
            raise NoAnswer("no camera was heard yet")
        await ask(self._link, self.target, name, old, *params)

    async def _command(self, number: int, *params: float) -> None:
        if self.target is None:
            raise NoAnswer("no camera was heard yet")
        await command(self._link, self.target, number, *params, timeout=TIMEOUT, retries=RETRIES)

    def _has(self, flag: int) -> bool:
        return self.information is not None and bool(self.information.flags & flag)

    async def _settings_of_the_maker(self) -> None:
        """Extended parameters and the file that says what they mean."""
        assert self._params is not None
        known = await self._params.read_all()
        uri = self._how.definition or (
            self.information.definition_uri if self.information is not None else ""
        )
        if uri and self.definition is None:
            try:
                self.definition = await camera_definition.load(uri, self._fetch)
            except (DefinitionError, LinkError) as error:
                self._tell("definition", f"the camera's definition file cannot be used: {error}")
        for name, value in self._how.prepare:
            try:
                await self._params.set(name, value)
            except (LinkError, ValueError) as error:
                self._tell(f"prepare {name}", f"the camera was not set up as configured: {error}")
        how = self._how.aperture
        if how == "none":
            return
        setting = None if self.definition is None else self.definition.settings.get(how.parameter)
        table = dict(how.values) or ({} if setting is None else camera_definition.numbers(setting))
        low, high = self._camera.aperture.min, self._camera.aperture.max
        self._apertures = {
            float(lens.stops_from_f_number(f)): value
            for f, value in table.items()
            if 0.95 * low <= f <= 1.05 * high
        }
        if how.type is not None:
            self._aperture_kind = KINDS[how.type]
        elif how.parameter in known:
            self._aperture_kind = known[how.parameter].kind
        elif setting is not None:
            self._aperture_kind = setting.mav_type
        if how.parameter in known:
            self._parameter(known[how.parameter])

    async def _fetch(self, path: str) -> bytes:
        assert self.target is not None
        return await ftp.read(self._link, self.target, path, camera_definition.LARGEST)

    def _reason_without(self, dof: Dof) -> str | None:
        """Why a degree of freedom need not be tried."""
        how = self._how
        if dof is Dof.zoom:
            if how.zoom == "none":
                return "is not told to zoom (its file says mavlink.zoom: none)"
            if self.information is not None and not self._has(
                mavlink.CAMERA_CAP_FLAGS_HAS_BASIC_ZOOM
            ):
                return "cannot zoom"
        elif dof is Dof.focus:
            if how.focus == "none":
                return "is not told where to focus (its file says mavlink.focus: none)"
            if self.information is not None and not self._has(
                mavlink.CAMERA_CAP_FLAGS_HAS_BASIC_FOCUS
            ):
                return "cannot focus"
        elif how.aperture == "none":
            return "is not told its aperture (its file says mavlink.aperture: none)"
        elif not self._apertures:
            return (
                f"does not say which apertures it has (no {how.aperture.parameter} in its "
                "definition file; mavlink.aperture.values would say it)"
            )
        elif not self._aperture_kind:
            return f"has no extended parameter {how.aperture.parameter}"
        return None

    def _moves(self, dof: Dof) -> bool:
        """Whether the camera's model moves this."""
        camera = self._camera
        if dof is Dof.zoom:
            return camera.focal_length.max > camera.focal_length.min
        if dof is Dof.focus:
            return camera.focus.rate > 0
        return camera.aperture.max > camera.aperture.min

    async def _try(self, dof: Dof) -> None:
        """Command what is wished, or else what is there already, and see whether the camera takes
        it."""
        channel = self.channels[dof]
        if not self._moves(dof):
            channel.usable = False
            return
        reason = self._reason_without(dof)
        if reason is not None:
            self._lacks(dof, reason)
            return
        channel.usable = True
        if not channel.wished:
            self._want(dof, channel.ring.at(self._now()))
        while channel.usable and not channel.confirmed and self._here:
            await asyncio.sleep(_TICK)

    def _lacks(self, dof: Dof, reason: str) -> None:
        channel = self.channels[dof]
        channel.usable = False
        self._tell(
            f"lacks {dof}",
            f"the camera {reason}: the shot is flown without moving its {dof}",
        )

    @property
    def held(self) -> frozenset[Dof]:
        """The degrees of freedom that cannot be commanded."""
        return frozenset(dof for dof in Dof if not (self._here and self.channels[dof].usable))

    def available(self, camera: Camera) -> Camera:
        """The camera's model with what cannot be commanded held where it stands."""
        return camera.holding(self.held, self.lens)

    # --- the lens ---

    def command_lens(self, state: LensState) -> None:
        """Move the lens towards a state. Never waits: the newest state wins, each degree of
        freedom is sent when it changed by more than its resolution and not more than 25 times a
        second, and what was lost is sent again."""
        if not all(math.isfinite(v) for v in (state.focal_length_mm, state.f_number)):
            raise ValueError(f"{state} is no state of a lens")
        state = self._camera.clamp(state)
        self._want(Dof.zoom, state.focal_length_mm)
        self._want(Dof.focus, lens.inverse(state.focus_distance_m))
        self._want(Dof.aperture, float(lens.stops_from_f_number(state.f_number)))

    def _want(self, dof: Dof, value: float) -> None:
        channel = self.channels[dof]
        if dof is Dof.aperture and self._apertures:
            value = self._iris = snap(value, tuple(self._apertures), self._iris)
        if self._here and channel.usable:
            channel.want(value, self._now(), time.monotonic())

    def _command_now(self, number: int, kind: int, value: float) -> None:
        assert self.target is not None
        self._link.send(
            mavlink.MAVLink_command_long_message(
                self.target.system, self.target.component, number, 0, kind, value, *[0.0] * 5
            )
        )

    def _send_zoom(self, focal_length: float) -> None:
        self._command_now(mavlink.MAV_CMD_SET_CAMERA_ZOOM, *self._scale.zoom_command(focal_length))

    def _send_focus(self, dioptres: float) -> None:
        self._command_now(mavlink.MAV_CMD_SET_CAMERA_FOCUS, *self._scale.focus_command(dioptres))

    def _send_aperture(self, stops: float) -> None:
        how = self._how.aperture
        if how == "none" or self._params is None:
            return
        nearest = min(self._apertures, key=lambda offered: abs(offered - stops))
        try:
            self._params.send(how.parameter, self._apertures[nearest], self._aperture_kind)
        except ValueError as error:
            self._lacks(Dof.aperture, f"has apertures that its parameter cannot hold ({error})")

    def _command_ack(self, message: Any) -> None:
        dof = {
            mavlink.MAV_CMD_SET_CAMERA_ZOOM: Dof.zoom,
            mavlink.MAV_CMD_SET_CAMERA_FOCUS: Dof.focus,
        }.get(message.command)
        if dof is None or not self._for_us(message):
            return
        if message.result in (mavlink.MAV_RESULT_ACCEPTED, mavlink.MAV_RESULT_IN_PROGRESS):
            self.channels[dof].accept()
            return
        for_now = message.result == mavlink.MAV_RESULT_TEMPORARILY_REJECTED
        if self.channels[dof].refuse(for_now):
            other = "range" if "range" not in (self._how.zoom, self._how.focus) else "none"
            how = self._how.zoom if dof is Dof.zoom else self._how.focus
            self._lacks(
                dof,
                f"answered {dof} by {how.replace('_', ' ')} with "
                f"{enum_name('MAV_RESULT', message.result)!r} (mavlink.{dof}: {other} in its file "
                "may suit it better)",
            )

    def _for_us(self, message: Any) -> bool:
        return (
            self.target is not None
            and self.target.sent(message)
            and message.target_system in (0, self._link.system)
            and message.target_component in (0, self._link.component)
        )

    def _parameter_ack(self, message: Any) -> None:
        how = self._how.aperture
        if how == "none" or message.param_id != how.parameter:
            return
        if self.target is None or not self.target.sent(message):
            return
        if message.param_result in (mavlink.PARAM_ACK_ACCEPTED, mavlink.PARAM_ACK_IN_PROGRESS):
            self.channels[Dof.aperture].accept()
        elif self.channels[Dof.aperture].refuse(for_now=False):
            self._lacks(
                Dof.aperture,
                f"answered the setting of {how.parameter} with "
                f"{enum_name('PARAM_ACK', message.param_result)!r}",
            )

    # --- what it reports ---

    @property
    def lens(self) -> LensState:
        """Where the lens is now: the newest reports carried on to now, predicted from the
        commands where there are none."""
        now = self._now()
        zoom, focus, iris = (self.channels[dof].ring.at(now) for dof in Dof)
        camera = self._camera
        return LensState(
            min(max(zoom, camera.focal_length.min), camera.focal_length.max),
            lens.inverse(max(focus, 0.0)),
            float(lens.f_number_from_stops(iris)),
        )

    def reading(self) -> LensReading:
        """Where the lens is now, and what that rests on."""
        now = self._now()
        ages = {dof: now - channel.reported for dof, channel in self.channels.items()}
        # An aperture is told when it changes, not all the time.
        fresh = frozenset(
            dof
            for dof, age in ages.items()
            if age < FRESH or (dof is Dof.aperture and self._here and math.isfinite(age))
        )
        return LensReading(now, self.lens, fresh, ages)

    def latency(self, dof: Dof) -> Latency:
        """From a command until a report shows its effect, s."""
        return self.channels[dof].latency()

    def _impossible(self, what: str) -> None:
        self.refused[what] += 1

    def _report(self, dof: Dof, value: float) -> None:
        if dof in self._how.trust:
            self.channels[dof].report(value, self._now())

    def _is_target(self, message: Any) -> bool:
        return self.target is not None and self.target.sent(message)

    def _information(self, message: Any) -> None:
        if self._is_target(message):
            self.information = camera_reports.information(message)

    def _fov(self, message: Any) -> None:
        if not self._is_target(message) or message.hfov == 0:  # 0: not known, by some
            return
        focal = self._scale.zoom_of_view(math.radians(message.hfov))
        if focal is None:
            self._impossible("CAMERA_FOV_STATUS.hfov")
            return
        self._report(Dof.zoom, focal)
        self._fov_at = time.monotonic()

    def _settings(self, message: Any) -> None:
        if not self._is_target(message):
            return
        level = float(message.zoomLevel)
        # The field of view is what the picture has: it goes before the position of a ring.
        if not math.isnan(level) and time.monotonic() - self._fov_at > FRESH:
            focal = self._scale.zoom_of_level(level)
            if focal is None:
                self._impossible("CAMERA_SETTINGS.zoomLevel")
            else:
                self._report(Dof.zoom, focal)
        level = float(message.focusLevel)
        if not math.isnan(level):
            dioptres = self._scale.focus_of_level(level)
            if dioptres is None:
                self._impossible("CAMERA_SETTINGS.focusLevel")
            else:
                self._report(Dof.focus, dioptres)

    def _parameter(self, parameter: Parameter) -> None:
        how = self._how.aperture
        if how == "none" or parameter.name != how.parameter or not self._apertures:
            return
        number = parameter.number
        offered = min(self._apertures, key=lambda stops: abs(self._apertures[stops] - number))
        if not math.isclose(self._apertures[offered], number, rel_tol=1e-4, abs_tol=1e-6):
            self._impossible(how.parameter)
            return
        if math.isnan(self._iris):
            self._iris = offered
        self._report(Dof.aperture, offered)

    def _storage(self, message: Any) -> None:
        if self._is_target(message):
            self.storage = camera_reports.storage(message)

    def _capture(self, message: Any) -> None:
        if self._is_target(message):
            self.capture = camera_reports.capture(message)

    def _stream(self, message: Any) -> None:
        if self._is_target(message) and 0 < message.stream_id <= 16:
            self.streams[int(message.stream_id)] = camera_reports.video_stream(message)

    # --- recording and exposure ---

    async def start_recording(self) -> None:
        """Record on the camera's own storage. Recording already is as good.

        Raises:
            LinkError: it does not.
        """
        await self._record(mavlink.MAV_CMD_VIDEO_START_CAPTURE, True)

    async def stop_recording(self) -> None:
        """Stop recording.

        Raises:
            LinkError: it does not.
        """
        await self._record(mavlink.MAV_CMD_VIDEO_STOP_CAPTURE, False)

    async def _record(self, number: int, on: bool) -> None:
        try:
            # The first parameter is the stream, 0 for all; the second, for starting, how often
            # CAMERA_CAPTURE_STATUS comes, 1/s.
            await self._command(number, 0.0, 1.0 if on else 0.0)
        except CommandRefused as refused:
            # The first of two commands may have been heard and its answer lost.
            with contextlib.suppress(LinkError):
                await self.read_capture()
            if self.capture is None or self.capture.recording is not on:
                raise refused from None
            return
        with contextlib.suppress(LinkError):
            await self.read_capture()

    async def read_capture(self) -> Capture:
        """What the camera does, asked for now.

        Raises:
            LinkError: it does not tell.
        """
        await self._ask("CAMERA_CAPTURE_STATUS", mavlink.MAV_CMD_REQUEST_CAMERA_CAPTURE_STATUS, 1.0)
        assert self.capture is not None
        return self.capture

    async def read_storage(self) -> Storage:
        """What the camera records on, asked for now.

        Raises:
            LinkError: it does not tell.
        """
        await self._ask(
            "STORAGE_INFORMATION", mavlink.MAV_CMD_REQUEST_STORAGE_INFORMATION, 0.0, 1.0
        )
        assert self.storage is not None
        return self.storage

    async def set_shutter(self, seconds: float) -> float:
        """Set the exposure time to the nearest that the camera has; returns that, s.

        Raises:
            LinkError: it has none to set.
        """
        return await self._set_nearest("shutter", seconds)

    async def set_iso(self, iso: float) -> float:
        """Set the sensitivity to the nearest that the camera has; returns that, ISO speed.

        Raises:
            LinkError: it has none to set.
        """
        return await self._set_nearest("iso", iso)

    async def _set_nearest(self, what: str, wanted: float) -> float:
        how = getattr(self._how, what)
        if how == "none" or self._params is None:
            raise LinkError(f"the camera's {what} cannot be set (mavlink.{what} in its file)")
        table = dict(how.values)
        setting = None if self.definition is None else self.definition.settings.get(how.parameter)
        if not table and setting is not None:
            table = camera_definition.numbers(setting)
        table = {meant: value for meant, value in table.items() if meant > 0}
        if not table or not wanted > 0:
            raise LinkError(
                f"the camera's {what} cannot be set to {wanted:g}: its definition file offers no "
                f"{how.parameter}, and mavlink.{what}.values gives none"
            )
        nearest: float = min(table, key=lambda offered: abs(math.log(offered / wanted)))
        kind = KINDS[how.type] if how.type is not None else None
        if kind is None and setting is not None:
            kind = setting.mav_type
        try:
            await self._params.set(how.parameter, table[nearest], kind)
        except ValueError as error:
            raise LinkError(f"the camera's {what} cannot be set: {error}") from None
        return nearest
