"""Runs the parts of a set-up: starts them in order, each when the one before is ready, watches over
them, and ends them in reverse order, however it ends itself.

One thread, which looks at everything twenty times a second: the kernel ends a part when the thread
that started it does (`cinempc.launch.processes`).
"""

from __future__ import annotations

import contextlib
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import FrameType

from cinempc.errors import CinempcError
from cinempc.launch import guard, processes
from cinempc.launch.ready import Condition, Runs

#: How often all is looked at, s.
_LOOK = 0.05
#: Lines of a log that a message shows.
_TAIL = 15
#: Bytes from the end of a log in which its last lines are looked for.
_END = 16384
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


class LaunchError(CinempcError):
    """A part that did not start, was not ready in time, or ended when it should not."""


class State(Enum):
    """Where a part stands."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    ENDING = "ending"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True)
class Part:
    """One process of a set-up.

    Attributes:
        name: of the part and its log.
        words: program and arguments.
        ready: when the next may start.
        within: time for that, s.
        grace: time for an orderly end after SIGINT, s.
        main: whether the set-up ends when it ends, with its status.
        environment: variables, beside those that there are.
        folder: to run in, made if need be; where the launcher runs if None.
        clean_up: commands that end what the part leaves behind.
        log: where its output goes.
    """

    name: str
    words: Sequence[str]
    log: Path
    ready: Condition = field(default_factory=Runs)
    within: float = 60.0
    grace: float = 5.0
    main: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    clean_up: Sequence[Sequence[str]] = ()


@dataclass
class Status:
    """A part, and how it goes."""

    part: Part
    state: State = State.WAITING
    since: float = field(default_factory=time.monotonic)  # monotonic s
    process: processes.Process | None = None

    def turn(self, state: State) -> None:
        """Go on to another state."""
        self.state, self.since = state, time.monotonic()


class Supervisor:
    """Runs parts.

    Args:
        parts: in the order in which they start.
        show: called with how all go, many times a second; must return soon.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        show: Callable[[Sequence[Status]], None] = lambda statuses: None,
    ) -> None:
        self.statuses = [Status(part) for part in parts]
        self._show = show
        self._token = secrets.token_hex(16)
        self._signals: list[int] = []

    def run(self) -> int:
        """Run until the main part ends, a signal comes, or, with no main part, a signal comes.

        Returns:
            The main part's status, or 128 and the signal's number (130 after Ctrl-C).

        Raises:
            LaunchError: a part failed; all the others have been ended.
        """
        with self._listening():
            watch = guard.Guard(self._token)
            for status in self.statuses:
                for command in status.part.clean_up:
                    watch.clean_up(command)
            try:
                self._tell()
                return self._run()
            finally:
                self._end()
                watch.done()

    def _run(self) -> int:
        for status in self.statuses:
            result = self._start(status)
            if result is not None:
                return result
        while True:
            result = self._look()
            if result is not None:
                return result
            time.sleep(_LOOK)

    def _start(self, status: Status) -> int | None:
        """Start a part and wait until it is ready; the set-up's status if it ends meanwhile."""
        part = status.part
        part.log.parent.mkdir(parents=True, exist_ok=True)
        if part.folder is not None:
            part.folder.mkdir(parents=True, exist_ok=True)
        try:
            part.ready.open()
            status.process = processes.Process(
                part.words,
                part.log,
                environment=part.environment,
                folder=part.folder,
                token=self._token,
            )
            self._turn(status, State.STARTING)
            until = status.since + part.within
            while not part.ready.met():
                result = self._look()
                if result is not None:
                    return result
                if time.monotonic() > until:
                    self._turn(status, State.FAILED)
                    raise LaunchError(
                        f"{part.name} was not ready within {part.within:g} s: waited for "
                        f"{part.ready}. {ending(part.log)}"
                    )
                time.sleep(_LOOK)
        finally:
            part.ready.close()
        self._turn(status, State.READY)
        return self._look()

    def _turn(self, status: Status, state: State) -> None:
        """Every state is shown, however short it lasts."""
        status.turn(state)
        self._tell()

    def _tell(self) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone: all must still be ended
            self._show(self.statuses)

    def _look(self) -> int | None:
        """See how all go; the set-up's status if it is over."""
        self._tell()
        if self._signals:
            return 128 + self._signals[0]
        running = [s for s in self.statuses if s.process is not None]
        for status in sorted(running, key=lambda s: not s.part.main):
            assert status.process is not None
            result = status.process.status
            if result is None:
                continue
            if status.part.main:
                self._turn(status, State.ENDED if result == 0 else State.FAILED)
                return result if result >= 0 else 128 - result
            self._turn(status, State.FAILED)
            raise LaunchError(
                f"{status.part.name} has ended ({_said(result)}), so the whole set-up ends. "
                f"{ending(status.part.log)}"
            )
        return None

    def _end(self) -> None:
        """End all parts, the last first; another signal cuts the waiting short."""
        before = len(self._signals)

        def hurry() -> bool:
            return len(self._signals) > max(before, 1)

        for status in reversed(self.statuses):
            if status.process is None:
                continue
            over = status.state in (State.ENDED, State.FAILED)
            if not over:
                self._turn(status, State.ENDING)
            status.process.end(status.part.grace, hurry, self._tell)
            for command in status.part.clean_up:
                guard.run_quietly(command)
            if not over:
                self._turn(status, State.ENDED)
        processes.sweep(self._token)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Take signals down instead of dying of them."""

        def hear(number: int, frame: FrameType | None) -> None:
            self._signals.append(number)

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, hear) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def tail(log: Path, lines: int = 1) -> list[str]:
    """The last lines of a log that say something, without colours."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _END))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    said = [_ESCAPES.sub("", line).rstrip() for line in re.split(r"[\r\n]+", text)]
    return [line for line in said if line][-lines:]


def ending(log: Path) -> str:
    """How a log ends, for a message."""
    said = tail(log, _TAIL)
    if not said:
        return f"It has said nothing ({log})"
    return "\n".join([f"Its log {log} ends:", *(f"  {line}" for line in said)])


def _said(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    try:
        return f"by {signal.Signals(-status).name}"
    except ValueError:
        return f"by signal {-status}"
