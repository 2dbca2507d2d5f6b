"""Runs a slow function, such as a detector, beside a fast loop: always on the newest frame."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, NamedTuple, Self, TypeVar

import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")


class Finished(NamedTuple, Generic[Item, Result]):
    """An item, what the function made of it, and when it began and ended, s of the clock."""

    item: Item
    result: Result
    started: float
    ended: float


@dataclass(frozen=True)
class Statistics:
    """How a worker keeps up.

    Attributes:
        done: items whose result came.
        dropped: items that a newer one replaced before they were begun, or that were still
            waiting at the end.
        failed: items at which the function raised.
        forgotten: results that nobody fetched in time.
        rate: results a second, over the last ones; NaN before the second.
        p50, p95, p99: latency from ``submit`` to the result, s, over the last ones; NaN before
            the first.
    """

    done: int
    dropped: int
    failed: int
    forgotten: int
    rate: float
    p50: float
    p95: float
    p99: float


class NewestFrame(Generic[Item, Result]):
    """A thread that runs a function on the newest item; older ones that wait are dropped.

    An exception of the function costs its item, never the thread: see `failed`, `last_error`.

    Example:
        >>> with NewestFrame(detector.detect) as worker:
        ...     for picture in source:
        ...         worker.submit(picture)
        ...         for item, result, started, ended in worker.results(): ...

    Args:
        function: runs in the worker's thread, on one item at a time.
        window: over how many of the last results the statistics are taken.
        keep: results that wait to be fetched; of more, the oldest are forgotten (and counted).
        clock: s; monotonic.
    """

    def __init__(
        self,
        function: Callable[[Item], Result],
        *,
        window: int = 240,
        keep: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._function = function
        self._clock = clock
        self._change = threading.Condition()
        self._waiting: tuple[Item, float] | None = None
        self._busy = False
        self._closed = False
        self._finished: deque[Finished[Item, Result]] = deque(maxlen=keep)
        self._latencies: deque[float] = deque(maxlen=window)
        self._ends: deque[float] = deque(maxlen=window)
        self.done = 0
        self.dropped = 0
        self.failed = 0
        self.forgotten = 0
        self.last_error: Exception | None = None
        # A daemon: a function that hangs in a driver must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="newest-frame", daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> None:
        """Hand over an item; one that still waits is dropped. Never waits for the function.

        Raises:
            RuntimeError: the worker is closed.
        """
        with self._change:
            if self._closed:
                raise RuntimeError("the worker is closed")
            self.dropped += self._waiting is not None
            self._waiting = item, self._clock()
            self._change.notify_all()

    def results(self) -> list[Finished[Item, Result]]:
        """What was finished since the last call, oldest first."""
        with self._change:
            finished = list(self._finished)
            self._finished.clear()
        return finished

    def wait(self, timeout: float | None = None) -> bool:
        """Until nothing waits and nothing runs; False where that took more than ``timeout`` s."""
        with self._change:
            return self._change.wait_for(self._idle, timeout)

    def statistics(self) -> Statistics:
        """The counts so far; rate and latencies over the last results."""
        with self._change:
            latencies, ends = list(self._latencies), list(self._ends)
            counts = (self.done, self.dropped, self.failed, self.forgotten)
        span = ends[-1] - ends[0] if len(ends) > 1 else 0.0
        rate = (len(ends) - 1) / span if span > 0 else float("nan")
        p50, p95, p99 = (
            np.percentile(latencies, (50, 95, 99)).tolist() if latencies else [float("nan")] * 3
        )
        return Statistics(*counts, rate, p50, p95, p99)

    def close(self, timeout: float = 2.0) -> bool:
        """Drop what waits and end the thread.

        Returns:
            Whether it has ended; a function that runs longer than ``timeout`` s is left to itself
            and its result is dropped.
        """
        with self._change:
            self._closed = True
            self.dropped += self._waiting is not None
            self._waiting = None
            self._change.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _idle(self) -> bool:
        return self._waiting is None and not self._busy

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting is not None or self._closed)
                if self._waiting is None:
                    return
                (item, submitted), self._waiting = self._waiting, None
                self._busy = True
                started = self._clock()
            result, error = None, None
            try:
                result = self._function(item)
            except Exception as caught:
                error = caught
            with self._change:
                self._busy = False
                ended = self._clock()
                if error is not None:
                    self.failed += 1
                    self.last_error = error
                else:
                    self.forgotten += len(self._finished) == self._finished.maxlen
                    self._finished.append(Finished(item, result, started, ended))  # type: ignore[arg-type]
                    self._latencies.append(ended - submitted)
                    self._ends.append(ended)
                    self.done += 1
                self._change.notify_all()
            del item, result, error  # a picture is not held while waiting for the next
