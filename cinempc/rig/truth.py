"""What only a simulator knows of a picture, as plain data that travels with the picture.

A take flown in simulation is measured against it, as `film` is; a real camera sends none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose, Frame
from cinempc.rig.subject import SubjectEstimate

_FAR = 1e9  # m, for a focus distance of infinity: JSON has none


@dataclass(frozen=True)
class FrameTruth:
    """Where everything truly was when a picture was taken, ENU m and rad; actors by their id."""

    time: float
    pose: CameraPose
    lens: LensState
    actors: Mapping[str, SubjectEstimate]


def describe(
    time: float, pose: CameraPose, lens: LensState, actors: Iterable[SubjectEstimate]
) -> dict[str, Any]:
    """Plain data of the truth at a vehicle time, s; `read` undoes it."""
    return {
        "time": round(time, 6),
        "pose": [*(round(float(x), 5) for x in pose.position), pose.yaw, pose.pitch, pose.roll],
        "lens": [lens.focal_length_mm, min(lens.focus_distance_m, _FAR), lens.f_number],
        "actors": {
            actor.id: [
                *(round(float(x), 5) for x in (*actor.position, *actor.velocity)),
                round(actor.heading, 5),
                actor.height,
                actor.width,
            ]
            for actor in actors
        },
    }


def taken_at(data: Mapping[str, Any]) -> float | None:
    """The vehicle time of a picture, s, by its truth; None where that does not say."""
    time = data.get("time")
    if isinstance(time, bool) or not isinstance(time, int | float) or not math.isfinite(time):
        return None
    return float(time)


def read(data: Mapping[str, Any], time: float) -> FrameTruth:
    """The truth of a picture taken at a time, s.

    Raises:
        ValueError: the data is not what `describe` gives.
    """
    try:
        x, y, z, yaw, pitch, roll = (float(v) for v in data["pose"])
        focal, focus, stop = (float(v) for v in data["lens"])
        actors = {}
        for name, values in data["actors"].items():
            numbers = [float(v) for v in values]
            if len(numbers) != 9 or not all(map(math.isfinite, numbers)):
                raise ValueError(name)
            actors[str(name)] = SubjectEstimate(
                id=str(name),
                time=time,
                position=np.array(numbers[0:3]),
                velocity=np.array(numbers[3:6]),
                heading=numbers[6],
                height=numbers[7],
                width=numbers[8],
            )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"no truth of a picture: {error}") from None
    return FrameTruth(
        time,
        CameraPose(np.array([x, y, z]), yaw, pitch, roll),
        LensState(focal, math.inf if focus >= _FAR else focus, stop),
        actors,
    )


class FrameTruthPerception:
    """Perception from the truth that a simulator sends with its pictures: no detector is needed.

    Args:
        actors: actor ids by subject name.
        truth: of a picture taken at a time, s; None where there is none.
    """

    needs_pixels = False

    def __init__(
        self, actors: Mapping[str, str], truth: Callable[[float], FrameTruth | None]
    ) -> None:
        self._actors, self._truth = dict(actors), truth
        self._newest: FrameTruth | None = None

    def observe(self, frame: Frame) -> None:
        """Take over what came with a picture."""
        truth = self._truth(frame.time)
        if truth is not None:
            self._newest = truth

    def subjects(self, time: float) -> Sequence[SubjectEstimate]:
        """Every subject in the newest truth, predicted to a time, s."""
        if self._newest is None:
            return []
        return [
            replace(self._newest.actors[actor].predict(time), id=name)
            for name, actor in self._actors.items()
            if actor in self._newest.actors
        ]
