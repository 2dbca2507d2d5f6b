"""Weights pulled by ultralytics as far as the network goes, and exported."""

from pathlib import Path

import pytest

from perception.detect import loading, models
from perception.detect.detector import WeightsError
from perception.detect.ultralytics_detector import ultralytics as loaded

pytestmark = [pytest.mark.heavy, pytest.mark.slow]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder of weights."""
    monkeypatch.setattr(models, "folder", lambda: tmp_path / "pulled")
    monkeypatch.delenv("CINEMPC_MODELS", raising=False)
    (tmp_path / "pulled").mkdir()
    return tmp_path


def test_pulling_what_nobody_publishes(own: Path) -> None:
    with pytest.raises(WeightsError, match=r"publishes no such weights.*yolo11n-pose"):
        models.pull("yolo11n-poze")
    with pytest.raises(WeightsError, match="no such file"):
        models.pull(str(own / "mine.pt"))
    broken = own / "broken.pt"
    broken.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="cannot be had"):
        models.pull(str(broken))
    assert not list((own / "pulled").iterdir())


def test_pulling_without_a_network(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ultralytics = loaded()

    def offline(*args: object, **kwargs: object) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(ultralytics.utils.downloads, "attempt_download_asset", offline)
    with pytest.raises(WeightsError, match=r"no route to host.*Is the network there"):
        models.pull("yolo11n-pose")


def test_weights_of_ones_own_are_exported(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a download would be followed by: the export, and the file in its place."""
    ultralytics = loaded()
    monkeypatch.chdir(own)
    ultralytics.YOLO("yolo11n-pose.yaml").save(own / "mine.pt")
    file = models.pull(str(own / "mine.pt"), size=64)
    assert file == own / "pulled" / "mine.onnx"
    assert [p.name for p in (own / "pulled").iterdir()] == ["mine.onnx"]
    assert loading.load(models.find("mine")).has_keypoints
