"""COCO's average precision: by hand, and against another implementation."""

import math

import numpy as np
import pytest

from perception.detect.detections import KEYPOINTS
from perception.evaluate import average_precision as module
from perception.evaluate.average_precision import MetricsError, average_precision
from perception.evaluate.bench import measure
from perception.evaluate.samples import FrameLabels
from tests.perception.samples import FAR, A, B, one_point, result, truth


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


def keypoint_ap(person, found):
    return average_precision([person], [result(A, keypoints=found)], "keypoints").ap


def test_keypoint_ap_by_hand():
    # 5 px off a nose on a person of 10 000 px²: OKS exp(-25 / (2 · 10 000 · (2 · 0.026)²)) = 0.63,
    # which counts at 0.50, 0.55 and 0.60: three thresholds of ten.
    person = truth(A, keypoints=one_point(0, (50, 10)), areas=np.array([1e4]))
    assert math.exp(-25 / (2 * 1e4 * 0.052**2)) == pytest.approx(0.6299, abs=1e-4)
    found = average_precision([person], [result(A, keypoints=one_point(0, (53, 14)))], "keypoints")
    assert (found.ap50, found.ap75, found.ap) == pytest.approx((1, 0, 0.3))
    assert keypoint_ap(person, one_point(0, (50, 10))) == pytest.approx(1)


def test_oks_is_the_mean_over_what_is_known_in_truth():
    # With a hip found exactly, (1 + 0.63) / 2 = 0.815 counts at 0.50 to 0.80.
    both = one_point(0, (50, 10))
    both[0, 11] = 40, 60, 1
    found = one_point(0, (53, 14))
    found[0, 11] = 40, 60, 0.9
    found[0, 3] = 999, 999, 0.9  # an ear that is not known in truth does not count
    person = truth(A, keypoints=both, areas=np.array([1e4]))
    assert keypoint_ap(person, found) == pytest.approx(0.7)


def test_a_hip_may_be_further_off_than_a_nose():
    # 20 px: exp(-400 / (2 · 10 000 · (2 · 0.107)²)) = 0.646 of a hip, 0.0006 of a nose.
    for index, ap in ((KEYPOINTS.index("left_hip"), 0.3), (KEYPOINTS.index("nose"), 0.0)):
        person = truth(A, keypoints=one_point(index, (50, 10)), areas=np.array([1e4]))
        assert keypoint_ap(person, one_point(index, (66, 22))) == pytest.approx(ap)


def test_area_is_cocos_usual_share_of_the_box_where_it_is_not_known():
    # 4 px off a nose on 5300 px² is OKS 0.572: two thresholds; on all of the box's 10 000, 0.744.
    found = one_point(0, (50, 14))
    usual = truth(A, keypoints=one_point(0, (50, 10)))
    for area, ap in ((5300.0, 0.2), (1e4, 0.5)):
        given = truth(A, keypoints=one_point(0, (50, 10)), areas=np.array([area]))
        assert keypoint_ap(given, found) == pytest.approx(ap)
    assert keypoint_ap(usual, found) == pytest.approx(0.2)


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


#: COCO's, in its order.
SIGMAS = np.array(
    [.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087,
     .089, .089]
)  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1])
def test_keypoint_ap_is_that_of_supervision(seed):
    sv = pytest.importorskip("supervision")
    from supervision.metrics import KeyPointMeanAveragePrecision

    truths, results = random_pictures(seed)
    truths = [FrameLabels(**{**vars(t), "ignore": None}) for t in truths]
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


def test_another_kind_is_refused():
    with pytest.raises(ValueError, match="not 'masks'"):
        average_precision([truth(A)], [result(A)], "masks")


def test_without_the_library_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr(module, "available", lambda: False)
    with pytest.raises(MetricsError, match=r"pip install 'cinempc\[evaluate\]'"):
        average_precision([truth(A)], [result(A)])
    with pytest.raises(MetricsError, match="faster-coco-eval"):  # before any sequence is rendered
        measure(
            "people", 1, None, lambda what, done, total: pytest.fail("it began"), confidence=0.1
        )
