"""Weights of other makers and real photographs, for tests only."""

import os
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

#: Where such weights lie elsewhere, CINEMPC_MODELS says.
MODELS = Path(os.environ.get("CINEMPC_MODELS", Path(__file__).parents[3] / "shared" / "models"))


def weights(name: str) -> Path:
    file = MODELS / name
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    return file


def photograph(name: str) -> np.ndarray:
    """A picture that ultralytics brings; the package is only looked up, for loading it is slow."""
    found = find_spec("ultralytics")
    assert found is not None
    file = Path(found.origin or "").parent / "assets" / name
    return np.ascontiguousarray(cv2.imread(str(file))[:, :, ::-1])
