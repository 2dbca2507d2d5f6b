"""What a take on a vehicle is made with, beside the vehicle: its camera, and who finds subjects."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from cinempc.app import perception
from cinempc.app.flight.log import LOG, FlyEvent
from cinempc.app.options.takes import FlyOptions
from cinempc.app.perception import FlightPerceptionKind
from cinempc.app.script import actors_of
from cinempc.errors import CinempcError
from cinempc.flight.config import Flight
from cinempc.flight.rig import FlightRig
from cinempc.flight.video.eye import VideoEye
from cinempc.rig.camera import Camera
from cinempc.rig.protocols import Perception
from cinempc.rig.state import CameraPose, Frame
from cinempc.rig.subject import SubjectEstimate
from cinempc.rig.truth import FrameTruthPerception
from cinempc.script.load import Script
from cinempc.take.loop import GroundTruth

#: Time for the camera's first picture to come, wall s.
_FIRST_PICTURE = 20.0
#: Time between two looks for it, s.
_LOOK = 0.02


@dataclass(frozen=True)
class Crew:
    """What the take is made with, beside the rig.

    Attributes:
        eye: the camera's stream.
        camera: what the camera can do at present.
        whole: what it can do when it can do everything.
        script: with this camera and this gimbal.
        perception: finds the subjects.
        truth: what a simulator tells; None where there is none.
    """

    eye: VideoEye
    camera: Camera
    whole: Camera
    script: Script
    perception: Perception
    truth: GroundTruth | None


def video_eye(config: Flight, rig: FlightRig, camera: Camera) -> VideoEye:
    """The camera's stream.

    Raises:
        CinempcError: there is none.
    """
    video = config.video
    address = video.address or rig.abilities.video
    if address is None:
        unread = "; ".join(map(str, rig.abilities.unread))
        raise CinempcError(
            f"the camera offers no video stream{f' that can be read ({unread})' if unread else ''},"
            " and cinempc flies by what it sees: write 'video: {address: ...}' into the flight's "
            "file (rtsp://..., rtp://0.0.0.0:5600)"
        )
    return VideoEye(
        address,
        video.depth or rig.abilities.depth,
        camera,
        at=rig.at,
        utc=lambda: rig.report.utc,
        now=rig.now,
        latency=video.latency,
    )


@contextmanager
def crew(script: Script, rig: FlightRig, eye: VideoEye, options: FlyOptions) -> Iterator[Crew]:
    """The crew, once the camera's first picture has come.

    Raises:
        CinempcError: no picture came, or no truth with it where that is asked for.
    """
    first = _first_picture(eye)
    whole = _with_picture_of(script.camera, first)
    camera = rig.abilities.camera.model_copy(update={"picture": whole.picture})
    vehicle = script.vehicle.model_copy(update={"gimbal": rig.abilities.gimbal})
    script = replace(script, camera=camera, vehicle=vehicle)
    truth = None if eye.truth(first.time) is None else _ground_truth(actors_of(script), rig, eye)
    if options.perception is FlightPerceptionKind.truth:
        if truth is None:
            raise CinempcError(
                "no truth comes with the pictures: only this project's simulators tell it; use "
                "--perception yolo"
            )
        by_truth = FrameTruthPerception(actors_of(script), eye.truth)
        yield Crew(eye, camera, whole, script, by_truth, truth)
        return
    with perception.live_yolo(script, options.weights, options.depth) as detector:
        yield Crew(eye, camera, whole, script, detector, truth)


def _ground_truth(actors: dict[str, str], rig: FlightRig, eye: VideoEye) -> GroundTruth:
    """The truth that comes with the pictures."""

    def subjects(when: float) -> tuple[SubjectEstimate, ...]:
        known = eye.truth(when)
        if known is None:
            return ()
        return tuple(
            replace(known.actors[actor], id=name)
            for name, actor in actors.items()
            if actor in known.actors
        )

    def camera(when: float) -> CameraPose:
        known = eye.truth(when)
        return rig.at(when).camera if known is None else known.pose

    return GroundTruth(subjects, camera)


def _first_picture(eye: VideoEye) -> Frame:
    """The camera's first picture.

    Raises:
        CinempcError: none came.
    """
    end = time.monotonic() + _FIRST_PICTURE
    while time.monotonic() < end:
        frame = eye.frame()
        if frame is not None:
            return frame
        time.sleep(_LOOK)
    raise CinempcError(
        f"no picture came in {_FIRST_PICTURE:g} s: is the camera's stream on, and does it send to "
        "this computer? Another program may hold the port; `cinempc perceive ADDRESS` shows "
        "what comes"
    )


def _with_picture_of(camera: Camera, frame: Frame) -> Camera:
    """The camera with the picture size that its stream really has."""
    height, width = frame.image.shape[:2]
    shape = camera.sensor.width / camera.sensor.height
    if abs(width / height / shape - 1) > 0.02:
        LOG.log(FlyEvent.PICTURE_SHAPE, width=width, height=height, shape=shape)
    picture = camera.picture.model_copy(update={"width": width, "height": height})
    return camera.model_copy(update={"picture": picture})


def camera_in_flight(rig: FlightRig, whole: Camera, now: Camera) -> Callable[[], Camera]:
    """What the camera can do at a time: what it loses in flight is held where it stands then.

    Args:
        rig: that carries it.
        whole: the camera when it can do everything.
        now: what it can do at present.
    """
    held = rig.report.held

    def able() -> Camera:
        nonlocal held, now
        report = rig.report
        if report.held != held:
            held = report.held
            now = whole.holding(held, report.state.lens)
        return now

    return able
