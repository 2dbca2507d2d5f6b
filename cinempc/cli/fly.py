"""`cinempc fly`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cinempc.app.options.takes import FlyOptions
from cinempc.app.perception import FlightPerceptionKind
from cinempc.cli.console import progress_bar, show_events
from cinempc.cli.options import ScriptPath, defaults, option, place
from cinempc.cli.takes import show_take

EXAMPLE = "Example: cinempc fly dolly_zoom --flight sitl --monitor --out takes/flown"
_O = defaults(FlyOptions)


def fly(
    script: ScriptPath,
    folder: Annotated[Path | None, option(_O, "folder", "--out")] = None,
    flight: Annotated[str, option(_O, "flight")] = _O.flight,
    connection: Annotated[str | None, option(_O, "connection")] = None,
    perception: Annotated[FlightPerceptionKind, option(_O, "perception")] = _O.perception,
    weights: Annotated[str, option(_O, "weights")] = _O.weights,
    depth: Annotated[bool, option(_O, "depth")] = _O.depth,
    monitor: Annotated[bool, option(_O, "monitor", "--monitor")] = False,
    in_air: Annotated[bool, option(_O, "in_air", "--in-air")] = False,
    origin: Annotated[str | None, option(_O, "origin", metavar="X,Y[,Z]")] = None,
    standby: Annotated[float, option(_O, "standby")] = _O.standby,
    patience: Annotated[float, option(_O, "patience")] = _O.patience,
    check: Annotated[bool, option(_O, "check", "--check/--no-check")] = _O.check,
    vehicle: Annotated[str | None, option(_O, "vehicle")] = None,
) -> None:
    """Fly a script on PX4, real or simulated, or on `cinempc sim vehicle`, over MAVLink.

    It takes off, looks for the subjects, flies to its mark, films, and then does what the flight's
    file says. RC or a ground station takes over at any time by changing the mode, and keeps the
    vehicle. Ctrl-C leaves it in hold.
    """
    options = FlyOptions(
        folder=folder,
        flight=flight,
        connection=connection,
        perception=perception,
        weights=weights,
        depth=depth,
        monitor=monitor,
        in_air=in_air,
        origin=place(origin) or _O.origin,
        standby=standby,
        patience=patience,
        check=check,
        vehicle=vehicle,
    )
    from cinempc.app.fly import fly

    show_events()
    with progress_bar() as progress:
        result = fly(script, options, progress=progress)
    show_take(result)
