"""Signals that end a program, between two steps of its work and not within one."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any, TypeVar

_T = TypeVar("_T")


@contextmanager
def between_steps() -> Iterator[Callable[[], None]]:
    """Ctrl-C and SIGTERM wait until the step that is being worked on is whole.

    So a picture that is in the film is in the figures too. A second signal does not wait. Signals
    that are ignored, or whose default ends the process, stay as they are; in another thread than
    the main one nothing changes.

    Yields:
        To be called between two steps: what has come meanwhile takes effect.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    pending: list[tuple[int, FrameType | None]] = []
    handlers: dict[int, Callable[[int, FrameType | None], Any]] = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM)
        if callable(handler := signal.getsignal(number))
    }

    def hear(number: int, frame: FrameType | None) -> None:
        pending.append((number, frame))
        if len(pending) > 1:
            take_effect()

    def take_effect() -> None:
        if pending:
            number, frame = pending[-1]
            pending.clear()
            handlers[number](number, frame)

    for number in handlers:
        signal.signal(number, hear)
    try:
        yield take_effect
    finally:
        for number, handler in handlers.items():
            if signal.getsignal(number) is hear:  # the handler itself may have changed it
                signal.signal(number, handler)
        take_effect()


@contextmanager
def closed_whole(files: AbstractContextManager[_T]) -> Iterator[_T]:
    """Files that a Ctrl-C does not cut short while they are being finished.

    Inside the block signals act at once, as ever; those that come while it is being left take
    effect when it is left.

    Args:
        files: what is entered, and left in peace.

    Yields:
        What ``files`` gives when it is entered.
    """
    opened = files.__enter__()
    try:
        yield opened
    except BaseException:
        with between_steps():
            if not files.__exit__(*sys.exc_info()):
                raise
    else:
        with between_steps():
            files.__exit__(None, None, None)
