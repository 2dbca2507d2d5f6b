"""A mistake in a file is said with file, line and field, and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from cinempc import configs
from cinempc.errors import CinempcError, ConfigError, ConfigErrors
from cinempc.rig import camera, vehicle
from cinempc.safety import limits as safety

SAFETY = """\
name: test
subject_distance: 3 m
altitude: {min: 1 m, max: 30 m}
stale_after: 0.5 s
tracking_error: 2 m
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refuse(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        safety.load(str(write(folder, text)))
    return caught.value


@pytest.mark.parametrize("kind", ["cameras", "vehicles", "safety"])
def test_every_shipped_file_loads(kind):
    module = {"cameras": camera, "vehicles": vehicle, "safety": safety}[kind]
    names = [path.stem for path in (configs.root() / kind).glob("*.yaml")]
    assert names
    for name in names:
        assert module.load(name).name


def test_by_path(tmp_path):
    assert safety.load(str(write(tmp_path, SAFETY))).subject_distance == 3.0


def test_a_path_is_tried_beside_the_file_that_names_it(tmp_path):
    write(tmp_path, SAFETY)
    assert safety.load("mine", near=tmp_path / "script.yaml").name == "test"


def test_an_unknown_field(tmp_path):
    error = refuse(tmp_path, SAFETY.replace("stale_after", "stale_aftr"))
    assert isinstance(error, ConfigErrors)  # and the right one is missing
    unknown = next(e for e in error.errors if "unknown" in e.what)
    assert (unknown.line, unknown.field) == (4, "stale_aftr")
    assert "did you mean 'stale_after'" in unknown.what
    assert "tracking_error" in unknown.what, "the allowed ones are named"
    missing = next(e for e in error.errors if "missing" in e.what)
    assert missing.field == "stale_after"


def test_a_bare_number(tmp_path):
    error = refuse(tmp_path, SAFETY.replace("subject_distance: 3 m", "subject_distance: 3"))
    assert (error.line, error.field) == (2, "subject_distance")
    assert "no unit" in error.what
    assert str(tmp_path / "mine.yaml") + ":2: subject_distance:" in str(error)


def test_a_nested_field(tmp_path):
    error = refuse(tmp_path, SAFETY.replace("max: 30 m", "max: 30 s"))
    assert (error.line, error.field) == (3, "altitude.max")


def test_all_mistakes_at_once(tmp_path):
    text = SAFETY.replace("3 m", "3").replace("0.5 s", "soon")
    error = refuse(tmp_path, text)
    assert isinstance(error, ConfigErrors)
    assert [(e.line, e.field) for e in error.errors] == [
        (2, "subject_distance"),
        (4, "stale_after"),
    ]
    assert len(str(error).splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must hold fields"),
        ("- a\n- b\n", "must hold fields"),
        ("name: [unclosed\n", "not valid YAML"),
        ("name: a\nname: b\n", "not valid YAML"),
        ("\tname: a\n", "not valid YAML"),
    ],
)
def test_what_is_no_config(text, words, tmp_path):
    error = refuse(tmp_path, text)
    assert words in str(error)
    assert "mine.yaml" in str(error)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\x00\x01")
    with pytest.raises(ConfigError, match="no text in UTF-8"):
        safety.load(str(path))


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(ConfigError, match="did you mean 'super35_zoom'") as caught:
        camera.load("super35_zom")
    assert "no camera called" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("{min: 1 m, max: 30 m}", "{min: 9 m, max: 3 m}"), "altitude.min must be below"),
        (("stale_after: 0.5 s", "stale_after: 0 s"), "stale_after must be above zero"),
        (("tracking_error: 2 m", "tracking_error: -2 m"), "tracking_error must be above zero"),
        (("subject_distance: 3 m", "subject_distance: infinity"), "must be above zero and finite"),
    ],
)
def test_safety_that_is_not(change, words, tmp_path):
    assert words in str(refuse(tmp_path, SAFETY.replace(*change)))


def test_configs_cannot_be_changed(tmp_path):
    loaded = safety.load(str(write(tmp_path, SAFETY)))
    with pytest.raises(ValueError, match="frozen"):
        loaded.subject_distance = 0.0


def test_errors_are_of_one_family():
    assert issubclass(ConfigErrors, ConfigError)
    assert issubclass(ConfigError, CinempcError)
    assert str(ConfigError("is wrong", path="a.yaml", line=3, field="b.c")) == (
        "a.yaml:3: b.c: is wrong"
    )
    assert str(ConfigError("is wrong")) == "is wrong"
