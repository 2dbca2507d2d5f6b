"""`cinempc perceive` on real files: pictures, JSON, errors, sequences with their truth."""

import itertools
import json
import os
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from cinempc.cli.main import app
from cinempc.video.footage import Footage
from perception.detect.models import find
from sim.sequences import folder as folders
from sim.sequences import sequence
from tests.cli.program import invoke

pytestmark = pytest.mark.slow
RUN = CliRunner()


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of people walking."""
    folder = tmp_path_factory.mktemp("walk")
    folders.save(sequence.shoot("walk", 50, end=2.0, frame_rate=12.0), folder)
    return folder


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "found.jsonl").read_text().splitlines()]


def test_the_shipped_weights_find_people_with_their_keypoints(walk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = RUN.invoke(app, ["perceive", str(walk), "--ground-truth", "--out", str(out)])
    assert done.exit_code == 0, done.output
    report = json.loads((out / "evaluation.json").read_text())
    assert report["boxes"]["ap50"] > 0.8
    assert report["position"]["p95_pct_of_range"] < 15
    assert len(list((out / "plots").glob("*.png"))) >= 5
    found = lines(out)
    assert len(found) == 24
    subject = next(s for s in found[-1]["subjects"] if s["id"] is not None)
    assert subject["class"] == "person"
    assert set(subject) >= {
        "box", "score", "position", "position_covariance", "velocity", "heading",
        "heading_variance", "keypoints",
    }  # fmt: skip
    assert len(subject["keypoints"]) == 17
    with av.open(str(out / "annotated.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 24


def test_pictures_by_themselves(walk: Path, tmp_path: Path) -> None:
    images = sorted(str(p) for p in (walk / "images").glob("*.jpg"))[:2]
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    out = tmp_path / "out"
    done = RUN.invoke(
        app, ["perceive", *images, str(tmp_path / "broken.jpg"), "--json", "--out", str(out),
              "--fov", "40", "--camera-height", "2"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "1 skipped" in done.stderr
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert printed == lines(out)
    assert len(printed) == 2
    people = printed[0]["subjects"]
    assert [s["id"] for s in people] == list(range(1, len(people) + 1))
    assert "position" in people[0]
    drawn = cv2.imread(str(out / Path(images[0]).name))
    assert np.abs(drawn.astype(int) - cv2.imread(images[0])).max() > 100


def test_a_video_is_followed(walk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = RUN.invoke(
        app, ["perceive", str(walk / "images"), "--follow", "--out", str(out), "--no-pictures"]
    )
    assert done.exit_code == 0, done.output
    found = lines(out)
    ids = {s["id"] for line in found for s in line["subjects"]} - {None}
    assert ids
    assert any(s["id"] in ids for s in found[-1]["subjects"])
    assert "frames/s" in done.stderr
    assert not (out / "annotated.mp4").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.mp4"], "nothing.mp4"),
        (["{images}", "--class", "dog"], "do not know dog"),
        (["{images}", "--weights", "nothing"], "no such weights"),
        (["{images}", "--ground-truth"], "needs a sequence"),
    ],
)
def test_mistakes_say_what_to_do(
    walk: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    arguments = [a.format(images=walk / "images") for a in arguments]
    status, said = invoke("perceive", *arguments, "--out", str(tmp_path / "out"))
    assert status == 2
    assert message in said


def test_the_card_tells_the_figures() -> None:
    card = find("people").with_name("README.md").read_text()
    figures = json.loads(find("people").with_suffix(".json").read_text())
    for key in ("box_ap50", "keypoint_ap50"):
        assert f"{figures[key]:.3f}" in card


SHARED = Path(__file__).parents[3] / "shared"


def every_fourth(video: Path, path: Path) -> None:
    """The video's pictures at a quarter of their rate: the network's time is the test's."""
    with av.open(str(video)) as film:
        stream = film.streams.video[0]
        assert stream.average_rate is not None
        size = stream.width, stream.height
        with Footage(path, *size, float(stream.average_rate) / 4) as fewer:
            for frame in itertools.islice(film.decode(stream), 0, None, 4):
                fewer.write(frame.to_ndarray(format="rgb24"))


def test_real_people_have_one_identity_from_entry_to_exit(tmp_path: Path) -> None:
    """Six people walk in, stand at a table, three of them in black, and walk out, one by one."""
    footage = Path(os.environ.get("CINEMPC_FOOTAGE", SHARED / "footage"))
    models = Path(os.environ.get("CINEMPC_MODELS", SHARED / "models"))
    video, weights = footage / "people_one_by_one.mp4", models / "yolov8n_coco_int8.onnx"
    if not (video.is_file() and weights.is_file()):
        pytest.skip(f"{video} or {weights} is not there")
    fewer, out = tmp_path / "fewer.mp4", tmp_path / "out"
    every_fourth(video, fewer)
    done = RUN.invoke(
        app,
        ["perceive", str(fewer), "--weights", str(weights), "--no-pictures", "--out", str(out)],
    )
    assert done.exit_code == 0, done.output
    spans: dict[int, list[int]] = {}
    for number, line in enumerate(lines(out)):
        for subject in line["subjects"]:
            if subject["id"] is not None:
                spans.setdefault(subject["id"], []).append(number)
    assert len(spans) == 6
    ordered = sorted(spans.values())
    for one, other in itertools.pairwise(ordered):
        assert one[-1] < other[0]
    for frames in ordered:  # all the way: hardly a picture without
        assert len(frames) > 0.97 * (frames[-1] - frames[0])
