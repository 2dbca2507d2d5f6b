"""The objective that docs/control-problem.md shows, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cinempc.frames import project, world_to_camera
from cinempc.mpc import plan
from cinempc.mpc.plan import Origin
from cinempc.subject import SubjectEstimate

PAGE = Path(__file__).parents[2] / "docs" / "control-problem.md"


def documented():
    """What the page's example defines."""
    [code] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    names = {"__name__": "docs"}
    exec(compile(code, str(PAGE), "exec"), names)
    return names


def test_it_flies(flight):
    goals = documented()["goals"]
    hero = SubjectEstimate("hero", 0.0, np.array([0.0, 0.0, 0.0]))
    friend = SubjectEstimate("friend", 0.0, np.array([4.0, 1.0, 0.0]), height=1.82)
    fly = flight(focal_length=35.0)
    assert all(p.origin is Origin.SOLVED for p in fly.steps(240, goals, hero, friend))
    x, sensor = fly.state, fly.camera.sensor
    (u, v), (other, _) = (
        project(
            world_to_camera(subject.point("eyes"), x[plan.POSITION], *x[plan.ANGLES]),
            np.exp(x[15]),
            sensor.width,
            sensor.height,
        )
        for subject in (hero, friend)
    )
    assert other - u == pytest.approx(0.3, abs=0.005)
    assert (u, v) == pytest.approx((0.35, 0.4), abs=0.01)
