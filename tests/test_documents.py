"""Whatever stands in a file: data, or one message with its line, and no more work than that."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from cinempc import configs, documents
from cinempc.errors import ConfigError
from cinempc.rig import camera
from cinempc.script import load as scripts

GOOD = "name: test\nshots: [{name: one}, {name: two}]\n"


def read(folder: Path, data: bytes | str) -> object:
    path = folder / "mine.yaml"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return documents.read(path)


def refuse(folder: Path, data: bytes | str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(folder, data)
    assert "\n" not in str(caught.value)
    assert len(caught.value.what) < 300
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.encode("utf-16"),
        GOOD.replace("\n", "\r\n"),
        "%YAML 1.2\n---\n" + GOOD,
        "name: &n test\nshots: [{name: one}, {name: two}]\nagain: *n\n",
        "base: &b {name: one}\nshots: [*b, {<<: *b, name: two}]\nname: test\n",
    ],
)
def test_what_is_yaml_is_read(tmp_path, data):
    found = read(tmp_path, data)
    assert isinstance(found, dict)
    assert found["name"] == "test"
    assert [shot["name"] for shot in found["shots"]] == ["one", "two"]


def test_a_name_like_a_date_is_a_text(tmp_path):
    assert read(tmp_path, "name: 2024-02-30\nother: 2024-02-03\n") == {
        "name": "2024-02-30",
        "other": "2024-02-03",
    }


LAUGHS = "a: &a [lol, lol, lol, lol]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n"
    for a, b in zip("abcdefghijklmn", "bcdefghijklmno", strict=True)
)


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        ("name: x\na: " + "[" * 3000 + "]" * 3000, 2, "levels deep"),
        ("a: " + "{b: " * 3000 + "}" * 3000, 1, "levels deep"),
        ("- " * 3000 + "x", 1, "levels deep"),
        ("[" * 500_000, 1, "levels deep"),
        (LAUGHS, None, "more than 20000 entries"),
        ("a: &a [1, *a]\n", 1, "stands within what it stands for"),
        ("x: 1\na: &a {b: {c: *a}}\n", 2, "stands within"),
        ("name: x\n\tshots: 3\n", 2, "a tab; indent with blanks"),
        ("name: x\nname: y\n", 2, "duplicate key"),
        ("name: a: b\n", 1, "in quotes"),
        ("a: 1\n---\nb: 2\n", 2, "a file holds one"),
        ("a: 1\nb: *nope\n", 2, "undefined alias"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", 2, "means nothing in a file"),
        ("a: !!str 3\n", 1, "means nothing in a file"),
        ("a: 1\nb: [1, .NaN]", 2, ".NaN is no number here"),
        ("a: -.inf", 1, "is no number here"),
        ("a: 1e999", 1, "is no number here"),
        ("a: !mine 3\n", 1, "means nothing in a file"),
        ("a: !!binary x\n", 1, "means nothing in a file"),
        ("a: 1\nb: " + "9" * 6000, 2, "digits"),
        ("a: 1\nb: caf\xe9".encode("latin-1"), 2, "no text in UTF-8 (byte 0xe9)"),
        (b"a: 1\nb: \0", 2, "a character that no text has (code 0x00)"),
        ("a: 1\nb: \x1b[31m", 2, "(code 0x1b)"),
        ('a: 1\nb: "\\0"', 2, "\\u0000 is no character"),
        ('a: "\\ud800"', 1, "\\ud800 is no character"),
        (bytes(range(128, 256)) * 40, 1, "no text in UTF-8"),
        ("a: 'x\nb: 2\n", 1, "a quote that begins here"),
        ("a: [1, 2\n", None, "expected"),
        ("x" * (1 << 20) + ": 1", None, "no file of settings"),
        ("- a\n" * 30_000, None, "entries"),
    ],
    ids=range(30),
)
def test_what_is_none_is_one_message_with_its_line(tmp_path, data, line, words):
    error = refuse(tmp_path, data)
    assert words in error.what
    assert line is None or error.line == line


def test_what_cannot_be_read_at_all(tmp_path):
    for path, words in {
        tmp_path: "is a folder",
        tmp_path / "nothing.yaml": "No such file",
        Path("/dev/zero"): "no file of settings",
        Path("/proc/self/mem"): "cannot be read: ",
    }.items():
        with pytest.raises(ConfigError, match=words):
            documents.read(path)


def test_a_folder_is_named_where_a_file_is_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name in ("mine", str(tmp_path)):
        with pytest.raises(ConfigError, match="is a folder: name the YAML file in it"):
            camera.load(name)


@pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b", "/dev/null/x", "/proc/1/root/x", "\n"])
def test_a_name_of_no_file(name):
    with pytest.raises(ConfigError, match="no camera called") as caught:
        camera.load(name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_script_that_is_no_text(tmp_path):
    path = tmp_path / " with blanks .yaml"
    path.write_text((configs.root() / "scripts" / "orbit.yaml").read_text(), encoding="utf-16")
    assert scripts.load(path).config.name == "Orbit"


def test_what_a_message_shows_of_a_file_is_short(tmp_path):
    path = tmp_path / "mine.yaml"
    for text in ("1: 2\n2: 3\n", "k" * 900 + ": 1\n", f"name: [{'x, ' * 5000}]\n", "name: {}\n"):
        path.write_text(text)
        with pytest.raises(ConfigError) as caught:
            configs.load(path, camera.Camera)
        lines = str(caught.value).splitlines()
        assert all(len(line) < 400 for line in lines)


_TEXTS: SearchStrategy[str | bytes] = st.one_of(
    st.text(max_size=60),
    st.text("ab:-[]{}&*!?|>'\"%@#,\n \t<0.1", max_size=60),
    st.binary(max_size=60),
)


@given(_TEXTS)
@settings(max_examples=150, deadline=None)
def test_any_file_is_data_or_a_message(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode(errors="surrogatepass") if isinstance(text, str) else text)
    try:
        documents.read(path)
    except ConfigError as error:
        assert "\n" not in str(error)  # noqa: PT017 - of any file
