"""From where somebody's footage was filmed: by what the user says, a drone's telemetry, and what
is assumed where neither says it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from cinempc.app.options.perception import PerceiveOptions
from cinempc.frames import yaw_enu_from_ned
from cinempc.mavlink import geodesy
from cinempc.rig.state import CameraPose
from perception.detect.detections import Detections
from perception.localise.detection import ObservationNoise
from perception.localise.pitch import PitchByPeople
from perception.localise.view import View
from perception.sources.source import SourceFrame
from perception.sources.telemetry import FILM_WIDTH, Sample, Telemetry

#: Height of a camera in somebody's hands, m.
_HELD = 1.6
#: Lowest height of a drone's camera, m: on its legs, and where its barometer has drifted.
_LOWEST = 0.1
#: How far a drone's own word is off, m and rad: its barometer and receiver within a take, and the
#: gimbal against the horizon. And a direction that is only assumed, rad.
_PLACE, _GIMBAL, _ASSUMED = 0.5, math.radians(1.0), math.radians(5.0)


@dataclass(frozen=True)
class Viewpoint:
    """How each picture of a source was taken.

    The world's origin is the ground below the first picture's camera; of a drone, at the height of
    its take-off point, from which it counts its height. What the user says goes before telemetry.
    A drone's pitch that neither tells is found by how tall people appear.

    Args:
        options: of the user.
        telemetry: of the drone that filmed; None where there is none.
    """

    options: PerceiveOptions
    telemetry: Telemetry | None = None
    _by_people: PitchByPeople = field(default_factory=PitchByPeople, init=False)

    def __call__(self, picture: SourceFrame) -> View | None:
        """The view of a picture; None where its focal length, height or pitch is not known."""
        size = (picture.image.shape[1], picture.image.shape[0])
        moment = self._moment(picture.time)
        focal, height = self._focal_px(moment, size), self._height(moment)
        if focal is None or height is None:
            return None
        yaw, pitch = self._yaw(moment), self._pitch(moment)
        if pitch is None and self.telemetry is not None:
            pitch = self._by_people.value
            if pitch is None:
                return None
        east, north = self._place(moment)
        pose = CameraPose(
            np.array([east, north, height]),
            0.0 if yaw is None else yaw,
            0.0 if pitch is None else pitch,
            0.0,
        )
        return View(pose, focal, size)

    def see(self, picture: SourceFrame, detections: Detections) -> None:
        """Take in what was found in a picture, for the views of those that follow."""
        size = (picture.image.shape[1], picture.image.shape[0])
        moment = self._moment(picture.time)
        focal, height = self._focal_px(moment, size), self._height(moment)
        if self.telemetry is None or self._pitch(moment) is not None:
            return
        if focal is not None and height is not None:
            self._by_people.see(detections, focal, size, height)

    @property
    def noise(self) -> ObservationNoise | None:
        """How far the views may be off; None for the usual."""
        if self.telemetry is None:
            return None
        moment = self._moment(self.telemetry.begin)
        told = self._yaw(moment) is not None and self._pitch(moment) is not None
        return ObservationNoise(position=_PLACE, angle=_GIMBAL if told else _ASSUMED)

    @property
    def description(self) -> str | None:
        """What the telemetry gives, what is assumed and what is missing, in a sentence; None
        without telemetry."""
        if self.telemetry is None:
            return None
        moment = self._moment(self.telemetry.begin)
        given = {
            "focal length": self.options.fov is None and moment.focal_mm is not None,
            "height": self.options.camera_height is None and moment.height is not None,
            "place": moment.latitude is not None,
            "heading": self.options.camera_heading is None and moment.yaw is not None,
            "pitch": self.options.camera_pitch is None and moment.pitch is not None,
        }
        said = ", ".join(name for name, there in given.items() if there) or "nothing that is used"
        size = (1920, 1080)
        missing = [
            name
            for name, value in (
                ("focal length (give --fov)", self._focal_px(moment, size)),
                ("height (give --camera-height)", self._height(moment)),
            )
            if value is None
        ]
        if missing:
            lacks = " and ".join(missing)
            return f"{self.telemetry.name}: {said}; no positions without the {lacks}"
        assumed = [
            text
            for text, value in (
                ("looks east (--camera-heading)", self._yaw(moment)),
                ("is tilted as people's heights tell (--camera-pitch)", self._pitch(moment)),
            )
            if value is None
        ]
        rest = f"; assumed: the camera {' and '.join(assumed)}" if assumed else ""
        return f"{self.telemetry.name}: {said}{rest}"

    def _moment(self, time: float) -> Sample:
        if self.telemetry is None:
            return Sample(time)
        return self.telemetry.at(time)

    def _focal_px(self, moment: Sample, size: tuple[int, int]) -> float | None:
        if self.options.fov is not None:
            return size[0] / 2 / math.tan(math.radians(self.options.fov) / 2)
        if moment.focal_mm is not None:
            return max(size) * moment.focal_mm / FILM_WIDTH
        return None

    def _height(self, moment: Sample) -> float | None:
        if self.options.camera_height is not None:
            return self.options.camera_height
        if self.telemetry is None:
            return _HELD
        return None if moment.height is None else max(moment.height, _LOWEST)

    def _place(self, moment: Sample) -> tuple[float, float]:
        """Metres east and north of where the film began."""
        if self.telemetry is None or moment.latitude is None or moment.longitude is None:
            return 0.0, 0.0
        first = self.telemetry.at(self.telemetry.begin)
        assert first.latitude is not None
        assert first.longitude is not None
        return geodesy.offset(first.latitude, first.longitude, moment.latitude, moment.longitude)

    def _yaw(self, moment: Sample) -> float | None:
        if self.options.camera_heading is not None:
            return float(yaw_enu_from_ned(math.radians(self.options.camera_heading)))
        return moment.yaw

    def _pitch(self, moment: Sample) -> float | None:
        if self.options.camera_pitch is not None:
            return math.radians(self.options.camera_pitch)
        return moment.pitch
