"""Figures against hand-worked ones, against another implementation, and against known noise."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from perception.detections import KEYPOINTS, Detections
from perception.evaluation import (
    SIGMAS,
    FrameResult,
    FrameTruth,
    average_precision,
    consistency,
    errors,
    gaps,
    identities,
    iou,
    oks,
    pairs,
    plots,
    report,
)

A, B, FAR = (0, 0, 100, 100), (300, 0, 400, 100), (600, 0, 700, 100)
NAN = math.nan


def truth(*boxes, time=0.0, ids=None, **more):
    n = len(boxes)
    return FrameTruth(
        time, np.array(boxes, float).reshape(n, 4), list(range(n)) if ids is None else ids, **more
    )


def result(*boxes, time=0.0, ids=None, scores=None, keypoints=None, **more):
    n = len(boxes)
    scores = np.linspace(0.9, 0.5, n) if scores is None else np.array(scores, float)
    found = Detections(
        np.array(boxes, float).reshape(n, 4), scores, np.zeros(n, np.int64), keypoints=keypoints
    )
    return FrameResult(time, found, list(range(n)) if ids is None else ids, **more)


# --- boxes ---


def test_iou_by_hand():
    # 50 x 100 in common of 15 000 together.
    assert iou(np.array([A], float), np.array([(50, 0, 150, 100), B], float)) == pytest.approx(
        np.array([[1 / 3, 0]])
    )


def test_average_precision_by_hand():
    # Right, wrong, right: precision 1 up to recall 0.5, then 2/3. COCO samples at 0, 0.01 … 1.
    found = average_precision([truth(A, B)], [result(A, FAR, B)])
    half = (51 * 1 + 50 * 2 / 3) / 101
    assert (found.ap50, found.ap75, found.ap) == pytest.approx((half,) * 3)
    # B's box is 81 % right: it counts at 0.50 to 0.80, seven of ten thresholds.
    found = average_precision([truth(A, B)], [result(A, FAR, (300, 0, 381, 100))])
    assert found.ap50 == found.ap75 == pytest.approx(half)
    assert found.ap == pytest.approx((7 * half + 3 * 51 / 101) / 10)
    assert found.recall == pytest.approx([1] * 7 + [0.5] * 3)


def test_perfect_boxes_give_one_and_none_give_zero():
    truths = [truth(A, B), truth(FAR, time=1.0), truth(time=2.0)]
    perfect = [result(A, B), result(FAR, time=1.0), result(time=2.0)]
    nothing = [result(time=float(k)) for k in range(3)]
    assert average_precision(truths, perfect).ap == pytest.approx(1)
    assert average_precision(truths, nothing).ap == 0
    assert math.isnan(average_precision([truth()], [result(A)]).ap)


def test_a_second_find_of_the_same_person_is_wrong():
    once = average_precision([truth(A, B)], [result(A, B)])
    twice = average_precision([truth(A, B)], [result(A, A, B)])
    assert once.ap == pytest.approx(1)
    assert twice.ap == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_ignored_truths_neither_help_nor_harm():
    some = truth(A, B, ignore=np.array([False, True]))
    assert average_precision([some], [result(A)]).ap == pytest.approx(1)
    # Two finds on B, one of them of a part: both go uncounted, though first by score.
    both = result(B, (310, 10, 340, 60), A)
    assert average_precision([some], [both]).ap == pytest.approx(1)
    # What lies nowhere is still wrong: precision 1/2 throughout.
    assert average_precision([some], [result(FAR, A)]).ap == pytest.approx(0.5)
    # A real truth goes before an ignored one around it.
    crowd = truth(A, (-50, -50, 200, 200), ignore=np.array([False, True]))
    assert average_precision([crowd], [result(A)]).ap == pytest.approx(1)


def random_pictures(seed, pictures=25):
    """Truths, found boxes with misses, jitter and inventions."""
    rng = np.random.default_rng(seed)
    truths, results = [], []
    for k in range(pictures):
        n = rng.integers(0, 6)
        corner = rng.uniform(0, 500, (n, 2))
        boxes = np.hstack([corner, corner + rng.uniform(30, 150, (n, 2))])
        points = np.concatenate(
            [
                corner[:, None] + rng.uniform(0, 100, (n, 17, 2)),
                rng.choice([0, 1, 2], (n, 17, 1), p=[0.2, 0.2, 0.6]),
            ],
            axis=2,
        )
        points[:, 0, 2] = 2
        keep = rng.random(n) < 0.85
        extra = rng.integers(0, 3)
        corner = rng.uniform(0, 500, (extra, 2))
        found = np.vstack(
            [boxes[keep] + rng.normal(0, 6, (keep.sum(), 4)), np.hstack([corner, corner + 80])]
        )
        seen = np.vstack(
            [
                points[keep][:, :, :2] + rng.normal(0, 5, (keep.sum(), 17, 2)),
                corner[:, None] + rng.uniform(0, 80, (extra, 17, 2)),
            ]
        )
        seen = np.dstack([seen, np.ones(len(seen) * 17).reshape(-1, 17)])
        truths.append(
            truth(*boxes, time=float(k), keypoints=points, ignore=rng.random(n) < 0.15,
                  areas=(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) * 0.6)
        )  # fmt: skip
        results.append(result(*found, time=float(k), scores=rng.random(len(found)), keypoints=seen))
    return truths, results


@pytest.mark.parametrize("seed", [0, 1])
def test_box_ap_is_that_of_supervision_with_crowds(seed):
    sv = pytest.importorskip("supervision")
    from supervision.metrics import MeanAveragePrecision

    truths, results = random_pictures(seed)
    metric = MeanAveragePrecision(class_agnostic=True)
    for t, r in zip(truths, results, strict=True):
        zeros = np.zeros(len(t.boxes), int)
        metric.update(
            sv.Detections(
                r.detections.boxes, confidence=r.detections.scores, class_id=r.detections.classes
            ),
            sv.Detections(t.boxes, class_id=zeros, data={"iscrowd": np.array(t.ignore, int)}),
        )
    theirs, ours = metric.compute(), average_precision(truths, results)
    assert (ours.ap50, ours.ap) == pytest.approx((theirs.map50, theirs.map50_95), abs=1e-4)
    assert 0.2 < ours.ap < 0.95


# --- keypoints ---


def one_point(index, at, visibility=2.0):
    points = np.zeros((1, 17, 3))
    points[0, index] = *at, visibility
    return points


def test_oks_by_hand():
    # 5 px off a nose on a person of 10 000 px²: exp(-25 / (2 · 10 000 · (2 · 0.026)²)).
    person = truth(A, keypoints=one_point(0, (50, 10)), areas=np.array([1e4]))
    off = math.exp(-25 / (2 * 1e4 * 0.052**2))
    assert oks(person, one_point(0, (53, 14)))[0, 0] == pytest.approx(off)
    assert off == pytest.approx(0.6299, abs=1e-4)
    # With a hip found exactly, the mean; what is not known in truth does not count.
    both = one_point(0, (50, 10))
    both[0, 11] = 40, 60, 1
    found = one_point(0, (53, 14))
    found[0, 11] = 40, 60, 0.9
    found[0, 3] = 999, 999, 0.9
    person = truth(A, keypoints=both, areas=np.array([1e4]))
    assert oks(person, found)[0, 0] == pytest.approx((1 + off) / 2)
    # A hip may be further off than a nose.
    assert SIGMAS[KEYPOINTS.index("left_hip")] > 4 * SIGMAS[0]


def test_area_is_cocos_usual_share_of_the_box_where_it_is_not_known():
    given = truth(A, keypoints=one_point(0, (50, 10)), areas=np.array([5300.0]))
    usual = truth(A, keypoints=one_point(0, (50, 10)))
    found = one_point(0, (53, 14))
    assert oks(given, found) == pytest.approx(oks(usual, found))


def test_keypoint_ap_by_hand():
    # OKS 0.6299 counts at 0.50, 0.55 and 0.60: three of ten.
    person = truth(A, keypoints=one_point(0, (50, 10)), areas=np.array([1e4]))
    found = average_precision([person], [result(A, keypoints=one_point(0, (53, 14)))], "keypoints")
    assert (found.ap50, found.ap75, found.ap) == pytest.approx((1, 0, 0.3))
    exact = average_precision([person], [result(A, keypoints=one_point(0, (50, 10)))], "keypoints")
    assert exact.ap == pytest.approx(1)


def test_people_without_known_keypoints_do_not_count():
    two = np.concatenate([one_point(0, (50, 10)), np.zeros((1, 17, 3))])
    inside = np.zeros((1, 17, 3))
    inside[0] = 350, 50, 1
    found = np.concatenate([inside, one_point(0, (50, 10))])
    ap = average_precision(
        [truth(A, B, keypoints=two)], [result(B, A, keypoints=found)], "keypoints"
    )
    assert (ap.truths, ap.ap) == (1, pytest.approx(1))
    assert average_precision([truth(A)], [result(A)], "keypoints").truths == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_keypoint_ap_is_that_of_supervision(seed):
    sv = pytest.importorskip("supervision")
    from supervision.metrics import KeyPointMeanAveragePrecision

    truths, results = random_pictures(seed)
    truths = [FrameTruth(**{**vars(t), "ignore": None}) for t in truths]
    metric = KeyPointMeanAveragePrecision(sigmas=SIGMAS)
    for t, r in zip(truths, results, strict=True):
        metric.update(
            sv.KeyPoints(
                r.detections.keypoints[:, :, :2].astype(np.float32),
                class_id=r.detections.classes,
                detection_confidence=r.detections.scores.astype(np.float32),
            )
            if len(r.detections)
            else sv.KeyPoints.empty(),
            sv.KeyPoints(
                t.keypoints[:, :, :2].astype(np.float32),
                class_id=np.zeros(len(t.boxes), int),
                visible=t.keypoints[:, :, 2] > 0,
                data={"area": t.areas},
            )
            if len(t.boxes)
            else sv.KeyPoints.empty(),
        )
    theirs, ours = metric.compute(), average_precision(truths, results, "keypoints")
    assert (ours.ap50, ours.ap) == pytest.approx((theirs.map50, theirs.map50_95), abs=1e-3)
    assert 0.1 < ours.ap < 0.95


# --- who is who ---


def walk(given, frames=10, **more):
    """Two people, A and B, for ten pictures; given(k) are the identities of their finds."""
    truths = [truth(A, B, time=k / 10, ids=["hero", "friend"], **more) for k in range(frames)]
    return truths, [result(A, B, time=k / 10, ids=given(k)) for k in range(frames)]


def test_right_identities_give_one():
    found = identities(*walk(lambda k: [7, 8]))
    assert (found["idf1"], found["hota"], found["mota"]) == pytest.approx((1, 1, 1))
    assert found["switches"] == 0
    assert (found["people"], found["identities"]) == (2, 2)


def test_swapped_identities_are_two_switches_and_lower_idf1():
    # Swapped after 6 of 10: each identity is right in 6 pictures: IDTP 12, IDFP 8, IDFN 8.
    found = identities(*walk(lambda k: [7, 8] if k < 6 else [8, 7]))
    assert found["switches"] == 2
    assert found["idf1"] == pytest.approx(12 / 20)
    assert found["hota"] < 0.9
    assert found["deta"] == pytest.approx(1)


def test_names_serve_as_identities_and_nobody_is_left_out():
    found = identities(*walk(lambda k: ["x", None] if k % 2 else ["x", -1]))
    assert found["identities"] == 1
    assert found["idf1"] == pytest.approx(2 * 10 / (2 * 10 + 10))  # all of "friend" is missed


def test_who_is_ignored_costs_no_identity():
    found = identities(*walk(lambda k: [7, k + 10], ignore=np.array([False, True])))
    assert (found["idf1"], found["switches"], found["people"]) == (pytest.approx(1), 0, 1)


def test_pairs_are_the_best_of_all_and_one_to_one():
    # Each find overlaps both truths; greedily the first would take the other's.
    close = truth((0, 0, 100, 100), (20, 0, 120, 100))
    found = result((18, 0, 118, 100), (1, 0, 101, 100))
    assert [(p.truth, p.found) for p in pairs([close], [found])] == [(0, 1), (1, 0)]


# --- lost and found ---


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
    told = report(truths, results)["gaps"]
    assert (told["count"], told["found_again"], told["known_again"]) == (1, 1, 0)
    assert told["known_worst_s"] is None


def test_a_blink_is_no_gap():
    truths = [truth(*([A] if k != 5 else []), time=k / 30) for k in range(20)]
    assert gaps(truths, [result(*t.boxes, time=t.time) for t in truths]) == []


# --- where, and how sure ---


def placed(noise, claimed, frames=2000, people=1, seed=0):
    """Somebody 20 m off, placed with Gaussian noise of a deviation, and the one claimed."""
    rng = np.random.default_rng(seed)
    boxes = [A, B, FAR][:people]
    shape = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.5]])
    root = np.linalg.cholesky(shape)
    truths, results = [], []
    for k in range(frames):
        at = rng.uniform(-20, 20, (people, 3))
        off = noise * rng.normal(size=(people, 3)) @ root.T
        truths.append(truth(*boxes, time=k / 24, positions=at, ranges=np.full(people, 20.0)))
        results.append(
            result(*boxes, time=k / 24, positions=at + off,
                   covariances=np.repeat(claimed**2 * shape[None], people, axis=0))
        )  # fmt: skip
    return truths, results


@pytest.mark.parametrize("people", [1, 3])
def test_honest_estimates_lie_in_the_band(people):
    sure = consistency(errors(*placed(0.3, 0.3, people=people)))
    assert sure.inside == pytest.approx(0.95, abs=0.02)
    assert sure.mean == pytest.approx(1.0, abs=0.08)
    assert sure.above == pytest.approx(0.025, abs=0.012)


def test_estimates_too_sure_and_too_modest_do_not():
    sure = consistency(errors(*placed(0.3, 0.15)))
    assert sure.mean == pytest.approx(4, rel=0.1)
    assert sure.inside < 0.65
    assert sure.above > 0.35
    modest = consistency(errors(*placed(0.3, 0.9)))
    assert modest.inside < 0.8
    assert modest.below > 0.2


def test_an_exact_claim_that_is_wrong_is_outside_and_unknown_ones_are_left_out():
    truths, results = placed(0.3, 0.0, frames=3)
    assert consistency(errors(truths, results)).above == 1
    truths, results = placed(0.3, 0.3, frames=4)
    results[1].positions[:] = NAN
    assert len(consistency(errors(truths, results)).frame) == 3


def test_covariances_of_the_ground_only():
    truths, results = placed(0.3, 0.3)
    flat = [FrameResult(**{**vars(r), "covariances": r.covariances[:, :2, :2]}) for r in results]
    seen = errors(truths, flat)
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
    told = report(truths, results)
    assert told["position"]["p50_m"] == pytest.approx(0.5)
    assert told["position"]["p50_pct_of_range"] == pytest.approx(100 * 0.5 / 15)
    # Across ±π the short way: 2π − 6.2 rad.
    assert told["heading"]["p90_deg"] == pytest.approx(math.degrees(2 * math.pi - 6.2))
    assert told["latency"] == pytest.approx({"p50_ms": 50, "p95_ms": 95})
    assert told["nees"]["inside_95"] is None


# --- all of it ---


def test_a_perfect_report_is_json_with_ones():
    points = np.concatenate([one_point(0, (50, 10)), one_point(0, (350, 10))])
    truths = [truth(A, B, time=k / 10, keypoints=points) for k in range(5)]
    told = report(truths, [result(A, B, time=k / 10, keypoints=points) for k in range(5)])
    assert told == json.loads(json.dumps(told, allow_nan=False))
    assert told["boxes"]["ap"] == told["keypoints"]["ap"] == pytest.approx(1)
    assert told["identity"]["idf1"] == pytest.approx(1)
    assert told["position"]["p50_m"] is None


def test_nothing_at_all_is_a_report_too(tmp_path):
    assert report([], [])["frames"] == 0
    assert report([truth()], [result()])["boxes"]["ap"] is None
    assert plots([truth()], [result()], tmp_path) == []


def test_what_does_not_pair_is_refused():
    with pytest.raises(ValueError, match="must pair"):
        report([truth(A)], [])
    with pytest.raises(ValueError, match="truth is of"):
        report([truth(A)], [result(A, time=1.0)])
    with pytest.raises(ValueError, match="id for each"):
        report([truth(A)], [result(A, ids=[])])


def test_every_plot_is_a_picture(tmp_path):
    truths, results = placed(0.3, 0.3, frames=40, people=2)
    headings = np.zeros(2)
    truths = [FrameTruth(**{**vars(t), "headings": headings}) for t in truths]
    results = [FrameResult(**{**vars(r), "headings": headings + 0.1}) for r in results]
    files = plots(truths, results, tmp_path / "new")
    assert [f.stem for f in files] == [
        "position_time", "position_range", "heading", "nees", "precision_recall", "identities",
    ]  # fmt: skip
    for file in files:
        assert np.asarray(Image.open(file).convert("L")).std() > 5
