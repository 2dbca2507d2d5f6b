"""Virtual time: an event loop that never waits, but jumps to its next timer.

Whatever reads the loop's clock and sleeps in the loop runs as it would by the wall, at the same
times, as fast as the processor can, and in the same way each time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Self

#: 2026-01-01T00:00:00Z, s since 1970: when a virtual clock begins.
_BEGINS = 1_767_225_600.0


class VirtualClock:
    """A clock that stands still until it is moved: a `cinempc.rig.clock.Clock`.

    Args:
        start: its monotonic time at first, s; not zero, so that nobody takes it for "never".
    """

    def __init__(self, start: float = 1000.0) -> None:
        self._start = self._now = start

    def now(self) -> float:
        return self._now

    def utc(self) -> float:
        return _BEGINS + self._now - self._start

    def advance(self, seconds: float) -> None:
        """Move it on."""
        if seconds < 0:
            raise ValueError("a clock does not go back")
        self._now += seconds


class LoopClock:
    """The running event loop's time, whichever that is: a `cinempc.rig.clock.Clock`. Outside of
    any it stands at zero."""

    def now(self) -> float:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return 0.0

    def utc(self) -> float:
        return _BEGINS + self.now()


LOOP = LoopClock()


class _JumpingSelector(selectors.DefaultSelector):
    """Looks for what came, without waiting; time goes on in place of it."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        came = super().select(0)
        if came:
            return came
        if timeout is None:
            raise RuntimeError("nothing will ever happen any more: everybody waits for somebody")
        if timeout > 0:
            self._clock.advance(timeout)
        return came


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time. What is handed to a thread is done at once, in this one.

    Args:
        clock: which it moves; hand the same to everything that reads a clock.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        super().__init__(_JumpingSelector(clock))

    def time(self) -> float:
        return self.clock.now()

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class VirtualTime:
    """A loop in virtual time, and its clock: a context manager.

    Attributes:
        clock: to be handed to whatever reads one.
    """

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self._runner = asyncio.Runner(loop_factory=lambda: VirtualLoop(self.clock))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end. Tasks that it leaves behind stand still until the next."""
        return self._runner.run(work)

    def close(self) -> None:
        """End the tasks that are left, and the loop."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run(story: Coroutine[Any, Any, Any]) -> Any:
    """Run one coroutine in virtual time of its own; `LOOP` is its clock."""
    with VirtualTime() as time:
        return time.run(story)
