"""The optimal control problem of one structure: its functions and its quadratic program.

A structure is what the problem is about: horizon, camera, vehicle, subjects, the kinds of
objectives, who stays in frame. Everything else (targets, weights, predictions, limits) is data of
a solve. Building takes a few milliseconds: CasADi differentiates one node, and a map repeats it.

The quadratic program of a step, in HPIPM's order, has at the stages k = 0..N the variables

    u0 | x1 u1 s1 | ... | x(N-1) u(N-1) s(N-1) w | xN sN       (s: slacks of the soft rows)

and between them the rows  A x_k + B u_k - x_(k+1) = 0,  lower <= g(x_k) + s <= upper. Variables
are steps from the iterate, which obeys the dynamics, so zero is a good start for HPIPM. It has no
inputs at the last
stage, so its slacks are states there, set by inputs w one stage earlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import NDArray

from cinempc.camera import Camera
from cinempc.mpc import constraints, plan
from cinempc.mpc.constraints import SLACKS
from cinempc.mpc.objectives import InFrame, Objective
from cinempc.mpc.plan import NU, NX
from cinempc.mpc.stage import NQ, SUBJECT_PARAMETERS, Stage, subject_symbols
from cinempc.vehicle import Vehicle

Floats = NDArray[np.float64]

#: Where the nine pose coordinates stand in the state.
POSE = np.r_[0:3, 9:12, 15:18]
NS = len(SLACKS)


@dataclass(frozen=True)
class Horizon:
    """N nodes, ``step`` seconds apart."""

    nodes: int = 20
    step: float = 0.1

    @property
    def length(self) -> float:
        """Length, s."""
        return self.nodes * self.step


def dynamics(step: float, movable: Sequence[bool]) -> tuple[Floats, Floats]:
    """Exact discrete dynamics x+ = A x + B u of the integrator chains.

    Args:
        step: s.
        movable: whether focal length, focus and aperture can move; one that cannot has no input.
    """
    A, B = np.eye(NX), np.zeros((NX, NU))
    for i in range(3):
        A[i, 3 + i] = A[3 + i, 6 + i] = A[9 + i, 12 + i] = step
        A[i, 6 + i] = step**2 / 2
        B[i, i], B[3 + i, i], B[6 + i, i] = step**3 / 6, step**2 / 2, step
        B[9 + i, 3 + i], B[12 + i, 3 + i] = step**2 / 2, step
        B[15 + i, 6 + i] = step if movable[i] else 0.0
    return A, B


class Problem:
    """The code of one structure.

    Args:
        horizon: nodes and step.
        camera, vehicle: their constants.
        subjects: ids, in the order of their parameters.
        objectives: their structures matter, their values do not.
        in_frame: who stays in the picture.
    """

    def __init__(
        self,
        horizon: Horizon,
        camera: Camera,
        vehicle: Vehicle,
        subjects: Sequence[str],
        objectives: Sequence[Objective],
        in_frame: Sequence[InFrame],
    ) -> None:
        self.horizon = horizon
        self.subjects = tuple(subjects)
        self.target_names = [(i, t) for i, o in enumerate(objectives) for t in o.wished()]
        movable = (
            camera.focal_length.max > camera.focal_length.min,
            camera.focus.rate > 0,
            camera.aperture.max > camera.aperture.min,
        )
        self.A, self.B = dynamics(horizon.step, movable)
        #: Which of focal length, focus and aperture can move.
        self.movable = np.array(movable)
        self._symbols(camera, vehicle, objectives, in_frame)
        self._rollout()
        self._quadratic_program()

    # --- one node, differentiated ---

    def _symbols(
        self,
        camera: Camera,
        vehicle: Vehicle,
        objectives: Sequence[Objective],
        in_frame: Sequence[InFrame],
    ) -> None:
        n_subjects = SUBJECT_PARAMETERS * len(self.subjects)
        x = ca.SX.sym("x", NX)
        p = ca.SX.sym("p", n_subjects + len(self.target_names) + 4)
        subjects = {
            name: subject_symbols(p[SUBJECT_PARAMETERS * i : SUBJECT_PARAMETERS * (i + 1)])
            for i, name in enumerate(self.subjects)
        }
        offset, heading = p[-4:-1], p[-1]
        sensor = (camera.sensor.width, camera.sensor.height)
        pose = ca.vertcat(x[plan.POSITION] + offset, x[plan.ANGLES], x[plan.LENS])
        stage = Stage(pose, subjects, sensor, camera.sensor.circle_of_confusion)
        residuals: list[Any] = []
        owners: list[int] = []
        for i, objective in enumerate(objectives):
            target = {
                name: p[n_subjects + j]
                for j, (owner, name) in enumerate(self.target_names)
                if owner == i
            }
            found = objective.residuals(stage, target)
            residuals += [r / objective.scale for r in found]
            owners += [i] * len(found)
        #: Index of the objective that each residual belongs to.
        self.owners = np.array(owners, dtype=int)
        path = constraints.rows(stage, x, heading, in_frame, vehicle)
        self.row_names = [row.name for row in path]
        self.row_slack = np.array([-1 if r.slack is None else SLACKS.index(r.slack) for r in path])
        r = ca.vertcat(*residuals) if residuals else ca.SX(0, 1)
        g = ca.vertcat(*[row.expression for row in path])
        pose_states = x[POSE.tolist()]
        outputs = [r, g]
        self.value = Mapped("value", x, p, outputs, self.horizon.nodes)
        jacobian = ca.densify(ca.jacobian(r, pose_states).T)
        rows = ca.densify(ca.jacobian(g, x).T)
        self.linear = Mapped(
            "linear", x, p, [*outputs, ca.vec(jacobian), ca.vec(rows)], self.horizon.nodes
        )
        self.n_residuals, self.n_rows = r.shape[0], g.shape[0]
        self.n_parameters = p.shape[0]

    # --- the whole horizon from its inputs ---

    def _rollout(self) -> None:
        """States 1..N from the first state and all inputs: X = free x0 + forced u."""
        N = self.horizon.nodes
        self.free = np.empty((N * NX, NX))
        self.forced = np.zeros((N * NX, N * NU))
        power, response = np.eye(NX), self.B
        columns = [response]
        for k in range(N):
            power = self.A @ power
            self.free[k * NX : (k + 1) * NX] = power
            if k:
                response = self.A @ response
                columns.append(response)
        for k in range(N):
            for j in range(k + 1):
                self.forced[k * NX : (k + 1) * NX, j * NU : (j + 1) * NU] = columns[k - j]

    def rollout(self, start: Floats, inputs: Floats) -> Floats:
        """States at the nodes 1..N, (N, 18), from the first state (18,) and inputs (N, 9)."""
        states: Floats = self.free @ start + self.forced @ inputs.ravel()
        return states.reshape(-1, NX)

    # --- the quadratic program's sparsity and solver ---

    def _quadratic_program(self) -> None:
        N, ng = self.horizon.nodes, self.n_rows
        nx = [0] + [NX] * (N - 1) + [NX + NS]
        nu = [NU] + [NU + NS] * (N - 1) + [0]
        nu[N - 1] += NS
        rows_at = [0] + [ng] * N
        widths = np.array(nx) + np.array(nu)
        first = np.concatenate([[0], np.cumsum(widths)])
        self.n_variables = int(first[-1])
        self.x_at = np.array([first[k] + np.arange(NX) for k in range(1, N + 1)])
        self.u_at = np.array([first[k] + nx[k] + np.arange(NU) for k in range(N)])
        self.s_at = np.array(
            [first[k] + NX + (NU if k < N else 0) + np.arange(NS) for k in range(1, N + 1)]
        )
        w_at = first[N] - NS + np.arange(NS)

        # Hessian: dense in the pose, diagonal elsewhere.
        i_h = [np.arange(self.n_variables)]
        j_h = [np.arange(self.n_variables)]
        pose_at = self.x_at[:, POSE]
        i_h.append(np.repeat(pose_at, NQ, axis=1).ravel())
        j_h.append(np.tile(pose_at, (1, NQ)).ravel())
        hessian = _pattern(i_h, j_h, self.n_variables, self.n_variables)
        self._h = _Locator(hessian)
        self.h_diagonal = self._h(np.arange(self.n_variables), np.arange(self.n_variables))
        self.h_pose = self._h(i_h[1], j_h[1]).reshape(N, NQ, NQ)

        # Constraint matrix: the dynamics are constant, the path rows are refilled at each step.
        i_a, j_a, v_a = [], [], []
        self.gap_at = np.empty((N, NX), dtype=int)
        self.row_at = np.empty((N, ng), dtype=int)
        row = 0
        for k in range(N + 1):
            if k < N:
                self.gap_at[k] = row + np.arange(NX)
                blocks = [(self.u_at[k], self.B), (self.x_at[k], -np.eye(NX))]
                if k:
                    blocks.append((self.x_at[k - 1], self.A))
                if k == N - 1:
                    carry = np.vstack([np.zeros((NX, NS)), np.eye(NS)])
                    blocks += [(w_at, carry), (self.s_at[N - 1], -carry)]
                for columns, block in blocks:
                    i, j = np.nonzero(block)
                    i_a.append(row + i)
                    j_a.append(columns[j])
                    v_a.append(block[i, j])
                row += nx[k + 1]
            if k:
                self.row_at[k - 1] = row + np.arange(ng)
                row += rows_at[k]
        self.n_constraints = row
        i_g = np.repeat(self.row_at, NX, axis=1).ravel()
        j_g = np.tile(self.x_at, (1, ng)).ravel()
        soft = np.flatnonzero(self.row_slack >= 0)
        i_s = self.row_at[:, soft].ravel()
        j_s = self.s_at[:, self.row_slack[soft]].ravel()
        pattern = _pattern([*i_a, i_g, i_s], [*j_a, j_g, j_s], self.n_constraints, self.n_variables)
        locate = _Locator(pattern)
        self.a_values = np.zeros(pattern.nnz())
        self.a_values[locate(np.concatenate(i_a), np.concatenate(j_a))] = np.concatenate(v_a)
        self.a_rows = locate(i_g, j_g).reshape(N, ng, NX)
        self._a_slack = locate(i_s, j_s).reshape(N, len(soft))
        self._soft = soft
        options = {
            "N": N,
            "nx": nx,
            "nu": nu,
            "ng": rows_at,
            "error_on_fail": False,
            "print_time": False,
            # Accurate enough that the cost is within a tenth of a percent of a converged one; the
            # next step, 50 ms later, starts from here anyway.
            "hpipm": {
                "mode": "speed_abs",
                "iter_max": 40,
                "mu0": 1.0,
                "res_g_max": 1e-3,
                "res_b_max": 1e-6,
                "res_d_max": 1e-5,
                "res_m_max": 1e-4,
            },
        }
        self.solver = Solver(hessian, pattern, options)
        #: Pulls a step towards its iterate (weights of squared state changes): keeps the program
        #: strictly convex in directions that no objective sees.
        self.regularisation = np.full(NX, 1e-4)
        self.regularisation[plan.LENS] = (1e-2, 1.0, 1e-3)

    def orient_slacks(self, lower: Floats) -> None:
        """Point each soft row's slack at the side that has a limit, given the lower ones."""
        self.a_values[self._a_slack] = np.where(np.isfinite(lower[:, self._soft]), 1.0, -1.0)


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


class Solver:
    """HPIPM through CasADi, with its arguments as numpy arrays to fill."""

    def __init__(self, hessian: Any, matrix: Any, options: dict[str, Any]) -> None:
        self._function = ca.conic("qp", "hpipm", {"h": hessian, "a": matrix}, options)
        n, m = hessian.shape[0], matrix.shape[0]
        self.h, self.a = np.zeros(hessian.nnz()), np.zeros(matrix.nnz())
        self.g = np.zeros(n)
        self.lbx, self.ubx = np.full(n, -np.inf), np.full(n, np.inf)
        self.lba, self.uba = np.zeros(m), np.zeros(m)
        self.x = np.zeros(n)
        self._buffer, self._call = self._function.buffer()
        function = self._function
        arguments = {
            "h": self.h,
            "g": self.g,
            "a": self.a,
            "lba": self.lba,
            "uba": self.uba,
            "lbx": self.lbx,
            "ubx": self.ubx,
        }
        # The plugin reads and writes all of its arguments, also those that are not of interest.
        self._arguments = [
            arguments.get(function.name_in(i), np.zeros(function.nnz_in(i))).data
            for i in range(function.n_in())
        ]
        self._results = [
            (self.x if function.name_out(i) == "x" else np.zeros(function.nnz_out(i))).data
            for i in range(function.n_out())
        ]

    def __call__(self) -> bool:
        """Solve; whether HPIPM converged. The solution is in ``x``."""
        # The plugin moves these pointers as it runs: they are set anew for each call (0.02 ms).
        for i, argument in enumerate(self._arguments):
            self._buffer.set_arg(i, argument)
        for i, result in enumerate(self._results):
            self._buffer.set_res(i, result)
        self._call()
        # The call itself always returns 0; that HPIPM gave up stands in its statistics only.
        return bool(self.status()["success"]) and bool(np.isfinite(self.x).all())

    def status(self) -> dict[str, Any]:
        """HPIPM's own words on the last solve."""
        return dict(self._buffer.stats())


class _Locator:
    """Finds entries of a sparsity pattern in its list of nonzeros."""

    def __init__(self, pattern: Any) -> None:
        rows, columns = (np.array(part, dtype=np.int64) for part in pattern.get_triplet())
        self._height = pattern.shape[0]
        self._keys = columns * self._height + rows  # ascending: CasADi is column-major

    def __call__(self, rows: NDArray[np.int_], columns: NDArray[np.int_]) -> NDArray[np.int_]:
        found: NDArray[np.int_] = np.searchsorted(self._keys, columns * self._height + rows)
        return found


def _pattern(rows: list[Any], columns: list[Any], height: int, width: int) -> Any:
    keys = np.unique(np.concatenate(columns) * height + np.concatenate(rows))
    j, i = np.divmod(keys, height)
    starts = np.searchsorted(j, np.arange(width + 1))
    return ca.Sparsity(height, width, starts.tolist(), i.tolist())
