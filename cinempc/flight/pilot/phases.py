"""What the pilot does and whose the vehicle is, as a state machine.

Two tables: `PHASES` is what is streamed, `AUTHORITY` is who may choose the mode. A signal goes to
both. `step` is pure; who calls it has the effects to carry out.

RC and ground stations always win: `Signal.TAKEN_OVER` ends the stream in every phase, no row leads
out of `FlightPhase.OVER` or `Authority.TAKEN` but those of the orders to take off and to fly, and
`reason_not_to_order` refuses the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from cinempc.flight.pilot.reasons import FlightReason
from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.telemetry import Status
from cinempc.rig.log import Problem, problem


class FlightPhase(Enum):
    """What the pilot streams."""

    IDLE = "idle"  # nothing: on the ground, or in a mode of the autopilot
    STARTING = "starting"  # where the vehicle is, until the autopilot is in OFFBOARD
    FLYING = "flying"  # the trajectory
    HANDING_BACK = "handing back"  # the trajectory to rest, until the autopilot is in another mode
    OVER = "over"  # nothing any more, until ordered to fly again


#: Phases in which setpoints are sent.
STREAMING = frozenset({FlightPhase.STARTING, FlightPhase.FLYING, FlightPhase.HANDING_BACK})


class Authority(Enum):
    """Who may choose the flight mode."""

    NOBODY = "nobody of ours"  # this flight has not taken control: it gives no order
    UNWATCHED = "ours, unwatched"  # on the way into OFFBOARD, from a vehicle that was ours
    OURS = "ours"  # a mode that we did not order is somebody else's
    TAKEN = "taken"  # somebody else has chosen one


class Signal(Enum):
    """What can happen to the flight."""

    TAKE_OFF = "ordered to take off"
    TAKEN_OFF = "hovers after the take-off"
    FLY = "ordered to fly"
    OFFBOARD = "the autopilot is in OFFBOARD, as ordered"
    NOT_OFFBOARD = "the autopilot does not go into OFFBOARD"
    HAND_BACK = "ordered to hold, land or return"
    NOT_HANDED_BACK = "the autopilot does not do that"
    HANDED_BACK = "the autopilot does that"
    LEFT_OFFBOARD = "the autopilot is in another mode, as ordered"
    DISARMED = "disarmed"
    TAKEN_OVER = "somebody else has chosen the mode"
    RESTARTED = "the autopilot has restarted"
    POSITION_LOST = "the autopilot has lost its position"
    LINK_LOST = "the vehicle is not heard"
    FRAME_LOST = "it is not known where the vehicle is in the world"
    TOO_LOW = "the vehicle is close to the ground, or stands on it"
    FAULT = "a fault of our own"
    CLOSED = "the pilot ends"


class Effect(Enum):
    """What a transition asks for."""

    REST = "the trajectory comes to rest"
    REPORT_END = "report that the stream has ended"
    REPORT_TAKEN = "report that somebody has taken over"
    HOLD = "order the autopilot to hold"


_P, _S, _E = FlightPhase, Signal, Effect
_Row = tuple[FlightPhase, tuple[Effect, ...]]
_ENDS: _Row = (_P.OVER, (_E.REPORT_END,))
_GIVES_UP: _Row = (_P.OVER, (_E.REPORT_END, _E.HOLD))

#: What follows in which phase from which signal; what is not here changes nothing.
PHASES: dict[tuple[FlightPhase, Signal], _Row] = {
    **{(phase, _S.FLY): (_P.STARTING, ()) for phase in _P},
    **{(phase, _S.CLOSED): (_P.IDLE, ()) for phase in _P},
    (_P.IDLE, _S.TAKEN_OVER): (_P.IDLE, (_E.REPORT_TAKEN,)),
    (_P.OVER, _S.TAKEN_OVER): (_P.OVER, (_E.REPORT_TAKEN,)),
    # Until the autopilot is in OFFBOARD, its mode and its position are its own affair.
    (_P.STARTING, _S.OFFBOARD): (_P.FLYING, ()),
    (_P.STARTING, _S.NOT_OFFBOARD): (_P.IDLE, ()),
    (_P.STARTING, _S.HAND_BACK): (_P.HANDING_BACK, (_E.REST,)),
    (_P.STARTING, _S.RESTARTED): _ENDS,
    (_P.STARTING, _S.LINK_LOST): _ENDS,
    (_P.STARTING, _S.FRAME_LOST): _GIVES_UP,
    (_P.STARTING, _S.FAULT): _GIVES_UP,
    (_P.FLYING, _S.HAND_BACK): (_P.HANDING_BACK, (_E.REST,)),
    (_P.FLYING, _S.DISARMED): _ENDS,
    (_P.FLYING, _S.TAKEN_OVER): _ENDS,
    (_P.FLYING, _S.RESTARTED): _ENDS,
    (_P.FLYING, _S.POSITION_LOST): _ENDS,
    (_P.FLYING, _S.LINK_LOST): _ENDS,
    (_P.FLYING, _S.FRAME_LOST): _GIVES_UP,
    (_P.FLYING, _S.TOO_LOW): _GIVES_UP,
    (_P.FLYING, _S.FAULT): _GIVES_UP,
    (_P.HANDING_BACK, _S.HAND_BACK): (_P.HANDING_BACK, (_E.REST,)),
    (_P.HANDING_BACK, _S.NOT_HANDED_BACK): (_P.FLYING, ()),
    (_P.HANDING_BACK, _S.HANDED_BACK): (_P.IDLE, ()),
    (_P.HANDING_BACK, _S.LEFT_OFFBOARD): (_P.IDLE, ()),
    (_P.HANDING_BACK, _S.DISARMED): _ENDS,
    (_P.HANDING_BACK, _S.TAKEN_OVER): _ENDS,
    (_P.HANDING_BACK, _S.RESTARTED): _ENDS,
    (_P.HANDING_BACK, _S.POSITION_LOST): _ENDS,
    (_P.HANDING_BACK, _S.LINK_LOST): _ENDS,
    (_P.HANDING_BACK, _S.FRAME_LOST): _GIVES_UP,
    (_P.HANDING_BACK, _S.FAULT): _GIVES_UP,
}

#: The same for who may choose the mode.
AUTHORITY: dict[tuple[Authority, Signal], Authority] = {
    **{
        (before, signal): Authority.OURS
        for before in Authority
        for signal in (_S.TAKE_OFF, _S.OFFBOARD, _S.HAND_BACK)
    },
    # A vehicle that is met in the air is somebody else's until it is in OFFBOARD for us.
    **{(before, _S.FLY): Authority.NOBODY for before in Authority},
    (Authority.OURS, _S.FLY): Authority.UNWATCHED,
    (Authority.UNWATCHED, _S.FLY): Authority.UNWATCHED,
    (Authority.UNWATCHED, _S.NOT_OFFBOARD): Authority.OURS,
    (Authority.OURS, _S.DISARMED): Authority.NOBODY,
    (Authority.OURS, _S.TAKEN_OVER): Authority.TAKEN,
}


@dataclass(frozen=True)
class FlightState:
    """How far the flight is.

    Attributes:
        phase: what is streamed.
        authority: who may choose the mode.
        modes: the modes that we have ordered, or that lead there.
        ended: why the stream has ended, in `FlightPhase.OVER`.
        taken: who has chosen the mode, in `Authority.TAKEN`.
    """

    phase: FlightPhase = FlightPhase.IDLE
    authority: Authority = Authority.NOBODY
    modes: frozenset[Mode] = frozenset()
    ended: Problem | None = None
    taken: Problem | None = None

    @property
    def streams(self) -> bool:
        """Whether setpoints are sent."""
        return self.phase in STREAMING

    @property
    def controls(self) -> bool:
        """Whether the vehicle is ours."""
        return self.authority in (Authority.OURS, Authority.UNWATCHED)


def step(
    state: FlightState,
    signal: Signal,
    *,
    modes: frozenset[Mode] = frozenset(),
    reason: Problem | None = None,
) -> tuple[FlightState, tuple[Effect, ...]]:
    """What follows from a signal.

    Args:
        state: how far the flight is.
        signal: what has happened.
        modes: of the order, where it is one: those that are ours from now on.
        reason: why, for what ends the stream.

    Returns:
        the state after it, and what is to be done.
    """
    phase, effects = PHASES.get((state.phase, signal), (state.phase, ()))
    authority = AUTHORITY.get((state.authority, signal), state.authority)
    after = replace(state, phase=phase, authority=authority)
    if modes:
        after = replace(after, modes=modes)
    if authority in (Authority.NOBODY, Authority.UNWATCHED):
        after = replace(after, modes=frozenset())
    if phase is not FlightPhase.OVER:
        after = replace(after, ended=None)
    elif state.phase is not FlightPhase.OVER:
        after = replace(after, ended=reason)
    if authority is not Authority.TAKEN:
        after = replace(after, taken=None)
    elif state.authority is not Authority.TAKEN:
        after = replace(after, taken=reason)
    return after, effects


def signal_of(state: FlightState, before: Status | None, now: Status) -> Signal | None:
    """What a new status of the autopilot means; None for nothing.

    Args:
        state: how far the flight is.
        before: the status before, None where it is looked at for the first time.
        now: the new one.
    """
    if state.authority is not Authority.OURS:
        return None
    if not now.armed:
        return Signal.DISARMED if before is None or before.armed else None
    if now.mode not in state.modes:
        return Signal.TAKEN_OVER
    if state.phase is FlightPhase.HANDING_BACK and now.mode is not Mode.OFFBOARD:
        return Signal.LEFT_OFFBOARD
    return None


def reason_not_to_order(state: FlightState, still_ours: bool) -> Problem | None:
    """Why an order to hold, land or return is not given; None where it may be.

    Args:
        state: how far the flight is.
        still_ours: whether the autopilot is in OFFBOARD, with a position: then it waits for us,
            whatever ended the stream, if there was one.
    """
    if state.authority is Authority.TAKEN:
        return state.taken
    if state.phase is FlightPhase.OVER and not still_ours:
        return state.ended
    if not state.controls and not (still_ours and state.phase is not FlightPhase.IDLE):
        return problem(FlightReason.NOT_IN_CONTROL)
    return None
