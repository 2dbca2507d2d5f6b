"""The command line as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cinempc import configs
from tests.test_take import cinempc

SHIPPED = sorted(path.stem for path in (configs.root() / "scripts").glob("*.yaml"))


@pytest.mark.parametrize("command", [(), ("film",), ("check",), ("bench",), ("bench", "mpc")])
def test_every_command_has_help(command: tuple[str, ...]) -> None:
    done = cinempc(*command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout
    if command and command != ("bench",):
        assert "Example: cinempc" in done.stdout


@pytest.mark.parametrize("name", SHIPPED)
def test_check_passes_every_shipped_script(name: str) -> None:
    done = cinempc("check", name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("fine")


def test_a_mistake_is_told_with_its_place_and_status_2(tmp_path: Path) -> None:
    text = (configs.root() / "scripts" / "dolly_zoom.yaml").read_text()
    path = tmp_path / "wrong.yaml"
    path.write_text(text.replace("to: 120 mm", "to: 300 mm").replace("soft: [friend]", "soft: [f]"))
    done = cinempc("check", str(path))
    assert done.returncode == 2
    line = next(i for i, t in enumerate(path.read_text().splitlines(), 1) if "300 mm" in t)
    assert f"{path}:{line}: shots.0.move.focal_length.to: 300 mm" in done.stderr
    assert "24 to 120 mm" in done.stderr
    assert "unknown subject 'f'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_script_names_those_that_there_are() -> None:
    done = cinempc("film", "doly_zoom")
    assert done.returncode == 2
    assert "did you mean 'dolly_zoom'" in done.stderr


def test_a_wrong_option_is_status_2() -> None:
    done = cinempc("film", "dolly_zoom", "--perception", "magic")
    assert done.returncode == 2
    assert "simulated" in done.stderr


@pytest.mark.slow
def test_bench_prints_json_with_the_published_errors_beside() -> None:
    done = cinempc("bench", "mpc", "--problem", "cinempc-dolly", "--json")
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
