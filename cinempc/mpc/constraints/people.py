"""Distance to people: soft, and dearer than anything else that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import casadi as ca
import numpy as np

from cinempc.mpc.constraints.constraint import PEOPLE, Constraint, Kind, Node, Num, Row, Value
from cinempc.mpc.stage import hinge
from cinempc.rig.subject import SubjectEstimate


@dataclass(frozen=True, kw_only=True)
class SubjectDistance(Constraint):
    """Distance of the camera to a subject's body, an upright line, m: ``least``, and more the
    greater the doubt about where the subject is (two standard deviations)."""

    subject: str
    least: float

    kind: ClassVar[Kind] = PEOPLE
    data: ClassVar[tuple[str, ...]] = ("least",)

    def rows(self, node: Node, own: Mapping[str, Num]) -> list[Row]:
        """The distance, from beside the body or from above its head."""
        x, y, z = node.stage.offset(self.subject, "feet")
        above = hinge(z - node.stage.subjects[self.subject].height, 0.2)
        return [Row(f"distance to {self.subject}", ca.sqrt(x**2 + y**2 + above**2 + 1e-4))]

    def limits(self, subjects: Mapping[str, SubjectEstimate]) -> tuple[Value, Value]:
        """The least distance."""
        covariance = subjects[self.subject].covariance
        deviation = math.sqrt(max(covariance[0, 0], covariance[1, 1]))
        return self.least + 2 * deviation, np.inf
