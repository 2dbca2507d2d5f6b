"""From nothing to weights that run: pictures, collages, training, export, figures."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinempc.cli import app
from perception import detector


@pytest.mark.slow
def test_one_command_makes_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        app,
        ["models", "train", "small", "--scenes", "1", "--test-scenes", "1", "--pictures", "3",
         "--epochs", "1", "--size", "96", "--out", "made"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    figures = json.loads(Path("made/small.json").read_text())
    assert figures["pictures"] == 3
    assert figures["megabytes"] < 6
    assert detector.load("made/small.onnx").has_keypoints
    assert len(list(Path("made/data/images/collage").glob("*.jpg"))) == 45
