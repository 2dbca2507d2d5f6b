"""Set-ups' files: what they may say, and that the shipped ones say what is there."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from cinempc.errors import ConfigError
from cinempc.launch import setup

MINE = """\
name: mine
about: For a test
parts:
  - name: world
    about: Says hello
    command: echo {script} "two words"
    ready: {line: hello, within: 3 s}
  - name: fly
    about: Flies
    command: echo fly
    main: true
"""


def write(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    loaded = setup.load(write(tmp_path, MINE))
    assert [part.name for part in loaded.parts] == ["world", "fly"]
    assert loaded.parts[0].ready.within == 3.0
    assert loaded.parts[0].command is not None
    # A value with spaces stays in its word.
    assert setup.words(loaded.parts[0].command, {"script": "my film.yaml"}) == [
        "echo", "my film.yaml", "two words",
    ]  # fmt: skip


@pytest.mark.parametrize("name", setup.names())
def test_the_shipped_ones_load(name: str) -> None:
    loaded = setup.load(name)
    assert loaded.name == name
    assert sum(part.main for part in loaded.parts) == 1
    assert loaded.parts[-1].main  # the others are up before cinempc flies


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (
            ("command: echo fly", "px4: {model: x, autostart: 0}"),
            "parts.1.px4.autostart",
            "greater",
        ),
        (("    command: echo fly\n", ""), "parts.1", "nothing to run"),
        (("command: echo fly", "command: 'echo \"'"), "parts.1.command", "no closing quotation"),
        (("line: hello", "line: '('"), "parts.0.ready.line", "no regular expression"),
        (("main: true", "gazebo: server"), "parts.1", "has command and gazebo"),
        (("within: 3 s", "within: 3"), "parts.0.ready.within", "no unit"),
        (("name: fly", "name: world"), None, "two parts are called 'world'"),
        (("name: fly", "name: ../fly"), "parts.1.name", "pattern"),
        (("command: echo {", "main: true\n    command: echo {"), None, "two main parts"),
        (("main: true", "mian: true"), "parts.1.mian", "did you mean 'main'"),
    ],
)
def test_mistakes_are_told(
    change: tuple[str, str], field: str | None, words: str, tmp_path: Path
) -> None:
    assert change[0] in MINE
    with pytest.raises(ConfigError) as caught:
        setup.load(write(tmp_path, MINE.replace(*change)))
    assert words in str(caught.value)
    assert caught.value.field == field


def test_an_unknown_set_up_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'embedded'.*px4-sih"):
        setup.load("embeded")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("--script {scrpt}", "did you mean 'script'.*there are script, speed"),
        ("{", "cannot be filled in"),
        ("{script.nothing}", "cannot be filled in"),
        ("{}", "cannot be filled in|nothing is called"),
    ],
)
def test_what_cannot_be_filled_in(template: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        setup.fill(template, {"script": "a", "speed": "1"})


def test_braces() -> None:
    assert setup.fill("{{a: {speed}}}", {"speed": "2"}) == "{a: 2}"


def test_the_documented_commands_are_those_of_the_files() -> None:
    """Commands of this project that set-ups start have the options that they are given."""
    from typer.main import get_command

    from cinempc.cli.main import app

    root = get_command(app)
    for name in setup.names():
        for part in setup.load(name).parts:
            if part.command is None or not part.command.startswith("cinempc "):
                continue
            command, words = root, shlex.split(part.command)[1:]
            while hasattr(command, "commands"):
                assert words[0] in command.commands, f"{name}: {part.command}"
                command, words = command.commands[words[0]], words[1:]
            known = {option for parameter in command.params for option in parameter.opts}
            known |= {option for parameter in command.params for option in parameter.secondary_opts}
            used = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert used <= known, f"{name}: {part.name}"


def test_the_page_shows_a_file_that_loads(tmp_path: Path) -> None:
    page = setup.root().parent / "docs" / "launch.md"
    blocks = page.read_text(encoding="utf-8").split("```yaml\n")[1:]
    assert len(blocks) == 1
    loaded = setup.load(write(tmp_path, blocks[0].split("```")[0]))
    assert loaded.parts[-1].main
    text = page.read_text(encoding="utf-8")
    for name in setup.names():
        assert f"### {name}\n" in text
    for field in setup.PartConfig.model_fields:
        assert f"`{field}`" in text, f"{field} is not described"
