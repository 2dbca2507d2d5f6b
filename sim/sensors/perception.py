"""Perception without pixels: the truth, or a detector made of the truth and its flaws.

`SimulatedPerception` projects the truth into the camera, spoils it as a detector and a depth
camera would (noise, delay, drop-outs, people hidden behind others), brings it back to the world
with the *reported* pose and lens, and filters it as real detections are filtered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.rig.state import CameraPose, Frame
from cinempc.rig.subject import SubjectEstimate

Floats = NDArray[np.float64]

#: The true state of an actor at a time.
TruthOf = Callable[[str, float], SubjectEstimate]


class TruthPerception:
    """The subjects exactly as they are.

    Args:
        actors: actor ids by subject name.
        truth: an actor's true state.
    """

    needs_pixels = False

    def __init__(self, actors: Mapping[str, str], truth: TruthOf) -> None:
        self._actors, self._truth = dict(actors), truth

    def observe(self, frame: Frame) -> None:
        """Nothing to learn from a picture."""

    def subjects(self, time: float) -> Sequence[SubjectEstimate]:
        """Every subject's true state."""
        return [replace(self._truth(actor, time), id=name) for name, actor in self._actors.items()]


@dataclass(frozen=True)
class Flaws:
    """What a simulated detector gets wrong.

    Attributes:
        delay: from exposure to result, s.
        drop_out: share of detections that are missing.
        pixels: noise of a box's edges, px of a picture 960 px wide.
        box: the same as a share of the box's height, with ``pixels`` the larger counts.
        depth: noise of the depth as a share of it.
        hidden: share of a box covered by a nearer person from which it is missed.
        pose: deviation of the reported camera position that the filter allows for, m.
    """

    delay: float = 0.08
    drop_out: float = 0.05
    pixels: float = 1.5
    box: float = 0.004
    depth: float = 0.015
    hidden: float = 0.6
    pose: float = 0.03


class Filter(Protocol):
    """One subject's filter, as perception has it."""

    @property
    def seen(self) -> bool:
        """Whether there was evidence yet."""

    def update(self, evidence: Any) -> bool:
        """Take in evidence; whether it was used."""

    def estimate(self, time: float) -> SubjectEstimate:
        """The subject at a time, s."""


#: Evidence for such a filter from a time, s, a ground point (3,), m, and its covariance (3, 3), m².
EvidenceOf = Callable[[float, Floats, Floats], Any]


class SimulatedPerception:
    """A simulated detector, and the filters that its detections go to.

    Args:
        actors: actor ids by subject name.
        truth: an actor's true state.
        true_pose: the camera's true pose at a time.
        heights: of the bodies, m, by subject name: the prior that a script gives.
        filters: by subject name.
        evidence: what a filter takes.
        flaws: of the detector.
        seed: of its noise.
    """

    needs_pixels = False

    def __init__(
        self,
        actors: Mapping[str, str],
        truth: TruthOf,
        true_pose: Callable[[float], CameraPose],
        heights: Mapping[str, float],
        filters: Mapping[str, Filter],
        evidence: EvidenceOf,
        flaws: Flaws | None = None,
        seed: int = 0,
    ) -> None:
        self._actors, self._truth, self._true_pose = dict(actors), truth, true_pose
        self.flaws = flaws or Flaws()
        self._random = np.random.default_rng(seed)
        self._coming: deque[tuple[float, str, Any]] = deque()
        self._filters, self._evidence = dict(filters), evidence
        self._heights = dict(heights)

    def observe(self, frame: Frame) -> None:
        """Detect in a frame; the results are there ``delay`` later."""
        boxes = self._boxes(frame)
        for name, (top, depth, box) in boxes.items():
            dropped = self._random.random() < self.flaws.drop_out
            noise = self._random.normal(size=3)
            if dropped or self._is_hidden(name, boxes):
                continue
            measurement = self._measure(frame, top, depth, box[3] - box[1], noise, name)
            self._coming.append((frame.time + self.flaws.delay, name, measurement))

    def subjects(self, time: float) -> Sequence[SubjectEstimate]:
        """Every subject that was seen, predicted to a time."""
        while self._coming and self._coming[0][0] <= time + 1e-9:
            _, name, measurement = self._coming.popleft()
            self._filters[name].update(measurement)
        return [known.estimate(time) for known in self._filters.values() if known.seen]

    # --- the detector ---

    def _boxes(self, frame: Frame) -> dict[str, tuple[tuple[float, float], float, Floats]]:
        """Top of the head (u, v), depth and box (left, top, right, bottom) of who is in view."""
        pose = self._true_pose(frame.time)
        focal, sensor = frame.lens.focal_length_mm, frame.sensor_mm
        visible = {}
        for name, actor in self._actors.items():
            subject = self._truth(actor, frame.time)
            ends = [
                frames.world_to_camera(
                    tuple(subject.point(point)),
                    tuple(pose.position),
                    pose.yaw,
                    pose.pitch,
                    pose.roll,
                )
                for point in ("top", "feet")
            ]
            if min(end[2] for end in ends) < 0.3:
                continue
            (u, v), (foot_u, foot_v) = (frames.project(end, focal, *sensor) for end in ends)
            half = 0.5 * focal / sensor[0] * subject.width / ends[0][2]
            box = np.array([min(u, foot_u) - half, v, max(u, foot_u) + half, foot_v])
            shown = np.clip(box, 0.0, 1.0)
            area = np.prod(box[2:] - box[:2])
            if np.prod(shown[2:] - shown[:2]) < 0.1 * area:
                continue
            visible[name] = ((float(u), float(v)), float(ends[0][2]), box)
        return visible

    def _is_hidden(
        self, name: str, boxes: Mapping[str, tuple[tuple[float, float], float, Floats]]
    ) -> bool:
        _, depth, box = boxes[name]
        for other, (_, other_depth, other_box) in boxes.items():
            if other == name or other_depth >= depth:
                continue
            overlap = np.minimum(box[2:], other_box[2:]) - np.maximum(box[:2], other_box[:2])
            if (overlap > 0).all():
                share = np.prod(overlap) / np.prod(box[2:] - box[:2])
                if share > self.flaws.hidden:
                    return True
        return False

    def _measure(
        self,
        frame: Frame,
        top: tuple[float, float],
        depth: float,
        box_height: float,
        noise: Floats,
        name: str,
    ) -> Any:
        """The head's ray and depth, back in the world through the reported pose and lens."""
        flaws, pose = self.flaws, frame.pose
        aspect = frame.sensor_mm[1] / frame.sensor_mm[0]
        edge = max(flaws.pixels / 960, flaws.box * min(box_height, 1.5) * aspect)  # of the width
        u, v = top[0] + edge * noise[0], top[1] + edge / aspect * noise[1]
        ray = np.array(frames.bearing(u, v, frame.lens.focal_length_mm, *frame.sensor_mm))
        measured = depth * (1 + flaws.depth * noise[2])
        rotation = frames.camera_rotation(pose.yaw, pose.pitch, pose.roll)
        head = pose.position + rotation @ (measured * ray)
        across = measured * edge * frame.sensor_mm[0] / frame.lens.focal_length_mm
        along = flaws.depth * measured
        direction = rotation @ ray
        direction /= np.linalg.norm(direction)
        covariance = (across**2 + flaws.pose**2) * np.eye(3)
        covariance += along**2 * np.outer(direction, direction)
        feet = head - np.array([0.0, 0.0, self._heights[name]])
        return self._evidence(frame.time, feet, covariance)
