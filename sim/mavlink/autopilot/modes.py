"""Which mode the simulated autopilot is in, and why: arming, flight modes and failsafes, as tables.

Three machines, as PX4's commander behaves: the airframe (`AIRFRAME`: on the ground, in the air),
the failsafes (`FAILSAFES`: of a lost stream, of a lost position), and the modes that follow from
both and from what was ordered (`step`). Everything here is pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.px4 import Mode

#: Time, s, for which a pilot with sticks is taken to be there when it was heard, and after which it
#: is a failsafe that it is not.
STICKS, STICKS_GONE = 0.5, 0.9
#: Time after the last fix, s, when a position by dead reckoning is not believed any more.
POSITION_LOST = 5.0
#: Modes that want a pilot with sticks.
MANUAL = (Mode.MANUAL, Mode.ALTITUDE, Mode.POSITION, Mode.ACRO, Mode.STABILIZED)
#: Modes that lead down.
LANDING = (Mode.LAND, Mode.PRECISION_LAND, Mode.DESCEND)
#: What COM_OBL_RC_ACT leads to; without sticks, the manual modes fall through to a return.
LOSS_MODES = {0: Mode.RETURN, 3: Mode.RETURN, 4: Mode.LAND, 5: Mode.HOLD}
#: What of two failsafes is done: the later one here.
_WORSE = (Mode.HOLD, Mode.RETURN, Mode.LAND, Mode.DESCEND)


# --- the airframe ---


class Airframe(Enum):
    """What the vehicle itself does."""

    DISARMED = "disarmed, on the ground"
    SPOOLING = "armed, on the ground, and has not flown since"
    FLYING = "armed, in the air"
    TOUCHED_DOWN = "armed, on the ground again"


class Move(Enum):
    """What changes that."""

    ARM = "armed"
    LIFT_OFF = "lifted off"
    TOUCH_DOWN = "touched down"
    DISARM = "disarmed"


#: What follows from which move; what is not here changes nothing.
AIRFRAME: dict[tuple[Airframe, Move], Airframe] = {
    (Airframe.DISARMED, Move.ARM): Airframe.SPOOLING,
    (Airframe.SPOOLING, Move.LIFT_OFF): Airframe.FLYING,
    (Airframe.TOUCHED_DOWN, Move.LIFT_OFF): Airframe.FLYING,
    (Airframe.FLYING, Move.TOUCH_DOWN): Airframe.TOUCHED_DOWN,
    (Airframe.SPOOLING, Move.DISARM): Airframe.DISARMED,
    (Airframe.FLYING, Move.DISARM): Airframe.DISARMED,
    (Airframe.TOUCHED_DOWN, Move.DISARM): Airframe.DISARMED,
}


def moved(airframe: Airframe, move: Move) -> Airframe:
    """The airframe after a move."""
    return AIRFRAME.get((airframe, move), airframe)


# --- modes and failsafes ---


class Failsafe(Enum):
    """Which failsafe acts by itself."""

    NONE = "none"
    STREAM = "the stream of setpoints is lost"
    POSITION = "the position is lost"


class Signal(Enum):
    """What bears on the mode."""

    ORDERED = "somebody wants a mode"
    STREAM_LOST = "no setpoint has come for COM_OF_LOSS_T"
    STREAM_BACK = "setpoints come again"
    POSITION_LOST = "no fix for too long"
    FALL_BACK = "something else calls for a mode: the fence, or sticks that are not there"
    REACHED = "the height of the take-off is reached"
    DISARMED = "disarmed"


#: Which failsafe acts after which signal; what is not here changes nothing.
FAILSAFES: dict[tuple[Failsafe, Signal], Failsafe] = {
    **{(before, Signal.ORDERED): Failsafe.NONE for before in Failsafe},
    **{(before, Signal.DISARMED): Failsafe.NONE for before in Failsafe},
    (Failsafe.NONE, Signal.STREAM_LOST): Failsafe.STREAM,
    (Failsafe.STREAM, Signal.STREAM_BACK): Failsafe.NONE,
    (Failsafe.NONE, Signal.POSITION_LOST): Failsafe.POSITION,
    (Failsafe.STREAM, Signal.POSITION_LOST): Failsafe.POSITION,
}


@dataclass(frozen=True)
class Modes:
    """What the autopilot is to do, and does.

    Attributes:
        intended: the mode that was ordered.
        mode: the mode that it is in.
        failsafe: which failsafe acts by itself.
        fallback: the mode that something else calls for until somebody changes the mode.
    """

    intended: Mode = Mode.HOLD
    mode: Mode = Mode.HOLD
    failsafe: Failsafe = Failsafe.NONE
    fallback: Mode | None = None

    @property
    def critical(self) -> bool:
        """Whether it does something else than was ordered."""
        return self.failsafe is not Failsafe.NONE or self.fallback is not None


def step(modes: Modes, signal: Signal, mode: Mode = Mode.HOLD) -> Modes:
    """The modes after a signal.

    Args:
        modes: before it.
        signal: what has happened.
        mode: what is ordered, fallen back to, or done about a lost stream.
    """
    failsafe = FAILSAFES.get((modes.failsafe, signal), modes.failsafe)
    after = replace(modes, failsafe=failsafe)
    match signal:
        case Signal.ORDERED:
            return replace(after, intended=mode, mode=mode, fallback=None)
        case Signal.DISARMED:
            return Modes()
        case Signal.REACHED:
            climbing = modes.mode is Mode.TAKEOFF
            return replace(after, mode=Mode.HOLD if climbing else modes.mode)
        case Signal.FALL_BACK:
            acts = modes.failsafe is not Failsafe.NONE
            worse = acts and _WORSE.index(modes.mode) > _WORSE.index(mode)
            return replace(after, fallback=mode, mode=modes.mode if worse else mode)
    if failsafe is modes.failsafe:
        return modes
    match failsafe:
        case Failsafe.STREAM:
            return replace(after, mode=max(mode, modes.fallback or mode, key=_WORSE.index))
        case Failsafe.POSITION:
            return replace(after, mode=Mode.DESCEND)
    return replace(after, mode=modes.fallback or Mode.OFFBOARD)


@dataclass(frozen=True)
class Situation:
    """What the failsafes look at.

    Attributes:
        airframe: what the vehicle does.
        no_setpoint: time since the last setpoint, s.
        no_sticks: time since a pilot's sticks were heard, s.
        no_fix: time without satellites, s.
        stream_loss: COM_OF_LOSS_T, s.
        loss_action: COM_OBL_RC_ACT.
        patience: COM_FAIL_ACT_T, s.
    """

    airframe: Airframe
    no_setpoint: float
    no_sticks: float
    no_fix: float
    stream_loss: float
    loss_action: int
    patience: float


def signal_now(modes: Modes, situation: Situation) -> tuple[Signal, Mode] | None:
    """What of the failsafes is due, and the mode that it leads to; None for nothing."""
    if situation.airframe is Airframe.DISARMED:
        return None
    flies = situation.airframe is Airframe.FLYING
    if flies and situation.no_fix > POSITION_LOST and modes.mode is not Mode.DESCEND:
        return Signal.POSITION_LOST, Mode.DESCEND
    if flies and modes.intended in MANUAL:
        # In a manual mode: it holds for a while, then returns (NAV_RCL_ACT 2).
        gone = situation.no_sticks - STICKS_GONE
        if gone > 0 and modes.fallback is None:
            return Signal.FALL_BACK, Mode.HOLD
        if gone > situation.patience and modes.fallback is Mode.HOLD:
            return Signal.FALL_BACK, Mode.RETURN
    if modes.intended is Mode.OFFBOARD:
        lost = situation.no_setpoint > situation.stream_loss
        if lost and modes.failsafe is Failsafe.NONE:
            return Signal.STREAM_LOST, LOSS_MODES.get(situation.loss_action, Mode.RETURN)
        if not lost and modes.failsafe is Failsafe.STREAM:
            return Signal.STREAM_BACK, Mode.OFFBOARD
    return None


def takes(mode: Mode, situation: Situation) -> bool:
    """Whether somebody's wish for a mode is granted. On the ground every mode but READY and DESCEND
    is; in the air those that can be flown."""
    if mode in (Mode.UNKNOWN, Mode.READY, Mode.DESCEND):
        return False
    if situation.airframe is not Airframe.FLYING:
        return True
    if mode in MANUAL:
        return situation.no_sticks <= STICKS
    if mode is Mode.OFFBOARD:
        return situation.no_setpoint <= situation.stream_loss
    return mode is not Mode.MISSION


def base_mode(mode: Mode, armed: bool) -> int:
    """MAV_MODE_FLAG of a mode, for HEARTBEAT."""
    base = mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED
    if armed:
        base |= mavlink.MAV_MODE_FLAG_SAFETY_ARMED
    if mode in MANUAL:
        base |= mavlink.MAV_MODE_FLAG_MANUAL_INPUT_ENABLED
    elif mode not in (Mode.OFFBOARD, Mode.FOLLOW_ME):
        base |= mavlink.MAV_MODE_FLAG_AUTO_ENABLED | mavlink.MAV_MODE_FLAG_GUIDED_ENABLED
    if mode is not Mode.ACRO:
        base |= mavlink.MAV_MODE_FLAG_STABILIZE_ENABLED
    return int(base)


def system_state(modes: Modes, airframe: Airframe, healthy: bool) -> int:
    """MAV_STATE: in the air whether a failsafe acts, on the ground whether it could be armed."""
    if airframe is not Airframe.DISARMED:
        return int(mavlink.MAV_STATE_CRITICAL if modes.critical else mavlink.MAV_STATE_ACTIVE)
    can = modes.mode in (Mode.HOLD, Mode.TAKEOFF)
    return int(mavlink.MAV_STATE_STANDBY if healthy and can else mavlink.MAV_STATE_UNINIT)


def landed_state(
    modes: Modes, airframe: Airframe, *, ramping: bool, detected: bool, near_home: bool
) -> int:
    """MAV_LANDED_STATE, as PX4's land detector sees it.

    Args:
        modes: the modes.
        airframe: what the vehicle does.
        ramping: whether the motors have been spooled up since it was armed: then it says already
            that it takes off.
        detected: whether the land detector is sure of the ground.
        near_home: whether it is so near home that a return leads down.
    """
    if airframe is Airframe.SPOOLING and ramping:
        if modes.mode is Mode.TAKEOFF:
            return int(mavlink.MAV_LANDED_STATE_TAKEOFF)
        if modes.mode is Mode.OFFBOARD:
            return int(mavlink.MAV_LANDED_STATE_IN_AIR)
    if airframe is not Airframe.FLYING and detected:
        return int(mavlink.MAV_LANDED_STATE_ON_GROUND)
    if modes.mode is Mode.TAKEOFF:
        return int(mavlink.MAV_LANDED_STATE_TAKEOFF)
    lands = modes.mode in (Mode.LAND, Mode.PRECISION_LAND)
    if lands or (modes.mode is Mode.RETURN and near_home):
        return int(mavlink.MAV_LANDED_STATE_LANDING)
    return int(mavlink.MAV_LANDED_STATE_IN_AIR)
