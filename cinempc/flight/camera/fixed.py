"""A camera that is not spoken to: its pictures come, and nothing of it can be commanded."""

from __future__ import annotations

import math
from collections.abc import Callable

from cinempc import lens
from cinempc.flight.camera.lens.channel import Latency
from cinempc.flight.camera.reasons import RecordingFault
from cinempc.flight.camera.recording import RecordingError
from cinempc.flight.camera.video_streams import Choice
from cinempc.mavlink.link import Link
from cinempc.rig.camera import Camera, Dof, LensState
from cinempc.rig.log import problem


class _NoRecording:
    async def check(self) -> None:
        """Raises RecordingError, as all others."""
        raise RecordingError(problem(RecordingFault.NOT_SPOKEN_TO))

    async def begin(self) -> None:
        await self.check()

    async def end(self) -> None:
        await self.check()


class FixedCamera:
    """A camera whose lens stays as it is: at its wide end, open, and sharp as far as it can.

    Args:
        link, system, now, patience: not needed; as for every driver.
        camera: its model.
    """

    def __init__(
        self,
        link: Link,
        camera: Camera,
        system: int,
        now: Callable[[], float] | None = None,
        patience: Callable[[float], float] = lambda seconds: seconds,
    ) -> None:
        focal, f_number = camera.focal_length.min, camera.aperture.min
        sharp = lens.hyperfocal_distance(focal, f_number, camera.sensor.circle_of_confusion)
        self._lens = LensState(focal, max(float(sharp), camera.focus.closest), f_number)
        self.recording = _NoRecording()

    @property
    def lens(self) -> LensState:
        """Where the lens is."""
        return self._lens

    @property
    def held(self) -> frozenset[Dof]:
        """The degrees of freedom that cannot be commanded: all."""
        return frozenset(Dof)

    @property
    def video(self) -> Choice:
        """Nothing: it says nothing. The flight's file has the address."""
        return Choice()

    async def connect(self, timeout: float = 0.0) -> None:
        """Nobody to find."""

    def command_lens(self, state: LensState) -> None:
        """Nothing that could be moved."""

    def available(self, camera: Camera) -> Camera:
        """The camera's model with everything held where it stands."""
        return camera.holding(self.held, self._lens)

    def latency(self, dof: Dof) -> Latency:
        """Nothing was measured."""
        return Latency(0, math.nan, math.nan)

    def close(self) -> None:
        """Nothing to end."""
