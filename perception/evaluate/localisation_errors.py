"""Where subjects are: errors of position and heading, and whether the covariances are honest."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from perception.evaluate.matching import pairs
from perception.evaluate.samples import FrameLabels, FramePredictions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BAND = 0.95


@dataclass(frozen=True)
class LocalisationErrors:
    """LocalisationErrors of every pair of truth and estimate, NaN where one of them is not known.

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


def localisation_errors(
    truths: Sequence[FrameLabels], results: Sequence[FramePredictions]
) -> LocalisationErrors:
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
                nees = normalised_squared_error(off[:freedom], spread)
        if truth.headings is not None and result.headings is not None:
            turn = float(result.headings[j] - truth.headings[i])
            turn = (turn + math.pi) % (2 * math.pi) - math.pi
        reach = math.nan if truth.ranges is None else float(truth.ranges[i])
        rows.append((truth.time, reach, distance, turn, nees, freedom, pair.frame))
        who.append(truth.ids[i])
    table = np.array(rows, float).reshape(-1, 7)
    times, ranges, distances, turns, squares = table[:, :5].T
    freedoms, numbers = table[:, 5:].T.astype(np.int64)
    return LocalisationErrors(times, who, ranges, distances, turns, squares, freedoms, numbers)


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


def consistency(seen: LocalisationErrors) -> Consistency:
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


def normalised_squared_error(off: Floats, spread: Floats) -> float:
    """NaN for an unknown estimate; infinite for one that claims to be exact in a direction and
    cannot be."""
    if not (np.isfinite(off).all() and np.isfinite(spread).all()):
        return math.nan
    try:
        lower = np.linalg.cholesky(spread)
    except np.linalg.LinAlgError:
        return math.inf
    return float((np.linalg.solve(lower, off) ** 2).sum())
