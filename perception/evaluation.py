"""Measures perception against the truth: what was found, who, where, how sure, how late.

Truths and results go picture by picture, in pairs. Boxes are left, top, right, bottom px;
positions world frame ENU m; headings rad; times and latencies s. Unknown values are NaN.

Truths marked ``ignore`` (somebody hardly to be seen, a crowd) neither help nor harm: they need
not be found, and what is found on them is not counted, as in COCO.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2
from trackers.eval import compute_clear_metrics, compute_hota_metrics, compute_identity_metrics

from perception.detections import Detections

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: IoU or OKS from which a find counts, as COCO averages over.
THRESHOLDS: Floats = np.arange(50, 100, 5) / 100

#: How exactly people place COCO's keypoints: deviation over the root of the person's area, in
#: COCO's order (cocodataset.org, *keypoints evaluation*).
SIGMAS: Floats = np.array(
    [.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087,
     .089, .089]
)  # fmt: skip

_BODY_SHARE = 0.53  # of its box that a COCO person's mask fills, where the mask is not known
_RECALLS: Floats = np.linspace(0.0, 1.0, 101)
_NOBODY = object()
_MATCH = 0.5  # IoU from which a find is of a person
_BAND = 0.95
_INK, _FAINT, _GRID = "#222222", "#777777", "#dddddd"
_SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b6b00")


@dataclass(frozen=True)
class FrameTruth:
    """Who really was in one picture.

    Attributes:
        time: s.
        boxes: (n, 4).
        ids: n numbers or names.
        keypoints: (n, 17, 3) u, v px and COCO's visibility: 0 where it is not known.
        positions: (n, 3).
        headings: (n,).
        ranges: (n,) from the camera, m.
        visible: (n,) share that can be seen, 0 to 1; None is all.
        ignore: (n,) neither to be found nor to be counted; None is nobody.
        areas: (n,) of the people's masks, px²; None takes COCO's usual share of the box.
    """

    time: float
    boxes: Floats
    ids: Sequence[Hashable]
    keypoints: Floats | None = None
    positions: Floats | None = None
    headings: Floats | None = None
    ranges: Floats | None = None
    visible: Floats | None = None
    ignore: Flags | None = None
    areas: Floats | None = None

    @property
    def counts(self) -> Flags:
        """Who is to be found."""
        if self.ignore is None:
            return np.ones(len(self.boxes), bool)
        return ~np.asarray(self.ignore, bool)


@dataclass(frozen=True)
class FrameResult:
    """What perception said of one picture.

    Attributes:
        time: s, the picture's.
        detections: n of them.
        ids: n identities, numbers or names; None or negative for nobody yet.
        positions: (n, 3).
        covariances: (n, d, d) of the first d coordinates of the positions, m².
        headings: (n,).
        latency: from the picture to this, s.
    """

    time: float
    detections: Detections
    ids: Sequence[Hashable]
    positions: Floats | None = None
    covariances: Floats | None = None
    headings: Floats | None = None
    latency: float = math.nan


# --- found or not: average precision ---


@dataclass(frozen=True)
class AveragePrecision:
    """How well one kind of thing is found; NaN where nothing was to be found.

    Attributes:
        ap: mean over `THRESHOLDS`.
        ap50, ap75: at 0.5 and at 0.75.
        precision: (10, 101) over threshold and recall 0, 0.01 … 1.
        recall: (10,) the most that was reached.
        truths: number that was to be found.
    """

    ap: float
    ap50: float
    ap75: float
    precision: Floats
    recall: Floats
    truths: int


def iou(boxes: Floats, others: Floats) -> Floats:
    """(n, m) area in common over area together."""
    common = _common(boxes, others)
    together = _area(boxes)[:, None] + _area(others)[None] - common
    return np.divide(common, together, out=np.zeros_like(common), where=together > 0)


def oks(truth: FrameTruth, keypoints: Floats) -> Floats:
    """(n, m) COCO's object keypoint similarity of the truths and (m, 17, 3) found keypoints.

    Of an ignored truth, and of one without known keypoints, it is COCO's for such: that of the
    nearest points of a box twice as large.
    """
    found = np.asarray(keypoints, float)[None, :, :, :2]
    n, m = len(truth.boxes), found.shape[1]
    if not n or not m:
        return np.zeros((n, m))
    boxes = np.asarray(truth.boxes, float)
    areas = _BODY_SHARE * _area(boxes) if truth.areas is None else np.asarray(truth.areas, float)
    points = np.zeros((n, len(SIGMAS), 3)) if truth.keypoints is None else truth.keypoints
    known = (points[:, :, 2] > 0) & truth.counts[:, None]
    off = found - points[:, None, :, :2]
    size = boxes[:, 2:] - boxes[:, :2]
    low, high = (boxes[:, :2] - size)[:, None, None], (boxes[:, 2:] + size)[:, None, None]
    outside = np.maximum(0, low - found) + np.maximum(0, found - high)
    placed = np.asarray(known.any(axis=1))
    off = np.where(placed[:, None, None, None], off, outside)
    weigh = np.where(placed[:, None], known, True)[:, None]  # (n, 1, 17)
    spread = 2 * (2 * SIGMAS) ** 2 * (areas + np.spacing(1))[:, None, None]
    alike = np.exp(-(off**2).sum(axis=3) / spread)
    return np.asarray((alike * weigh).sum(axis=2) / weigh.sum(axis=2))


def average_precision(
    truths: Sequence[FrameTruth],
    results: Sequence[FrameResult],
    kind: str = "boxes",
    *,
    most: int | None = None,
) -> AveragePrecision:
    """COCO's average precision of boxes (by IoU) or of keypoints (by OKS), of one class.

    The classes of the detections are not looked at: give those of one class.

    Args:
        truths, results: of the same pictures.
        kind: ``boxes`` or ``keypoints``.
        most: detections of a picture that count, the best; COCO's 100 for boxes, 20 for keypoints.

    Raises:
        ValueError: truths and results do not pair, or another kind.
    """
    if kind not in ("boxes", "keypoints"):
        raise ValueError(f"kind is 'boxes' or 'keypoints', not {kind!r}")
    _paired(truths, results)
    most = most or {"boxes": 100, "keypoints": 20}[kind]
    scores: list[Floats] = []
    hits: list[Flags] = []  # (10, found): of a truth that counts
    counted: list[Flags] = []  # (10, found): of it or of nobody
    total = 0
    for truth, result in zip(truths, results, strict=True):
        best = np.argsort(-result.detections.scores, kind="stable")[:most]
        found = result.detections[best]
        counts = truth.counts
        if kind == "boxes":
            alike = _likeness(truth, found.boxes)
        else:
            if found.keypoints is None:
                found = found[:0]
            points = np.zeros((0, len(SIGMAS), 3)) if found.keypoints is None else found.keypoints
            alike = oks(truth, points)
            if truth.keypoints is not None:
                counts = counts & (truth.keypoints[:, :, 2] > 0).any(axis=1)
            else:
                counts = np.zeros_like(counts)
        total += int(counts.sum())
        hit, ignored = _hits(alike, counts)
        scores.append(found.scores)
        hits.append(hit)
        counted.append(~ignored)
    nothing = np.full((len(THRESHOLDS), len(_RECALLS)), math.nan)
    if not total:
        missing = np.full(len(THRESHOLDS), math.nan)
        return AveragePrecision(math.nan, math.nan, math.nan, nothing, missing, 0)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hit, count = (np.concatenate(flags, axis=1)[:, order] for flags in (hits, counted))
    precision = np.zeros_like(nothing)
    recall = np.zeros(len(THRESHOLDS))
    for k in range(len(THRESHOLDS)):
        right = hit[k][count[k]].cumsum()
        if not len(right):
            continue
        exact = right / np.arange(1, len(right) + 1)
        reached = right / total
        recall[k] = reached[-1]
        exact = np.maximum.accumulate(exact[::-1])[::-1]
        at = np.searchsorted(reached, _RECALLS, side="left")
        precision[k] = np.append(exact, 0.0)[at]
    each = precision.mean(axis=1)
    return AveragePrecision(
        float(each.mean()), float(each[0]), float(each[5]), precision, recall, total
    )


def _hits(alike: Floats, counts: Flags) -> tuple[Flags, Flags]:
    """For each threshold and find, best first: whether it hits a truth that counts, whether it
    lies on one that is ignored. A truth is hit once; an ignored one takes any number."""
    shape = (len(THRESHOLDS), alike.shape[1])
    hit, ignored = np.zeros(shape, bool), np.zeros(shape, bool)
    for k, threshold in enumerate(THRESHOLDS):
        free = counts.copy()
        for j in range(alike.shape[1]):
            open_ = np.where(free, alike[:, j], -1.0)
            best = int(open_.argmax()) if len(open_) else -1
            if best >= 0 and open_[best] >= threshold - 1e-10:
                free[best] = False
                hit[k, j] = True
            else:
                ignored[k, j] = bool((alike[~counts, j] >= threshold - 1e-10).any())
    return hit, ignored


def _likeness(truth: FrameTruth, boxes: Floats) -> Floats:
    """IoU; of an ignored truth the share of the found box that lies on it, as COCO's crowds."""
    common, area = _common(truth.boxes, boxes), _area(boxes)[None]
    share = np.divide(common, area, out=np.zeros_like(common), where=area > 0)
    return np.where(truth.counts[:, None], iou(truth.boxes, boxes), share)


def _area(boxes: Floats) -> Floats:
    boxes = np.asarray(boxes, float)
    size: Floats = np.maximum(0, boxes[:, 2:] - boxes[:, :2])
    return size[:, 0] * size[:, 1]


def _common(boxes: Floats, others: Floats) -> Floats:
    one, other = np.asarray(boxes, float)[:, None], np.asarray(others, float)[None]
    low, high = np.maximum(one[..., :2], other[..., :2]), np.minimum(one[..., 2:], other[..., 2:])
    size: Floats = np.maximum(0, high - low)
    return size[..., 0] * size[..., 1]


# --- who is who ---


@dataclass(frozen=True)
class Pair:
    """A truth that counts and the detection that is surely of it, by their numbers."""

    frame: int
    truth: int
    found: int


def pairs(
    truths: Sequence[FrameTruth], results: Sequence[FrameResult], least: float = _MATCH
) -> list[Pair]:
    """Truths and detections of the same people: the best pairing of an IoU of at least this.

    Who was paired before stays so while that holds, as in CLEAR MOT (K. Bernardin and R.
    Stiefelhagen, EURASIP Journal on Image and Video Processing, 2008): one box around two people
    who cross is of either.
    """
    _paired(truths, results)
    found = []
    known: dict[Hashable, Hashable] = {}
    for frame, (truth, result) in enumerate(zip(truths, results, strict=True)):
        alike = iou(truth.boxes, result.detections.boxes)
        alike[~truth.counts] = 0.0
        alike[alike < least] = 0.0
        before = np.array(
            [[known.get(i, _NOBODY) == j for j in result.ids] for i in truth.ids], bool
        )
        before = before.reshape(alike.shape) & (alike > 0)
        rows, columns = linear_sum_assignment(-(alike + before))
        for i, j in zip(rows, columns, strict=True):
            if alike[i, j] > 0:
                found.append(Pair(frame, int(i), int(j)))
                if result.ids[j] is not None:
                    known[truth.ids[i]] = result.ids[j]
    return found


@dataclass(frozen=True)
class Gap:
    """A time in which somebody known could not be seen.

    Attributes:
        id: the truth's.
        lost, back: when last seen before, and when seen again, s.
        found: from ``back`` until any detection is theirs, s; infinite for never.
        known: until one has their identity of before, s; infinite for never.
    """

    id: Hashable
    lost: float
    back: float
    found: float
    known: float


def identities(truths: Sequence[FrameTruth], results: Sequence[FrameResult]) -> dict[str, Any]:
    """HOTA, IDF1 and their parts by `trackers.eval`, at an IoU of 0.5 where they need one.

    Detections without an identity are left out, and so are those on ignored truths.
    """
    _paired(truths, results)
    number: dict[Hashable, int] = {}
    named: dict[Hashable, int] = {}
    wanted, given, alike = [], [], []
    for frame, (truth, result) in enumerate(zip(truths, results, strict=True)):
        counts = truth.counts
        own = {p.found for p in pairs(truths[frame : frame + 1], results[frame : frame + 1])}
        likeness = _likeness(truth, result.detections.boxes)
        on_ignored = np.asarray((likeness[~counts] >= _MATCH).any(axis=0))
        keep = [
            j
            for j, who in enumerate(result.ids)
            if _is_somebody(who) and (j in own or not on_ignored[j])
        ]
        who = [truth.ids[int(i)] for i in np.flatnonzero(counts)]
        wanted.append(np.array([number.setdefault(w, len(number)) for w in who], np.int64))
        given.append(
            np.array([named.setdefault(result.ids[j], len(named)) for j in keep], np.int64)
        )
        alike.append(likeness[counts][:, keep])
    hota = compute_hota_metrics(wanted, given, alike)
    identity = compute_identity_metrics(wanted, given, alike, threshold=_MATCH)
    clear = compute_clear_metrics(wanted, given, alike, threshold=_MATCH)
    return {
        "hota": float(hota["HOTA"]),
        "deta": float(hota["DetA"]),
        "assa": float(hota["AssA"]),
        "idf1": float(identity["IDF1"]),
        "idp": float(identity["IDP"]),
        "idr": float(identity["IDR"]),
        "mota": float(clear["MOTA"]),
        "switches": int(clear["IDSW"]),
        "fragments": int(clear["Frag"]),
        "people": len(number),
        "identities": len(named),
    }


def gaps(
    truths: Sequence[FrameTruth],
    results: Sequence[FrameResult],
    *,
    least_visible: float = 0.5,
    shortest: float = 0.25,
) -> list[Gap]:
    """How fast people are found again who were seen, could not be seen, and can be again.

    Args:
        truths, results: of the same pictures.
        least_visible: share that must show for somebody to be seen.
        shortest: time out of sight that counts, s.
    """
    matched = {(p.frame, truths[p.frame].ids[p.truth]): p.found for p in pairs(truths, results)}
    shown: list[set[Hashable]] = []
    for truth in truths:
        share = np.ones(len(truth.boxes)) if truth.visible is None else np.asarray(truth.visible)
        shown.append(
            {truth.ids[int(i)] for i in np.flatnonzero(truth.counts & (share >= least_visible))}
        )
    found: list[Gap] = []
    for who in dict.fromkeys(w for truth in truths for w in truth.ids):
        seen = [k for k, there in enumerate(shown) if who in there]
        for before, after in pairwise(seen):
            lost, back = truths[before].time, truths[after].time
            if after == before + 1 or back - lost < shortest:
                continue
            known_as = None
            for k in range(before, -1, -1):
                if (k, who) in matched and _is_somebody(results[k].ids[matched[k, who]]):
                    known_as = results[k].ids[matched[k, who]]
                    break
            if known_as is None:
                continue
            again = [k for k in range(after, len(truths)) if (k, who) in matched]
            same = [k for k in again if results[k].ids[matched[k, who]] == known_as]
            found.append(
                Gap(
                    who,
                    lost,
                    back,
                    truths[again[0]].time - back if again else math.inf,
                    truths[same[0]].time - back if same else math.inf,
                )
            )
    return found


def _is_somebody(who: Hashable) -> bool:
    return who is not None and not (isinstance(who, int | np.integer) and who < 0)


# --- where, and how sure ---


@dataclass(frozen=True)
class Errors:
    """Errors of every pair of truth and estimate, NaN where one of them is not known.

    Attributes:
        time, id: of each pair; (n,).
        range: from the camera, m.
        position: 3D distance from the truth, m.
        heading: rad, -π to π.
        nees: normalised estimation error squared: e' P⁻¹ e.
        freedom: its degrees of freedom, the size of P.
        frame: number of the picture.
    """

    time: Floats
    id: list[Hashable]
    range: Floats
    position: Floats
    heading: Floats
    nees: Floats
    freedom: Ints
    frame: Ints


def errors(truths: Sequence[FrameTruth], results: Sequence[FrameResult]) -> Errors:
    """Position and heading errors and NEES of all that was found and counts."""
    rows = []
    who: list[Hashable] = []
    for pair in pairs(truths, results):
        truth, result = truths[pair.frame], results[pair.frame]
        i, j = pair.truth, pair.found
        distance = nees = turn = math.nan
        freedom = 0
        if truth.positions is not None and result.positions is not None:
            off = np.asarray(result.positions[j], float) - truth.positions[i]
            distance = float(np.linalg.norm(off))
            if result.covariances is not None:
                spread = np.asarray(result.covariances[j], float)
                freedom = len(spread)
                nees = _nees(off[:freedom], spread)
        if truth.headings is not None and result.headings is not None:
            turn = float(result.headings[j] - truth.headings[i])
            turn = (turn + math.pi) % (2 * math.pi) - math.pi
        reach = math.nan if truth.ranges is None else float(truth.ranges[i])
        rows.append((truth.time, reach, distance, turn, nees, freedom, pair.frame))
        who.append(truth.ids[i])
    table = np.array(rows, float).reshape(-1, 7)
    times, ranges, distances, turns, squares = table[:, :5].T
    freedoms, numbers = table[:, 5:].T.astype(np.int64)
    return Errors(times, who, ranges, distances, turns, squares, freedoms, numbers)


@dataclass(frozen=True)
class Consistency:
    """Whether estimates are as sure as they are right; see Bar-Shalom, *Estimation with
    Applications to Tracking and Navigation* (2001), 5.4.

    Attributes:
        mean: NEES per degree of freedom: 1 is right, more is too sure, less too modest.
        inside: share of the pictures whose NEES lies in the 95 % band; 0.95 is right.
        above, below: shares of those too sure and too modest.
        frame: (k,) the pictures.
        nees, low, high: (k,) per degree of freedom, and the band: of all estimates of a picture.
    """

    mean: float
    inside: float
    above: float
    below: float
    frame: Ints
    nees: Floats
    low: Floats
    high: Floats


def consistency(seen: Errors) -> Consistency:
    """NEES of each picture against the χ² band of as many degrees of freedom."""
    good = np.isfinite(seen.nees) | np.isposinf(seen.nees)
    frame, place = np.unique(seen.frame[good], return_inverse=True)
    total = np.bincount(place, seen.nees[good], len(frame))
    freedom = np.bincount(place, seen.freedom[good], len(frame))
    low, high = (chi2.ppf(p, freedom) for p in ((1 - _BAND) / 2, (1 + _BAND) / 2))
    n = len(frame)
    return Consistency(
        float(total.sum() / freedom.sum()) if n else math.nan,
        float(((total >= low) & (total <= high)).mean()) if n else math.nan,
        float((total > high).mean()) if n else math.nan,
        float((total < low).mean()) if n else math.nan,
        frame,
        total / freedom,
        low / freedom,
        high / freedom,
    )


def _nees(off: Floats, spread: Floats) -> float:
    """NaN for an unknown estimate; infinite for one that claims to be exact in a direction and
    cannot be."""
    if not (np.isfinite(off).all() and np.isfinite(spread).all()):
        return math.nan
    try:
        lower = np.linalg.cholesky(spread)
    except np.linalg.LinAlgError:
        return math.inf
    return float((np.linalg.solve(lower, off) ** 2).sum())


# --- all of it ---


def report(truths: Sequence[FrameTruth], results: Sequence[FrameResult]) -> dict[str, Any]:
    """All figures, for JSON: numbers, with None for what cannot be said and for never.

    Raises:
        ValueError: truths and results do not pair.
    """
    _paired(truths, results)
    boxes = average_precision(truths, results)
    points = average_precision(truths, results, "keypoints")
    seen = errors(truths, results)
    sure = consistency(seen)
    lost = gaps(truths, results)
    relative = 100 * seen.position / seen.range
    late = np.array([result.latency for result in results])
    figures = {
        "frames": len(truths),
        "truths": boxes.truths,
        "detections": sum(len(result.detections) for result in results),
        "pairs": len(seen.id),
        "boxes": {
            "ap50": boxes.ap50, "ap75": boxes.ap75, "ap": boxes.ap,
            "recall50": float(boxes.recall[0]),
        },
        "keypoints": {
            "ap50": points.ap50, "ap75": points.ap75, "ap": points.ap, "truths": points.truths,
        },
        "identity": identities(truths, results),
        "position": {
            "p50_m": _percentile(seen.position, 50),
            "p95_m": _percentile(seen.position, 95),
            "p50_pct_of_range": _percentile(relative, 50),
            "p95_pct_of_range": _percentile(relative, 95),
        },
        "heading": {
            "p50_deg": _percentile(np.degrees(np.abs(seen.heading)), 50),
            "p90_deg": _percentile(np.degrees(np.abs(seen.heading)), 90),
        },
        "nees": {
            "mean_per_freedom": sure.mean, "inside_95": sure.inside,
            "too_sure": sure.above, "too_modest": sure.below, "frames": len(sure.frame),
        },
        "gaps": {
            "count": len(lost),
            "found_again": sum(math.isfinite(gap.found) for gap in lost),
            "known_again": sum(math.isfinite(gap.known) for gap in lost),
            "known_p50_s": _percentile(np.array([gap.known for gap in lost]), 50),
            "known_worst_s": max((gap.known for gap in lost), default=math.nan),
            "each": [
                {
                    "id": str(gap.id), "lost_s": gap.lost, "back_s": gap.back,
                    "found_s": gap.found, "known_s": gap.known,
                }
                for gap in lost
            ],
        },
        "latency": {
            "p50_ms": _percentile(1e3 * late, 50),
            "p95_ms": _percentile(1e3 * late, 95),
        },
    }  # fmt: skip
    return {name: _json(part) for name, part in figures.items()}


def _percentile(values: Floats, percent: float) -> float:
    known = values[~np.isnan(values)]
    if not len(known):
        return math.nan
    # By rank: between a number and infinity there is nothing to interpolate.
    how: Literal["linear", "higher"] = "linear" if np.isfinite(known).all() else "higher"
    return float(np.percentile(known, percent, method=how))


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_json(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _paired(truths: Sequence[FrameTruth], results: Sequence[FrameResult]) -> None:
    if len(truths) != len(results):
        raise ValueError(f"{len(truths)} truths and {len(results)} results: they must pair")
    for k, (truth, result) in enumerate(zip(truths, results, strict=True)):
        if abs(truth.time - result.time) > 1e-3:
            raise ValueError(f"pair {k}: the truth is of {truth.time} s, the result {result.time}")
        if len(result.ids) != len(result.detections) or len(truth.ids) != len(truth.boxes):
            raise ValueError(f"pair {k}: there must be an id for each box (None for nobody)")


# --- plots ---


def plots(truths: Sequence[FrameTruth], results: Sequence[FrameResult], folder: Path) -> list[Path]:
    """PNG files of all that there are data for, in the folder, which is made."""
    _paired(truths, results)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    seen = errors(truths, results)
    people = list(dict.fromkeys(who for truth in truths for who in truth.ids))
    inks = {who: _SERIES[i % len(_SERIES)] for i, who in enumerate(people)}
    drawn = {
        "position_time": _position_time(seen, inks),
        "position_range": _position_range(seen, inks),
        "heading": _heading(seen, inks),
        "nees": _nees_plot(seen, truths),
        "precision_recall": _precision_recall(truths, results),
        "identities": _timeline(truths, results, people),
    }
    files = []
    for name, figure in drawn.items():
        if figure is not None:
            files.append(folder / f"{name}.png")
            FigureCanvasAgg(figure).print_png(files[-1])  # type: ignore[no-untyped-call]
    return files


def _position_time(seen: Errors, inks: dict[Hashable, str]) -> Figure | None:
    if not np.isfinite(seen.position).any():
        return None
    figure, axes = _axes(3.0, "time, s", "position error, m")
    _each(axes, seen, inks, seen.time, seen.position, "-")
    axes.set_ylim(0, None)
    return _finish(figure, axes)


def _position_range(seen: Errors, inks: dict[Hashable, str]) -> Figure | None:
    good = np.isfinite(seen.position) & np.isfinite(seen.range)
    if not good.any():
        return None
    figure, axes = _axes(3.6, "range, m", "position error, m")
    _each(axes, seen, inks, seen.range, seen.position, ".")
    far = np.array([0.0, 1.05 * float(seen.range[good].max())])
    top = 1.1 * float(seen.position[good].max()) or 1.0
    for percent in (1, 2, 5, 10):
        # Each leaves the plot at the right or at the top: its name stands there.
        x = min(far[1], 100 * top / percent)
        axes.plot(far, far * percent / 100, color=_FAINT, lw=0.8, ls=(0, (4, 3)))
        axes.annotate(
            f"{percent} %", (x, x * percent / 100), xytext=(3, 2), textcoords="offset points",
            color=_FAINT, fontsize=8.5, annotation_clip=False,
        )  # fmt: skip
    axes.set_xlim(*far)
    axes.set_ylim(0, top)
    return _finish(figure, axes)


def _heading(seen: Errors, inks: dict[Hashable, str]) -> Figure | None:
    if not np.isfinite(seen.heading).any():
        return None
    figure, axes = _axes(3.0, "time, s", "heading error, °")
    _each(axes, seen, inks, seen.time, np.degrees(seen.heading), "-")
    axes.axhline(0, color=_FAINT, lw=0.8)
    return _finish(figure, axes)


def _nees_plot(seen: Errors, truths: Sequence[FrameTruth]) -> Figure | None:
    sure = consistency(seen)
    if not len(sure.frame):
        return None
    figure, axes = _axes(3.2, "time, s", "NEES per degree of freedom")
    time = np.array([truths[k].time for k in sure.frame])
    axes.fill_between(time, sure.low, sure.high, color="#cfe3f1", lw=0, label="95 % of χ²")
    shown = np.clip(sure.nees, 1e-2, 1e3)
    axes.plot(time, shown, ".", ms=3.5, color=_SERIES[1], label=f"{100 * sure.inside:.0f} % within")
    axes.axhline(1, color=_FAINT, lw=0.8)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.minorticks_off()
    return _finish(figure, axes)


def _precision_recall(
    truths: Sequence[FrameTruth], results: Sequence[FrameResult]
) -> Figure | None:
    figure, axes = _axes(4.0, "recall", "precision")
    known = False
    for ink, kind, name in zip(_SERIES, ("boxes", "keypoints"), ("IoU", "OKS"), strict=False):
        found = average_precision(truths, results, kind)
        if not found.truths:
            continue
        known = True
        for k, dashes in ((0, "-"), (5, (0, (5, 2))), (8, (0, (1, 1.5)))):
            label = f"{kind}, {name} {THRESHOLDS[k]:.2f}: {found.precision[k].mean():.3f}"
            axes.plot(_RECALLS, found.precision[k], color=ink, ls=dashes, label=label)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.02)
    return _finish(figure, axes, columns=2) if known else None


def _timeline(
    truths: Sequence[FrameTruth], results: Sequence[FrameResult], people: list[Hashable]
) -> Figure | None:
    """A row for each person: grey where they are to be found, coloured by the identity given."""
    if not people:
        return None
    height = 1.2 + 0.34 * len(people)
    figure, axes = _axes(height, "time, s", "")
    time = np.array([truth.time for truth in truths])
    step = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    row = {who: i for i, who in enumerate(people)}

    def bars(at: list[tuple[int, int]], ink: str, tall: float, label: str | None = None) -> None:
        """Bars over (picture, row); joined, for a bar for each picture is a moiré."""
        for who in sorted({r for _, r in at}):
            frames = np.array(sorted(k for k, r in at if r == who))
            for run in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1):
                left = time[run[0]] - step / 2
                wide = time[run[-1]] + step / 2 - left
                axes.barh(who, wide, tall, left, color=ink, lw=0, label=label)
                label = None

    there = [
        (k, row[truth.ids[int(i)]])
        for k, truth in enumerate(truths)
        for i in np.flatnonzero(truth.counts)
    ]
    bars(there, "#d8d8d8", 0.7, "to be found")
    given: dict[Hashable, list[tuple[int, int]]] = {}
    for pair in pairs(truths, results):
        who = results[pair.frame].ids[pair.found]
        place = (pair.frame, row[truths[pair.frame].ids[pair.truth]])
        given.setdefault(who if _is_somebody(who) else None, []).append(place)
    named = [who for who in given if who is not None]
    for i, who in enumerate(named):
        label = f"identity {who}" if i < 14 else None
        bars(given[who], _SERIES[i % len(_SERIES)], 0.44, label)
    bars(given.get(None, []), "#888888", 0.16, "without identity")
    axes.set_yticks(range(len(people)), [str(who) for who in people])
    axes.set_ylim(len(people) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    return _finish(figure, axes)


def _axes(height: float, across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9.2, height), dpi=130, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.set_xlabel(across, color=_INK)
    axes.set_ylabel(up, color=_INK)
    axes.grid(color=_GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_GRID)
    axes.tick_params(color=_GRID, labelcolor=_INK, labelsize=9)
    return figure, axes


def _each(
    axes: Axes,
    seen: Errors,
    inks: dict[Hashable, str],
    x: Floats,
    y: Floats,
    style: str,
) -> None:
    """A line or dots for each person; lines break where there were no estimates."""
    frames = np.diff(np.unique(seen.frame))
    usual = float(np.median(frames)) if len(frames) else 1.0
    for who, ink in inks.items():
        own = np.array([other == who for other in seen.id], bool)
        if not np.isfinite(y[own]).any():
            continue
        xs, ys = x[own], y[own]
        if style == "-":
            cut = np.flatnonzero(np.diff(seen.frame[own]) > 1.5 * usual) + 1
            xs, ys = np.insert(xs, cut, math.nan), np.insert(ys, cut, math.nan)
        axes.plot(xs, ys, style, color=ink, lw=1.1, ms=3.5, label=str(who))


def _finish(figure: Figure, axes: Axes, columns: int = 7) -> Figure:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, labels, loc="outside upper right", ncols=columns, frameon=False, fontsize=9
        )
    return figure
