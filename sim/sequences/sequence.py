"""Picture sequences with their ground truth, to measure perception on.

A sequence is a scene and a camera that flies through it with a lens that moves; `SEQUENCES` names
them. `shoot` films one: what a rig would give perception, and beside it the truth.
`sim.sequences.folder` keeps a sequence on disk.

The same name, seed, size, rate and noise give the same sequence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.errors import CinempcError
from cinempc.rig import camera as cameras
from cinempc.rig.state import CameraPose, Frame
from cinempc.rig.subject import SubjectEstimate
from sim.embedded import NO_NOISE, SensorNoise
from sim.scenery.quality import Quality
from sim.scenery.world import World
from sim.sensors import labels
from sim.sensors.camera import SimCamera
from sim.sensors.depth import DepthCamera, DepthNoise
from sim.sensors.labels import Label
from sim.sequences.camera_flight import CAMERA
from sim.sequences.choreography import SEQUENCES, Choreography
from sim.sequences.walkers import in_same_clothes

Floats = NDArray[np.float64]


class SequenceError(CinempcError):
    """A sequence that cannot be had: no such name, a missing or damaged file."""


@dataclass(frozen=True)
class LabelledFrame:
    """One frame of a sequence and the truth about it.

    Attributes:
        frame: what perception gets: the picture, depth and pose as sensors report them.
        people: of whom anything shows, from the true pose and the true depth.
        subjects: where everybody truly is, in the scene's order; covariances are zero.
        true_pose: the camera's.
    """

    frame: Frame
    people: list[Label]
    subjects: list[SubjectEstimate]
    true_pose: CameraPose


class LabelledFrames(Iterator[LabelledFrame]):
    """The frames of a sequence, once through.

    Attributes:
        name: of the sequence, as in `SEQUENCES`.
        seed: of which it was made.
        size: width and height, px.
        frame_rate: 1/s.
        noise: whether pose and depth are spoilt as sensors do.
    """

    def __init__(
        self,
        source: Iterator[LabelledFrame],
        count: int,
        *,
        name: str,
        seed: int,
        size: tuple[int, int],
        frame_rate: float,
        noise: bool,
    ) -> None:
        self.name = name
        self.seed = seed
        self.size = size
        self.frame_rate = frame_rate
        self.noise = noise
        self._source = source
        self._count = count

    def __next__(self) -> LabelledFrame:
        return next(self._source)

    def __len__(self) -> int:
        """How many there are in all."""
        return self._count


def choreograph(name: str, seed: int) -> Choreography:
    """A sequence's scene and choreography.

    Raises:
        SequenceError: no such sequence.
    """
    if name not in SEQUENCES:
        raise SequenceError(
            f"there is no sequence {name!r}; choose one of {', '.join(sorted(SEQUENCES))}"
        )
    return SEQUENCES[name](seed)


def shoot(
    name: str,
    seed: int,
    *,
    size: tuple[int, int] = (960, 540),
    frame_rate: float = 24.0,
    noise: bool = True,
    start: float = 0.0,
    end: float = math.inf,
    quality: Quality = Quality.STANDARD,
    same_clothes: bool = False,
) -> LabelledFrames:
    """Film a sequence, picture by picture as they are asked for.

    Args:
        name: in `SEQUENCES`.
        seed: of bodies, clothes, place, paths, flight and noise.
        size: width and height, px, about 16:9.
        frame_rate: 1/s.
        noise: whether pose and depth are as sensors report them: `SensorNoise` and `DepthNoise`
            with 1 % per picture and 1 % per pixel. Depth ends at its reach either way.
        start, end: s, the part of the sequence that is filmed.
        quality: how finely it is rendered.
        same_clothes: whether all wear what the first one does; bodies, faces and hair stay theirs.

    Raises:
        SequenceError: no such sequence.
        ValueError: a size of another shape than the sensor's.
    """
    plan = choreograph(name, seed)
    if same_clothes:
        plan = replace(plan, scene=in_same_clothes(plan.scene))
    body_ = cameras.load(CAMERA)
    if abs(size[0] / size[1] * body_.aspect - 1) > 0.02:
        raise ValueError(f"size must be about 16:9, it is {size[0]} x {size[1]} px")
    count = math.floor(plan.duration * frame_rate + 1e-6)
    numbers = [k for k in range(count) if start - 1e-6 <= k / frame_rate < end - 1e-6]
    source = _film(plan, seed, size, frame_rate, noise, numbers, quality)
    return LabelledFrames(
        source, len(numbers), name=name, seed=seed, size=size, frame_rate=frame_rate, noise=noise
    )


def _film(
    plan: Choreography,
    seed: int,
    size: tuple[int, int],
    rate: float,
    noise: bool,
    numbers: list[int],
    quality: Quality,
) -> Iterator[LabelledFrame]:
    body_ = cameras.load(CAMERA)
    picture = body_.picture.model_copy(
        update={"width": size[0], "height": size[1], "frame_rate": rate}
    )
    world = World(plan.scene, seed, quality)
    try:
        film = SimCamera(world, body_.model_copy(update={"picture": picture}), seed=seed)
        depths = DepthCamera(DepthNoise(0.01, 0.01) if noise else DepthNoise(0.0, 0.0), seed)
        reported = _Reported(SensorNoise() if noise else NO_NOISE, seed, rate)
        for number in numbers:
            time = number / rate
            pose, lens = plan.camera(time)
            truth = film.expose(time, pose, lens)
            assert truth.depth is not None
            frame = replace(
                truth,
                pose=reported(number, pose),
                depth=depths.measure(time, truth.depth).astype(np.float32),
            )
            yield LabelledFrame(frame, labels.label(world, truth), world.subjects(time), pose)
    finally:
        world.close()


class _Reported:
    """The pose as the rig's sensors report it; as `sim.embedded` has it."""

    def __init__(self, noise: SensorNoise, seed: int, rate: float) -> None:
        self._noise = noise
        self._seed = seed
        self._keep = math.exp(-1 / rate / noise.bias_time)
        self._random = np.random.default_rng([seed, 0x65])
        self._bias = noise.position_bias * self._random.standard_normal(3)
        self._number = 0

    def __call__(self, number: int, pose: CameraPose) -> CameraPose:
        fresh = self._noise.position_bias * math.sqrt(1 - self._keep**2)
        while self._number < number:
            self._bias = self._keep * self._bias + fresh * self._random.standard_normal(3)
            self._number += 1
        white = np.random.default_rng([self._seed, 0x73, number]).standard_normal(6)
        yaw, pitch, roll = np.array([pose.yaw, pose.pitch, pose.roll]) + (
            self._noise.camera * white[3:]
        )
        return CameraPose(
            pose.position + self._bias + self._noise.position * white[:3],
            float(frames.wrap_angle(yaw)),
            float(pitch),
            float(roll),
        )
