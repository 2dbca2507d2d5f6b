"""From nothing to weights that run: pictures, collages, training, export, figures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from perception.detect import loading

pytestmark = [pytest.mark.heavy, pytest.mark.slow]


def test_one_command_makes_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # In a process of its own, as its user runs it, whatever libraries other tests have loaded: a
    # compiler of torch's has crashed where the simulator's graphics had loaded theirs before.
    words = (
        "models train small --scenes 1 --test-scenes 1 --pictures 3 --epochs 1 --size 96 --out made"
    )
    # One thread: so little work gains nothing by two, which wait for each other on a busy machine.
    done = subprocess.run(
        [sys.executable, "-m", "cinempc", *words.split()], capture_output=True, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads(Path("made/small.json").read_text())
    assert figures["pictures"] == 3
    assert figures["megabytes"] < 6
    assert loading.load("made/small.onnx").has_keypoints
    assert len(list(Path("made/data/images/collage").glob("*.jpg"))) == 45
