"""Options that the commands of simulations and set-ups share."""

from __future__ import annotations

from typing import Annotated

from cinempc.app.options.simulation import SettingOptions
from cinempc.cli.options import defaults, option
from sim.scenery.quality import Quality

_O = defaults(SettingOptions)

SceneScript = Annotated[str | None, option(_O, "script", "--script")]
VehicleName = Annotated[str, option(_O, "vehicle")]
CameraName = Annotated[str, option(_O, "camera")]
Instance = Annotated[int, option(_O, "instance")]
Pictures = Annotated[bool, option(_O, "pictures", "--pictures/--no-pictures")]
Size = Annotated[str | None, option(_O, "size", metavar="WxH")]
FrameRate = Annotated[float | None, option(_O, "frame_rate")]
PictureQuality = Annotated[Quality, option(_O, "quality")]
StreamTo = Annotated[str | None, option(_O, "stream_to", "--stream-to", metavar="HOST:PORT")]
