"""`cinempc sim world` and `cinempc sim gazebo`, as a user meets them."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from cinempc.cli import main as cli
from sim.gazebo import assets, transport
from tests.sim.gazebo_parts import px4_models, sdformat_says, tree

pytestmark = pytest.mark.slow


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["cinempc", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "write", lambda *args: None)
    monkeypatch.delenv("PX4_BUILD", raising=False)
    for name in ("GZ_PARTITION", "GZ_IP"):
        monkeypatch.setenv(name, "before")  # so that what is set is taken back
        monkeypatch.delenv(name)


def test_world_is_written_and_how_to_start_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build = tmp_path / "px4" / "build" / "px4_sitl_default"
    build.mkdir(parents=True)
    models = px4_models(tmp_path / "px4/Tools/simulation/gz/models")
    to = tmp_path / "world"
    status = run(
        monkeypatch, "sim", "world", "--script", "dolly_zoom", "--to", str(to), "--px4", str(build),
        "--instance", "3",
    )  # fmt: skip
    assert status == 0
    file = to / "plaza.sdf"
    assert sdformat_says(file, models) is None
    said = capsys.readouterr().out
    commands = [shlex.split(line) for line in said.splitlines() if line.startswith("  ")]
    gazebo, window, px4, bridge, flight = commands
    assert gazebo[-1] == str(file)
    assert window[-1] == "-g"
    for name in ("GZ_PARTITION", "GZ_IP"):
        told = [
            next(word for word in words if word.startswith(f"{name}=")) for words in commands[:4]
        ]
        assert len(set(told)) == 1
    assert "PX4_GZ_MODEL_NAME=cinempc_x500" in px4
    assert px4[px4.index("-i") + 1] == "3"
    assert bridge[bridge.index("sim") :] == [
        "sim", "gazebo", "--script", "dolly_zoom", "--world", str(to), "--instance", "3",
    ]  # fmt: skip
    # The vehicle stands on the mark of the script, as `sim vehicle`'s does: ahead of the hero.
    pose = (tree(file).findtext(".//model[@name='cinempc_x500']/pose") or "").split()
    assert float(pose[0]) > 3
    assert abs(float(pose[1])) < 0.5
    assert abs(abs(float(pose[5])) - 3.14159) < 0.1
    assert flight[-1] == f"--origin={float(pose[0]):.2f},{float(pose[1]):.2f}"


def test_without_px4_its_models_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("sim", "world", "--script", "dolly_zoom", "--to", str(tmp_path))
    assert run(monkeypatch, *words) == 0
    assert "GZ_SIM_RESOURCE_PATH" in capsys.readouterr().err
    assert run(monkeypatch, *words, "--px4", str(tmp_path)) == 2
    assert "git submodule update" in " ".join(capsys.readouterr().err.split())


def test_bridge_needs_its_world_and_the_bindings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("sim", "gazebo", "--script", "dolly_zoom", "--world", str(tmp_path))
    assert run(monkeypatch, *words) == 2
    assert "cinempc sim world --script dolly_zoom" in " ".join(capsys.readouterr().err.split())
    (tmp_path / "plaza.sdf").write_text("<sdf version='1.9'/>", encoding="utf-8")
    monkeypatch.setattr(transport, "MODULES", ("gz.no_such_transport",))
    assert run(monkeypatch, *words) == 2
    assert "python3-gz-transport13" in " ".join(capsys.readouterr().err.split())
    assert os.environ["GZ_PARTITION"] == "cinempc-0"
    assert os.environ["GZ_IP"] == "127.0.0.1"
