"""Weights by name: found, listed, and pulled as far as the network goes."""

from pathlib import Path

import pytest

from perception.detect import models
from perception.detect.detector import WeightsError


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder of weights."""
    monkeypatch.setattr(models, "folder", lambda: tmp_path / "pulled")
    monkeypatch.delenv("CINEMPC_MODELS", raising=False)
    (tmp_path / "pulled").mkdir()
    return tmp_path


def test_the_shipped_weights_are_there_and_small() -> None:
    assert models.find("people").stat().st_size <= 6e6


def test_found_by_path_by_name_and_in_ones_own_folder(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = own / "pulled" / "yolo11n-pose.onnx"
    file.write_bytes(b"x")
    assert models.find("yolo11n-pose") == file
    assert models.find(file) == file
    extra = own / "extra"
    extra.mkdir()
    (extra / "dogs.onnx").write_bytes(b"x")
    monkeypatch.setenv("CINEMPC_MODELS", str(extra))
    assert models.find("dogs") == extra / "dogs.onnx"
    assert {m.name for m in models.available()} == {"people", "yolo11n-pose", "dogs"}
    assert all(m.megabytes >= 0 for m in models.available())


def test_names_that_are_none_say_which_there_are(own: Path) -> None:
    with pytest.raises(WeightsError, match=r"no such weights \(did you mean people\?\)"):
        models.find("peeple")
    with pytest.raises(WeightsError, match="models pull yolo11n-pose"):
        models.find("yolo11n-pose")
    with pytest.raises(WeightsError, match="there is no such file"):
        models.find(own / "gone.onnx")


def test_pulling_without_ultralytics_says_how_to_get_it(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ultralytics", None)
    with pytest.raises(WeightsError, match=r"pip install 'cinempc\[yolo\]'"):
        models.pull("yolo11n-pose")
