"""What the picture needs: the gimbal's reach, and who stays in frame. Soft, and cheapest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import casadi as ca
import numpy as np

from cinempc.mpc.constraints.constraint import PICTURE, Constraint, Kind, Node, Num, Row, Value
from cinempc.rig.mount import Range
from cinempc.rig.subject import SubjectEstimate
from cinempc.rig.vehicle import GRAVITY, Response, thrust_acceleration


@dataclass(frozen=True, kw_only=True)
class GimbalReach(Constraint):
    """One of the gimbal's angles against the airframe, rad, in its ``range``.

    The airframe's attitude is that of a multicopter at small angles: it pitches and rolls to
    point its thrust.
    """

    axis: Literal["pitch", "roll"]
    range: Range
    response: Response

    kind: ClassVar[Kind] = PICTURE
    data: ClassVar[tuple[str, ...]] = ("range",)

    def rows(self, node: Node, own: Mapping[str, Num]) -> list[Row]:
        """The camera's angle less the airframe's."""
        thrust = thrust_acceleration(node.velocity, node.acceleration, self.response)
        up = GRAVITY + thrust[2]
        ch, sh = ca.cos(node.heading), ca.sin(node.heading)
        if self.axis == "pitch":
            camera, airframe = node.stage.pitch, -(thrust[0] * ch + thrust[1] * sh) / up
        else:
            camera, airframe = node.stage.roll, (thrust[0] * sh - thrust[1] * ch) / up
        return [Row(f"gimbal {self.axis}", camera - airframe)]

    def limits(self, subjects: Mapping[str, SubjectEstimate]) -> tuple[Value, Value]:
        """The gimbal's range."""
        return self.range.min, self.range.max


@dataclass(frozen=True, kw_only=True)
class InFrame(Constraint):
    """A subject's point that stays in the picture, ``margin`` (fraction of each side) inside."""

    subject: str
    point: str | float = "eyes"
    margin: float = 0.02

    kind: ClassVar[Kind] = PICTURE
    data: ClassVar[tuple[str, ...]] = ("margin",)

    def rows(self, node: Node, own: Mapping[str, Num]) -> list[Row]:
        """Distances from the middle of the picture, fractions of its width and height."""
        place = zip(
            ("sideways", "upright"), node.stage.image(self.subject, self.point), strict=True
        )
        return [
            Row(
                f"{self.subject} {self.point} in frame, {axis}",
                ca.sqrt((value - 0.5) ** 2 + 1e-4),
            )
            for axis, value in place
        ]

    def limits(self, subjects: Mapping[str, SubjectEstimate]) -> tuple[Value, Value]:
        """The margin's edge."""
        return -np.inf, 0.5 - self.margin
