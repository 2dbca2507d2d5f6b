"""What a path constraint is: rows of a node, one range for them, and a kind.

A constraint says

    lower <= g(x_k) + s <= upper        at the nodes k = 1..N

for each of its rows g. Everything about it is in its class: the rows, their limits, the kind (and
with it the price of breaking them), and parameters of its own, such as an obstacle's predicted
place. Problem, solver and controller read it from there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.stage import Stage
from cinempc.rig.subject import SubjectEstimate

Floats = NDArray[np.float64]
Num = Any
#: A limit: one number for the whole horizon, or one for each of the nodes 0..N.
Value = float | Floats


@dataclass(frozen=True)
class Slack:
    """The price in the cost of one unit of slack s at a node: linear · s + quadratic · s²."""

    linear: float
    quadratic: float


@dataclass(frozen=True)
class Kind:
    """What a constraint is for, which decides what gives way where not all can be kept.

    All rows of a kind share one slack at each node; without one they are hard. ``tolerance`` is
    the violation, in the rows' unit, below which it is rounding.
    """

    name: str
    tolerance: float
    slack: Slack | None = None


#: The flight envelope: never broken by a plan that is flown.
ENVELOPE = Kind("envelope", tolerance=0.02)
#: Distance to people, m.
PEOPLE = Kind("people", tolerance=0.02, slack=Slack(1e4, 1e4))
#: Distance to things, m. At this price a goal 8 m behind one, straight through, pulls the camera
#: 6 mm into the distance that is kept; at 1e3 it is 5 cm.
OBSTACLE = Kind("obstacle", tolerance=0.02, slack=Slack(3e3, 3e3))
#: What the picture needs, rad or frame widths.
PICTURE = Kind("picture", tolerance=0.005, slack=Slack(1e2, 1e2))

#: The kinds that can give way, the dearest first: where two conflict, the cheaper one does.
SOFT = (PEOPLE, OBSTACLE, PICTURE)


@dataclass(frozen=True)
class Node:
    """One node, as constraints see it: symbols or numbers.

    ``stage`` is the picture there, ``velocity`` and ``acceleration`` are the plan's (3,), and
    ``heading`` is the vehicle's yaw, rad.
    """

    stage: Stage
    velocity: Num
    acceleration: Num
    heading: Num


@dataclass(frozen=True)
class Row:
    """One expression that is kept in its constraint's range, and what it is called in reports."""

    name: str
    expression: Num


class Constraint(ABC):
    """Something that a plan keeps; subclasses are frozen dataclasses.

    Subclasses name in ``data`` those of their fields that may change from solve to solve at no
    cost: those that only `limits` and `values` read. All other fields are structure: `rows` reads
    them, and a change of one builds new code.

    ``parameters`` are the names and widths of the constraint's own parameters, for rows that need
    numbers of a solve.
    """

    kind: ClassVar[Kind]
    data: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[Mapping[str, int]] = {}

    @abstractmethod
    def rows(self, node: Node, own: Mapping[str, Num]) -> list[Row]:
        """The rows at a node, scaled to be of the order of one per metre or per frame.

        Args:
            node: its symbols.
            own: the constraint's own parameters there; of width 1 a scalar, else a vector.
        """

    @abstractmethod
    def limits(self, subjects: Mapping[str, SubjectEstimate]) -> tuple[Value, Value]:
        """Lower and upper limit of all the rows; -inf or inf where there is none.

        Args:
            subjects: the newest estimates.
        """

    def values(self, times: Floats) -> Mapping[str, Value]:
        """The constraint's own parameters at times (N + 1,), s: one value, or one per node."""
        return {}

    def structure(self) -> tuple[Any, ...]:
        """What makes this constraint's code: its class and the fields that are not data."""
        kind = type(self)
        return (kind, *[getattr(self, name) for name in _static(kind)])


@cache
def _static(kind: type[Constraint]) -> tuple[str, ...]:
    """Names of the fields that are structure."""
    return tuple(f.name for f in fields(kind) if f.name not in kind.data)  # type: ignore[arg-type]
