"""`cinempc bench mpc`."""

from __future__ import annotations

import json
from typing import Annotated, Any

from rich.table import Table

from cinempc.app.options.bench import BenchMpcOptions, MpcProblem
from cinempc.cli.console import out, progress_bar
from cinempc.cli.options import AsJson, defaults, option

EXAMPLE = "Example: cinempc bench mpc --problem cinempc-dolly"
_O = defaults(BenchMpcOptions)


def bench_mpc(
    problem: Annotated[MpcProblem, option(_O, "problem")] = _O.problem,
    as_json: AsJson = False,
    ipopt: Annotated[bool, option(_O, "ipopt", "--ipopt/--no-ipopt")] = _O.ipopt,
) -> None:
    """Time the control step and compare it with converged Ipopt."""
    from cinempc.app.bench.mpc import measure

    with progress_bar() as progress:
        summary = measure(BenchMpcOptions(problem=problem, ipopt=ipopt), progress=progress)
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        _show(summary)


def _show(summary: dict[str, Any]) -> None:
    table = Table(title=f"control step, {summary['problem']}")
    for heading in ("", "median", "p95", "p99", "max"):
        table.add_column(heading, justify="left" if not heading else "right")

    def times(name: str, values: dict[str, float]) -> None:
        table.add_row(name, *(f"{values[k]:.2f} ms" for k in ("median", "p95", "p99", "max")))

    for case in summary.get("cases", []):
        times(case["name"], case["step_ms"])
    times("all" if "cases" in summary else "this controller", summary["step_ms"])
    if "ipopt_step_ms" in summary:
        times("Ipopt, converged", summary["ipopt_step_ms"])
    out.print(table)
    if "cost_ratio_to_ipopt" in summary:
        out.print(
            f"closed-loop cost relative to Ipopt's: {summary['cost_ratio_to_ipopt']:.4f} x; "
            f"{summary['speedup_to_ipopt']:.0f} x faster"
        )
        for name, ratio in summary["cost_ratio_by_case"].items():
            out.print(f"  {name}: {ratio:.4f} x")
    out.print(f"unusable solves: {summary['unusable']} of {summary['steps']}")
    if "sequences" in summary:
        out.print(_errors(summary))
    sizes = ", ".join(
        f"{value} {name.replace('_', ' ')}" for name, value in summary["sizes"].items()
    )
    out.print(f"sizes: {sizes}")
    machine = summary["machine"]
    out.print(f"machine: {machine['processor']}, {machine['cores']} cores, load {machine['load']}")


def _errors(summary: dict[str, Any]) -> Table:
    """The errors of each published sequence."""
    table = Table(title="median errors of each sequence")
    names = list(summary["sequences"][-1])
    for heading in ("sequence", *names):
        table.add_column(heading, justify="right")
    for number, sequence in enumerate(summary["sequences"], 1):
        table.add_row(str(number), *(_figure(sequence.get(name)) for name in names))
    if "published" in summary:
        best = (_figure(summary["published"][name]) for name in names)
        table.add_row("published, best", *best)
    return table


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
