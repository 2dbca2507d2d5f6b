"""Where subject estimates come from: the kinds of perception, put together.

What a kind needs is imported where it is used: a take that looks at no picture loads no detector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cinempc.rig.protocols import Perception
    from cinempc.rig.state import CameraPose
    from cinempc.script.load import Script
    from perception.identify.query import SubjectQuery
    from perception.pipeline import Pipeline
    from sim.sensors.perception import Flaws, SimulatedPerception, TruthOf

#: Score from which a detection counts for anything: the tracker carries tracks on with the unsure.
DETECTOR_CONFIDENCE = 0.1
#: The weights that ship.
WEIGHTS = "people"


class PerceptionKind(StrEnum):
    """Where the subject estimates of a take in the embedded simulator come from."""

    yolo = "yolo"
    simulated = "simulated"
    truth = "truth"


class FlightPerceptionKind(StrEnum):
    """Where the subject estimates of a flight come from."""

    yolo = "yolo"
    truth = "truth"


def simulated(
    actors: Mapping[str, str],
    truth: TruthOf,
    true_pose: Callable[[float], CameraPose],
    heights: Mapping[str, float],
    flaws: Flaws | None = None,
    seed: int = 0,
) -> SimulatedPerception:
    """A simulated detector before the filters that real detections go to.

    Args:
        actors: actor ids by subject name.
        truth: an actor's true state.
        true_pose: the camera's true pose at a time, s.
        heights: of the bodies, m, by subject name: the prior that a script gives.
        flaws: of the detector.
        seed: of its noise.
    """
    from perception.localise.estimator import Prior, SubjectFilter
    from perception.localise.observation import PositionObservation
    from sim.sensors.perception import SimulatedPerception

    filters = {name: SubjectFilter(name, Prior(heights[name])) for name in actors}
    return SimulatedPerception(
        actors, truth, true_pose, heights, filters, PositionObservation, flaws, seed
    )


def yolo(script: Script, weights: str, depth: bool) -> Perception:
    """The detector's perception for a script, in step with a simulator.

    Args:
        script: whose subjects are looked for.
        weights: of the detector, a file or a name.
        depth: whether the depth pictures are used.

    Raises:
        WeightsError: there are no such weights.
        AppearanceError: a look of the script names neither a thing nor a colour.
    """
    from perception.yolo import YoloPerception

    return YoloPerception(
        pipeline(script, weights), depth=depth, distortion=script.camera.distortion_at
    )


@contextmanager
def live_yolo(script: Script, weights: str, depth: bool) -> Iterator[Perception]:
    """The same beside a live loop, in a thread of its own."""
    from perception.yolo import LivePerception

    with LivePerception(
        pipeline(script, weights), depth=depth, distortion=script.camera.distortion_at
    ) as live:
        yield live


def pipeline(script: Script, weights: str) -> Pipeline:
    """What finds, follows and places the subjects of a script."""
    from perception.detect import loading, models
    from perception.pipeline import Pipeline

    return Pipeline(
        loading.load(models.find(weights), confidence=DETECTOR_CONFIDENCE),
        frame_rate=script.camera.picture.frame_rate,
        queries=queries(script),
    )


def queries(script: Script) -> dict[str, SubjectQuery]:
    """The subjects of a script as perception must know them.

    Raises:
        AppearanceError: a look that names neither a thing nor a colour.
    """
    import numpy as np

    from perception.identify.query import AppearanceQuery, SubjectQuery, parse_appearance

    known = {}
    for name, subject in script.config.subjects.items():
        if subject.look is None:
            appearance = AppearanceQuery(subject.category)
        else:
            appearance = parse_appearance(subject.look)
        if "category" in subject.model_fields_set:
            appearance = replace(appearance, category=subject.category)
        region, near = subject.region, subject.near
        known[name] = SubjectQuery(
            appearance,
            None if region is None else astuple(region),
            None if near is None else np.array(near),
            subject.height if "height" in subject.model_fields_set else None,
        )
    return known
