"""What happens, as typed events that go through the standard library's logging.

Each part of the rig has an enum of the kinds of events it reports, and one of the reasons it gives;
the member's value is the sentence that people read, so every sentence stands in one place and
nothing has to look into it. An event is sent to a logger of the part's own, below ``cinempc``, with
the event itself attached: what shows it (terminal, ``flight.log``, ``take.mcap``) is a handler.

Example:
    >>> class Door(Kind):
    ...     OPENED = logging.INFO, "door {number} has been opened"
    >>> seen = []
    >>> with handled("cinempc.house", EventHandler(seen.append)):
    ...     _ = EventLogger("cinempc.house").log(Door.OPENED, number=3)
    >>> seen[0].kind, seen[0].text, seen[0].data["number"]
    (<Door.OPENED: (20, 'door {number} has been opened')>, 'door 3 has been opened', 3)
"""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, unique
from pathlib import Path
from typing import Any

from cinempc.addresses import without_secrets
from cinempc.errors import CinempcError
from cinempc.files import why

#: The logger that all others are below.
ROOT = "cinempc"


class Reason(Enum):
    """Why something is as it is: base of the reasons that a part gives. A member's value is its
    sentence, with places for the data of a `Problem`."""

    @property
    def template(self) -> str:
        """The sentence, with places for the data."""
        return str(self.value)


class Kind(Enum):
    """What can happen: base of the kinds of events that a part reports. A member's value is its
    level, as in `logging`, and its sentence, with places for the data of an `Event`."""

    @property
    def level(self) -> int:
        """How much it matters: ``logging.INFO``, ``WARNING`` or ``ERROR``."""
        return int(self.value[0])

    @property
    def template(self) -> str:
        """The sentence, with places for the data."""
        return str(self.value[1])


@dataclass(frozen=True)
class Problem:
    """A reason with what belongs to it. As a string it is its sentence."""

    reason: Reason
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sentence."""
        return _sentence(self.reason.template, self.data)

    def __str__(self) -> str:
        return self.text


def problem(reason: Reason, /, **data: Any) -> Problem:
    """A reason with its data."""
    return Problem(reason, data)


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        kind: what.
        data: what belongs to it, by name.
        time: when, s since 1970; NaN where that is not known.
    """

    kind: Kind
    data: Mapping[str, Any] = field(default_factory=dict)
    time: float = math.nan

    @property
    def level(self) -> int:
        """How much it matters, as in `logging`."""
        return self.kind.level

    @property
    def text(self) -> str:
        """The sentence."""
        return _sentence(self.kind.template, self.data)

    def __str__(self) -> str:
        return self.text


def _sentence(template: str, data: Mapping[str, Any]) -> str:
    return without_secrets(template.format(**data))


class EventLogger:
    """Where a part reports what happens.

    Args:
        name: of its logger, such as ``cinempc.flight.pilot``.
        utc: gives the time, s since 1970.
    """

    def __init__(self, name: str, utc: Callable[[], float] = time.time) -> None:
        self._logger, self._utc = logging.getLogger(name), utc

    def log(self, kind: Kind, /, **data: Any) -> Event:
        """Report that something happened; the event that was made of it."""
        event = Event(kind, data, self._utc())
        self._logger.log(event.level, "%s", event, extra={"event": event})
        return event


_LOG = EventLogger(f"{ROOT}.log")


def relay(name: str, level: int, what: Event | str) -> None:
    """Hand a record of a `RelayHandler` to the logger of its name, in this process."""
    event = what if isinstance(what, Event) else None
    logging.getLogger(name).log(level, "%s", what, extra={"event": event})


def event_of(record: logging.LogRecord) -> Event | None:
    """The event attached to a log record; None where there is none."""
    event = getattr(record, "event", None)
    return event if isinstance(event, Event) else None


class EventHandler(logging.Handler):
    """Hands the events of a logger to a function; records without one are left out.

    Args:
        take: called with each event, in the thread that reported it.
        level: lowest that is handed on.
    """

    def __init__(self, take: Callable[[Event], None], level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        """Take in a record."""
        event = event_of(record)
        if event is not None:
            self._take(event)


@unique
class LogEvent(Kind):
    """What is reported of the log itself."""

    NOT_WRITTEN = logging.WARNING, "{path}: the log cannot be written any more ({reason})"


class LogFile(logging.FileHandler):
    """Lines in a file. One that cannot be written any more, on a full disk, is told once, and harms
    nobody who reports something.

    Args:
        path: the file; its folder is made where it is missing.
        mode: "w" replaces one that is there, "a" adds to it.

    Raises:
        CinempcError: it cannot be made.
    """

    def __init__(self, path: Path, mode: str = "w") -> None:
        self._told = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(path, mode=mode, encoding="utf-8")
        except OSError as error:
            raise CinempcError(f"{path}: the log cannot be written ({why(error)})") from error

    def format(self, record: logging.LogRecord) -> str:
        """A record's line, without the secrets of addresses."""
        return without_secrets(super().format(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Something was not written."""
        if self._told:
            return
        self._told = True
        error = sys.exc_info()[1]
        reason = "for whatever reason" if error is None else why(error)
        _LOG.log(LogEvent.NOT_WRITTEN, path=self.baseFilename, reason=reason)

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):  # what waits for a full disk
            super().close()


class RelayHandler(logging.Handler):
    """Hands records to a function as values that can be sent to another process, where `relay`
    takes them.

    Args:
        send: called with the logger's name, the level, and the event or, for a record without one,
            the message.
    """

    def __init__(self, send: Callable[[str, int, Event | str], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Take in a record."""
        self._send(record.name, record.levelno, event_of(record) or record.getMessage())


@contextmanager
def handled(name: str, *handlers: logging.Handler, level: int = logging.INFO) -> Iterator[None]:
    """Have a logger's records handled, from ``level`` on, for as long as the block lasts; the
    handlers are closed at its end."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(min(level, before) if before else level)
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(before)
