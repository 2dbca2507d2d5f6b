"""Both back ends find the same, in COCO weights and in all that ultralytics exports."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from perception.detect import loading
from perception.detect.ultralytics_detector import ultralytics as loaded
from tests.perception.photographs import photograph, weights

pytestmark = [pytest.mark.heavy, pytest.mark.slow]


def agree(file: Path, image: np.ndarray, confidence: float, iou: float = 0.6) -> None:
    one = loading.load(file, confidence=confidence, iou=iou).detect(image)
    other = loading.load(file, confidence=confidence, iou=iou, backend="ultralytics").detect(image)
    assert len(one) == len(other) > 0
    # Of scores that are nearly alike, either may come first.
    apart = np.abs(one.boxes[:, None] - other.boxes[None]).max(axis=2)
    apart += 1e3 * np.abs(one.scores[:, None] - other.scores[None])
    apart += 1e6 * (one.classes[:, None] != other.classes[None])
    mine, its = linear_sum_assignment(apart)
    np.testing.assert_allclose(one.boxes[mine], other.boxes[its], atol=1.0)
    np.testing.assert_allclose(one.scores[mine], other.scores[its], atol=0.01)
    assert list(one.classes[mine]) == list(other.classes[its])
    if one.keypoints is not None:
        points, others = one.keypoints[mine, :, :2], other.keypoints[its, :, :2]
        np.testing.assert_allclose(points, others, atol=1.0)


def test_both_back_ends_agree_on_coco_weights() -> None:
    for name in ("bus.jpg", "zidane.jpg"):
        agree(weights("yolov8n_coco_int8.onnx"), photograph(name), 0.25)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("yolov8n-pose", {"dynamic": True}),
        ("yolo11n", {}),
        ("yolo11n-pose", {"nms": True}),
        ("yolo26n-pose", {}),
    ],
)
def test_both_back_ends_agree_on_what_ultralytics_exports(
    tmp_path: Path, kind: str, settings: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    ultralytics = loaded()
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    made = ultralytics.YOLO(f"{kind}.yaml")
    # Untrained scores are all alike: random weights at the end, as strong as spreads the scores
    # on this picture, give something to find.
    image = cv2.resize(photograph("bus.jpg"), (320, 240))
    seen = torch.from_numpy(cv2.resize(image, (160, 160)).transpose(2, 0, 1)[None] / 255).float()
    spread = torch.Generator().manual_seed(1)
    for name, end in made.model.named_modules():
        if not (isinstance(end, torch.nn.Conv2d) and "cv3." in name and name.endswith(".2")):
            continue
        end.weight.data[:] = torch.randn(end.weight.shape, generator=spread)
        end.bias.data[:] = 0.0
        kept: list = []
        hook = end.register_forward_hook(lambda part, given, out, kept=kept: kept.append(out))
        with torch.no_grad():
            made.model(seen)
        hook.remove()
        scale = 3.0 / (kept[0].max() - kept[0].mean())
        end.weight.data *= scale
        end.bias.data[:] = -1.0 - scale * kept[0].mean()
    file = Path(made.export(format="onnx", imgsz=160, **settings))
    scores = loading.load(file, confidence=0.001).detect(image).scores
    assert len(scores)
    # Between two scores that are apart, so that rounding moves none across.
    some = np.sort(scores)[::-1][:20]
    gap = int(np.argmax(some[:-1] - some[1:])) if len(some) > 1 else 0
    least = float(some[gap : gap + 2].mean()) if len(some) > 1 else 0.5 * float(some[0])
    # Which of two boxes with nearly the same score stays would be a toss: both do.
    agree(file, image, least, iou=1.0)
