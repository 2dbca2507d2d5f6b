"""`check` holds the camera's way against the fence, before anything flies."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cinempc import configs
from cinempc.app import check as app
from cinempc.rig.subject import SubjectEstimate
from cinempc.safety.fence import Fence
from cinempc.script import check, load
from cinempc.script.load import Script
from tests.cli.program import invoke

HEADING = 0.7


def script(tmp_path: Path, shots: str, **fence: object) -> Script:
    path = tmp_path / "script.yaml"
    path.write_text(
        "name: Test\ncamera: super35_zoom\nvehicle: x500_cinema\n"
        "subjects:\n"
        "  hero: {look: person in red, height: 1.8 m}\n"
        "  friend: {look: person in blue, height: 1.8 m}\n"
        f"shots:\n{shots}"
    )
    loaded = load.load(path)
    limits = loaded.safety.model_copy(update={"fence": Fence.model_validate(fence)})
    return replace(loaded, safety=limits)


def shot(name: str, move: str, framing: str, duration: str = "10 s") -> str:
    return (
        f"  - name: {name}\n    duration: {duration}\n    move: {{{move}}}\n"
        f"    framing: {{subject: hero, {framing}}}\n    blend: 0 s\n"
    )


def fenced(loaded: Script, where: object = None) -> list[str]:
    found = check.check(loaded, where)  # type: ignore[arg-type]
    return [warning for warning in found.warnings if "fence" in warning]


def walking(speed: float, start: tuple[float, float] = (100.0, 50.0)) -> object:
    """Subjects that walk side by side in one direction."""

    def where(name: str, time: float) -> SubjectEstimate:
        ahead = np.array([math.cos(HEADING), math.sin(HEADING), 0.0])
        aside = np.array([0.0, 2.0 * (name == "friend"), 0.0])
        place = np.array([*start, 0.0]) + speed * time * ahead + aside
        return SubjectEstimate(name, time, place, speed * ahead, heading=HEADING, height=1.8)

    return where


ORBIT = shot("Round", "kind: orbit, angle: 180 deg", "distance: 10 m, scale: LS, side: front")
FOLLOW = shot("Along", "kind: follow", "scale: LS, side: back")


def test_half_an_orbit_takes_two_radii_from_the_take_off_point(tmp_path: Path) -> None:
    """The camera ends on the other side of a subject that stands 10 m away."""
    assert fenced(script(tmp_path, ORBIT, radius="23 m")) == []
    (warning,) = fenced(script(tmp_path, ORBIT, radius="21 m"))
    assert "at 10 s of the take" in warning
    assert "1.0 m from the fence, and 2 m are kept even if the subject stands" in warning
    (warning,) = fenced(script(tmp_path, ORBIT, radius="15 m"))
    assert "5.0 m out of the fence" in warning


def test_a_subject_that_walks_takes_the_camera_along(tmp_path: Path) -> None:
    loaded = script(tmp_path, FOLLOW, radius="12 m")
    assert fenced(loaded) == []  # standing, as far as anybody knows
    assert fenced(loaded, walking(0.9)) == []
    (warning,) = fenced(loaded, walking(1.4))
    assert "2.0 m out of the fence (take-off" in warning


def test_a_polygon_is_somewhere_in_the_scene(tmp_path: Path) -> None:
    corners = [[90, 40], [120, 40], [120, 60], [90, 60]]
    loaded = script(tmp_path, ORBIT, polygon=corners)
    assert fenced(loaded) == []  # nobody knows where the subject will be
    assert fenced(loaded, walking(0.0, (105.0, 45.0))) != []
    wide = [[80, 30], [130, 30], [130, 70], [80, 70]]
    assert fenced(script(tmp_path, ORBIT, polygon=wide), walking(0.0, (105.0, 50.0))) == []


def test_a_camera_that_stays_is_where_the_shot_before_left_it(tmp_path: Path) -> None:
    hold = shot("Watching", "kind: hold", "scale: LS")
    loaded = script(tmp_path, FOLLOW + hold, radius="12 m")
    first, second = fenced(loaded, walking(1.4))
    assert first.startswith("Along: at 10 s of the take its camera comes 2.0 m out")
    assert second.startswith("Watching: at 10 s of the take its camera comes 2.0 m out")


def test_of_another_subject_nothing_is_known_without_a_scene(tmp_path: Path) -> None:
    other = ORBIT.replace("subject: hero", "subject: friend")
    loaded = script(tmp_path, FOLLOW + other, radius="15 m")
    assert fenced(loaded) == []
    (warning,) = fenced(loaded, walking(0.0))
    assert warning.startswith("Round: ")


def test_heights_count_from_the_take_off_point(tmp_path: Path) -> None:
    high = shot("Up", "kind: follow", "distance: 15 m, scale: LS, side: front, angle: 60 deg")
    loaded = script(tmp_path, high, radius="60 m", height="12 m")
    (warning,) = fenced(loaded)
    assert "out of the fence" in warning


@pytest.mark.parametrize(("radius", "far"), [("60 m", False), ("6 m", True)])
def test_shipped_scripts_are_held_against_their_scene(radius: str, far: bool) -> None:
    """The orbit, filmed, ends 15.7 m from where it began."""
    loaded = load.load(configs.find("scripts", "orbit"))
    fence = Fence.model_validate({"radius": radius})
    limits = loaded.safety.model_copy(update={"fence": fence})
    warnings = app.check(replace(loaded, safety=limits)).warnings
    assert any("9.7 m out of the fence" in warning for warning in warnings) == far


def test_after_warnings_the_last_line_does_not_say_fine(tmp_path: Path) -> None:
    (tmp_path / "tight.yaml").write_text(
        (configs.root() / "safety" / "fenced.yaml").read_text().replace("radius: 60", "radius: 6")
    )
    text = configs.find("scripts", "orbit").read_text()
    path = tmp_path / "script.yaml"
    path.write_text(text.replace("scene:", f"safety: {tmp_path / 'tight.yaml'}\nscene:"))
    status, said = invoke("check", path)
    assert status == 0, said
    assert said.endswith("script.yaml: 1 warning, see above")
    assert "out of the fence" in said
