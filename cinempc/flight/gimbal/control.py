"""Who is in control of a gimbal, as a state machine: control that somebody else takes is theirs
until it is claimed anew, and what is lost by an outage is claimed again."""

from __future__ import annotations

from enum import Enum


class Control(Enum):
    """How we stand with the gimbal manager."""

    FREE = "not wanted"
    WANTED = "to be claimed"
    CLAIMED = "claimed; the next status may be from before"
    OURS = "ours"
    RELEASED = "ours until somebody takes it, who is welcome to"
    TAKEN = "taken by somebody else"


class Word(Enum):
    """What is said about it."""

    WANT = "it is wanted, from now on"
    CLAIM_GRANTED = "the manager has given it to us"
    LET_GO = "whoever takes it is welcome to it"
    STATUS_OURS = "the manager's status says that it is ours"
    STATUS_NOBODY = "the manager, after an outage, says that it is nobody's"
    STATUS_OTHER = "the manager's status says that it is somebody else's"
    NO_STATUS = "after an outage the manager says nothing"


#: Where orders to the gimbal have an effect.
CONTROLS = frozenset({Control.CLAIMED, Control.OURS, Control.RELEASED})

_C, _W = Control, Word
#: What follows from which word; what is not here changes nothing.
TRANSITIONS: dict[tuple[Control, Word], Control] = {
    **{(before, _W.CLAIM_GRANTED): _C.CLAIMED for before in Control},
    (_C.FREE, _W.WANT): _C.WANTED,
    (_C.TAKEN, _W.WANT): _C.WANTED,
    (_C.RELEASED, _W.WANT): _C.OURS,
    (_C.WANTED, _W.LET_GO): _C.FREE,
    (_C.CLAIMED, _W.LET_GO): _C.RELEASED,
    (_C.OURS, _W.LET_GO): _C.RELEASED,
    (_C.TAKEN, _W.LET_GO): _C.FREE,
    (_C.WANTED, _W.STATUS_OURS): _C.OURS,
    (_C.CLAIMED, _W.STATUS_OURS): _C.OURS,
    (_C.FREE, _W.STATUS_OURS): _C.RELEASED,
    (_C.TAKEN, _W.STATUS_OURS): _C.RELEASED,  # given back, and not asked for
    (_C.CLAIMED, _W.STATUS_NOBODY): _C.OURS,
    (_C.OURS, _W.STATUS_NOBODY): _C.WANTED,
    (_C.RELEASED, _W.STATUS_NOBODY): _C.FREE,
    (_C.WANTED, _W.STATUS_OTHER): _C.TAKEN,
    (_C.CLAIMED, _W.STATUS_OTHER): _C.OURS,
    (_C.OURS, _W.STATUS_OTHER): _C.TAKEN,
    (_C.RELEASED, _W.STATUS_OTHER): _C.FREE,
    (_C.CLAIMED, _W.NO_STATUS): _C.WANTED,
    (_C.OURS, _W.NO_STATUS): _C.WANTED,
    (_C.RELEASED, _W.NO_STATUS): _C.FREE,
}


def step(control: Control, word: Word) -> Control:
    """How we stand after a word."""
    return TRANSITIONS.get((control, word), control)
