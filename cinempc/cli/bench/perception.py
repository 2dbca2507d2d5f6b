"""`cinempc bench perception`."""

from __future__ import annotations

import json
from typing import Annotated, Any

from rich.table import Table

from cinempc.app.options.bench import BenchPerceptionOptions
from cinempc.cli.console import out, progress_bar
from cinempc.cli.options import AsJson, defaults, option

EXAMPLE = "Example: cinempc bench perception --seeds 1 --seconds 5"
_O = defaults(BenchPerceptionOptions)


def bench_perception(
    weights: Annotated[str, option(_O, "weights")] = _O.weights,
    seeds: Annotated[int, option(_O, "seeds")] = _O.seeds,
    seconds: Annotated[float | None, option(_O, "seconds")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure perception on sequences whose truth is known: errors, identities, ms per stage."""
    from cinempc.app.bench.perception import measure

    options = BenchPerceptionOptions(weights=weights, seeds=seeds, seconds=seconds)
    with progress_bar() as progress:
        summary = measure(options, progress=progress)
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        _show(summary, options)


def _show(summary: dict[str, Any], options: BenchPerceptionOptions) -> None:
    table = Table(title=f"perception, {options.weights}, {options.seeds} seeds")
    for heading in ("", "measured", "target"):
        table.add_column(heading, justify="left" if not heading else "right")
    for line in summary["figures"]:
        table.add_row(line["name"], line["text"], line["target"])
    out.print(table)
    times = Table(title="ms of a picture")
    for heading in ("stage", "median", "p95"):
        times.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage, values in summary["stages_ms"].items():
        times.add_row(stage, f"{values['median']:.2f}", f"{values['p95']:.2f}")
    out.print(times)
    out.print(f"outside the network: {100 * summary['outside_network']:.0f} % of it (target 20 %)")
    machine = summary["machine"]
    out.print(f"machine: {machine['processor']}, {machine['cores']} cores, load {machine['load']}")
