"""A camera on MAVLink: found, asked what it can do, commanded, and heard.

Spoken is the camera protocol, version 2, with extended parameters for aperture, exposure time and
sensitivity. What a camera cannot do it tells once, and `CameraClient.available` is the camera's
model without it.

Source: the camera protocol of mavlink.io.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from cinempc.flight.camera import abilities, video_streams
from cinempc.flight.camera import definition as camera_definition
from cinempc.flight.camera import reports as camera_reports
from cinempc.flight.camera.connection import CameraConnection
from cinempc.flight.camera.definition import Definition, DefinitionError
from cinempc.flight.camera.definition_file import load
from cinempc.flight.camera.reasons import CameraEvent, CameraReason
from cinempc.flight.camera.recording import Recording
from cinempc.flight.camera.reports import Capture, Information
from cinempc.flight.camera.requests import RETRIES, TIMEOUT
from cinempc.flight.camera.video_streams import Choice, VideoStream
from cinempc.mavlink import ftp
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.ext_params import Parameter
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import LinkError
from cinempc.rig.camera import Camera, Dof
from cinempc.rig.log import Problem

#: How often the field of view is asked for, 1/s, and how often an answer is looked for, s.
_RATE, _TICK = 25.0, 0.02


class CameraClient(CameraConnection):
    """One camera of a vehicle. What happens goes to the logger ``cinempc.flight.camera``; what is
    missing is told once.

    Args:
        link, camera, system, now, patience: as for `CameraConnection`.

    Attributes:
        information, definition: the newest, None before the first.
        recording: begins and ends recordings.
        streams: video streams by number and name: some number them all alike.
        parameters: the newest of its extended parameters, by name.
        refused: impossible values in what the camera sent, by what they were of.
    """

    def __init__(
        self,
        link: Link,
        camera: Camera,
        system: int,
        now: Callable[[], float] | None = None,
        patience: Callable[[float], float] = lambda seconds: seconds,
    ) -> None:
        super().__init__(link, camera, system, now, patience)
        self.information: Information | None = None
        self.definition: Definition | None = None
        self.streams: dict[tuple[int, str], VideoStream] = {}
        self.recording = Recording(link, self, self._log)
        self._ends += [
            link.on("CAMERA_INFORMATION", self._information),
            link.on("VIDEO_STREAM_INFORMATION", self._stream),
        ]

    def close(self) -> None:
        """Let go of the link; nothing is sent any more."""
        super().close()
        self.recording.close()

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The newest of the extended parameters, by name."""
        return {} if self._params is None else self._params.values

    @property
    def capture(self) -> Capture | None:
        """What it does, as it said last."""
        return self.recording.capture

    @property
    def video(self) -> Choice:
        """Where its pictures and their depth come from."""
        return video_streams.choose([s for _, s in sorted(self.streams.items())])

    # --- what it can do ---

    async def _configure(self) -> None:
        """Ask for everything, and try what is to be used."""
        try:
            await self.ask("CAMERA_INFORMATION", mavlink.MAV_CMD_REQUEST_CAMERA_INFORMATION, 1.0)
        except LinkError as error:
            self._tell_once(CameraReason.NO_INFORMATION, error=str(error))
        for name, old, params in (
            ("CAMERA_SETTINGS", mavlink.MAV_CMD_REQUEST_CAMERA_SETTINGS, (1.0,)),
            ("CAMERA_CAPTURE_STATUS", mavlink.MAV_CMD_REQUEST_CAMERA_CAPTURE_STATUS, (1.0,)),
        ):
            with contextlib.suppress(LinkError):
                await self.ask(name, old, *params)
        with contextlib.suppress(LinkError):
            await self.ask("CAMERA_FOV_STATUS")
            await self.order(
                mavlink.MAV_CMD_SET_MESSAGE_INTERVAL,
                mavlink.MAVLINK_MSG_ID_CAMERA_FOV_STATUS,
                1e6 / _RATE,
            )
        await self._ask_for_streams()
        await self._settings_of_the_maker()
        await asyncio.gather(self._try(Dof.zoom), self._try(Dof.focus), self._try(Dof.aperture))
        for fault in self.video.problems:
            if (fault.reason, str(fault)) not in self._told:
                self._told.add((fault.reason, str(fault)))
                self._log.log(CameraEvent.PROBLEM, problem=fault)

    async def _ask_for_streams(self) -> None:
        """All streams at once, and then those that did not come one by one."""
        name, old = "VIDEO_STREAM_INFORMATION", mavlink.MAV_CMD_REQUEST_VIDEO_STREAM_INFORMATION
        about, flag = self.information, mavlink.CAMERA_CAP_FLAGS_HAS_VIDEO_STREAM
        # Some have streams and no flag that says so: they are asked, if not for long.
        tries = RETRIES if about is None or about.flags & flag else 2
        with contextlib.suppress(LinkError):
            await self.ask(name, old, tries=tries)
            await asyncio.sleep(TIMEOUT)  # the others come behind the first
        for number in range(1, video_streams.MOST + 1):  # by the protocol they are counted from 1
            # The first that comes may be the one that says how many there are.
            count = max((stream.count for stream in self.streams.values()), default=1)
            if len(self.streams) >= count:
                break
            if number not in {each for each, _ in self.streams}:
                with contextlib.suppress(LinkError):
                    await self.ask(name, old, which=number, tries=min(tries, 4))

    async def _settings_of_the_maker(self) -> None:
        """Extended parameters and the file that says what they mean."""
        assert self._params is not None
        known = await self._params.read_all()
        uri = self._how.definition or (
            self.information.definition_uri if self.information is not None else ""
        )
        if uri and self.definition is None:
            try:
                self.definition = await load(uri, self._fetch)
            except (DefinitionError, LinkError) as error:
                self._tell_once(CameraReason.NO_DEFINITION, error=str(error))
            else:
                for oddity in self.definition.left_out:
                    reason = CameraReason.ODD_PARAMETER
                    self._tell_once(reason, str(oddity), name=oddity.name, oddity=oddity)
        for name, value in self._how.prepare:
            try:
                await self._params.set(name, value)
            except (LinkError, ValueError) as error:
                self._tell_once(CameraReason.NOT_PREPARED, name, error=str(error))
        how = self._how.aperture
        if how == "none":
            return
        low, high = self._camera.aperture.min, self._camera.aperture.max
        self._apertures = abilities.aperture_values(how, self.definition, low, high)
        kind = abilities.aperture_kind(how, self.definition, known)
        self._aperture_kind = kind or self._aperture_kind
        if how.parameter in known:
            self._parameter(known[how.parameter])

    async def _fetch(self, path: str) -> bytes:
        assert self.target is not None
        return await ftp.read(self._link, self.target, path, camera_definition.LARGEST)

    async def _try(self, dof: Dof) -> None:
        """Command what is wished, or else what is there already, and see whether the camera takes
        it."""
        channel = self.channels[dof]
        if not abilities.moves(dof, self._camera):
            channel.give_up()
            return
        reason = abilities.lack(
            dof, self._camera, self.information, self._apertures, self._aperture_kind
        )
        if reason is not None:
            self._lacks(dof, reason)
            return
        channel.begin()
        if not channel.wished:
            self._want(dof, channel.ring.at(self._now()))
        while channel.usable and not channel.confirmed and self._here:
            await asyncio.sleep(_TICK)

    def _lacks(self, dof: Dof, reason: Problem) -> None:
        self.channels[dof].give_up()
        self._tell_once(CameraReason.LACKS, str(dof), lack=reason, dof=dof)

    @property
    def held(self) -> frozenset[Dof]:
        """The degrees of freedom that cannot be commanded."""
        return frozenset(dof for dof in Dof if not (self._here and self.channels[dof].usable))

    def available(self, camera: Camera) -> Camera:
        """The camera's model with what cannot be commanded held where it stands."""
        return camera.holding(self.held, self.lens)

    # --- what it reports ---

    def _information(self, message: Any) -> None:
        if self.sent(message):
            self.information = camera_reports.information(message)

    def _stream(self, message: Any) -> None:
        if not self.sent(message):
            return
        stream = video_streams.video_stream(message)
        key = (stream.number, stream.name)
        if key in self.streams or len(self.streams) < video_streams.MOST:
            self.streams[key] = stream
