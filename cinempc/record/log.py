"""Writes ``take.mcap``: every value of the cycle, for Foxglove.

Pictures, calibration, transforms, poses and the scene use Foxglove's own schemas, so that its
panels show them with no set-up; the rest are JSON channels with a JSON schema, to plot. Times
are those of the take's clock, from its zero. Frames: ``world`` (ENU), ``vehicle`` (FLU),
``camera`` (optical: x right, y down, z forward).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import foxglove
import numpy as np
from foxglove import channels
from foxglove.mcap import MCAPWriteOptions
from foxglove.messages import (
    ArrowPrimitive,
    CameraCalibration,
    Color,
    CompressedImage,
    CylinderPrimitive,
    Duration,
    FrameTransform,
    FrameTransforms,
    LinePrimitive,
    LinePrimitiveLineType,
    Log,
    LogLevel,
    Point3,
    Pose,
    PoseInFrame,
    Quaternion,
    SceneEntity,
    SceneEntityDeletion,
    SceneEntityDeletionType,
    SceneUpdate,
    TextPrimitive,
    Timestamp,
    Vector3,
)
from numpy.typing import NDArray

from cinempc.camera import Camera, LensState
from cinempc.lost import Loss, Phase, last_seen
from cinempc.mpc.plan import Origin, lens_state
from cinempc.record.events import CycleEvent, FrameEvent, Shot
from cinempc.record.metrics import FrameRecord, plain
from cinempc.rig import CameraPose, Frame
from cinempc.subject import SubjectEstimate

Floats = NDArray[np.float64]
Quat = tuple[float, float, float, float]

_NUMBER = {"type": ["number", "null"]}
_NUMBERS = {"type": "array", "items": {"type": "number"}}
_ROWS = {"type": "array", "items": _NUMBERS}
_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_INTEGER = {"type": "integer"}


def _schema(title: str, description: str, **properties: Any) -> dict[str, Any]:
    return {
        "title": title,
        "description": description,
        "type": "object",
        "properties": {"time": {"type": "number", "description": "s"}, **properties},
    }


def _rows_of(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


_SUBJECTS = _rows_of(
    id=_TEXT,
    category=_TEXT,
    position=_NUMBERS,
    velocity=_NUMBERS,
    heading=_NUMBER,
    height=_NUMBER,
    width=_NUMBER,
    covariance=_ROWS,
    heading_variance=_NUMBER,
    height_variance=_NUMBER,
    age=_NUMBER,
)

#: The JSON channels: topic, and the schema of its messages.
JSON_CHANNELS: dict[str, dict[str, Any]] = {
    "/lens": _schema(
        "cinempc.Lens",
        "The lens at a control step. An infinite distance is null; its dioptres are 0.",
        focal_length_mm=_NUMBER,
        focus_distance_m=_NUMBER,
        focus_dioptres=_NUMBER,
        f_number=_NUMBER,
        near_m=_NUMBER,
        far_m=_NUMBER,
    ),
    "/rig": _schema(
        "cinempc.RigState",
        "The rig as its own sensors report it; world ENU, m, rad.",
        position=_NUMBERS,
        velocity=_NUMBERS,
        speed=_NUMBER,
        attitude=_NUMBERS,
        camera_position=_NUMBERS,
        camera_angles=_NUMBERS,
        camera_rates=_NUMBERS,
        ready=_FLAG,
        problems={"type": "array", "items": _TEXT},
    ),
    "/subjects": _schema(
        "cinempc.Subjects", "What the controller believes of the subjects.", subjects=_SUBJECTS
    ),
    "/truth": _schema(
        "cinempc.Truth", "Where the subjects are, at a picture's time.", subjects=_SUBJECTS
    ),
    "/picture": _schema(
        "cinempc.Picture",
        "How well a picture met what was asked of it.",
        shot=_INTEGER,
        against_truth=_FLAG,
        targets=_rows_of(
            subject=_TEXT,
            point=_TEXT,
            framing_error_pct=_NUMBER,
            scale=_NUMBER,
            wanted_scale=_NUMBER,
            scale_error_pct=_NUMBER,
            in_frame=_FLAG,
        ),
        subjects=_rows_of(
            id=_TEXT, depth_m=_NUMBER, blur_mm=_NUMBER, sharp=_FLAG, estimate_error_m=_NUMBER
        ),
    ),
    "/solver": _schema(
        "cinempc.Solver",
        "The control step.",
        shot=_INTEGER,
        origin={"type": "string", "enum": [origin.value for origin in Origin]},
        cost=_NUMBER,
        step_ms=_NUMBER,
        deadline_missed=_FLAG,
    ),
    "/violations": _schema(
        "cinempc.Violations",
        "Soft constraints that were broken and by how much, in the constraint's unit.",
        total=_INTEGER,
        by_constraint={"type": "object", "additionalProperties": {"type": "number"}},
    ),
    "/plan": _schema(
        "cinempc.Plan",
        "States and inputs at the plan's nodes, in the order of cinempc/mpc/plan.py.",
        times=_NUMBERS,
        states=_ROWS,
        inputs=_ROWS,
        headings=_NUMBERS,
        origin=_TEXT,
        focal_length_mm=_NUMBERS,
        f_number=_NUMBERS,
        focus_dioptres=_NUMBERS,
    ),
}

_COLOURS = ((0.36, 0.66, 0.96), (0.98, 0.68, 0.30), (0.50, 0.80, 0.46), (0.83, 0.54, 0.87))


class TakeLog:
    """A take's log being written; a context manager, its file is valid however the block is left.

    Args:
        path: the MCAP to write; one that is there is overwritten.
        camera: the camera that films.
        shots: of the take.
        script: the script's text, attached to the file.
        about: short facts (seed, version), kept as the file's metadata.
        jpeg_quality: of the pictures, 0..100; None leaves them out.
    """

    def __init__(
        self,
        path: Path,
        camera: Camera,
        shots: Sequence[Shot] = (),
        *,
        script: str = "",
        about: Mapping[str, Any] | None = None,
        jpeg_quality: int | None = 85,
    ) -> None:
        self.path = path
        self._camera = camera
        self._shots = {shot.index: shot for shot in shots}
        self._jpeg_quality = jpeg_quality
        self._shot: int | None = None
        self._losses: dict[str, Loss] = {}
        self._colours: dict[str, tuple[float, float, float]] = {}
        # The channels live as long as their context does.
        self._context = context = foxglove.Context()
        self._writer = foxglove.open_mcap(
            path,
            allow_overwrite=True,
            context=context,
            writer_options=MCAPWriteOptions(compression_threads=0),
        )
        facts = {str(key): str(value) for key, value in (about or {}).items()}
        if facts:
            self._writer.write_metadata("take", facts)
        if script:
            self._writer.attach(
                log_time=0,
                create_time=0,
                name="script.yaml",
                media_type="application/yaml",
                data=script.encode(),
            )
        self._image = channels.CompressedImageChannel("/camera/image", context=context)
        self._calibration = channels.CameraCalibrationChannel(
            "/camera/calibration", context=context
        )
        self._transforms = channels.FrameTransformsChannel("/tf", context=context)
        self._vehicle = channels.PoseInFrameChannel("/vehicle/pose", context=context)
        self._view = channels.PoseInFrameChannel("/camera/pose", context=context)
        self._true_view = channels.PoseInFrameChannel("/camera/true_pose", context=context)
        self._scene = channels.SceneUpdateChannel("/scene", context=context)
        self._true_scene = channels.SceneUpdateChannel("/scene/truth", context=context)
        self._events = channels.LogChannel("/events", context=context)
        self._json = {
            topic: foxglove.Channel(topic, schema=schema, context=context)
            for topic, schema in JSON_CHANNELS.items()
        }

    def frame(self, event: FrameEvent, record: FrameRecord) -> None:
        """Log a picture and how well it met what was asked of it."""
        frame = event.frame
        at, nanoseconds = _timestamp(frame.time), _nanoseconds(frame.time)
        self._announce(event.shot_index, frame.time)
        if self._jpeg_quality is not None:
            data = jpeg(frame.image, self._jpeg_quality)
            picture = CompressedImage(timestamp=at, frame_id="camera", data=data, format="jpeg")
            self._image.log(picture, log_time=nanoseconds)
        self._calibration.log(_calibration(frame, at), log_time=nanoseconds)
        if event.true_pose is not None:
            pose = PoseInFrame(timestamp=at, frame_id="world", pose=_optical_pose(event.true_pose))
            self._true_view.log(pose, log_time=nanoseconds)
        if event.truth:
            entities = [self._subject(s, at, alpha=0.25) for s in event.truth]
            self._true_scene.log(_update(entities, at), log_time=nanoseconds)
            self._write("/truth", frame.time, subjects=[_subject_row(s) for s in event.truth])
        self._write(
            "/picture",
            frame.time,
            shot=record.shot_index,
            against_truth=record.against_truth,
            targets=[
                {
                    "subject": target.subject,
                    "point": target.point,
                    "framing_error_pct": target.framing_error_pct,
                    "scale": target.scale,
                    "wanted_scale": target.wanted_scale,
                    "scale_error_pct": target.scale_error_pct,
                    "in_frame": target.in_frame,
                }
                for target in record.targets
            ],
            subjects=[
                {
                    "id": s.id,
                    "depth_m": s.depth,
                    "blur_mm": s.blur_mm,
                    "sharp": s.blur_mm <= self._camera.sensor.circle_of_confusion,
                    "estimate_error_m": s.estimate_error_m,
                }
                for s in record.subjects
            ],
        )

    def cycle(self, event: CycleEvent) -> None:
        """Log a control step."""
        at, nanoseconds = _timestamp(event.time), _nanoseconds(event.time)
        self._announce(event.shot_index, event.time)
        state = event.state
        vehicle = Pose(position=_vector3(state.position), orientation=_body(*state.attitude))
        view = _optical_pose(state.camera)
        self._transforms.log(
            FrameTransforms(
                transforms=[
                    _transform("vehicle", state.position, _body(*state.attitude), at),
                    _transform("camera", state.camera.position, _optical(state.camera), at),
                ]
            ),
            log_time=nanoseconds,
        )
        self._vehicle.log(
            PoseInFrame(timestamp=at, frame_id="world", pose=vehicle), log_time=nanoseconds
        )
        self._view.log(PoseInFrame(timestamp=at, frame_id="world", pose=view), log_time=nanoseconds)
        entities = [self._subject(s, at) for s in event.estimates]
        entities.append(_plan_line(event, at))
        self._scene.log(_update(entities, at), log_time=nanoseconds)
        self._write("/lens", event.time, **self._lens_row(state.lens))
        self._write(
            "/rig",
            event.time,
            position=state.position.tolist(),
            velocity=state.velocity.tolist(),
            speed=float(np.linalg.norm(state.velocity)),
            attitude=list(state.attitude),
            camera_position=state.camera.position.tolist(),
            camera_angles=[state.camera.yaw, state.camera.pitch, state.camera.roll],
            camera_rates=state.camera_rates.tolist(),
            ready=state.health.ready,
            problems=list(state.health.problems),
        )
        self._write("/subjects", event.time, subjects=[_subject_row(s) for s in event.estimates])
        self._write(
            "/solver",
            event.time,
            shot=event.shot_index,
            origin=event.plan.origin.value,
            cost=event.plan.cost,
            step_ms=event.step_ms,
            deadline_missed=event.deadline_missed,
        )
        self._write(
            "/violations",
            event.time,
            total=len(event.violations),
            by_constraint=dict(event.violations),
        )
        self._write_plan(event)
        for problem in state.health.problems:
            self._say(problem, event.time, LogLevel.Warning)
        self._say_losses(event)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
        for channel in self._json.values():
            channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _announce(self, index: int, time: float) -> None:
        """Say when a shot begins, and write out what is buffered: a shot is not lost whole."""
        if index == self._shot:
            return
        self._shot = index
        self._writer.flush()
        shot = self._shots.get(index)
        words = f"shot {index + 1}" if shot is None else f"shot {index + 1}: {shot.name}"
        self._say(words if shot is None else f"{words} ({shot.move})", time, LogLevel.Info)

    def _say_losses(self, event: CycleEvent) -> None:
        """Say who is lost, what is done about it, and who is found again."""
        before, now = self._losses, dict(event.losses)
        self._losses = now
        seen = {s.id: last_seen(s) for s in event.estimates}
        for name, loss in before.items():
            if name in now:
                continue
            words = "found again" if loss.is_found(seen.get(name)) else "not needed any more"
            self._say(f"{name} {words}", event.time, LogLevel.Info)
        for name, loss in now.items():
            if name not in before:
                words = f"{name} lost, last seen at {loss.last_seen:.1f} s"
                self._say(words, event.time, LogLevel.Warning)
            hovers = event.plan.origin is Origin.HOVERING and loss.phase is Phase.HOVER
            if hovers and (name not in before or before[name].phase is not Phase.HOVER):
                self._say(f"hovering until {name} is seen", event.time, LogLevel.Warning)

    def _say(self, message: str, time: float, level: LogLevel) -> None:
        self._events.log(
            Log(timestamp=_timestamp(time), level=level, message=message, name="cinempc"),
            log_time=_nanoseconds(time),
        )

    def _write(self, topic: str, time: float, **values: Any) -> None:
        message = json.dumps(plain({"time": time, **values}), allow_nan=False)
        self._json[topic].log(message, log_time=_nanoseconds(time))

    def _write_plan(self, event: CycleEvent) -> None:
        plan = event.plan
        lenses = [lens_state(x[15:18]) for x in plan.states]
        self._write(
            "/plan",
            event.time,
            times=plan.times.tolist(),
            states=np.round(plan.states, 6).tolist(),
            inputs=np.round(plan.inputs, 6).tolist(),
            headings=np.round(plan.headings, 6).tolist(),
            origin=plan.origin.value,
            focal_length_mm=[round(state.focal_length_mm, 4) for state in lenses],
            f_number=[round(state.f_number, 4) for state in lenses],
            focus_dioptres=np.round(plan.states[:, 16], 6).tolist(),
        )

    def _lens_row(self, state: LensState) -> dict[str, float]:
        near, far = state.depth_of_field(self._camera.sensor.circle_of_confusion)
        return {
            "focal_length_mm": state.focal_length_mm,
            "focus_distance_m": state.focus_distance_m,
            "focus_dioptres": 1 / state.focus_distance_m,
            "f_number": state.f_number,
            "near_m": near,
            "far_m": far,
        }

    def _subject(self, s: SubjectEstimate, at: Timestamp, alpha: float = 0.6) -> SceneEntity:
        """A subject as a cylinder with its name, and an arrow where it looks."""
        red, green, blue = self._colours.setdefault(
            s.id, _COLOURS[len(self._colours) % len(_COLOURS)]
        )
        middle = s.position + np.array([0.0, 0.0, s.height / 2])
        upright = Quaternion(x=0.0, y=0.0, z=0.0, w=1.0)
        facing = _body(s.heading, 0.0, 0.0)
        body = CylinderPrimitive(
            pose=Pose(position=_vector3(middle), orientation=upright),
            size=Vector3(x=s.width, y=s.width, z=s.height),
            bottom_scale=1.0,
            top_scale=1.0,
            color=Color(r=red, g=green, b=blue, a=alpha),
        )
        arrow = ArrowPrimitive(
            pose=Pose(position=_vector3(s.point("chest")), orientation=facing),
            shaft_length=0.6,
            shaft_diameter=0.06,
            head_length=0.2,
            head_diameter=0.16,
            color=Color(r=red, g=green, b=blue, a=min(1.0, alpha + 0.3)),
        )
        label = TextPrimitive(
            pose=Pose(
                position=_vector3(s.point("top") + np.array([0.0, 0.0, 0.25])),
                orientation=upright,
            ),
            billboard=True,
            font_size=14.0,
            scale_invariant=True,
            color=Color(r=red, g=green, b=blue, a=1.0),
            text=s.id,
        )
        return SceneEntity(
            timestamp=at,
            frame_id="world",
            id=s.id,
            lifetime=Duration(sec=0, nsec=500_000_000),
            cylinders=[body],
            arrows=[arrow],
            texts=[label],
        )


def jpeg(image: NDArray[np.uint8], quality: int = 85) -> bytes:
    """An RGB picture as JPEG."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    fine, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not fine:
        raise ValueError(f"no JPEG can be made of a picture of shape {image.shape}")
    return bytes(data)


def _calibration(frame: Frame, at: Timestamp) -> CameraCalibration:
    """The pinhole that made the picture; the principal point is its middle."""
    height, width = frame.image.shape[:2]
    fx = frame.lens.focal_length_mm / frame.sensor_mm[0] * width
    fy = frame.lens.focal_length_mm / frame.sensor_mm[1] * height
    cx, cy = width / 2, height / 2
    return CameraCalibration(
        timestamp=at,
        frame_id="camera",
        width=width,
        height=height,
        K=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        R=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        P=[fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def body_quaternion(yaw: float, pitch: float, roll: float) -> Quat:
    """World from body (FLU) as (x, y, z, w), for angles of `cinempc.frames`' camera convention:
    Rz(yaw) Ry(-pitch) Rx(roll), for pitch is positive nose up."""
    cy, sy = math.cos(yaw / 2), math.sin(yaw / 2)
    cp, sp = math.cos(-pitch / 2), math.sin(-pitch / 2)
    cr, sr = math.cos(roll / 2), math.sin(roll / 2)
    return (
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
        cr * cp * cy + sr * sp * sy,
    )


def optical_quaternion(yaw: float, pitch: float, roll: float) -> Quat:
    """World from camera (optical) as (x, y, z, w)."""
    x, y, z, w = body_quaternion(yaw, pitch, roll)
    # Times FLU from optical, which is (-1/2, 1/2, -1/2, 1/2).
    return (
        (x - y - z - w) / 2,
        (x + y - z + w) / 2,
        (x + y + z - w) / 2,
        (x - y + z + w) / 2,
    )


def _optical(pose: CameraPose) -> Quaternion:
    return _quaternion(optical_quaternion(pose.yaw, pose.pitch, pose.roll))


def _body(yaw: float, pitch: float, roll: float) -> Quaternion:
    return _quaternion(body_quaternion(yaw, pitch, roll))


def _quaternion(q: Quat) -> Quaternion:
    return Quaternion(x=q[0], y=q[1], z=q[2], w=q[3])


def _optical_pose(pose: CameraPose) -> Pose:
    return Pose(position=_vector3(pose.position), orientation=_optical(pose))


def _vector3(values: Iterable[float]) -> Vector3:
    x, y, z = (float(value) for value in values)
    return Vector3(x=x, y=y, z=z)


def _transform(child: str, position: Floats, rotation: Quaternion, at: Timestamp) -> FrameTransform:
    return FrameTransform(
        timestamp=at,
        parent_frame_id="world",
        child_frame_id=child,
        translation=_vector3(position),
        rotation=rotation,
    )


def _plan_line(event: CycleEvent, at: Timestamp) -> SceneEntity:
    points = [Point3(x=float(x[0]), y=float(x[1]), z=float(x[2])) for x in event.plan.states]
    solved = event.plan.origin is Origin.SOLVED
    line = LinePrimitive(
        type=LinePrimitiveLineType.LineStrip,
        pose=Pose(
            position=Vector3(x=0.0, y=0.0, z=0.0),
            orientation=Quaternion(x=0.0, y=0.0, z=0.0, w=1.0),
        ),
        thickness=3.0,
        scale_invariant=True,
        points=points,
        color=Color(r=0.3, g=0.9, b=0.5, a=1.0) if solved else Color(r=0.95, g=0.3, b=0.2, a=1.0),
    )
    return SceneEntity(
        timestamp=at,
        frame_id="world",
        id="plan",
        lifetime=Duration(sec=0, nsec=500_000_000),
        lines=[line],
    )


def _update(entities: list[SceneEntity], at: Timestamp) -> SceneUpdate:
    # Old ones go first: a subject that is no longer estimated must not stay in the picture.
    gone = SceneEntityDeletion(timestamp=at, type=SceneEntityDeletionType.All, id="")
    return SceneUpdate(deletions=[gone], entities=entities)


def _subject_row(s: SubjectEstimate) -> dict[str, Any]:
    return {
        "id": s.id,
        "category": s.category,
        "position": s.position.tolist(),
        "velocity": s.velocity.tolist(),
        "heading": s.heading,
        "height": s.height,
        "width": s.width,
        "covariance": np.round(s.covariance, 9).tolist(),
        "heading_variance": s.heading_variance,
        "height_variance": s.height_variance,
        "age": s.age,
    }


def _nanoseconds(time: float) -> int:
    """Log time; a clock that starts a little below zero is cut off there, MCAP has no sign."""
    return max(0, round(time * 1e9)) if math.isfinite(time) else 0


def _timestamp(time: float) -> Timestamp:
    seconds, nanoseconds = divmod(_nanoseconds(time), 1_000_000_000)
    return Timestamp(sec=seconds, nsec=nanoseconds)
