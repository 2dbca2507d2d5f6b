"""When a simulated camera takes its pictures, and how its lens stands at first."""

from __future__ import annotations

from collections.abc import Callable

from cinempc.rig.camera import Camera, LensState
from cinempc.rig.state import CameraPose
from sim.mavlink.camera.component import CameraComponent

#: Takes a picture: simulated time s since boot, since the action began (0 before, and from when it
#: ends on), its UTC in µs,
#: where the camera truly is, how the lens truly stands.
Shutter = Callable[[float, float, int, CameraPose, LensState], None]


class Filming:
    """The camera's shutter: opens at its frame rate, in simulated time, and knows when the action
    began: when the camera began to record. As on a film set the actors go back to where they began
    when it stops, so that the next take finds them there."""

    def __init__(self, camera: CameraComponent, rate: float, shutter: Shutter | None) -> None:
        self._camera, self._period, self._shutter = camera, 1 / rate, shutter
        self._next = self._now = 0.0
        self.action: float | None = None

    def step(self, now: float, utc: int, pose: Callable[[], CameraPose]) -> None:
        """The time is now ``now``, s, and ``utc``, µs: take a picture where one is due."""
        if now < self._now:  # the autopilot was restarted; the camera and its actors were not
            self._next += now - self._now
            if self.action is not None:
                self.action += now - self._now
        self._now = now
        if not self._camera.recording:
            self.action = None
        elif self.action is None:
            self.action = now
        if now + 1e-9 < self._next:
            return
        self._next = max(self._next + self._period, now)
        if self._shutter is not None:
            acting = 0.0 if self.action is None else now - self.action
            self._shutter(now, acting, utc, pose(), self._camera.motors.state)


def opening_lens(camera: Camera) -> LensState:
    """How a lens stands when it is switched on: wide, at 10 m, a stop closed."""
    return camera.clamp(
        LensState(camera.focal_length.min, 10.0, min(1.414 * camera.aperture.min, 5.6))
    )
