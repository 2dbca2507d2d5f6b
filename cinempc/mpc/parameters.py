"""The parameters of a node: what a problem's functions take beside the state, in one vector.

One layout says where everything stands in it. A `Problem` takes its symbols from there
(`Layout.symbols`), the controller its numbers (`Layout.pack`). In order:

- of each subject: place on the ground (3), cosine and sine of the heading, height;
- each target of each objective;
- the offset (3) of the vehicle from the plan, and the vehicle's yaw;
- the own parameters of each constraint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.constraints.constraint import Constraint
from cinempc.mpc.objectives.objective import Num, Objective
from cinempc.mpc.stage import SubjectSymbols, components
from cinempc.rig.subject import SubjectEstimate

Floats = NDArray[np.float64]
#: Where a field stands: an index where it is one number, a slice where it is several.
Place = int | slice


@dataclass(frozen=True)
class SubjectPlaces:
    """Where one subject's parameters stand."""

    position: Place
    cos_heading: Place
    sin_heading: Place
    height: Place


@dataclass(frozen=True)
class NodeSymbols:
    """The parameters of a node by name; ``targets`` and ``constraints`` in the order of the
    objectives and of the constraints."""

    subjects: dict[str, SubjectSymbols]
    targets: list[dict[str, Num]]
    offset: Num
    heading: Num
    constraints: list[dict[str, Num]]


class Layout:
    """Where each parameter stands.

    Args:
        subjects: ids.
        objectives: whose targets are parameters.
        constraints: who may have parameters of their own.
    """

    def __init__(
        self,
        subjects: Sequence[str],
        objectives: Sequence[Objective],
        constraints: Sequence[Constraint],
    ) -> None:
        self.size = 0
        self.subjects = {
            name: SubjectPlaces(self._place(3), self._place(), self._place(), self._place())
            for name in subjects
        }
        self.targets = [{name: self._place() for name in o.given()} for o in objectives]
        self.offset = self._place(3)
        self.heading = self._place()
        self.constraints = [
            {name: self._place(width) for name, width in c.parameters.items()} for c in constraints
        ]

    def _place(self, width: int = 1) -> Place:
        """The next free one."""
        first = self.size
        self.size += width
        return first if width == 1 else slice(first, self.size)

    def symbols(self, p: Num) -> NodeSymbols:
        """A node's vector of symbols (size,), by name."""
        return NodeSymbols(
            {
                name: SubjectSymbols(
                    components(p[at.position]), p[at.cos_heading], p[at.sin_heading], p[at.height]
                )
                for name, at in self.subjects.items()
            },
            [{name: p[at] for name, at in places.items()} for places in self.targets],
            p[self.offset],
            p[self.heading],
            [{name: p[at] for name, at in places.items()} for places in self.constraints],
        )

    def pack(
        self,
        times: Floats,
        subjects: Mapping[str, SubjectEstimate],
        objectives: Sequence[Objective],
        constraints: Sequence[Constraint],
        offset: Floats,
        headings: Floats,
    ) -> Floats:
        """The numbers of a solve, (N + 1, size).

        Args:
            times: of the nodes 0..N, s.
            subjects: the newest estimates, predicted here.
            objectives, constraints: of the same structure as the layout's, in its order.
            offset: of the vehicle from the plan at the nodes, (N + 1, 3), m.
            headings: the vehicle's yaw at the nodes, (N + 1,), rad.
        """
        table = np.empty((len(times), self.size))
        for name, at in self.subjects.items():
            subject = subjects[name]
            table[:, at.position] = subject.positions(times)
            table[:, at.cos_heading] = math.cos(subject.heading)
            table[:, at.sin_heading] = math.sin(subject.heading)
            table[:, at.height] = subject.height
        for objective, places in zip(objectives, self.targets, strict=True):
            for name, place in places.items():
                table[:, place] = objective.aim(name)
        table[:, self.offset] = offset
        table[:, self.heading] = headings
        for constraint, places in zip(constraints, self.constraints, strict=True):
            if places:
                values = constraint.values(times)
                for name, place in places.items():
                    table[:, place] = values[name]
        return table
