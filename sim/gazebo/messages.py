"""Gazebo's messages: what the bridge needs of them, read and written.

gz-transport carries serialised protobuf messages and the name of their type. The messages here
are made from their field numbers (gz-msgs, ``proto/gz/msgs/*.proto``, the same in versions 10,
11 and 12: Harmonic, Ionic, Jetty): so no Python package of gz-msgs is needed, whose generated code
is bound to the protobuf of the system's own Python. What is not read is left out; protobuf skips
it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PACKAGE = "gz.msgs"
_SCALARS = {
    "double": descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE,
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "uint64": descriptor_pb2.FieldDescriptorProto.TYPE_UINT64,
    "int32": descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
    "uint32": descriptor_pb2.FieldDescriptorProto.TYPE_UINT32,
    # An enumeration's number is on the wire as an int32 is.
    "enum": descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
    "bytes": descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
}
#: Fields by message: (number, type); ``*`` for repeated ones.
_FIELDS: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Time": {"sec": (1, "int64"), "nsec": (2, "int32")},
    "Header": {"stamp": (1, "Time")},
    "Vector3d": {"x": (2, "double"), "y": (3, "double"), "z": (4, "double")},
    "Quaternion": {
        "x": (2, "double"), "y": (3, "double"), "z": (4, "double"), "w": (5, "double"),
    },
    "Pose": {
        "name": (2, "string"), "position": (4, "Vector3d"), "orientation": (5, "Quaternion"),
    },
    "Pose_V": {"header": (1, "Header"), "pose": (2, "Pose*")},
    "Image": {
        "header": (1, "Header"), "width": (2, "uint32"), "height": (3, "uint32"),
        "step": (4, "uint32"), "data": (5, "bytes"), "pixel_format_type": (6, "enum"),
    },
    "Intrinsics": {"k": (1, "double*")},
    "CameraInfo": {
        "header": (1, "Header"), "width": (2, "uint32"), "height": (3, "uint32"),
        "intrinsics": (5, "Intrinsics"),
    },
    "EntityFactory": {"sdf": (2, "string"), "name": (8, "string"), "allow_renaming": (9, "bool")},
    "EntityFactory_V": {"data": (2, "EntityFactory*")},
    "Entity": {"name": (3, "string"), "type": (4, "enum")},
    "Boolean": {"data": (2, "bool")},
}  # fmt: skip
#: PixelFormatType's numbers, with their channels; and Entity.Type's.
_PIXELS = {1: (1, "L_INT8"), 3: (3, "RGB_INT8"), 4: (4, "RGBA_INT8"), 5: (4, "BGRA_INT8"),
           8: (3, "BGR_INT8")}  # fmt: skip
_DEPTH = 13  # R_FLOAT32
MODEL = 2
#: Largest side of a picture that is believed, px.
_LARGEST = 16384


class BadMessageError(ValueError):
    """A message that does not hold what one of its type must."""


@cache
def _types() -> dict[str, type[Message]]:
    file = descriptor_pb2.FileDescriptorProto(
        name="cinempc/gazebo.proto", package=PACKAGE, syntax="proto3"
    )
    for name, fields in _FIELDS.items():
        described = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            label = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
            if kind.endswith("*"):
                kind, label = kind[:-1], descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
            entry = described.field.add(name=field, number=number, label=label)
            if kind in _SCALARS:
                entry.type = _SCALARS[kind]
            else:
                entry.type = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
                entry.type_name = f".{PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()  # its own: nothing else of this name can clash
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        for name in _FIELDS
    }


def make(kind: str, **fields: Any) -> Any:
    """A new message of a type, such as "Entity"."""
    return _types()[kind](**fields)


def full_name(kind: str) -> str:
    """The type's name as gz-transport has it."""
    return f"{PACKAGE}.{kind}"


def parse(kind: str, data: bytes) -> Any:
    """A message from its bytes.

    Raises:
        BadMessageError: they are none of that type.
    """
    message = _types()[kind]()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise BadMessageError(f"not a {full_name(kind)}: {error}") from None
    return message


def stamp(message: Any) -> float:
    """Simulated time of a message, s."""
    time = message.header.stamp
    return float(time.sec) + 1e-9 * float(time.nsec)


def picture(image: Any) -> NDArray[np.uint8]:
    """An ``Image``'s picture, RGB (height, width, 3); a view of the message where it can be.

    Raises:
        BadMessageError: another pixel format than those of 8 bits, or sizes that do not fit.
    """
    if image.pixel_format_type not in _PIXELS:
        known = ", ".join(name for _, name in _PIXELS.values())
        raise BadMessageError(
            f"pixel format {image.pixel_format_type} is none that is read here ({known})"
        )
    channels, name = _PIXELS[image.pixel_format_type]
    pixels = _rows(image, channels).view(np.uint8).reshape(image.height, image.width, channels)
    if channels == 1:
        return np.repeat(pixels, 3, axis=2)
    return pixels[..., 2::-1] if name.startswith("BGR") else pixels[..., :3]


def depth(image: Any, near: float) -> NDArray[np.float32]:
    """An ``Image``'s depth along the optical axis, m, (height, width); ``inf`` for the sky.

    Args:
        image: of R_FLOAT32, where Gazebo writes minus infinity for what is nearer than the near
            clipping plane, and infinity or no number for what is farther than the far one.
        near: the near clipping plane, m.

    Raises:
        BadMessageError: another pixel format, or sizes that do not fit.
    """
    if image.pixel_format_type != _DEPTH:
        raise BadMessageError(f"pixel format {image.pixel_format_type} is no depth (R_FLOAT32)")
    metres = _rows(image, 4).view("<f4").reshape(image.height, image.width)
    return np.asarray(np.where(np.isnan(metres), np.inf, np.maximum(metres, near)), np.float32)


def _rows(image: Any, size: int) -> NDArray[np.uint8]:
    """The picture's bytes (height, width x size) without what pads its rows."""
    width, height = image.width, image.height
    step = image.step or width * size
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST and step >= width * size):
        raise BadMessageError(f"a picture of {width} x {height} px with {step} bytes a row")
    if len(image.data) != step * height:
        raise BadMessageError(
            f"{len(image.data)} bytes for a picture of {width} x {height} px: not {step * height}"
        )
    rows = np.frombuffer(image.data, np.uint8).reshape(height, step)
    return np.ascontiguousarray(rows[:, : width * size])


def field_of_view(info: Any) -> float:
    """A ``CameraInfo``'s field of view across the width, rad: 2 atan(w / 2 f), f in px.

    Raises:
        BadMessageError: no focal length in it.
    """
    if len(info.intrinsics.k) != 9 or not info.width:
        raise BadMessageError("a camera without intrinsics")
    focal = info.intrinsics.k[0]
    if not (math.isfinite(focal) and focal > 0):
        raise BadMessageError(f"a focal length of {focal} px")
    return 2 * math.atan(info.width / (2 * focal))


@dataclass(frozen=True)
class Placed:
    """Place (3,), m, and attitude as a unit quaternion (4,) w, x, y, z, against its parent."""

    position: Floats
    quaternion: Floats


def poses(message: Any, names: frozenset[str]) -> dict[str, Placed]:
    """The poses of a ``Pose_V`` that have one of some names; the first where a name comes again.

    Raises:
        BadMessageError: one of them is not a pose.
    """
    placed: dict[str, Placed] = {}
    for pose in message.pose:
        if pose.name not in names or pose.name in placed:
            continue
        position = np.array([pose.position.x, pose.position.y, pose.position.z])
        turn = pose.orientation
        quaternion = np.array([turn.w, turn.x, turn.y, turn.z])
        length = float(np.linalg.norm(quaternion))
        if not (np.all(np.isfinite(position)) and 0.5 < length < 2.0):
            raise BadMessageError(f"the pose of {pose.name} is none")
        placed[pose.name] = Placed(position, quaternion / length)
    return placed
