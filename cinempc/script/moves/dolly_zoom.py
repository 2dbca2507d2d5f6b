"""Dolly zoom: the background changes its size, the subject does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cinempc import configs
from cinempc.rig.camera import Camera
from cinempc.script.framing.easing import ease
from cinempc.script.framing.fields import Mistake, ShotFields
from cinempc.script.framing.reach import focal_length_mistakes, lens_range
from cinempc.script.framing.targets import Priorities, Start, Targets
from cinempc.script.moves.move import Move
from cinempc.units import Millimetres

Floats = NDArray[np.float64]


class FocalLengths(configs.Config):
    """Focal lengths at the start and at the end."""

    from_: Millimetres = Field(alias="from")
    to: Millimetres


class DollyZoom(Move):
    """The zoom moves and the camera with it, so that the subject keeps its size."""

    kind: Literal["dolly-zoom"]
    focal_length: FocalLengths = Field(description="`{from: 35 mm, to: 120 mm}`")

    def asked_focal_length(self, shot: ShotFields, camera: Camera) -> float | None:
        """Where the zoom begins, mm."""
        return self.focal_length.from_

    def targets(
        self, shot: ShotFields, camera: Camera, height: float, times: Floats, start: Start
    ) -> Targets:
        """The framing, with a focal length that changes."""
        # Even in focal length is even in distance, as the scale stays.
        first, last = self.focal_length.from_, self.focal_length.to
        focal = first + (last - first) * ease(times / shot.duration)
        return self.framed(shot, camera, height, times, start, focal_length=focal)

    def priorities(self, shot: ShotFields, camera: Camera, times: Floats) -> Priorities:
        """The size before the focal length."""
        return Priorities(scale=8.0, focal_length=1.0)

    def field_mistakes(self, shot: ShotFields, first: bool) -> Iterator[Mistake]:
        """A second focal length."""
        if shot.lens.focal_length is not None:
            yield "the dolly zoom gives the focal length: leave this one", ("lens", "focal_length")

    def lens_mistakes(self, shot: ShotFields, camera: Camera) -> Iterator[Mistake]:
        """A prime, or focal lengths that the zoom does not have."""
        where = ("move", "focal_length")
        if camera.focal_length.max <= camera.focal_length.min:
            yield f"a dolly zoom needs a zoom lens: {lens_range(camera)}", where
            return
        yield from focal_length_mistakes(self.focal_length.from_, camera, (*where, "from"))
        yield from focal_length_mistakes(self.focal_length.to, camera, (*where, "to"))
