"""Which way a body faces in one picture: the likelihood of every direction from its keypoints."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perception.detect.detections import KEYPOINTS
from perception.localise.heading import DIRECTIONS

Floats = NDArray[np.float64]

_INDEX = {name: k for k, name in enumerate(KEYPOINTS)}

# Keypoints of a standing adult in the body's frame, forward and left, as fractions of the height;
# measured on the simulator's bodies as above.
_SHAPE = {
    "nose": (0.090, 0.0, 0.91), "left_eye": (0.070, 0.018, 0.93),
    "right_eye": (0.070, -0.018, 0.93),
    "left_ear": (0.022, 0.047, 0.925), "right_ear": (0.022, -0.047, 0.925),
    "left_shoulder": (0.010, 0.095, 0.795), "right_shoulder": (0.010, -0.095, 0.795),
    "left_hip": (-0.004, 0.062, 0.53), "right_hip": (-0.004, -0.062, 0.53),
}  # fmt: skip
_SHAPE_INDEX = np.array([_INDEX[name] for name in _SHAPE])
_SHAPE_POINTS: Floats = np.array(list(_SHAPE.values()))
# How far each may be off its place, fractions of the height: heads turn, shoulders swing.
_LOOSE: Floats = np.array([0.03, 0.025, 0.025, 0.025, 0.025, 0.02, 0.02, 0.015, 0.015])
_REPEATS = 0.15  # of one look's weight: the errors of following pictures are much the same

_COS, _SIN = np.cos(DIRECTIONS), np.sin(DIRECTIONS)
#: (72, 9, 3) the shape turned to every direction.
_TURNED: Floats = np.stack(
    [
        _SHAPE_POINTS[None, :, 0] * _COS[:, None] - _SHAPE_POINTS[None, :, 1] * _SIN[:, None],
        _SHAPE_POINTS[None, :, 0] * _SIN[:, None] + _SHAPE_POINTS[None, :, 1] * _COS[:, None],
        np.repeat(_SHAPE_POINTS[None, :, 2], len(DIRECTIONS), axis=0),
    ],
    axis=-1,
)


def facing(points: Floats, sure: NDArray[np.bool_], ray: Floats, noise: float) -> Floats | None:
    """Log likelihood (72,) of every direction a body may face, from head, shoulders and hips.

    For each direction the shape is put over the keypoints by the best shift and scale (weak
    perspective), which leaves the misfit.

    Args:
        points: (17, 3) keypoints, px.
        sure: (17,) which of them count.
        ray: (3,) from the camera to the body, world frame.
        noise: of a keypoint, px.

    Returns:
        None where too little of the body is seen.
    """
    which = sure[_SHAPE_INDEX]
    torso = which[5:].sum()
    if which.sum() < 4 or torso < 2:
        return None
    seen = points[_SHAPE_INDEX[which], :2]
    forward = ray / np.linalg.norm(ray)
    right = np.array([forward[1], -forward[0], 0.0])
    right /= max(float(np.linalg.norm(right)), 1e-9)
    down = np.cross(forward, right)
    shape = _TURNED[:, which] @ np.stack([right, down], axis=1)  # (72, k, 2)
    extent = float(np.ptp(seen[:, 1])) / max(float(np.ptp(_SHAPE_POINTS[which, 2])), 0.05)
    spread = (noise / max(extent, 1.0)) ** 2 + _LOOSE[which] ** 2  # fractions of the height
    weight = (1 / spread) / np.sum(1 / spread)
    seen = seen - weight @ seen
    shape = shape - np.einsum("k,dkx->dx", weight, shape)[:, None]
    both = np.einsum("k,dkx,kx->d", weight, shape, seen)
    scale = np.maximum(both / np.einsum("k,dkx,dkx->d", weight, shape, shape), 1e-6)
    off = seen[None] / scale[:, None, None] - shape
    misfit = np.einsum("k,dkx,dkx->d", 1 / spread, off, off)
    return np.asarray(-0.5 * _REPEATS * misfit)
