"""Identities and their gaps, by hand."""

import math

import numpy as np
import pytest

from perception.evaluate.identity_metrics import gaps, identity_metrics
from perception.evaluate.matching import iou, pairs
from perception.evaluate.report import report
from tests.perception.samples import A, B, result, truth


def test_iou_by_hand():
    # 50 x 100 in common of 15 000 together.
    assert iou(np.array([A], float), np.array([(50, 0, 150, 100), B], float)) == pytest.approx(
        np.array([[1 / 3, 0]])
    )


def walk(given, frames=10, **more):
    """Two people, A and B, for ten pictures; given(k) are the identities of their finds."""
    truths = [truth(A, B, time=k / 10, ids=["hero", "friend"], **more) for k in range(frames)]
    return truths, [result(A, B, time=k / 10, ids=given(k)) for k in range(frames)]


def test_right_identities_give_one():
    found = identity_metrics(*walk(lambda k: [7, 8]))
    assert (found["idf1"], found["hota"], found["mota"]) == pytest.approx((1, 1, 1))
    assert found["switches"] == 0
    assert (found["people"], found["identities"]) == (2, 2)


def test_swapped_identities_are_two_switches_and_lower_idf1():
    # Swapped after 6 of 10: each identity is right in 6 pictures: IDTP 12, IDFP 8, IDFN 8.
    found = identity_metrics(*walk(lambda k: [7, 8] if k < 6 else [8, 7]))
    assert found["switches"] == 2
    assert found["idf1"] == pytest.approx(12 / 20)
    assert found["hota"] < 0.9
    assert found["deta"] == pytest.approx(1)


def test_names_serve_as_identities_and_nobody_is_left_out():
    found = identity_metrics(*walk(lambda k: ["x", None] if k % 2 else ["x", -1]))
    assert found["identities"] == 1
    assert found["idf1"] == pytest.approx(2 * 10 / (2 * 10 + 10))  # all of "friend" is missed


def test_who_is_ignored_costs_no_identity():
    found = identity_metrics(*walk(lambda k: [7, k + 10], ignore=np.array([False, True])))
    assert (found["idf1"], found["switches"], found["people"]) == (pytest.approx(1), 0, 1)


def test_pairs_are_the_best_of_all_and_one_to_one():
    # Each find overlaps both truths; greedily the first would take the other's.
    close = truth((0, 0, 100, 100), (20, 0, 120, 100))
    found = result((18, 0, 118, 100), (1, 0, 101, 100))
    assert [(p.truth, p.found) for p in pairs([close], [found])] == [(0, 1), (1, 0)]


def test_the_time_to_be_found_and_known_again():
    truths, results = [], []
    for k in range(40):
        hidden = 10 <= k < 20
        truths.append(
            truth(A, time=k / 10, ids=["hero"], visible=np.array([0.1 if hidden else 1.0]))
        )
        # Found again 0.2 s after the wall, by another name until 0.5 s after it.
        seen = k < 10 or k >= 22
        who = [1] if k < 10 or k >= 25 else [2]
        results.append(result(A, time=k / 10, ids=who) if seen else result(time=k / 10))
    (gap,) = gaps(truths, results)
    assert (gap.id, gap.lost, gap.back) == ("hero", pytest.approx(0.9), pytest.approx(2.0))
    assert (gap.found, gap.known) == pytest.approx((0.2, 0.5))


def test_never_known_again_is_infinite_and_null_in_json():
    truths = [truth(*([A] if k < 5 or k > 9 else []), time=k / 10) for k in range(20)]
    results = [
        result(*([A] if k < 5 or k > 9 else []), time=k / 10, ids=[[1], [], [2]][(k > 4) + (k > 9)])
        for k in range(20)
    ]
    (gap,) = gaps(truths, results)
    assert (gap.found, gap.known) == (0, math.inf)
    figures = report(truths, results)["gaps"]
    assert (figures["count"], figures["found_again"], figures["known_again"]) == (1, 1, 0)
    assert figures["known_worst_s"] is None


def test_a_blink_is_no_gap():
    truths = [truth(*([A] if k != 5 else []), time=k / 30) for k in range(20)]
    assert gaps(truths, [result(*t.boxes, time=t.time) for t in truths]) == []
