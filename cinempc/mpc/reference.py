"""The same problem solved to convergence by Ipopt, with exact derivatives: what to measure against.

It minimises what `cinempc.mpc.sqp` minimises, over states, inputs and slacks, with the rows as
they are instead of linearised. Too slow to fly.
"""

from __future__ import annotations

from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import NDArray

from cinempc.mpc import sqp
from cinempc.mpc.data import Data
from cinempc.mpc.problem import Problem
from cinempc.rig.plan import NU, NX

Floats = NDArray[np.float64]


class Reference:
    """Ipopt on a problem; building it takes seconds."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        N, ns = problem.horizon.nodes, len(problem.slacks)
        nr, ng = problem.n_residuals, problem.n_rows
        x, u, s = ca.MX.sym("x", NX, N), ca.MX.sym("u", NU, N), ca.MX.sym("s", ns, N)
        start = ca.MX.sym("start", NX)
        p, w = ca.MX.sym("p", problem.layout.size, N), ca.MX.sym("w", nr, N)
        state_cost, input_cost = ca.MX.sym("qx", NX), ca.MX.sym("qu", NU)
        residuals, rows = problem.value.function(x, p)
        cost = (
            ca.sum2(ca.sum1(w * residuals**2))
            + ca.sum2(ca.mtimes(state_cost.T, x**2))
            + ca.sum2(ca.mtimes(input_cost.T, u**2))
            + ca.sum2(ca.mtimes(problem.slack_linear[None, :], s))
            + ca.sum2(ca.mtimes(problem.slack_quadratic[None, :], s**2))
        ) / N
        before = ca.horzcat(start, x[:, :-1])
        gaps = ca.mtimes(problem.A, before) + ca.mtimes(problem.B, u) - x
        # Each soft row twice: opened upwards and downwards by its slack.
        opened = np.zeros((ng, ns))
        for i, slack in enumerate(problem.row_slack):
            if slack >= 0:
                opened[i, slack] = 1.0
        slacked = ca.mtimes(opened, s)
        constraints = ca.vertcat(ca.vec(gaps), ca.vec(rows + slacked), ca.vec(rows - slacked))
        variables = ca.vertcat(ca.vec(x), ca.vec(u), ca.vec(s))
        parameters = ca.vertcat(start, ca.vec(p), ca.vec(w), state_cost, input_cost)
        options = {
            "expand": True,
            "print_time": False,
            "error_on_fail": False,
            "ipopt": {"print_level": 0, "sb": "yes", "tol": 1e-8, "max_iter": 300},
        }
        self._solver = ca.nlpsol(
            "reference",
            "ipopt",
            {"x": variables, "f": cost, "g": constraints, "p": parameters},
            options,
        )
        self._sizes = N, ng, ns

    def solve(self, data: Data) -> sqp.Outcome:
        """Converge from the guess."""
        problem, (N, ng, ns) = self.problem, self._sizes
        inputs = data.guess
        states = problem.rollout(data.start, inputs)
        first = sqp.evaluate(problem, data, states, inputs)
        slack = np.zeros((N, ns))
        for i in range(ns):
            slack[:, i] = first.excess[:, problem.row_slack == i].max(axis=1)
        infinite = np.full(N * ng, np.inf)
        result: Any = self._solver(
            x0=np.concatenate([states.ravel(), inputs.ravel(), slack.ravel()]),
            p=np.concatenate(
                [
                    data.start,
                    data.parameters[1:].ravel(),
                    data.weights[1:].ravel(),
                    data.state_cost,
                    data.input_cost,
                ]
            ),
            lbx=np.concatenate([data.lower.ravel(), -data.input_limit.ravel(), np.zeros(N * ns)]),
            ubx=np.concatenate(
                [data.upper.ravel(), data.input_limit.ravel(), np.full(N * ns, np.inf)]
            ),
            lbg=np.concatenate([np.zeros(N * NX), data.row_lower.ravel(), -infinite]),
            ubg=np.concatenate([np.zeros(N * NX), infinite, data.row_upper.ravel()]),
        )
        statistics = self._solver.stats()
        solution = np.array(result["x"]).ravel()
        inputs = solution[N * NX : N * (NX + NU)].reshape(N, NU)
        iterate = sqp.evaluate(problem, data, problem.rollout(data.start, inputs), inputs)
        success = bool(statistics["success"])
        failure = None if success else f"Ipopt: {statistics['return_status']}"
        return sqp.Outcome(iterate, success, int(statistics["iter_count"]), failure)
