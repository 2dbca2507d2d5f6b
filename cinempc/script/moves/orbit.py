"""Orbit: the camera circles the subject."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cinempc.rig.camera import Camera
from cinempc.script.framing.easing import cruise, ease
from cinempc.script.framing.fields import Mistake, ShotFields
from cinempc.script.framing.targets import Start, Targets
from cinempc.script.moves.move import Move
from cinempc.units import Radians, RadiansPerSecond

Floats = NDArray[np.float64]

#: Time, s, in which an orbit at a rate gets up to it, and in which it stops.
_RAMP = 2.0


class Orbit(Move):
    """The camera circles the subject by an angle over the shot, or at a rate, anticlockwise from
    above; negative is clockwise."""

    kind: Literal["orbit"]
    angle: Radians | None = Field(default=None, description="over the shot; this or a rate")
    rate: RadiansPerSecond | None = Field(
        default=None, description="with 2 s to get up to it and 2 s to stop"
    )

    turns_with_subject: ClassVar[bool] = False

    def targets(
        self, shot: ShotFields, camera: Camera, height: float, times: Floats, start: Start
    ) -> Targets:
        """The framing, from a side that turns."""
        if self.rate is not None:
            turned = self.rate * cruise(times, shot.duration, min(_RAMP, shot.duration / 3))
        else:
            turned = (self.angle or 0.0) * ease(times / shot.duration)
        return self.framed(shot, camera, height, times, start, azimuth=start.azimuth + turned)

    def field_mistakes(self, shot: ShotFields, first: bool) -> Iterator[Mistake]:
        """Neither an angle nor a rate, or both."""
        if (self.angle is None) == (self.rate is None):
            yield "an orbit has an angle ('150 deg') or a rate ('10 deg/s'): give one", ("move",)
