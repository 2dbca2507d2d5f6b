"""A sequence as a folder::

sequence.json       name, seed, size, rate, and per frame poses, lens, people and subjects
images/0000.jpg     what the camera saw
depth/0000.png      16 bits, depth in cm; 0 where nothing was measured
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose, Frame
from cinempc.rig.subject import SubjectEstimate
from sim.sensors.labels import Label
from sim.sequences.sequence import LabelledFrame, LabelledFrames, SequenceError

_VERSION = 1
_INDEX = "sequence.json"
_CM = 100.0  # units of the depth pictures per m
_INDEX_EVERY = 24  # frames between two writings of the index


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
    labelled: LabelledFrames,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write a sequence to a folder that holds none yet.

    Interrupted, the folder holds the frames of the index, all of them whole.

    Args:
        labelled: as `sim.sequences.sequence.shoot` or `load` gives them.
        folder: made if it is not there.
        progress: called with frames done and frames in all.

    Raises:
        SequenceError: a file cannot be written, or there is a sequence already.
    """
    if is_sequence(folder):
        raise SequenceError(f"{folder}: there is a sequence already; name another folder")
    index: dict[str, Any] = {
        "version": _VERSION,
        "name": labelled.name,
        "seed": labelled.seed,
        "size": labelled.size,
        "frame_rate": labelled.frame_rate,
        "noise": labelled.noise,
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
            for one in labelled:
                done.append(_written(folder, f"{len(done):04d}", one))
                if len(done) % _INDEX_EVERY == 0:
                    write()
                progress(len(done), len(labelled))
            whole = True
        finally:
            write(whole)
    except OSError as error:
        raise SequenceError(
            f"{error.filename or folder}: the sequence cannot be written "
            f"({error.strerror or error}); check the folder's permissions and the free space"
        ) from error


def is_sequence(folder: Path) -> bool:
    """Whether a folder holds a sequence."""
    return (folder / _INDEX).is_file()


def load(folder: Path) -> LabelledFrames:
    """The frames of a saved sequence. The index is read at once, pictures as they are asked for.

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
    return LabelledFrames(
        (_read(folder, record, index.size) for record in index.frames),
        len(index.frames),
        name=index.name,
        seed=index.seed,
        size=index.size,
        frame_rate=index.frame_rate,
        noise=index.noise,
    )


def _written(folder: Path, name: str, one: LabelledFrame) -> dict[str, Any]:
    """Write a frame's pictures; its entry of the index."""
    frame = one.frame
    depth = np.full(frame.image.shape[:2], np.inf) if frame.depth is None else frame.depth
    units = np.where(np.isfinite(depth), np.rint(_CM * depth), 0)
    units = np.where(units < 2**16, units, 0).astype(np.uint16)
    _put(folder / "images" / f"{name}.jpg", frame.image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    _put(folder / "depth" / f"{name}.png", units, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return {
        "file": name,
        "time": frame.time,
        "pose": _pose(frame.pose),
        "true_pose": _pose(one.true_pose),
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
            for person in one.people
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
            for subject in one.subjects
        ],
    }


def _put(file: Path, image: ArrayLike, options: list[int]) -> None:
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


def _read(folder: Path, record: _Frame, size: tuple[int, int]) -> LabelledFrame:
    image = _picture(folder / "images" / f"{record.file}.jpg", size, cv2.IMREAD_COLOR)
    units = _picture(folder / "depth" / f"{record.file}.png", size, cv2.IMREAD_UNCHANGED)
    depth = np.where(units > 0, units / np.float32(_CM), np.float32(np.inf)).astype(np.float32)
    lens = record.lens
    return LabelledFrame(
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


def _picture(file: Path, size: tuple[int, int], flag: int) -> NDArray[Any]:
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
