"""Hold: nothing moves but gimbal and zoom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cinempc.rig.camera import Camera
from cinempc.script.framing.easing import stop
from cinempc.script.framing.fields import Mistake, ShotFields
from cinempc.script.framing.targets import Priorities
from cinempc.script.framing.track import CameraStart, Track
from cinempc.script.moves.move import Move

Floats = NDArray[np.float64]

#: Shortest time, s, in which the camera comes to rest.
_SHORTEST_STOP = 1.0


class Hold(Move):
    """The camera comes to rest where the shot starts; the gimbal follows; the zoom keeps the
    scale, or a `lens.focal_length` is kept and the scale is free (as with a prime). Only in the
    first shot do `distance`, `angle` and `side` say where."""

    kind: Literal["hold"]

    turns_with_subject: ClassVar[bool] = False
    stays: ClassVar[bool] = True

    def priorities(self, shot: ShotFields, camera: Camera, times: Floats) -> Priorities:
        """With a zoom that is free, the size leads; else the focal length."""
        zooms = camera.focal_length.max > camera.focal_length.min
        if shot.lens.focal_length is None and zooms:
            return Priorities(viewpoint=0.0, focal_length=0.0)
        return Priorities(scale=0.0, viewpoint=0.0, focal_length=4.0)

    def track(self, shot: ShotFields, times: Floats, start: CameraStart) -> Track:
        """To rest, gently, from where the camera is and however fast."""
        over = max(shot.blend, _SHORTEST_STOP)
        passed = np.clip(start.passed, 0.0, None)
        return Track(position=stop(start.position, start.velocity, passed, over))

    def field_mistakes(self, shot: ShotFields, first: bool) -> Iterator[Mistake]:
        """A hold that is not the first shot stays where the shot before it ends."""
        if first:
            return
        for name in ("distance", "angle", "side"):
            if name in shot.framing.model_fields_set:
                yield (
                    f"a hold stays where the shot before it ends: leave {name}, or make it a "
                    "follow",
                    ("framing", name),
                )
