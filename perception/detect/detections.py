"""What a detector found in one picture: the one type that detectors give and all else takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: The 17 keypoints of COCO, in its order; left and right are the person's own.
KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
    "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip

#: Lines between keypoints that make a person when they are drawn.
SKELETON = (
    (0, 1), (0, 2), (1, 3), (2, 4), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (5, 11), (6, 12),
    (11, 12), (11, 13), (13, 15), (12, 14), (14, 16),
)  # fmt: skip


@dataclass(frozen=True)
class Detections:
    """Everything found in one picture, best first.

    Example:
        >>> people = detector.detect(image).of_class("person")
        >>> for box, score in zip(people.boxes, people.scores): ...

    Attributes:
        boxes: (n, 4) left, top, right, bottom, px of the picture, edges of pixels (0 to width).
        scores: (n,) 0 to 1.
        classes: (n,) class numbers.
        names: class names by number.
        keypoints: (n, 17, 3) u, v px and confidence 0 to 1 in the order of `KEYPOINTS`, or None
            where the model finds none.
    """

    boxes: Floats
    scores: Floats
    classes: NDArray[np.int64]
    names: Mapping[int, str] = field(default_factory=dict)
    keypoints: Floats | None = None

    @classmethod
    def none(cls, names: Mapping[int, str] | None = None, keypoints: bool = False) -> Detections:
        """Nothing found."""
        points = np.zeros((0, len(KEYPOINTS), 3)) if keypoints else None
        return cls(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64), names or {}, points)

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, which: slice | NDArray[np.bool_] | NDArray[np.int64]) -> Detections:
        """Some of them: by a slice, a mask or numbers."""
        points = None if self.keypoints is None else self.keypoints[which]
        return replace(
            self,
            boxes=self.boxes[which],
            scores=self.scores[which],
            classes=self.classes[which],
            keypoints=points,
        )

    def of_class(self, *names: str) -> Detections:
        """Those of the named classes."""
        return self[np.array([self.name(k) in names for k in range(len(self))], dtype=bool)]

    def name(self, index: int) -> str:
        """The class name of one of them; its number where the model has no names."""
        number = int(self.classes[index])
        return self.names.get(number, str(number))
