"""Detection: every layout of ONNX file, both back ends, and files and pictures that are none."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from perception import detect
from perception.detect import detector, loading, models
from perception.detect.detector import BACKENDS, FrameError, WeightsError
from perception.detect.letterbox import Letterbox
from tests.perception.photographs import photograph, weights

PICTURE = np.full((240, 320, 3), 90, np.uint8)


def model(
    path: Path,
    out: np.ndarray,
    about: dict[str, str] | None = None,
    *,
    size: tuple[int, int] | None = (256, 320),
    kind: int = TensorProto.FLOAT,
) -> Path:
    """An ONNX file that gives the same whatever it is shown."""
    sides = list(size) if size else ["height", "width"]
    constant = numpy_helper.from_array(out, "found")
    zero = numpy_helper.from_array(np.zeros(1, out.dtype), "zero")
    nodes = [
        helper.make_node("ReduceMin", ["images"], ["least"], keepdims=0),
        helper.make_node("Cast", ["least"], ["cast"], to=constant.data_type),
        helper.make_node("Mul", ["cast", "zero"], ["nothing"]),
        helper.make_node("Add", ["found", "nothing"], ["output0"]),
    ]
    graph = helper.make_graph(
        nodes,
        "same",
        [helper.make_tensor_value_info("images", kind, [1, 3, *sides])],
        [helper.make_tensor_value_info("output0", constant.data_type, list(out.shape))],
        [constant, zero],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 9
    for key, value in (about or {}).items():
        entry = made.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(made, path)
    return path


ABOUT = {
    "task": "detect",
    "names": "{0: 'person', 1: 'bus'}",
    "imgsz": "[256, 320]",
    "stride": "32",
}
POSE = ABOUT | {"task": "pose", "names": "{0: 'person'}", "kpt_shape": "[17, 3]"}
# The picture of 320 x 240 lies 8 px below the top of an input of 320 x 256.


def raw(rows: list[tuple[float, ...]], count: int = 60, channels: int = 6) -> np.ndarray:
    out = np.zeros((1, channels, count), np.float32)
    for k, row in enumerate(rows):
        out[0, : len(row), k] = row
    return out


def test_boxes_come_back_in_px_of_the_picture(tmp_path: Path) -> None:
    out = raw([(100, 108, 40, 80, 0.9, 0.1), (200, 128, 60, 60, 0.1, 0.8)])
    found = loading.load(model(tmp_path / "m.onnx", out, ABOUT)).detect(PICTURE)
    assert [found.name(k) for k in range(len(found))] == ["person", "bus"]
    np.testing.assert_allclose(found.boxes, [[80, 60, 120, 140], [170, 90, 230, 150]], atol=1e-3)
    np.testing.assert_allclose(found.scores, [0.9, 0.8], atol=1e-6)
    assert found.keypoints is None


def test_of_two_boxes_of_one_thing_the_better_is_given(tmp_path: Path) -> None:
    out = raw([(100, 108, 40, 80, 0.7, 0.0), (102, 108, 40, 80, 0.9, 0.0),
               (101, 108, 40, 80, 0.0, 0.8)])  # fmt: skip
    found = loading.load(model(tmp_path / "m.onnx", out, ABOUT)).detect(PICTURE)
    assert found.scores == pytest.approx([0.9, 0.8])  # another class is another thing
    assert list(found.classes) == [0, 1]


def test_only_the_wanted_classes_are_given(tmp_path: Path) -> None:
    file = model(
        tmp_path / "m.onnx",
        raw([(100, 108, 40, 80, 0.9, 0.1), (200, 128, 60, 60, 0.1, 0.8)]),
        ABOUT,
    )
    found = loading.load(file, classes=["bus"]).detect(PICTURE)
    assert [found.name(k) for k in range(len(found))] == ["bus"]
    with pytest.raises(WeightsError, match=r"do not know buss.*did you mean bus"):
        loading.load(file, classes=["buss"])


def points(u: float, v: float) -> list[float]:
    return [value for k in range(17) for value in (u + k, v + k, 0.5)]


def test_keypoints_of_a_pose_model(tmp_path: Path) -> None:
    out = raw([(100, 108, 40, 80, 0.9, *points(90, 80))], channels=56)
    found = loading.load(model(tmp_path / "m.onnx", out, POSE)).detect(PICTURE)
    assert found.keypoints.shape == (1, 17, 3)
    np.testing.assert_allclose(found.keypoints[0, 3], [93, 75, 0.5], atol=1e-4)


def test_a_model_with_nms_inside(tmp_path: Path) -> None:
    out = np.zeros((1, 300, 57), np.float32)
    out[0, 0, :6] = [80, 68, 120, 148, 0.9, 0]
    out[0, 0, 6:] = points(90, 80)
    found = loading.load(model(tmp_path / "m.onnx", out, POSE)).detect(PICTURE)
    np.testing.assert_allclose(found.boxes, [[80, 60, 120, 140]], atol=1e-3)
    np.testing.assert_allclose(found.keypoints[0, 0], [90, 72, 0.5], atol=1e-4)


def test_half_precision(tmp_path: Path) -> None:
    out = raw([(100, 108, 40, 80, 0.9, 0.1)]).astype(np.float16)
    file = model(tmp_path / "m.onnx", out, ABOUT, kind=TensorProto.FLOAT16)
    np.testing.assert_allclose(
        loading.load(file).detect(PICTURE).boxes, [[80, 60, 120, 140]], atol=0.2
    )


def test_a_dynamic_size_is_cut_to_the_picture(tmp_path: Path) -> None:
    file = model(
        tmp_path / "m.onnx", raw([(50, 50, 20, 40, 0.9, 0.1)]), ABOUT | {"imgsz": "[160, 160]"},
        size=None,
    )  # fmt: skip
    found = loading.load(file).detect(PICTURE)  # 160 x 120 and 4 px more above and below
    np.testing.assert_allclose(found.boxes, [[80, 52, 120, 132]], atol=1e-3)
    twice = loading.load(file, size=320).detect(PICTURE)
    np.testing.assert_allclose(twice.boxes, [[40, 22, 60, 62]], atol=1e-3)


def test_yolox(tmp_path: Path) -> None:
    out = np.zeros((1, 52 * 52 + 26 * 26 + 13 * 13, 85), np.float32)
    cell = 52 * 52 + 5 * 26 + 7  # row 5, column 7 of the grid of stride 16
    out[0, cell, :5] = [0.5, 0.5, np.log(4), np.log(8), 0.9]
    out[0, cell, 5] = 1.0
    found = loading.load(model(tmp_path / "m.onnx", out, size=(416, 416))).detect(PICTURE)
    assert found.name(0) == "person"
    box = np.array([120 - 32, 88 - 64, 120 + 32, 88 + 64]) * 320 / 416
    np.testing.assert_allclose(found.boxes, [box], atol=1e-3)
    assert found.scores == pytest.approx([0.9])


def test_numbers_that_are_none_are_dropped(tmp_path: Path) -> None:
    out = raw([(np.nan, 108, 40, 80, 0.9, 0.1), (200, 128, 60, 60, 0.1, 0.8),
               (100, 108, 40, 80, np.nan, 0.1)])  # fmt: skip
    found = loading.load(model(tmp_path / "m.onnx", out, ABOUT)).detect(PICTURE)
    assert [found.name(k) for k in range(len(found))] == ["bus"]


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    whole = model(tmp_path / "m.onnx", raw([]), ABOUT)
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    text = tmp_path / "text.onnx"
    text.write_text("not a model")
    for file in (cut, text):
        with pytest.raises(WeightsError, match=rf"{file.name}.*no ONNX model"):
            loading.load(file)
    with pytest.raises(WeightsError, match="there is no such file"):
        loading.load(tmp_path / "none.onnx")
    other = model(tmp_path / "other.onnx", np.zeros((1, 1000), np.float32))
    with pytest.raises(WeightsError, match=r"not a YOLO.*\[1, 1000\]"):
        loading.load(other)
    masks = model(tmp_path / "masks.onnx", raw([]), ABOUT | {"task": "segment"})
    with pytest.raises(WeightsError, match="'segment'; only 'detect' and 'pose'"):
        loading.load(masks)
    hands = model(
        tmp_path / "hands.onnx", raw([], channels=5 + 63), POSE | {"kpt_shape": "[21, 3]"}
    )
    with pytest.raises(WeightsError, match="21 x 3, not the 17"):
        loading.load(hands)
    with pytest.raises(WeightsError, match="fixed at 320 x 256"):
        loading.load(whole, size=640)
    with pytest.raises(WeightsError, match=r"ONNX Runtime needs an \.onnx"):
        loading.load("yolo11n.pt", backend="onnxruntime")


def test_a_backend_that_is_not_there(tmp_path: Path) -> None:
    file = model(tmp_path / "m.onnx", raw([]), ABOUT)
    with pytest.raises(WeightsError, match=r"no backend 'abacus'; there are .*onnxruntime"):
        loading.load(file, backend="abacus")


CENTRE_DETECTOR = """
import numpy as np
from perception.detect.detections import Detections
from perception.detect.detector import check_image, register

@register("centre", suffixes=(".centre",))
class CentreDetector:
    def __init__(self, file, options):
        self.names, self.has_keypoints, self.milliseconds = {0: file.read_text()}, False, {}
        self.score = options.confidence

    def detect(self, image):
        high, wide = check_image(image).shape[:2]
        box = np.array([[wide / 4, high / 4, 3 * wide / 4, 3 * high / 4]])
        return Detections(box, np.array([self.score]), np.zeros(1, np.int64), self.names)
"""


def test_a_new_detector_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "detect"
    folder.mkdir()
    (folder / "centre_detector.py").write_text(CENTRE_DETECTOR)
    (tmp_path / "mine.centre").write_text("dog")
    monkeypatch.setenv("CINEMPC_MODELS", str(tmp_path))
    monkeypatch.setattr(detect, "__path__", [*detect.__path__, str(folder)])
    monkeypatch.setattr(loading, "BACKENDS", kinds := dict(BACKENDS))
    monkeypatch.setattr(detector, "BACKENDS", kinds)
    try:
        found = loading.load(models.find("mine"), confidence=0.4).detect(PICTURE)
    finally:
        sys.modules.pop("perception.detect.centre_detector", None)
    np.testing.assert_allclose(found.boxes, [[80, 60, 240, 180]])
    assert (found.name(0), found.scores[0]) == ("dog", 0.4)
    assert not [kind for kind in BACKENDS if "centre" in kind]  # as before


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        None,
    ],
)
def test_what_is_no_picture(tmp_path: Path, image: np.ndarray) -> None:
    eye = loading.load(model(tmp_path / "m.onnx", raw([]), ABOUT))
    with pytest.raises(FrameError, match="a picture"):
        eye.detect(image)
    assert len(eye.detect(PICTURE)) == 0


@given(
    st.integers(100, 2000), st.integers(100, 2000), st.integers(4, 20), st.integers(4, 20),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_what_is_found_lies_where_it_was(
    wide: int, high: int, across: int, down: int, dynamic: bool, corner: bool
) -> None:
    box = Letterbox.fit(
        (wide, high), (32 * across, 32 * down), stride=32 if dynamic else 0, corner=corner
    )
    assert box.input[0] <= 32 * across
    assert box.input[1] <= 32 * down
    if dynamic:
        assert box.input[0] % 32 == 0 or box.input[0] < 32
    there = np.array([[0.0, 0.0], [wide, high]]) * np.array(box.scaled) / [wide, high]
    back = box.points(there + np.array([box.left, box.top]))
    # Each side is rounded to whole px of the input: by half a px at most.
    np.testing.assert_allclose(back, [[0, 0], [wide, high]], atol=1.01 / box.scale)


# --- weights of other makers, real pictures ---


@pytest.mark.slow
@pytest.mark.parametrize("name", ["yolov8n_coco_int8.onnx", "yolox_nano_coco.onnx"])
def test_real_photographs(name: str) -> None:
    eye = loading.load(weights(name))
    street = eye.detect(photograph("bus.jpg"))
    assert len(street.of_class("person")) >= 3
    assert len(street.of_class("bus")) == 1
    assert len(eye.detect(photograph("zidane.jpg")).of_class("person")) == 2
