"""Why the pilot does what it does, and what it reports: every reason and kind of event, with its
sentence."""

from __future__ import annotations

from enum import unique
from logging import ERROR, INFO, WARNING
from typing import Any

from cinempc.errors import CinempcError
from cinempc.mavlink.transport import LinkError
from cinempc.rig.log import Kind, Problem, Reason, problem


@unique
class FlightReason(Reason):
    """Why the vehicle is not flown any more, or is not ready to be."""

    DISARMED = "the vehicle was disarmed"
    TAKEN_OVER = "somebody has taken over: the mode is {mode}"
    FAILSAFE = "a failsafe of the autopilot acts ({cause}): the mode is {mode}"
    RESTARTED = "the autopilot was restarted"
    POSITION_LOST = "the autopilot has lost its position"
    NO_POSITION = "the autopilot has no position"
    NOT_HEARD = "the vehicle was not heard for {silence:.1f} s"
    LATE = "the link is {delay:.2f} s late"
    FAULT = "a fault in the pilot itself"
    FRAME_LOST = "the autopilot's local frame has leapt, and it is not known how far"
    TOO_LOW = "{height:.1f} m above the ground by {source}, and sinking"
    ON_GROUND = "the vehicle stands on the ground"
    NOT_IN_CONTROL = "this flight is not in control of the vehicle"
    NO_STREAM = "the course cannot be streamed: {error}"
    GIMBAL_SILENT = "the gimbal does not answer"
    GIMBAL_TAKEN = "the gimbal is not ours"
    LINK = "{error}"


@unique
class FailsafeCause(Reason):
    """Why a failsafe of the autopilot acts, as far as it is known."""

    POSITION = "it has lost its position"
    BATTERY = "the battery is at {share:.0%}"
    SAID = "it said: {words}"
    UNKNOWN = "it does not say why"


@unique
class PlanReason(Reason):
    """Why a plan is not flown, whatever is in it (what is in it: `cinempc.safety.plan_check`)."""

    NOTHING_FLOWN = "nothing is flown"
    HANDING_BACK = "the vehicle is being handed back"
    NOT_HEARD = "the vehicle is not heard"
    LATE = "the link is {delay:.2f} s late"


@unique
class OrderReason(Reason):
    """Why an order was not given, or not carried out."""

    NOT_OURS = "not told to {order}: {reason}"
    NOT_AGAIN = "not told again to {order}: {reason}"
    ENDED = "the flight has ended: {reason}"
    NOT_FLOWN = "not flown: {reason}"
    NOT_ARMED = "not flown: the vehicle is not armed; take off first"
    IN_THE_AIR = (
        "the vehicle is in the air already: land it, or begin the take from where it is with "
        "--in-air"
    )
    INTERRUPTED = "{reason}{said}"
    REFUSED = "the autopilot does not {order} ({result}){said}"
    NO_ANSWER = "the autopilot does not {order}: {error}"
    NO_EFFECT = "the autopilot accepted to {order}, and did not{said}"
    NOT_CLIMBED = "the vehicle did not climb to {height:g} m in {timeout:g} s{said}"
    NOT_LANDED = "the vehicle did not land and disarm in {timeout:g} s{said}"


@unique
class ConnectReason(Reason):
    """Why an autopilot cannot be flown at all."""

    NOT_HEARD = (
        "no PX4 was heard on {address} in {timeout:g} s: is it running, and does it send there? "
        "(PX4's onboard link sends to UDP port 14540: udpin:0.0.0.0:14540)"
    )
    NO_VERSION = "the autopilot does not tell its version: {error}"
    TOO_OLD = "the autopilot runs PX4 {version}, and needs {oldest} or newer: update it"
    NO_SETPOINTS = "the autopilot takes no local position setpoints: it cannot be flown"
    NO_POSITION = (
        "the autopilot sends no position: it has none (GPS, estimator), or its link is full"
    )
    NO_TIME = "the autopilot does not tell its time"


@unique
class PilotEvent(Kind):
    """What the pilot reports."""

    STREAM_ENDED = ERROR, "the stream has ended: {reason}"
    TAKEN_OVER = WARNING, "{reason}"
    FRAME_LEAPT = (
        WARNING,
        "the autopilot's local frame has leapt by {east:+.1f} m east, {north:+.1f} m north, "
        "{up:+.1f} m up: the course goes with it",
    )
    HEADING_LEAPT = (
        WARNING,
        "the autopilot's heading has leapt by {turn:+.0f} deg: it is followed slowly",
    )
    NO_GROUND = (
        WARNING,
        "the autopilot does not tell where it took off: heights count from its origin",
    )
    NOT_HEARD = WARNING, "not heard for {silence:.1f} s: coming to rest"
    HEARD_AGAIN = INFO, "the vehicle is heard again"
    LATE = WARNING, "the link is {delay:.2f} s late: coming to rest"
    PROMPT_AGAIN = INFO, "the link is fast enough again"
    PLANS_RAN_OUT = WARNING, "no new plan came and the last has run out: coming to rest"
    PLAN_AGAIN = INFO, "there is a plan again"
    PLAN_REFUSED = WARNING, "a plan was refused ({count} so far): {reason}"
    PLAN_UNREADABLE = ERROR, "a plan could not be looked at: {error}"
    NOT_COMMANDED = ERROR, "the {part} cannot be commanded: {error}"
    FAULT = ERROR, "a fault in the pilot: {error}"
    LINK_FAULT = WARNING, "{error}"
    LOSS_ACTION = INFO, "when the stream is lost for {after:g} s, the autopilot {action}"


@unique
class AutopilotEvent(Kind):
    """What is reported of the autopilot."""

    NO_PX4 = (
        ERROR,
        "the autopilot of system {system} is no PX4 (MAV_AUTOPILOT {autopilot}): not flown",
    )
    GROUND_STATION = INFO, "a ground station is on the link (system {system})"
    RESTARTED = ERROR, "the autopilot was restarted"
    POSITION_LOST = ERROR, "the autopilot has lost its position (GPS?)"
    POSITIONED = INFO, "the autopilot has a position"
    ORIGIN_SET = (
        WARNING,
        "the origin of the autopilot's local frame was set to {latitude:.6f}, {longitude:.6f}, "
        "{altitude:.1f} m",
    )
    BATTERY = INFO, "the battery is at {share:.0%}{volts}"
    BATTERY_LOW = WARNING, "the battery is at {share:.0%}{volts}"
    SAID = INFO, "autopilot: {words}"
    WARNED = WARNING, "autopilot: {words}"
    RATE_REFUSED = WARNING, "{message} cannot be had {rate:g} times a second: {error}"


class FlightError(LinkError):
    """An order that was not given or not carried out; ``problem`` says why.

    Args:
        problem: why.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class NotOurs(FlightError):  # noqa: N818 - it is not a fault
    """An order that was not given, because somebody else flies the vehicle."""


class FlightOver(CinempcError):  # noqa: N818 - it is not always a fault
    """The vehicle is not ours to fly any more; ``problem`` says why.

    Args:
        problem: why.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def not_done(reason: Reason, /, **data: Any) -> FlightError:
    """The error of an order that was not carried out."""
    return FlightError(problem(reason, **data))
