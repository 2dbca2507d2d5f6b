"""The lens of a camera on MAVLink: commanded, and known from what the camera reports of it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Any

from cinempc import lens
from cinempc.flight.camera.lens.channel import Channel, Latency, snap
from cinempc.flight.camera.lens.model import Ring
from cinempc.flight.camera.lens.scale import LensScale
from cinempc.flight.camera.reasons import Lack
from cinempc.mavlink.commands import Target
from cinempc.mavlink.dialect import enum_name, mavlink
from cinempc.mavlink.ext_params import ExtParams, Parameter
from cinempc.mavlink.link import Link
from cinempc.rig.camera import Camera, Dof, LensState
from cinempc.rig.log import Problem, problem

#: Age of a report, s, from which a value counts as predicted.
FRESH = 1.0
#: Smallest changes that are commanded: zoom as a share of its focal length (0.2 % is two pixels
#: at the border of a 2000 px wide picture), focus in dioptres (a hundredth of a 1 m focus),
#: iris in stops.
_ZOOM_RESOLUTION, _FOCUS_RESOLUTION, _IRIS_RESOLUTION = 0.002, 0.002, 0.01


class LensClient(ABC):
    """The lens of one camera; who finds the camera and asks it what it can do is a subclass.

    Args:
        link: to speak on.
        camera: its model; ``camera.mavlink`` says how it is spoken to.
        now: the time that the lens moves in, s; None for the link's clock.

    Attributes:
        target: the camera's address; None while it was not heard.
        channels: the degrees of freedom.
        refused: impossible values in what the camera sent, by what they were of.
    """

    def __init__(self, link: Link, camera: Camera, now: Callable[[], float] | None = None) -> None:
        self._link, self._camera = link, camera
        self._now = link.wall.now if now is None else now
        self._how = camera.mavlink
        self._scale = LensScale(camera)
        self.target: Target | None = None
        self.refused: Counter[str] = Counter()
        self._fov_at = -math.inf
        self._apertures: dict[float, float] = {}  # the parameter's values by stops
        self._aperture_kind = 0
        self._iris = math.nan  # the aperture that is set, stops
        self._params: ExtParams | None = None
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
        self._ends = [
            link.on("CAMERA_SETTINGS", self._settings),
            link.on("CAMERA_FOV_STATUS", self._fov),
            link.on("COMMAND_ACK", self._command_ack),
            link.on("PARAM_EXT_ACK", self._parameter_ack),
        ]

    @property
    @abstractmethod
    def _here(self) -> bool:
        """Whether the camera is heard."""

    @abstractmethod
    def _lacks(self, dof: Dof, reason: Problem) -> None:
        """A degree of freedom cannot be commanded after all."""

    # --- commands ---

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
            channel.want(value, self._now(), self._link.wall.now())

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
            self._lacks(Dof.aperture, problem(Lack.UNFIT, error=str(error)))

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
            result = enum_name("MAV_RESULT", message.result)
            words = how.replace("_", " ")
            self._lacks(dof, problem(Lack.REFUSED, dof=dof, how=words, result=result, other=other))

    def _parameter_ack(self, message: Any) -> None:
        how = self._how.aperture
        if how == "none" or message.param_id != how.parameter:
            return
        if self.target is None or not self.target.sent(message):
            return
        if message.param_result in (mavlink.PARAM_ACK_ACCEPTED, mavlink.PARAM_ACK_IN_PROGRESS):
            self.channels[Dof.aperture].accept()
        elif self.channels[Dof.aperture].refuse(for_now=False):
            result = enum_name("PARAM_ACK", message.param_result)
            reason = problem(Lack.PARAMETER_REFUSED, parameter=how.parameter, result=result)
            self._lacks(Dof.aperture, reason)

    def _for_us(self, message: Any) -> bool:
        return (
            self.target is not None
            and self.target.sent(message)
            and message.target_system in (0, self._link.system)
            and message.target_component in (0, self._link.component)
        )

    # --- reports ---

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

    def latency(self, dof: Dof) -> Latency:
        """From a command until a report shows its effect, s."""
        return self.channels[dof].latency()

    def sent(self, message: Any) -> bool:
        """Whether a message is the camera's."""
        return self.target is not None and self.target.sent(message)

    def _impossible(self, what: str) -> None:
        self.refused[what] += 1

    def _report(self, dof: Dof, value: float) -> None:
        if dof in self._how.trust:
            self.channels[dof].report(value, self._now())

    def _fov(self, message: Any) -> None:
        if not self.sent(message) or message.hfov == 0:  # 0: not known, by some
            return
        focal = self._scale.zoom_of_view(math.radians(message.hfov))
        if focal is None:
            self._impossible("CAMERA_FOV_STATUS.hfov")
            return
        self._report(Dof.zoom, focal)
        self._fov_at = self._link.wall.now()

    def _settings(self, message: Any) -> None:
        if not self.sent(message):
            return
        level = float(message.zoomLevel)
        # The field of view is what the picture has: it goes before the position of a ring.
        if not math.isnan(level) and self._link.wall.now() - self._fov_at > FRESH:
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
