"""How detections go with identities: costs of motion, overlaps of boxes, and pairings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from perception.identify.identity import Identity
from perception.localise.imm import gate

Floats = NDArray[np.float64]

FORBIDDEN = 1e6  #: The cost of a person who would be a bus.
_GATE = gate(3)


def motion_costs(
    identities: Sequence[Identity], time: float, boxes: Floats, motion: Floats | None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Cost of the motion, 0 to 1, and whether it is possible, for identities and boxes."""
    cost = np.zeros((len(identities), len(boxes)))
    possible = np.ones(cost.shape, dtype=bool)
    if cost.size == 0:
        return cost, possible
    centre, tall = (
        (boxes[:, :2] + boxes[:, 2:]) / 2,
        np.maximum(boxes[:, 3] - boxes[:, 1], 1e-3),
    )
    for row, i in enumerate(identities):
        gap = max(time - i.clear_time, 0.0)
        here = (i.clear_box[:2] + i.clear_box[2:]) / 2 + i.clear_velocity * min(gap, 0.7)
        height = max(i.clear_box[3] - i.clear_box[1], 1e-3)
        # In body heights, somebody walks 0.8/s and runs 2/s, and may turn any moment.
        away = np.hypot(*(centre - here).T) / height / (0.25 + 1.2 * gap)
        grown = np.log(tall / height) / (0.25 + 0.4 * gap)
        squared = away**2 + grown**2
        cost[row], possible[row] = np.minimum(squared / 9, 1), squared < 9
    if motion is not None:
        motion = np.asarray(motion, dtype=float)
        if motion.shape != cost.shape:
            raise ValueError(f"motion must be {cost.shape}, it is {motion.shape}")
        known = np.isfinite(motion)
        cost = np.where(known, np.minimum(np.nan_to_num(motion) / _GATE, 1), cost)
        possible = np.where(known, np.nan_to_num(motion) <= _GATE, possible)
    return cost, possible


def match_new_tracks(
    cost: Floats, fits: NDArray[np.bool_], held: dict[int, int], there: list[int]
) -> dict[int, int]:
    """New tracks for identities that have none: row of identity to detection."""
    rows = [row for row in range(len(cost)) if row not in held]
    columns = [k for k in there if k not in held.values()]
    if not rows or not columns:
        return {}
    part = np.ix_(rows, columns)
    weighed = np.where(fits[part], cost[part], FORBIDDEN)
    pairs = zip(*linear_sum_assignment(weighed), strict=True)
    return {rows[a]: columns[b] for a, b in pairs if weighed[a, b] < FORBIDDEN}


def covered_shares(boxes: Floats) -> Floats:
    """Share (n, n) of each box that each other box covers; 0 for itself."""
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-9)
    share: Floats = shared / areas[:, None]
    np.fill_diagonal(share, 0.0)
    return share


def in_front(boxes: Floats) -> NDArray[np.bool_]:
    """Whether (n, n) each other box may be before a box: nearer feet are lower in the picture."""
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    feet, tall = boxes[:, 3], boxes[:, 3] - boxes[:, 1]
    return feet[None, :] > (feet - 0.05 * tall)[:, None]


def differences(one: dict[int, int], other: dict[int, int]) -> list[set[int]]:
    """Where two assignments differ: the groups of rows that exchange columns."""
    groups: list[tuple[set[int], set[int]]] = []
    for row in one.keys() | other.keys():
        if one.get(row) == other.get(row):
            continue
        rows, columns = {row}, {c for c in (one.get(row), other.get(row)) if c is not None}
        apart = []
        for group in groups:
            if group[1] & columns:
                rows |= group[0]
                columns |= group[1]
            else:
                apart.append(group)
        groups = [*apart, (rows, columns)]
    return [rows for rows, _ in groups]
