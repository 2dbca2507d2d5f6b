"""What moves share that end at another scale than they begin with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cinempc.rig.camera import Camera
from cinempc.script.framing.composition import distance, stature
from cinempc.script.framing.easing import ease
from cinempc.script.framing.fields import Mistake, ShotFields
from cinempc.script.framing.targets import Start, Targets
from cinempc.script.framing.terms import Scale, ScaleOrDistanceField, headroom, scale_of
from cinempc.script.moves.move import Move

Floats = NDArray[np.float64]


class ScaleChange(Move):
    """The camera moves from the framing's scale to that, or the distance, of ``to``, at one focal
    length."""

    to: ScaleOrDistanceField = Field(description="a scale, or a distance such as `4 m`")

    #: Whether it ends closer than it begins; else wider.
    closer: ClassVar[bool]

    def point(self, shot: ShotFields, camera: Camera, height: float) -> str:
        """The eyes: the picture's size changes, and what it is about at every size is the face."""
        return "eyes"

    def targets(
        self, shot: ShotFields, camera: Camera, height: float, times: Floats, start: Start
    ) -> Targets:
        """The framing, with a size that changes."""
        size, room = self.size(shot, camera, height, times, start)
        return self.framed(shot, camera, height, times, start, stature=size, room=room)

    def size(
        self, shot: ShotFields, camera: Camera, height: float, times: Floats, start: Start
    ) -> tuple[Floats, Floats]:
        """The body's size in the picture and the room above its head, fractions of the frame's
        height, each (n,)."""
        opening, end = self.opening(shot, camera, height), self.to
        if not isinstance(end, Scale):
            focal = opening.focal_length or start.focal_length
            end = scale_of(stature(focal, end, height, camera))
        progress, v = ease(times / shot.duration), shot.framing.position.v
        # Even in ln size: the same share of the picture is gained in each second.
        size = opening.scale.stature * np.exp(
            math.log(end.stature / opening.scale.stature) * progress
        )
        room = headroom(opening.scale, v)
        return size, room + (headroom(end, v) - room) * progress

    def size_mistakes(self, shot: ShotFields, camera: Camera, height: float) -> Iterator[Mistake]:
        """An end that is not on the right side of the beginning."""
        opening = self.opening(shot, camera, height)
        if isinstance(self.to, float):
            focal = opening.focal_length
            if focal is None:
                return  # kept from the shot before: where it starts is not known
            start = distance(focal, opening.scale.stature, height, camera)
            right = self.to < start if self.closer else self.to > start
            begins = f"{start:.1f} m"
        else:
            right = (self.to.stature > opening.scale.stature) == self.closer
            right &= self.to.stature != opening.scale.stature
            begins = f"{opening.scale.stature:.0%} of the frame's height"
        if not right:
            what = "closer" if self.closer else "wider"
            yield f"a {self.kind} ends {what} than it begins, at {begins}", ("move", "to")
