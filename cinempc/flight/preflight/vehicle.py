"""What the check before the flight looks at on the vehicle, by MAVSDK's plugins: its own checks,
position and home, version, battery, receiver, and the fence."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from cinempc.flight.preflight import fencing
from cinempc.flight.preflight.fencing import Home
from cinempc.flight.preflight.finding import LOG, Preflight, PreflightEvent, Question
from cinempc.mavlink import geodesy

#: Share of the battery below which nothing is flown, and below which it is said.
LEAST_BATTERY, LOW_BATTERY = 0.2, 0.35
#: Satellites below which it is said: PX4 itself wants 6 (EKF2_REQ_NSATS).
_SATELLITES = 6
#: MAVLink's severity of a warning; what is worse is less.
_WARNING = 4


def examine(system: Any, question: Question) -> Preflight:
    """Whether a vehicle of MAVSDK's is fit to fly; it gets its fence."""
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
    found = Preflight(problems=problems, warnings=cautions, home=home_of(telemetry))
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
            LOG.log(PreflightEvent.WAITING, wrong="; ".join(wrong))
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


def home_of(telemetry: Any) -> Home | None:
    """Where the autopilot returns to; None where it is not told."""
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
