"""`cinempc bench identity`."""

from __future__ import annotations

import json
from typing import Annotated, Any

from rich.table import Table

from cinempc.app.options.bench import BenchIdentityOptions
from cinempc.cli.console import out, progress_bar
from cinempc.cli.options import AsJson, defaults, option

EXAMPLE = "Example: cinempc bench identity --seeds 2"
_O = defaults(BenchIdentityOptions)


def bench_identity(
    weights: Annotated[str, option(_O, "weights")] = _O.weights,
    seeds: Annotated[int, option(_O, "seeds")] = _O.seeds,
    as_json: AsJson = False,
) -> None:
    """Measure how well people are told apart by their looks: in good light, at dusk, in black and
    white, and in the same clothes."""
    from cinempc.app.bench.identity import measure

    options = BenchIdentityOptions(weights=weights, seeds=seeds)
    with progress_bar() as progress:
        summary = measure(options, progress=progress)
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        _show(summary, options)


def _show(summary: dict[str, Any], options: BenchIdentityOptions) -> None:
    table = Table(title=f"identity by looks, {options.weights}, {options.seeds} seeds")
    columns = {
        "rank1": "rank-1",
        "auc": "AUC",
        "eer": "equal error rate",
        "accepted": "known again",
        "confused": "confused",
    }
    table.add_column("", no_wrap=True)
    table.add_column("descriptor", no_wrap=True)
    for heading in columns.values():
        table.add_column(heading, justify="right")
    for kind, each in summary["figures"].items():
        for name, values in each.items():
            shown = ["-" if values[k] is None else f"{values[k]:.3f}" for k in columns]
            table.add_row(kind, name, *shown)
    out.print(table)
    for name, spent in summary["milliseconds"].items():
        out.print(f"{name}: {spent:.2f} ms a person")
    machine = summary["machine"]
    out.print(f"machine: {machine['processor']}, {machine['cores']} cores, load {machine['load']}")
