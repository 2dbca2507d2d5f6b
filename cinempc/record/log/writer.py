"""Writes ``take.mcap``: every value of the cycle, for Foxglove.

Pictures, calibration, transforms, poses and the scene use Foxglove's own schemas, so that its
panels show them with no set-up; the rest are JSON channels with a JSON schema, to plot. Times
are those of the take's clock, from its zero. Frames: ``world`` (ENU), ``vehicle`` (FLU),
``camera`` (optical: x right, y down, z forward). A chunk is written twice a second: what a killed
process leaves can be read up to there.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import foxglove
from foxglove import channels
from foxglove.mcap import MCAPWriteOptions
from foxglove.messages import (
    CompressedImage,
    FrameTransforms,
    Log,
    LogLevel,
    Pose,
    PoseInFrame,
    SceneEntity,
    Timestamp,
)

from cinempc.files import GrowingFile
from cinempc.record.log import messages, rows
from cinempc.record.log.events import TakeEvent, TakeReporter
from cinempc.record.log.schemas import JSON_CHANNELS
from cinempc.record.metrics import plain
from cinempc.record.records import FrameRecord
from cinempc.record.stills import JPEG_QUALITY, jpeg
from cinempc.rig.camera import Camera
from cinempc.rig.events import CycleEvent, FrameEvent, Shot
from cinempc.rig.log import ROOT, Event, EventHandler, handled
from cinempc.rig.subject import SubjectEstimate

_ENCODER = json.JSONEncoder(allow_nan=False, default=plain)

#: Time between two chunks of the file, s: as much is lost when the process is killed.
_CHUNK = 0.5

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

    Raises:
        OSError: the file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        camera: Camera,
        shots: Sequence[Shot] = (),
        *,
        script: str = "",
        about: Mapping[str, Any] | None = None,
        jpeg_quality: int | None = JPEG_QUALITY,
    ) -> None:
        self.path = path
        self._coc_mm = camera.sensor.circle_of_confusion
        self._jpeg_quality = jpeg_quality
        self._reporter = TakeReporter(str(path), {shot.index: shot for shot in shots})
        self._newest = 0.0
        self._colours: dict[str, tuple[float, float, float]] = {}
        # The channels live as long as their context does.
        self._context = context = foxglove.Context()
        self._file = GrowingFile(path)
        self._written = 0.0  # until when, on the take's clock
        self._whole = threading.RLock()  # events come from all threads
        self._writer = foxglove.open_mcap(
            self._file,
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
        self._handling = ExitStack()
        self._handling.enter_context(handled(ROOT, EventHandler(self._take_event)))
        self._json = {
            topic: foxglove.Channel(topic, schema=schema, context=context)
            for topic, schema in JSON_CHANNELS.items()
        }

    def frame(self, event: FrameEvent, record: FrameRecord) -> None:
        """Log a picture and how well it met what was asked of it.

        Raises:
            OSError: the file cannot be written.
        """
        frame = event.frame
        at, nanoseconds = messages.timestamp(frame.time), messages.nanoseconds(frame.time)
        self._announce(event.shot_index, frame.time)
        if self._jpeg_quality is not None:
            data = jpeg(frame.image, self._jpeg_quality)
            picture = CompressedImage(timestamp=at, frame_id="camera", data=data, format="jpeg")
            self._image.log(picture, log_time=nanoseconds)
        self._calibration.log(messages.calibration(frame, at), log_time=nanoseconds)
        if event.true_pose is not None:
            true_pose = messages.optical_pose(event.true_pose)
            self._true_view.log(
                PoseInFrame(timestamp=at, frame_id="world", pose=true_pose), log_time=nanoseconds
            )
        if event.truth:
            entities = [self._subject(s, at, alpha=0.25) for s in event.truth]
            self._true_scene.log(messages.update(entities, at), log_time=nanoseconds)
            self._write("/truth", frame.time, rows.subjects(event.truth))
        self._write("/picture", frame.time, rows.picture(record, self._coc_mm))

    def cycle(self, event: CycleEvent) -> None:
        """Log a control step.

        Raises:
            OSError: the file cannot be written.
        """
        at, nanoseconds = messages.timestamp(event.time), messages.nanoseconds(event.time)
        self._announce(event.shot_index, event.time)
        state = event.state
        turned, looking = messages.body(*state.attitude), messages.optical(state.camera)
        vehicle = Pose(position=messages.vector3(state.position), orientation=turned)
        view = messages.optical_pose(state.camera)
        self._transforms.log(
            FrameTransforms(
                transforms=[
                    messages.transform("vehicle", state.position, turned, at),
                    messages.transform("camera", state.camera.position, looking, at),
                ]
            ),
            log_time=nanoseconds,
        )
        self._vehicle.log(
            PoseInFrame(timestamp=at, frame_id="world", pose=vehicle), log_time=nanoseconds
        )
        self._view.log(PoseInFrame(timestamp=at, frame_id="world", pose=view), log_time=nanoseconds)
        entities = [self._subject(s, at) for s in event.estimates]
        entities.append(messages.plan_line(event, at))
        self._scene.log(messages.update(entities, at), log_time=nanoseconds)
        self._write("/lens", event.time, rows.lens(state.lens, self._coc_mm))
        self._write("/rig", event.time, rows.rig(state))
        self._write("/subjects", event.time, rows.subjects(event.estimates))
        self._write("/solver", event.time, rows.solver(event))
        self._write("/violations", event.time, rows.violations(event))
        self._write("/plan", event.time, rows.plan(event.plan))
        self._reporter.cycle(event)

    def close(self) -> None:
        """Finish the file.

        Raises:
            OSError: it cannot be written: it can be read up to there.
        """
        with self._whole, ExitStack() as ends:
            for channel in self._json.values():
                ends.callback(channel.close)
            ends.callback(self._file.close)
            ends.callback(self._file.commit)
            ends.callback(self._writer.close)
            self._handling.close()

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
        """Report when a shot begins; write out what is buffered then, and twice a second."""
        self._newest = time
        if self._reporter.shot(index, time) or abs(time - self._written) >= _CHUNK:
            self._written = time
            with self._whole:
                self._writer.flush()
                self._file.commit()

    def _take_event(self, event: Event) -> None:
        """An event of any part: at its own time on the take's clock, or at the newest."""
        if isinstance(event.kind, TakeEvent) and event.data["take"] != str(self.path):
            return  # another one that is made in this process
        time = event.data.get("at", self._newest)
        level = LogLevel.Error if event.level >= logging.ERROR else LogLevel.Warning
        entry = Log(
            timestamp=messages.timestamp(time),
            level=level if event.level >= logging.WARNING else LogLevel.Info,
            message=event.text,
            name="cinempc",
        )
        with self._whole:
            self._events.log(entry, log_time=messages.nanoseconds(time))

    def _write(self, topic: str, time: float, values: Mapping[str, Any]) -> None:
        message = {"time": time, **values}
        try:
            text = _ENCODER.encode(message)
        except ValueError:  # it holds NaN or ∞, which JSON has not
            text = _ENCODER.encode(plain(message))
        self._json[topic].log(text, log_time=messages.nanoseconds(time))

    def _subject(self, s: SubjectEstimate, at: Timestamp, alpha: float = 0.6) -> SceneEntity:
        """A subject in a colour that it keeps."""
        colour = self._colours.setdefault(s.id, _COLOURS[len(self._colours) % len(_COLOURS)])
        return messages.subject_entity(s, at, colour, alpha)
