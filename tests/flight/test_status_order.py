"""Which of a gimbal manager's statuses are news."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cinempc.flight.gimbal.status_order import Order, StatusStamp

OURS, PILOT = (1, 191), (255, 190)


def orders(*stamps: StatusStamp) -> list[Order]:
    found, last = [], None
    for stamp in stamps:
        order = stamp.after(last)
        found.append(order)
        if order is not Order.OLD:
            last = stamp
    return found


def test_a_status_that_is_repeated_or_was_overtaken_is_old():
    first, second = StatusStamp(5000, OURS), StatusStamp(5200, PILOT)
    assert orders(first, first) == [Order.NEW, Order.OLD]
    assert orders(second, first) == [Order.NEW, Order.OLD]


def test_time_that_begins_anew_is_a_restart():
    assert orders(StatusStamp(5000, OURS), StatusStamp(20, (0, 0)))[1] is Order.RESTARTED


@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from([OURS, PILOT, (0, 0)]), min_size=2))
def test_where_time_stands_still_every_change_of_owner_is_news(time, owners):
    stamps = [StatusStamp(time, owner) for owner in owners]
    for before, after, order in zip(owners, owners[1:], orders(*stamps)[1:], strict=False):
        assert order is (Order.OLD if before == after else Order.TIMELESS)
