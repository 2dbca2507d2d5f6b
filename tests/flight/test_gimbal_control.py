"""Who is in control of a gimbal, without one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.flight.gimbal.control import CONTROLS, Control, Word, step


def after(*words: Word, start: Control = Control.FREE) -> Control:
    for word in words:
        start = step(start, word)
    return start


OURS = (Word.WANT, Word.CLAIM_GRANTED, Word.STATUS_OURS)


def test_it_is_claimed_and_ours():
    assert after(Word.WANT) is Control.WANTED
    assert after(*OURS[:2]) is Control.CLAIMED
    assert after(*OURS) is Control.OURS


def test_a_status_from_before_the_claim_takes_nothing():
    assert after(*OURS[:2], Word.STATUS_OTHER) is Control.OURS
    assert after(*OURS[:2], Word.STATUS_OTHER, Word.STATUS_OTHER) is Control.TAKEN


def test_who_takes_it_has_it_until_it_is_claimed_anew():
    taken = after(*OURS, Word.STATUS_OTHER)
    assert taken is Control.TAKEN
    for word in set(Word) - {Word.CLAIM_GRANTED, Word.WANT, Word.LET_GO, Word.STATUS_OURS}:
        assert step(taken, word) is Control.TAKEN
    assert step(taken, Word.CLAIM_GRANTED) is Control.CLAIMED


def test_after_it_was_let_go_whoever_takes_it_is_welcome():
    released = after(*OURS, Word.LET_GO)
    assert released is Control.RELEASED
    assert released in CONTROLS
    assert step(released, Word.STATUS_OTHER) is Control.FREE


@pytest.mark.parametrize("word", [Word.STATUS_NOBODY, Word.NO_STATUS])
def test_after_an_outage_it_is_claimed_again_if_it_is_still_wanted(word: Word):
    assert after(*OURS, word) is Control.WANTED
    assert after(*OURS, Word.LET_GO, word) is Control.FREE


@given(st.lists(st.sampled_from(Word), max_size=20))
def test_what_was_taken_is_never_ours_without_a_word_that_says_so(words: list[Word]):
    state = Control.FREE
    for word in words:
        before, state = state, step(state, word)
        if state in CONTROLS and before not in CONTROLS:
            assert word in (Word.CLAIM_GRANTED, Word.STATUS_OURS)
