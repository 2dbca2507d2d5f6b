"""Records beside the control loop: a thread does the encoding, drawing and writing."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from cinempc.errors import CinempcError
from cinempc.record.recorder import Recorder
from cinempc.rig.events import CycleEvent, FrameEvent

#: Pictures that may wait, four seconds of them: beyond that the disk or the encoder is too slow,
#: and the newest are dropped.
_WAITING = 100


class BackgroundRecorder:
    """A `Recorder` that never lets its caller wait. A context manager; leaving it finishes what
    waits, and the files. What fails is raised by the next call, or when it is left.

    Attributes:
        dropped: pictures that were not recorded because too many waited.

    Args:
        recorder: does the work, in a thread.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._error: CinempcError | None = None
        self.dropped = 0

    def frame(self, event: FrameEvent) -> None:
        """Record a picture."""
        if self._work.qsize() > _WAITING:
            self.dropped += 1
            return
        self._put(lambda: self._recorder.frame(event))

    def cycle(self, event: CycleEvent) -> None:
        """Record a control step."""
        self._put(lambda: self._recorder.cycle(event))

    def __enter__(self) -> Self:
        self._recorder.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._work.put(None)
        self._thread.join()
        self._recorder.__exit__(kind, error, trace)
        if kind is None and self._error is not None:
            raise self._error

    def _put(self, work: Callable[[], None]) -> None:
        if self._error is not None:
            # A full disk is no reason to fall out of the sky, but one to end the take in order.
            raise self._error
        self._work.put(work)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            if self._error is not None:
                continue
            try:
                work()
            except CinempcError as error:
                self._error = error
            except Exception as error:
                self._error = CinempcError(f"the take cannot be recorded any more: {error}")
