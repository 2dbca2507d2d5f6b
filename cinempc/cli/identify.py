"""`cinempc identify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.table import Table

from cinempc.app.options.takes import IdentifyOptions
from cinempc.cli.console import out, progress_bar, show_events
from cinempc.cli.options import defaults, option

if TYPE_CHECKING:
    from cinempc.app.identify import IdentifyResult

EXAMPLE = "Example: cinempc identify --vehicle x500_cinema --write my_x500.yaml"
_O = defaults(IdentifyOptions)
_UNITS = {"drag": "1/s", "thrust_lag": "s", "latency": "s", "damping": "", "position_lag": "s"}


def identify(
    vehicle: Annotated[str, option(_O, "vehicle")] = _O.vehicle,
    write: Annotated[Path | None, option(_O, "write")] = None,
    camera: Annotated[str, option(_O, "camera")] = _O.camera,
    flight: Annotated[str, option(_O, "flight")] = _O.flight,
    connection: Annotated[str | None, option(_O, "connection")] = None,
    height: Annotated[float, option(_O, "height")] = _O.height,
    speed: Annotated[float, option(_O, "speed")] = _O.speed,
    in_air: Annotated[bool, option(_O, "in_air", "--in-air")] = False,
) -> None:
    """Fly a short manoeuvre, find how the vehicle answers, and write it into its file.

    It takes off, flies a figure of eight within 5 m for half a minute, then a circle with what was
    found to show how well it is followed, and lands. Keep 15 m around it clear.
    """
    from cinempc.app.identify import identify

    options = IdentifyOptions(
        vehicle=vehicle,
        write=write,
        camera=camera,
        flight=flight,
        connection=connection,
        height=height,
        speed=speed,
        in_air=in_air,
    )
    show_events()
    with progress_bar(each=True) as progress:
        result = identify(options, progress=progress)
    _show(result)


def _show(result: IdentifyResult) -> None:
    identified = result.identified
    table = Table(title="response")
    for heading in ("", "before", "found", "sure to"):
        table.add_column(heading, justify="right")
    sure = dict(zip(("drag", "thrust_lag", "latency"), identified.deviations, strict=True))
    for name, value in identified.response.model_dump().items():
        table.add_row(
            name,
            f"{getattr(result.before, name):.3f} {_UNITS[name]}",
            f"{value:.3f} {_UNITS[name]}",
            f"± {sure[name]:.3f}" if name in sure else "read from the autopilot",
        )
    out.print(table)
    out.print(
        f"distance from the setpoints: {identified.error_before:.3f} m rms in the manoeuvre, "
        f"{result.error:.3f} m rms on the circle with what was found (model to flight "
        f"{identified.misfit:.3f} m)"
    )
    if (timing := result.timing) is not None:
        out.print(
            f"stream: {timing.rate:.1f} a second, off by {timing.median_ms:.2f} ms in the median, "
            f"{timing.p99_ms:.2f} ms at the 99th percentile"
        )
    if result.file is not None:
        out.print(f"[bold]{result.file}[/]: the vehicle's file with this response")
