"""What a small network makes of a person's picture: a vector that is like itself from all sides.

It sees what two patches of colour do not: hair and skin, sleeves, how light and dark are spread,
which black and white has too. `perception.training.reidentification` makes it, from people of the
simulator; its model card is the README.md beside this file.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: The shipped network.
WEIGHTS = Path(__file__).parent / "looks.onnx"
#: Width and height of a crop, px; of a vector, how many numbers.
SIZE, DIMENSIONS = (32, 64), 64

_EDGE = 2.0  # px, from the picture's edge: a box that is nearer may be cut


def measure_features(
    image: NDArray[np.uint8], boxes: Floats, weights: Path = WEIGHTS
) -> NDArray[np.float32]:
    """Unit vectors (n, 64) of the people in boxes (n, 4), left, top, right, bottom px.

    Zeros for boxes that the picture's edge may cut: half a body, stretched, is another's.

    Args:
        image: RGB (height, width, 3).
        boxes: px.
        weights: an ONNX file of `perception.training.reidentification`.
    """
    height, width = image.shape[:2]
    boxes = np.clip(np.nan_to_num(boxes), -1e6, 1e6)
    low, high = boxes[:, :2], boxes[:, 2:]
    inside = (low > _EDGE) & (high < np.array([width, height]) - _EDGE) & (high - low >= 2)
    whole = np.flatnonzero(inside.all(1))
    vectors = np.zeros((len(boxes), DIMENSIONS), np.float32)
    if len(whole):
        crops = np.stack([_crop(image, boxes[k]) for k in whole]).transpose(0, 3, 1, 2)
        given = {"crops": crops.astype(np.float32) / 255}
        vectors[whole] = _session(weights).run(None, given)[0]
    return vectors


def _crop(image: NDArray[np.uint8], box: Floats) -> NDArray[np.uint8]:
    """A box (64, 32, 3), whatever its shape: sampled twice as finely, then averaged."""
    left, top, right, bottom = box
    across, down = (right - left) / (2 * SIZE[0]), (bottom - top) / (2 * SIZE[1])
    place = np.array([[across, 0, left + across / 2 - 0.5], [0, down, top + down / 2 - 0.5]])
    fine = cv2.warpAffine(
        image,
        place,
        (2 * SIZE[0], 2 * SIZE[1]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cv2.resize(fine, SIZE, interpolation=cv2.INTER_AREA), np.uint8)


@cache
def _session(weights: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # 14 M multiplications a person: threads cost more
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
