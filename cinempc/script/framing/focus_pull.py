"""A focus pull: the focus goes from one subject to another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FocusPull:
    """The focus on its way from one subject to another, who is thrown out of focus in exchange.

    Attributes:
        from_subject, to_subject: their names.
        share: how far the focus is, 0 to 1, (times,).
    """

    from_subject: str
    to_subject: str
    share: Floats
