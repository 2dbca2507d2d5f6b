"""What is reported of sources of pictures: every kind of event, with its sentence."""

from __future__ import annotations

from enum import unique
from logging import INFO, WARNING

from cinempc.rig.log import Kind


@unique
class SourceEvent(Kind):
    """What is reported."""

    TELEMETRY = INFO, "{file}: a drone's telemetry of {seconds:.0f} s"
    NO_TELEMETRY = (
        WARNING,
        "{file}: it holds no drone's telemetry that can be read ({why}): not used",
    )
    OTHER_LENGTH = (
        WARNING,
        "{file}: it ends at {end:.0f} s and the video at {seconds:.0f} s: is it this video's?",
    )
    NO_TIMES = (
        WARNING,
        "{file}: its time stamps are too close to be times: taken as {rate:g} pictures a second",
    )
