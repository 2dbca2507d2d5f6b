"""A way through the world that a shot asks for: where the camera is, and what it looks at.

Most moves say the picture and leave the flight to the control problem. A cable cam, a crane or a
fly-through says the flight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.script.framing.targets import Weight

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CameraStart:
    """The camera when the shot began, or began anew after a hover.

    Attributes:
        position: (3,) m, ENU.
        velocity: (3,) m/s.
        passed: time since then, (times,) s; it runs on where the shot's own time stands still.
    """

    position: Floats
    velocity: Floats
    passed: Floats


@dataclass(frozen=True, kw_only=True)
class Track:
    """A camera's way over some times; what is None is left to the picture.

    Attributes:
        position: of the camera, (times, 3) m, ENU.
        look_at: the point in the world that the camera looks at, (times, 3) m, ENU.
        position_weight, look_at_weight: what they count: a number, or (times,).
    """

    position: Floats | None = None
    look_at: Floats | None = None
    position_weight: Weight = 4.0
    look_at_weight: Weight = 4.0
