"""The pilot's state machines, without a vehicle."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.flight.pilot import reception
from cinempc.flight.pilot.phases import (
    AUTHORITY,
    PHASES,
    STREAMING,
    Authority,
    Effect,
    FlightPhase,
    FlightState,
    Signal,
    reason_not_to_order,
    signal_of,
    step,
)
from cinempc.flight.pilot.reasons import FlightReason
from cinempc.flight.pilot.reception import BLIND, FAST, SLOW, Change, Reception
from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.telemetry import Status
from cinempc.rig.log import problem

TAKEN = problem(FlightReason.TAKEN_OVER, mode=Mode.POSITION)
REASONS = {
    Signal.TAKEN_OVER: TAKEN,
    Signal.DISARMED: problem(FlightReason.DISARMED),
    Signal.LINK_LOST: problem(FlightReason.NOT_HEARD, silence=2.1),
    Signal.POSITION_LOST: problem(FlightReason.POSITION_LOST),
    Signal.RESTARTED: problem(FlightReason.RESTARTED),
    Signal.FRAME_LOST: problem(FlightReason.FRAME_LOST),
    Signal.FAULT: problem(FlightReason.FAULT),
}
OFFBOARD, HOLDING = frozenset({Mode.OFFBOARD}), frozenset({Mode.OFFBOARD, Mode.HOLD})
MODES = {
    Signal.TAKE_OFF: frozenset({Mode.TAKEOFF, Mode.HOLD}),
    Signal.TAKEN_OFF: frozenset({Mode.HOLD}),
    Signal.OFFBOARD: OFFBOARD,
    Signal.HAND_BACK: HOLDING,
    Signal.NOT_HANDED_BACK: OFFBOARD,
}


def after(*signals: Signal, state: FlightState | None = None) -> FlightState:
    state = state or FlightState()
    for signal in signals:
        modes, reason = MODES.get(signal, frozenset()), REASONS.get(signal)
        state, _ = step(state, signal, modes=modes, reason=reason)
    return state


def status(mode: Mode, armed: bool = True) -> Status:
    return Status(mode=mode, armed=armed, system_status=4)


FLOWN = (Signal.TAKE_OFF, Signal.TAKEN_OFF, Signal.FLY, Signal.OFFBOARD)


def test_a_flight_in_order():
    """Take-off, flight, hold: the vehicle is ours from beginning to end, and nothing streams any
    more."""
    assert after(Signal.TAKE_OFF).authority is Authority.OURS
    flying = after(*FLOWN)
    assert (flying.phase, flying.modes) == (FlightPhase.FLYING, OFFBOARD)
    leaving, effects = step(flying, Signal.HAND_BACK, modes=HOLDING)
    assert (leaving.phase, effects) == (FlightPhase.HANDING_BACK, (Effect.REST,))
    held = after(Signal.HANDED_BACK, state=leaving)
    assert (held.phase, held.authority, held.modes) == (FlightPhase.IDLE, Authority.OURS, HOLDING)


def test_until_it_is_in_offboard_its_mode_is_its_own_affair():
    starting = after(*FLOWN[:3])
    assert (starting.phase, starting.authority) == (FlightPhase.STARTING, Authority.UNWATCHED)
    assert signal_of(starting, status(Mode.HOLD), status(Mode.POSITION)) is None
    assert after(Signal.NOT_OFFBOARD, state=starting).phase is FlightPhase.IDLE
    assert after(Signal.POSITION_LOST, state=starting).phase is FlightPhase.STARTING


@pytest.mark.parametrize("phase", sorted(STREAMING - {FlightPhase.STARTING}, key=str))
@pytest.mark.parametrize("signal", REASONS, ids=lambda s: s.name)
def test_what_ends_the_stream(phase: FlightPhase, signal: Signal):
    """Each ends it, with its reason, once; only a fault of our own orders anything."""
    state = after(*FLOWN) if phase is FlightPhase.FLYING else after(*FLOWN, Signal.HAND_BACK)
    assert state.phase is phase
    ended, effects = step(state, signal, reason=REASONS[signal])
    assert (ended.phase, ended.ended) == (FlightPhase.OVER, REASONS[signal])
    assert Effect.REPORT_END in effects
    assert (Effect.HOLD in effects) == (signal in (Signal.FAULT, Signal.FRAME_LOST))
    assert Effect.REPORT_END not in step(ended, signal, reason=problem(FlightReason.FAULT))[1]
    assert after(signal, state=ended).ended == REASONS[signal]


def test_who_takes_over_after_the_flight_is_reported_once():
    held = after(*FLOWN, Signal.HAND_BACK, Signal.HANDED_BACK)
    signal = signal_of(held, status(Mode.HOLD), status(Mode.POSITION))
    assert signal is Signal.TAKEN_OVER
    taken, effects = step(held, signal, reason=TAKEN)
    assert effects == (Effect.REPORT_TAKEN,)
    assert (taken.phase, taken.authority, taken.taken) == (FlightPhase.IDLE, Authority.TAKEN, TAKEN)
    assert signal_of(taken, status(Mode.POSITION), status(Mode.LAND)) is None


def test_a_status_means_something_only_where_the_vehicle_is_ours():
    flying, leaving = after(*FLOWN), after(*FLOWN, Signal.HAND_BACK)
    assert signal_of(flying, None, status(Mode.OFFBOARD)) is None
    assert signal_of(flying, status(Mode.OFFBOARD), status(Mode.HOLD)) is Signal.TAKEN_OVER
    assert signal_of(leaving, status(Mode.OFFBOARD), status(Mode.HOLD)) is Signal.LEFT_OFFBOARD
    assert signal_of(leaving, status(Mode.OFFBOARD), status(Mode.LAND)) is Signal.TAKEN_OVER
    disarmed = status(Mode.OFFBOARD, armed=False)
    assert signal_of(flying, status(Mode.OFFBOARD), disarmed) is Signal.DISARMED
    assert signal_of(flying, None, disarmed) is Signal.DISARMED
    assert signal_of(flying, disarmed, disarmed) is None
    assert signal_of(FlightState(), None, disarmed) is None


def test_what_may_be_ordered():
    taken = after(*FLOWN, Signal.TAKEN_OVER)
    assert reason_not_to_order(taken, still_ours=True) == TAKEN
    lost = after(*FLOWN, Signal.LINK_LOST)
    assert reason_not_to_order(lost, still_ours=False) == REASONS[Signal.LINK_LOST]
    assert reason_not_to_order(lost, still_ours=True) is None  # it waits for us in OFFBOARD
    assert reason_not_to_order(after(*FLOWN), still_ours=False) is None


def test_an_order_that_is_not_carried_out_leaves_the_flight_as_it_was():
    back = after(*FLOWN, Signal.HAND_BACK, Signal.NOT_HANDED_BACK)
    assert back == after(*FLOWN)


def test_a_flight_that_has_not_taken_control_gives_no_order():
    """A vehicle that hovers in somebody's hands: neither before it is in OFFBOARD for us, nor when
    it does not go there. One that we took off, though, is ours on the way there."""
    refused = problem(FlightReason.NOT_IN_CONTROL)
    in_air = (Signal.FLY, Signal.NOT_OFFBOARD)
    for signals in ((), in_air, (*FLOWN, Signal.TAKEN_OVER, *in_air), (*FLOWN, Signal.DISARMED)):
        state = after(*signals)
        assert not state.controls
        reason = reason_not_to_order(state, still_ours=False)
        assert reason in (refused, state.ended)
        assert reason is not None
    # Somebody else's OFFBOARD is not ours either; ours is, also while it is not yet said.
    assert reason_not_to_order(after(*in_air), still_ours=True) == refused
    assert reason_not_to_order(after(Signal.FLY), still_ours=True) is None
    ours = after(*FLOWN[:3], Signal.NOT_OFFBOARD)
    assert ours.controls
    assert reason_not_to_order(ours, still_ours=False) is None


SIGNALS = st.lists(st.sampled_from(Signal), max_size=25)


@given(SIGNALS)
def test_whatever_happens_the_stream_begins_only_when_ordered(signals: list[Signal]):
    """No way leads back into a phase that streams but the order to fly, and none out of somebody
    else's hands but the orders to take off, to fly, or to hand back (which is refused then)."""
    state = FlightState()
    for signal in signals:
        before = state
        state = after(signal, state=state)
        if state.streams and not before.streams:
            assert signal is Signal.FLY
        if before.authority is Authority.TAKEN and state.authority is not Authority.TAKEN:
            assert signal in (Signal.TAKE_OFF, Signal.FLY, Signal.HAND_BACK, Signal.OFFBOARD)
        assert (state.ended is not None) <= (state.phase is FlightPhase.OVER)
        assert (state.taken is not None) <= (state.authority is Authority.TAKEN)


def test_every_phase_that_streams_ends_for_every_fault():
    ends = {Signal.RESTARTED, Signal.LINK_LOST, Signal.FAULT}
    for phase, signal in itertools.product(STREAMING, ends):
        assert PHASES[phase, signal][0] is FlightPhase.OVER
    assert {after for _, after in AUTHORITY.items()} == set(Authority)


# --- reception ---


def test_silence_and_delay_each_come_and_go():
    state, changes = reception.step(Reception.GOOD, BLIND + 0.01, 0.0)
    assert (state, changes) == (Reception.SILENT, (Change.FELL_SILENT,))
    state, changes = reception.step(state, BLIND + 1.0, SLOW + 0.01)
    assert (state, changes) == (Reception.SILENT_AND_LATE, (Change.BECAME_LATE,))
    state, changes = reception.step(state, 0.0, SLOW)
    assert (state, changes) == (Reception.LATE, (Change.HEARD,))
    state, changes = reception.step(state, 0.0, (SLOW + FAST) / 2)
    assert (state, changes) == (Reception.LATE, ())
    state, changes = reception.step(state, 0.0, FAST - 0.01)
    assert (state, changes) == (Reception.GOOD, (Change.BECAME_PROMPT,))


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.floats(0.0, 1.0)), max_size=40))
def test_the_reception_is_what_the_last_look_says(looks: list[tuple[float, float]]):
    state = Reception.GOOD
    for silence, delay in looks:
        state, _ = reception.step(state, silence, delay)
        silent = state in (Reception.SILENT, Reception.SILENT_AND_LATE)
        late = state in (Reception.LATE, Reception.SILENT_AND_LATE)
        assert silent == (silence > BLIND)
        assert not late if delay < FAST else late or delay <= SLOW


def test_a_delay_is_half_the_quickest_of_late_round_trips():
    trips = reception.RoundTrips()
    assert trips.delay == 0.0
    for stamp, (sent, back) in enumerate([(0.0, 0.4), (0.5, 0.7), (1.0, 1.6)]):
        trips.ask(stamp, sent)
        assert trips.asked(stamp)
        trips.answer(stamp, back)
        assert not trips.asked(stamp)
    assert trips.delay == pytest.approx(0.1)
    trips.ask(9, 3.0)
    trips.answer(9, 3.6)
    assert trips.delay == pytest.approx(0.3)  # the others are too long ago
    trips.ask(10, 4.0)
    trips.ask(11, 8.0)
    assert not trips.asked(10)


def test_only_a_vehicle_that_is_plainly_slower_has_a_pace_of_its_own():
    pace = reception.Pace()
    pace.measure(1.0, 0.02)
    pace.measure(0.95, 30.0)
    assert pace.value == 1.0
    pace.measure(0.5, 30.0)
    assert pace.value == 0.5
