"""Spiral-out: an orbit that pulls out and climbs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cinempc.rig.camera import Camera
from cinempc.rig.vehicle import Vehicle
from cinempc.script.framing.easing import ease
from cinempc.script.framing.fields import Mistake, ShotFields
from cinempc.script.framing.reach import elevation_mistakes
from cinempc.script.framing.targets import Start, Targets
from cinempc.script.framing.terms import AngleField
from cinempc.script.moves.scale_change import ScaleChange
from cinempc.units import Radians

Floats = NDArray[np.float64]


class SpiralOut(ScaleChange):
    """The camera circles the subject by an angle (anticlockwise from above; negative is
    clockwise) while it moves away and climbs, at one focal length."""

    kind: Literal["spiral-out"]
    angle: Radians = Field(description="over the shot")
    climb_to: AngleField = Field(description="the camera angle at the end, as `framing.angle`")

    closer: ClassVar[bool] = False
    turns_with_subject: ClassVar[bool] = False

    def targets(
        self, shot: ShotFields, camera: Camera, height: float, times: Floats, start: Start
    ) -> Targets:
        """The framing, with side, size and height that change together."""
        progress = ease(times / shot.duration)
        size, room = self.size(shot, camera, height, times, start)
        first = shot.framing.angle
        return self.framed(
            shot,
            camera,
            height,
            times,
            start,
            stature=size,
            room=room,
            azimuth=start.azimuth + self.angle * progress,
            elevation=first + (self.climb_to - first) * progress,
        )

    def field_mistakes(self, shot: ShotFields, first: bool) -> Iterator[Mistake]:
        """No turn, or an end that is not higher than the beginning."""
        if self.angle == 0:
            yield "a spiral turns: give an angle, or make it a pull-out", ("move", "angle")
        if self.climb_to <= shot.framing.angle:
            begins = f"{np.degrees(shot.framing.angle):.0f} deg"
            yield f"a spiral ends higher than it begins, at {begins}", ("move", "climb_to")

    def gimbal_mistakes(self, shot: ShotFields, vehicle: Vehicle) -> Iterator[Mistake]:
        """An end from which the gimbal does not see the subject."""
        yield from elevation_mistakes(self.climb_to, vehicle, ("move", "climb_to"))
