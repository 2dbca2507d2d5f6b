"""What a simulated camera lacks and what it does otherwise than the protocol leads one to expect:
for tests of whoever speaks to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto

from cinempc.mavlink.dialect import mavlink

#: A card's size, MiB.
CARD = 65536.0


class Lacks(Flag):
    """What a camera may lack, or do wrong."""

    NOTHING = 0
    ZOOM = auto()  # no flag, and zoom commands are unsupported
    FOCUS = auto()
    APERTURE = auto()  # no such parameter
    FOCAL_LENGTHS = auto()  # zooms, but not by focal length
    ANSWERS = auto()  # does as it is told and says nothing
    REPORTS = auto()  # tells nothing of where the lens is
    PARAMETERS = auto()  # no extended parameters, no definition
    OBEDIENCE = auto()  # denies every order
    OLD_REQUESTS = auto()  # does not know the requests of before MAV_CMD_REQUEST_MESSAGE
    MODES = auto()  # no flag, and the order to change the mode is unsupported
    VIDEO = auto()  # no flag, and it records no video
    VIDEO_FLAG = auto()  # records, and its flags do not say so
    CAPTURE_STATUS = auto()  # does not tell whether it records
    STORAGE_STATUS = auto()  # does not tell of its card
    STREAM_STATUS = auto()  # does not tell of its streams' state
    STREAM_FLAG = auto()  # has streams, and its flags do not say so
    INFORMATION = auto()  # does not say what it is


@dataclass(frozen=True)
class Behaviour:
    """How a camera departs from what one expects.

    Attributes:
        kind: MAV_TYPE of its heartbeat.
        mode: CAMERA_MODE in which it is switched on.
        mode_takes: time, s, that a change of the mode by command takes; orders to record are
            temporarily rejected meanwhile.
        video_answers: MAV_RESULT of the first orders to record, which it does not carry out; from
            then on it does.
        loses: how many answers to orders to record are lost on the way; the orders are carried out.
        records: whether it records when it has said so.
        stops_after: time, s, after which a recording ends by itself.
        card: size and space left, MiB; STORAGE_STATUS beside them.
        clock_stands: whether its messages all have the same time since boot.
        first_stream: number of its first stream.
        counts_streams: whether its streams' messages say how many there are.
        all_streams: whether it sends all of them where all are asked for.
        definition: put in place of its definition file's address.
    """

    kind: int = mavlink.MAV_TYPE_CAMERA
    mode: int = mavlink.CAMERA_MODE_VIDEO
    mode_takes: float = 0.0
    video_answers: tuple[int, ...] = ()
    loses: int = 0
    records: bool = True
    stops_after: float | None = None
    card: tuple[float, float, int] = (CARD, CARD, mavlink.STORAGE_STATUS_READY)
    clock_stands: bool = False
    first_stream: int = 1
    counts_streams: bool = True
    all_streams: bool = True
    definition: str | None = None


#: One that does as the protocol says.
REGULAR = Behaviour()
