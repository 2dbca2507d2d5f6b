"""The optimal control problem of one structure: its functions, differentiated once.

A structure is what the problem is about: horizon, camera, subjects, the kinds of objectives and
of constraints. Everything else (targets, weights, predictions, limits) is data of a solve.
Building takes a few milliseconds: CasADi differentiates one node, and a map repeats it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import NDArray

from cinempc.mpc import model
from cinempc.mpc.constraints.constraint import SOFT, Constraint, Node, Row
from cinempc.mpc.model import POSE, Horizon
from cinempc.mpc.objectives.objective import Objective
from cinempc.mpc.parameters import Layout
from cinempc.mpc.qp import QuadraticProgram
from cinempc.mpc.stage import Stage
from cinempc.rig import plan
from cinempc.rig.camera import Camera
from cinempc.rig.plan import NX

Floats = NDArray[np.float64]


class Problem:
    """The code of one structure.

    Args:
        horizon: nodes and step.
        camera: its constants.
        subjects: ids, in the order of their parameters.
        objectives, constraints: their structures matter, their values do not.

    Attributes:
        layout: of the parameters.
        owners: index of the objective that each residual belongs to.
        rows: the path rows, in order.
        row_owners: index of the constraint that each row belongs to.
        slacks: the kinds of the soft rows that occur, one slack each at a node.
        row_slack: index of each row's slack, -1 for a hard row.
        slack_linear, slack_quadratic: prices of the slacks.
        value: residuals and rows; ``linear``: these and their Jacobians.
    """

    def __init__(
        self,
        horizon: Horizon,
        camera: Camera,
        subjects: Sequence[str],
        objectives: Sequence[Objective],
        constraints: Sequence[Constraint],
    ) -> None:
        self.horizon = horizon
        #: Whether focal length, focus and aperture can move, (3,).
        self.movable = np.array(model.movable(camera))
        self.A, self.B = model.dynamics(horizon.step, self.movable)
        self._free, self._forced = model.prediction(self.A, self.B, horizon.nodes)
        self.layout = Layout(subjects, objectives, constraints)
        self._node(camera, objectives, constraints)
        self.qp = QuadraticProgram(self.A, self.B, horizon.nodes, self.row_slack, len(self.slacks))

    def _node(
        self,
        camera: Camera,
        objectives: Sequence[Objective],
        constraints: Sequence[Constraint],
    ) -> None:
        """One node's residuals and rows, and their derivatives."""
        x, p = ca.SX.sym("x", NX), ca.SX.sym("p", self.layout.size)
        parameters = self.layout.symbols(p)
        stage = Stage(
            x[plan.POSITION] + parameters.offset,
            x[plan.ANGLES],
            x[plan.LENS],
            parameters.subjects,
            (camera.sensor.width, camera.sensor.height),
            camera.sensor.circle_of_confusion,
        )
        residuals: list[Any] = []
        owners: list[int] = []
        for i, (objective, target) in enumerate(zip(objectives, parameters.targets, strict=True)):
            own = objective.residuals(stage, target)
            residuals += [r / objective.scale for r in own]
            owners += [i] * len(own)
        node = Node(stage, x[plan.VELOCITY], x[plan.ACCELERATION], parameters.heading)
        self.rows: list[Row] = []
        row_owners: list[int] = []
        for i, (constraint, values) in enumerate(
            zip(constraints, parameters.constraints, strict=True)
        ):
            rows = constraint.rows(node, values)
            self.rows += rows
            row_owners += [i] * len(rows)
        self.owners = np.array(owners, dtype=int)
        self.row_owners = np.array(row_owners, dtype=int)
        self._kinds(constraints)

        r = ca.vertcat(*residuals) if residuals else ca.SX(0, 1)
        g = ca.vertcat(*[row.expression for row in self.rows])
        outputs = [r, g]
        jacobian = ca.densify(ca.jacobian(r, x[POSE.tolist()]).T)
        row_jacobian = ca.densify(ca.jacobian(g, x).T)
        slopes = [ca.vec(jacobian), ca.vec(row_jacobian)]
        self.value = Mapped("value", x, p, outputs, self.horizon.nodes)
        self.linear = Mapped("linear", x, p, [*outputs, *slopes], self.horizon.nodes)
        self.n_residuals, self.n_rows = r.shape[0], g.shape[0]

    def _kinds(self, constraints: Sequence[Constraint]) -> None:
        kinds = [constraints[owner].kind for owner in self.row_owners]
        self.row_tolerance = np.array([kind.tolerance for kind in kinds])
        self.slacks = tuple(kind for kind in SOFT if kind in kinds)
        self.row_slack = np.array(
            [self.slacks.index(kind) if kind.slack else -1 for kind in kinds], dtype=int
        )
        prices = [kind.slack for kind in self.slacks if kind.slack]
        self.slack_linear = np.array([price.linear for price in prices])
        self.slack_quadratic = np.array([price.quadratic for price in prices])

    def rollout(self, start: Floats, inputs: Floats) -> Floats:
        """States at the nodes 1..N, (N, 18), from the first state (18,) and inputs (N, 9)."""
        states: Floats = self._free @ start + self._forced @ inputs.ravel()
        return states.reshape(-1, NX)

    def violations(self, excess: Floats) -> dict[str, float]:
        """The rows that are broken by more than their tolerance, with the worst amount.

        Args:
            excess: by how much each row is broken, (N, rows).
        """
        worst = excess.max(axis=0)
        broken: dict[str, float] = {}
        for row, amount, tolerance in zip(self.rows, worst, self.row_tolerance, strict=True):
            if amount > tolerance:
                broken[row.name] = max(float(amount), broken.get(row.name, 0.0))
        return broken


class Mapped:
    """A function of one node, repeated over the horizon, called without copies.

    ``x`` (N, 18) and ``p`` (N, parameters) are inputs to fill; calling it refreshes the outputs.
    """

    def __init__(self, name: str, x: Any, p: Any, outputs: Sequence[Any], nodes: int) -> None:
        simple = ca.cse(list(outputs))
        #: The CasADi function itself, (x (18, N), p (parameters, N)) -> outputs by column.
        self.function = ca.Function(name, [x, p], simple).map(nodes)
        self.x = np.zeros((nodes, x.shape[0]))
        self.p = np.zeros((nodes, p.shape[0]))
        self.out = [np.zeros((nodes, o.shape[0])) for o in outputs]
        # CasADi's matrices are column-major with a column for each node: our rows.
        self._buffer, self._call = self.function.buffer()
        self._buffer.set_arg(0, self.x.data)
        self._buffer.set_arg(1, self.p.data)
        for i, array in enumerate(self.out):
            if array.size:
                self._buffer.set_res(i, array.data)

    def __call__(self) -> list[Floats]:
        """Evaluate; the arrays returned are overwritten by the next call."""
        self._call()
        return self.out
