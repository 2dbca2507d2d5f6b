"""Flies a short manoeuvre, and finds how a vehicle answers to its setpoints."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cinempc import configs
from cinempc.app.fly import flight_config
from cinempc.app.options.options import choose
from cinempc.app.options.takes import IdentifyOptions
from cinempc.app.progress import OnProgress, Progress, ignore
from cinempc.errors import CinempcError
from cinempc.files import require_writable, why, write_whole
from cinempc.flight import identify as fits
from cinempc.flight.identify import Identified
from cinempc.flight.pilot.stream import StreamTiming
from cinempc.flight.rig import FlightRig
from cinempc.rig import camera as cameras
from cinempc.rig import vehicle as vehicles
from cinempc.rig.plan import Plan
from cinempc.rig.state import RigState
from cinempc.rig.vehicle import Response
from cinempc.safety import limits as safety

#: Time to come to rest before a manoeuvre, s.
_PAUSE = 3.0


@dataclass(frozen=True)
class IdentifyResult:
    """How a vehicle answers.

    Attributes:
        before: what its file said.
        identified: what was found.
        error: distance from the setpoints on the circle that was flown with it, rms m.
        timing: of the stream of setpoints; None where too few were sent.
        file: the vehicle's file with this response; None where none was asked.
    """

    before: Response
    identified: Identified
    error: float
    timing: StreamTiming | None
    file: Path | None


def identify(
    options: IdentifyOptions | None = None,
    *,
    progress: OnProgress = ignore,
    **changes: Any,
) -> IdentifyResult:
    """Fly a figure of eight within 5 m for half a minute, find how the vehicle answers, fly a
    circle with that, and land.

    Args:
        options: `IdentifyOptions`.
        progress: told the manoeuvre, and how far it is, vehicle s.
        **changes: single options by their names in `IdentifyOptions`.

    Raises:
        CinempcError: an option is wrong, the file cannot be written, the vehicle cannot be flown,
            or its flight has ended.
    """
    options = choose(IdentifyOptions, options, changes)
    path = configs.find("vehicles", options.vehicle)
    model = vehicles.load(options.vehicle)
    lens, limits = cameras.load(options.camera), safety.load("default")
    config = flight_config(options.flight, options.connection)
    if options.write is not None:
        require_writable(options.write)
    with FlightRig(config, model, lens, limits) as rig:
        gains = fits.Gains(**{key: rig.parameter(name) for key, name in fits.GAINS.items()})
        if not options.in_air:
            rig.take_off(options.height)
        rig.fly()
        _pause(rig)
        plan = fits.manoeuvre(rig.state(), model.limits, rig.now() + 0.5, options.speed)
        states = _fly(rig, plan, "manoeuvre", progress)
        identified = fits.fit(fits.record(plan, states, model.response), gains)
        rig.hold()
    better = model.model_copy(update={"response": identified.response})
    # A stream of its own: the pilot has the vehicle's model from its start.
    with FlightRig(config, better, lens, limits) as rig:
        rig.fly()
        _pause(rig)
        plan = fits.circle(rig.state(), model.limits, rig.now() + 0.5, speed=options.speed)
        states = _fly(rig, plan, "circle", progress)
        error = fits.record(plan, states, identified.response).error
        timing = rig.report.timing
        rig.hold() if options.in_air else rig.land()
    if options.write is not None:
        text = with_response(path.read_text(encoding="utf-8"), identified.response)
        try:
            write_whole(options.write, text)
        except OSError as fault:
            raise CinempcError(f"{options.write}: it cannot be written ({why(fault)})") from fault
    return IdentifyResult(model.response, identified, error, timing, options.write)


def _pause(rig: FlightRig) -> None:
    rig.wait_until(rig.now() + _PAUSE)


def _fly(rig: FlightRig, plan: Plan, name: str, progress: OnProgress) -> list[RigState]:
    """Fly a plan to its end, and give the states on the way."""
    rig.follow(plan)
    states: list[RigState] = []
    while (now := rig.now()) < plan.end + 0.5:
        state = rig.state()
        if rig.report.over is not None:
            raise CinempcError(f"the flight has ended: {rig.report.over}")
        if not states or state.time > states[-1].time:
            states.append(state)
        progress(Progress(now - plan.start, plan.end - plan.start, name))
        time.sleep(0.005)
    return states


def with_response(text: str, response: Response) -> str:
    """A vehicle's file with another response, its comments kept."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    data = yaml.load(text)
    data["response"]["drag"] = f"{response.drag:.3f} 1/s"
    data["response"]["thrust_lag"] = f"{response.thrust_lag:.3f} s"
    data["response"]["position_lag"] = f"{response.position_lag:.3f} s"
    data["response"]["damping"] = round(response.damping, 3)
    data["response"]["latency"] = f"{response.latency:.3f} s"
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()
