"""The example of docs/control-problem.md works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cinempc.mpc import objectives
from cinempc.mpc.objectives import Goals
from cinempc.mpc.plan import Origin
from cinempc.subject import SubjectEstimate

PAGE = Path(__file__).parents[2] / "docs" / "control-problem.md"


def test_an_objective_of_your_own(flight):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names = {"__name__": "example"}
    exec(compile(code, str(PAGE), "exec", dont_inherit=True), names)
    wish = Goals((names["HeightAbove"](subject="hero", metres=1.0),))
    hero = SubjectEstimate("hero", 0.0, np.zeros(3))
    fly = flight()
    for found in fly.steps(100, wish, hero):
        assert found.origin is Origin.SOLVED
    assert fly.state[2] == pytest.approx(hero.point("eyes")[2] + 1.0, abs=0.02)


def test_the_page_names_every_objective():
    text = PAGE.read_text(encoding="utf-8")
    for name, kind in vars(objectives).items():
        if isinstance(kind, type) and issubclass(kind, objectives.Objective):
            assert f"`{name}`" in text or kind is objectives.Objective
