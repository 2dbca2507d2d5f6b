"""Picture sequences with their ground truth, to measure perception on.

A sequence is a scene and a camera that flies through it with a lens that moves; `SEQUENCES` names
them. `shoot` films one: what a rig would give perception, and beside it the truth. `save` and
`load` keep a sequence as a folder::

    sequence.json       name, seed, size, rate, and per frame poses, lens, people and subjects
    images/0000.jpg     what the camera saw
    depth/0000.png      16 bits, depth in cm; 0 where nothing was measured

The same name, seed, size, rate and noise give the same sequence.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from cinempc import camera as cameras
from cinempc import frames
from cinempc.camera import LensState
from cinempc.errors import CinempcError
from cinempc.rig import CameraPose, Frame
from cinempc.subject import SubjectEstimate
from sim import labels
from sim.camera import SimCamera
from sim.choreography import CAMERA, SEQUENCES, Setup
from sim.depth import DepthCamera, DepthNoise
from sim.embedded import NO_NOISE, SensorNoise
from sim.labels import Label
from sim.world import World

Floats = NDArray[np.float64]
Random = np.random.Generator


_VERSION = 1
_INDEX = "sequence.json"
_CM = 100.0  # units of the depth pictures per m
_INDEX_EVERY = 24  # frames between two writings of the index


class SequenceError(CinempcError):
    """A sequence that cannot be had: no such name, a missing or damaged file."""


@dataclass(frozen=True)
class Shot:
    """One picture of a sequence and the truth about it.

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


class Shots(Iterator[Shot]):
    """The shots of a sequence, once through.

    Attributes:
        name: of the sequence, as in `SEQUENCES`.
        seed: of which it was made.
        size: width and height, px.
        frame_rate: 1/s.
        noise: whether pose and depth are spoilt as sensors do.
    """

    def __init__(
        self,
        source: Iterator[Shot],
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

    def __next__(self) -> Shot:
        return next(self._source)

    def __len__(self) -> int:
        """How many there are in all."""
        return self._count


# --- filming ---


def setup(name: str, seed: int) -> Setup:
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
) -> Shots:
    """Film a sequence, picture by picture as they are asked for.

    Args:
        name: in `SEQUENCES`.
        seed: of bodies, clothes, place, paths, flight and noise.
        size: width and height, px, about 16:9.
        frame_rate: 1/s.
        noise: whether pose and depth are as sensors report them: `SensorNoise` and `DepthNoise`
            with 1 % per picture and 1 % per pixel. Depth ends at its reach either way.
        start, end: s, the part of the sequence that is filmed.

    Raises:
        SequenceError: no such sequence.
        ValueError: a size of another shape than the sensor's.
    """
    plan = setup(name, seed)
    body_ = cameras.load(CAMERA)
    if abs(size[0] / size[1] * body_.aspect - 1) > 0.02:
        raise ValueError(f"size must be about 16:9, it is {size[0]} x {size[1]} px")
    count = math.floor(plan.duration * frame_rate + 1e-6)
    numbers = [k for k in range(count) if start - 1e-6 <= k / frame_rate < end - 1e-6]
    source = _film(plan, seed, size, frame_rate, noise, numbers)
    return Shots(
        source, len(numbers), name=name, seed=seed, size=size, frame_rate=frame_rate, noise=noise
    )


def _film(
    plan: Setup, seed: int, size: tuple[int, int], rate: float, noise: bool, numbers: list[int]
) -> Iterator[Shot]:
    body_ = cameras.load(CAMERA)
    picture = body_.picture.model_copy(
        update={"width": size[0], "height": size[1], "frame_rate": rate}
    )
    world = World(plan.scene, seed)
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
            yield Shot(frame, labels.label(world, truth), world.subjects(time), pose)
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


# --- folders ---


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")


class _Pose(_Record):
    position: tuple[float, float, float]
    yaw: float
    pitch: float
    roll: float


class _Lens(_Record):
    focal_length: float
    focus_distance: float
    f_number: float


class _Person(_Record):
    id: str
    box: tuple[float, float, float, float]
    whole: tuple[float, float, float, float]
    keypoints: list[tuple[float, float, float]]
    shown: float
    inside: float
    range: float


class _Subject(_Record):
    id: str
    position: tuple[float, float, float]
    velocity: tuple[float, float, float]
    heading: float
    height: float
    width: float


class _Frame(_Record):
    file: str  # in images/ and depth/, without ending
    time: float
    pose: _Pose
    true_pose: _Pose
    lens: _Lens
    sensor: tuple[float, float]
    people: list[_Person]
    subjects: list[_Subject]


class _Index(_Record):
    version: int
    name: str
    seed: int
    size: tuple[int, int]
    frame_rate: float
    noise: bool
    complete: bool
    frames: list[_Frame]


def save(
    shots: Shots, folder: File, progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Write a sequence to a folder that holds none yet.

    Interrupted, the folder holds the frames of the index, all of them whole.

    Args:
        shots: as `shoot` or `load` gives them.
        folder: made if it is not there.
        progress: called with frames done and frames in all.

    Raises:
        SequenceError: a file cannot be written, or there is a sequence already.
    """
    if is_sequence(folder):
        raise SequenceError(f"{folder}: there is a sequence already; name another folder")
    index: dict[str, Any] = {
        "version": _VERSION,
        "name": shots.name,
        "seed": shots.seed,
        "size": shots.size,
        "frame_rate": shots.frame_rate,
        "noise": shots.noise,
        "complete": False,
    }
    done: list[dict[str, Any]] = []

    def write(complete: bool = False) -> None:
        part = folder / f"{_INDEX}.part"
        part.write_text(json.dumps({**index, "complete": complete, "frames": done}))
        os.replace(part, folder / _INDEX)

    try:
        for kind in ("images", "depth"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        write()  # before any picture is overwritten
        whole = False
        try:
            for shot in shots:
                done.append(_written(folder, f"{len(done):04d}", shot))
                if len(done) % _INDEX_EVERY == 0:
                    write()
                progress(len(done), len(shots))
            whole = True
        finally:
            write(whole)
    except OSError as error:
        raise SequenceError(
            f"{error.filename or folder}: the sequence cannot be written "
            f"({error.strerror or error}); check the folder's permissions and the free space"
        ) from error


def is_sequence(folder: File) -> bool:
    """Whether a folder holds a sequence."""
    return (folder / _INDEX).is_file()


def load(folder: File) -> Shots:
    """The shots of a saved sequence. The index is read at once, pictures as they are asked for.

    Raises:
        SequenceError: no sequence there, or a damaged one; while iterating, a missing or damaged
            picture.
    """
    file = folder / _INDEX
    again = "; make the sequence again with `cinempc sequence`"
    try:
        index = _Index.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise SequenceError(
            f"{file}: there is no such file; make one with `cinempc sequence`"
        ) from None
    except OSError as error:
        raise SequenceError(f"{file}: cannot be read ({error.strerror}); check it") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SequenceError(
            f"{file}: {f'{where}: ' if where else ''}damaged ({first['msg']}){again}"
        ) from None
    if index.version != _VERSION:
        raise SequenceError(
            f"{file}: version: it is {index.version}, this cinempc reads {_VERSION}{again}"
        )
    if not index.frames:
        raise SequenceError(f"{file}: frames: there are none{again}")
    return Shots(
        (_read(folder, record, index.size) for record in index.frames),
        len(index.frames),
        name=index.name,
        seed=index.seed,
        size=index.size,
        frame_rate=index.frame_rate,
        noise=index.noise,
    )


def _written(folder: File, name: str, shot: Shot) -> dict[str, Any]:
    """Write a shot's pictures; its entry of the index."""
    frame = shot.frame
    depth = np.full(frame.image.shape[:2], np.inf) if frame.depth is None else frame.depth
    units = np.where(np.isfinite(depth), np.rint(_CM * depth), 0)
    units = np.where(units < 2**16, units, 0).astype(np.uint16)
    _put(folder / "images" / f"{name}.jpg", frame.image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    _put(folder / "depth" / f"{name}.png", units, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return {
        "file": name,
        "time": frame.time,
        "pose": _pose(frame.pose),
        "true_pose": _pose(shot.true_pose),
        "lens": {
            "focal_length": frame.lens.focal_length_mm,
            "focus_distance": frame.lens.focus_distance_m,
            "f_number": frame.lens.f_number,
        },
        "sensor": list(frame.sensor_mm),
        "people": [
            {
                "id": person.id,
                "box": person.box.round(3).tolist(),
                "whole": person.whole.round(3).tolist(),
                "keypoints": person.keypoints.round(3).tolist(),
                "shown": person.shown,
                "inside": person.inside,
                "range": person.range,
            }
            for person in shot.people
        ],
        "subjects": [
            {
                "id": subject.id,
                "position": subject.position.tolist(),
                "velocity": subject.velocity.tolist(),
                "heading": subject.heading,
                "height": subject.height,
                "width": subject.width,
            }
            for subject in shot.subjects
        ],
    }


def _put(file: File, image: ArrayLike, options: list[int]) -> None:
    good, data = cv2.imencode(file.suffix, np.ascontiguousarray(image), options)
    assert good
    file.write_bytes(data.tobytes())  # which, unlike imwrite, says what is wrong


def _pose(pose: CameraPose) -> dict[str, Any]:
    return {
        "position": pose.position.tolist(),
        "yaw": pose.yaw,
        "pitch": pose.pitch,
        "roll": pose.roll,
    }


def _read(folder: File, record: _Frame, size: tuple[int, int]) -> Shot:
    image = _picture(folder / "images" / f"{record.file}.jpg", size, cv2.IMREAD_COLOR)
    units = _picture(folder / "depth" / f"{record.file}.png", size, cv2.IMREAD_UNCHANGED)
    depth = np.where(units > 0, units / np.float32(_CM), np.float32(np.inf)).astype(np.float32)
    lens = record.lens
    return Shot(
        frame=Frame(
            time=record.time,
            image=np.ascontiguousarray(image[:, :, ::-1]),
            pose=_camera_pose(record.pose),
            lens=LensState(lens.focal_length, lens.focus_distance, lens.f_number),
            sensor_mm=record.sensor,
            depth=depth,
        ),
        people=[
            Label(
                id=person.id,
                box=np.array(person.box),
                whole=np.array(person.whole),
                keypoints=np.array(person.keypoints),
                shown=person.shown,
                inside=person.inside,
                range=person.range,
            )
            for person in record.people
        ],
        subjects=[
            SubjectEstimate(
                id=subject.id,
                time=record.time,
                position=np.array(subject.position),
                velocity=np.array(subject.velocity),
                heading=subject.heading,
                height=subject.height,
                width=subject.width,
            )
            for subject in record.subjects
        ],
        true_pose=_camera_pose(record.true_pose),
    )


def _camera_pose(pose: _Pose) -> CameraPose:
    return CameraPose(np.array(pose.position), pose.yaw, pose.pitch, pose.roll)


def _picture(file: File, size: tuple[int, int], flag: int) -> NDArray[Any]:
    try:
        data = np.frombuffer(file.read_bytes(), np.uint8)
    except OSError as error:
        raise SequenceError(
            f"{file}: cannot be read ({error.strerror}); the sequence is not whole: copy or "
            "render it again"
        ) from error
    image = cv2.imdecode(data, flag) if data.size else None
    if image is None or image.shape[:2] != (size[1], size[0]):
        raise SequenceError(
            f"{file}: damaged, it does not hold a picture of {size[0]} x {size[1]} px; copy the "
            "sequence or render it again"
        )
    return np.asarray(image)
