"""What moves the lens and lets the camera record: the drivers, and which of them a camera's file
asks for.

A camera protocol is one class that is a `CameraDriver`, made as `MakeDriver` says, one line in
`DRIVERS`, and one name in `cinempc.rig.camera.Camera.protocol`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cinempc.flight.camera.client import CameraClient
from cinempc.flight.camera.fixed import FixedCamera
from cinempc.flight.camera.lens.channel import Latency
from cinempc.flight.camera.video_streams import Choice
from cinempc.mavlink.link import Link
from cinempc.rig.camera import Camera, Dof, LensState


class RecordingDriver(Protocol):
    """Records on the camera's own storage. All raise LinkError where it cannot."""

    async def check(self) -> None:
        """See on the ground that a recording can begin."""

    async def begin(self) -> None:
        """Record; recording already is as good."""

    async def end(self) -> None:
        """Stop recording."""


class CameraDriver(Protocol):
    """Speaks with the camera, by whatever protocol."""

    @property
    def recording(self) -> RecordingDriver:
        """Its own recording."""

    @property
    def lens(self) -> LensState:
        """Where the lens is now."""

    @property
    def held(self) -> frozenset[Dof]:
        """The degrees of freedom that cannot be commanded."""

    @property
    def video(self) -> Choice:
        """Where its pictures and their depth come from, as far as it says so itself."""

    async def connect(self, timeout: float = ...) -> None:
        """Find it and ask it what it can do; does not fail."""

    def command_lens(self, state: LensState) -> None:
        """Move the lens towards a state; never waits."""

    def available(self, camera: Camera) -> Camera:
        """The camera's model with what cannot be commanded held where it stands."""

    def latency(self, dof: Dof) -> Latency:
        """From a command until a report shows its effect, s."""

    def close(self) -> None:
        """Stop listening, and end what was started."""


class MakeDriver(Protocol):
    """How a driver is made: the arguments are those of `make_camera`."""

    def __call__(
        self,
        link: Link,
        camera: Camera,
        system: int,
        now: Callable[[], float] | None = None,
        patience: Callable[[float], float] = ...,
    ) -> CameraDriver:
        """The driver, not connected yet."""


#: The drivers by the protocol in the camera's file.
DRIVERS: dict[str, MakeDriver] = {"mavlink": CameraClient, "none": FixedCamera}


def make_camera(
    link: Link,
    camera: Camera,
    system: int,
    now: Callable[[], float] | None = None,
    patience: Callable[[float], float] = lambda seconds: seconds,
) -> CameraDriver:
    """The camera, by its file.

    Args:
        link: open.
        camera: whose ``protocol`` says which.
        system: the vehicle's system id.
        now: the time that the lens moves in, s; None for the link's clock.
        patience: wall s to wait for what takes a camera some seconds.
    """
    return DRIVERS[camera.protocol](link, camera, system, now, patience)
