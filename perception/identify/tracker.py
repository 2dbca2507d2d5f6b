"""Tracks of detections from frame to frame, with the camera's own motion taken out.

BoT-SORT's association and scale-aware Kalman filters come from the library ``trackers``; its
optical-flow camera-motion compensation stays off, because here the pose and the lens are known:
boxes are given to it in a stabilised picture, whose axes are world azimuth and elevation. A pan
or a zoom does not move a box there; only the subject's own motion and parallax do.

Source: N. Aharon, R. Orfaig and B.-Z. Bobrovsky, *BoT-SORT: Robust Associations Multi-Pedestrian
Tracking* (2022), and Y. Zhang et al., *ByteTrack* (2022).
"""

from __future__ import annotations

import numpy as np
import supervision
from numpy.typing import NDArray
from trackers import BoTSORTTracker
from trackers.utils.iou import BIoU

from cinempc.frames import camera_rotation, wrap_angle
from perception.detect.detections import Detections
from perception.localise.view import View

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCALE = 1000.0  #: px of the stabilised picture per rad.
_STEEPEST = np.cos(np.radians(80))  # azimuth means nothing straight down: widths stop growing here


def stabilised(boxes: Floats, view: View, yaw: float | None = None) -> Floats:
    """Boxes (n, 4) px in the picture of world azimuth and elevation, `SCALE` px per rad.

    Args:
        boxes: left, top, right, bottom, px of the picture.
        view: of the same picture.
        yaw: the camera's yaw counted on over whole turns, rad; the pose's own where it is None.
            Azimuths come out within half a turn of it, so none jumps at ±π.
    """
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    pose, width, height = view.pose, *view.size
    # Each edge's angle off the optical axis, so that a box has its true angular size; the turn by
    # roll is left to the centre, since boxes stand upright in the picture and not in the world.
    right = np.arctan((boxes[:, 2] - width / 2) / view.focal_px)
    left = np.arctan((boxes[:, 0] - width / 2) / view.focal_px)
    low = np.arctan((boxes[:, 3] - height / 2) / view.focal_px)
    high = np.arctan((boxes[:, 1] - height / 2) / view.focal_px)
    centre = np.column_stack(
        [np.tan((left + right) / 2), np.tan((low + high) / 2), np.ones(len(boxes))]
    )
    ray = centre @ camera_rotation(pose.yaw, pose.pitch, pose.roll).T
    across = np.hypot(ray[:, 0], ray[:, 1])
    off_axis = wrap_angle(np.arctan2(ray[:, 1], ray[:, 0]) - pose.yaw)
    elevation = np.arctan2(ray[:, 2], across)
    # A degree across is more than a degree of azimuth away from the horizon.
    wide = (right - left) / 2 / np.maximum(np.cos(elevation), _STEEPEST)
    tall = (low - high) / 2
    x = -((pose.yaw if yaw is None else yaw) + off_axis)  # azimuth grows to the left
    y = -elevation
    return SCALE * np.column_stack([x - wide, y - tall, x + wide, y + tall])


class Tracker:
    """Gives the detections of following pictures track ids.

    Example:
        >>> tracker = Tracker(frame_rate=24.0)
        >>> ids = tracker.update(detections, View.of(frame), frame.time)

    Args:
        frame_rate: nominal, 1/s.
        lost_for: how long a track outlives its last detection, s.
        confirm_after: how long a thing is seen before it becomes a track, s; two pictures at least.
        new_track_score: from which a detection may begin a track. Lower ones carry tracks on.

    Attributes:
        boxes: (n, 4) the last detections in the picture in which they were tracked: stabilised,
            or the picture itself where no view was given.
    """

    def __init__(
        self,
        frame_rate: float = 24.0,
        lost_for: float = 1.5,
        confirm_after: float = 0.1,
        new_track_score: float = 0.4,
    ) -> None:
        self.frame_rate = frame_rate
        self.lost_for = lost_for
        self.confirm_frames = 1 + max(1, round(confirm_after * frame_rate))
        self.new_track_score = new_track_score
        self.reset()

    def reset(self) -> None:
        """Forget all tracks; ids begin at 0 again."""
        self._next = 0
        self._forget()

    def _forget(self) -> None:
        self.boxes: Floats = np.zeros((0, 4))
        self._by_class: dict[int, BoTSORTTracker] = {}
        self._ids: dict[tuple[int, int], int] = {}
        self._yaw: float | None = None
        self._has_view: bool | None = None
        self._last_time: float | None = None
        self._tick = 0

    def update(
        self, detections: Detections, view: View | None = None, time: float | None = None
    ) -> Ints:
        """Track ids (n,) of the detections, in their order; -1 where there is none (yet).

        Args:
            detections: of this picture.
            view: of this picture; None follows the boxes in pixels.
            time: of the exposure, s, so that dropped pictures count; None is one frame on.
        """
        if self._has_view is not None and self._has_view != (view is not None):
            self._forget()  # pixels and angles cannot share tracks
        self._has_view = view is not None
        self._tick += self._steps(time)
        self.boxes = self._place(detections, view)
        ids = np.full(len(detections), -1, dtype=np.int64)
        # A library tracker for each class, so that a person never goes on as a bus.
        for number in {int(c) for c in detections.classes} | set(self._by_class):
            ids_here = np.flatnonzero(detections.classes == number)
            found = self._tracker(number).update(
                supervision.Detections(
                    xyxy=self.boxes[ids_here],
                    confidence=np.asarray(detections.scores, dtype=float)[ids_here],
                    data={"index": ids_here},
                ),
                timestamp=self._tick / self.frame_rate,
            )
            if len(found) == 0 or found.tracker_id is None:
                continue
            for index, own in zip(found.data["index"], found.tracker_id, strict=True):
                if own >= 0:
                    ids[index] = self._global(number, int(own))
        return ids

    def _place(self, detections: Detections, view: View | None) -> Floats:
        boxes = np.asarray(detections.boxes, dtype=float).reshape(-1, 4)
        if view is None:
            placed = boxes.copy()
        else:
            if self._yaw is None:
                self._yaw = view.pose.yaw
            self._yaw += float(wrap_angle(view.pose.yaw - self._yaw))
            placed = stabilised(boxes, view, self._yaw)
        # The filters divide by a box's size: none may be empty or turned inside out.
        low, high = (
            np.minimum(placed[:, :2], placed[:, 2:]),
            np.maximum(placed[:, :2], placed[:, 2:]),
        )
        return np.hstack([low, np.maximum(high, low + 1e-2)])

    def _steps(self, time: float | None) -> int:
        """Whole frames since the last update: a jittering clock must not shake the filters."""
        if time is None or self._last_time is None:
            self._last_time = time
            return 1
        steps = max(1, round((time - self._last_time) * self.frame_rate))
        self._last_time = time
        return steps

    def _tracker(self, number: int) -> BoTSORTTracker:
        if number not in self._by_class:
            self._by_class[number] = BoTSORTTracker(
                lost_track_buffer=round(30 * self.lost_for),  # the library counts it at 30 Hz
                frame_rate=self.frame_rate,
                track_activation_threshold=self.new_track_score,
                minimum_consecutive_frames=self.confirm_frames,
                # People are narrow, and few pictures a second move them far: small overlaps do.
                minimum_iou_threshold_first_assoc=0.1,
                minimum_iou_threshold_second_assoc=0.3,
                minimum_iou_threshold_unconfirmed_assoc=0.1,
                high_conf_det_threshold=self.new_track_score,
                # A camera that flies past at 10 m/s moves a person by a width a frame before the
                # filter knows: boxes are compared with a margin.
                iou=BIoU(0.4),
                enable_cmc=False,
                instant_first_frame_activation=False,
            )
        return self._by_class[number]

    def _global(self, number: int, own: int) -> int:
        if (number, own) not in self._ids:
            self._ids[number, own] = self._next
            self._next += 1
        return self._ids[number, own]
