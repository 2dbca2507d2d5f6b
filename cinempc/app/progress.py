"""How far a function of this layer is, told through one callback; and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far some work is.

    Attributes:
        done: how much is done, in the unit of ``total``: seconds of a take, pictures, steps.
        total: how much there is in all; None where nobody knows.
        what: what is being done, in words. Another word means that another part of the work has
            begun, with a total of its own.
    """

    done: float
    total: float | None
    what: str


#: What a caller hands in to be told.
OnProgress = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """Nobody wants to know."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C, with what is left of the work.

    Args:
        kept: a sentence on it, such as "what was filmed until then is in takes/one".
    """

    def __init__(self, kept: str) -> None:
        self.kept = kept
        super().__init__(kept)
