"""Before the flight: is the vehicle fit to fly, and does it keep the fence?

MAVSDK asks, in a process of its own that has ended, threads and ports with it, before this
returns: so the pilot's link can open the same connection right after. It runs before
`cinempc.flight.rig.FlightRig`, never beside it on one port::

    found = preflight.check(config, safety.fence, origin=origin)
    if found.problems:
        ...  # do not take off

Whatever the vehicle does not tell is a problem or a warning in the answer, in a sentence; an
exception is raised only where there is nobody to ask.
"""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import unique
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc.errors import CinempcError
from cinempc.flight.config import Flight, read_key
from cinempc.flight.preflight import fencing
from cinempc.flight.preflight.fencing import Home
from cinempc.flight.preflight.relay import Relay
from cinempc.mavlink import geodesy
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import EXAMPLES, LinkError, Transport, serial_port
from cinempc.rig.log import ROOT, EventLogger, Kind, RelayHandler, handled, relay
from cinempc.safety.fence import Fence

Floats = NDArray[np.float64]

#: Time in which an autopilot must be heard, s.
_HEARD = 10.0
#: Time that fence and parameters may take, s, on a slow radio: then the process is ended.
_UPLOAD = 60.0
#: Share of the battery below which nothing is flown, and below which it is said.
LEAST_BATTERY, LOW_BATTERY = 0.2, 0.35
#: Satellites below which it is said: PX4 itself wants 6 (EKF2_REQ_NSATS).
_SATELLITES = 6
#: MAVLink's severity of a warning; what is worse is less.
_WARNING = 4


_LOG = EventLogger("cinempc.flight.preflight")


@unique
class PreflightEvent(Kind):
    """What is reported."""

    WAITING = logging.INFO, "waiting for the vehicle: {wrong}"
    LINK_FAULT = logging.WARNING, "{error}"


@dataclass(frozen=True)
class Preflight:
    """What was found. Every sentence says what is wrong and what to do.

    ``problems`` forbid the flight, ``warnings`` do not. What was not told is None.
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    version: str | None = None  #: PX4's.
    battery: float | None = None  #: Remaining share.
    voltage: float | None = None  #: V
    satellites: int | None = None
    fix: str | None = None  #: Of the satellite receiver, such as "3D".
    home: Home | None = None
    fenced: bool = False  #: Whether the autopilot has the fence, read back and compared.

    @property
    def ready(self) -> bool:
        """Whether nothing forbids the flight."""
        return not self.problems


def check(
    config: Flight,
    fence: Fence | None = None,
    *,
    origin: Floats | None = None,
    connection: str | None = None,
    wait: float = 15.0,
) -> Preflight:
    """Ask the vehicle whether it is fit to fly, and give it its fence.

    Blocks for as long as the vehicle needs to get ready, ``wait`` s at most, and a second or two
    more for the fence. Owns the connection meanwhile, and has let go of it when it returns.

    Args:
        config: the connection; its ``vehicle_system`` picks the vehicle.
        fence: to put into the vehicle, in place of whatever fence it has; None leaves that.
        origin: of the vehicle's local frame in the script's world, ENU m, as for `FlightRig`.
        connection: in place of the config's, such as the ground station's link.
        wait: how long the vehicle may take to get ready (a receiver that looks for satellites), s.

    Raises:
        LinkError: the connection cannot be opened, or no autopilot is on it.
        ConfigError: the signing key cannot be read.
    """
    place = np.zeros(3) if origin is None else np.asarray(origin, dtype=float)
    question = _Question(
        mavsdk_url(connection or config.connection),
        connection or config.connection,
        config.vehicle_system,
        config.component,
        None if config.key is None else read_key(config.key),
        fence,
        (float(place[0]), float(place[1]), float(place[2])),
        wait,
    )
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_serve, args=(theirs, question), name="cinempc preflight", daemon=True
    )
    process.start()
    theirs.close()
    try:
        found = _listen(ours, time.monotonic() + _HEARD + wait + _UPLOAD, question)
        process.join(5.0)
        return found
    finally:
        if process.is_alive():
            process.kill()
            process.join()
        ours.close()


def mavsdk_url(address: str) -> str:
    """A connection string as MAVSDK takes it, from one as pymavlink takes it.

    Args:
        address: ``udpin:host:port``, ``udpout:host:port``, ``tcp:host:port``,
            ``tcpin:host:port``, or a serial device with ``:baud`` behind it.

    Raises:
        LinkError: it is none of these.
    """
    kind, _, rest = address.partition(":")
    device, baud = serial_port(address)
    if device.startswith(("/", "COM")):
        return f"serial://{device}:{baud}"
    schemes = {"udpin": "udpin", "udp": "udpin", "udpout": "udpout", "tcp": "tcpout"}
    schemes["tcpin"] = "tcpin"
    host, _, port = rest.rpartition(":")
    if kind not in schemes or not host or not port.isdigit():
        raise LinkError(
            f"the connection {address!r} cannot be checked: connections look like {EXAMPLES}"
        )
    return f"{schemes[kind]}://{host}:{port}"


# --- this side ---


@dataclass(frozen=True)
class _Question:
    """What the other process is asked."""

    url: str
    address: str
    system: int | None
    component: int
    key: bytes | None
    fence: Fence | None
    origin: tuple[float, float, float]
    wait: float


def _listen(channel: Connection, deadline: float, question: _Question) -> Preflight:
    while True:
        try:
            if not channel.poll(max(0.0, deadline - time.monotonic())):
                raise LinkError(
                    f"the check before the flight on {question.address} came to no end: the link "
                    "loses too much, or the vehicle was switched off"
                )
            kind, *rest = channel.recv()
        except (EOFError, OSError):
            raise LinkError(
                f"the check before the flight on {question.address} broke off: a fault in MAVSDK"
            ) from None
        if kind == "record":
            relay(*rest)
        elif kind == "failed":
            raise LinkError(*rest)
        else:
            found: Preflight = rest[0]
            return found


# --- the other side ---


def _serve(channel: Connection, question: _Question) -> None:
    """The process that asks. Ctrl-C is for the other one, which then ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with handled(ROOT, RelayHandler(lambda *record: channel.send(("record", *record)))):
            channel.send(("found", _ask(question)))
    except CinempcError as error:
        channel.send(("failed", str(error)))
    except BrokenPipeError:
        pass  # nobody waits any more


def _ask(question: _Question) -> Preflight:
    import mavsdk

    mavsdk.log_subscribe(lambda *line: True)  # its log on the terminal is for its own makers
    sdk = mavsdk.Mavsdk(
        mavsdk.Configuration.create_manual(question.system or 1, question.component, True)
    )
    with contextlib.ExitStack() as stack:
        stack.callback(sdk.destroy)
        if question.key is None:
            _connect(sdk, question)
        else:
            link = Link(
                Transport(question.address),
                system=question.system or 1,
                component=question.component,
                key=question.key,
                on_error=_once(lambda text: _LOG.log(PreflightEvent.LINK_FAULT, error=text)),
            )
            stack.enter_context(Relay(sdk, link))
        return _examine(_system(sdk, question), question)


def _once(tell: Callable[[str], object]) -> Callable[[str], None]:
    """The same, but each sentence once."""
    told: set[str] = set()

    def tell_once(text: str) -> None:
        if text not in told:
            told.add(text)
            tell(text)

    return tell_once


def _connect(sdk: Any, question: _Question) -> None:
    """Have MAVSDK open the connection.

    Raises:
        LinkError: it cannot.
    """
    import mavsdk

    result = sdk.add_any_connection(question.url)
    if result != mavsdk.ConnectionResult.SUCCESS:
        raise LinkError(
            f"the connection {question.address!r} cannot be opened "
            f"({result.name.lower().replace('_', ' ')}). Connections look like {EXAMPLES}; a port "
            "that is in use belongs to another program: end it, or give another port"
        )


def _system(sdk: Any, question: _Question) -> Any:
    """The vehicle that is asked for.

    Raises:
        LinkError: it was not heard.
    """
    end = time.monotonic() + _HEARD
    others: set[int] = set()
    while time.monotonic() < end:
        for system in sdk.get_systems():
            number = system.get_system_id()
            if system.has_autopilot() and question.system in (None, number):
                return system
            others.add(number)
        time.sleep(0.05)
    which = "no autopilot" if question.system is None else f"no system {question.system}"
    heard = f"; heard: systems {', '.join(map(str, sorted(others)))}" if others else ""
    raise LinkError(
        f"{which} was heard on {question.address} in {_HEARD:g} s{heard}: is it running, and does "
        "it send there? (PX4's onboard link sends to UDP port 14540: udpin:0.0.0.0:14540)"
    )


def _examine(system: Any, question: _Question) -> Preflight:
    from mavsdk.plugins.events import Events
    from mavsdk.plugins.telemetry import StatusTextType, Telemetry

    telemetry, events = Telemetry(system), Events(system)
    texts: list[str] = []  # of importance: in texts (to ground stations) or events (to everybody)

    def hear(text: str) -> None:
        if text.strip() not in texts:
            texts.append(text.strip())

    telemetry.subscribe_status_text(
        lambda text, _: hear(text.text) if text.type >= StatusTextType.WARNING else None
    )
    events.subscribe_events(
        lambda event, _: hear(event.message) if event.log_level <= _WARNING else None
    )
    _be_ready(system, telemetry)
    problems = _settle(telemetry, events, question.wait)
    if problems and texts:
        problems = (*problems, f"the autopilot said: {'; '.join(texts[-4:])}")
    # What the checks mean is in a file that comes from the autopilot at first: it takes a while.
    checks = _told(lambda: _checks(events), lambda found: found is not None, wait=1.0)
    cautions = tuple(f"the autopilot warns: {words}" for words in (checks or ((), ()))[1])
    found = Preflight(problems=problems, warnings=cautions, home=_home(telemetry))
    found = _receiver(telemetry, _power(telemetry, _version(system, found)))
    texts.clear()
    answer = fencing.keep(
        system,
        question.fence,
        np.array(question.origin),
        found.home,
        _airborne_at(telemetry),
        texts,
    )
    return replace(
        found,
        problems=found.problems + answer.problems,
        warnings=found.warnings + answer.warnings,
        fenced=answer.fenced,
    )


def _be_ready(system: Any, telemetry: Any) -> None:
    """Out of OFFBOARD, where a flight may have left it: with no stream it would not arm in it."""
    from mavsdk.plugins.action import Action, ActionError
    from mavsdk.plugins.telemetry import FlightMode

    _told(telemetry.flight_mode, lambda mode: mode != FlightMode.UNKNOWN)
    if telemetry.flight_mode() == FlightMode.OFFBOARD and not telemetry.armed():
        with contextlib.suppress(ActionError):
            Action(system).hold()


def _settle(telemetry: Any, events: Any, wait: float) -> tuple[str, ...]:
    """Until nothing is wrong any more, or ``wait`` s have passed; what is wrong then."""
    end = time.monotonic() + wait
    told: tuple[str, ...] = ()
    while True:
        wrong = _wrong(telemetry.health(), _airborne(telemetry), events)
        if not wrong or time.monotonic() > end:
            return wrong
        if wrong != told and time.monotonic() > end - wait + 3.0:  # the first reports take a while
            told = wrong
            _LOG.log(PreflightEvent.WAITING, wrong="; ".join(wrong))
        time.sleep(0.1)


def _wrong(health: Any, airborne: bool, events: Any) -> tuple[str, ...]:
    """Sentences about what MAVSDK's health says is not as it should be."""
    sensors = [
        name
        for name, good in (
            ("gyroscope", health.is_gyrometer_calibration_ok),
            ("accelerometer", health.is_accelerometer_calibration_ok),
            ("magnetometer", health.is_magnetometer_calibration_ok),
        )
        if not good
    ]
    wrong = []
    if sensors:
        wrong.append(
            f"no healthy {' and '.join(sensors)}: calibrate in QGroundControl (Vehicle Setup, "
            "Sensors), away from iron"
        )
    if not health.is_local_position_ok:
        wrong.append(
            "the autopilot has no position: give its satellite receiver open sky, and wait until "
            "it has one"
        )
    if not health.is_home_position_ok:
        wrong.append(
            "the autopilot has no home to return to: it sets one when its position is good; wait"
        )
    # What is in the air was armed, and its autopilot looks at other things.
    if not health.is_armable and not airborne:
        checks = _checks(events)
        if checks is not None and checks[0]:
            wrong.append(f"the autopilot would not arm: {'; '.join(checks[0])}")
        else:
            wrong.append(
                "the autopilot would not arm: QGroundControl shows why under the arming checks "
                "('Not Ready')"
            )
    return tuple(wrong)


def _checks(events: Any) -> tuple[list[str], list[str]] | None:
    """What the autopilot's own checks forbid to arm for, and what they warn of, as it says it;
    None where it does not tell (PX4 does from 1.14)."""
    from mavsdk.plugins.events import EventsError

    try:
        report = events.get_health_and_arming_checks_report()
    except EventsError:
        return None
    errors, cautions = [], []
    for problem in report.current_mode_intention.problems:
        advice = problem.description.strip().split("\n")[0]
        words = f"{problem.message} ({advice})" if advice else problem.message
        if problem.log_level < _WARNING:
            errors.append(words)
        elif problem.log_level == _WARNING:
            cautions.append(words)
    return errors, cautions


def _airborne(telemetry: Any) -> bool:
    return bool(telemetry.in_air())


def _home(telemetry: Any) -> Home | None:
    home = telemetry.home()
    local = _home_from_here(telemetry)
    if not all(map(math.isfinite, local)):
        local = (home.local_east_m, home.local_north_m, -home.local_down_m)
    if not all(map(math.isfinite, (home.latitude_deg, home.longitude_deg, *local))):
        return None
    return Home(home.latitude_deg, home.longitude_deg, home.absolute_altitude_m, local)


def _home_from_here(telemetry: Any) -> tuple[float, float, float]:
    """Home, ENU m from the local origin, by where it and the vehicle are on the earth: PX4 does
    not set its local position anew when the origin is set elsewhere. NaN where that is not told."""
    home, at = telemetry.home(), telemetry.position()
    here = telemetry.position_velocity_ned().position
    east, north = geodesy.offset(
        at.latitude_deg, at.longitude_deg, home.latitude_deg, home.longitude_deg
    )
    up = home.absolute_altitude_m - at.absolute_altitude_m
    return here.east_m + east, here.north_m + north, up - here.down_m


def _airborne_at(telemetry: Any) -> tuple[float, float, float] | None:
    """Where a vehicle in the air is, ENU m from its local origin; None on the ground."""
    if not _airborne(telemetry):
        return None
    place = telemetry.position_velocity_ned().position
    return place.east_m, place.north_m, -place.down_m


def _version(system: Any, found: Preflight) -> Preflight:
    """The first thing that has to be asked for: telemetry comes to who only listens, too."""
    from mavsdk.plugins.info import Info, InfoError

    plugin = Info(system)

    def ask() -> Any:
        try:
            return plugin.get_version()
        except InfoError:
            return None

    version = _told(ask, lambda known: known is not None)
    if version is None:
        sentence = (
            "the autopilot is heard and does not answer: it takes no orders on this link (does it "
            "want them signed? see 'key' in the flight's file), or hears nothing"
        )
        return replace(found, problems=(*found.problems, sentence))
    numbers = (version.flight_sw_major, version.flight_sw_minor, version.flight_sw_patch)
    return replace(found, version=".".join(map(str, numbers)))


def _power(telemetry: Any, found: Preflight) -> Preflight:
    battery = _told(telemetry.battery, lambda b: math.isfinite(b.remaining_percent))
    if battery is None:
        sentence = "the vehicle does not tell how full its battery is: look yourself"
        return replace(found, warnings=(*found.warnings, sentence))
    share = battery.remaining_percent / 100
    volts = battery.voltage_v if math.isfinite(battery.voltage_v) else None
    found = replace(found, battery=share, voltage=volts)
    if share < LEAST_BATTERY:
        sentence = (
            f"the battery is at {share:.0%}, and a take begins with {LEAST_BATTERY:.0%} or more: "
            "change it"
        )
        return replace(found, problems=(*found.problems, sentence))
    if share < LOW_BATTERY:
        sentence = f"the battery is at {share:.0%}: a short take only"
        return replace(found, warnings=(*found.warnings, sentence))
    return found


def _receiver(telemetry: Any, found: Preflight) -> Preflight:
    gps = _told(telemetry.gps_info, lambda g: g.fix_type > 0)
    if gps is None:
        sentence = "the vehicle tells nothing of a satellite receiver"
        return replace(found, warnings=(*found.warnings, sentence))
    fix = gps.fix_type.name.lower().removeprefix("fix_").replace("_", " ")
    found = replace(found, satellites=gps.num_satellites, fix=fix)
    if gps.num_satellites < _SATELLITES:
        sentence = f"only {gps.num_satellites} satellites: the position may jump; wait for more"
        return replace(found, warnings=(*found.warnings, sentence))
    return found


def _told(ask: Callable[[], Any], good: Callable[[Any], bool], wait: float = 3.0) -> Any:
    """What telemetry says once it is good; None if it never is."""
    end = time.monotonic() + wait
    while True:
        value = ask()
        if good(value):
            return value
        if time.monotonic() > end:
            return None
        time.sleep(0.05)
