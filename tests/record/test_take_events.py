"""What happens in a take, as events and in its log."""

from __future__ import annotations

import logging
from dataclasses import replace
from enum import unique
from pathlib import Path

import pytest
from mcap.reader import make_reader

from cinempc.record.log.events import TakeEvent, TakeReporter
from cinempc.record.log.writer import TakeLog
from cinempc.rig.events import Loss, LossPhase
from cinempc.rig.log import EventLogger, Kind, Problem, Reason, problem
from cinempc.rig.plan import Origin
from cinempc.rig.state import Health
from tests.fakes.events import Heard
from tests.record.conftest import SyntheticTake


@unique
class Fault(Reason):
    LATE = "the link is {delay:.2f} s late"


@unique
class Radio(Kind):
    LOST = logging.ERROR, "the radio is lost"


def step(take: SyntheticTake, time: float, *losses: Loss, origin=None, wrong: tuple = ()):
    cycle = take.cycle(time)
    health = Health(not wrong, wrong)
    return replace(
        cycle,
        losses={loss.subject: loss for loss in losses},
        plan=cycle.plan if origin is None else replace(cycle.plan, origin=origin),
        state=replace(cycle.state, health=health),
    )


def lost(time: float, phase: LossPhase = LossPhase.WIDE) -> Loss:
    return Loss("hero", last_seen=time, phase=phase, since=time + 1.0)


@pytest.fixture
def reporter(take: SyntheticTake) -> TakeReporter:
    return TakeReporter("take", {shot.index: shot for shot in take.shots})


def test_a_shot_is_reported_when_it_begins(reporter: TakeReporter) -> None:
    with Heard("cinempc.take") as heard:
        assert [reporter.shot(k, at) for k, at in ((0, 0.0), (0, 0.1), (1, 0.5), (7, 0.9))] == [
            True, False, True, True
        ]  # fmt: skip
    assert [event.kind for event in heard.events] == [
        TakeEvent.SHOT, TakeEvent.SHOT, TakeEvent.UNNAMED_SHOT
    ]  # fmt: skip
    assert heard.events[1].text == "shot 2: Orbit (orbit)"
    assert heard.events[1].data["at"] == 0.5


def test_a_loss_from_its_beginning_to_its_end(take: SyntheticTake, reporter: TakeReporter) -> None:
    with Heard("cinempc.take") as heard:
        reporter.cycle(step(take, 0.1))
        reporter.cycle(step(take, 0.2, lost(0.0)))
        reporter.cycle(step(take, 0.3, lost(0.0), origin=Origin.HOVERING))
        hover = lost(0.0, LossPhase.HOVER)
        reporter.cycle(step(take, 0.4, hover, origin=Origin.HOVERING))
        reporter.cycle(step(take, 0.5, hover, origin=Origin.HOVERING))
        reporter.cycle(step(take, 0.6))
    assert [event.kind for event in heard.events] == [
        TakeEvent.LOST, TakeEvent.HOVERING, TakeEvent.SEEN_AGAIN
    ]  # fmt: skip
    assert {event.data["subject"] for event in heard.events} == {"hero"}
    assert heard.events[0].text == "hero lost, last seen at 0.0 s"


def test_who_is_not_needed_any_more_was_not_seen_again(
    take: SyntheticTake, reporter: TakeReporter
) -> None:
    with Heard("cinempc.take") as heard:
        reporter.cycle(step(take, 0.2, lost(0.3)))  # as seen as the estimates say
        reporter.cycle(step(take, 0.3))
    assert [event.kind for event in heard.events] == [TakeEvent.LOST, TakeEvent.NOT_NEEDED]


def test_a_problem_is_reported_once_while_it_lasts(
    take: SyntheticTake, reporter: TakeReporter
) -> None:
    def late(delay: float) -> tuple[Problem, ...]:
        return (problem(Fault.LATE, delay=delay),)

    with Heard("cinempc.take") as heard:
        for time, wrong in ((0.1, late(0.3)), (0.2, late(0.4)), (0.3, ()), (0.4, late(0.3))):
            reporter.cycle(step(take, time, wrong=wrong))
    assert [event.data["at"] for event in heard.of(Fault.LATE)] == [0.1, 0.4]


def test_the_log_has_the_events_of_every_part(take: SyntheticTake, tmp_path: Path) -> None:
    """Of the take at their time on its clock, of others at the newest; none of another take."""
    path = tmp_path / "take.mcap"
    with TakeLog(path, take.camera, take.shots) as written:
        written.cycle(take.cycle(0.25))
        EventLogger("cinempc.flight.radio").log(Radio.LOST)
        TakeReporter("another", {}).shot(3, 9.0)
    EventLogger("cinempc.flight.radio").log(Radio.LOST)  # it is finished
    with path.open("rb") as stream:
        found = [
            (message.log_time, message.data)
            for _, _, message in make_reader(stream).iter_messages(topics=["/events"])
        ]
    assert [time for time, _ in found] == [250_000_000] * 2
    assert b"shot 1: Push in (push_in)" in found[0][1]
    assert b"the radio is lost" in found[1][1]
