"""The command line as a user meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import cinempc
from cinempc import configs
from cinempc.cli.main import app
from tests.cli.program import invoke, run

SHIPPED = sorted(path.stem for path in (configs.root() / "scripts").glob("*.yaml"))


def commands(
    group: Any = None, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command, with the words that lead to it."""
    group = get_command(app) if group is None else group
    yield words, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*words, name))


@pytest.mark.parametrize("words", [words for words, _ in commands()], ids=" ".join)
def test_every_command_has_help(words: tuple[str, ...]) -> None:
    status, text = invoke(*words, "--help")
    assert status == 0
    assert "Usage" in text
    if words and words not in (("bench",), ("sim",), ("models",)):
        assert f"Example: cinempc {' '.join(words)}" in text


def test_every_option_is_described() -> None:
    for words, command in commands():
        for parameter in command.params:
            if "--help" not in parameter.opts and hasattr(parameter, "help"):
                assert parameter.help, f"{' '.join(words)}: {parameter.name}"


@pytest.mark.parametrize("name", SHIPPED)
def test_check_passes_every_shipped_script(name: str) -> None:
    status, text = invoke("check", name)
    assert status == 0, text
    assert text.endswith("fine")


def test_a_mistake_is_told_with_its_place_and_status_2(tmp_path: Path) -> None:
    text = (configs.root() / "scripts" / "dolly_zoom.yaml").read_text()
    path = tmp_path / "wrong.yaml"
    path.write_text(text.replace("to: 120 mm", "to: 300 mm").replace("soft: [friend]", "soft: [f]"))
    done = run("check", path)
    assert done.returncode == 2
    line = next(i for i, t in enumerate(path.read_text().splitlines(), 1) if "300 mm" in t)
    assert f"{path}:{line}: shots.0.move.focal_length.to: 300 mm" in done.stderr
    assert "24 to 120 mm" in done.stderr
    assert "unknown subject 'f'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_script_names_those_that_there_are() -> None:
    status, text = invoke("film", "doly_zoom")
    assert status == 2
    assert "did you mean 'dolly_zoom'" in text


def test_a_wrong_option_is_status_2() -> None:
    done = run("film", "dolly_zoom", "--perception", "magic")
    assert done.returncode == 2
    assert "simulated" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--perception", "yolo"), "nothing for a detector"),
        (("--monitor",), "the monitor is drawn"),
    ],
)
def test_what_needs_pictures_is_refused_without(
    options: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    folder = tmp_path / "take"
    status, text = invoke("film", "dolly_zoom", "--no-pictures", "--out", folder, *options)
    assert status == 2
    assert words in text
    assert not folder.exists()


def test_the_version_is_told() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"cinempc {cinempc.__version__}\n")


# --- completion ---

#: The program by the name that it is installed by.
INSTALLED = "import sys; sys.argv[0] = 'cinempc'; from cinempc.cli.main import main; main()"


def complete(*words: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", INSTALLED, *words],
        capture_output=True,
        text=True,
        env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"} | environment,
        timeout=120,
    )
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_commands(shell: str) -> None:
    script = complete("--show-completion", shell)
    assert "_CINEMPC_COMPLETE" in script
    assert f"complete_{shell}" in script


def test_what_is_begun_is_completed() -> None:
    def bash(words: str) -> list[str]:
        count = len(words.split(" ")) - 1
        return complete(
            _CINEMPC_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(count)
        ).split()

    assert bash("cinempc fi") == ["film"]
    assert bash("cinempc film --no-p") == ["--no-pictures"]


# --- benchmarks ---


@pytest.mark.slow
def test_bench_prints_json_with_the_published_errors_beside() -> None:
    done = run("bench", "mpc", "--problem", "cinempc-dolly", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert {"median", "p95", "p99"} <= set(figures["step_ms"])
    assert figures["unusable"] == 0
    assert figures["cost_ratio_to_ipopt"] <= 1.05
    assert figures["speedup_to_ipopt"] > 1
    assert figures["sizes"]["nodes"] == 5
    for sequence in figures["sequences"]:
        for name, error in sequence.items():
            assert error < figures["published"][name]
