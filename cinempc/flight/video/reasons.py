"""What is reported of a camera's streams: every kind of event, with its sentence."""

from __future__ import annotations

from enum import unique
from logging import ERROR, INFO, WARNING

from cinempc.rig.log import Kind


@unique
class VideoEvent(Kind):
    """What is reported."""

    NO_PICTURE = WARNING, "no picture came from {address} for {silence:g} s"
    PICTURES = INFO, "pictures come from {address}"
    UNAVAILABLE = WARNING, "{stream} at {address} cannot be had ({error}); tried again"
    PROCESS_ENDED = ERROR, "the video's process has ended; it is started again"
