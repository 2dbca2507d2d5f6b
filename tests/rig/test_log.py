"""Typed events through logging."""

from __future__ import annotations

import logging
import pickle
from enum import unique

import pytest

from cinempc.rig.log import (
    Event,
    EventHandler,
    EventLogger,
    Kind,
    Reason,
    RelayHandler,
    event_of,
    handled,
    problem,
    relay,
)


@unique
class Fault(Reason):
    LATE = "it is {delay:.1f} s late"


@unique
class Door(Kind):
    OPENED = logging.INFO, "door {number} was opened"
    STUCK = logging.WARNING, "door {number} does not move: {reason}"


def test_an_event_reaches_its_handlers_with_all_that_it_is(caplog: pytest.LogCaptureFixture):
    seen: list[Event] = []
    with caplog.at_level(logging.INFO), handled("cinempc", EventHandler(seen.append)):
        made = EventLogger("cinempc.house", utc=lambda: 12.5).log(Door.OPENED, number=3)
    assert seen == [made]
    assert (made.kind, made.data, made.time) == (Door.OPENED, {"number": 3}, 12.5)
    assert (made.level, made.text) == (logging.INFO, "door 3 was opened")
    (record,) = caplog.records
    assert record.name == "cinempc.house"
    assert record.getMessage() == "door 3 was opened"
    assert event_of(record) == made


def test_a_reason_is_said_within_an_event():
    late = problem(Fault.LATE, delay=0.25)
    assert str(late) == "it is 0.2 s late"
    event = Event(Door.STUCK, {"number": 1, "reason": late})
    assert event.text == "door 1 does not move: it is 0.2 s late"
    assert event.data["reason"].reason is Fault.LATE


def test_records_go_from_process_to_process():
    """With the logger's name and level, and what is no event as its words."""
    sent: list[bytes] = []
    with handled("cinempc", RelayHandler(lambda *record: sent.append(pickle.dumps(record)))):
        event = EventLogger("cinempc.house").log(
            Door.STUCK, number=1, reason=problem(Fault.LATE, delay=1.0)
        )
        logging.getLogger("cinempc.garden").error("%d weeds", 3)
    records: list[logging.LogRecord] = []
    seen: list[Event] = []
    watch = logging.Handler()
    watch.emit = records.append  # type: ignore[method-assign]
    with handled("cinempc", watch, EventHandler(seen.append)):
        for data in sent:
            relay(*pickle.loads(data))
    assert seen == [event]
    assert seen[0].data["reason"].reason is Fault.LATE
    assert [(r.name, r.levelno, r.getMessage()) for r in records] == [
        ("cinempc.house", logging.WARNING, event.text),
        ("cinempc.garden", logging.ERROR, "3 weeds"),
    ]


def test_only_what_matters_enough_is_handed_on_and_nothing_after_the_block():
    seen: list[Event] = []
    log = EventLogger("cinempc.house")
    with handled("cinempc", EventHandler(seen.append, logging.WARNING)):
        log.log(Door.OPENED, number=1)
        log.log(Door.STUCK, number=2, reason="rust")
        logging.getLogger("cinempc.house").warning("a record of another kind")
    log.log(Door.STUCK, number=3, reason="rust")
    assert [event.data["number"] for event in seen] == [2]
