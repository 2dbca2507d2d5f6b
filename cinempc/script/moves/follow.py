"""Follow: nothing moves in the picture."""

from __future__ import annotations

from typing import Literal

from cinempc.script.moves.move import Move


class Follow(Move):
    """The camera goes with the subject, on the same side of it."""

    kind: Literal["follow"]
