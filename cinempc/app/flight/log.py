"""What is reported of a flight as a whole, and the file in the take's folder that all of it goes
into."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import unique
from logging import ERROR, INFO, WARNING
from pathlib import Path

from cinempc.rig.log import ROOT, EventLogger, Kind, LogFile, event_of, handled

LOG = EventLogger("cinempc.flight")


@unique
class FlyEvent(Kind):
    """What is reported."""

    CONNECTING = INFO, "connecting to {address}"
    CONNECTED = INFO, "PX4 {version}; the camera streams to {video}"
    CAUTION = WARNING, "{words}"
    FIT = INFO, "fit to fly: battery {battery}, {fence}"
    TAKING_OFF = INFO, "taking off to {height:g} m"
    PHASE = INFO, "{phase}"
    OFF_MARK = INFO, "not on the mark yet: {reasons}"
    ENDING = INFO, "the flight ends: {after}"
    NOT_IN_CONTROL = INFO, "nothing is ordered: this flight was not in control of the vehicle"
    NOT_ENDED = WARNING, "the flight could not be ended: {error}"
    VEHICLE = WARNING, "the vehicle now: {mode}, {armed}, {height:.1f} m above its take-off point"
    NOT_RECORDED = ERROR, "the camera's own recording: {error}"
    PICTURE_SHAPE = (
        WARNING,
        "the pictures are {width} x {height}, and the camera's file has a sensor of {shape:.2f}:1: "
        "what is measured in the pictures will be off; mend the file",
    )
    PICTURES_DROPPED = WARNING, "{count} pictures were not recorded: the disk is too slow"
    PICTURES = INFO, "pictures while it rolled: {counts}"
    STREAM = (
        INFO,
        "stream: {rate:.1f} setpoints a second of the vehicle's, off by {median_ms:.2f} ms in the "
        "median, {p99_ms:.2f} ms at the 99th percentile",
    )


class _Lines(logging.Formatter):
    """Time with its zone, level, sentence."""

    def format(self, record: logging.LogRecord) -> str:
        event = event_of(record)
        time = record.created if event is None else event.time
        stamp = datetime.fromtimestamp(time).astimezone()
        level = record.levelname.lower()
        return f"{stamp.isoformat(timespec='milliseconds')} {level:7} {record.getMessage()}"


@contextmanager
def flight_log(path: Path) -> Iterator[None]:
    """All that happens goes into a file too, one line an event, until the block ends.

    Raises:
        CinempcError: the file cannot be made.
    """
    handler = LogFile(path)
    handler.setFormatter(_Lines())
    handler.setLevel(INFO)
    with handled(ROOT, handler):
        yield
