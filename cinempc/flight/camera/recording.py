"""Recording on the camera's own storage: begun for certain, watched, and tried on the ground as far
as the camera does not say beforehand that it can.

Source: the camera protocol of mavlink.io. A camera that stands in photo mode refuses to record,
and so does one that is still changing its mode; a camera's yes is not yet a recording.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Protocol

from cinempc.flight.camera import reports
from cinempc.flight.camera.reasons import CameraEvent, RecordingFault
from cinempc.flight.camera.reports import Capture, Information, Storage
from cinempc.mavlink.commands import CommandRefused
from cinempc.mavlink.dialect import enum_name, mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import LinkError
from cinempc.rig.log import EventLogger, Problem, problem

#: Space, MiB, below which a recording is not begun: 20 s of 100 Mbit/s.
LEAST_SPACE = 256.0
#: Time, vehicle s: for a change of the mode, for the camera to do what it puts off, for its own
#: word that it records, and of a recording that is made to see whether there is one.
_MODE, _PUT_OFF, _WORD, _TRIAL = 5.0, 8.0, 4.0, 0.5
#: Time between two looks, s.
_AGAIN = 0.25


class RecordingError(LinkError):
    """The camera does not record; ``problem`` says why.

    Args:
        problem: why.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Speaker(Protocol):
    """Whoever speaks with the camera."""

    @property
    def information(self) -> Information | None:
        """What the camera says to be."""

    @property
    def present(self) -> bool:
        """Whether it is heard."""

    def sent(self, message: Any) -> bool:
        """Whether a message is the camera's."""

    async def ask(
        self, name: str, old: int | None = None, *params: float, tries: int = ...
    ) -> None:
        """Have a message sent; raises LinkError."""

    async def order(self, number: int, *params: float) -> None:
        """Give a command; raises LinkError."""

    def patience(self, seconds: float) -> float:
        """Time, wall s, to wait for what takes the camera some seconds."""

    def start(self, work: Coroutine[Any, Any, None]) -> Any:
        """Do something beside."""


class Recording:
    """Begins and ends recordings, and says when one has ended by itself.

    Args:
        link: to listen on.
        speaker: speaks with the camera.
        log: where events go.

    Attributes:
        capture, storage, mode: what the camera said last: what it does, its cards by number, its
            CAMERA_MODE; None and empty before it said anything.
    """

    def __init__(self, link: Link, speaker: Speaker, log: EventLogger) -> None:
        self._link, self._speaker, self._log = link, speaker, log
        self.capture: Capture | None = None
        self.storage: dict[int, Storage] = {}
        self.mode: int | None = None
        self._wanted = self._seen = False  # it shall record; it was seen to, since then
        self._ends = [
            link.on("CAMERA_CAPTURE_STATUS", self._capture_status),
            link.on("STORAGE_INFORMATION", self._storage_information),
            link.on("CAMERA_SETTINGS", self._settings),
        ]

    def close(self) -> None:
        """Listen no more."""
        for end in self._ends:
            end()
        self._ends = []

    # --- what comes ---

    def _settings(self, message: Any) -> None:
        if self._speaker.sent(message):
            self.mode = int(message.mode_id)

    def _storage_information(self, message: Any) -> None:
        if self._speaker.sent(message):
            self.storage[int(message.storage_id)] = reports.storage(message)

    def _capture_status(self, message: Any) -> None:
        if not self._speaker.sent(message):
            return
        self.capture = reports.capture(message)
        if not self._wanted:
            return
        if self.capture.recording:
            self._seen = True
        elif self._seen:
            self._seen = False
            self._log.log(CameraEvent.RECORDING_ENDED, left=self.capture.available)
            self._speaker.start(self._begin_again())

    async def _begin_again(self) -> None:
        try:
            await self.begin()
        except LinkError as error:
            reason = problem(RecordingFault.NOT_AGAIN, error=str(error))
            self._log.log(CameraEvent.PROBLEM, problem=reason)
        else:
            self._log.log(CameraEvent.RECORDING_AGAIN)

    # --- orders ---

    async def check(self) -> None:
        """See that a recording can begin; to be called on the ground.

        Where the camera does not tell enough (its flags, storage, mode and what it does), it
        records for a moment.

        Raises:
            RecordingError: it cannot.
        """
        self._be_there()
        told = await self._look()
        if self._records():
            return
        await self._look_at_cards()
        await self._video_mode()
        about = self._speaker.information
        if (
            told
            and self.storage
            and about is not None
            and about.flags & mavlink.CAMERA_CAP_FLAGS_CAPTURE_VIDEO
            and self.mode == mavlink.CAMERA_MODE_VIDEO
        ):
            return
        await self.begin()
        await asyncio.sleep(self._speaker.patience(_TRIAL))
        with contextlib.suppress(LinkError):  # one that goes on is as good
            await self.end()

    async def begin(self) -> None:
        """Record. Recording already is as good.

        Raises:
            RecordingError: it does not.
        """
        self._be_there()
        self._wanted, self._seen = True, False
        await self._look()
        try:
            if not self._records():
                await self._video_mode()
                await self._order_to_record()
                await self._see_it_record()
        except RecordingError:
            self._wanted = False
            raise

    async def end(self) -> None:
        """Stop recording; having stopped already is as good.

        Raises:
            LinkError: it does not.
        """
        self._be_there()
        self._wanted = False
        try:
            await self._speaker.order(mavlink.MAV_CMD_VIDEO_STOP_CAPTURE)
        except LinkError:
            # The first of two commands may have been heard and its answer lost.
            if not await self._look() or self._records():
                raise
            return
        await self._look()

    # --- steps of these ---

    def _records(self) -> bool:
        return self.capture is not None and self.capture.recording

    def _be_there(self) -> None:
        if not self._speaker.present:
            raise RecordingError(problem(RecordingFault.ABSENT))

    async def _look(self) -> bool:
        """Ask what the camera does; whether it tells."""
        ask, old = self._speaker.ask, mavlink.MAV_CMD_REQUEST_CAMERA_CAPTURE_STATUS
        try:
            await ask("CAMERA_CAPTURE_STATUS", old, 1.0, tries=4)
        except LinkError:
            return False
        return True

    async def _look_at_cards(self) -> None:
        """Raises RecordingError where no storage could take a recording."""
        with contextlib.suppress(LinkError):
            old = mavlink.MAV_CMD_REQUEST_STORAGE_INFORMATION
            await self._speaker.ask("STORAGE_INFORMATION", old, 0.0, 1.0, tries=4)
        faults = [fault for card in self.storage.values() if (fault := _fault_of(card))]
        if faults and len(faults) == len(self.storage):
            raise RecordingError(faults[0])

    async def _video_mode(self, unasked: bool = False) -> None:
        """Have the camera in video mode, as far as it has modes and can be told.

        Args:
            unasked: whether it is told to also where it does not say that it has modes.
        """
        speaker = self._speaker
        self._forget_mode()
        with contextlib.suppress(LinkError):
            old = mavlink.MAV_CMD_REQUEST_CAMERA_SETTINGS
            await speaker.ask("CAMERA_SETTINGS", old, 1.0, tries=4)
        about, modes = speaker.information, mavlink.CAMERA_CAP_FLAGS_HAS_MODES
        modeless = about is not None and not about.flags & modes
        if self.mode == mavlink.CAMERA_MODE_VIDEO or (
            self.mode is None and modeless and not unasked
        ):
            return
        try:
            await self._patiently(
                mavlink.MAV_CMD_SET_CAMERA_MODE, 0.0, float(mavlink.CAMERA_MODE_VIDEO)
            )
        except LinkError:
            return  # whether it records all the same is seen when it is told to
        deadline = self._link.wall.now() + speaker.patience(_MODE)
        while self._in_another_mode():
            if self._link.wall.now() > deadline:
                return
            await asyncio.sleep(_AGAIN)
            with contextlib.suppress(LinkError):
                await speaker.ask("CAMERA_SETTINGS", None, tries=2)

    def _forget_mode(self) -> None:
        self.mode = None

    def _in_another_mode(self) -> bool:
        return self.mode not in (None, mavlink.CAMERA_MODE_VIDEO)

    async def _order_to_record(self) -> None:
        try:
            await self._patiently(mavlink.MAV_CMD_VIDEO_START_CAPTURE, 0.0, 1.0)
        except LinkError:
            # It may record already: the answer to the first of two commands was lost, or the last
            # word is still to come.
            await self._look()
            if self._records():
                return
        else:
            return
        await self._video_mode(unasked=True)
        try:
            await self._patiently(mavlink.MAV_CMD_VIDEO_START_CAPTURE, 0.0, 1.0)
        except LinkError as error:
            await self._look()
            if self._records():
                return
            if self._in_another_mode():
                mode = enum_name("CAMERA_MODE", self.mode or 0)
                fault = problem(RecordingFault.MODE, mode=mode, error=str(error))
            else:
                fault = problem(RecordingFault.REFUSED, error=str(error))
            raise RecordingError(fault) from None

    async def _see_it_record(self) -> None:
        deadline = self._link.wall.now() + self._speaker.patience(_WORD)
        told = False
        while True:
            told |= await self._look()
            if self._records():
                self._seen = True
                return
            if self._link.wall.now() > deadline:
                break
            await asyncio.sleep(_AGAIN)
        if told:
            raise RecordingError(problem(RecordingFault.NOT_RECORDING))
        self._log.log(CameraEvent.RECORDING_UNSEEN)

    async def _patiently(self, number: int, *params: float) -> None:
        """Give a command; while the camera puts it off, again.

        Raises:
            LinkError: it does not.
        """
        wall, most = self._link.wall, self._speaker.patience(_PUT_OFF)
        deadline = wall.now() + most
        while True:
            try:
                async with asyncio.timeout(max(deadline - wall.now(), _AGAIN)):
                    await self._speaker.order(number, *params)
            except TimeoutError:
                name = enum_name("MAV_CMD", number)
                raise RecordingError(
                    problem(RecordingFault.UNFINISHED, command=name, most=most)
                ) from None
            except CommandRefused as refused:
                for_now = refused.result == mavlink.MAV_RESULT_TEMPORARILY_REJECTED
                if not for_now or wall.now() > deadline:
                    raise
            else:
                return
            await asyncio.sleep(_AGAIN)


def _fault_of(card: Storage) -> Problem | None:
    """Why nothing can be recorded on a card; None where something can, as far as it tells."""
    match card.status:
        case mavlink.STORAGE_STATUS_EMPTY:
            return problem(RecordingFault.NO_CARD)
        case mavlink.STORAGE_STATUS_UNFORMATTED:
            return problem(RecordingFault.UNFORMATTED)
        case mavlink.STORAGE_STATUS_READY if card.size > 0 and card.available < LEAST_SPACE:
            return problem(RecordingFault.FULL, left=card.available, least=LEAST_SPACE)
    return None
