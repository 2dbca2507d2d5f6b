"""The report and the plots of a whole run."""

import json

import numpy as np
import pytest
from PIL import Image

from perception.evaluate import plots as drawing
from perception.evaluate import report as module
from perception.evaluate.plots import plots
from perception.evaluate.report import report
from perception.evaluate.samples import FrameLabels, FramePredictions
from tests.perception.samples import A, B, one_point, placed, result, truth


def test_a_perfect_report_is_json_with_ones():
    points = np.concatenate([one_point(0, (50, 10)), one_point(0, (350, 10))])
    truths = [truth(A, B, time=k / 10, keypoints=points) for k in range(5)]
    figures = report(truths, [result(A, B, time=k / 10, keypoints=points) for k in range(5)])
    assert figures == json.loads(json.dumps(figures, allow_nan=False))
    assert figures["boxes"]["ap"] == figures["keypoints"]["ap"] == pytest.approx(1)
    assert figures["identity"]["idf1"] == pytest.approx(1)
    assert figures["position"]["p50_m"] is None


def test_nothing_at_all_is_a_report_too(tmp_path):
    assert report([], [])["frames"] == 0
    assert report([truth()], [result()])["boxes"]["ap"] is None
    assert plots([truth()], [result()], tmp_path) == []


def test_without_the_library_only_average_precision_is_missing(monkeypatch, caplog, tmp_path):
    for part in (module, drawing):
        monkeypatch.setattr(part, "available", lambda: False)
    figures = report([truth(A, B)], [result(A, B)])
    assert figures["boxes"]["ap"] is figures["keypoints"]["ap50"] is None
    assert (figures["truths"], figures["identity"]["idf1"]) == (2, pytest.approx(1))
    assert "cinempc[evaluate]" in caplog.text
    names = [file.stem for file in plots([truth(A)], [result(A)], tmp_path)]
    assert names == ["identities"]


def test_what_does_not_pair_is_refused():
    with pytest.raises(ValueError, match="must pair"):
        report([truth(A)], [])
    with pytest.raises(ValueError, match="truth is of"):
        report([truth(A)], [result(A, time=1.0)])
    with pytest.raises(ValueError, match="id for each"):
        report([truth(A)], [result(A, ids=[])])


def test_every_plot_is_a_picture(tmp_path):
    truths, results = placed(0.3, 0.3, frames=40, people=2)
    headings = np.zeros(2)
    truths = [FrameLabels(**{**vars(t), "headings": headings}) for t in truths]
    results = [FramePredictions(**{**vars(r), "headings": headings + 0.1}) for r in results]
    files = plots(truths, results, tmp_path / "new")
    assert [f.stem for f in files] == [
        "position_time", "position_range", "heading", "nees", "precision_recall", "identities",
    ]  # fmt: skip
    for file in files:
        assert np.asarray(Image.open(file).convert("L")).std() > 5
