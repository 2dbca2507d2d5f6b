"""The newest frame counts: older ones are dropped, errors are survived, nothing blocks."""

import threading

import pytest

from perception.worker import NewestFrame

LONG = 20.0  # s; only a failing test waits so long


class Gate:
    """A function that tells when it has begun and goes on only when it may."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.may = threading.Semaphore(0)

    def __call__(self, item):
        self.begun.release()
        assert self.may.acquire(timeout=LONG)
        if isinstance(item, Exception):
            raise item
        return item * 10

    def wait_begun(self):
        assert self.begun.acquire(timeout=LONG)


class Clock:
    """Shows what it is set to."""

    now = 0.0

    def __call__(self):
        return self.now


def test_a_newer_item_replaces_one_that_has_not_begun():
    gate = Gate()
    with NewestFrame(gate) as worker:
        worker.submit(1)
        gate.wait_begun()
        for item in (2, 3, 4):
            worker.submit(item)  # the function still holds 1: a submit that waited would hang
        assert worker.dropped == 2
        gate.may.release(2)
        assert worker.wait(LONG)
        assert [(f.item, f.result) for f in worker.results()] == [(1, 10), (4, 40)]
        assert worker.results() == []
        assert worker.dropped == 2


def test_results_come_in_order_with_their_times():
    clock, gate = Clock(), Gate()
    with NewestFrame(gate, clock=clock) as worker:
        for item in range(3):
            clock.now = float(item)
            worker.submit(item)
            gate.wait_begun()
            clock.now = item + 0.25
            gate.may.release()
            assert worker.wait(LONG)
        assert [tuple(f) for f in worker.results()] == [
            (0, 0, 0.0, 0.25), (1, 10, 1.0, 1.25), (2, 20, 2.0, 2.25),
        ]  # fmt: skip


def test_an_exception_costs_its_item_and_not_the_thread():
    gate = Gate()
    gate.may.release(3)
    with NewestFrame(gate) as worker:
        for item in (1, ValueError("no picture"), 3):
            worker.submit(item)
            assert worker.wait(LONG)
        assert [f.result for f in worker.results()] == [10, 30]
        assert worker.failed == 1
        assert str(worker.last_error) == "no picture"


def test_statistics_of_known_times():
    clock, gate = Clock(), Gate()
    with NewestFrame(gate, clock=clock) as worker:
        empty = worker.statistics()
        assert empty.rate != empty.rate
        assert empty.p50 != empty.p50
        for i in range(101):  # latencies 0, 1, 2 ... 100 ms, one end every 0.5 s
            clock.now = 0.5 * i - 0.001 * i
            worker.submit(i)
            gate.wait_begun()
            clock.now = 0.5 * i
            gate.may.release()
            assert worker.wait(LONG)
        seen = worker.statistics()
    assert (seen.done, seen.dropped, seen.failed, seen.forgotten) == (101, 0, 0, 0)
    assert seen.rate == pytest.approx(2.0)
    assert (seen.p50, seen.p95, seen.p99) == pytest.approx((0.050, 0.095, 0.099))


def test_statistics_look_at_the_last_results_only():
    clock, gate = Clock(), Gate()
    gate.may.release(20)
    with NewestFrame(gate, window=5, clock=clock) as worker:
        for i in range(15):
            clock.now = i if i < 10 else 9 + 0.1 * (i - 9)
            worker.submit(i)
            assert worker.wait(LONG)
        assert worker.statistics().rate == pytest.approx(10.0)
        assert worker.statistics().done == 15


def test_results_that_nobody_fetches_are_bounded_and_counted():
    gate = Gate()
    gate.may.release(5)
    with NewestFrame(gate, keep=3) as worker:
        for item in range(5):
            worker.submit(item)
            assert worker.wait(LONG)
        assert [f.item for f in worker.results()] == [2, 3, 4]
        assert worker.forgotten == 2


def test_closing_drops_what_waits_and_ends_the_thread():
    gate = Gate()
    worker = NewestFrame(gate)
    worker.submit(1)
    gate.wait_begun()
    worker.submit(2)
    assert not worker.close(timeout=0.0)  # 1 still runs: closing does not hang on it
    gate.may.release(5)
    assert worker.close(timeout=LONG)
    assert worker.dropped == 1
    assert [f.item for f in worker.results()] == [1]
    with pytest.raises(RuntimeError):
        worker.submit(3)
    assert worker.close()


def test_the_block_ends_an_idle_worker():
    with NewestFrame(lambda item: item) as worker:
        pass
    assert worker.close(timeout=0.0)
