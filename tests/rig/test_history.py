"""Values at past times."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.rig.history import History, Sample, share

TIMES = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=30)


def kept(*times: float, restart: float = math.inf) -> History[float]:
    history = History[float](kept=5.0, restart=restart)
    for time in times:
        history.add(time, 10 * time)
    return history


def test_nothing_is_known_at_first() -> None:
    assert len(kept()) == 0
    assert math.isnan(kept().newest)
    assert kept().around(1.0) == (None, None)


def test_the_two_around_a_time() -> None:
    history = kept(1.0, 2.0, 3.0)
    assert history.around(2.5) == (Sample(2.0, 20.0), Sample(3.0, 30.0))
    assert history.around(2.0) == (Sample(2.0, 20.0), Sample(3.0, 30.0))
    assert history.around(0.5) == (None, Sample(1.0, 10.0))
    assert history.around(3.5) == (Sample(3.0, 30.0), None)


def test_what_was_overtaken_finds_its_place_and_the_same_again_is_left_out() -> None:
    history = kept(1.0, 3.0, 2.0)
    history.add(2.0, 99.0)
    assert [history[k] for k in range(len(history))] == [
        Sample(1.0, 10.0),
        Sample(2.0, 20.0),
        Sample(3.0, 30.0),
    ]


def test_what_is_older_than_is_kept_goes() -> None:
    history = kept(1.0, 2.0, 6.5)
    assert history[0].time == 2.0


def test_a_time_far_back_begins_anew_and_says_so() -> None:
    history = kept(10.0, 11.0, restart=1.0)
    assert not history.add(10.5, 0.0)
    assert history.add(2.0, 20.0)
    assert len(history) == 1
    assert history.newest == 2.0


@given(TIMES, st.floats(-10.0, 110.0))
def test_whatever_comes_in_whatever_order(times: list[float], when: float) -> None:
    history = kept(*times)
    found = [history[k].time for k in range(len(history))]
    assert found == sorted({t for t in times if t >= max(times) - 5.0} | set(found))
    assert found[-1] - found[0] <= 5.0
    before, after = history.around(when)
    assert before is None or before.time <= when
    assert after is None or after.time > when
    assert before is not None or after is not None


def test_shares_of_the_way() -> None:
    assert share(1.0, 3.0, 1.0) == 0.0
    assert share(1.0, 3.0, 2.5) == pytest.approx(0.75)
