"""What a script says of its subjects, as perception is told it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cinempc.app.perception import queries
from cinempc.script.load import load

SCRIPT = """\
name: Subjects
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
    path = tmp_path / "subjects.yaml"
    path.write_text(SCRIPT)
    known = queries(load(path))
    hero, friend, car = (known[name] for name in ("hero", "friend", "car"))
    assert (hero.appearance.category, hero.height) == ("person", 1.72)
    assert (hero.appearance.torso, hero.appearance.legs) == (("red",), ("black",))
    assert hero.region is None
    assert hero.position is None
    assert friend.height is None  # not said: an adult's, and found out
    assert friend.region == pytest.approx((0, 0, 1 / 3, 1), abs=0.01)
    np.testing.assert_allclose(friend.position[:2], [4, -2])
    assert (car.appearance.category, car.appearance.torso) == ("car", ("red",))
