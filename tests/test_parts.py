"""What a script says of its subjects, as perception is told it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cinempc.cli import parts
from cinempc.script.script import load

SCRIPT = """\
name: Parts
camera: super35_zoom
vehicle: x500_cinema
scene: plaza
subjects:
  hero: {actor: hero, look: woman in a red coat and black trousers, height: 1.72 m}
  friend: {actor: friend, look: person in blue, near: [4 m, -2 m], region: left-third}
  car: {actor: friend, class: car, look: red}
shots:
  - name: One
    duration: 2 s
    move: {kind: follow}
    framing: {subject: hero, scale: LS, side: front}
"""


def test_looks_places_and_heights(tmp_path: Path) -> None:
    path = tmp_path / "parts.yaml"
    path.write_text(SCRIPT)
    found = parts(load(path))
    hero, friend, car = (found[name] for name in ("hero", "friend", "car"))
    assert (hero.wanted.look.category, hero.height) == ("person", 1.72)
    assert (hero.wanted.look.torso, hero.wanted.look.legs) == (("red",), ("black",))
    assert hero.wanted.region is None
    assert hero.wanted.position is None
    assert friend.height is None  # not said: an adult's, and found out
    assert friend.wanted.region == pytest.approx((0, 0, 1 / 3, 1), abs=0.01)
    np.testing.assert_allclose(friend.wanted.position[:2], [4, -2])
    assert (car.wanted.look.category, car.wanted.look.torso) == ("car", ("red",))
