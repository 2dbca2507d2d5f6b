"""The simulated autopilot's modes and failsafes, without a vehicle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.px4 import Mode
from sim.mavlink.autopilot.modes import (
    MANUAL,
    POSITION_LOST,
    STICKS,
    STICKS_GONE,
    Airframe,
    Failsafe,
    Modes,
    Move,
    Signal,
    Situation,
    base_mode,
    landed_state,
    moved,
    signal_now,
    step,
    system_state,
    takes,
)

FLYING = Modes(intended=Mode.OFFBOARD, mode=Mode.OFFBOARD)


def situation(**changed) -> Situation:
    usual = {
        "airframe": Airframe.FLYING, "no_setpoint": 0.0, "no_sticks": 1e9, "no_fix": 0.0,
        "stream_loss": 1.0, "loss_action": 0, "patience": 5.0,
    }  # fmt: skip
    return Situation(**{**usual, **changed})


# --- the airframe ---


def test_a_flight_from_ground_to_ground():
    airframe = Airframe.DISARMED
    seen = []
    for move in (Move.ARM, Move.LIFT_OFF, Move.TOUCH_DOWN, Move.DISARM):
        airframe = moved(airframe, move)
        seen.append(airframe)
    assert seen == [
        Airframe.SPOOLING, Airframe.FLYING, Airframe.TOUCHED_DOWN, Airframe.DISARMED
    ]  # fmt: skip


def test_what_is_on_the_ground_does_not_touch_down_and_what_is_disarmed_does_not_lift_off():
    assert moved(Airframe.SPOOLING, Move.TOUCH_DOWN) is Airframe.SPOOLING
    assert moved(Airframe.DISARMED, Move.LIFT_OFF) is Airframe.DISARMED
    assert moved(Airframe.FLYING, Move.ARM) is Airframe.FLYING
    assert moved(Airframe.TOUCHED_DOWN, Move.LIFT_OFF) is Airframe.FLYING


# --- failsafes ---


@pytest.mark.parametrize(
    ("action", "mode"),
    [(0, Mode.RETURN), (3, Mode.RETURN), (4, Mode.LAND), (5, Mode.HOLD), (1, Mode.RETURN)],
)
def test_a_lost_stream_leads_to_what_the_parameter_says_and_back(action: int, mode: Mode):
    assert signal_now(FLYING, situation(no_setpoint=0.9)) is None
    lost = signal_now(FLYING, situation(no_setpoint=1.1, loss_action=action))
    assert lost == (Signal.STREAM_LOST, mode)
    failed = step(FLYING, *lost)
    assert (failed.failsafe, failed.mode, failed.critical) == (Failsafe.STREAM, mode, True)
    assert signal_now(failed, situation(no_setpoint=9.0)) is None
    back = signal_now(failed, situation())
    assert back == (Signal.STREAM_BACK, Mode.OFFBOARD)
    assert step(failed, *back) == FLYING


def test_a_lost_position_leads_down_and_nothing_but_an_order_leads_out_of_it():
    for modes in (FLYING, step(FLYING, Signal.STREAM_LOST, Mode.RETURN), Modes()):
        lost = signal_now(modes, situation(no_fix=POSITION_LOST + 0.1, no_setpoint=9.0))
        assert lost == (Signal.POSITION_LOST, Mode.DESCEND)
        down = step(modes, *lost)
        assert (down.failsafe, down.mode) == (Failsafe.POSITION, Mode.DESCEND)
        assert signal_now(down, situation()) is None
        assert step(down, Signal.FALL_BACK, Mode.LAND).mode is Mode.DESCEND
        assert step(down, Signal.ORDERED, Mode.HOLD) == Modes()


def test_on_the_ground_a_lost_position_leads_nowhere():
    ground = situation(no_fix=POSITION_LOST + 1.0, airframe=Airframe.SPOOLING)
    assert signal_now(FLYING, ground) is None
    assert signal_now(FLYING, situation(no_setpoint=9.0, airframe=Airframe.DISARMED)) is None


@pytest.mark.parametrize("mode", MANUAL, ids=str)
def test_without_sticks_a_manual_mode_holds_and_then_returns(mode: Mode):
    modes = Modes(intended=mode, mode=mode)
    assert signal_now(modes, situation(no_sticks=STICKS_GONE - 0.1)) is None
    gone = signal_now(modes, situation(no_sticks=STICKS_GONE + 0.1))
    assert gone == (Signal.FALL_BACK, Mode.HOLD)
    holds = step(modes, *gone)
    assert holds.mode is Mode.HOLD
    assert signal_now(holds, situation(no_sticks=STICKS_GONE + 4.9)) is None
    long = signal_now(holds, situation(no_sticks=STICKS_GONE + 5.1))
    assert long == (Signal.FALL_BACK, Mode.RETURN)
    assert signal_now(step(holds, *long), situation(no_sticks=99.0)) is None


def test_of_two_failsafes_the_worse_one_acts():
    fenced = step(FLYING, Signal.FALL_BACK, Mode.LAND)
    assert step(fenced, Signal.STREAM_LOST, Mode.HOLD).mode is Mode.LAND
    returning = step(FLYING, Signal.STREAM_LOST, Mode.RETURN)
    assert step(returning, Signal.FALL_BACK, Mode.HOLD).mode is Mode.RETURN
    assert step(returning, Signal.FALL_BACK, Mode.LAND).mode is Mode.LAND
    # What something else called for stays when the stream is back.
    assert step(step(returning, Signal.FALL_BACK, Mode.HOLD), Signal.STREAM_BACK).mode is Mode.HOLD


def test_the_end_of_a_take_off_holds_and_disarming_forgets():
    climbing = Modes(intended=Mode.TAKEOFF, mode=Mode.TAKEOFF)
    assert step(climbing, Signal.REACHED).mode is Mode.HOLD
    assert step(step(FLYING, Signal.FALL_BACK, Mode.LAND), Signal.DISARMED) == Modes()


@given(st.lists(st.tuples(st.sampled_from(Signal), st.sampled_from([*Mode][:4])), max_size=20))
def test_an_order_always_ends_every_failsafe(signals):
    modes = FLYING
    for signal, _ in signals:
        modes = step(modes, signal, Mode.RETURN)
        if modes.failsafe is Failsafe.POSITION:
            assert modes.mode is Mode.DESCEND
    ordered = step(modes, Signal.ORDERED, Mode.HOLD)
    assert ordered == Modes()
    assert not ordered.critical


# --- what somebody wants ---


def test_modes_that_are_granted():
    standing = situation(airframe=Airframe.SPOOLING)
    assert not any(takes(mode, standing) for mode in (Mode.UNKNOWN, Mode.READY, Mode.DESCEND))
    assert all(takes(mode, standing) for mode in (*MANUAL, Mode.MISSION, Mode.OFFBOARD))
    assert not takes(Mode.MISSION, situation())
    assert takes(Mode.OFFBOARD, situation())
    assert not takes(Mode.OFFBOARD, situation(no_setpoint=1.1))
    assert takes(Mode.POSITION, situation(no_sticks=STICKS - 0.1))
    assert not takes(Mode.POSITION, situation(no_sticks=STICKS + 0.1))


# --- what it tells of them ---


def test_what_the_heartbeat_says():
    manual, auto = mavlink.MAV_MODE_FLAG_MANUAL_INPUT_ENABLED, mavlink.MAV_MODE_FLAG_AUTO_ENABLED
    assert base_mode(Mode.POSITION, armed=False) & manual
    assert base_mode(Mode.HOLD, armed=False) & auto
    assert not base_mode(Mode.OFFBOARD, armed=True) & (manual | auto)
    assert base_mode(Mode.OFFBOARD, armed=True) & mavlink.MAV_MODE_FLAG_SAFETY_ARMED
    failed = step(FLYING, Signal.STREAM_LOST, Mode.RETURN)
    assert system_state(failed, Airframe.FLYING, True) == mavlink.MAV_STATE_CRITICAL
    assert system_state(FLYING, Airframe.FLYING, True) == mavlink.MAV_STATE_ACTIVE
    assert system_state(Modes(), Airframe.DISARMED, True) == mavlink.MAV_STATE_STANDBY
    assert system_state(FLYING, Airframe.DISARMED, True) == mavlink.MAV_STATE_UNINIT
    assert system_state(Modes(), Airframe.DISARMED, False) == mavlink.MAV_STATE_UNINIT


@pytest.mark.parametrize(
    ("mode", "airframe", "ramping", "detected", "near", "state"),
    [
        (Mode.TAKEOFF, Airframe.SPOOLING, True, True, True, "TAKEOFF"),
        (Mode.OFFBOARD, Airframe.SPOOLING, True, True, True, "IN_AIR"),
        (Mode.TAKEOFF, Airframe.SPOOLING, False, True, True, "ON_GROUND"),
        (Mode.HOLD, Airframe.DISARMED, True, True, True, "ON_GROUND"),
        (Mode.LAND, Airframe.TOUCHED_DOWN, True, False, True, "LANDING"),
        (Mode.RETURN, Airframe.FLYING, True, True, False, "IN_AIR"),
        (Mode.RETURN, Airframe.FLYING, True, True, True, "LANDING"),
        (Mode.OFFBOARD, Airframe.FLYING, True, True, True, "IN_AIR"),
    ],
)
def test_what_the_land_detector_says(mode, airframe, ramping, detected, near, state):
    modes = Modes(intended=mode, mode=mode)
    found = landed_state(modes, airframe, ramping=ramping, detected=detected, near_home=near)
    assert found == getattr(mavlink, f"MAV_LANDED_STATE_{state}")
