"""Commands, requests and parameters on a link that loses and repeats; the autopilot's orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cinempc.flight.pilot.autopilot import Autopilot
from cinempc.flight.pilot.reasons import (
    AutopilotEvent,
    FlightError,
    FlightReason,
    OrderReason,
)
from cinempc.mavlink import commands
from cinempc.mavlink.commands import (
    CommandRefused,
    NoAnswer,
    Target,
    command,
    decode_parameter,
    encode_parameter,
    get_parameter,
    request,
    set_interval,
    set_parameter,
)
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.transport import LinkError
from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.rig.clock import Clock
from cinempc.rig.log import problem
from tests.fakes import virtual
from tests.fakes.events import Heard
from tests.fakes.peer import Memory, Peer, heartbeat, place, sent
from tests.fakes.virtual import LOOP, VirtualClock

TARGET = Target(1, 1)
ACCEPTED, DENIED = mavlink.MAV_RESULT_ACCEPTED, mavlink.MAV_RESULT_DENIED
QUICK = 0.05  # s, for an answer that does not come


class Wire(Memory):
    """A transport with somebody at the other end, who answers what is written."""

    def __init__(self, answer: Callable[[Any], list[bytes]]) -> None:
        super().__init__()
        self.answer = answer
        self.link: Link | None = None
        self._reader = Peer()

    def write(self, data: bytes) -> None:
        super().write(data)
        for message in self._reader.read(data):
            for reply in self.answer(message):
                asyncio.get_running_loop().call_soon(self._arrive, reply)

    def _arrive(self, reply: bytes) -> None:
        self.put(reply)
        assert self.link is not None
        self.link.read()


def linked(answer: Callable[[Any], list[bytes]], clock: Clock = LOOP) -> tuple[Link, Wire]:
    wire = Wire(answer)
    link = Link(wire, wall=clock)
    wire.link = link
    return link, wire


def ack(
    peer: Peer, number: int, result: int = ACCEPTED, system: int = 1, component: int = 191
) -> bytes:
    return peer.pack(
        mavlink.MAVLink_command_ack_message(
            number, result, target_system=system, target_component=component
        )
    )


@pytest.fixture
def vehicle() -> Peer:
    return Peer()


# --- commands ---


def test_a_command_that_is_accepted(vehicle: Peer) -> None:
    async def scenario() -> None:
        link, wire = linked(lambda m: [ack(vehicle, m.command)])
        await command(link, TARGET, 400, 1.0, 2.0)
        (message,) = sent(wire)
        assert (message.target_system, message.target_component) == (1, 1)
        assert (message.command, message.confirmation) == (400, 0)
        assert (message.param1, message.param2, message.param3) == (1.0, 2.0, 0.0)

    virtual.run(scenario())


def test_a_command_that_is_refused(vehicle: Peer) -> None:
    async def scenario() -> None:
        link, _ = linked(lambda m: [ack(vehicle, m.command, DENIED)])
        with pytest.raises(CommandRefused, match="'denied'") as refused:
            await command(link, TARGET, 400)
        assert refused.value.result == DENIED

    virtual.run(scenario())


def test_answers_of_others_and_to_others_are_none(vehicle: Peer) -> None:
    def answer(message: Any) -> list[bytes]:
        return [
            ack(Peer(component=2), message.command),
            ack(Peer(system=7), message.command),
            ack(vehicle, message.command, component=77),
            ack(vehicle, message.command, system=9),
            ack(vehicle, message.command + 1),
        ]

    async def scenario() -> None:
        link, wire = linked(answer)
        with pytest.raises(NoAnswer, match="component 1 of system 1 did not answer"):
            await command(link, TARGET, 400, timeout=QUICK, retries=2)
        assert [m.confirmation for m in sent(wire)] == [0, 1]

    virtual.run(scenario())


def test_a_lost_command_is_sent_again_and_an_answer_to_nobody_in_particular_counts(
    vehicle: Peer,
) -> None:
    def answer(message: Any) -> list[bytes]:
        heard = message.confirmation == 2
        return [ack(vehicle, message.command, system=0, component=0)] if heard else []

    async def scenario() -> None:
        link, wire = linked(answer)
        await command(link, TARGET, 400, timeout=QUICK, retries=4)
        assert len(sent(wire)) == 3

    virtual.run(scenario())


def test_in_progress_is_waited_for(vehicle: Peer) -> None:
    async def scenario() -> None:
        progress = ack(vehicle, 400, mavlink.MAV_RESULT_IN_PROGRESS)
        link, wire = linked(lambda m: [progress])
        ordering = asyncio.ensure_future(command(link, TARGET, 400, timeout=QUICK, retries=2))
        await asyncio.sleep(4 * QUICK)
        assert not ordering.done()
        wire._arrive(ack(vehicle, 400))
        await ordering
        assert len(sent(wire)) == 1

    virtual.run(scenario())


def test_it_is_not_sent_again_when_it_shall_not() -> None:
    async def scenario() -> None:
        link, wire = linked(lambda m: [])
        with pytest.raises(NoAnswer):
            await command(link, TARGET, 400, timeout=QUICK, retries=5, unless=lambda: True)
        assert len(sent(wire)) == 1

    virtual.run(scenario())


# --- messages on request ---


def test_a_message_is_its_own_answer(vehicle: Peer) -> None:
    async def scenario() -> None:
        link, wire = linked(lambda m: [vehicle.pack(place(7))])  # its COMMAND_ACK is lost
        found = await request(link, TARGET, "LOCAL_POSITION_NED")
        assert found.time_boot_ms == 7
        (asked,) = sent(wire)
        assert asked.command == mavlink.MAV_CMD_REQUEST_MESSAGE
        assert asked.param1 == mavlink.MAVLINK_MSG_ID_LOCAL_POSITION_NED

    virtual.run(scenario())


def test_a_message_that_is_lost_is_asked_for_again(vehicle: Peer) -> None:
    def answer(message: Any) -> list[bytes]:
        accepted = ack(vehicle, message.command)
        return [accepted] if message.confirmation < 2 else [accepted, vehicle.pack(place(7))]

    async def scenario() -> None:
        link, _ = linked(answer)
        assert await request(link, TARGET, "LOCAL_POSITION_NED", timeout=QUICK)

    virtual.run(scenario())


def test_the_no_to_an_earlier_request_is_not_the_answer_to_this_one(vehicle: Peer) -> None:
    def answer(message: Any) -> list[bytes]:
        if message.confirmation == 0:
            return [ack(vehicle, message.command, DENIED)]
        return [vehicle.pack(place(7))]

    async def scenario() -> None:
        link, _ = linked(answer)
        assert await request(link, TARGET, "LOCAL_POSITION_NED")

    virtual.run(scenario())


def test_a_message_that_there_is_not(vehicle: Peer) -> None:
    async def scenario() -> None:
        link, wire = linked(lambda m: [ack(vehicle, m.command, DENIED)])
        with pytest.raises(CommandRefused):
            await request(link, TARGET, "LOCAL_POSITION_NED")
        assert len(sent(wire)) == 2
        link, _ = linked(lambda m: [])
        with pytest.raises(NoAnswer, match="does not send LOCAL_POSITION_NED"):
            await request(link, TARGET, "LOCAL_POSITION_NED", timeout=QUICK, retries=2)

    virtual.run(scenario())


def test_rates_are_intervals(vehicle: Peer) -> None:
    async def scenario() -> None:
        link, wire = linked(lambda m: [ack(vehicle, m.command)])
        await set_interval(link, TARGET, "ATTITUDE", 50.0)
        (message,) = sent(wire)
        assert (message.command, message.param1, message.param2) == (511, 30, 20000)

    virtual.run(scenario())


# --- parameters ---


class Parameters:
    """An autopilot's, some of whose answers are lost."""

    def __init__(self, peer: Peer, *, lose: int = 0, deaf: bool = False) -> None:
        self.peer, self.lose, self.deaf = peer, lose, deaf
        self.values: dict[str, tuple[float, int]] = {
            "A_REAL": (0.5, mavlink.MAV_PARAM_TYPE_REAL32),
            "AN_INT": (3.0, mavlink.MAV_PARAM_TYPE_INT32),
        }

    def __call__(self, message: Any) -> list[bytes]:
        if self.lose > 0:
            self.lose -= 1
            return []
        name = message.param_id
        if name not in self.values:
            return []
        value, kind = self.values[name]
        if message.get_type() == "PARAM_SET" and message.param_type == kind and not self.deaf:
            value = decode_parameter(message)
            self.values[name] = value, kind
        told = mavlink.MAVLink_param_value_message(
            name.encode(), encode_parameter(value, kind), kind, 2, 0
        )
        return [Peer(system=9).pack(told), self.peer.pack(told)]


def test_parameters_are_read_and_set_by_their_type(vehicle: Peer) -> None:
    async def scenario() -> None:
        link, _ = linked(table := Parameters(vehicle))
        assert await get_parameter(link, TARGET, "A_REAL") == 0.5
        assert await get_parameter(link, TARGET, "AN_INT") == 3
        await set_parameter(link, TARGET, "AN_INT", 5)
        await set_parameter(link, TARGET, "A_REAL", 0.25)
        assert table.values["AN_INT"][0] == 5
        assert table.values["A_REAL"][0] == 0.25

    virtual.run(scenario())


def test_parameters_on_a_bad_link(vehicle: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "TIMEOUT", QUICK)

    async def scenario() -> None:
        link, _ = linked(Parameters(vehicle, lose=3))
        assert await get_parameter(link, TARGET, "A_REAL") == 0.5
        link, _ = linked(table := Parameters(vehicle, lose=3))
        await set_parameter(link, TARGET, "AN_INT", 4)
        assert table.values["AN_INT"][0] == 4
        with pytest.raises(NoAnswer, match="does not tell its parameter NONE"):
            await get_parameter(link, TARGET, "NONE")
        link, _ = linked(Parameters(vehicle, deaf=True))
        with pytest.raises(NoAnswer, match="does not take AN_INT = 7"):
            await set_parameter(link, TARGET, "AN_INT", 7)

    virtual.run(scenario())


@pytest.mark.parametrize("value", [0, 1, -1, 127, 255, 40000, -40000, 2**31 - 1])
def test_integers_travel_byte_by_byte(value: int) -> None:
    kind = mavlink.MAV_PARAM_TYPE_INT32
    message = mavlink.MAVLink_param_value_message(b"X", encode_parameter(value, kind), kind, 1, 0)
    read = Peer().read(Peer().pack(message))[0]
    assert decode_parameter(read) == value


# --- the autopilot ---


class Flying:
    """An autopilot that is told its mode, on a link in memory."""

    def __init__(self, mode: Mode = Mode.OFFBOARD, clock: Clock = LOOP) -> None:
        self.peer, self.mode = Peer(), mode
        self.obeys = True
        self.orders: list[Any] = []
        self.link, self.wire = linked(self.answer, clock)
        self.autopilot = Autopilot(self.link, VehicleClock(wall=clock))

    def answer(self, message: Any) -> list[bytes]:
        if message.command == mavlink.MAV_CMD_REQUEST_MESSAGE:
            return [self.peer.pack(self.beat())]
        self.orders.append(message)
        if message.command == mavlink.MAV_CMD_DO_SET_MODE and self.obeys:
            self.mode = Mode((int(message.param2), int(message.param3)))
        return [ack(self.peer, message.command), self.peer.pack(self.beat())]

    def beat(self) -> Any:
        return heartbeat(mode=self.mode.custom, armed=True)

    def hear(self, *messages: Any, peer: Peer | None = None) -> None:
        for message in messages:
            self.wire._arrive((peer or self.peer).pack(message))


@pytest.fixture
def heard() -> Iterator[Heard]:
    with Heard("cinempc.flight") as listening:
        yield listening


def test_only_a_px4_is_the_autopilot_and_another_is_told_once(heard: Heard) -> None:
    flying = Flying()
    other = Peer(system=9)
    for _ in range(3):
        flying.hear(heartbeat(autopilot=mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA), peer=other)
    (event,) = heard.events
    assert event.kind is AutopilotEvent.NO_PX4
    assert event.data == {"system": 9, "autopilot": 3}
    with pytest.raises(LinkError):
        _ = flying.autopilot.target
    flying.hear(flying.beat())
    assert flying.autopilot.target == TARGET
    flying.hear(heartbeat(mode=Mode.LAND.custom), peer=Peer(system=2))  # a second vehicle
    flying.hear(heartbeat(mode=Mode.LAND.custom), peer=Peer(component=2))
    assert flying.autopilot.mode is Mode.OFFBOARD


def test_an_old_heartbeat_is_not_a_change_of_the_mode() -> None:
    flying = Flying(Mode.HOLD)
    late = flying.peer.pack(flying.beat())
    flying.mode = Mode.OFFBOARD
    flying.hear(place(1000), flying.beat())
    assert flying.autopilot.mode is Mode.OFFBOARD
    flying.wire._arrive(late)
    assert flying.autopilot.mode is Mode.OFFBOARD
    flying.mode = Mode.HOLD
    flying.hear(flying.beat())
    assert flying.autopilot.mode is Mode.HOLD


def test_after_a_pause_any_heartbeat_is_news() -> None:
    """Numbers begin anew after 256: after a silence they tell nothing."""
    clock = VirtualClock()
    flying = Flying(Mode.OFFBOARD, clock)
    flying.hear(flying.beat())
    flying.peer.mav.seq = (flying.peer.mav.seq + 200) % 256
    flying.mode = Mode.HOLD
    clock.advance(5.0)
    flying.hear(flying.beat())
    assert flying.autopilot.mode is Mode.HOLD


def test_positions_that_were_overtaken_are_left_out_and_a_restart_is_told(heard: Heard) -> None:
    flying = Flying()
    flying.hear(flying.beat(), place(90_000, 1.0), place(89_900, 2.0))
    assert flying.autopilot.position.position[1] == 1.0
    flying.hear(place(500, 3.0))
    assert flying.autopilot.position.position[1] == 3.0
    assert AutopilotEvent.RESTARTED in heard


def test_a_mode_that_is_reached_is_not_ordered_again() -> None:
    async def scenario() -> None:
        flying = Flying()
        flying.hear(flying.beat())
        await flying.autopilot.set_mode(Mode.HOLD)
        assert len(flying.orders) == 1
        assert flying.autopilot.mode is Mode.HOLD

    virtual.run(scenario())


def test_an_order_without_effect_is_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from cinempc.flight.pilot import autopilot as module

    monkeypatch.setattr(module, "_EFFECT", QUICK)

    async def scenario() -> None:
        flying = Flying()
        flying.hear(flying.beat())
        flying.obeys = False  # the answer was an earlier order's
        ordering = asyncio.ensure_future(flying.autopilot.set_mode(Mode.HOLD))
        await asyncio.sleep(3 * QUICK)
        flying.obeys = True
        await ordering
        assert len(flying.orders) >= 2
        flying.obeys = False
        with pytest.raises(FlightError) as refused:
            await flying.autopilot.set_mode(Mode.LAND, timeout=2 * QUICK)
        assert refused.value.problem.reason is OrderReason.NO_EFFECT
        assert refused.value.problem.data["order"] == "change to Land"

    virtual.run(scenario())


def test_an_order_is_not_given_again_to_who_was_taken_over() -> None:
    async def scenario() -> None:
        flying = Flying()
        flying.hear(flying.beat())
        flying.obeys = False
        ordering = asyncio.ensure_future(flying.autopilot.set_mode(Mode.HOLD))
        await asyncio.sleep(QUICK)
        flying.mode = Mode.POSITION
        flying.hear(flying.beat())
        with pytest.raises(FlightError) as refused:
            await ordering
        assert refused.value.problem.reason is OrderReason.NOT_AGAIN
        taken = problem(FlightReason.TAKEN_OVER, mode=Mode.POSITION)
        assert refused.value.problem.data["reason"] == taken
        assert len(flying.orders) == 1

    virtual.run(scenario())


def test_who_takes_over_right_after_the_mode_is_reached_is_not_overruled() -> None:
    async def scenario() -> None:
        flying = Flying()
        flying.hear(flying.beat())
        ordering = asyncio.ensure_future(flying.autopilot.set_mode(Mode.HOLD))
        while not flying.orders:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        flying.mode = Mode.POSITION
        flying.hear(flying.beat())
        await ordering
        assert len(flying.orders) == 1
        assert flying.autopilot.mode is Mode.POSITION

    virtual.run(scenario())


def test_the_mode_can_be_asked_for_now() -> None:
    async def scenario() -> None:
        flying = Flying()
        flying.hear(flying.beat())
        flying.mode = Mode.POSITION  # changed, and not told yet
        assert flying.autopilot.mode is Mode.OFFBOARD
        assert await flying.autopilot.current_mode() is Mode.POSITION

    virtual.run(scenario())


def test_a_failsafe_is_remembered(heard: Heard) -> None:
    flying = Flying(clock=VirtualClock())
    flying.hear(flying.beat())
    assert flying.autopilot.failed_safe == -float("inf")
    flying.hear(
        mavlink.MAVLink_statustext_message(2, b"Failsafe activated"), peer=Peer(component=3)
    )
    assert flying.autopilot.failed_safe == -float("inf")
    flying.hear(mavlink.MAVLink_statustext_message(2, b"Failsafe activated"))
    assert flying.autopilot.failed_safe > 0
    assert heard.events[-1].kind is AutopilotEvent.WARNED
    assert heard.events[-1].data == {"words": "Failsafe activated"}
