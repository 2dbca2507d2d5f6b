"""The scripts of the documentation run as they are."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they write goes away."""
    monkeypatch.chdir(tmp_path)


def run(
    name: str, *arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    path = EXAMPLES / f"{name}.py"
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    runpy.run_path(str(path), run_name="__main__")
    return capsys.readouterr().out


def test_there_is_a_test_of_each() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert f'run("{path.stem}"' in text, path.name


def test_film_a_script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = run("film_a_script", "dolly_zoom", monkeypatch=monkeypatch, capsys=capsys)
    assert "Vertigo, 0-12 s, dolly-zoom" in said
    off = re.search(r"([\d.]+) % of the picture's width", said)
    assert off is not None
    assert 0 < float(off[1]) < 2
    assert Path(said.rsplit(": ", 1)[1].strip()).is_file()


def test_sweep_seeds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = run("sweep_seeds", "dolly_zoom", "2", monkeypatch=monkeypatch, capsys=capsys)
    rows = said.splitlines()
    assert [row.split()[0] for row in rows] == ["seed", "0", "1", "mean"]
    assert rows[1] != rows[2].replace("   1 ", "   0 ", 1)
    assert Path("takes/sweep/1/metrics.json").is_file()


def test_check_then_film(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = run("check_then_film", monkeypatch=monkeypatch, capsys=capsys)
    assert re.findall(r"^(\w+): \d+ shots", said, re.MULTILINE) == ["follow", "orbit", "dolly_zoom"]
    assert "its first second:" in said


def test_the_readme_s_lines_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As they are, but without pictures."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    lines = next(block for block in blocks if "cinempc.film" in block)
    assert len(lines.strip().splitlines()) <= 6
    quick, count = re.subn(r"(cinempc\.film\(.*)\)", r"\1, pictures=False)", lines)
    assert count == 1
    exec(compile(quick, "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "%" in said
