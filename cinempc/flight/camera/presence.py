"""Whether a camera is there, as a state machine: one that comes late is taken in, one that comes
back is asked everything anew."""

from __future__ import annotations

from enum import Enum


class Presence(Enum):
    """Whether the camera is there."""

    UNHEARD = "not heard yet"
    ABSENT = "not heard in time"
    PRESENT = "heard"
    GONE = "heard before, and not any more"


class Signal(Enum):
    """What can happen to it."""

    HEARD = "its heartbeat has come"
    TIMED_OUT = "it was waited for long enough"
    FELL_SILENT = "no heartbeat has come for too long"
    RESTARTED = "its time since boot began anew"


class Effect(Enum):
    """What a transition asks for."""

    REPORT_ABSENT = "report that it is not there"
    REPORT_SILENT = "report that it is gone"
    REPORT_THERE = "report that it has come"
    REPORT_BACK = "report that it is back"
    REPORT_RESTARTED = "report that it was restarted"
    FORGET = "forget what it was told before"
    CONFIGURE = "ask for everything that it can do"


_P, _S, _E = Presence, Signal, Effect
#: What follows from which signal; what is not here changes nothing.
TRANSITIONS: dict[tuple[Presence, Signal], tuple[Presence, tuple[Effect, ...]]] = {
    (_P.UNHEARD, _S.HEARD): (_P.PRESENT, (_E.CONFIGURE,)),
    (_P.UNHEARD, _S.TIMED_OUT): (_P.ABSENT, (_E.REPORT_ABSENT,)),
    (_P.ABSENT, _S.HEARD): (_P.PRESENT, (_E.REPORT_THERE, _E.CONFIGURE)),
    (_P.PRESENT, _S.FELL_SILENT): (_P.GONE, (_E.REPORT_SILENT,)),
    (_P.PRESENT, _S.RESTARTED): (
        _P.PRESENT,
        (_E.REPORT_RESTARTED, _E.FORGET, _E.CONFIGURE),
    ),
    # It may be another camera by now, or one that has forgotten what was set up.
    (_P.GONE, _S.HEARD): (_P.PRESENT, (_E.REPORT_BACK, _E.FORGET, _E.CONFIGURE)),
}


def step(presence: Presence, signal: Signal) -> tuple[Presence, tuple[Effect, ...]]:
    """What follows from a signal: the presence after it, and what is to be done."""
    return TRANSITIONS.get((presence, signal), (presence, ()))
