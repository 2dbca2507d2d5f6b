"""Scripts as a director writes them: read, refused, worked out."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from cinempc import configs
from cinempc.errors import ConfigError
from cinempc.script import check
from cinempc.script import format as script_format
from cinempc.script import load as script
from cinempc.script.framing import fields, region
from cinempc.script.framing import terms as framing

SHIPPED = sorted((configs.root() / "scripts").glob("*.yaml"))
PAGE = configs.root().parent / "docs" / "scripts.md"
GOOD = (configs.root() / "scripts" / "dolly_zoom.yaml").read_text()


ZOOM = "{kind: dolly-zoom, focal_length: {from: 35 mm, to: 120 mm}}"


def refuse(tmp_path: Path, *changes: tuple[str, str]) -> str:
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "script.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        script.load(path)
    return str(caught.value)


def line(tmp_path: Path, words: str) -> int:
    lines = (tmp_path / "script.yaml").read_text().splitlines()
    return next(i for i, text in enumerate(lines, 1) if words in text)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_script_loads_and_is_flyable(path: Path) -> None:
    result = check.check(script.load(path))
    assert result.shots
    assert not result.warnings


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL))
def test_every_example_of_the_page_is_valid(text: str, tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(text)
    assert check.check(script.load(path)).shots


def test_the_page_has_every_name_with_its_value() -> None:
    page = PAGE.read_text()
    for name, scale in framing.SCALES.items():
        assert re.search(rf"\| {name} \|.*\| {100 * scale.stature:.0f} % \|", page), name
    for name, angle in framing.ANGLES.items():
        assert re.search(rf"`{name}`[^,.]* {math.degrees(angle):.0f}°", page), name
    for name, side in framing.SIDES.items():
        assert f"`{name}`" in page or (side < 0 and f"{-math.degrees(side):.0f}°" in page), name
    for name, position in framing.POSITIONS.items():
        if position.u is not None and position.v is None:
            assert f"`{name}` {position.u:.2g}" in page.replace("\n", " "), name


@pytest.mark.parametrize(
    "model",
    [
        script_format.ScriptConfig,
        script_format.SubjectConfig,
        script_format.ShotConfig,
        fields.Framing,
        fields.Focus,
        fields.LensWish,
    ],
)
def test_the_page_has_every_field(model: type[configs.Config]) -> None:
    page = PAGE.read_text()
    for name, info in model.model_fields.items():
        assert f"`{info.alias or name}" in page, name


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("duration: 12 s", "duration: 12", "shots.0.duration", "12 has no unit"),
        ("duration: 12 s", "duration: 12 kg", "shots.0.duration", "cannot be turned into s"),
        ("duration: 12 s", "duration: 0 s", "shots.0.duration", "0.5 s to 1 h"),
        ("duration:", "lenght: 3 m\n    duration:", "shots.0.lenght", "unknown field"),
        ("from: 35 mm", "from: 20 mm", "focal_length.from", "the lens reaches 24 to 120 mm"),
        ("subject: hero", "subject: heroo", "framing.subject", "did you mean 'hero'?"),
        ("soft: [friend]", "soft: [fiend]", "focus.soft.0", "did you mean 'friend'?"),
        ("soft: [friend]", "soft: [hero]", "focus.soft", "hero cannot be both sharp and soft"),
        ("soft: [friend]", "f_number: f/1.4", "focus.f_number", "f/2.8 to f/22"),
        ("{actor: friend", "{actor: frend", "subjects.friend.actor", "did you mean 'friend'?"),
        ("camera: super35_zoom", "camera: super_zoom", "camera", "did you mean 'super35_zoom'?"),
        ("scene: plaza", "scene: plazza", "scene", "did you mean 'plaza'?"),
        ('scale: "100 %"', "scale: HUGE", "framing.scale", "ECU, CU, MCU, MS, MLS, LS, ELS"),
        ("position: centre", "position: center", "framing.position", "did you mean 'centre'?"),
        ("side: front", "side: fornt", "framing.side", "did you mean 'front'?"),
        ("angle: eye-level", "angle: 3 m", "framing.angle", "cannot be turned into radian"),
        ("kind: dolly-zoom", "kind: dolly-zom", "shots.0.move", "did you mean 'dolly-zoom'?"),
        ("kind: dolly-zoom,", "", "shots.0.move", "needs a kind"),
        (ZOOM, "orbit", "shots.0.move", "holds fields"),
        ("soft: [friend]", "soft: friend", "focus.soft", "is a list: write [friend]"),
        ("on: hero", "on: [hero]", "focus.on", "is a word"),
        ("    duration: 12 s\n", "", "shots.0.duration", "is missing"),
        ("camera: super35_zoom", "camera: phone", "focal_length", "a dolly zoom needs a zoom"),
        ("angle: eye-level", "angle: 12.5", "framing.angle", "such as '30 deg'"),
        ("angle: eye-level", "angle: -60 deg", "framing.angle", "from -45 to 85 deg"),
        ("angle: eye-level", "angle: 90 deg", "framing.angle", "too steep"),
        ("side: front", "side: 45.0", "framing.side", "{world: 30 deg}"),
        ("side: front", "roll: 60 deg", "framing.roll", "the gimbal rolls -45 to 45 deg"),
        ("side: front", "distance: 5 m", "framing.distance", "to 4.3 m: leave one of the three"),
        ("height: 1.72 m", "height: 17 m", "subjects.hero.height", "0.3 m to 3 m"),
        ("actor: hero,", "actor: hero, hat: red,", "subjects.hero.hat", "actor, class, look"),
        ("actor: hero,", "class: prson,", "subjects.hero.class", "did you mean 'person'?"),
        ("actor: hero,", "class: dog,", "subjects.hero.class", "a person's, the class is dog"),
        ("look: person in red", "look: dog in red", "hero.look", "a dog's, the class is person"),
        ("actor: hero,", "region: left-thrd,", "hero.region", "did you mean 'left-third'?"),
        ("actor: hero,", "region: [1, 2, 3, 4],", "hero.region", "four percentages"),
        ("actor: hero,", "region: [0 %, 9 %],", "hero.region", "four percentages"),
        ("actor: hero,", "region: [9 %, 0 %, 5 %, 9 %],", "hero.region", "left before right"),
        ("actor: hero,", "region: [0 %, 0 %, 120 %, 9 %],", "hero.region", "0 % to 100 %"),
        ("actor: hero,", "near: [4, 2],", "subjects.hero.near", "4 has no unit"),
        ("actor: hero,", "near: [4 m],", "subjects.hero.near", "[east, north, up]"),
        ("actor: hero,", "near: 4 m,", "subjects.hero.near", "[east, north, up]"),
        ("actor: hero,", "near: [40 km, 2 m],", "subjects.hero.near", "within 10 km"),
        ("actor: hero,", "near: [infinity, 2 m],", "subjects.hero.near", "within 10 km"),
        ("soft: [friend]", "far: 0 m", "focus.far", "above zero"),
        ("soft: [friend]", "near: 9 m, far: 4 m", "focus.far", "beyond the near one (9 m)"),
        ("soft: [friend]", "near: 3 m, far: 9 m, f_number: f/4", "focus.f_number", "leave one"),
        ("duration: 12 s", "duration: 12 s\n    blend: -1 s", "shots.0.blend", "below zero"),
        ("duration: 12 s", "lens: {focal_length: 50 mm}\n    duration: 9 s", "lens.focal", "leave"),
        (ZOOM, "{kind: orbit}", "shots.0.move", "give one"),
        (ZOOM, "{kind: orbit, angle: 9 deg, rate: 9 deg/s}", "shots.0.move", "give one"),
        (ZOOM, "{kind: push-in, to: 60 %}", "move.to", "ends closer than it begins, at 100%"),
        (ZOOM, "{kind: pull-out, to: 4 s}", "move.to", "cannot be turned into m"),
        (ZOOM, "{kind: hold}\n    lens: {focal_length: 9 mm}", "lens.focal_length", "24 to 120"),
        (ZOOM, "{kind: rack-focus, from: hero, to: friend, at: 11 s}", "move.at", "do not fit"),
        (ZOOM, "{kind: rack-focus, from: hero, to: hero, at: 1 s}", "move.to", "two subjects"),
        (ZOOM, "{kind: rack-focus, from: hero, to: friend, at: 1 s}", "focus.on", "leave on"),
    ],
)
def test_a_mistake_is_told_with_its_field_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, field: str, words: str
) -> None:
    message = refuse(tmp_path, (old, new))
    assert words in message
    assert field in message
    assert re.search(r"script\.yaml:\d+: ", message)


def test_who_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    old, box = "actor: hero, look: person in red", 'region: ["10 %", "0 %", "40 %", "100 %"]'
    assert old in GOOD
    path.write_text(GOOD.replace(old, f"actor: hero, class: dog, {box}, near: [4 m, -200 cm]"))
    subjects = script.load(path).config.subjects
    assert subjects["hero"].category == "dog"
    assert subjects["hero"].near == (4.0, -2.0)
    found = subjects["hero"].region
    assert found is not None
    assert found.holds(0.1, 0.0)
    assert found.holds(0.4, 1.0)
    assert not found.holds(0.41, 0.5)
    assert (subjects["friend"].category, subjects["friend"].region) == ("person", None)
    assert region.parse_region("right-third").holds(0.9, 0.5)


def test_the_page_has_every_class_and_region() -> None:
    page = PAGE.read_text()
    for name in (*region.CLASSES, *region.REGIONS):
        assert f"`{name}`" in page, name


def test_the_line_is_that_of_the_mistake(tmp_path: Path) -> None:
    message = refuse(tmp_path, ("duration: 12 s", "duration: long"))
    assert f"script.yaml:{line(tmp_path, 'duration')}:" in message


FOLLOW = (ZOOM, "{kind: follow}")


@pytest.mark.parametrize(
    ("body", "change", "words"),
    [
        ("phone", ("on: hero", "f_number: f/4"), "focus.f_number: f/4 is out of reach"),
        ("phone", ("on: hero", "f_number: f/4"), "only f/1.78"),
        ("drone_variable", ("on: hero", "f_number: f/16"), "f/2.8 to f/11"),
        (
            "drone_variable",
            ("on: hero,", "on: hero}\n    lens: {focal_length: 24 mm} #"),
            "a prime",
        ),
        ("phone", ("side: front", "distance: 4 m"), "leave one of the three"),
        ("super35_zoom", ("side: front", "distance: 40 m"), "needs 326 mm there: the lens reaches"),
        ("super35_zoom", ('scale: "100 %"', "distance: 4 m"), "needs a scale or lens.focal_length"),
    ],
)
def test_what_the_camera_cannot_do(
    tmp_path: Path, body: str, change: tuple[str, str], words: str
) -> None:
    camera = ("camera: super35_zoom", f"camera: {body}")
    assert words in refuse(tmp_path, camera, FOLLOW, change)


def test_a_hold_stays_where_the_shot_before_it_ends(tmp_path: Path) -> None:
    second = """
  - name: Still
    duration: 4 s
    move: {kind: hold}
    framing: {subject: hero, distance: 4 m, scale: LS}
"""
    message = refuse(tmp_path, ("soft: [friend]}\n", "soft: [friend]}" + second))
    assert "shots.1.framing.distance: a hold stays" in message


def test_mistakes_of_fields_hide_no_mistakes_of_sense(tmp_path: Path) -> None:
    message = refuse(
        tmp_path,
        ("name: Vertigo", "name: Vertigo\n    moood: dark"),
        ("{actor: friend, look", "{actor: frind, lok"),
        ("camera: super35_zoom", "camera: super8"),
        ("soft: [friend]}\n", "soft: [friend]}\n" + MORE),
    )
    for words in (
        "shots.0.moood: unknown field",
        "subjects.friend.lok: unknown field; did you mean 'look'?",
        "camera: no camera called 'super8'",
        "shots.1.focus.soft.0: unknown subject 'fred'",
        "shots.1.duration: a shot lasts",
    ):
        assert words in message, message
    lines = [int(found) for found in re.findall(r"script\.yaml:(\d+):", message)]
    assert lines == sorted(lines)


MORE = """\
  - name: Second
    duration: 0.1 s
    move: {kind: follow}
    framing: {subject: hero}
    focus: {soft: [fred]}
"""


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    message = refuse(tmp_path, ("to: 120 mm", "to: 500 mm"), ("soft: [friend]", "soft: [fred]"))
    assert "500 mm is out of reach" in message
    assert "unknown subject 'fred'" in message
    assert len(message.splitlines()) == 2


def test_not_yaml_and_no_file(tmp_path: Path) -> None:
    assert "not valid YAML" in refuse(tmp_path, ("name: Dolly zoom", "name: [Dolly"))
    with pytest.raises(ConfigError, match="cannot be read"):
        script.load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('scale: "100 %"', "scale: CU", "closer than the 3 m"),
        ("angle: eye-level", "angle: -30 deg", "outside the 1 to 30 m"),
        ("duration: 12 s", "duration: 2 s", "Give the shot more time"),
        ("duration: 12 s", "duration: 2 s", "the zoom would have to move at"),
        ('scale: "100 %"', "scale: ELS", "at 120 mm its scale takes 49 m of distance"),
        (
            "soft: [friend]",
            "soft: [friend], f_number: f/22",
            "softer than 1.8 circles",
        ),
        ("soft: [friend]", "near: 1 m, far: 30 m", "does not reach from 1 to 30 m"),
    ],
)
def test_what_will_not_work_is_warned_of(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(GOOD.replace(old, new))
    assert any(words in warning for warning in check.check(script.load(path)).warnings)


def test_two_who_cannot_both_be_sharp_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    near = GOOD.replace('"100 %"', '"180 %"').replace("soft:", "f_number: f/2.8, sharp:")
    path.write_text(near)
    words = "at f/2.8 the depth of field gets down to 0.6 m: hero and friend will be sharp together"
    assert any(words in warning for warning in check.check(script.load(path)).warnings)


def test_a_shot_that_hurries_in_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(GOOD.replace("soft: [friend]}\n", "soft: [friend]}\n" + HURRY))
    assert any(
        "Second: the move takes up to" in warning
        for warning in check.check(script.load(path)).warnings
    )


HURRY = """\
  - name: Second
    duration: 5 s
    blend: 2 s
    move: {kind: follow}
    framing: {subject: hero, scale: LS, side: back}
    lens: {focal_length: 24 mm}
"""
