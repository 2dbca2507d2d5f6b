"""Pictures that a film should have and has not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def frame_period(times: Sequence[float], frame_rate: float | None) -> float | None:
    """The time from one picture to the next, s: the footage's, or that of a camera which is slower
    than it was said to be: its pictures' median. None where no rate is known.

    Args:
        times: of the pictures, s, in order.
        frame_rate: of the footage, 1/s.
    """
    if frame_rate is None:
        return None
    steps = np.diff(times)
    return max(1 / frame_rate, float(np.median(steps)) if steps.size else 0.0)


def holes(times: Sequence[float], begin: float, end: float, period: float) -> dict[str, Any]:
    """The pictures that a stretch lacks, and the longest time without one.

    Args:
        times: of its pictures, s, in order.
        begin, end: of the stretch, s; an end that is not known is infinite.
        period: from one picture to the next, s.

    Returns:
        ``frames_missing``, their share of all that should be there, ``frames_missing_pct``, and
        ``longest_hole_s``: the time for which the picture before a hole stood too long.
    """
    if math.isinf(end):
        end = times[-1] + period if times else begin
    if not times:
        missing = max(0, round((end - begin) / period))
        longest = max(0.0, end - begin)
    else:
        before, after = max(0.0, times[0] - begin), max(0.0, end - times[-1])
        # Both ends together are one period of a film without holes, whatever its phase is; a
        # twentieth of it is jitter.
        missing = max(0, math.floor((before + after) / period + 0.05) - 1)
        longest = max(before, after - period) if missing else 0.0
        for first, second in itertools.pairwise(times):
            lacks = max(0, round((second - first) / period) - 1)
            missing += lacks
            if lacks:
                longest = max(longest, second - first - period)
    whole = missing + len(times)
    return {
        "frames_missing": missing,
        "frames_missing_pct": 100 * missing / whole if whole else None,
        "longest_hole_s": longest,
    }
