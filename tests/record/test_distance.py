from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cinempc.record import distance


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.5, 100))
def test_the_scale_is_monotone_and_ends_at_infinity(a, b, middle):
    low, high = sorted((a, b))
    assert 0 <= distance.position(low, middle) <= distance.position(high, middle) <= 1
    assert distance.position(math.inf, middle) == 1
    assert distance.position(middle, middle) == 0.5


@given(st.floats(0.5, 100), st.floats(0.02, 0.3))
def test_ticks_keep_their_distance(middle, gap):
    places = [distance.position(tick, middle) for tick in distance.ticks(middle, gap)]
    assert places[-1] == 1
    assert all(b - a >= gap - 1e-12 for a, b in pairwise(places))


def test_text():
    texts = [distance.text(d) for d in (0.953, 5.24, 99.97, 4000.0, math.inf, math.nan)]
    assert texts == ["0.95 m", "5.2 m", "100 m", "4000 m", "∞", "–"]
    assert distance.tick_text(1.5) == "1.5"
    assert distance.middle_for([math.inf]) == 8.0
    assert distance.middle_for([9.0, 11.0, math.inf]) == 10
