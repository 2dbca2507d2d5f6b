"""When the actors of a simulated scene begin: with each take anew."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cinempc.rig.state import CameraPose
from sim.mavlink.filming import Filming

RATE = 10.0


def test_each_recording_finds_the_actors_where_they_begin() -> None:
    """They go while the camera records, and stand at their beginnings from when it stops, so that
    the next take's way to its mark leads there."""
    camera = SimpleNamespace(recording=False, motors=SimpleNamespace(state=None))
    acting: dict[int, float] = {}

    def shutter(time: float, seconds: float, *rest: Any) -> None:
        acting[round(time * RATE)] = seconds

    filming = Filming(camera, RATE, shutter)  # type: ignore[arg-type]
    pose = CameraPose(np.zeros(3), 0.0, 0.0, 0.0)
    for k in range(80):
        camera.recording = 10 <= k < 30 or 50 <= k < 75
        filming.step(k / RATE, 0, lambda: pose)
    assert all(acting[k] == 0 for k in (0, 9, 10, 30, 49, 50, 75, 79))
    assert acting[29] == pytest.approx(1.9)
    assert acting[74] == pytest.approx(2.4)
