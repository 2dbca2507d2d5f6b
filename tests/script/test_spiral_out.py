"""The spiral-out: an orbit that pulls out and climbs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from cinempc.bench import closed_loop
from cinempc.bench.mpc import script_case
from cinempc.errors import ConfigError
from cinempc.frames import azimuth_elevation
from cinempc.rig import camera, plan
from cinempc.rig.subject import SubjectEstimate
from cinempc.script import check
from cinempc.script.direction.director import Director
from cinempc.script.format import ShotConfig
from cinempc.script.framing.composition import distance
from cinempc.script.framing.targets import Start, Targets
from cinempc.script.framing.terms import SCALES
from cinempc.script.load import Script, load

MOVE = "{kind: spiral-out, to: ELS, angle: 120 deg, climb_to: 30 deg}"
SCRIPT = """\
name: Spiral
camera: super35_zoom
vehicle: x500_cinema
subjects:
  hero: {height: 1.72 m}
shots:
  - name: Leave her
    duration: 12 s
    move: MOVE
    framing: {subject: hero, scale: LS, angle: -2 deg, side: front}
    lens: {focal_length: 35 mm}
"""


def read(folder: Path, move: str = MOVE) -> Script:
    path = folder / "spiral.yaml"
    path.write_text(SCRIPT.replace("MOVE", move))
    return load(path)


def asked(shot: ShotConfig, times: np.ndarray) -> Targets:
    return shot.move.targets(shot, camera.load("super35_zoom"), 1.72, times, Start(0.2, 0.0, 35.0))


def test_it_turns_climbs_and_pulls_out_gently(tmp_path: Path) -> None:
    (shot,) = read(tmp_path).config.shots
    times = np.linspace(0.0, 12.0, 241)
    picture = asked(shot, times)
    assert picture.azimuth[[0, -1]] == pytest.approx([0.2, 0.2 + math.radians(120)])
    assert np.degrees(picture.elevation[[0, -1]]) == pytest.approx([-2, 30])
    sizes = [SCALES["LS"].stature, SCALES["ELS"].stature]
    assert picture.stature[[0, -1]] == pytest.approx(sizes)
    for curve in (picture.azimuth, picture.elevation, -picture.stature):
        steps = np.diff(curve)
        assert steps.min() >= -1e-12
        assert steps[[0, -1]] == pytest.approx([0, 0], abs=1e-4)
    assert np.ptp(picture.focal_length) == 0
    after = asked(shot, np.array([12.0, 13.0]))
    for curve in vars(after).values():
        assert np.ptp(curve) == pytest.approx(0, abs=1e-12)


@pytest.mark.slow
def test_it_is_flown(tmp_path: Path) -> None:
    script = read(tmp_path)
    assert not check.check(script).warnings

    def subjects(time: float) -> dict[str, SubjectEstimate]:
        walk = np.array([0.8, 0.0, 0.0])
        return {"hero": SubjectEstimate("hero", time, time * walk, walk, height=1.72)}

    director = Director(script)
    case = script_case("spiral", director, script.camera, script.vehicle, script.safety, subjects)
    flown = closed_loop.run(case)
    assert flown.unusable == 0
    time, state = flown.times[-1], flown.states[-1]
    offset = state[plan.POSITION] - subjects(time)["hero"].point("eyes")
    azimuth, elevation = azimuth_elevation(tuple(offset))
    away = distance(35.0, SCALES["ELS"].stature, 1.72, script.camera)
    assert math.degrees(azimuth) == pytest.approx(120, abs=3)
    assert math.degrees(elevation) == pytest.approx(30, abs=3)
    assert np.linalg.norm(offset) == pytest.approx(away, rel=0.05)
    assert flown.states[0][2] < state[2] - 5


@pytest.mark.parametrize(
    ("move", "field", "words"),
    [
        (MOVE.replace("ELS", "CU"), "move.to", "a spiral-out ends wider than it begins, at 78%"),
        (MOVE.replace("ELS", "3 m"), "move.to", "a spiral-out ends wider than it begins, at 5."),
        (MOVE.replace("120 deg", "0 deg"), "move.angle", "make it a pull-out"),
        (MOVE.replace("30 deg", "-20 deg"), "move.climb_to", "ends higher than it begins, at -2"),
        (MOVE.replace("30 deg", "88 deg"), "move.climb_to", "too steep"),
        (MOVE.replace(", climb_to: 30 deg", ""), "move.climb_to", "is missing"),
        (MOVE.replace("angle", "angel"), "move.angel", "did you mean 'angle'?"),
        (MOVE.replace("spiral-out", "spiral"), "shots.0.move", "did you mean 'spiral-out'?"),
    ],
)
def test_its_mistakes_have_file_line_and_field(
    tmp_path: Path, move: str, field: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, move)
    message = str(caught.value)
    assert words in message
    assert field in message
    assert f"{tmp_path / 'spiral.yaml'}:9:" in message


def test_the_gimbals_reach_counts_at_its_end(tmp_path: Path) -> None:
    (shot,) = read(tmp_path).config.shots
    vehicle = read(tmp_path).vehicle
    assert not list(shot.move.gimbal_mistakes(shot, vehicle))
    pitch = vehicle.gimbal.pitch.model_copy(update={"min": math.radians(-20)})
    gimbal = vehicle.gimbal.model_copy(update={"pitch": pitch})
    poor = vehicle.model_copy(update={"gimbal": gimbal})
    ((what, where),) = shot.move.gimbal_mistakes(shot, poor)
    assert where == ("move", "climb_to")
    assert "30 deg is out of reach" in what
