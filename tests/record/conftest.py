"""A synthetic take: small pictures, two shots, two subjects; where everything is, is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from cinempc.rig.camera import Camera, LensState
from cinempc.rig.events import CycleEvent, FrameEvent, FramingTarget, Shot
from cinempc.rig.plan import LENS, POSITION, Plan, lens_vector
from cinempc.rig.state import CameraPose, Frame, RigState
from cinempc.rig.subject import SubjectEstimate


def make_camera() -> Camera:
    return Camera.model_validate(
        {
            "name": "test camera",
            "sensor": {"width": "32 mm", "height": "18 mm", "circle_of_confusion": "0.03 mm"},
            "focal_length": {"min": "24 mm", "max": "120 mm", "rate": "40 mm/s"},
            "focus": {"closest": "0.9 m", "rate": "0.6 dioptre/s"},
            "aperture": {"min": "f/2.8", "max": "f/22", "rate": "3 stop/s"},
            "picture": {"width": 160, "height": 90},
        }
    )


@dataclass
class SyntheticTake:
    """Level camera at the origin, 1.6 m up, looking east; the hero walks away before it."""

    camera: Camera
    fps: float = 24.0
    shots: tuple[Shot, ...] = (
        Shot(0, "Push in", "push_in", 0.0, 0.5, settle=0.1),
        Shot(1, "Orbit", "orbit", 0.5, 1.0),
    )

    def shot_at(self, time: float) -> int:
        return int(time >= 0.5)

    def subjects(self, time: float, error: float = 0.0) -> tuple[SubjectEstimate, ...]:
        hero = np.array([6.0 + time + error, 0.3, 0.0])
        friend = np.array([14.0, -2.0, 0.0])
        return (
            SubjectEstimate("hero", time, hero, np.array([1.0, 0.0, 0.0]), height=1.8),
            SubjectEstimate("friend", time, friend, height=1.7),
        )

    def frame(self, time: float, truth: bool = True) -> FrameEvent:
        picture = self.camera.picture
        image = np.full((picture.height, picture.width, 3), 90, np.uint8)
        column = int(time * picture.width / 2) % picture.width
        image[:, column : column + 8] = (220, 60, 40)
        pose = CameraPose(np.array([0.0, 0.0, 1.6]), 0.0, 0.0, 0.0)
        frame = Frame(time, image, pose, LensState(35.0, 6.0 + time, 4.0), (32.0, 18.0))
        return FrameEvent(
            frame,
            self.shot_at(time),
            framing=(FramingTarget("hero", "eyes", 0.5, 0.45, 0.55),),
            truth=self.subjects(time) if truth else (),
            true_pose=pose if truth else None,
            sharp=("hero",),
            soft=("friend",),
            estimates=self.subjects(time, error=0.05),
        )

    def cycle(
        self, time: float, violations: dict[str, float] | None = None, step_ms: float = 2.0
    ) -> CycleEvent:
        n = 5
        states = np.zeros((n + 1, 18))
        states[:, POSITION] = np.array([0.0, 0.0, 1.6])
        states[:, LENS] = lens_vector(LensState(35.0, math.inf, 4.0))
        plan = Plan(time + 0.1 * np.arange(n + 1), states, np.zeros((n, 9)), np.zeros(n + 1))
        pose = CameraPose(np.array([0.0, 0.0, 1.6]), 0.0, 0.0, 0.0)
        state = RigState(
            time,
            pose.position,
            np.array([0.5, 0.0, 0.0]),
            (0.0, 0.0, 0.0),
            pose,
            np.zeros(3),
            LensState(35.0, math.inf, 4.0),
        )
        return CycleEvent(
            time,
            self.shot_at(time),
            state,
            plan,
            self.subjects(time),
            step_ms,
            violations=violations or {},
        )

    def events(self, seconds: float = 1.0) -> Iterator[FrameEvent | CycleEvent]:
        """Pictures at 24 Hz and control steps at 20 Hz, in order of time."""
        steps = 0
        for i in range(round(seconds * self.fps)):
            time = i / self.fps
            while steps * 0.05 <= time + 1e-9:
                yield self.cycle(steps * 0.05)
                steps += 1
            yield self.frame(time)


@pytest.fixture
def take() -> SyntheticTake:
    return SyntheticTake(make_camera())
