"""Identities: HOTA, IDF1 and CLEAR MOT, and how fast people are known again after an occlusion."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from trackers.eval import compute_clear_metrics, compute_hota_metrics, compute_identity_metrics

from perception.evaluate.matching import MATCH_IOU, overlap, pairs
from perception.evaluate.samples import FrameLabels, FramePredictions, check_pairs, is_identity


def identity_metrics(
    truths: Sequence[FrameLabels], results: Sequence[FramePredictions]
) -> dict[str, Any]:
    """HOTA, IDF1 and their parts by `trackers.eval`, at an IoU of 0.5 where they need one.

    Detections without an identity are left out, and so are those on ignored truths.
    """
    check_pairs(truths, results)
    number: dict[Hashable, int] = {}
    named: dict[Hashable, int] = {}
    true_ids, predicted_ids, alike = [], [], []
    for frame, (truth, result) in enumerate(zip(truths, results, strict=True)):
        counts = truth.counts
        own = {p.found for p in pairs(truths[frame : frame + 1], results[frame : frame + 1])}
        overlaps = overlap(truth, result.detections.boxes)
        on_ignored = np.asarray((overlaps[~counts] >= MATCH_IOU).any(axis=0))
        keep = [
            j
            for j, who in enumerate(result.ids)
            if is_identity(who) and (j in own or not on_ignored[j])
        ]
        who = [truth.ids[int(i)] for i in np.flatnonzero(counts)]
        true_ids.append(np.array([number.setdefault(w, len(number)) for w in who], np.int64))
        predicted_ids.append(
            np.array([named.setdefault(result.ids[j], len(named)) for j in keep], np.int64)
        )
        alike.append(overlaps[counts][:, keep])
    hota = compute_hota_metrics(true_ids, predicted_ids, alike)
    identity = compute_identity_metrics(true_ids, predicted_ids, alike, threshold=MATCH_IOU)
    clear = compute_clear_metrics(true_ids, predicted_ids, alike, threshold=MATCH_IOU)
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


def gaps(
    truths: Sequence[FrameLabels],
    results: Sequence[FramePredictions],
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
                if (k, who) in matched and is_identity(results[k].ids[matched[k, who]]):
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
