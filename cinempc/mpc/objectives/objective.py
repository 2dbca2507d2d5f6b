"""What an objective is: residuals of a node, each with a unit and a scale.

The cost of a plan is

    J = 1/N Σ_k Σ_i  w_i (r_i(x_k) / s_i)²

over the nodes k = 1..N, where the scale ``s_i`` is the error that counts as one, in the
residual's unit (a percent of the frame's width, five degrees). So weights are plain importances:
an objective of weight 2 counts twice. Gauss-Newton needs residuals and nothing else.

An objective's targets and weight are numbers or arrays with a value for each node. What an
objective is about (its subject, its body point) is its structure: solves with the same structures
share all their code, so targets and weights can change at every step at no cost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.stage import Stage

Floats = NDArray[np.float64]
Num = Any
#: A target or weight: one number for the whole horizon, or one for each node.
Value = float | Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Objective(ABC):
    """Something that the picture should have.

    Subclasses name their target fields in ``targets``; a target that is None is free and has no
    residual. All other fields are structure.
    """

    weight: Value = 1.0

    unit: ClassVar[str]
    scale: ClassVar[float]
    targets: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def residuals(self, stage: Stage, target: dict[str, Num]) -> list[Num]:
        """The residuals at a node, in ``unit``.

        Args:
            stage: the node's symbols.
            target: the values of this objective's targets there.
        """

    def given(self) -> tuple[str, ...]:
        """The targets that are not None, in order."""
        return tuple(name for name in self.targets if getattr(self, name) is not None)

    def aim(self, name: str) -> Value:
        """A target's value as the solver gets it, which takes finite numbers only."""
        value: Value = getattr(self, name)
        return value

    def structure(self) -> tuple[Any, ...]:
        """What makes this objective's code: its class, subject, point and given targets."""
        kind = type(self)
        return (kind, self.given(), *[getattr(self, name) for name in _static(kind)])


@cache
def _static(kind: type[Objective]) -> tuple[str, ...]:
    """Names of the fields that are structure."""
    return tuple(f.name for f in fields(kind) if f.name != "weight" and f.name not in kind.targets)
