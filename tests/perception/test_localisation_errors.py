"""Errors of position and heading, and NEES, against known noise."""

import math

import numpy as np
import pytest

from perception.evaluate.localisation_errors import consistency, localisation_errors
from perception.evaluate.report import report
from perception.evaluate.samples import FramePredictions
from tests.perception.samples import A, placed, result, truth


@pytest.mark.parametrize("people", [1, 3])
def test_honest_estimates_lie_in_the_band(people):
    sure = consistency(localisation_errors(*placed(0.3, 0.3, people=people)))
    assert sure.inside == pytest.approx(0.95, abs=0.02)
    assert sure.mean == pytest.approx(1.0, abs=0.08)
    assert sure.above == pytest.approx(0.025, abs=0.012)


def test_estimates_too_sure_and_too_modest_do_not():
    sure = consistency(localisation_errors(*placed(0.3, 0.15)))
    assert sure.mean == pytest.approx(4, rel=0.1)
    assert sure.inside < 0.65
    assert sure.above > 0.35
    modest = consistency(localisation_errors(*placed(0.3, 0.9)))
    assert modest.inside < 0.8
    assert modest.below > 0.2


def test_an_exact_claim_that_is_wrong_is_outside_and_unknown_ones_are_left_out():
    truths, results = placed(0.3, 0.0, frames=3)
    assert consistency(localisation_errors(truths, results)).above == 1
    truths, results = placed(0.3, 0.3, frames=4)
    results[1].positions[:] = math.nan
    assert len(consistency(localisation_errors(truths, results)).frame) == 3


def test_covariances_of_the_ground_only():
    truths, results = placed(0.3, 0.3)
    flat = [
        FramePredictions(**{**vars(r), "covariances": r.covariances[:, :2, :2]}) for r in results
    ]
    seen = localisation_errors(truths, flat)
    assert set(seen.freedom) == {2}
    assert consistency(seen).inside == pytest.approx(0.95, abs=0.02)


def test_position_and_heading_errors_by_hand():
    truths = [
        truth(A, time=k / 10, positions=np.array([[10.0, 0, 0]]), headings=np.array([3.1]),
              ranges=np.array([10.0 + k]))
        for k in range(11)
    ]  # fmt: skip
    results = [
        result(A, time=k / 10, positions=np.array([[10.0, 0.3, 0.4]]), headings=np.array([-3.1]),
               latency=0.01 * k)
        for k in range(11)
    ]  # fmt: skip
    figures = report(truths, results)
    assert figures["position"]["p50_m"] == pytest.approx(0.5)
    assert figures["position"]["p50_pct_of_range"] == pytest.approx(100 * 0.5 / 15)
    # Across ±π the short way: 2π − 6.2 rad.
    assert figures["heading"]["p90_deg"] == pytest.approx(math.degrees(2 * math.pi - 6.2))
    assert figures["latency"] == pytest.approx({"p50_ms": 50, "p95_ms": 95})
    assert figures["nees"]["inside_95"] is None
