"""Pull-out: the camera moves away."""

from __future__ import annotations

from typing import ClassVar, Literal

from cinempc.script.moves.scale_change import ScaleChange


class PullOut(ScaleChange):
    """The camera moves away until the subject has a scale, or is at a distance, at one focal
    length."""

    kind: Literal["pull-out"]

    closer: ClassVar[bool] = False
