"""`cinempc check`."""

from __future__ import annotations

import math

from rich.markup import escape
from rich.table import Table

from cinempc.cli.console import out
from cinempc.cli.moves import MovesOption
from cinempc.cli.options import ScriptPath

EXAMPLE = "Example: cinempc check configs/scripts/dolly_zoom.yaml"


def check(script: ScriptPath, moves: MovesOption = False) -> None:
    """Validate a script without flying it, and show what it will ask of the rig."""
    from cinempc.app.check import check

    result = check(script)
    config = result.script
    table = Table(title=f"{config.config.name}: {config.camera.name} on {config.vehicle.name}")
    for heading in ("shot", "move", "time", "focal length", "distance", "height", "move speed",
                    "depth of field at the start"):  # fmt: skip
        table.add_column(heading)
    for shot in result.shots:
        table.add_row(
            shot.name,
            shot.move,
            f"{shot.start:g}-{shot.end:g} s",
            _span(shot.focal_length, "mm", 0),
            _span(shot.distance, "m"),
            _span(shot.height, "m"),
            f"{shot.speed:.1f} m/s",
            _span(shot.depth_of_field, "m"),
        )
    out.print(table)
    for warning in result.warnings:
        out.print(f"[yellow]warning:[/] {escape(warning)}", highlight=False)
    count = len(result.warnings)
    verdict = f"{count} warning{'s' if count > 1 else ''}, see above" if count else "fine"
    out.print(f"{config.path}: {verdict}", soft_wrap=True)


def _span(values: tuple[float, float], unit: str, decimals: int = 1) -> str:
    low, high = (f"{v:.{decimals}f}" if math.isfinite(v) else "∞" for v in values)
    return f"{low} {unit}" if low == high else f"{low}-{high} {unit}"
