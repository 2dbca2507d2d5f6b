"""Scripts as a director writes them: read, refused, worked out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cinempc import configs
from cinempc.errors import ConfigError
from cinempc.script import check, script

SHIPPED = sorted((configs.root() / "scripts").glob("*.yaml"))
PAGE = configs.root().parent / "docs" / "scripts.md"
GOOD = (configs.root() / "scripts" / "dolly_zoom.yaml").read_text()


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


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("duration: 12 s", "duration: 12", "shots.0.duration", "12 has no unit"),
        ("duration: 12 s", "duration: 12 kg", "shots.0.duration", "cannot be turned into s"),
        ("duration: 12 s", "duration: 0 s", "shots.0", "0.5 s to 1 h"),
        ("duration:", "lenght: 3 m\n    duration:", "shots.0.lenght", "unknown field"),
        ("from: 35 mm", "from: 20 mm", "focal_length.from", "the lens reaches 24 to 120 mm"),
        ("subject: hero", "subject: heroo", "framing.subject", "did you mean 'hero'?"),
        ("soft: [friend]", "soft: [fiend]", "focus.soft.0", "did you mean 'friend'?"),
        ("soft: [friend]", "soft: [hero]", "focus.soft", "both sharp and soft"),
        ("soft: [friend]", "f_number: f/1.4", "focus.f_number", "f/2.8 to f/22"),
        ("{actor: friend", "{actor: frend", "subjects.friend.actor", "did you mean 'friend'?"),
        ("camera: super35_zoom", "camera: super_zoom", "camera", "did you mean 'super35_zoom'?"),
        ("scene: plaza", "scene: plazza", "scene", "did you mean 'plaza'?"),
        ('scale: "100 %"', "scale: HUGE", "framing.scale", "ECU, CU, MCU, MS, MLS, LS, ELS"),
        ("position: centre", "position: center", "framing.position", "did you mean 'centre'?"),
        ("side: front", "side: fornt", "framing.side", "did you mean 'front'?"),
        ("angle: eye-level", "angle: 3 m", "framing.angle", "cannot be turned into radian"),
        ("kind: dolly-zoom", "kind: dolly", "shots.0.move", "dolly"),
        ("camera: super35_zoom", "camera: phone", "focal_length", "a dolly zoom needs a zoom"),
    ],
)
def test_a_mistake_is_told_with_its_field_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, field: str, words: str
) -> None:
    message = refuse(tmp_path, (old, new))
    assert words in message
    assert field in message
    assert re.search(r"script\.yaml:\d+: ", message)


def test_the_line_is_that_of_the_mistake(tmp_path: Path) -> None:
    message = refuse(tmp_path, ("duration: 12 s", "duration: long"))
    assert f"script.yaml:{line(tmp_path, 'duration')}:" in message


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
    ],
)
def test_what_will_not_work_is_warned_of(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(GOOD.replace(old, new))
    assert any(words in warning for warning in check.check(script.load(path)).warnings)
