"""Signals that wait for the end of a step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cinempc.app.interrupts import between_steps, closed_whole


@pytest.fixture(autouse=True, params=[signal.SIGINT, signal.SIGTERM])
def number(request: pytest.FixtureRequest) -> Iterator[int]:
    """Each signal, raising KeyboardInterrupt as in the program."""
    before = signal.signal(request.param, signal.default_int_handler)
    yield request.param
    signal.signal(request.param, before)


def test_it_takes_effect_between_two_steps(number: int) -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), between_steps() as pause:  # noqa: PT012
        for step in range(3):
            if step == 1:
                signal.raise_signal(number)
            steps.append(step)  # the step is whole
            pause()
    assert steps == [0, 1]
    assert signal.getsignal(number) is signal.default_int_handler


def test_a_second_one_does_not_wait(number: int) -> None:
    with pytest.raises(KeyboardInterrupt), between_steps():  # noqa: PT012
        signal.raise_signal(number)
        signal.raise_signal(number)
        raise AssertionError("it went on")


def test_one_that_comes_in_the_last_step_is_not_forgotten(number: int) -> None:
    with pytest.raises(KeyboardInterrupt), between_steps():
        signal.raise_signal(number)
    assert signal.getsignal(number) is signal.default_int_handler


def test_what_is_ignored_stays_ignored(number: int) -> None:
    signal.signal(number, signal.SIG_IGN)
    with between_steps() as pause:
        assert signal.getsignal(number) is signal.SIG_IGN
        signal.raise_signal(number)
        pause()


def test_another_thread_changes_nothing(number: int) -> None:
    handlers = []

    def work() -> None:
        with between_steps() as pause:
            handlers.append(signal.getsignal(number))
            pause()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


def test_files_are_finished_before_it_takes_effect(number: int) -> None:
    steps = []

    @contextmanager
    def files() -> Iterator[str]:
        try:
            yield "files"
        finally:
            signal.raise_signal(number)
            steps.append("finished")

    with pytest.raises(KeyboardInterrupt), closed_whole(files()) as opened:
        steps.append(opened)
    assert steps == ["files", "finished"]
    assert signal.getsignal(number) is signal.default_int_handler


def test_files_are_finished_where_the_work_was_interrupted_too(number: int) -> None:
    steps = []

    @contextmanager
    def files() -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            steps.append("interrupted")
            raise
        finally:
            signal.raise_signal(number)
            steps.append("finished")

    with pytest.raises(KeyboardInterrupt), closed_whole(files()):  # noqa: PT012
        signal.raise_signal(number)
        raise AssertionError("it went on")
    assert steps == ["interrupted", "finished"]
