"""Opens video files and network streams by FFmpeg, the same way for all who read them."""

from __future__ import annotations

from typing import Any

import av
from av import VideoStream
from av.container import InputContainer
from av.format import Flags as FormatFlags
from av.stream import Disposition

from cinempc.video.timing import FILE_LEAP, STREAM_LEAP

#: What comes when it comes, and what can be opened by address at all.
LIVE_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "udp", "rtp", "srt", "tcp")
SCHEMES = (*LIVE_SCHEMES, "http", "https")
#: Streams that are pictures of something else than the film: covers, previews, tiles of a still.
_NO_FILM = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.dependent
#: What a stream marked as the default is worth, px, against a larger picture: as in FFmpeg's own
#: choice (fftools, ``map_auto_video``).
_DEFAULT_WORTH = 5_000_000


class NoVideoError(ValueError):
    """A file or stream without a video that can be decoded; says what it holds instead."""


def scheme_of(address: str) -> str:
    """The scheme of an address in lower case; empty for a file."""
    return address.split("://", 1)[0].lower() if "://" in address else ""


def open_video(
    address: str, timeout: float | tuple[float, float] | None = None, *, at_once: bool = False
) -> InputContainer:
    """A file or stream, opened to be read.

    Args:
        address: a path, or an address with a scheme.
        timeout: s, to open, and to wait for each packet; one for both, or one each.
        at_once: from the first picture on. Otherwise FFmpeg watches up to a second of a stream
            to find its frame rate, and throws it away.

    Raises:
        av.error.FFmpegError, OSError: it cannot be opened.
    """
    options = {}
    scheme = scheme_of(address)
    if scheme in LIVE_SCHEMES:
        # Drops what was read to recognise the stream: late by that much it would stay.
        options["fflags"] = "nobuffer"
    if at_once:
        options["fpsprobesize"] = "0"
    if scheme.startswith("rtsp"):
        options["rtsp_transport"] = "tcp"  # UDP loses packets, which smears pictures
    return av.open(address, options=options, timeout=timeout)


def videos(container: InputContainer) -> list[VideoStream]:
    """The streams that may be the film, the best first.

    Covers and previews are none. Of several streams a moving one goes before a single picture, and
    then the largest, where one that is marked as the default counts as 5 megapixels larger.

    Raises:
        NoVideoError: there is none.
    """
    pictures = list(container.streams.video)
    films = [s for s in pictures if not s.disposition & _NO_FILM]
    able = [s for s in films if s.codec_context is not None]
    if not able:
        raise NoVideoError(_without_video(container, pictures, films))

    def worth(stream: VideoStream) -> tuple[bool, int]:
        pixels = stream.codec_context.width * stream.codec_context.height
        marked = bool(stream.disposition & Disposition.default)
        return stream.frames != 1, pixels + _DEFAULT_WORTH * marked

    return sorted(able, key=worth, reverse=True)


def _without_video(
    container: InputContainer, pictures: list[VideoStream], films: list[VideoStream]
) -> str:
    if films:
        return "its video is of a kind that cannot be decoded here"
    if any(s.disposition & Disposition.dependent for s in pictures):
        return "it is a still picture in tiles (HEIC), not a video; save it as JPEG"
    if container.streams.audio:
        cover = " and a cover picture" if pictures else ""
        return f"it holds only audio{cover}, no video"
    return "it holds only a cover picture, no video" if pictures else "there is no video in it"


def leap_of(container: InputContainer) -> float:
    """How far time stamps may leap ahead, s, before it is the stream's clock that leapt."""
    discontinuous: Any = FormatFlags.ts_discont  # PyAV's stubs take it for its value
    return STREAM_LEAP if container.format.flags & discontinuous.value else FILE_LEAP


def reason(error: Exception) -> str:
    """What went wrong, in FFmpeg's words."""
    return getattr(error, "strerror", None) or str(error)
