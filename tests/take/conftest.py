"""One short take of a few small pictures, for all tests of what a take leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

import cinempc
from cinempc.app.film.film import TakeResult

SCRIPT = """\
name: Short
camera: small.yaml
vehicle: x500_cinema
scene: plaza
subjects:
  hero: {{actor: hero, height: 1.72 m}}
shots:
  - name: One
    duration: {duration} s
    move: {{kind: follow}}
    framing: {{subject: hero, scale: LS, side: front}}
"""

CAMERA = """\
name: Small
sensor: {width: 24.89 mm, height: 14.00 mm, circle_of_confusion: 0.025 mm}
focal_length: {min: 24 mm, max: 120 mm, rate: 40 mm/s}
focus: {closest: 0.9 m, rate: 0.6 dioptre/s}
aperture: {min: f/2.8, max: f/22, rate: 3 stop/s}
picture: {width: 320, height: 180, frame_rate: 12 fps}
"""

#: A picture of 320 px is for a quick test, not for a detector.
OPTIONS = cinempc.FilmOptions(perception="simulated", standby=2.0, seed=7)  # type: ignore[arg-type]


def write_script(folder: Path, duration: float) -> Path:
    """A script of one shot, s, for a camera of small pictures."""
    (folder / "small.yaml").write_text(CAMERA)
    path = folder / "short.yaml"
    path.write_text(SCRIPT.format(duration=duration))
    return path


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A script of two seconds."""
    return write_script(tmp_path_factory.mktemp("script"), 2)


@pytest.fixture(scope="session")
def take(script: Path, tmp_path_factory: pytest.TempPathFactory) -> TakeResult:
    """It, filmed with everything."""
    folder = tmp_path_factory.mktemp("takes") / "whole"
    return cinempc.film(script, OPTIONS, folder=folder, monitor=True)
