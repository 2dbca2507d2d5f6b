"""Push-in: the camera moves closer."""

from __future__ import annotations

from typing import ClassVar, Literal

from cinempc.script.moves.scale_change import ScaleChange


class PushIn(ScaleChange):
    """The camera moves closer until the subject has a scale, or is at a distance, at one focal
    length."""

    kind: Literal["push-in"]

    closer: ClassVar[bool] = True
