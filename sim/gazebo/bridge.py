"""The bridge: Gazebo's cameras as our camera's eye, with the truth of each picture.

It hears the cameras of the row that the lens needs now (`sim.gazebo.zoom`) and where the gimbal's
camera is, cuts each picture to the lens's field of view, and lays the lens's depth of field over
it: Gazebo renders everything sharp. Simulated time is Gazebo's, which is PX4's too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc.errors import CinempcError
from cinempc.rig.camera import Camera, LensState
from cinempc.rig.state import Frame
from cinempc.rig.subject import SubjectEstimate
from cinempc.rig.truth import FrameTruth
from sim.gazebo import messages, model, poses, trajectories, zoom
from sim.gazebo.messages import BadMessageError
from sim.gazebo.transport import Transport
from sim.gazebo.zoom import Row
from sim.scenery import actors
from sim.scenery.actors import Person
from sim.scenery.scene import Scene
from sim.sensors.camera import blur_px, defocus

#: Messages of one topic that wait to be read; pictures and depths of one camera that wait for
#: each other and for the camera's pose.
_INBOX, _WAITING = 8, 4
#: How long a camera is heard after it is needed no more, s: the lens may come back.
_LINGER = 2.0
#: A camera whose newest picture is so many periods old does not serve.
_SILENT = 1.6
#: Largest difference between a camera's field of view and that which it shall have.
_OFF = 0.01

_CAMERA_TOPICS = (("image", "Image"), ("depth_image", "Image"), ("camera_info", "CameraInfo"))
_PLACES = frozenset({model.NAME, model.LINK})


@dataclass
class _Camera:
    """A camera of the row that is heard."""

    needed: float = 0.0
    field_of_view: float | None = None
    images: dict[float, NDArray[np.uint8]] = field(default_factory=dict)
    depths: dict[float, NDArray[np.float32]] = field(default_factory=dict)
    newest: float = -np.inf


class GazeboEye:
    """Pictures out of Gazebo: a `cinempc.rig.protocols.Eye`.

    Args:
        transport: the way to Gazebo.
        world: the world's name.
        scene: which people there are, and where they walk.
        camera: its sensor, lens and picture, as the world was written for.
        lens: how the lens stood at a simulated time, s.
        seed: of the people, as the world was written with.
        blurred: whether depth of field is shown; else everything is sharp, as Gazebo renders it.
        action: simulated time at which the people begin, s, where the world says it.

    Attributes:
        action: simulated time at which the people began, s; None while they wait.
        given: pictures given; ``bad`` messages left out, ``late`` pictures dropped because they
            were not complete in time.
    """

    def __init__(
        self,
        transport: Transport,
        world: str,
        scene: Scene,
        camera: Camera,
        lens: Callable[[float], LensState],
        *,
        seed: int = 0,
        blurred: bool = True,
        action: float | None = None,
    ) -> None:
        self._transport, self._camera, self._lens = transport, camera, lens
        self._row, self._blurred = Row.of(camera), blurred
        self._cast = [
            (person, trajectories.trajectory(person)) for person in actors.people(scene, seed)
        ]
        self._inboxes: dict[tuple[int | None, str], deque[bytes]] = {}
        self._cameras: dict[int, _Camera] = {}
        self._track = poses.Track()
        self._last = -np.inf
        self._truth: FrameTruth | None = None
        self.action = self._written = action
        self.given = self.bad = self.late = 0
        self._hear(None, f"/world/{world}/dynamic_pose/info", "Pose_V")
        self._choose()

    @property
    def time(self) -> float:
        """Simulated time of the newest pose, s; minus infinity before the first message."""
        return self._track.newest

    # --- what is given ---

    def frame(self, pixels: bool = True) -> Frame | None:
        """The next frame that was not given yet, or None while there is none."""
        self._read()
        self._choose()
        newest = self._next()
        if newest is None:
            return None
        number, time = newest
        camera, placed = self._cameras[number], self._track.at(time)
        assert placed is not None
        image, depth = camera.images.pop(time), camera.depths.pop(time)
        state = self._lens(time)
        shown = replace(state, focal_length_mm=self._row.shown(number, state.focal_length_mm))
        wide = camera.field_of_view or self._row.steps[number].field_of_view
        picture, distance = zoom.cut(image, depth, wide, self._camera, shown.focal_length_mm)
        assert distance is not None
        sensor = self._camera.sensor
        if self._blurred and pixels:
            picture = defocus(picture, blur_px(distance, shown, sensor.width))
        pose = poses.camera_pose(placed)
        self._last = time
        self.given += 1
        self._truth = FrameTruth(time, pose, shown, self.subjects(time))
        return Frame(time, picture, pose, shown, (sensor.width, sensor.height), distance)

    def truth(self, time: float) -> FrameTruth | None:
        """The truth of the picture given last, if it was taken at that time, s."""
        truth = self._truth
        return truth if truth is not None and truth.time == time else None

    def subjects(self, time: float) -> dict[str, SubjectEstimate]:
        """Where the people are at a simulated time, s, by their id; covariances are zero.

        Gazebo does not tell: it moves its actors where it renders them. But it moves them as the
        world says, and the world was written from the scene.
        """
        return {
            person.actor.id: _subject(person, way, time, self.action) for person, way in self._cast
        }

    # --- what comes from Gazebo ---

    def _hear(self, number: int | None, topic: str, kind: str) -> None:
        inbox: deque[bytes] = deque(maxlen=_INBOX)
        self._inboxes[number, topic] = inbox
        self._transport.subscribe(topic, kind, inbox.append)

    def _choose(self) -> None:
        """Hear the cameras that the lens needs, and let go those that it has left."""
        now = self.time
        state = self._lens(now) if np.isfinite(now) else None
        focal = self._camera.focal_length.min if state is None else state.focal_length_mm
        for number in self._row.needed(focal):
            if number not in self._cameras:
                base = model.topic(self._row.steps[number].name)
                self._cameras[number] = _Camera()
                for part, kind in _CAMERA_TOPICS:
                    self._hear(number, f"{base}/{part}", kind)
            self._cameras[number].needed = now
        for number, camera in list(self._cameras.items()):
            if now - camera.needed > _LINGER:
                del self._cameras[number]
                for key in [key for key in self._inboxes if key[0] == number]:
                    self._transport.unsubscribe(key[1])
                    del self._inboxes[key]

    def _read(self) -> None:
        for (number, topic), inbox in list(self._inboxes.items()):
            while inbox:
                data = inbox.popleft()
                try:
                    if number is None:
                        self._take_poses(data)
                    else:
                        self._take(number, topic.rsplit("/", 1)[1], data)
                except BadMessageError:
                    self.bad += 1

    def _take_poses(self, data: bytes) -> None:
        message = messages.parse("Pose_V", data)
        places = messages.poses(message, _PLACES)
        if len(places) < len(_PLACES):
            return  # the vehicle is not there yet
        placed = poses.compose(places[model.NAME], places[model.LINK])
        if self._track.add(messages.stamp(message), placed):
            self._begin_anew()

    def _begin_anew(self) -> None:
        """The simulation was reset: what came before is of another time."""
        self._last, self.action = -np.inf, self._written
        for camera in self._cameras.values():
            camera.images.clear()
            camera.depths.clear()
            camera.newest = camera.needed = -np.inf

    def _take(self, number: int, part: str, data: bytes) -> None:
        camera = self._cameras[number]
        if part == "camera_info":
            self._take_info(number, messages.parse("CameraInfo", data))
            return
        message = messages.parse("Image", data)
        time = messages.stamp(message)
        if part == "image":
            _keep(camera.images, time, messages.picture(message))
            camera.newest = max(camera.newest, time)
        else:
            _keep(camera.depths, time, messages.depth(message, model.NEAR))

    def _take_info(self, number: int, message: Any) -> None:
        angle, step = messages.field_of_view(message), self._row.steps[number]
        if abs(angle / step.field_of_view - 1) > _OFF:
            raise CinempcError(
                f"Gazebo's camera {step.name} sees {np.degrees(angle):.2f} deg, and "
                f"{np.degrees(step.field_of_view):.2f} deg are expected: the world was written "
                "for another camera. Write it anew with the same script"
            )
        self._cameras[number].field_of_view = angle

    # --- which picture is next ---

    def _next(self) -> tuple[int, float] | None:
        """The camera and time of the next picture that is complete."""
        ready: list[tuple[float, int]] = []
        for number, camera in self._cameras.items():
            for time in sorted(camera.images):
                if time not in camera.depths or time <= self._last or time > self._track.newest:
                    continue
                if self._track.at(time) is not None and self._serves(number, time):
                    ready.append((time, number))
        if not ready:
            return None
        time, number = min(ready)
        self._drop(time)
        return number, time

    def _serves(self, number: int, time: float) -> bool:
        """Whether a camera's picture is the one to cut: the serving one's, or another's where that
        one has not begun yet."""
        serving = self._row.serving(self._lens(time).focal_length_mm)
        if number == serving:
            return True
        period = 1 / self._camera.picture.frame_rate
        best = self._cameras.get(serving)
        if best is not None and best.newest > time - _SILENT * period:
            return False
        alive = [
            k for k, c in self._cameras.items()
            if k != serving and c.newest > time - _SILENT * period
        ]  # fmt: skip
        # A shorter lens's picture can be cut, if coarser; a longer one's shows less than it should.
        shorter = [k for k in alive if k < serving]
        return number == (max(shorter) if shorter else min(alive, default=number))

    def _drop(self, time: float) -> None:
        """Forget what is older than a picture that is given."""
        for number, camera in self._cameras.items():
            gone = [t for t in camera.images if t < time]
            self.late += sum(t > self._last and self._serves(number, t) for t in gone)
            camera.images = {t: image for t, image in camera.images.items() if t >= time}
            camera.depths = {t: depth for t, depth in camera.depths.items() if t >= time}


def _keep(kept: dict[float, Any], time: float, value: Any) -> None:
    kept[time] = value
    while len(kept) > _WAITING:
        del kept[min(kept)]


def _subject(
    person: Person, way: trajectories.ActorTrajectory, time: float, action: float | None
) -> SubjectEstimate:
    own = 0.0 if action is None else max(time - action - way.delay, 0.0)
    subject = replace(actors.truth(person.actor, way.walk, way.began + own), time=time)
    # Who walks for ever has a walk's speed at the beginning of the round already.
    return subject if own > 0 else replace(subject, velocity=np.zeros(3))
