"""The quadratic program of a step: its sparsity, and HPIPM to solve it.

In HPIPM's order it has at the stages k = 0..N the variables

    u0 | x1 u1 s1 | ... | x(N-1) u(N-1) s(N-1) w | xN sN       (s: slacks of the soft rows)

and between them the rows  A x_k + B u_k - x_(k+1) = 0,  lower <= g(x_k) + s <= upper. Variables
are steps from the iterate, which obeys the dynamics, so zero is a good start for HPIPM. It has no
inputs at the last stage, so its slacks are states there, set by inputs w one stage earlier.
"""

from __future__ import annotations

from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.model import NQ, POSE
from cinempc.rig import plan
from cinempc.rig.plan import NU, NX

Floats = NDArray[np.float64]
Indices = NDArray[np.int_]

#: Accurate enough that the cost is within a tenth of a percent of a converged one; the next step,
#: 50 ms later, starts from here anyway.
_HPIPM = {
    "mode": "speed_abs",
    "iter_max": 40,
    "mu0": 1.0,
    "res_g_max": 1e-3,
    "res_b_max": 1e-6,
    "res_d_max": 1e-5,
    "res_m_max": 1e-4,
}


class QuadraticProgram:
    """The sparsity of a structure's program, where each part stands in it, and its solver.

    Args:
        A, B: the dynamics.
        nodes: N.
        row_slack: (rows,) index of each path row's slack, -1 for a hard one.
        n_slacks: slacks of a node.

    Attributes:
        x_at, u_at, s_at: variables: states, inputs and slacks of the nodes, (N, ...).
        row_at: constraints: path rows of the nodes, (N, rows).
        h_diagonal, h_pose: entries of the Hessian's values: the diagonal, and the dense blocks of
            the pose, (N, 9, 9).
        a_values, a_rows: the constraint matrix's values, and where the path rows' are in it,
            (N, rows, 18).
        regularisation: weights of squared state changes, (18,).
    """

    def __init__(self, A: Floats, B: Floats, nodes: int, row_slack: Indices, n_slacks: int) -> None:
        N, ng = nodes, len(row_slack)
        nx = [0] + [NX] * (N - 1) + [NX + n_slacks]
        nu = [NU] + [NU + n_slacks] * (N - 1) + [0]
        nu[N - 1] += n_slacks
        first = np.concatenate([[0], np.cumsum(np.array(nx) + np.array(nu))])
        self.n_variables = int(first[-1])
        self.x_at = np.array([first[k] + np.arange(NX) for k in range(1, N + 1)])
        self.u_at = np.array([first[k] + nx[k] + np.arange(NU) for k in range(N)])
        self.s_at = np.array(
            [first[k] + NX + (NU if k < N else 0) + np.arange(n_slacks) for k in range(1, N + 1)]
        )
        #: Variables that set the last stage's slacks, one stage earlier.
        self._last_slacks_at = first[N] - n_slacks + np.arange(n_slacks)
        hessian = self._hessian(N)
        matrix = self._matrix(A, B, nx, row_slack)
        options = {
            "N": N,
            "nx": nx,
            "nu": nu,
            "ng": [0] + [ng] * N,
            "error_on_fail": False,
            "print_time": False,
            "hpipm": _HPIPM,
        }
        self.solver = Solver(hessian, matrix, options)
        #: Pulls a step towards its iterate: keeps the program strictly convex in directions that
        #: no objective sees.
        self.regularisation = np.full(NX, 1e-4)
        self.regularisation[plan.LENS] = (1e-2, 1.0, 1e-3)

    def _hessian(self, N: int) -> Any:
        """Dense in the pose, diagonal elsewhere."""
        diagonal = np.arange(self.n_variables)
        pose_at = self.x_at[:, POSE]
        i_pose = np.repeat(pose_at, NQ, axis=1).ravel()
        j_pose = np.tile(pose_at, (1, NQ)).ravel()
        pattern = _pattern(
            [diagonal, i_pose], [diagonal, j_pose], self.n_variables, self.n_variables
        )
        locate = _Locator(pattern)
        self.h_diagonal = locate(diagonal, diagonal)
        self.h_pose = locate(i_pose, j_pose).reshape(N, NQ, NQ)
        return pattern

    def _matrix(self, A: Floats, B: Floats, nx: list[int], row_slack: Indices) -> Any:
        """The dynamics, which are constant, and the path rows, which are refilled at each step."""
        N, ng, n_slacks = len(self.x_at), len(row_slack), self.s_at.shape[1]
        i_a, j_a, v_a = [], [], []
        self.row_at = np.empty((N, ng), dtype=int)
        row = 0
        for k in range(N + 1):
            if k < N:
                blocks = [(self.u_at[k], B), (self.x_at[k], -np.eye(NX))]
                if k:
                    blocks.append((self.x_at[k - 1], A))
                if k == N - 1:
                    carry = np.vstack([np.zeros((NX, n_slacks)), np.eye(n_slacks)])
                    blocks += [(self._last_slacks_at, carry), (self.s_at[N - 1], -carry)]
                for columns, block in blocks:
                    i, j = np.nonzero(block)
                    i_a.append(row + i)
                    j_a.append(columns[j])
                    v_a.append(block[i, j])
                row += nx[k + 1]
            if k:
                self.row_at[k - 1] = row + np.arange(ng)
                row += ng
        self.n_constraints = row
        i_g = np.repeat(self.row_at, NX, axis=1).ravel()
        j_g = np.tile(self.x_at, (1, ng)).ravel()
        self._soft = np.flatnonzero(row_slack >= 0)
        i_s = self.row_at[:, self._soft].ravel()
        j_s = self.s_at[:, row_slack[self._soft]].ravel()
        pattern = _pattern([*i_a, i_g, i_s], [*j_a, j_g, j_s], self.n_constraints, self.n_variables)
        locate = _Locator(pattern)
        self.a_values = np.zeros(pattern.nnz())
        self.a_values[locate(np.concatenate(i_a), np.concatenate(j_a))] = np.concatenate(v_a)
        self.a_rows = locate(i_g, j_g).reshape(N, ng, NX)
        self._a_slack = locate(i_s, j_s).reshape(N, len(self._soft))
        return pattern

    def orient_slacks(self, lower: Floats) -> None:
        """Point each soft row's slack at the side that has a limit, given the lower ones."""
        self.a_values[self._a_slack] = np.where(np.isfinite(lower[:, self._soft]), 1.0, -1.0)


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
        """HPIPM's statistics of the last solve."""
        return dict(self._buffer.stats())


class _Locator:
    """Finds entries of a sparsity pattern in its list of nonzeros."""

    def __init__(self, pattern: Any) -> None:
        rows, columns = (np.array(part, dtype=np.int64) for part in pattern.get_triplet())
        self._height = pattern.shape[0]
        self._keys = columns * self._height + rows  # ascending: CasADi is column-major

    def __call__(self, rows: Indices, columns: Indices) -> Indices:
        at: Indices = np.searchsorted(self._keys, columns * self._height + rows)
        return at


def _pattern(rows: list[Any], columns: list[Any], height: int, width: int) -> Any:
    keys = np.unique(np.concatenate(columns) * height + np.concatenate(rows))
    j, i = np.divmod(keys, height)
    starts = np.searchsorted(j, np.arange(width + 1))
    return ca.Sparsity(height, width, starts.tolist(), i.tolist())
